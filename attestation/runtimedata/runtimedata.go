// Package runtimedata defines the JSON object that a notary binds into the
// REPORT_DATA field of its SEV-SNP report: its public keys, its epoch, its
// configuration and every loaded plugin, by digest.
//
// # Exact bytes
//
// Microsoft Azure Attestation (MAA) does not carry runtime data as it was
// submitted. It parses it and serialises it again into the claim x-ms-runtime:
// compact, with the keys of every object sorted bytewise. This package allows
// one encoding only, the one that survives that treatment byte for byte:
//
//   - no white space, keys sorted bytewise at every level;
//   - printable ASCII, and none of the characters that any JSON encoder escapes
//     (`"`, `\`, `<`, `>`, `&`, control characters);
//   - no numbers, booleans or nulls: every leaf is a string.
//
// So SHA-256 of the sorted, compact x-ms-runtime equals REPORT_DATA[0:32], and a
// relying party can check the binding with the token alone. A second
// implementation finds vectors in testdata/vectors.json.
//
// # Guarantees
//
// Parse accepts exactly the byte strings that Marshal can return. Both validate
// every field and bound every length and count. The package has no state; its
// functions may be called concurrently.
package runtimedata

import (
	"bytes"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
)

const (
	// Format is the only value of Notary.Format that this package knows.
	Format = "1"

	// ModeEnforce means that a record which a redactor did not handle is
	// never stored.
	ModeEnforce = "enforce"
	// ModeShadow means that redactors run and are counted, but that their
	// edits are not applied.
	ModeShadow = "shadow"
	// ModeNone means that there is no redactor, and that everything is stored as
	// it was sent.
	ModeNone = "none"

	// KindRedactor and KindStorage are the kinds of plugins.
	KindRedactor = "redactor"
	KindStorage  = "storage"

	// MaxSize bounds the encoding, in bytes.
	MaxSize = 64 << 10
	// MaxPlugins bounds the number of plugins in a set.
	MaxPlugins = 64
)

// ErrInvalid is wrapped by every error of this package: the bytes or the values
// are not runtime data.
var ErrInvalid = errors.New("invalid runtime data")

// RuntimeData is what a notary says about itself, and its hardware attests.
type RuntimeData struct {
	// Keys holds exactly one key, the transport key for Secure Key Release.
	// It stands first and in this form because Azure Key Vault takes the first
	// RSA key of x-ms-runtime.keys whose key_ops has "encrypt".
	Keys []JWK `json:"keys"`
	// Notary describes the process that made the keys.
	Notary Notary `json:"notary"`
}

// JWK is an RSA public key (RFC 7517, RFC 7518 section 6.3). All fields are
// those of the standard; numbers are base64url without padding, big endian.
type JWK struct {
	E      string   `json:"e"`
	KeyOps []string `json:"key_ops"`
	// Kid is the RFC 7638 thumbprint (SHA-256) of the key.
	Kid string `json:"kid"`
	Kty string `json:"kty"`
	N   string `json:"n"`
}

// Notary identifies one epoch of one notary. The fields stand in the order of
// the encoding.
type Notary struct {
	// Config is the SHA-256 of the configuration file, lower-case hex.
	Config string `json:"config"`
	// Epoch is the epoch's 16 random bytes, lower-case hex.
	Epoch string `json:"epoch"`
	// Format is "1".
	Format string `json:"format"`
	// Mode is ModeEnforce, ModeShadow or ModeNone.
	Mode string `json:"mode"`
	// PluginSet is the digest of the ordered plugin set, lower-case hex.
	PluginSet string `json:"plugin_set"`
	// Plugins maps the plugin's name ([a-z0-9-]{1,40}) to its digests. An
	// object and not an array, because Key Vault release policies walk
	// objects only.
	Plugins map[string]Plugin `json:"plugins"`
	// Recipients is the SHA-256 over the recipients' public keys, lower-case hex.
	Recipients string `json:"recipients"`
	// SigningKey is the Ed25519 public key, base64url without padding.
	SigningKey string `json:"signing_key"`
	// TLSSPKI is the SHA-256 of the serving key's SubjectPublicKeyInfo,
	// lower-case hex.
	TLSSPKI string `json:"tls_spki"`
	// Version is the build's version: 1 to 64 of A-Z a-z 0-9 . + _ ~ -
	Version string `json:"version"`
}

// Plugin is what was measured about one loaded module.
type Plugin struct {
	// Config is the SHA-256 of the module's configuration, lower-case hex.
	Config string `json:"config"`
	// Kind is KindRedactor or KindStorage.
	Kind string `json:"kind"`
	// Limits is the digest of the limits it runs under, lower-case hex.
	Limits string `json:"limits"`
	// Order is its place among the plugins of its kind: decimal, 0 to 999,
	// no leading zero, no place taken twice.
	Order string `json:"order"`
	// Wasm is the SHA-256 of the module, lower-case hex.
	Wasm string `json:"wasm"`
}

// Marshal validates d and returns its one encoding. Every error wraps
// ErrInvalid and names the field.
func (d RuntimeData) Marshal() ([]byte, error) {
	if err := d.validate(); err != nil {
		return nil, err
	}
	// The struct fields stand in bytewise order of their keys and
	// encoding/json sorts map keys bytewise; a test compares the result with a
	// generic sort, so that a new field cannot break the order unnoticed.
	b, err := json.Marshal(d)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrInvalid, err)
	}
	if len(b) > MaxSize {
		return nil, fmt.Errorf("%w: %d bytes, at most %d are allowed", ErrInvalid, len(b), MaxSize)
	}
	return b, nil
}

// Parse decodes runtime data. It refuses every byte string that Marshal would
// not return: what was hashed into the report then has one meaning only.
func Parse(b []byte) (*RuntimeData, error) {
	if len(b) > MaxSize {
		return nil, fmt.Errorf("%w: %d bytes, at most %d are allowed", ErrInvalid, len(b), MaxSize)
	}
	var d RuntimeData
	dec := json.NewDecoder(bytes.NewReader(b))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&d); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrInvalid, err)
	}
	again, err := d.Marshal()
	if err != nil {
		return nil, err
	}
	if !bytes.Equal(b, again) {
		return nil, fmt.Errorf("%w: not in the exact encoding (compact, sorted keys, nothing repeated, nothing after the object)", ErrInvalid)
	}
	return &d, nil
}

// Digest returns SHA-256(b), the first half of REPORT_DATA.
func Digest(b []byte) [32]byte { return sha256.Sum256(b) }

// ReportData returns the 64 bytes that the hardware is asked to attest:
// SHA-256(b) followed by 32 zero bytes, as the Azure sidecar lays them out and
// as MAA expects them.
func ReportData(b []byte) [64]byte {
	var rd [64]byte
	d := Digest(b)
	copy(rd[:], d[:])
	return rd
}

// RSAKey returns the JWK of an RSA public key that others encrypt to.
func RSAKey(pub *rsa.PublicKey) JWK {
	k := JWK{
		E:      base64.RawURLEncoding.EncodeToString(big.NewInt(int64(pub.E)).Bytes()),
		KeyOps: []string{"encrypt"},
		Kty:    "RSA",
		N:      base64.RawURLEncoding.EncodeToString(pub.N.Bytes()),
	}
	k.Kid = k.thumbprint()
	return k
}

// thumbprint is the RFC 7638 section 3 thumbprint: SHA-256 of the required
// members, sorted, compact.
func (k JWK) thumbprint() string {
	sum := sha256.Sum256([]byte(`{"e":"` + k.E + `","kty":"RSA","n":"` + k.N + `"}`))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// SigningKey returns the Ed25519 public key that signs the epoch's journal and
// receipts.
func (d RuntimeData) SigningKey() (ed25519.PublicKey, error) {
	b, err := decodeB64("notary.signing_key", d.Notary.SigningKey, ed25519.PublicKeySize, ed25519.PublicKeySize)
	return ed25519.PublicKey(b), err
}

// TransportKey returns the RSA public key to encrypt to. It never signs.
func (d RuntimeData) TransportKey() (*rsa.PublicKey, error) {
	if len(d.Keys) != 1 {
		return nil, fmt.Errorf("%w: keys has %d entries, exactly one is allowed", ErrInvalid, len(d.Keys))
	}
	return d.Keys[0].public()
}

// EpochID returns the 16 bytes of the epoch.
func (d RuntimeData) EpochID() ([16]byte, error) {
	b, err := decodeHex("notary.epoch", d.Notary.Epoch, 16)
	if err != nil {
		return [16]byte{}, err
	}
	return [16]byte(b), nil
}
