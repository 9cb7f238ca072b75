package simtee_test

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"sync"
	"testing"

	"github.com/veriproof/notary/attestation/simtee"
)

var transportKey = sync.OnceValues(func() (*rsa.PrivateKey, error) { return rsa.GenerateKey(rand.Reader, 2048) })

func testTransportKey(t testing.TB) *rsa.PublicKey {
	t.Helper()
	k, err := transportKey()
	if err != nil {
		t.Fatal(err)
	}
	return &k.PublicKey
}

func tlsSubject(t testing.TB, tee *simtee.TEE) []byte {
	t.Helper()
	block, _ := pem.Decode(tee.MAACertificate())
	if block == nil {
		t.Fatal("TLS certificate is not PEM")
	}
	c, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	return []byte(c.Subject.String())
}
