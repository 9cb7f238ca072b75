// Package pubkey bounds what it costs to check a signature under a public key
// that somebody else chose. An RSA operation grows with the square of the modulus
// and with the length of the exponent, and the standard library's x509 sets no
// limit: one certificate of 120 KB can hold a verifier for a minute. So every
// certificate and key set is held to Check when it is parsed, before any
// signature is looked at.
//
// The functions keep no state and may be called concurrently.
package pubkey

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"errors"
	"fmt"
)

const (
	// MaxRSABits is the largest RSA modulus, in bits. AMD's and Microsoft's have
	// 4096 at most.
	MaxRSABits = 8192
	maxRSAExp  = 1<<31 - 1
)

// Check refuses keys that a signature may not be checked under: RSA with a modulus
// over MaxRSABits or an exponent that is even, below 3 or above 31 bits, and keys
// of other algorithms than RSA, ECDSA and Ed25519, whose curves bound them.
func Check(key any) error {
	switch k := key.(type) {
	case *rsa.PublicKey:
		return checkRSA(k)
	case *ecdsa.PublicKey, ed25519.PublicKey:
		return nil
	}
	return fmt.Errorf("key of type %T, want RSA, ECDSA or Ed25519", key)
}

func checkRSA(k *rsa.PublicKey) error {
	switch {
	case k.N == nil || k.N.Sign() <= 0 || k.N.Bit(0) == 0:
		return errors.New("RSA modulus is not odd and positive")
	case k.N.BitLen() > MaxRSABits:
		return fmt.Errorf("RSA modulus of %d bits, at most %d are allowed", k.N.BitLen(), MaxRSABits)
	case k.E < 3 || k.E > maxRSAExp || k.E&1 == 0:
		return fmt.Errorf("RSA exponent %d, want an odd one from 3 to %d", k.E, maxRSAExp)
	}
	return nil
}
