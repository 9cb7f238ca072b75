package pluginhost

import (
	"encoding/binary"
	"maps"
	"slices"
	"testing"

	"github.com/veriproof/notary/host/pluginhost/fuel"
	"github.com/veriproof/notary/sdk/plugin/abi"
)

// A guest is a wasm module in the making, for guests that no compiler would
// make.
type guest struct {
	manifest  abi.Manifest
	imports   []fn // name is module NUL name
	funcs     map[string]fn
	globals   [][]byte // type, mutability, initial expression
	data      map[uint32][]byte
	passive   []byte // a passive segment behind the others
	pages     uint32
	start     string
	custom    []string
	elements  []byte // raw section
	tables    []byte // raw section
	noExports []string
	limits    Limits
}

type fn struct {
	name   string
	typ    funcType
	locals uint32 // i32 locals
	code   []byte // without the final end
}

// Parts of the binary format.
const (
	typeI32    = fuel.I32
	typeI64    = fuel.I64
	kindFunc   = byte(fuel.KindFunction)
	kindMemory = byte(fuel.KindMemory)
	opLoop     = 0x03
	opIf       = 0x04
	opEnd      = 0x0b
)

// Places in a test guest's memory.
const (
	atReply = 64
	atOther = 512
	atInput = 0x10000
)

// redactor returns a guest that answers every batch with the reply bytes.
func redactor(name string, reply []byte) *guest {
	return &guest{
		manifest: abi.Manifest{
			ABI: abi.ABIRedactor, Kind: abi.KindRedactor, Labels: []string{"EMAIL", "CARD"},
			Limits: abi.Limits{MemoryPages: 16}, Name: name, Version: "0.0.1", WASI: abi.WASINone,
		},
		funcs: map[string]fn{
			abi.ExportRdxMarker:    {},
			abi.ExportRdxAlloc:     {code: i32Const(atInput)},
			abi.ExportRdxConfigure: {code: i32Const(0)},
			abi.ExportRdxRedact:    {code: i64Const(abi.Pack(atReply, uint32(len(reply))))},
		},
		data:   map[uint32][]byte{atReply: reply},
		pages:  8,
		limits: Limits{Fuel: 1_000_000},
	}
}

// set replaces the code of an export.
func (g *guest) set(export string, locals uint32, code ...[]byte) *guest {
	g.funcs[export] = fn{locals: locals, code: slices.Concat(code...)}
	return g
}

func (g *guest) source() Source {
	return Source{Name: g.manifest.Name, Kind: g.manifest.Kind, Module: g.build(), Limits: g.limits}
}

func (g *guest) build() []byte {
	m := []byte("\x00asm\x01\x00\x00\x00")
	names := slices.Sorted(maps.Keys(g.funcs))
	all := slices.Clone(g.imports)
	for _, n := range names {
		f := g.funcs[n]
		if f.typ == (funcType{}) {
			f.typ = signatures[g.manifest.Kind][n]
		}
		f.name = n
		all = append(all, f)
	}
	n := len(g.imports)
	m = section(m, abi.SectionType, vector(all, func(b []byte, f fn) []byte {
		b = append(b, 0x60)
		b = append(leb(b, len(f.typ.Params)), f.typ.Params...)
		return append(leb(b, len(f.typ.Results)), f.typ.Results...)
	}))
	if n > 0 {
		i := -1
		m = section(m, abi.SectionImport, vector(g.imports, func(b []byte, f fn) []byte {
			i++
			mod, name, _ := cut(f.name)
			b = text(text(b, mod), name)
			return leb(append(b, kindFunc), i)
		}))
	}
	i := n - 1
	m = section(m, abi.SectionFunction, vector(all[n:], func(b []byte, _ fn) []byte { i++; return leb(b, i) }))
	if g.tables != nil {
		m = section(m, abi.SectionTable, g.tables)
	}
	m = section(m, abi.SectionMemory, leb([]byte{1, 0}, int(g.pages)))
	if g.globals != nil {
		m = section(m, abi.SectionGlobal, vector(g.globals, func(b, g []byte) []byte { return append(b, g...) }))
	}
	exports := slices.DeleteFunc(append(slices.Clone(all[n:]), fn{name: abi.ExportMemory}), func(f fn) bool {
		return slices.Contains(g.noExports, f.name)
	})
	m = section(m, abi.SectionExport, vector(exports, func(b []byte, f fn) []byte {
		b = text(b, f.name)
		if f.name == abi.ExportMemory {
			return append(b, kindMemory, 0)
		}
		return leb(append(b, kindFunc), slices.IndexFunc(all, func(a fn) bool { return a.name == f.name }))
	}))
	if g.start != "" {
		m = section(m, abi.SectionStart, leb(nil, n+slices.Index(names, g.start)))
	}
	if g.elements != nil {
		m = section(m, abi.SectionElement, g.elements)
	}
	if g.passive != nil {
		m = section(m, 12, leb(nil, len(g.data)+1)) // data count
	}
	m = section(m, abi.SectionCode, vector(all[n:], func(b []byte, f fn) []byte {
		body := []byte{0}
		if f.locals > 0 {
			body = append(leb([]byte{1}, int(f.locals)), typeI32)
		}
		body = append(append(body, f.code...), opEnd)
		return append(leb(b, len(body)), body...)
	}))
	segments := vector(slices.Sorted(maps.Keys(g.data)), func(b []byte, at uint32) []byte {
		b = append(append(append(b, 0), i32Const(int32(at))...), opEnd)
		return append(leb(b, len(g.data[at])), g.data[at]...)
	})
	if g.passive != nil {
		segments[0]++ // the number of them
		segments = append(leb(append(segments, 1), len(g.passive)), g.passive...)
	}
	m = section(m, abi.SectionData, segments)
	for _, c := range g.custom {
		m = section(m, abi.SectionCustom, text(nil, c))
	}
	out, err := abi.AppendManifest(m, &g.manifest)
	if err != nil {
		panic(err)
	}
	return out
}

func cut(name string) (module, function string, ok bool) {
	for i := range name {
		if name[i] == 0 {
			return name[:i], name[i+1:], true
		}
	}
	return "", name, false
}

func leb(b []byte, n int) []byte { return abi.AppendUint32(b, uint32(n)) }

func text(b []byte, s string) []byte { return append(leb(b, len(s)), s...) }

func section(m []byte, id byte, body []byte) []byte {
	return append(leb(append(m, id), len(body)), body...)
}

func vector[T any](list []T, add func([]byte, T) []byte) []byte {
	b := leb(nil, len(list))
	for _, e := range list {
		b = add(b, e)
	}
	return b
}

func sleb(b []byte, n int64) []byte {
	for {
		c := byte(n & 0x7f)
		n >>= 7
		if n == 0 && c&0x40 == 0 || n == -1 && c&0x40 != 0 {
			return append(b, c)
		}
		b = append(b, c|0x80)
	}
}

func i32Const(n int32) []byte   { return sleb([]byte{0x41}, int64(n)) }
func i64Const(n uint64) []byte  { return sleb([]byte{0x42}, int64(n)) }
func callTo(index int) []byte   { return leb([]byte{0x10}, index) }
func localGet(index int) []byte { return leb([]byte{0x20}, index) }

// Instructions that test guests are made of.
var (
	unreachable = []byte{0x00}
	endless     = []byte{opLoop, 0x40, 0x0c, 0, opEnd}          // loop br 0 end
	load8       = []byte{0x2d, 0, 0}                            // i32.load8_u
	store8      = []byte{0x3a, 0, 0}                            // i32.store8
	store32     = []byte{0x36, 2, 0}                            // i32.store
	memorySize  = []byte{0x3f, 0}                               //
	memoryGrow  = []byte{0x40, 0}                               //
	drop        = []byte{0x1a}                                  //
	memoryFill  = []byte{0xfc, 11, 0}                           //
	ifI64       = []byte{opIf, typeI64}                         //
	elseOp      = []byte{0x05}                                  //
	end         = []byte{opEnd}                                 //
	mutableI32  = []byte{typeI32, 1, 0x41, 0, opEnd}            // a global of value 0
	packOther   = i64Const(abi.Pack(atOther, 16))               // the reply at atOther without edits
	noEdits     = abi.AppendReply(nil, 0, nil)                  //
	oneEdit     = abi.AppendReply(nil, 0, []abi.Edit{{End: 1}}) // first byte of the first field
)

// load loads one set of guests and closes it with the test.
func load(t testing.TB, o Options, guests ...*guest) *Set {
	t.Helper()
	var sources []Source
	for _, g := range guests {
		sources = append(sources, g.source())
	}
	s, err := Load(t.Context(), sources, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(t.Context()); err != nil {
			t.Error(err)
		}
	})
	return s
}

// fields makes fields of texts.
func fields(texts ...string) []Field {
	var out []Field
	for _, s := range texts {
		out = append(out, Field{Text: []byte(s)})
	}
	return out
}

func u32s(list ...uint32) []byte {
	var b []byte
	for _, n := range list {
		b = binary.LittleEndian.AppendUint32(b, n)
	}
	return b
}
