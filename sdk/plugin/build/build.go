// Package build makes plugin modules, reproducibly.
//
// The same Go source, manifest and Go version give the same bytes on every machine
// and in every directory: paths and version control data are left out, what
// the user's environment says about the build is not heard, and custom sections
// are removed. The manifest is put in as the last section, so it is part of what
// is hashed and measured. Of a module in another language only this last step is
// done here.
//
// Functions are safe for concurrent use. They run the go command.
package build

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/veriproof/notary/sdk/plugin/abi"
)

// Names of files in a plugin's source directory.
const (
	// ManifestFile is the manifest.
	ManifestFile = "manifest.json"
	// ModuleFile is the compiled module of a plugin that is not written in Go,
	// as its linker has made it. A directory without it is a Go main package.
	ModuleFile = "module.wasm"
)

// manifest is how an author writes a manifest: any layout, same fields.
type manifest struct {
	ABI          string      `json:"abi"`
	Capabilities []string    `json:"capabilities"`
	Context      abi.Context `json:"context"`
	Endpoints    []string    `json:"endpoints"`
	Kind         abi.Kind    `json:"kind"`
	Labels       []string    `json:"labels"`
	Limits       struct {
		MemoryPages uint32 `json:"memory_pages"`
	} `json:"limits"`
	Name    string   `json:"name"`
	Schema  []string `json:"schema"`
	SQL     []string `json:"sql"`
	Version string   `json:"version"`
	WASI    abi.WASI `json:"wasi"`
}

// ReadManifest reads the manifest of the plugin in dir. It may be laid out
// freely, but an unknown key or a field that does not fit is an error.
func ReadManifest(dir string) (*abi.Manifest, error) {
	text, err := os.ReadFile(filepath.Join(dir, ManifestFile))
	if err != nil {
		return nil, fmt.Errorf("build: a plugin's directory holds its manifest: %w", err)
	}
	var m manifest
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&m); err != nil {
		return nil, fmt.Errorf("build: %s of %s: %w", ManifestFile, filepath.Base(dir), err)
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("build: %s of %s: something stands behind the object", ManifestFile, filepath.Base(dir))
	}
	out := &abi.Manifest{
		ABI: m.ABI, Capabilities: m.Capabilities, Context: m.Context, Endpoints: m.Endpoints, Kind: m.Kind, Labels: m.Labels,
		Limits: abi.Limits{MemoryPages: m.Limits.MemoryPages}, Name: m.Name, Schema: m.Schema, SQL: m.SQL, Version: m.Version, WASI: m.WASI,
	}
	if _, err := out.Marshal(); err != nil {
		return nil, fmt.Errorf("build: %s of %s: %w", ManifestFile, filepath.Base(dir), err)
	}
	return out, nil
}

// environment is what the go command hears, in place of the user's: no
// workspace, no flags, no other toolchain, no experiments.
func environment() []string {
	env := []string{
		"GOOS=wasip1", "GOARCH=wasm", "CGO_ENABLED=0", "GOTOOLCHAIN=local", "GOFLAGS=", "GOWORK=off",
		"GOENV=off", "GOEXPERIMENT=", "GOWASM=", "GODEBUG=", "GOFIPS140=off",
	}
	// Where the kit and other modules come from is the user's.
	for _, name := range []string{"PATH", "HOME", "TMPDIR", "GOCACHE", "GOMODCACHE", "GOPATH", "GOPROXY", "GOSUMDB", "GONOSUMDB", "GOROOT"} {
		if v, ok := os.LookupEnv(name); ok {
			env = append(env, name+"="+v)
		}
	}
	return env
}

// Module makes the plugin in dir: it takes the module that is there, or compiles
// the main package, and adds the manifest. Errors of the go command carry what it
// printed.
func Module(ctx context.Context, dir string) ([]byte, error) {
	m, err := ReadManifest(dir)
	if err != nil {
		return nil, err
	}
	raw, err := os.ReadFile(filepath.Join(dir, ModuleFile))
	if errors.Is(err, fs.ErrNotExist) {
		raw, err = compile(ctx, dir)
	}
	if err != nil {
		return nil, fmt.Errorf("build: %s: %w", m.Name, err)
	}
	return Pack(raw, m)
}

// compile runs the go command. The list of modules, which it would put into the
// binary, is left out: it names the directory of a module that is replaced.
func compile(ctx context.Context, dir string, flags ...string) ([]byte, error) {
	tmp, err := os.MkdirTemp("", "plugin-build-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(tmp)
	out := filepath.Join(tmp, "module.wasm")
	args := append([]string{
		"build", "-buildmode=c-shared", "-trimpath", "-buildvcs=false",
		"-ldflags=-s -w -buildid= -X=runtime.modinfo=", "-o", out,
	}, flags...)
	if _, err := goCommand(ctx, dir, append(args, ".")...); err != nil {
		return nil, err
	}
	return os.ReadFile(out)
}

// goCommand returns what the go command prints. Its errors carry what it said.
func goCommand(ctx context.Context, dir string, args ...string) ([]byte, error) {
	cmd := exec.CommandContext(ctx, "go", args...)
	var out, said bytes.Buffer
	cmd.Dir, cmd.Env, cmd.Stdout, cmd.Stderr = dir, environment(), &out, &said
	if err := cmd.Run(); err != nil {
		return nil, fmt.Errorf("go %s: %w\n%s", args[0], err, bytes.TrimSpace(said.Bytes()))
	}
	return out.Bytes(), nil
}

// Pack removes the custom sections of a module and adds the manifest. It is the
// last step for a module of any language.
func Pack(module []byte, m *abi.Manifest) ([]byte, error) {
	bare, err := abi.StripCustom(module)
	if err != nil {
		return nil, err
	}
	return abi.AppendManifest(bare, m)
}

// Toolchain returns the version of the go command, which decides the bytes of a
// module together with its source.
func Toolchain(ctx context.Context) (string, error) {
	out, err := goCommand(ctx, "", "env", "GOVERSION")
	if err != nil {
		return "", fmt.Errorf("build: %w", err)
	}
	return strings.TrimSpace(string(out)), nil
}

// Write stores a module as NAME.wasm in dir, with its SHA-256 beside it as
// NAME.wasm.sha256 in the form of sha256sum, and returns the digest in
// hexadecimal. Each file is replaced in one step.
func Write(dir, name string, module []byte) (string, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", fmt.Errorf("build: %w", err)
	}
	sum := sha256.Sum256(module)
	digest := hex.EncodeToString(sum[:])
	file := name + ".wasm"
	for _, f := range []struct {
		name string
		data []byte
	}{{file, module}, {file + ".sha256", []byte(digest + "  " + file + "\n")}} {
		if err := replace(filepath.Join(dir, f.name), f.data); err != nil {
			return "", err
		}
	}
	return digest, nil
}

func replace(path string, data []byte) error {
	tmp := path + ".new"
	if err := os.WriteFile(tmp, data, 0o644); err != nil {
		return fmt.Errorf("build: %w", err)
	}
	if err := os.Rename(tmp, path); err != nil {
		return fmt.Errorf("build: %w", err)
	}
	return nil
}
