// Package plugins_test checks the built-in plugins as modules: that they are
// built reproducibly, import what they may, and do in WebAssembly what their
// logic does natively.
//
// A test whose work is all in one guest, and its own before that, stands in a file for builds without the race
// detector, which has nothing to see there and makes it take three times as long. "make test" runs these as well.
package plugins_test

import (
	"context"
	"crypto/sha256"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
	"github.com/tetratelabs/wazero/imports/wasi_snapshot_preview1"

	"github.com/veriproof/notary/sdk/plugin/abi"
	"github.com/veriproof/notary/sdk/plugin/build"
)

// scanners are the redactors in C, which share plugins/scan.
var (
	scanners = []string{"redact-pii", "redact-secrets"}
	names    = append([]string{"redact-patterns", "redact-fields", "store-dir", "store-postgres", "store-azureblob", "store-s3"}, scanners...)
)

// modules builds the plugins in this directory, once.
var modules = sync.OnceValues(func() (map[string][]byte, error) { return buildAll(".") })

func buildAll(dir string) (map[string][]byte, error) {
	out := map[string][]byte{}
	for _, name := range names {
		m, err := build.Module(context.Background(), filepath.Join(dir, name))
		if err != nil {
			return nil, err
		}
		out[name] = m
	}
	return out, nil
}

func module(t testing.TB, name string) []byte {
	t.Helper()
	all, err := modules()
	if err != nil {
		t.Fatal(err)
	}
	return all[name]
}

// TestReproducible builds in a copy of the source in another directory, with an
// empty build cache and other settings in the environment, and wants the bytes
// of the build made here.
func TestReproducible(t *testing.T) {
	here, err := modules()
	if err != nil {
		t.Fatal(err)
	}
	root := filepath.Join(t.TempDir(), "elsewhere", "source")
	for _, dir := range []string{"go.mod", "go.sum", "sdk/plugin", "plugins"} {
		copyTree(t, filepath.Join("..", dir), filepath.Join(root, dir))
	}
	t.Setenv("GOCACHE", filepath.Join(t.TempDir(), "cache"))
	t.Setenv("GOFLAGS", "-gcflags=-N")
	t.Setenv("GOWASM", "satconv")
	there, err := buildAll(filepath.Join(root, "plugins"))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		if a, b := sha256.Sum256(here[name]), sha256.Sum256(there[name]); a != b {
			t.Errorf("%s: digests %x here, %x in another directory", name, a, b)
		}
	}
}

func copyTree(t *testing.T, from, to string) {
	t.Helper()
	err := filepath.WalkDir(from, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		rel, err := filepath.Rel(from, path)
		if err != nil {
			return err
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		target := filepath.Join(to, rel)
		if err := os.MkdirAll(filepath.Dir(target), 0o755); err != nil {
			return err
		}
		return os.WriteFile(target, data, 0o644)
	})
	if err != nil {
		t.Fatal(err)
	}
}

// TestSurface checks exports, imports, sections and manifest of the modules: a
// redactor has nothing of an adapter, and imports only what is denied.
func TestSurface(t *testing.T) {
	redactor := []string{"_initialize", "memory", "rdx_abi_v1", "rdx_alloc", "rdx_configure", "rdx_redact"}
	storage := []string{
		"_initialize", "memory", "sto_abi_v1", "sto_alloc", "sto_configure", "sto_delete",
		"sto_get", "sto_init", "sto_list", "sto_migrate", "sto_put",
	}
	exports := map[string][]string{
		"store-dir": without(storage, "_initialize", "sto_init"), "store-postgres": storage, "store-azureblob": storage, "store-s3": storage,
		"redact-pii": redactor[1:], "redact-secrets": redactor[1:], "redact-patterns": redactor, "redact-fields": redactor,
	}
	ctx := context.Background()
	r := wazero.NewRuntimeWithConfig(ctx, wazero.NewRuntimeConfigInterpreter()) // nothing is run: machine code would take a minute
	defer r.Close(ctx)
	for _, name := range names {
		m := module(t, name)
		manifest, err := abi.ReadManifest(m)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if manifest.Name != name {
			t.Errorf("%s: the manifest's name is %s", name, manifest.Name)
		}
		c, err := r.CompileModule(ctx, m)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		got := slices.Collect(maps.Keys(c.ExportedFunctions()))
		got = append(got, slices.Collect(maps.Keys(c.ExportedMemories()))...)
		slices.Sort(got)
		if !slices.Equal(got, exports[name]) {
			t.Errorf("%s exports %v, want %v", name, got, exports[name])
		}
		checkImports(t, name, c, manifest)
	}
}

func without(names []string, gone ...string) []string {
	return slices.DeleteFunc(slices.Clone(names), func(n string) bool { return slices.Contains(gone, n) })
}

func checkImports(t *testing.T, name string, c wazero.CompiledModule, m *abi.Manifest) {
	t.Helper()
	allowed := map[string]bool{}
	for _, f := range abi.WASIFunctions() {
		allowed[abi.ImportWASI+"."+f] = true
	}
	for _, capability := range m.Capabilities {
		for _, f := range abi.CapabilityImports(capability) {
			allowed[abi.ImportSto+"."+f] = true
		}
	}
	for _, f := range c.ImportedFunctions() {
		mod, fn, _ := f.Import()
		if !allowed[mod+"."+fn] {
			t.Errorf("%s imports %s.%s, which its manifest does not open", name, mod, fn)
		}
	}
}

// guest is a redactor module in a bare runtime: what a host does, and no more.
type guest struct {
	t   *testing.T
	ctx context.Context
	mod api.Module
}

func open(t *testing.T, m []byte) *guest {
	t.Helper()
	ctx := context.Background()
	r := wazero.NewRuntime(ctx)
	t.Cleanup(func() { _ = r.Close(ctx) })
	wasi_snapshot_preview1.MustInstantiate(ctx, r)
	mod, err := r.InstantiateWithConfig(ctx, m, wazero.NewModuleConfig().WithStartFunctions("_initialize"))
	if err != nil {
		t.Fatal(err)
	}
	return &guest{t, ctx, mod}
}

// call hands over a message and returns the function's result.
func (g *guest) call(function string, message []byte) uint64 {
	g.t.Helper()
	padded := append(slices.Clone(message), make([]byte, abi.Tail)...)
	at, err := g.mod.ExportedFunction(abi.ExportRdxAlloc).Call(g.ctx, uint64(len(padded)))
	if err != nil || at[0] == 0 || at[0]%abi.Align != 0 || !g.mod.Memory().Write(uint32(at[0]), padded) {
		g.t.Fatalf("%s: no buffer of %d bytes: %v, %v", function, len(padded), at, err)
	}
	out, err := g.mod.ExportedFunction(function).Call(g.ctx, at[0], uint64(len(message)))
	if err != nil {
		g.t.Fatalf("%s: %v", function, err)
	}
	return out[0]
}

// configure gives a redactor another configuration and reports whether it took it.
func (g *guest) configure(config string) bool {
	g.t.Helper()
	return g.call(abi.ExportRdxConfigure, []byte(config)) == 0
}

// redact gives a redactor one text and checks the edits.
func (g *guest) redact(text, key string) []abi.Edit {
	g.t.Helper()
	fields := []abi.Field{{Text: []byte(text), Key: []byte(key)}}
	request, err := abi.AppendRequest(nil, fields)
	if err != nil {
		g.t.Fatal(err)
	}
	ptr, n := abi.Unpack(g.call(abi.ExportRdxRedact, request))
	reply, ok := g.mod.Memory().Read(ptr, n)
	if !ok {
		g.t.Fatalf("reply at %d, %d bytes, is outside memory", ptr, n)
	}
	status, edits, err := abi.DecodeReply(reply, abi.MaxEdits, nil)
	if err != nil || status != 0 {
		g.t.Fatalf("status %d: %v", status, err)
	}
	if err := abi.ValidateEdits(fields, edits, abi.MaxLabels); err != nil {
		g.t.Fatal(err)
	}
	return edits
}

// TestBadInputInWasm: a guest refuses what it does not understand, and does not
// trap.
func TestBadInputInWasm(t *testing.T) {
	for _, name := range scanners {
		t.Run(name, func(t *testing.T) { badInput(t, open(t, module(t, name))) })
	}
}

func badInput(t *testing.T, g *guest) {
	if g.configure(`{"unknown":1}`) || !g.configure(`{"threshold":900}`) {
		t.Error("an unknown key in the configuration was accepted, or a threshold was not")
	}
	for name, request := range map[string][]byte{"empty": nil, "no header": make([]byte, 64)} {
		ptr, n := abi.Unpack(g.call(abi.ExportRdxRedact, request))
		reply, _ := g.mod.Memory().Read(ptr, n)
		if status, edits, err := abi.DecodeReply(reply, 0, nil); err != nil || status == 0 || len(edits) != 0 {
			t.Errorf("%s: status %d, %d edits, %v; want a refusal", name, status, len(edits), err)
		}
	}
	for _, c := range [][2]uint64{{0, 0}, {16, 64}, {1 << 31, 64}} {
		if out, err := g.mod.ExportedFunction(abi.ExportRdxRedact).Call(g.ctx, c[0], c[1]); err != nil || out[0] != 0 {
			t.Errorf("a request at %d that was never allocated: %v, %v", c[0], out, err)
		}
	}
	if out, err := g.mod.ExportedFunction(abi.ExportRdxAlloc).Call(g.ctx, 1<<32-1); err != nil || out[0] != 0 {
		t.Errorf("4 GiB were allocated: %v, %v", out, err)
	}
}
