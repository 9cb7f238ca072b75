package build_test

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/veriproof/notary/sdk/plugin/abi"
	"github.com/veriproof/notary/sdk/plugin/build"
)

const good = `{
  "abi": "rdx/1", "kind": "redactor", "name": "x", "version": "1", "labels": ["A"],
  "capabilities": [], "limits": {"memory_pages": 1}, "wasi": "none"
}`

var empty = []byte("\x00asm\x01\x00\x00\x00")

func Example() {
	dir, err := os.MkdirTemp("", "plugin")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	if err := os.WriteFile(filepath.Join(dir, build.ManifestFile), []byte(good), 0o600); err != nil {
		fmt.Println(err)
		return
	}
	m, err := build.ReadManifest(dir)
	if err != nil {
		fmt.Println(err)
		return
	}
	// A module of any language gets its manifest this way.
	module, err := build.Pack([]byte("\x00asm\x01\x00\x00\x00"), m)
	if err != nil {
		fmt.Println(err)
		return
	}
	back, err := abi.ReadManifest(module)
	fmt.Println(back.Name, back.Labels, err)
	// Output: x [A] <nil>
}

func TestManifestIsStrict(t *testing.T) {
	for name, text := range map[string]string{
		"unknown key": `{"abi":"rdx/1","kind":"redactor","name":"x","version":"1","labels":["A"],"limits":{"memory_pages":1},"wasi":"none","author":"x"}`,
		"behind":      good + "{}",
		"no labels":   `{"abi":"rdx/1","kind":"redactor","name":"x","version":"1","labels":[],"limits":{"memory_pages":1},"wasi":"none"}`,
		"bad name":    `{"abi":"rdx/1","kind":"redactor","name":"X Y","version":"1","labels":["A"],"limits":{"memory_pages":1},"wasi":"none"}`,
		"not json":    `name = x`,
	} {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, build.ManifestFile), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if m, err := build.ReadManifest(dir); err == nil {
			t.Errorf("%s: accepted as %+v", name, m)
		}
	}
	if _, err := build.ReadManifest(t.TempDir()); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no manifest: error %v", err)
	}
}

// TestPackIsDeterministic: what a toolchain leaves in custom sections does not
// change the bytes, and a second manifest cannot be put in.
func TestPackIsDeterministic(t *testing.T) {
	m := &abi.Manifest{
		ABI: abi.ABIRedactor, Kind: abi.KindRedactor, Labels: []string{"A"},
		Limits: abi.Limits{MemoryPages: 1}, Name: "x", Version: "1", WASI: abi.WASINone,
	}
	bare, err := build.Pack(empty, m)
	if err != nil {
		t.Fatal(err)
	}
	named := append(append([]byte{}, empty...), 0, 6, 4, 'n', 'a', 'm', 'e', 0)
	for name, module := range map[string][]byte{"with a name section": named, "packed before": bare} {
		again, err := build.Pack(module, m)
		if err != nil {
			t.Errorf("%s: %v", name, err)
		} else if string(again) != string(bare) {
			t.Errorf("%s: other bytes", name)
		}
	}
}

// TestModuleOfAnotherLanguage: a module that is there is packed, not compiled.
func TestModuleOfAnotherLanguage(t *testing.T) {
	dir := filepath.Join("..", "testdata", "star")
	raw, err := os.ReadFile(filepath.Join(dir, build.ModuleFile))
	if err != nil {
		t.Fatal(err)
	}
	m, err := build.ReadManifest(dir)
	if err != nil {
		t.Fatal(err)
	}
	want, err := build.Pack(raw, m)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := build.Module(t.Context(), dir); err != nil || string(got) != string(want) {
		t.Errorf("%d bytes, error %v; want the packed module of %d bytes", len(got), err, len(want))
	}
}

func TestWrite(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "a", "b")
	for _, module := range []string{"one", "two"} {
		digest, err := build.Write(dir, "x", []byte(module))
		if err != nil {
			t.Fatal(err)
		}
		sum := sha256.Sum256([]byte(module))
		line, err := os.ReadFile(filepath.Join(dir, "x.wasm.sha256"))
		if err != nil || digest != hex.EncodeToString(sum[:]) || string(line) != digest+"  x.wasm\n" {
			t.Errorf("digest %s, file %q, %v", digest, line, err)
		}
		if got, err := os.ReadFile(filepath.Join(dir, "x.wasm")); err != nil || string(got) != module {
			t.Errorf("stored %q, %v", got, err)
		}
	}
	if files, _ := os.ReadDir(dir); len(files) != 2 {
		t.Errorf("%d files, want 2", len(files))
	}
}
