package maa

import (
	"encoding/base64"
	"fmt"
	"strings"

	"github.com/golang-jwt/jwt/v5"
)

// MaxTokenSize bounds a token in bytes. Real ones have 4 to 8 KB, most of it
// runtime data.
const MaxTokenSize = 256 << 10

// strictURL decodes base64url without padding and refuses trailing bits that
// are not zero, and strictly also the line ends that Go's decoder skips: one
// signature must have one spelling.
var strictURL = base64.RawURLEncoding.Strict()

// Decode splits a token and returns the JSON texts of header and payload, WITHOUT
// verifying anything: they are anybody's words, fit to be looked at. It is as
// strict about form as [VerifyToken]. Errors wrap [ErrMalformed].
func Decode(token string) (header, payload []byte, err error) {
	raw, err := splitJWS(token)
	if err != nil {
		return nil, nil, err
	}
	for i, part := range raw[:2] {
		if _, err := parseObject(part); err != nil {
			return nil, nil, fmt.Errorf("%w: part %d: %w", ErrMalformed, i+1, err)
		}
	}
	return raw[0], raw[1], nil
}

// splitJWS decodes the three parts of a compact JWS.
func splitJWS(token string) (raw [3][]byte, err error) {
	if len(token) > MaxTokenSize {
		return raw, fmt.Errorf("%w: %d bytes, at most %d", ErrMalformed, len(token), MaxTokenSize)
	}
	part := strings.Split(token, ".")
	if len(part) != len(raw) {
		return raw, fmt.Errorf("%w: %d parts, want 3", ErrMalformed, len(part))
	}
	for i, p := range part {
		if raw[i], err = decodeSegment(p); err != nil {
			return raw, fmt.Errorf("%w: part %d: %w", ErrMalformed, i+1, err)
		}
	}
	return raw, nil
}

// openJWS verifies a compact JWS (RFC 7515 section 5.2) and returns header and
// payload. Only RS256 is known here, so that no header can choose another way
// of verification; the key is found by kid in keys and nowhere else.
func openJWS(token string, keys *KeySet) (header object, payload []byte, err error) {
	raw, err := splitJWS(token)
	if err != nil {
		return nil, nil, err
	}
	if header, err = parseObject(raw[0]); err != nil {
		return nil, nil, fmt.Errorf("%w: header: %w", ErrMalformed, err)
	}
	signed := token[:strings.LastIndexByte(token, '.')]
	if err := checkSignature(header, signed, raw[2], keys); err != nil {
		return nil, nil, err
	}
	return header, raw[1], nil
}

func decodeSegment(s string) ([]byte, error) {
	if strings.ContainsAny(s, "\r\n") {
		return nil, fmt.Errorf("contains a line end")
	}
	return strictURL.DecodeString(s)
}

func checkSignature(header object, signed string, sig []byte, keys *KeySet) error {
	if header["alg"] != jwt.SigningMethodRS256.Alg() {
		return fmt.Errorf("%w: alg %s, want RS256", ErrHeader, shown(header["alg"]))
	}
	// crit announces extensions that must be understood (RFC 7515 section
	// 4.1.11), b64 changes what is signed (RFC 7797). None is known here.
	for _, name := range []string{"crit", "b64"} {
		if _, has := header[name]; has {
			return fmt.Errorf("%w: has %q, which MAA does not send", ErrHeader, name)
		}
	}
	kid, ok := header["kid"].(string)
	if !ok {
		return fmt.Errorf("%w: has no kid", ErrHeader)
	}
	if keys == nil {
		return fmt.Errorf("%w: no key set given", ErrUnknownKey)
	}
	key, ok := keys.Key(kid)
	if !ok {
		return fmt.Errorf("%w: kid %s", ErrUnknownKey, shown(kid))
	}
	if err := jwt.SigningMethodRS256.Verify(signed, sig, key); err != nil {
		return fmt.Errorf("%w under key %s", ErrSignature, shown(kid))
	}
	return nil
}

// shown renders an untrusted JSON value for an error text.
func shown(v any) string {
	if s, ok := v.(string); ok {
		return fmt.Sprintf("%q", printable(s, 120))
	}
	return printable(fmt.Sprintf("%v", v), 40)
}
