package main

import (
	"bytes"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/veriproof/notary/attestation"
	"github.com/veriproof/notary/sdk/bundle"
)

// TestVerifyImports: the command reads files and asks packages whose
// dependencies are tested to have nothing of the server in them (sdk/bundle), so
// there is nothing here to dial with. What --network does is in fetch.go.
func TestVerifyImports(t *testing.T) {
	allowed := []string{
		"bytes", "cmp", "context", "encoding/json", "errors", "fmt", "io", "os", "path/filepath", "slices", "strings", "time",
		"github.com/veriproof/notary/attestation", "github.com/veriproof/notary/attestation/policy",
		"github.com/veriproof/notary/sdk/bundle", "github.com/veriproof/notary/sdk/receipt",
	}
	for _, name := range []string{"verify.go", "verifymany.go"} {
		f, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ImportsOnly)
		if err != nil {
			t.Fatal(err)
		}
		for _, i := range f.Imports {
			if path, err := strconv.Unquote(i.Path.Value); err != nil || !slices.Contains(allowed, path) {
				t.Errorf("%s imports %s", name, i.Path.Value)
			}
		}
	}
}

// TestEveryByteOfABundle: whichever byte of a real bundle changes, it is not
// verified. The tests of sdk/bundle try every byte of made-up ones; here is a
// sample, or with NOTARY_LONG all bytes, of what a notary really wrote.
func TestEveryByteOfABundle(t *testing.T) {
	t.Parallel()
	m := sample(t)
	data, err := os.ReadFile(m.path("good.bundle"))
	if err != nil {
		t.Fatal(err)
	}
	if r := m.verified(t, data); len(r.Records) != 2 {
		t.Fatalf("the good bundle discloses %d records, want 2", len(r.Records))
	}
	step := 41
	if os.Getenv("NOTARY_LONG") != "" {
		step = 1
	}
	each(len(data)/step, func(i int) {
		changed := bytes.Clone(data)
		changed[i*step] ^= 1 << (i % 8)
		if r, err := bundle.Verify(changed, m.policy, bundle.Options{AllowSimulated: true}); err != nil || r.Verdict != attestation.Failed {
			t.Errorf("byte %d changed: %v %v", i*step, r, err)
		}
	})
}

// each calls f with 0 to n-1 on a few goroutines.
func each(n int, f func(i int)) {
	var wg sync.WaitGroup
	for w := range 4 {
		wg.Go(func() {
			for i := w; i < n; i += 4 {
				f(i)
			}
		})
	}
	wg.Wait()
}

// TestChangedBundles: the tool's exit status tells a changed bundle, wherever it
// was changed, and the text says which check failed.
func TestChangedBundles(t *testing.T) {
	t.Parallel()
	m := sample(t)
	data, err := os.ReadFile(m.path("good.bundle"))
	if err != nil {
		t.Fatal(err)
	}
	b, err := bundle.Parse(data)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	check := func(name, failed string, changed []byte) {
		file := filepath.Join(dir, "changed.bundle")
		if err := os.WriteFile(file, changed, 0o600); err != nil {
			t.Fatal(err)
		}
		status, stdout, stderr := m.run(t, "verify", "--policy", "policy.yaml", file)
		if status != exitFalse || !strings.Contains(stdout, "verdict: failed") || strings.Contains(stderr, "notary: error") {
			t.Errorf("%s: status %d\n%s%s", name, status, stdout, stderr)
		}
		if line := failedCheck(stdout); line != failed {
			t.Errorf("%s: first to fail is %q, want %q", name, line, failed)
		}
	}
	middle := bytes.Clone(data)
	middle[len(middle)/2] ^= 0x20
	check("one byte", "bundle.encoding", middle)
	check("half", "bundle.encoding", data[:len(data)/2])
	check("text", "bundle.encoding", []byte("not a bundle"))

	// Repaired around the change, so that only what the change is about fails.
	const reportSignature = 0x2a0
	for name, c := range map[string]struct {
		part   *[]byte
		at     int
		failed string
	}{
		"receipt": {&b.Receipt, len(b.Receipt) - 4, "receipt.signature"},
		"proof":   {&b.Proof, len(b.Proof) - 4, "log.proof"},
		"config":  {&b.Sealer.Config, 4, "config.file"},
		"report":  {&b.Sealer.Report, reportSignature, "snp.verify"},
	} {
		whole := *c.part
		*c.part = bytes.Clone(whole)
		(*c.part)[c.at] ^= 1
		again, err := b.Encode()
		if err != nil {
			t.Fatal(err)
		}
		*c.part = whole
		check(name, c.failed, again)
	}
}

// failedCheck returns the name of the first check that failed.
func failedCheck(stdout string) string {
	for line := range strings.Lines(stdout) {
		if words := strings.Fields(line); len(words) > 1 && words[0] == "fail" {
			return words[1]
		}
	}
	return ""
}
