package session

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/subtle"

	"github.com/veriproof/notary/host/otlpwire"
)

// A mark identifies a record with its context, for finding one that was sent
// again: 128 bits under keys of this process. It is over both as they were sent, and
// nothing else: two records that redaction made equal are two, and one that comes again
// beside other records, by which other values in it are known, is one.
type mark [16]byte

func (f *filler) mark(i int) mark {
	x := &f.req.Records[i]
	if in := (place{x.Resource, x.Scope, x.Kind}); f.head == nil || f.in != in {
		f.in = in
		f.head = append(append(append(f.head[:0], f.resources[x.Resource][:]...), f.scopes[x.Scope][:]...), byte(x.Kind))
		f.inMark = f.n.dedup.contexts.of(f.room, f.head)
	}
	m := f.n.dedup.records.of(f.room, f.req.Original(i))
	subtle.XORBytes(m[:], m[:], f.inMark[:])
	return m
}

// A place is what a record stands in, and what it is.
type place struct {
	resource, scope int
	kind            otlpwire.Kind
}

// Fingerprints hash what a mark is of. The two keys are independent, so that two records
// with one mark have equal hashes by both, but for the probability below.
type fingerprints struct{ records, contexts fingerprint }

func newFingerprints() fingerprints { return fingerprints{newFingerprint(), newFingerprint()} }

// A fingerprint is a keyed hash of 128 bits, twice as fast as SHA-256: the tag of
// AES-GCM with a constant nonce. A MAC with that would be broken by whoever sees two of
// its values; what is kept of these is in memory only, is compared for equality and goes
// nowhere, and without the key two different texts are equal by chance with a
// probability of their length in blocks to 2^128.
type fingerprint struct{ gcm cipher.AEAD }

func newFingerprint() fingerprint {
	var key [32]byte
	rand.Read(key[:])
	block, err := aes.NewCipher(key[:])
	if err != nil {
		panic(err) // 32 bytes are a key
	}
	gcm, err := cipher.NewGCM(block)
	if err != nil {
		panic(err) // AES has blocks of 16 bytes
	}
	clear(key[:])
	return fingerprint{gcm}
}

var noNonce [12]byte

// of returns the hash of b. Room is memory for it.
func (p fingerprint) of(room, b []byte) mark { return mark(p.gcm.Seal(room[:0], noNonce[:], nil, b)) }
