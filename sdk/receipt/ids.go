package receipt

import (
	"encoding/hex"
	"fmt"
)

// A Hash is a SHA-256 value. In JSON it is 64 lower-case hex digits.
type Hash [32]byte

// An Epoch names one life of a notary process: 16 random bytes, 32 lower-case
// hex digits in JSON.
type Epoch [16]byte

// A Handle names a session towards storage: an HMAC of tenant and session id
// under a key that storage never sees. 64 lower-case hex digits in JSON.
type Handle [32]byte

// A PartID names one part of one session of one epoch. It is unique: parts are
// numbered from 0 per epoch and handle.
type PartID struct {
	Epoch  Epoch
	Handle Handle
	Part   uint32
}

// String returns the hex digits.
func (h Hash) String() string { return hex.EncodeToString(h[:]) }

// String returns the hex digits.
func (e Epoch) String() string { return hex.EncodeToString(e[:]) }

// String returns the hex digits.
func (h Handle) String() string { return hex.EncodeToString(h[:]) }

// MarshalText gives lower-case hex.
func (h Hash) MarshalText() ([]byte, error) { return hex.AppendEncode(nil, h[:]), nil }

// MarshalText gives lower-case hex.
func (e Epoch) MarshalText() ([]byte, error) { return hex.AppendEncode(nil, e[:]), nil }

// MarshalText gives lower-case hex.
func (h Handle) MarshalText() ([]byte, error) { return hex.AppendEncode(nil, h[:]), nil }

// UnmarshalText accepts exactly 64 lower-case hex digits.
func (h *Hash) UnmarshalText(b []byte) error { return lowerHex(h[:], b) }

// UnmarshalText accepts exactly 32 lower-case hex digits.
func (e *Epoch) UnmarshalText(b []byte) error { return lowerHex(e[:], b) }

// UnmarshalText accepts exactly 64 lower-case hex digits.
func (h *Handle) UnmarshalText(b []byte) error { return lowerHex(h[:], b) }

// lowerHex refuses upper case: two spellings of one value would give one
// statement two byte forms.
func lowerHex(dst, src []byte) error {
	if len(src) != 2*len(dst) {
		return fmt.Errorf("want %d hex digits, have %d characters", 2*len(dst), len(src))
	}
	for _, c := range src {
		if (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return fmt.Errorf("want lower-case hex digits, have character %q", c)
		}
	}
	_, err := hex.Decode(dst, src)
	return err
}
