package simtee

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"sync"
)

// rsaKeys are the keys that take long to make.
type rsaKeys struct{ ark, ask, uvm, maa *rsa.PrivateKey }

// testKeys are shared by all TEEs of a process that ask for them.
var testKeys = sync.OnceValues(func() (*rsaKeys, error) { return newRSAKeys(2048) })

// newRSAKeys makes all keys at the same time; root bits are those of ARK and ASK.
func newRSAKeys(rootBits int) (*rsaKeys, error) {
	k := &rsaKeys{}
	jobs := []struct {
		key  **rsa.PrivateKey
		bits int
	}{{&k.ark, rootBits}, {&k.ask, rootBits}, {&k.uvm, 2048}, {&k.maa, 2048}}
	errs := make([]error, len(jobs))
	var wg sync.WaitGroup
	for i, j := range jobs {
		wg.Go(func() { *j.key, errs[i] = rsa.GenerateKey(rand.Reader, j.bits) })
	}
	wg.Wait()
	return k, errors.Join(errs...)
}

func newECKey(curve elliptic.Curve) (*ecdsa.PrivateKey, error) {
	return ecdsa.GenerateKey(curve, rand.Reader)
}

func encodeKey(k crypto.PrivateKey) (string, error) {
	der, err := x509.MarshalPKCS8PrivateKey(k)
	if err != nil {
		return "", err
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})), nil
}

// decodeKey reads a key of one type from PEM.
func decodeKey[K crypto.PrivateKey](text string) (K, error) {
	var none K
	block, _ := pem.Decode([]byte(text))
	if block == nil {
		return none, errors.New("key is not PEM")
	}
	k, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return none, errors.New("key is not PKCS #8")
	}
	key, ok := k.(K)
	if !ok {
		return none, errors.New("key is of another type")
	}
	return key, nil
}
