//go:build js && wasm

package main

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/veriproof/notary/attestation/policy"
	"github.com/veriproof/notary/attestation/truststore"
	"github.com/veriproof/notary/sdk/bundle"
)

// settings is what a person has chosen on the page.
type settings struct {
	Policy string `json:"policy"`
	JWKS   string `json:"jwks"`
	Issuer string `json:"issuer"`
	At     string `json:"at"`
	// Trust are the files of a directory that "notary trust keep" made, by name.
	Trust map[string][]byte `json:"trust"`
}

// verify returns what the page shows: the JSON of "notary verify --json", or an
// error about the question.
func verify(data []byte, text string) string {
	result, err := ask(data, text)
	if err != nil {
		out, _ := json.Marshal(map[string]string{"error": err.Error()})
		return string(out)
	}
	return result
}

func ask(data []byte, text string) (string, error) {
	var s settings
	if err := json.Unmarshal([]byte(text), &s); err != nil {
		return "", fmt.Errorf("settings: %w", err)
	}
	if len(data) > bundle.MaxSize {
		return "", fmt.Errorf("the file has %d bytes; a bundle has at most %d", len(data), bundle.MaxSize)
	}
	p, err := policy.Parse([]byte(s.Policy))
	if err != nil {
		return "", fmt.Errorf("policy: %w", err)
	}
	o := bundle.Options{AllowSimulated: simulatedAllowed, TrustedIssuer: s.Issuer}
	if s.JWKS != "" {
		o.TrustedJWKS = []byte(s.JWKS)
	}
	if s.At != "" {
		if o.At, err = time.Parse(time.RFC3339, s.At); err != nil {
			return "", fmt.Errorf("%.40q is not a time such as 2026-01-31T12:00:00Z", s.At)
		}
	}
	if len(s.Trust) > 0 {
		kept, err := truststore.Parse(s.Trust)
		if err != nil {
			return "", err
		}
		o.KeptKeys, o.CRLs = kept.KeySets(), kept.CRLs()
	}
	r, err := bundle.Verify(data, p, o)
	if err != nil {
		return "", err
	}
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetIndent("", "  ")
	err = e.Encode(r)
	return b.String(), err
}
