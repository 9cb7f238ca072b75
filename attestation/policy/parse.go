package policy

import (
	"encoding/hex"
	"errors"
	"fmt"

	"go.yaml.in/yaml/v4"
)

// ErrInvalid is wrapped by every error of Parse.
var ErrInvalid = errors.New("invalid policy")

// Parse reads a policy file, checks it and fills in the defaults. Errors wrap
// ErrInvalid and say which line is at fault and what to write there.
func Parse(yamlBytes []byte) (*Policy, error) {
	p, err := parse(yamlBytes)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrInvalid, err)
	}
	return p, nil
}

func parse(b []byte) (*Policy, error) {
	if len(b) > MaxSize {
		return nil, fmt.Errorf("%d bytes, at most %d are allowed", len(b), MaxSize)
	}
	var doc yaml.Node
	if err := yaml.Load(b, &doc); err != nil {
		return nil, plain(err)
	}
	if err := checkDocument(&doc); err != nil {
		return nil, err
	}
	// Read a second time instead of decoding the nodes: the options hold for
	// the whole of a load, and the file is small.
	p := new(Policy)
	if err := yaml.Load(b, p, yaml.WithKnownFields()); err != nil {
		return nil, plain(err)
	}
	if p.MaxAge == 0 && mentions(doc.Content[0], "max_age") {
		return nil, errMaxAge(p.MaxAge) // decoded it is the same as no limit
	}
	if p.Log != nil && p.Log.CosignedWithin == 0 && mentionsWithin(doc.Content[0], "log", "cosigned_within") {
		return nil, errCosignedWithin(0)
	}
	p.setDefaults()
	return p, p.check()
}

func mentions(n *yaml.Node, key string) bool {
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == key {
			return true
		}
	}
	return false
}

// mentionsWithin says whether the value of a key, a mapping, has another one.
func mentionsWithin(n *yaml.Node, section, key string) bool {
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == section {
			return mentions(n.Content[i+1], key)
		}
	}
	return false
}

// plain takes the library's own words off an error and keeps line and reason.
func plain(err error) error {
	var many *yaml.LoadErrors
	if errors.As(err, &many) && len(many.Errors) > 0 {
		err = many.Errors[0]
	}
	var one *yaml.LoadError
	if errors.As(err, &one) && one.Mark.Line > 0 {
		return fmt.Errorf("line %d: %s", one.Mark.Line, one.Message)
	}
	return err
}

// Digest is a SHA-256, in YAML 64 characters of lower-case hex.
type Digest [32]byte

func (d Digest) String() string { return hex.EncodeToString(d[:]) }

// MarshalText returns the digest in hex.
func (d Digest) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// UnmarshalText decodes exactly 64 characters of lower-case hex.
func (d *Digest) UnmarshalText(b []byte) error { return unhex(d[:], b, "a SHA-256") }

// ChipID is the id of one chip as it stands in reports, in YAML 128 characters
// of lower-case hex.
type ChipID [64]byte

func (c ChipID) String() string { return hex.EncodeToString(c[:]) }

// MarshalText returns the id in hex.
func (c ChipID) MarshalText() ([]byte, error) { return []byte(c.String()), nil }

// UnmarshalText decodes exactly 128 characters of lower-case hex.
func (c *ChipID) UnmarshalText(b []byte) error { return unhex(c[:], b, "a chip id") }

func unhex(dst, src []byte, what string) error {
	if len(src) == 2*len(dst) {
		if _, err := hex.Decode(dst, src); err == nil && hex.EncodeToString(dst) == string(src) {
			return nil
		}
	}
	return fmt.Errorf("%.20q… is not %s: want %d characters of lower-case hex", src, what, 2*len(dst))
}
