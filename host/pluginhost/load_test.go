package pluginhost

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/veriproof/notary/sdk/plugin/abi"
)

// TestRefusedModules: what a module must not be or have, and that the error
// names it.
func TestRefusedModules(t *testing.T) {
	with := func(change func(*guest)) *guest {
		g := redactor("bad", noEdits)
		change(g)
		return g
	}
	for name, tc := range map[string]struct {
		guest *guest
		want  string
	}{
		"import of wasi without the manifest's word": {with(func(g *guest) {
			g.imports = []fn{{name: abi.ImportWASI + "\x00sched_yield", typ: funcType{"", i32}}}
		}), `imports "wasi_snapshot_preview1"."sched_yield"`},
		"import beyond Go's ten": {with(func(g *guest) {
			g.manifest.WASI = abi.WASIDeny
			g.imports = []fn{{name: abi.ImportWASI + "\x00path_open", typ: funcType{i32, i32}}}
		}), `"path_open"`},
		"import of another module": {with(func(g *guest) {
			g.imports = []fn{{name: "env\x00send", typ: funcType{i32, ""}}}
		}), `imports "env"."send"`},
		"import of storage": {with(func(g *guest) {
			g.imports = []fn{{name: abi.ImportSto + "\x00blob_get", typ: stoFunctions["blob_get"].typ}}
		}), `"blob_get": a redactor imports nothing`},
		"import of the wrong type": {with(func(g *guest) {
			g.manifest.WASI = abi.WASIDeny
			g.imports = []fn{{name: abi.ImportWASI + "\x00sched_yield", typ: funcType{i32, i32}}}
		}), "is a function (i32) -> (i32); the host has () -> (i32)"},
		"missing export":      {with(func(g *guest) { g.noExports = []string{abi.ExportRdxRedact} }), `no export "rdx_redact": rdx/1 demands a function (i32, i32) -> (i64)`},
		"missing marker":      {with(func(g *guest) { g.noExports = []string{abi.ExportRdxMarker} }), `no export "rdx_abi_v1"`},
		"memory not exported": {with(func(g *guest) { g.noExports = []string{abi.ExportMemory} }), `"memory"`},
		"export of the wrong type": {with(func(g *guest) {
			g.funcs[abi.ExportRdxAlloc] = fn{typ: funcType{i64, i32}, code: i32Const(0)}
		}), `export "rdx_alloc" is a function (i64) -> (i32); rdx/1 demands (i32) -> (i32)`},
		"initialize of the wrong type": {with(func(g *guest) {
			g.funcs[abi.ExportInitialize] = fn{typ: funcType{i32, i32}, code: i32Const(0)}
		}), "_initialize"},
		"name of the host's": {with(func(g *guest) {
			g.funcs[metering.Fuel] = fn{typ: funcType{"", i32}, code: i32Const(0)}
		}), `"rdx_fuel"`},
		"another name":             {with(func(g *guest) { g.manifest.Name = "other" }), `"other"`},
		"custom section":           {with(func(g *guest) { g.custom = []string{".debug_info"} }), ".debug_info"},
		"memory over its limit":    {with(func(g *guest) { g.manifest.Limits.MemoryPages = 7 }), "memory begins with 8 pages"},
		"table bomb":               {with(func(g *guest) { g.tables = []byte{1, 0x70, 0, 0xff, 0xff, 0xff, 0x3f} }), "table of"},
		"locals bomb":              {with(func(g *guest) { g.set(abi.ExportRdxRedact, 1<<30, i64Const(0)) }), "locals"},
		"bomb of locals and loops": {with(func(g *guest) { bomb(g, 1900, 100, 1) }), "too long to compile"},
		"bomb of loops":            {with(func(g *guest) { bomb(g, 1, 5000, 1) }), "too long to compile"},
		"bomb of functions":        {with(func(g *guest) { bomb(g, 1, 1000, 20) }), "too long to compile"},
		"global of the fuel": {with(func(g *guest) {
			g.set(abi.ExportRdxRedact, 0, i64Const(1<<40), []byte{0x24, 0}, i64Const(0))
		}), "a global that is not there"},
		"local of the charge": {with(func(g *guest) {
			g.set(abi.ExportRdxRedact, 0, i32Const(0), i32Const(0), i32Const(0), memoryFill, []byte{0x20, 2, 0x1a}, i64Const(0))
		}), "a local that is not there"},
		"table.set": {with(func(g *guest) {
			g.tables = []byte{1, 0x70, 0, 1}
			g.set(abi.ExportRdxRedact, 0, i32Const(0), []byte{0xd0, 0x70, 0x26, 0}, i64Const(0))
		}), "table.set"},
		"reference global": {with(func(g *guest) { g.globals = [][]byte{{0x70, 1, 0xd0, 0x70, opEnd}} }), "mutable global"},
		"tail call":        {with(func(g *guest) { g.set(abi.ExportRdxRedact, 0, []byte{0x12, 0}) }), "not in core"},
		"atomics":          {with(func(g *guest) { g.set(abi.ExportRdxRedact, 0, []byte{0xfe, 3, 0}, i64Const(0)) }), "not in core"},
		"relaxed SIMD":     {with(func(g *guest) { g.set(abi.ExportRdxRedact, 0, []byte{0xfd, 0x80, 2}, i64Const(0)) }), "not in core"},
		"bad types":        {with(func(g *guest) { g.set(abi.ExportRdxRedact, 0, i32Const(0)) }), "not valid core WebAssembly"},
		"start loops": {with(func(g *guest) {
			g.funcs["begin"] = fn{code: endless}
			g.start, g.noExports = "begin", []string{"begin"}
		}), "start function"},
		"initialize loops":  {with(func(g *guest) { g.set(abi.ExportInitialize, 0, endless) }), "_initialize failed (fuel)"},
		"configure loops":   {with(func(g *guest) { g.set(abi.ExportRdxConfigure, 0, endless, i32Const(0)) }), "rdx_configure failed (fuel)"},
		"configure traps":   {with(func(g *guest) { g.set(abi.ExportRdxConfigure, 0, unreachable) }), "rdx_configure failed (trap)"},
		"configure refuses": {with(func(g *guest) { g.set(abi.ExportRdxConfigure, 0, i32Const(3)) }), "code 3"},
		"segment outside":   {with(func(g *guest) { g.data[8<<16] = []byte{1} }), "segment is out of bounds"},
	} {
		t.Run(name, func(t *testing.T) {
			src := tc.guest.source()
			src.Name = "bad"
			s, err := Load(t.Context(), []Source{src}, Options{})
			var le *LoadError
			if !errors.As(err, &le) || le.Plugin != "bad" || !strings.Contains(err.Error(), tc.want) || s != nil {
				t.Fatalf("error %v, want one with %q", err, tc.want)
			}
		})
	}
}

// TestAllThatIsWrongIsTold: an author mends a module in one round, whatever is
// wrong with its exports and imports.
func TestAllThatIsWrongIsTold(t *testing.T) {
	g := redactor("bad", noEdits)
	g.noExports = []string{abi.ExportMemory, abi.ExportRdxMarker}
	g.funcs[abi.ExportRdxAlloc] = fn{typ: funcType{i64, i32}, code: i32Const(0)}
	g.imports = []fn{{name: "env\x00abort", typ: funcType{i32, ""}}, {name: abi.ImportWASI + "\x00fd_write", typ: funcType{"", i32}}}
	x, err := Inspect(g.build())
	if err != nil {
		t.Fatal(err)
	}
	var all interface{ Unwrap() []error }
	if !errors.As(x.Refusal, &all) || len(all.Unwrap()) != 5 {
		t.Fatalf("refusal %v, want five problems", x.Refusal)
	}
	for _, want := range []string{`"memory"`, `"rdx_abi_v1"`, `"rdx_alloc"`, `"env"."abort": a redactor imports nothing`, `"fd_write": say "wasi":"deny"`} {
		if !strings.Contains(x.Refusal.Error(), want) {
			t.Errorf("refusal %v does not tell %s", x.Refusal, want)
		}
	}
}

// bomb makes a guest that is small and would take long to compile.
func bomb(g *guest, locals uint32, loops, functions int) {
	code := slices.Concat(bytes.Repeat([]byte{opLoop, 0x40}, loops), bytes.Repeat(end, loops))
	for i := range functions {
		name := fmt.Sprint("zz", i)
		g.funcs[name] = fn{locals: locals, code: code}
		g.noExports = append(g.noExports, name)
	}
}

// TestPin: a module with one other bit is not loaded, and the error shows both
// digests.
func TestPin(t *testing.T) {
	src := redactor("a", noEdits).source()
	sum := sha256.Sum256(src.Module)
	src.SHA256 = &sum
	s, err := Load(t.Context(), []Source{src}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	src.Module = bytes.Clone(src.Module)
	src.Module[len(src.Module)-2] ^= 1
	_, err = Load(t.Context(), []Source{src}, Options{})
	got := sha256.Sum256(src.Module)
	var pe *PinError
	if !errors.As(err, &pe) || pe.Want != sum || pe.Got != got {
		t.Fatalf("error %v, want a PinError", err)
	}
	for _, digest := range [][32]byte{sum, got} {
		if !strings.Contains(err.Error(), fmt.Sprintf("%x", digest)) {
			t.Errorf("error %q does not show %x", err, digest)
		}
	}
}

func TestSetRules(t *testing.T) {
	a := redactor("a", noEdits).source()
	if _, err := Load(t.Context(), []Source{a, a}, Options{}); err == nil || !strings.Contains(err.Error(), "twice") {
		t.Errorf("same name twice: %v", err)
	}
	if _, err := Load(t.Context(), slices.Repeat([]Source{a}, maxPlugins+1), Options{}); err == nil {
		t.Error("too many plugins load")
	}
	b := a
	b.Name = "not a name"
	if _, err := Load(t.Context(), []Source{b}, Options{}); err == nil {
		t.Error("a bad name loads")
	}
	b = a
	b.Config = make([]byte, maxConfig+1)
	if _, err := Load(t.Context(), []Source{b}, Options{}); err == nil {
		t.Error("a huge configuration loads")
	}
}

// TestMeasurement: everything that changes behaviour changes the digest, and
// what does not, does not.
func TestMeasurement(t *testing.T) {
	digest := func(o Options, sources ...Source) string {
		s, err := Load(t.Context(), sources, o)
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close(t.Context())
		plugins, offline, err := Measure(sources)
		if err != nil || offline != s.Digest() || !maps.Equal(plugins, s.Plugins()) {
			t.Errorf("measured %x, loaded %x, error %v", offline, s.Digest(), err)
		}
		return fmt.Sprintf("%x", s.Digest())
	}
	a, b := redactor("a", noEdits).source(), redactor("b", noEdits).source()
	configured, limited, other := a, a, redactor("a", oneEdit).source()
	configured.Config = []byte("x")
	limited.Limits.Fuel--
	digests := map[string]string{
		"a": digest(Options{}, a), "b": digest(Options{}, b), "none": digest(Options{}),
		"a, b": digest(Options{}, a, b), "b, a": digest(Options{}, b, a),
		"config": digest(Options{}, configured), "fuel": digest(Options{}, limited), "module": digest(Options{}, other),
	}
	seen := make(map[string]string)
	for _, name := range slices.Sorted(maps.Keys(digests)) {
		if twin, double := seen[digests[name]]; double {
			t.Errorf("sets %q and %q have the same digest", name, twin)
		}
		seen[digests[name]] = name
	}
	if digest(Options{Concurrency: 7}, a) != digests["a"] {
		t.Error("the number of instances changes the digest")
	}
	const golden = "79b4f49112333018145c06af98c8a49b12c3527e5433f985b4ce08c710e0f37f"
	if digests["none"] != golden {
		t.Errorf("digest of the empty set = %s, want %s", digests["none"], golden)
	}
}

func TestPlugins(t *testing.T) {
	src := redactor("b", noEdits).source()
	src.Config = []byte("x")
	s, err := Load(t.Context(), []Source{redactor("a", noEdits).source(), src}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close(t.Context())
	p := s.Plugins()["b"]
	if len(s.Plugins()) != 2 || p.Kind != "redactor" || p.Order != "2" ||
		p.Wasm != fmt.Sprintf("%x", sha256.Sum256(src.Module)) || p.Config != fmt.Sprintf("%x", sha256.Sum256(src.Config)) {
		t.Errorf("plugins %+v", s.Plugins())
	}
}

// TestMeteredBulk: the charge of a bulk operation leaves its operands alone.
func TestMeteredBulk(t *testing.T) {
	g := redactor("a", oneEdit)
	// Copy the 32 reply bytes to another place, byte length from a loop.
	g.set(abi.ExportRdxRedact, 1,
		[]byte{opLoop, 0x40}, localGet(2), i32Const(1), []byte{0x6a, 0x22, 2}, i32Const(32), []byte{0x49, 0x0d, 0, opEnd},
		i32Const(4096), i32Const(atReply), localGet(2), []byte{0xfc, 10, 0, 0},
		i64Const(abi.Pack(4096, 32)))
	edits, err := redactOne(t, g, "x")
	if err != nil || len(edits) != 1 || edits[0].End != 1 {
		t.Fatalf("edits %v, error %v", edits, err)
	}
}

func TestInspect(t *testing.T) {
	g := redactor("a", noEdits)
	g.manifest.WASI = abi.WASIDeny
	g.imports = []fn{{name: abi.ImportWASI + "\x00sched_yield", typ: funcType{"", i32}}}
	in, err := Inspect(g.build())
	if err != nil {
		t.Fatal(err)
	}
	if in.Refusal != nil || in.SHA256 != sha256.Sum256(g.build()) || in.Manifest.Name != "a" || in.MemoryPages != 8 || in.Functions != 4 ||
		!slices.Equal(in.Imports, []string{"wasi_snapshot_preview1.sched_yield"}) || !slices.Contains(in.Exports, "rdx_redact") {
		t.Errorf("inspection %+v", in)
	}
	g.manifest.WASI = abi.WASINone
	if in, err := Inspect(g.build()); err != nil || in.Refusal == nil {
		t.Errorf("an import that is not allowed: %v, %v", in, err)
	}
	if _, err := Inspect(nil); err == nil {
		t.Error("nothing is inspected")
	}
}
