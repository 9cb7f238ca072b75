package maa

import (
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"math/big"
	"slices"

	"github.com/veriproof/notary/attestation/internal/pubkey"
)

// Bounds of a key set. One MAA certificate with its own SNP evidence is 30 KB,
// a whole set 96 KB.
const (
	MaxKeySetSize = 1 << 20 // bytes of JSON
	maxKeys       = 256
	minModulus    = 2048 // bits
	maxKeyID      = 256  // bytes
)

// A KeySet holds the RSA keys with which an issuer signs tokens. It is
// immutable.
type KeySet struct{ keys map[string]*rsa.PublicKey }

// ParseKeySet reads a JSON Web Key Set (RFC 7517 section 5). Keys that are not
// for RS256 signatures (another kty, alg or use) are passed over, as the RFC
// asks; an RSA signing key that is malformed, not of 2048 to 8192 bits, without a
// kid or with a kid that came before makes the whole set invalid, and so does a
// set without a usable key. Errors wrap [ErrKeySet].
func ParseKeySet(jwks []byte) (*KeySet, error) {
	if len(jwks) > MaxKeySetSize {
		return nil, fmt.Errorf("%w: %d bytes, at most %d", ErrKeySet, len(jwks), MaxKeySetSize)
	}
	o, err := parseObject(jwks)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrKeySet, err)
	}
	list, ok := o["keys"].([]any)
	if !ok || len(list) > maxKeys {
		return nil, fmt.Errorf("%w: want a list \"keys\" of at most %d", ErrKeySet, maxKeys)
	}
	set := &KeySet{keys: make(map[string]*rsa.PublicKey, len(list))}
	seen := make(map[string]bool, len(list))
	for i, v := range list {
		if err := set.add(v, seen); err != nil {
			return nil, fmt.Errorf("%w: key %d: %w", ErrKeySet, i, err)
		}
	}
	if len(set.keys) == 0 {
		return nil, fmt.Errorf("%w: no RS256 signing key among %d keys", ErrKeySet, len(list))
	}
	return set, nil
}

// Key returns the key with that kid.
func (s *KeySet) Key(kid string) (*rsa.PublicKey, bool) {
	k, ok := s.keys[kid]
	return k, ok
}

// KeyIDs returns the kids of the set, sorted.
func (s *KeySet) KeyIDs() []string {
	ids := make([]string, 0, len(s.keys))
	for id := range s.keys {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	return ids
}

// Fingerprint returns the SHA-256 of the key's DER SubjectPublicKeyInfo: the
// value by which a policy pins a token key.
func (s *KeySet) Fingerprint(kid string) (sum [32]byte, ok bool) {
	k, ok := s.keys[kid]
	if !ok {
		return sum, false
	}
	der, err := x509.MarshalPKIXPublicKey(k)
	if err != nil {
		return sum, false
	}
	return sha256.Sum256(der), true
}

func (s *KeySet) add(v any, seen map[string]bool) error {
	o, ok := v.(object)
	if !ok {
		return errors.New("not an object")
	}
	kid, ok := o["kid"].(string)
	if !ok || kid == "" || len(kid) > maxKeyID {
		return fmt.Errorf("want a kid of 1 to %d bytes", maxKeyID)
	}
	if seen[kid] {
		return fmt.Errorf("duplicate kid %q", printable(kid, 80))
	}
	seen[kid] = true
	if !forRS256(o) {
		return nil
	}
	key, err := rsaKey(o)
	if err != nil {
		return err
	}
	s.keys[kid] = key
	return nil
}

// forRS256 tells whether a JWK may verify RS256 signatures (RFC 7517 section 4).
func forRS256(o object) bool {
	if o["kty"] != "RSA" {
		return false
	}
	if use, has := o["use"]; has && use != "sig" {
		return false
	}
	if alg, has := o["alg"]; has && alg != "RS256" {
		return false
	}
	ops, has := o["key_ops"]
	if !has {
		return true
	}
	list, _ := ops.([]any)
	return slices.Contains(list, any("verify"))
}

// rsaKey takes the key from n and e or, as MAA's older sets have it, from the
// first certificate of x5c.
func rsaKey(o object) (*rsa.PublicKey, error) {
	_, hasN := o["n"]
	_, hasE := o["e"]
	if hasN || hasE {
		return keyFromNumbers(o)
	}
	return keyFromCertificate(o)
}

func keyFromNumbers(o object) (*rsa.PublicKey, error) {
	n, err := bigEndian(o["n"], pubkey.MaxRSABits/8)
	if err != nil {
		return nil, fmt.Errorf("n: %w", err)
	}
	e, err := bigEndian(o["e"], 4)
	if err != nil {
		return nil, fmt.Errorf("e: %w", err)
	}
	if !e.IsInt64() || e.Int64() > 1<<31-1 {
		return nil, errors.New("e: exceeds 31 bits")
	}
	return checkKey(&rsa.PublicKey{N: n, E: int(e.Int64())})
}

func keyFromCertificate(o object) (*rsa.PublicKey, error) {
	chain, _ := o["x5c"].([]any)
	if len(chain) == 0 {
		return nil, errors.New("has neither n and e nor x5c")
	}
	text, _ := chain[0].(string)
	der, err := base64.StdEncoding.Strict().DecodeString(text)
	if err != nil {
		return nil, errors.New("x5c: not standard base64")
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, errors.New("x5c: not an X.509 certificate")
	}
	key, ok := cert.PublicKey.(*rsa.PublicKey)
	if !ok {
		return nil, errors.New("x5c: not an RSA key")
	}
	return checkKey(key)
}

func checkKey(k *rsa.PublicKey) (*rsa.PublicKey, error) {
	if err := pubkey.Check(k); err != nil {
		return nil, err
	}
	if bits := k.N.BitLen(); bits < minModulus {
		return nil, fmt.Errorf("RSA modulus of %d bits, want at least %d", bits, minModulus)
	}
	if k.E < 65537 {
		return nil, fmt.Errorf("RSA exponent %d, want at least 65537", k.E)
	}
	return k, nil
}

// bigEndian decodes a Base64urlUInt (RFC 7518 section 2): unpadded, no leading
// zero byte.
func bigEndian(v any, max int) (*big.Int, error) {
	s, ok := v.(string)
	if !ok || s == "" || len(s) > base64.RawURLEncoding.EncodedLen(max) {
		return nil, fmt.Errorf("want base64url of 1 to %d bytes", max)
	}
	b, err := strictURL.DecodeString(s)
	if err != nil {
		return nil, errors.New("not unpadded base64url")
	}
	if b[0] == 0 {
		return nil, errors.New("has a leading zero byte")
	}
	return new(big.Int).SetBytes(b), nil
}
