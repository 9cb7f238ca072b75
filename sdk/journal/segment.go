package journal

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/veriproof/notary/attestation/transcript"
	"github.com/veriproof/notary/sdk/receipt"
)

// A Segment is the body of a segment entry: the records of one session from one
// export request. Its leaf hashes are in clear (salted, they tell nothing), so
// that a restarted notary and an auditor rebuild every root without any secret,
// also after an erasure.
//
// Encoding, integers in big endian:
//
//	format (1, value 1) || DEK commitment (32) || SHA-256(wrapped DEK) (32) || u32 n || n leaf hashes (32 each) || ciphertext
type Segment struct {
	DEKCommitment receipt.Hash
	WrappedDEK    receipt.Hash // SHA-256 of the wrapped DEK
	Leaves        []receipt.Hash
	Ciphertext    []byte

	// room is the memory before a ciphertext that was sealed here, for the rest of the
	// entry, so that nothing is copied.
	room []byte
}

// MaxLeaves bounds the records of one segment.
const MaxLeaves = 1 << 20

const segmentPrefix = 1 + 32 + 32 + 4

// ErrSegment says that a segment is malformed or does not open.
var ErrSegment = errors.New("segment does not open")

// Encode returns the segment's body bytes. They are made in place, if the segment was
// sealed here: whoever changes them changes the segment.
func (s *Segment) Encode() []byte { return s.Framed()[Overhead:] }

// Framed returns the body behind Overhead bytes of room for the rest of its entry, which
// [Entry.Frame] completes.
func (s *Segment) Framed() []byte {
	head := Overhead + segmentPrefix + 32*len(s.Leaves)
	inPlace := len(s.room) == head && cap(s.room) >= head+len(s.Ciphertext) && len(s.Ciphertext) > 0 && &s.room[:head+1][head] == &s.Ciphertext[0]
	b := s.room
	if !inPlace {
		b = make([]byte, Overhead, head+len(s.Ciphertext))
	}
	b = append(b[:Overhead], formatV1)
	b = append(b, s.DEKCommitment[:]...)
	b = append(b, s.WrappedDEK[:]...)
	b = binary.BigEndian.AppendUint32(b, uint32(len(s.Leaves)))
	for i := range s.Leaves {
		b = append(b, s.Leaves[i][:]...)
	}
	if inPlace {
		return b[:head+len(s.Ciphertext)]
	}
	return append(b, s.Ciphertext...)
}

// ParseSegment reads a segment's body. The ciphertext points into b.
func ParseSegment(b []byte) (*Segment, error) {
	if len(b) < segmentPrefix || b[0] != formatV1 {
		return nil, fmt.Errorf("%w: malformed body of %d bytes", ErrSegment, len(b))
	}
	s := &Segment{DEKCommitment: receipt.Hash(b[1:33]), WrappedDEK: receipt.Hash(b[33:65])}
	n := binary.BigEndian.Uint32(b[65:])
	b = b[segmentPrefix:]
	if n == 0 || n > MaxLeaves || int(n) > len(b)/32 {
		return nil, fmt.Errorf("%w: %d leaves in %d bytes", ErrSegment, n, len(b))
	}
	s.Leaves = make([]receipt.Hash, n)
	for i := range s.Leaves {
		s.Leaves[i], b = receipt.Hash(b[:32]), b[32:]
	}
	s.Ciphertext = b
	return s, nil
}

// segmentAAD binds a ciphertext to its place: moved to another epoch, session,
// part or number, it does not open.
func segmentAAD(id receipt.PartID, number uint64) []byte {
	return appendSegmentAAD(nil, id, number)
}

func appendSegmentAAD(b []byte, id receipt.PartID, number uint64) []byte {
	return append(b, ofPart(transcript.New("veriproof-notary/segment/v1"), id).Uint64(number).Encode()...)
}

// segmentNonce is u32 0 || u64 segment number, big endian. The key is the
// part's own and a number is never used twice, so no nonce repeats.
func segmentNonce(number uint64) []byte {
	return appendSegmentNonce(make([]byte, 0, 12), number)
}

func appendSegmentNonce(b []byte, number uint64) []byte {
	return be64(append(b, 0, 0, 0, 0), number)
}

// SealSegment hashes and encrypts the records of one segment. A number must
// never be used twice with the same keys: the caller takes it under the part's
// lock.
func (k *PartKeys) SealSegment(number uint64, wrappedDEK receipt.Hash, c *Content) *Segment {
	return k.SealSegmentIn(func(size int) []byte { return make([]byte, size) }, number, wrappedDEK, c)
}

// SealSegmentIn is SealSegment into memory that room gives, which never has plaintext in
// it. It may have anything else, and lives as long as the segment.
func (k *PartKeys) SealSegmentIn(room func(size int) []byte, number uint64, wrappedDEK receipt.Hash, c *Content) *Segment {
	work := sealings.Get().(*sealing)
	defer work.free()
	work.plain = c.pad(work.plain, &work.contexts)
	s := &Segment{DEKCommitment: k.Commitment, WrappedDEK: wrappedDEK, Leaves: k.sealedLeaves(number, c, &work.contexts)}
	head := Overhead + segmentPrefix + 32*len(s.Leaves)
	s.room = room(head + len(work.plain) + gcmTag)[:head]
	work.nonce, work.aad = appendSegmentNonce(work.nonce[:0], number), appendSegmentAAD(work.aad[:0], k.ID, number)
	s.Ciphertext = k.segment.Seal(s.room, work.nonce, work.plain, work.aad)[head:]
	return s
}

const gcmTag = 16

// leafHashes returns the leaf hashes of the records, whose contexts are numbered.
func (k *PartKeys) leafHashes(number uint64, c *Content, t *contexts) []receipt.Hash {
	leaves, m := make([]receipt.Hash, len(c.Records)), k.leaves(number)
	for i := range c.Records {
		r, at := &c.Records[i], t.of[i]
		edits := receipt.EditCommitment(m.editKey(uint32(i)), r.Edits)
		leaves[i] = r.ContextLeafHash(m.salt(uint32(i)), edits, t.hashes[at.resource], t.hashes[at.scope])
	}
	return leaves
}

// OpenSegment decrypts a segment and checks that its leaf hashes are those of
// the records.
func (k *PartKeys) OpenSegment(number uint64, s *Segment) (*Content, error) {
	if s.DEKCommitment != k.Commitment {
		return nil, fmt.Errorf("%w: segment %d is committed to another key", ErrSegment, number)
	}
	plain, err := k.segment.Open(nil, segmentNonce(number), s.Ciphertext, segmentAAD(k.ID, number))
	if err != nil {
		return nil, fmt.Errorf("%w: segment %d was changed or moved, or the key is another", ErrSegment, number)
	}
	c, err := parseContent(plain)
	if err != nil {
		return nil, err
	}
	if len(c.Records) != len(s.Leaves) {
		return nil, fmt.Errorf("%w: segment %d has %d records and %d leaves", ErrSegment, number, len(c.Records), len(s.Leaves))
	}
	var t contexts
	for i := range c.Records {
		t.add(&c.Records[i])
	}
	for i, leaf := range k.leafHashes(number, c, &t) {
		if leaf != s.Leaves[i] {
			return nil, fmt.Errorf("%w: record %d of segment %d is not the one its leaf commits to", ErrSegment, i, number)
		}
	}
	return c, nil
}

func be64(b []byte, n uint64) []byte { return binary.BigEndian.AppendUint64(b, n) }
func readBE64(b []byte) uint64       { return binary.BigEndian.Uint64(b) }

// CloseCommitment is what goes to the log when an epoch ends, by a close or a
// fence entry at seq with this chain value.
func CloseCommitment(epoch receipt.Epoch, seq uint64, chain receipt.Hash) receipt.Hash {
	return transcript.New("veriproof-notary/close-commitment/v1").Bytes(epoch[:]).Uint64(seq).Bytes(chain[:]).Sum()
}

// CheckpointCommitment is what goes to the log about a chain that grows. The
// 32 random bytes stay in the checkpoint entry, so that the log tells nothing.
func CheckpointCommitment(epoch receipt.Epoch, seq uint64, chain receipt.Hash, random [32]byte) receipt.Hash {
	return transcript.New("veriproof-notary/checkpoint/v1").Bytes(epoch[:]).Uint64(seq).Bytes(chain[:]).Bytes(random[:]).Sum()
}
