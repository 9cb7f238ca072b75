package pluginhost

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/veriproof/notary/host/pluginhost/fuel"
	"github.com/veriproof/notary/sdk/plugin/abi"
)

const (
	i32 = string(rune(fuel.I32))
	i64 = string(rune(fuel.I64))
)

// A funcType is [fuel.FunctionType] with its spelling for authors.
type funcType fuel.FunctionType

// signatures are the fuel.Exports of each kind of plugin.
var signatures = map[abi.Kind]map[string]funcType{
	abi.KindRedactor: {
		abi.ExportRdxMarker:    {},
		abi.ExportRdxAlloc:     {i32, i32},
		abi.ExportRdxConfigure: {i32 + i32, i32},
		abi.ExportRdxRedact:    {i32 + i32, i64},
	},
	abi.KindStorage: {
		abi.ExportStoMarker:    {},
		abi.ExportStoAlloc:     {i32, i32},
		abi.ExportStoConfigure: {i32 + i32, i32},
		abi.ExportStoMigrate:   {"", i32},
		abi.ExportStoPut:       {i32 + i32, i64},
		abi.ExportStoGet:       {i32 + i32, i64},
		abi.ExportStoList:      {i32 + i32, i64},
		abi.ExportStoDelete:    {i32 + i32, i64},
	},
}

// optional are exports that a plugin of a kind may have.
var optional = map[abi.Kind]map[string]funcType{
	abi.KindRedactor: {abi.ExportInitialize: {}},
	abi.KindStorage:  {abi.ExportInitialize: {}, abi.ExportStoInit: {"", i32}},
}

// check holds the module to its manifest and to the ABI it names: what it
// exports, and that it can reach nothing it must not. It tells everything that is
// wrong, as one error.
func (m *module) check(name string, kind abi.Kind) error {
	if m.manifest.Name != name || m.manifest.Kind != kind {
		return fmt.Errorf("the manifest is that of %s %q, the configuration says %s %q",
			m.manifest.Kind, m.manifest.Name, kind, name)
	}
	var wrong problems
	m.checkExports(&wrong)
	m.checkImports(&wrong)
	return wrong.err()
}

// problems are what is wrong with a module, one by one for its author.
type problems []error

func (p *problems) add(format string, args ...any) { *p = append(*p, fmt.Errorf(format, args...)) }

func (p problems) err() error {
	if len(p) == 0 {
		return nil
	}
	return p
}

func (p problems) Unwrap() []error { return p }

func (p problems) Error() string {
	var out []string
	for _, e := range p {
		out = append(out, e.Error())
	}
	return strings.Join(out, "; ")
}

func (m *module) checkExports(wrong *problems) {
	if e, ok := m.exports[abi.ExportMemory]; !ok || e.Kind != fuel.KindMemory {
		wrong.add("no export %q: export the one memory under this name", abi.ExportMemory)
	}
	want := signatures[m.manifest.Kind]
	for _, name := range slices.Sorted(maps.Keys(want)) {
		e, ok := m.exports[name]
		if !ok {
			wrong.add("no export %q: %s demands a function %s of this name", name, m.manifest.ABI, want[name])
			continue
		}
		m.checkExport(wrong, name, e, want[name])
	}
	may := optional[m.manifest.Kind]
	for _, name := range slices.Sorted(maps.Keys(may)) {
		if e, ok := m.exports[name]; ok {
			m.checkExport(wrong, name, e, may[name])
		}
	}
	for _, name := range slices.Sorted(maps.Keys(m.exports)) {
		if _, known := want[name]; !known && strings.HasPrefix(name, "rdx_") {
			wrong.add("export %q: names that begin with rdx_ are the ABI's and the host's; give it another, or do not export it", name)
		}
	}
}

func (m *module) checkExport(wrong *problems, name string, e fuel.Export, want funcType) {
	switch got, isFunc := m.funcType(e); {
	case !isFunc:
		wrong.add("export %q is not a function; %s demands %s", name, m.manifest.ABI, want)
	case got != want:
		wrong.add("export %q is a function %s; %s demands %s", name, got, m.manifest.ABI, want)
	}
}

func (m *module) checkImports(wrong *problems) {
	allowed := m.allowed()
	for _, i := range m.Imports {
		typ, ok := allowed[i.Module+"\x00"+i.Name]
		switch got := funcType(m.Types[i.Type]); {
		case !ok:
			wrong.add("imports %q.%q: %s", i.Module, i.Name, m.whyNot(i))
		case got != typ:
			wrong.add("import %q.%q is a function %s; the host has %s", i.Module, i.Name, got, typ)
		}
	}
}

// whyNot says why an import is not allowed, and how an author does without.
func (m *module) whyNot(i fuel.Import) string {
	_, known := stoFunctions[i.Name]
	switch {
	case i.Module == abi.ImportWASI && slices.Contains(abi.WASIFunctions(), i.Name):
		return `say "wasi":"deny" in the manifest if it is a guest of standard Go, or build it without a runtime that imports this`
	case i.Module == abi.ImportWASI:
		return "of WASI a guest may import only what standard Go's runtime does; no plugin has files, sockets or processes"
	case i.Module == abi.ImportSto && known && m.manifest.Kind == abi.KindStorage:
		return "no capability in the manifest opens it; name the one that does"
	case m.manifest.Kind == abi.KindRedactor:
		return "a redactor imports nothing; remove it, or define the function in the module"
	}
	return "no capability has such a function"
}

// allowed returns the imports that the manifest opens, keyed by module, NUL and
// name.
func (m *module) allowed() map[string]funcType {
	out := make(map[string]funcType)
	if m.manifest.WASI == abi.WASIDeny {
		for name, f := range wasiFunctions {
			out[abi.ImportWASI+"\x00"+name] = f.typ
		}
	}
	for _, c := range m.manifest.Capabilities {
		for _, name := range abi.CapabilityImports(c) {
			out[abi.ImportSto+"\x00"+name] = stoFunctions[name].typ
		}
	}
	return out
}

func (t funcType) String() string {
	return "(" + spellTypes(t.Params) + ") -> (" + spellTypes(t.Results) + ")"
}

func spellTypes(types string) string {
	names := map[byte]string{fuel.I32: "i32", fuel.I64: "i64", fuel.F32: "f32", fuel.F64: "f64", fuel.V128: "v128", fuel.FuncRef: "funcref", fuel.ExternRef: "externref"}
	var out []string
	for _, t := range []byte(types) {
		out = append(out, names[t])
	}
	return strings.Join(slices.Clip(out), ", ")
}
