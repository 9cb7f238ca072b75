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
)

// A Transcript is an encoding in progress. Its methods append one field each
// and return the receiver, so that calls chain.
type Transcript struct{ b []byte }

// New starts a transcript with its domain string.
func New(domain string) *Transcript {
	return (&Transcript{b: make([]byte, 0, 256)}).String(domain)
}

// Bytes appends b, which may be empty, as one field. A field of 4 GiB or more
// does not occur: every length that comes from outside is bounded before it is
// hashed.
func (t *Transcript) Bytes(b []byte) *Transcript {
	t.b = binary.BigEndian.AppendUint32(t.b, uint32(len(b)))
	t.b = append(t.b, b...)
	return t
}

// String appends the bytes of s as one field.
func (t *Transcript) String(s string) *Transcript {
	t.b = binary.BigEndian.AppendUint32(t.b, uint32(len(s)))
	t.b = append(t.b, s...)
	return t
}

// Uint64 appends n as a field of eight big-endian bytes.
func (t *Transcript) Uint64(n uint64) *Transcript {
	t.b = binary.BigEndian.AppendUint32(t.b, 8)
	t.b = binary.BigEndian.AppendUint64(t.b, n)
	return t
}

// Encode returns the transcript's bytes: the message of a signature, the info
// of HPKE or HKDF, the data of an HMAC, the additional data of an AEAD.
func (t *Transcript) Encode() []byte { return t.b }

// Sum returns the SHA-256 of the transcript.
func (t *Transcript) Sum() [32]byte { return sha256.Sum256(t.b) }

// shortMAC bounds the transcripts that MAC takes without allocating.
const shortMAC = 4 * sha256.BlockSize

// MAC returns the HMAC-SHA-256 (RFC 2104) of the transcript. A MAC of package
// crypto/hmac is made for a key that is used again; here most keys are used once, and
// setting it up would cost twice as much as the two hashes that it consists of.
func (t *Transcript) MAC(key *[32]byte) [32]byte {
	if len(t.b) > shortMAC {
		m := hmac.New(sha256.New, bytes.Clone(key[:]))
		m.Write(bytes.Clone(t.b)) // what an interface gets does not stay on the stack
		return [32]byte(m.Sum(nil))
	}
	var inner [sha256.BlockSize + shortMAC]byte
	var outer [sha256.BlockSize + sha256.Size]byte
	for i := range sha256.BlockSize {
		inner[i], outer[i] = 0x36, 0x5c
	}
	for i, k := range key {
		inner[i] ^= k
		outer[i] ^= k
	}
	n := copy(inner[sha256.BlockSize:], t.b)
	sum := sha256.Sum256(inner[:sha256.BlockSize+n])
	copy(outer[sha256.BlockSize:], sum[:])
	return sha256.Sum256(outer[:])
}
