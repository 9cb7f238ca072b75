package session

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"

	"github.com/veriproof/notary/sdk/receipt"
)

// A mark identifies a record with its context, for finding one that was sent
// again: 128 bits under keys of this process. It is over the record as sent as
// well as over what is stored: two records that redaction made equal are two.
type mark [16]byte

func (f *filler) mark(i int, r *receipt.Record) mark {
	x := &f.spliced.Records[i]
	at := append(f.scratch[:0], f.resources[x.Resource][:]...)
	at = append(at, f.scopes[x.Scope][:]...)
	at = append(at, byte(r.Kind))
	original := f.req.Original(i)
	if !bytes.Equal(original, r.Bytes) { // most have nothing to redact
		at = f.n.dedup.append(at, nil, r.Bytes)
	}
	f.scratch = f.n.dedup.append(at, at, original)
	return mark(f.scratch[len(f.scratch)-len(mark{}):])
}

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

// append appends head, encrypted, and the hash of head and b.
func (p fingerprint) append(dst, head, b []byte) []byte {
	return p.gcm.Seal(dst, noNonce[:], head, b)
}
