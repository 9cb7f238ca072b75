package examples_test

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/veriproof/notary/attestation"
	"github.com/veriproof/notary/attestation/challenge"
	"github.com/veriproof/notary/attestation/policy"
	"github.com/veriproof/notary/sdk/bundle"
	"github.com/veriproof/notary/sdk/receipt"
)

// trusted and verified are README.md's relying parties. The test below holds them
// to the text there, and the compiler to the API.

func trusted(ctx context.Context, notaryURL string, policyYAML []byte) (*tls.Config, error) {
	p, err := policy.Parse(policyYAML)
	if err != nil {
		return nil, err
	}
	proof, err := challenge.Fetch(ctx, notaryURL)
	if err != nil {
		return nil, err
	}
	if attestation.Verdict(proof.Appraise(p, challenge.Options{})) != attestation.Verified {
		return nil, errors.New("not a notary that we accept")
	}
	return proof.TLSConfig(), nil // connects to the attested key and to nothing else
}

func verified(policyYAML, bundleFile []byte) (*receipt.Manifest, error) {
	p, err := policy.Parse(policyYAML)
	if err != nil {
		return nil, err
	}
	result, err := bundle.Verify(bundleFile, p, bundle.Options{})
	if err != nil || result.Verdict != attestation.Verified {
		return nil, fmt.Errorf("the bundle is not verified: %w", err)
	}
	return result.Manifest, nil
}

func TestReadmeCode(t *testing.T) {
	text := read(t, "examples/readme_test.go")
	var want []string
	for _, signature := range []string{
		"\nfunc trusted(ctx context.Context, notaryURL string, policyYAML []byte) (*tls.Config, error) {\n",
		"\nfunc verified(policyYAML, bundleFile []byte) (*receipt.Manifest, error) {\n",
	} {
		_, source, _ := strings.Cut(text, signature)
		source, _, _ = strings.Cut(source, "\n}\n")
		want = append(want, strings.ReplaceAll("\n"+source, "\n\t", "\n")[1:]+"\n")
	}
	if code := blocks(read(t, "README.md"), "go"); !slices.Equal(code, want) {
		t.Errorf("README.md has\n%s\nwant\n%s", strings.Join(code, "----\n"), strings.Join(want, "----\n"))
	}
	if c, err := trusted(t.Context(), "https://127.0.0.1:1", []byte(read(t, "attestation/policy/testdata/example.yaml"))); c != nil || err == nil {
		t.Errorf("nobody there: %v, %v", c, err)
	}
	if m, err := verified([]byte("format: \"1\"\n"), nil); m != nil || err == nil {
		t.Errorf("a policy without host_data: %v, %v", m, err)
	}
	if m, err := verified([]byte(read(t, "attestation/policy/testdata/example.yaml")), []byte("no bundle")); m != nil || err == nil {
		t.Errorf("no bundle: %v, %v", m, err)
	}
}
