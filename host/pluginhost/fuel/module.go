package fuel

import "fmt"

// Types of values, of the binary format.
const (
	I32       = 0x7f
	I64       = 0x7e
	F32       = 0x7d
	F64       = 0x7c
	V128      = 0x7b
	FuncRef   = 0x70
	ExternRef = 0x6f
)

// A Kind says what an import or export is.
type Kind byte

// Kinds of the binary format.
const (
	KindFunction Kind = iota
	KindTable
	KindMemory
	KindGlobal
)

// A Module is what Parse has read of a binary, which it refers to: the binary must
// not change.
type Module struct {
	Types     []FunctionType
	Imports   []Import
	Functions []Function // defined ones
	Tables    []Limits
	Memories  []Limits
	Globals   []Global // defined ones
	Exports   []Export

	sections [sectionDataCount + 1]*[]byte
	// Numbers of things, imported ones included.
	functions, tables, memories, globals int
	importedFunctions, importedGlobals   int
	named                                map[uint32]bool // defined functions that are named outside of calls
}

// A FunctionType has one byte per value type.
type FunctionType struct{ Params, Results string }

// An Import of a module. Type is the index of a function's type.
type Import struct {
	Module, Name string
	Kind         Kind
	Type         uint32
}

// Limits of a table or memory, in elements or pages.
type Limits struct {
	Min, Max uint32
	Bounded  bool // has a maximum
}

// A Global that the module defines.
type Global struct {
	Type    byte
	Mutable bool
}

// An Export of a module. Index counts imports first.
type Export struct {
	Name  string
	Kind  Kind
	Index uint32
}

// Section numbers.
const (
	sectionCustom = iota
	sectionType
	sectionImport
	sectionFunction
	sectionTable
	sectionMemory
	sectionGlobal
	sectionExport
	sectionStart
	sectionElement
	sectionCode
	sectionData
	sectionDataCount
)

// order is that of sections in a module.
var order = [...]int{
	sectionType, sectionImport, sectionFunction, sectionTable, sectionMemory, sectionGlobal,
	sectionExport, sectionStart, sectionElement, sectionDataCount, sectionCode, sectionData,
}

const header = "\x00asm\x01\x00\x00\x00"

// Parse reads a module. Custom sections are passed over. Its work is linear in the
// length of the binary. Errors are [ErrMalformed] or [ErrFeature], with the place.
func Parse(binary []byte) (*Module, error) {
	m := &Module{}
	if err := m.split(binary); err != nil {
		return nil, err
	}
	for _, p := range []struct {
		id   int
		read func(*reader) error
	}{
		{sectionType, m.readTypes},
		{sectionImport, m.readImports},
		{sectionFunction, m.readFunctions},
		{sectionTable, m.readTables},
		{sectionMemory, m.readMemories},
		{sectionGlobal, m.readGlobals},
		{sectionExport, m.readExports},
		{sectionStart, m.readStart},
		{sectionElement, m.readElements},
		{sectionDataCount, m.readDataCount},
		{sectionCode, m.readCode},
		{sectionData, m.readData},
	} {
		body := m.sections[p.id]
		if body == nil {
			continue
		}
		r := &reader{b: *body}
		if err := p.read(r); err != nil {
			return nil, fmt.Errorf("section %d: %w", p.id, err)
		}
		if r.failed || len(r.b) > 0 {
			return nil, fmt.Errorf("section %d: %w", p.id, ErrMalformed)
		}
	}
	for i := range m.Functions {
		if m.Functions[i].body == nil {
			return nil, fmt.Errorf("function %d has no body: %w", i+m.importedFunctions, ErrMalformed)
		}
	}
	return m, nil
}

// split finds the sections.
func (m *Module) split(binary []byte) error {
	r := &reader{b: binary}
	if string(r.bytes(len(header))) != header {
		return fmt.Errorf("not core WebAssembly, version 1: %w", ErrMalformed)
	}
	at := 0
	for len(r.b) > 0 {
		id := int(r.byte())
		body := r.bytes(r.count())
		if id == sectionCustom && !r.failed {
			continue
		}
		for at < len(order) && order[at] != id {
			at++
		}
		if r.failed || at == len(order) {
			return fmt.Errorf("section %d is cut off, unknown, or not in its place: %w", id, ErrMalformed)
		}
		at++
		m.sections[id] = &body
	}
	return nil
}

func (m *Module) readTypes(r *reader) error {
	for range r.count() {
		if r.byte() != 0x60 {
			r.fail()
		}
		m.Types = append(m.Types, FunctionType{Params: r.valueTypes(), Results: r.valueTypes()})
	}
	return nil
}

func (m *Module) readImports(r *reader) error {
	for range r.count() {
		i := Import{Module: r.name(), Name: r.name(), Kind: Kind(r.byte())}
		switch i.Kind {
		case KindFunction:
			i.Type = r.index(len(m.Types))
			m.importedFunctions++
		case KindTable:
			r.refType()
			r.limits()
			m.tables++
		case KindMemory:
			r.limits()
			m.memories++
		case KindGlobal:
			r.valueType()
			r.flag()
			m.importedGlobals++
		default:
			r.fail()
		}
		if r.failed {
			break
		}
		m.Imports = append(m.Imports, i)
	}
	m.functions, m.globals = m.importedFunctions, m.importedGlobals
	return nil
}

func (m *Module) readFunctions(r *reader) error {
	n := r.count()
	m.Functions = make([]Function, 0, n)
	for range n {
		f := Function{Type: r.index(len(m.Types))}
		if r.failed {
			break
		}
		f.Params = uint64(len(m.Types[f.Type].Params))
		m.Functions = append(m.Functions, f)
	}
	m.functions += len(m.Functions)
	return nil
}

func (m *Module) readTables(r *reader) error {
	for range r.count() {
		r.refType()
		m.Tables = append(m.Tables, r.limits())
	}
	m.tables += len(m.Tables)
	return nil
}

func (m *Module) readMemories(r *reader) error {
	for range r.count() {
		m.Memories = append(m.Memories, r.limits())
	}
	m.memories += len(m.Memories)
	return nil
}

func (m *Module) readGlobals(r *reader) error {
	for range r.count() {
		g := Global{Type: r.valueType(), Mutable: r.flag()}
		if err := m.constant(r, nil); err != nil {
			return err
		}
		m.Globals = append(m.Globals, g)
	}
	m.globals += len(m.Globals)
	return nil
}

func (m *Module) readExports(r *reader) error {
	limits := [...]*int{&m.functions, &m.tables, &m.memories, &m.globals}
	seen := make(map[string]bool)
	for range r.count() {
		e := Export{Name: r.name(), Kind: Kind(r.byte())}
		if e.Kind > KindGlobal || seen[e.Name] {
			r.fail()
			break
		}
		seen[e.Name] = true
		e.Index = r.index(*limits[e.Kind])
		m.Exports = append(m.Exports, e)
	}
	return nil
}

func (m *Module) readStart(r *reader) error {
	r.index(m.functions)
	return nil
}

func (m *Module) readElements(r *reader) error {
	_, err := m.rewriteElements(r, false)
	return err
}

// rewriteElements walks through the element section and, if it is for the metered
// module, returns it with all functions shifted; else it takes note of the functions.
func (m *Module) rewriteElements(r *reader, metered bool) ([]byte, error) {
	n := r.count()
	out := appendU32(nil, uint32(n))
	expression := func() error {
		if metered {
			return m.constant(r, &out)
		}
		return m.constant(r, nil)
	}
	for range n {
		// Bit 0: passive or declared; bit 1: explicit table, or declared;
		// bit 2: expressions instead of function indices.
		flags := r.u32()
		if flags > 7 {
			r.fail()
		}
		out = appendU32(out, flags)
		if flags&1 == 0 {
			if flags&2 != 0 {
				out = appendU32(out, r.index(m.tables))
			} else if m.tables == 0 {
				r.fail()
			}
			if err := expression(); err != nil {
				return nil, err
			}
		}
		switch {
		case flags&3 == 0:
		case flags&4 != 0:
			out = append(out, r.refType())
		case r.byte() != 0: // functions
			r.fail()
		default:
			out = append(out, 0)
		}
		items := r.count()
		out = appendU32(out, uint32(items))
		for range items {
			if flags&4 == 0 {
				i := r.index(m.functions)
				if !metered {
					m.name(i)
				}
				out = appendU32(out, shifted(i, uint32(m.importedFunctions)))
			} else if err := expression(); err != nil {
				return nil, err
			}
			if r.failed {
				return nil, ErrMalformed
			}
		}
		if r.failed {
			return nil, ErrMalformed
		}
	}
	return out, nil
}

func (m *Module) readDataCount(r *reader) error {
	r.u32()
	return nil
}

func (m *Module) readData(r *reader) error {
	for range r.count() {
		flags := r.u32()
		switch flags {
		case 0, 2:
			if flags == 2 {
				r.index(m.memories)
			}
			if err := m.constant(r, nil); err != nil {
				return err
			}
		case 1:
		default:
			r.fail()
		}
		r.bytes(r.count())
	}
	return nil
}

// constant walks through a constant expression and, unless out is nil, appends
// it with all functions shifted.
func (m *Module) constant(r *reader, out *[]byte) error {
	s := codeScan{r: *r, m: m, constant: true}
	body := r.b
	at := 0
	for {
		op, err := s.instruction()
		if err != nil {
			return err
		}
		if s.r.failed {
			return ErrMalformed
		}
		if op == opRefFunc && out == nil {
			m.name(s.function)
		}
		if out != nil {
			next := len(body) - len(s.r.b)
			if op == opRefFunc {
				*out = append(*out, opRefFunc)
				*out = appendU32(*out, shifted(s.function, uint32(m.importedFunctions)))
			} else {
				*out = append(*out, body[at:next]...)
			}
			at = next
		}
		if op == opEnd {
			*r = s.r
			return nil
		}
	}
}

// name takes note of a function that is named outside of calls.
func (m *Module) name(function uint32) {
	if m.named == nil {
		m.named = make(map[uint32]bool)
	}
	if function >= uint32(m.importedFunctions) {
		m.named[function-uint32(m.importedFunctions)] = true
	}
}

// shifted is the index that a function has in the metered module: the import that is
// added is the last import of a function.
func shifted(function, imported uint32) uint32 {
	if function >= imported {
		return function + 1
	}
	return function
}
