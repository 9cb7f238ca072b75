package journal

import (
	"crypto/ed25519"
	"errors"
	"fmt"

	"github.com/veriproof/notary/attestation/transcript"
	"github.com/veriproof/notary/sdk/receipt"
)

// A Position is a signed statement that the epoch's chain had this value after
// entry Seq. Every OTLP response carries one: who keeps it can later prove that
// an entry was taken away.
type Position struct {
	Epoch     receipt.Epoch
	Seq       uint64
	Chain     receipt.Hash
	Signature []byte // Ed25519, 64 bytes
}

// PositionSize is the length of an encoded position.
const PositionSize = 16 + 8 + 32 + ed25519.SignatureSize

// ErrPosition says that a position is malformed or not signed by the key.
var ErrPosition = errors.New("journal position does not verify")

func positionMessage(epoch receipt.Epoch, seq uint64, chain receipt.Hash) []byte {
	return transcript.New("veriproof-notary/position/v1").Bytes(epoch[:]).Uint64(seq).Bytes(chain[:]).Encode()
}

// SignPosition signs (epoch, seq, chain) and returns the 64-byte signature.
func SignPosition(key ed25519.PrivateKey, epoch receipt.Epoch, seq uint64, chain receipt.Hash) []byte {
	return ed25519.Sign(key, positionMessage(epoch, seq, chain))
}

// Verify checks the signature.
func (p *Position) Verify(key ed25519.PublicKey) error {
	if len(key) != ed25519.PublicKeySize || len(p.Signature) != ed25519.SignatureSize ||
		!ed25519.Verify(key, positionMessage(p.Epoch, p.Seq, p.Chain), p.Signature) {
		return fmt.Errorf("%w: signature at seq %d is not by this key", ErrPosition, p.Seq)
	}
	return nil
}

// Encode returns epoch (16) || seq (8, big endian) || chain (32) || signature (64).
func (p *Position) Encode() []byte {
	b := append(make([]byte, 0, PositionSize), p.Epoch[:]...)
	b = be64(b, p.Seq)
	b = append(b, p.Chain[:]...)
	return append(b, p.Signature...)
}

// ParsePosition is the inverse of Encode. It checks no signature.
func ParsePosition(b []byte) (*Position, error) {
	if len(b) != PositionSize {
		return nil, fmt.Errorf("%w: %d bytes, want %d", ErrPosition, len(b), PositionSize)
	}
	p := &Position{Epoch: receipt.Epoch(b[:16]), Seq: readBE64(b[16:24]), Chain: receipt.Hash(b[24:56])}
	p.Signature = append([]byte(nil), b[56:]...)
	return p, nil
}

// ErrChain says that entries are not the gapless, chained and signed journal of
// one epoch.
var ErrChain = errors.New("journal chain is broken")

// A Reader checks one epoch's entries in order: same epoch, no gap, each chain
// value right. Signatures are checked once the epoch's key is known.
//
// The zero Reader, with Epoch set, starts at seq 0. A Reader is not safe for
// concurrent use.
type Reader struct {
	Epoch receipt.Epoch
	// Key is the epoch's signing key. A caller reads it from entry 0 and
	// decides whether the Evidence there binds it; until then it is nil and no
	// signature is checked.
	Key ed25519.PublicKey

	next   uint64
	chain  receipt.Hash
	signed uint64 // entries vouched for by a signature
	ended  Kind   // KindFence or KindClose, or 0
}

// Next checks e as the following entry of the epoch.
func (r *Reader) Next(e *Entry) error {
	switch {
	case e.Epoch != r.Epoch:
		return fmt.Errorf("%w: entry of another epoch at seq %d", ErrChain, r.next)
	case e.Seq != r.next && (r.ended != KindFence || e.Kind != KindFence || e.Seq < r.next):
		// A fence behind a fence leaves out places that are taken by groups which were
		// under way when the epoch ended.
		return fmt.Errorf("%w: entry %d where %d was expected", ErrChain, e.Seq, r.next)
	case (e.Seq == 0) != (e.Kind == KindEpoch):
		return fmt.Errorf("%w: %v entry at seq %d", ErrChain, e.Kind, e.Seq)
	case r.ended == KindFence && e.Kind != KindFence:
		// A fence may follow a fence whose author the next one does not believe;
		// either way the epoch's own notary writes no more.
		return fmt.Errorf("%w: %v entry %d follows a fence", ErrChain, e.Kind, e.Seq)
	case r.ended == KindClose && e.Kind != KindProof && e.Kind != KindFence:
		return fmt.Errorf("%w: %v entry %d follows the close entry", ErrChain, e.Kind, e.Seq)
	case e.Header.Chain(r.chain) != e.Chain:
		return fmt.Errorf("%w: chain value of entry %d does not follow from the one before", ErrChain, e.Seq)
	}
	// A fence is signed by its author, whose key its body leads to.
	if r.Key != nil && e.Signature != nil && e.Kind != KindFence {
		p := Position{Epoch: e.Epoch, Seq: e.Seq, Chain: e.Chain, Signature: e.Signature}
		if err := p.Verify(r.Key); err != nil {
			return fmt.Errorf("%w: %w", ErrChain, err)
		}
		r.signed = e.Seq + 1
	}
	if e.Kind == KindFence || e.Kind == KindClose {
		r.ended = e.Kind
	}
	r.next, r.chain = e.Seq+1, e.Chain
	return nil
}

// Head returns the seq that the next entry must have and the chain value
// before it.
func (r *Reader) Head() (next uint64, chain receipt.Hash) { return r.next, r.chain }

// Signed returns how many entries, from seq 0 on, a checked signature vouches
// for. Entries behind it were never acknowledged.
func (r *Reader) Signed() uint64 { return r.signed }

// Ended returns KindFence or KindClose if the epoch has ended, else 0.
func (r *Reader) Ended() Kind { return r.ended }
