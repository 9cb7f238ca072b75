package runtimedata

import (
	"crypto/ed25519"
	"crypto/rsa"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"math/big"
	"strconv"
)

func (d RuntimeData) validate() error {
	if len(d.Keys) != 1 {
		return fmt.Errorf("%w: keys has %d entries, exactly one is allowed", ErrInvalid, len(d.Keys))
	}
	if err := d.Keys[0].validate(); err != nil {
		return err
	}
	return d.Notary.validate()
}

func (k JWK) validate() error {
	if k.Kty != "RSA" {
		return fmt.Errorf("%w: keys[0].kty is %.20q, want \"RSA\"", ErrInvalid, k.Kty)
	}
	if len(k.KeyOps) != 1 || k.KeyOps[0] != "encrypt" {
		return fmt.Errorf("%w: keys[0].key_ops must be exactly [\"encrypt\"]: the transport key never signs", ErrInvalid)
	}
	if _, err := k.public(); err != nil {
		return err
	}
	if want := k.thumbprint(); k.Kid != want {
		return fmt.Errorf("%w: keys[0].kid is %.50q, the RFC 7638 thumbprint is %q", ErrInvalid, k.Kid, want)
	}
	return nil
}

// public decodes the key: modulus of 2048 to 4096 bits, exponent 65537.
func (k JWK) public() (*rsa.PublicKey, error) {
	if k.E != "AQAB" {
		return nil, fmt.Errorf("%w: keys[0].e is %.20q, want \"AQAB\" (65537)", ErrInvalid, k.E)
	}
	n, err := decodeB64("keys[0].n", k.N, 2048/8, 4096/8)
	if err != nil {
		return nil, err
	}
	// RFC 7518 section 6.3.1.1: the minimum number of octets. The top bit is
	// set in every modulus of a whole number of bytes.
	if n[0]&0x80 == 0 || n[len(n)-1]&1 == 0 {
		return nil, fmt.Errorf("%w: keys[0].n is not an odd number of a whole number of bytes", ErrInvalid)
	}
	return &rsa.PublicKey{N: new(big.Int).SetBytes(n), E: 65537}, nil
}

func (n Notary) validate() error {
	for _, f := range []struct {
		name, value string
		size        int
	}{
		{"notary.config", n.Config, 32},
		{"notary.epoch", n.Epoch, 16},
		{"notary.plugin_set", n.PluginSet, 32},
		{"notary.recipients", n.Recipients, 32},
		{"notary.tls_spki", n.TLSSPKI, 32},
	} {
		if _, err := decodeHex(f.name, f.value, f.size); err != nil {
			return err
		}
	}
	if n.Format != Format {
		return fmt.Errorf("%w: notary.format is %.20q, this version knows %q", ErrInvalid, n.Format, Format)
	}
	if !ValidMode(n.Mode) {
		return fmt.Errorf("%w: notary.mode is %.20q, want %q, %q or %q", ErrInvalid, n.Mode, ModeEnforce, ModeShadow, ModeNone)
	}
	if _, err := decodeB64("notary.signing_key", n.SigningKey, ed25519.PublicKeySize, ed25519.PublicKeySize); err != nil {
		return err
	}
	if !ValidVersion(n.Version) {
		return fmt.Errorf("%w: notary.version is %.70q, want 1 to 64 of A-Z a-z 0-9 . + _ ~ -", ErrInvalid, n.Version)
	}
	return validatePlugins(n.Plugins)
}

func validatePlugins(plugins map[string]Plugin) error {
	if plugins == nil {
		return fmt.Errorf("%w: notary.plugins is missing, an empty set is {}", ErrInvalid)
	}
	if len(plugins) > MaxPlugins {
		return fmt.Errorf("%w: %d plugins, at most %d are allowed", ErrInvalid, len(plugins), MaxPlugins)
	}
	taken := make(map[[2]string]string, len(plugins))
	for name, p := range plugins {
		if !ValidPluginName(name) {
			return fmt.Errorf("%w: plugin name %.50q, want 1 to 40 of a-z 0-9 -", ErrInvalid, name)
		}
		if err := p.validate("notary.plugins." + name); err != nil {
			return err
		}
		place := [2]string{p.Kind, p.Order}
		if other, dup := taken[place]; dup {
			return fmt.Errorf("%w: plugins %s and %s are both %s number %s", ErrInvalid, min(name, other), max(name, other), p.Kind, p.Order)
		}
		taken[place] = name
	}
	return nil
}

func (p Plugin) validate(at string) error {
	for _, f := range [][2]string{{"config", p.Config}, {"limits", p.Limits}, {"wasm", p.Wasm}} {
		if _, err := decodeHex(at+"."+f[0], f[1], 32); err != nil {
			return err
		}
	}
	if p.Kind != KindRedactor && p.Kind != KindStorage {
		return fmt.Errorf("%w: %s.kind is %.20q, want %q or %q", ErrInvalid, at, p.Kind, KindRedactor, KindStorage)
	}
	if n, err := strconv.ParseUint(p.Order, 10, 16); err != nil || n > 999 || strconv.FormatUint(n, 10) != p.Order {
		return fmt.Errorf("%w: %s.order is %.20q, want a decimal number from 0 to 999", ErrInvalid, at, p.Order)
	}
	return nil
}

// ValidMode reports whether s is one of the modes.
func ValidMode(s string) bool { return s == ModeEnforce || s == ModeShadow || s == ModeNone }

// ValidPluginName reports whether s may name a plugin: [a-z0-9-]{1,40}.
func ValidPluginName(s string) bool {
	return inCharset(s, 40, func(c byte) bool {
		return c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || c == '-'
	})
}

// ValidVersion reports whether s may be a notary's version:
// [A-Za-z0-9.+_~-]{1,64}.
func ValidVersion(s string) bool {
	return inCharset(s, 64, func(c byte) bool {
		switch c {
		case '.', '+', '_', '~', '-':
			return true
		}
		return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9'
	})
}

func inCharset(s string, limit int, ok func(byte) bool) bool {
	if s == "" || len(s) > limit {
		return false
	}
	for i := range len(s) {
		if !ok(s[i]) {
			return false
		}
	}
	return true
}

// decodeHex decodes exactly size bytes of lower-case hex. Upper case is refused
// since a value must have one spelling.
func decodeHex(name, s string, size int) ([]byte, error) {
	if len(s) == 2*size {
		if b, err := hex.DecodeString(s); err == nil && hex.EncodeToString(b) == s {
			return b, nil
		}
	}
	return nil, fmt.Errorf("%w: %s is not %d characters of lower-case hex", ErrInvalid, name, 2*size)
}

// decodeB64 decodes between lo and hi bytes of base64url without padding; stray
// bits in the last character are refused since a value must have one spelling.
func decodeB64(name, s string, lo, hi int) ([]byte, error) {
	if len(s) <= base64.RawURLEncoding.EncodedLen(hi) {
		b, err := base64.RawURLEncoding.Strict().DecodeString(s)
		if err == nil && len(b) >= lo && base64.RawURLEncoding.EncodeToString(b) == s {
			return b, nil
		}
	}
	return nil, fmt.Errorf("%w: %s is not %d to %d bytes in base64url without padding", ErrInvalid, name, lo, hi)
}
