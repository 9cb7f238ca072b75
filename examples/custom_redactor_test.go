package examples_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/veriproof/notary/host/config"
)

// TestCustomRedactor types what examples/custom-redactor/README.md says, line by
// line, in a copy of the source, and names the module in a configuration as it says.
func TestCustomRedactor(t *testing.T) {
	dir, bin := t.TempDir(), t.TempDir()
	for _, name := range []string{"go.mod", "go.sum", "sdk/plugin", "examples/custom-redactor"} {
		copyTree(t, filepath.Join(root, name), filepath.Join(dir, name))
	}
	tool := exec.CommandContext(t.Context(), "go", "build", "-o", filepath.Join(bin, "notary"), "./host/cmd/notary")
	tool.Dir = root
	if out, err := tool.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	text := read(t, "examples/custom-redactor/README.md")
	ran, said := 0, ""
	for _, block := range blocks(text, "sh") {
		for line := range strings.Lines(block) {
			cmd := exec.CommandContext(t.Context(), "sh", "-c", line)
			cmd.Dir = dir
			cmd.Env = append(os.Environ(), "PATH="+bin+string(os.PathListSeparator)+os.Getenv("PATH"), "GOPROXY=off")
			out, err := cmd.CombinedOutput()
			if err != nil {
				t.Fatalf("%s%v\n%s", line, err, out)
			}
			ran, said = ran+1, said+string(out)
		}
	}
	for _, want := range []string{"11 of 11 as expected", "ok  at most 100000 fuel", "would be loaded", "plugin set"} {
		if !strings.Contains(said, want) {
			t.Errorf("%d commands did not say %q:\n%s", ran, want, said)
		}
	}
	if ran != 5 {
		t.Errorf("%d commands, want 5", ran)
	}
	digest := regexp.MustCompile(`(?m)^([0-9a-f]{64})  build/plugins/redact-mrn\.wasm$`).FindStringSubmatch(said)
	if digest == nil {
		t.Fatalf("no digest was printed:\n%s", said)
	}
	entry := regexp.MustCompile(`sha256: #.*`).ReplaceAllString(blocks(text, "yaml")[0], "sha256: "+digest[1])
	cfg, err := config.Parse(filepath.Join(dir, "notary.yaml"), []byte(`version: 1
attestation: {maa_url: "https://maa.example.org"}
plugins:
`+entry+`  - {name: s, kind: storage, wasm: s.wasm, sha256: 0000000000000000000000000000000000000000000000000000000000000002}
recipients: [{file: key.pem}]
tenants: [{name: t, api_key_hashes: [0000000000000000000000000000000000000000000000000000000000000003]}]
log: {origin: example.org/log}
`))
	if err != nil {
		t.Fatal(err)
	}
	if module, settings, err := cfg.ReadPlugin(t.Context(), &cfg.Plugins[0]); err != nil || len(module) == 0 || len(settings) == 0 {
		t.Errorf("module of %d bytes, settings %q, %v", len(module), settings, err)
	}
}

func copyTree(t *testing.T, from, to string) {
	t.Helper()
	info, err := os.Stat(from)
	if err != nil {
		t.Fatal(err)
	}
	if info.IsDir() {
		err = os.CopyFS(to, os.DirFS(from))
	} else {
		var b []byte
		if b, err = os.ReadFile(from); err == nil {
			err = os.WriteFile(to, b, 0o600)
		}
	}
	if err != nil {
		t.Fatal(err)
	}
}
