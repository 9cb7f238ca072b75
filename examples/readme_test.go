package examples_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/veriproof/notary/attestation"
	"github.com/veriproof/notary/attestation/policy"
	"github.com/veriproof/notary/sdk/bundle"
	"github.com/veriproof/notary/sdk/receipt"
)

// verified is README.md's relying party. The test below holds it to the text
// there, and the compiler to the API.
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
	_, source, _ := strings.Cut(read(t, "examples/readme_test.go"), "\nfunc verified(policyYAML, bundleFile []byte) (*receipt.Manifest, error) {\n")
	source, _, _ = strings.Cut(source, "\n}\n")
	source = strings.ReplaceAll("\n"+source, "\n\t", "\n")[1:] + "\n"
	code := blocks(read(t, "README.md"), "go")
	if len(code) != 1 || code[0] != source {
		t.Errorf("README.md has\n%s\nwant\n%s", strings.Join(code, "----\n"), source)
	}
	if m, err := verified([]byte("format: \"1\"\n"), nil); m != nil || err == nil {
		t.Errorf("a policy without host_data: %v, %v", m, err)
	}
	if m, err := verified([]byte(read(t, "attestation/policy/testdata/example.yaml")), []byte("no bundle")); m != nil || err == nil {
		t.Errorf("no bundle: %v, %v", m, err)
	}
}
