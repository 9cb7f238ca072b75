package build_test

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/veriproof/notary/sdk/plugin/build"
)

// outside writes a plugin in a module of its own, which takes the kit from this
// checkout, and returns its directory.
func outside(t *testing.T, extra string) string {
	t.Helper()
	root, err := filepath.Abs("../../..")
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(t.TempDir(), "own")
	for name, text := range map[string]string{
		"go.mod": "module own\n\ngo 1.26.0\n\nrequire github.com/veriproof/notary v0.0.0\n\nreplace github.com/veriproof/notary => " + root + "\n",
		"manifest.json": `{"abi":"rdx/1","capabilities":[],"kind":"redactor","labels":["A"],"limits":{"memory_pages":96},
			"name":"own","version":"1","wasi":"deny"}`,
		"words/list.txt": "one\n",
		"words/words.go": "package words\n\nimport _ \"embed\"\n\n//go:embed list.txt\nvar List string\n",
		"main.go": `package main

import (
	"github.com/veriproof/notary/sdk/plugin/abi"
	"github.com/veriproof/notary/sdk/plugin/redactor"

	"own/words"
)

func init() {
	redactor.Register(redactor.Spec{Labels: []string{"A"}, Configure: func([]byte) (redactor.Redactor, error) {
		return redactor.EachField(func(f *abi.Field, found redactor.Found) {
			if string(f.Text) == words.List {
				found(0, len(f.Text), 0, 0)
			}
		}), nil
	}})
}

func main() {}
` + extra,
	} {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// TestTwice: a plugin in a module of its own is the same in another directory
// with another copy of the kit, and no path of this machine is in it.
func TestTwice(t *testing.T) {
	dir := outside(t, "")
	module, err := build.Twice(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	root, err := filepath.Abs("../../..")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{dir, root} {
		if bytes.Contains(module, []byte(path)) {
			t.Errorf("the module holds the path %s", path)
		}
	}
}

func TestTwiceOfAnotherLanguage(t *testing.T) {
	dir := filepath.Join("..", "testdata", "star")
	want, err := build.Module(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := build.Twice(t.Context(), dir); err != nil || !bytes.Equal(got, want) {
		t.Errorf("%d bytes, error %v", len(got), err)
	}
}

// TestErrorsCarryTheCompiler: an author sees what the go command said.
func TestErrorsCarryTheCompiler(t *testing.T) {
	dir := outside(t, "\nfunc broken() int { return x }\n")
	if _, err := build.Twice(t.Context(), dir); err == nil || !strings.Contains(err.Error(), "undefined: x") {
		t.Errorf("error %v, want one with the compiler's words", err)
	}
	if err := os.Remove(filepath.Join(dir, "manifest.json")); err != nil {
		t.Fatal(err)
	}
	if _, err := build.Twice(t.Context(), dir); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no manifest: error %v", err)
	}
}

// TestDifferenceIsFound puts a go command on PATH that lets the directory into the
// module.
func TestDifferenceIsFound(t *testing.T) {
	real, err := exec.LookPath("go")
	if err != nil {
		t.Fatal(err)
	}
	dir, bin := outside(t, ""), t.TempDir()
	script := `#!/bin/sh
[ "$1" = build ] || exec ` + real + ` "$@"
while [ "$1" != -o ]; do shift; done
printf '\000asm\001\000\000\000\001\004%.4s' "$(pwd | cksum)" > "$2"
`
	if err := os.WriteFile(filepath.Join(bin, "go"), []byte(script), 0o700); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", bin+string(os.PathListSeparator)+os.Getenv("PATH"))
	var difference *build.DifferenceError
	if _, err := build.Twice(t.Context(), dir); !errors.As(err, &difference) || difference.Here == difference.Elsewhere {
		t.Errorf("error %v, want a DifferenceError with two digests", err)
	}
}
