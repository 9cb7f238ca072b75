package pluginhost

import (
	"fmt"
	"slices"
	"strings"

	"github.com/veriproof/notary/sdk/plugin/abi"
)

const (
	i32 = string(rune(typeI32))
	i64 = string(rune(typeI64))
)

// signatures are the exports of each kind of plugin.
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

// check holds the module to its manifest and to the ABI it names: what it
// exports, and that it can reach nothing it must not.
func (m *module) check(name string, kind abi.Kind) error {
	if m.manifest.Name != name || m.manifest.Kind != kind {
		return fmt.Errorf("the manifest is that of %s %q, the configuration says %s %q",
			m.manifest.Kind, m.manifest.Name, kind, name)
	}
	if err := m.checkExports(signatures[kind]); err != nil {
		return err
	}
	return m.checkImports()
}

func (m *module) checkExports(want map[string]funcType) error {
	if e, ok := m.exports[abi.ExportMemory]; !ok || e.kind != kindMemory {
		return fmt.Errorf("no export %q of the memory", abi.ExportMemory)
	}
	for name, typ := range want {
		e, ok := m.exports[name]
		if !ok {
			return fmt.Errorf("no export %q, which %s demands", name, m.manifest.ABI)
		}
		if got, ok := m.funcType(e); !ok || got != typ {
			return fmt.Errorf("export %q has not the type that %s demands: %s", name, m.manifest.ABI, typ)
		}
	}
	if e, ok := m.exports[abi.ExportInitialize]; ok {
		if got, ok := m.funcType(e); !ok || got != (funcType{}) {
			return fmt.Errorf("export %q is not a function () -> ()", abi.ExportInitialize)
		}
	}
	for name := range m.exports {
		if _, known := want[name]; !known && strings.HasPrefix(name, "rdx_") {
			return fmt.Errorf("export %q: names with rdx_ are the ABI's", name)
		}
	}
	return nil
}

func (m *module) checkImports() error {
	for _, i := range m.imports {
		typ, ok := m.allowed()[i.module+"\x00"+i.name]
		if !ok {
			return fmt.Errorf("imports %q.%q, which a %s with wasi %q and capabilities %q may not",
				i.module, i.name, m.manifest.Kind, m.manifest.WASI, m.manifest.Capabilities)
		}
		if m.types[i.typ] != typ {
			return fmt.Errorf("import %q.%q has not the type %s", i.module, i.name, typ)
		}
	}
	return nil
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
	return "(" + spellTypes(t.params) + ") -> (" + spellTypes(t.results) + ")"
}

func spellTypes(types string) string {
	names := map[byte]string{typeI32: "i32", typeI64: "i64", typeF32: "f32", typeF64: "f64", typeV128: "v128"}
	var out []string
	for _, t := range []byte(types) {
		out = append(out, names[t])
	}
	return strings.Join(slices.Clip(out), ", ")
}
