package pubkey

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"math/big"
	"testing"
)

func TestCheck(t *testing.T) {
	modulus := func(bits int) *big.Int {
		n := new(big.Int).SetBit(new(big.Int), bits-1, 1)
		return n.SetBit(n, 0, 1)
	}
	curve, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		key  any
		good bool
	}{
		"as AMD's":          {&rsa.PublicKey{N: modulus(4096), E: 65537}, true},
		"largest modulus":   {&rsa.PublicKey{N: modulus(MaxRSABits), E: 65537}, true},
		"one bit more":      {&rsa.PublicKey{N: modulus(MaxRSABits + 1), E: 65537}, false},
		"giant":             {&rsa.PublicKey{N: modulus(920_000), E: 1<<31 - 1}, false},
		"even modulus":      {&rsa.PublicKey{N: new(big.Int).Lsh(big.NewInt(1), 2047), E: 65537}, false},
		"no modulus":        {&rsa.PublicKey{E: 65537}, false},
		"exponent 3":        {&rsa.PublicKey{N: modulus(2048), E: 3}, true},
		"largest exponent":  {&rsa.PublicKey{N: modulus(2048), E: 1<<31 - 1}, true},
		"exponent above":    {&rsa.PublicKey{N: modulus(2048), E: 1<<31 + 1}, false},
		"exponent 1":        {&rsa.PublicKey{N: modulus(2048), E: 1}, false},
		"even exponent":     {&rsa.PublicKey{N: modulus(2048), E: 65536}, false},
		"negative exponent": {&rsa.PublicKey{N: modulus(2048), E: -3}, false},
		"P-384":             {&curve.PublicKey, true},
		"Ed25519":           {ed25519.PublicKey(make([]byte, ed25519.PublicKeySize)), true},
		"unknown":           {nil, false},
		"another type":      {"key", false},
	} {
		if err := Check(c.key); (err == nil) != c.good {
			t.Errorf("%s: %v", name, err)
		}
	}
}
