package receipt

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
)

// Type is the JWS "typ" of a receipt. It is pinned, so that no other JWS by the
// same key can pass for one (RFC 8725 section 3.11).
const Type = "veriproof-notary-receipt+jws"

// MaxReceipt is the greatest length of a receipt.
const MaxReceipt = 16 << 10

// ErrReceipt says that a receipt is malformed or its signature does not hold.
var ErrReceipt = errors.New("receipt does not verify")

// KeyID is the "kid" of a signing key: its RFC 7638 thumbprint as an OKP key
// (RFC 8037), base64url without padding.
func KeyID(key ed25519.PublicKey) string {
	x := base64.RawURLEncoding.EncodeToString(key)
	sum := sha256.Sum256([]byte(`{"crv":"Ed25519","kty":"OKP","x":"` + x + `"}`))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

func header(key ed25519.PublicKey) string {
	return base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"EdDSA","kid":"` + KeyID(key) + `","typ":"` + Type + `"}`))
}

// Sign makes the receipt of a manifest: a compact JWS over its exact bytes.
// Ed25519 is deterministic, so signing the same manifest again gives the same
// receipt.
func Sign(manifest []byte, key ed25519.PrivateKey) string {
	input := header(key.Public().(ed25519.PublicKey)) + "." + base64.RawURLEncoding.EncodeToString(manifest)
	return input + "." + base64.RawURLEncoding.EncodeToString(ed25519.Sign(key, []byte(input)))
}

// Verify checks that a receipt was signed by key and returns the manifest, both
// as bytes, over which the commitment is computed, and parsed. The header must
// be exactly the one that Sign writes: there is no algorithm to negotiate.
func Verify(jws string, key ed25519.PublicKey) (manifest []byte, m *Manifest, err error) {
	if len(key) != ed25519.PublicKeySize {
		return nil, nil, fmt.Errorf("%w: key of %d bytes", ErrReceipt, len(key))
	}
	manifest, m, err = Read(jws)
	if err != nil {
		return nil, nil, err
	}
	dot := strings.LastIndexByte(jws, '.')
	sig, err := strict64(jws[dot+1:])
	if err != nil {
		return nil, nil, fmt.Errorf("%w: signature: %w", ErrReceipt, err)
	}
	if jws[:strings.IndexByte(jws, '.')] != header(key) {
		return nil, nil, fmt.Errorf("%w: header is not that of this key's receipts", ErrReceipt)
	}
	if !ed25519.Verify(key, []byte(jws[:dot]), sig) {
		return nil, nil, fmt.Errorf("%w: signature is not by this key", ErrReceipt)
	}
	return manifest, m, nil
}

// Read returns what a receipt says without checking who says it. It is for
// finding the key to verify with, and for display beside a failed check.
func Read(jws string) (manifest []byte, m *Manifest, err error) {
	if len(jws) > MaxReceipt {
		return nil, nil, fmt.Errorf("%w: %d bytes, at most %d", ErrReceipt, len(jws), MaxReceipt)
	}
	parts := strings.Split(jws, ".")
	if len(parts) != 3 {
		return nil, nil, fmt.Errorf("%w: %d parts, want 3", ErrReceipt, len(parts))
	}
	manifest, err = strict64(parts[1])
	if err != nil {
		return nil, nil, fmt.Errorf("%w: payload: %w", ErrReceipt, err)
	}
	m, err = ParseManifest(manifest)
	if err != nil {
		return nil, nil, fmt.Errorf("%w: %w", ErrReceipt, err)
	}
	return manifest, m, nil
}

// strict64 refuses line breaks and stray bits, which the decoder lets pass: a
// receipt has one spelling.
func strict64(s string) ([]byte, error) {
	b, err := base64.RawURLEncoding.Strict().DecodeString(s)
	if err != nil {
		return nil, err
	}
	if base64.RawURLEncoding.EncodeToString(b) != s {
		return nil, errors.New("not in its one encoding")
	}
	return b, nil
}
