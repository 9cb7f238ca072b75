// Package transcript builds the input of every hash, MAC, key derivation and
// signature in the notary: which protocol step is this, and over exactly which
// fields?
//
// A transcript starts with a domain string that no other step uses, so that a
// value made for one purpose can never be taken for another, and frames every
// field by its length, so that two different lists of fields never give the
// same bytes. The encoding is
//
//	transcript = field(domain) || field(f1) || field(f2) || …
//	field(b)   = u32 big-endian length of b || b
//
// with integers as fields of eight big-endian bytes. Domains have the form
// "veriproof-notary/NAME/v1". The only hash in the system without a transcript
// is the RFC 6962 tree itself, which brings its own separation of leaves and
// nodes.
//
// A Transcript is not safe for concurrent use.
package transcript

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"slices"
)

// A Transcript is an encoding in progress. Its methods append one field each
// and return the receiver, so that calls chain.
type Transcript struct {
	length int
	// Most transcripts are short, and made for each hash, MAC and ciphertext: in an array
	// they are on the stack of whoever chains the calls.
	short [shortest]byte
	long  []byte // all of it, once it does not fit
}

// shortest is the length up to which a transcript and its MAC take no memory of the heap.
const shortest = 4 * sha256.BlockSize

// New starts a transcript with its domain string.
func New(domain string) *Transcript {
	return new(Transcript).String(domain)
}

// next returns where the next n bytes go.
func (t *Transcript) next(n int) []byte {
	from := t.length
	t.length += n
	if t.long == nil {
		if t.length <= len(t.short) {
			return t.short[from:t.length]
		}
		t.long = bytes.Clone(t.short[:from])
	}
	t.long = slices.Grow(t.long, n)[:t.length]
	return t.long[from:]
}

// Bytes appends b, which may be empty, as one field. A field of 4 GiB or more
// does not occur: every length that comes from outside is bounded before it is
// hashed.
func (t *Transcript) Bytes(b []byte) *Transcript {
	binary.BigEndian.PutUint32(t.next(4), uint32(len(b)))
	copy(t.next(len(b)), b)
	return t
}

// String appends the bytes of s as one field.
func (t *Transcript) String(s string) *Transcript {
	binary.BigEndian.PutUint32(t.next(4), uint32(len(s)))
	copy(t.next(len(s)), s)
	return t
}

// Uint64 appends n as a field of eight big-endian bytes.
func (t *Transcript) Uint64(n uint64) *Transcript {
	binary.BigEndian.PutUint32(t.next(4), 8)
	binary.BigEndian.PutUint64(t.next(8), n)
	return t
}

// Encode returns the transcript's bytes: the message of a signature, the info
// of HPKE or HKDF, the data of an HMAC, the additional data of an AEAD. They are the
// transcript's own.
func (t *Transcript) Encode() []byte {
	if t.long != nil {
		return t.long
	}
	return t.short[:t.length:t.length]
}

// Sum returns the SHA-256 of the transcript.
func (t *Transcript) Sum() [32]byte { return sha256.Sum256(t.Encode()) }

// MAC returns the HMAC-SHA-256 (RFC 2104) of the transcript. A MAC of package
// crypto/hmac is made for a key that is used again; here most keys are used once, and
// setting it up would cost twice as much as the two hashes that it consists of.
func (t *Transcript) MAC(key *[32]byte) [32]byte {
	if t.long != nil {
		m := hmac.New(sha256.New, bytes.Clone(key[:]))
		m.Write(t.long)
		return [32]byte(m.Sum(nil))
	}
	var inner [sha256.BlockSize + shortest]byte
	var outer [sha256.BlockSize + sha256.Size]byte
	for i := range sha256.BlockSize {
		inner[i], outer[i] = 0x36, 0x5c
	}
	for i, k := range key {
		inner[i] ^= k
		outer[i] ^= k
	}
	n := copy(inner[sha256.BlockSize:], t.Encode())
	sum := sha256.Sum256(inner[:sha256.BlockSize+n])
	copy(outer[sha256.BlockSize:], sum[:])
	return sha256.Sum256(outer[:])
}
