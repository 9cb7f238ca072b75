//go:build !race

package plugins_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/veriproof/notary/sdk/plugin/build"
)

var codeBlock = regexp.MustCompile("(?s)```(go|json)\n(.*?)```")

// TestGuide follows README.md to the letter: it writes the files that it shows,
// in a copy of the source, runs their tests and builds the plugin.
func TestGuide(t *testing.T) {
	root := t.TempDir()
	for _, dir := range []string{"go.mod", "go.sum", "sdk/plugin"} {
		copyTree(t, filepath.Join("..", dir), filepath.Join(root, dir))
	}
	text, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	blocks := codeBlock.FindAllSubmatch(text, -1)
	files := []string{"manifest.json", "main.go", "testdata/golden.jsonl", "main_test.go"}
	if len(blocks) != len(files) {
		t.Fatalf("README.md has %d blocks of code, want %d", len(blocks), len(files))
	}
	dir := filepath.Join(root, "plugins", "redact-badge")
	if err := os.MkdirAll(filepath.Join(dir, "testdata"), 0o755); err != nil {
		t.Fatal(err)
	}
	for i, name := range files {
		if err := os.WriteFile(filepath.Join(dir, name), blocks[i][2], 0o600); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.CommandContext(t.Context(), "go", "test", ".")
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("go test: %v\n%s", err, out)
	}
	module, err := build.Module(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	pages := open(t, module).mod.Memory().Size() >> 16
	t.Logf("%d bytes, %d pages after _initialize", len(module), pages)
	if pages > 48 {
		t.Errorf("%d pages: README.md promises about 40", pages)
	}
}
