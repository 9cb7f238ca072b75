package pluginhost

import (
	"errors"
	"fmt"
	"slices"

	"github.com/veriproof/notary/sdk/plugin/abi"
)

// A module is what the host has read of a guest's binary before the engine
// sees it: enough to hold the guest to its manifest and to meter it. What is
// not read here (operand types, segments) the engine validates.
type module struct {
	manifest *abi.Manifest
	sections map[byte]abi.Section
	types    []funcType
	imports  []imported
	funcs    []uint32 // type index of each defined function
	globals  []global
	exports  map[string]export
	memory   memoryType
	code     []function
	score    uint64 // see codeScan.score
}

type funcType struct{ params, results string } // one byte per value type

type imported struct {
	module, name string
	typ          uint32
}

type global struct {
	typ     byte
	mutable bool
}

type export struct {
	kind  byte
	index uint32
}

type memoryType struct {
	min, max uint32
	bounded  bool
}

// Value types and kinds of the binary format.
const (
	typeI32  = 0x7f
	typeI64  = 0x7e
	typeF32  = 0x7d
	typeF64  = 0x7c
	typeV128 = 0x7b

	kindFunc   = 0
	kindMemory = 2
	kindGlobal = 3
)

// parseModule reads a module within the static limits.
func parseModule(binary []byte) (*module, error) {
	sections, err := abi.Sections(binary)
	if err != nil {
		return nil, err
	}
	m := &module{sections: make(map[byte]abi.Section), exports: make(map[string]export)}
	for _, s := range sections {
		if err := m.addSection(s); err != nil {
			return nil, err
		}
	}
	if m.manifest == nil {
		return nil, fmt.Errorf("no custom section %s: \"notary plugin build\" puts the manifest in, whatever the language", abi.ManifestSection)
	}
	for _, p := range []struct {
		id   byte
		read func(*reader) error
	}{
		{abi.SectionType, m.readTypes},
		{abi.SectionImport, m.readImports},
		{abi.SectionFunction, m.readFunctions},
		{abi.SectionTable, m.readTables},
		{abi.SectionMemory, m.readMemory},
		{abi.SectionGlobal, m.readGlobals},
		{abi.SectionExport, m.readExports},
		{abi.SectionCode, m.readCode},
	} {
		s, ok := m.sections[p.id]
		if !ok {
			continue
		}
		r := &reader{b: s.Body}
		if err := p.read(r); err != nil {
			return nil, fmt.Errorf("section %d: %w", p.id, err)
		}
		if r.failed || len(r.b) > 0 {
			return nil, fmt.Errorf("section %d: %w", p.id, errBinary)
		}
	}
	if len(m.code) != len(m.funcs) {
		return nil, fmt.Errorf("%d functions have %d bodies", len(m.funcs), len(m.code))
	}
	return m, nil
}

func (m *module) addSection(s abi.Section) error {
	if s.ID == abi.SectionCustom {
		if !slices.Contains(customSections, s.Name) {
			return fmt.Errorf("custom section %q: strip it when building the plugin", s.Name)
		}
		if s.Name != abi.ManifestSection {
			return nil
		}
		if m.manifest != nil {
			return errors.New("two manifests")
		}
		var err error
		m.manifest, err = abi.ParseManifest(s.Body)
		return err
	}
	if _, double := m.sections[s.ID]; double || s.ID > abi.SectionDataCount {
		return fmt.Errorf("section %d is unknown or stands twice", s.ID)
	}
	m.sections[s.ID] = s
	return nil
}

func (m *module) readTypes(r *reader) error {
	for range r.count(maxTypes) {
		if r.byte() != 0x60 {
			return errBinary
		}
		params := r.bytes(r.count(maxValues))
		m.types = append(m.types, funcType{string(params), string(r.bytes(r.count(maxValues)))})
	}
	return nil
}

func (m *module) readImports(r *reader) error {
	for range r.count(maxImports) {
		i := imported{module: r.name(), name: r.name()}
		if kind := r.byte(); kind != kindFunc {
			return fmt.Errorf("import %q.%q is not a function; only functions can be imported", i.module, i.name)
		}
		if i.typ = r.u32(); int(i.typ) >= len(m.types) {
			return errBinary
		}
		m.imports = append(m.imports, i)
	}
	return nil
}

func (m *module) readFunctions(r *reader) error {
	n := r.u32()
	if n > maxFunctions {
		return fmt.Errorf("%d functions, at most %d", n, maxFunctions)
	}
	for range n {
		t := r.u32()
		if int(t) >= len(m.types) {
			return errBinary
		}
		m.funcs = append(m.funcs, t)
	}
	return nil
}

func (m *module) readTables(r *reader) error {
	for range r.count(maxTables) {
		r.byte()
		if l := r.limits(); l.min > maxTable || l.bounded && l.max > maxTable {
			return fmt.Errorf("table of %d elements (at most %d), at most %d", l.min, l.max, maxTable)
		}
	}
	return nil
}

func (m *module) readMemory(r *reader) error {
	if n := r.u32(); n != 1 {
		return fmt.Errorf("%d memories, want 1", n)
	}
	m.memory = r.limits()
	return nil
}

func (m *module) readGlobals(r *reader) error {
	for range r.count(maxGlobals) {
		g := global{typ: r.byte(), mutable: r.byte() == 1}
		if g.mutable && (g.typ < typeF64 || g.typ > typeI32) {
			return errors.New("a mutable global is neither i32, i64, f32 nor f64; the host could not put it back after a batch")
		}
		if !r.skipConstant() {
			return errBinary
		}
		m.globals = append(m.globals, g)
	}
	return nil
}

func (m *module) readExports(r *reader) error {
	for range r.count(maxExports) {
		name := r.name()
		e := export{kind: r.byte(), index: r.u32()}
		if _, double := m.exports[name]; double {
			return fmt.Errorf("export %q stands twice", name)
		}
		m.exports[name] = e
	}
	return nil
}

// funcType returns the type of an exported function.
func (m *module) funcType(e export) (funcType, bool) {
	i := int(e.index)
	switch {
	case e.kind != kindFunc || i >= len(m.imports)+len(m.funcs):
		return funcType{}, false
	case i < len(m.imports):
		return m.types[m.imports[i].typ], true
	}
	return m.types[m.funcs[i-len(m.imports)]], true
}
