// Package seal keeps the secrets of an epoch while they are needed, and no
// longer: the wrap key that new session parts are wrapped under, and the keys of
// the parts that are open.
//
// The notary forgets a wrap key when the next one is durable, and a part's keys
// when the part is sealed; from then on it cannot read again what it has
// written. Formats and derivations are those of sdk/journal.
//
// A Ring is safe for concurrent use; a Part is guarded by its owner's lock.
package seal

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"sync"

	"github.com/veriproof/notary/attestation/transcript"
	format "github.com/veriproof/notary/sdk/journal"
	"github.com/veriproof/notary/sdk/receipt"
)

// ErrNoKey says that no wrap key is in use: none has been made durable yet, or
// the ring was wiped.
var ErrNoKey = errors.New("seal: no wrap key in use")

// A Ring holds the wrap key and the lookup key of one epoch.
type Ring struct {
	epoch      receipt.Epoch
	recipients []*format.Recipient

	mu     sync.RWMutex
	lookup *[32]byte // zero after Wipe
	wrap   *[32]byte // nil before the first Use and after Wipe
	number uint64
	used   bool
}

// NewRing makes the ring of a new epoch. There must be a recipient: what is
// encrypted to nobody is lost.
func NewRing(epoch receipt.Epoch, recipients []*format.Recipient) (*Ring, error) {
	if len(recipients) == 0 {
		return nil, errors.New("seal: no recipient")
	}
	return &Ring{epoch: epoch, recipients: recipients, lookup: format.NewSecret()}, nil
}

// Handle names a session towards storage. After Wipe it names nothing that ever was there.
func (r *Ring) Handle(tenant string, session []byte) receipt.Handle {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return format.SessionHandle(r.lookup, tenant, session)
}

// SealedLookup returns the lookup key, sealed to each recipient, for entry 0.
func (r *Ring) SealedLookup() ([]format.SealedSecret, error) {
	return r.sealed(format.LookupKey, 0, r.lookup)
}

func (r *Ring) sealed(p format.Purpose, number uint64, secret *[32]byte) ([]format.SealedSecret, error) {
	var out []format.SealedSecret
	for _, to := range r.recipients {
		ct, err := to.Seal(p, r.epoch, number, secret)
		if err != nil {
			return nil, fmt.Errorf("seal: encrypt to recipient %v: %w", to.ID(), err)
		}
		out = append(out, format.SealedSecret{Recipient: to.ID(), Ciphertext: ct})
	}
	return out, nil
}

// A Fresh is a wrap key that is not in use yet.
type Fresh struct {
	// Body is the body of the wrapkey entry, which must be durable before Use.
	Body   []byte
	number uint64
	key    *[32]byte
}

// Next makes the next wrap key.
func (r *Ring) Next() (*Fresh, error) {
	r.mu.RLock()
	number := r.number + 1
	r.mu.RUnlock()
	f := &Fresh{number: number, key: format.NewSecret()}
	sealed, err := r.sealed(format.WrapKey, number, f.key)
	if err != nil {
		return nil, err
	}
	f.Body, err = format.EncodeBody(format.WrapKeyBody{Number: number, Sealed: sealed})
	return f, err
}

// Use puts a durable wrap key into use and forgets the one before.
func (r *Ring) Use(f *Fresh) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.wrap != nil {
		clear(r.wrap[:])
	}
	r.wrap, r.number, r.used = f.key, f.number, false
}

// Used says whether a part was opened under the present wrap key. While none
// was, there is no reason to change it.
func (r *Ring) Used() bool {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return r.used
}

// Wipe zeroes the ring's secrets. No part can be opened afterwards.
func (r *Ring) Wipe() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.wrap != nil {
		clear(r.wrap[:])
		r.wrap = nil
	}
	clear(r.lookup[:])
}

// A Part has the keys of one open session part.
type Part struct {
	ID receipt.PartID
	// Wrapped is the wrapped DEK, which must be durable no later than the
	// part's first segment.
	Wrapped []byte

	keys        *format.PartKeys
	wrappedHash receipt.Hash
	next        uint64
	// token keys the tokens of the part. It is not derived from the DEK: whoever
	// opens a session must not be able to try out which value a token is of.
	token receipt.Hash
}

// TokenDigits is the length of a token: 64 bits of an HMAC in hex. The part's
// usual size has room for some ten million values; that two of so many have the same
// token has a chance of one in 300,000.
const TokenDigits = 16

// OpenPart makes the keys of a new part. The DEK itself is forgotten at once:
// what is derived from it suffices.
func (r *Ring) OpenPart(id receipt.PartID) (*Part, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.wrap == nil {
		return nil, ErrNoKey
	}
	dek := format.NewSecret()
	defer clear(dek[:])
	r.used = true
	wrapped := format.WrapDEK(r.wrap, r.number, id, dek)
	p := &Part{ID: id, Wrapped: wrapped, wrappedHash: sha256.Sum256(wrapped), keys: format.DeriveKeys(dek, id)}
	rand.Read(p.token[:])
	return p, nil
}

// PutToken writes the token of a value to the first TokenDigits bytes of dst. The
// same value has the same token as long as the part is open, and never again.
func (p *Part) PutToken(dst []byte, value string) {
	sum := transcript.New("veriproof-notary/token/v1").String(value).MAC((*[32]byte)(&p.token))
	hex.Encode(dst[:TokenDigits], sum[:TokenDigits/2])
}

// Commitment is the part's DEK commitment.
func (p *Part) Commitment() receipt.Hash { return p.keys.Commitment }

// Seal hashes and encrypts records as the part's next segment. The number it
// takes is used up, whatever becomes of the segment.
func (p *Part) Seal(c *format.Content) (number uint64, s *format.Segment) {
	return p.SealIn(func(size int) []byte { return make([]byte, size) }, c)
}

// SealIn is Seal into memory that room gives. See [format.PartKeys.SealSegmentIn].
func (p *Part) SealIn(room func(size int) []byte, c *format.Content) (number uint64, s *format.Segment) {
	number = p.next
	p.next++
	return number, p.keys.SealSegmentIn(room, number, p.wrappedHash, c)
}

// Wipe zeroes the part's keys. The part can neither seal nor make tokens
// afterwards.
func (p *Part) Wipe() {
	p.keys.Wipe()
	clear(p.token[:])
}
