package journal

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/veriproof/notary/attestation/transcript"
	"github.com/veriproof/notary/sdk/receipt"
)

// A Kind says what an entry's body is.
type Kind uint8

// The kinds of entry. The numbers stand in the header.
const (
	KindEpoch      Kind = 1  // EpochBody: runtime data, Evidence, heads of other epochs; always seq 0
	KindEvidence   Kind = 2  // EvidenceBody: renewed Evidence
	KindWrapKey    Kind = 3  // WrapKeyBody: a new wrap key, sealed to the recipients
	KindSegment    Kind = 4  // Segment: leaf hashes and ciphertext of records
	KindManifest   Kind = 5  // a receipt, the compact JWS as ASCII
	KindProof      Kind = 6  // ProofBody: the log proof of a commitment
	KindCheckpoint Kind = 7  // CheckpointBody: what was committed to the log about the chain
	KindErasure    Kind = 8  // ErasureBody: order of an operator to destroy a wrapped DEK
	KindRetention  Kind = 9  // RetentionBody: a part that is too old, a legal hold, or its end
	KindFence      Kind = 10 // FenceBody: another epoch ends this one
	KindClose      Kind = 11 // CloseBody: the epoch ends in good order
	KindExport     Kind = 12 // ExportBody: an operator takes bundles out of storage
	KindErased     Kind = 13 // ErasedBody: what became of orders to destroy wrapped DEKs
)

var kindNames = [...]string{
	KindEpoch: "epoch", KindEvidence: "evidence", KindWrapKey: "wrapkey", KindSegment: "segment",
	KindManifest: "manifest", KindProof: "proof", KindCheckpoint: "checkpoint", KindErasure: "erasure",
	KindRetention: "retention", KindFence: "fence", KindClose: "close", KindExport: "export",
	KindErased: "erased",
}

// String returns the kind's name.
func (k Kind) String() string {
	if int(k) < len(kindNames) && kindNames[k] != "" {
		return kindNames[k]
	}
	return fmt.Sprintf("kind %d", uint8(k))
}

// A Header is what the chain hashes of an entry. Its encoding is of fixed
// length, 102 bytes, with integers in big endian:
//
//	format (1, value 1) || epoch (16) || seq (8) || kind (1) || handle (32) || part (4) || segment (8) || SHA-256(body) (32)
type Header struct {
	Epoch receipt.Epoch
	// Seq numbers the entries of an epoch from 0 without a gap.
	Seq  uint64
	Kind Kind
	// Handle, Part and Segment name the session part and, for a segment, its
	// number in the part. They are zero where a kind has none.
	Handle  receipt.Handle
	Part    uint32
	Segment uint64
	Body    receipt.Hash // SHA-256 of the body
}

const (
	formatV1   = 1
	headerSize = 1 + 16 + 8 + 1 + 32 + 4 + 8 + 32
)

func (h *Header) append(b []byte) []byte {
	b = append(b, formatV1)
	b = append(b, h.Epoch[:]...)
	b = binary.BigEndian.AppendUint64(b, h.Seq)
	b = append(b, byte(h.Kind))
	b = append(b, h.Handle[:]...)
	b = binary.BigEndian.AppendUint32(b, h.Part)
	b = binary.BigEndian.AppendUint64(b, h.Segment)
	return append(b, h.Body[:]...)
}

// Chain returns the chain value after an entry with this header: SHA-256 of a
// transcript of the chain value before it and the header's encoding. The value
// before seq 0 is zero.
func (h *Header) Chain(prev receipt.Hash) receipt.Hash {
	return transcript.New("veriproof-notary/chain/v1").Bytes(prev[:]).
		Bytes(h.append(make([]byte, 0, headerSize))).Sum()
}

// An Entry is one row of the journal.
type Entry struct {
	Header
	// Chain is the chain value after this entry.
	Chain receipt.Hash
	// Signature is the Ed25519 signature of the position (epoch, seq, chain).
	// The last entry of each group commit carries one; others have none.
	Signature []byte
	// Body is nil if the body was retired.
	Body []byte
}

// MaxBody is the greatest length of a body in bytes. An encoded entry with such
// a body stays below 64 MiB, the most that a storage adapter takes as one object
// (sto v1).
const MaxBody = 64<<20 - 64<<10

// Overhead is the greatest length of an encoded entry without its body.
const Overhead = headerSize + 32 + 1 + 64 + 4

// Flags of an encoded entry.
const (
	flagSigned  = 1
	flagRetired = 2
)

// ErrEntry says that an encoded entry is malformed.
var ErrEntry = errors.New("malformed journal entry")

// Append appends the entry's encoding to b:
//
//	header (102) || chain (32) || flags (1) || signature (64, if flag 1) || u32 length || body (unless flag 2)
//
// Encodings are self-delimiting: a chunk of the journal is their concatenation.
func (e *Entry) Append(b []byte) []byte {
	b = e.append(b)
	b = append(b, e.Chain[:]...)
	var flags byte
	if e.Signature != nil {
		flags |= flagSigned
	}
	if e.Body == nil {
		flags |= flagRetired
	}
	b = append(b, flags)
	b = append(b, e.Signature...)
	if e.Body != nil {
		b = binary.BigEndian.AppendUint32(b, uint32(len(e.Body)))
		b = append(b, e.Body...)
	}
	return b
}

// Frame is Append in place, for a great body that stands behind Overhead bytes of room:
// framed is both, and the encoding is the end of it. The entry's own Body is not looked
// at.
func (e *Entry) Frame(framed []byte) []byte {
	x := *e
	x.Body = []byte{}
	var room [Overhead]byte
	head := x.Append(room[:0])
	binary.BigEndian.PutUint32(head[len(head)-4:], uint32(len(framed)-Overhead))
	encoding := framed[Overhead-len(head):]
	copy(encoding, head)
	return encoding
}

// Decode reads the entry at the start of b and returns what follows it. The
// entry's slices point into b. Decode checks the form and that the body is the
// one that the header names; the chain is checked by a Reader.
func Decode(b []byte) (e *Entry, rest []byte, err error) {
	if len(b) < headerSize+32+1 {
		return nil, nil, fmt.Errorf("%w: %d bytes", ErrEntry, len(b))
	}
	if b[0] != formatV1 {
		return nil, nil, fmt.Errorf("%w: format %d, this version reads %d", ErrEntry, b[0], formatV1)
	}
	e = new(Entry)
	p := b[1:]
	take := func(n int) (f []byte) { f, p = p[:n:n], p[n:]; return f }
	copy(e.Epoch[:], take(16))
	e.Seq = binary.BigEndian.Uint64(take(8))
	e.Kind = Kind(take(1)[0])
	if e.Kind < KindEpoch || e.Kind > KindErased {
		return nil, nil, fmt.Errorf("%w: %v is unknown in format %d", ErrEntry, e.Kind, formatV1)
	}
	copy(e.Handle[:], take(32))
	e.Part = binary.BigEndian.Uint32(take(4))
	e.Segment = binary.BigEndian.Uint64(take(8))
	copy(e.Header.Body[:], take(32))
	copy(e.Chain[:], take(32))
	flags := take(1)[0]
	if flags&^(flagSigned|flagRetired) != 0 {
		return nil, nil, fmt.Errorf("%w: flags %#x", ErrEntry, flags)
	}
	if flags&flagSigned != 0 {
		if len(p) < 64 {
			return nil, nil, fmt.Errorf("%w: signature is cut short", ErrEntry)
		}
		e.Signature = take(64)
	}
	if flags&flagRetired != 0 {
		return e, p, nil
	}
	if len(p) < 4 {
		return nil, nil, fmt.Errorf("%w: body is cut short", ErrEntry)
	}
	n := binary.BigEndian.Uint32(take(4))
	if n > MaxBody || int(n) > len(p) {
		return nil, nil, fmt.Errorf("%w: body of %d bytes where %d are left", ErrEntry, n, len(p))
	}
	e.Body = take(int(n))
	if sha256.Sum256(e.Body) != e.Header.Body {
		return nil, nil, fmt.Errorf("%w: body is not the one that the header names", ErrEntry)
	}
	return e, p, nil
}
