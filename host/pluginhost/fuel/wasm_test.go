package fuel

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
)

// A code is a function of a test module.
type code struct {
	typ    FunctionType
	locals int // i32 locals
	body   []byte
}

// A program is a test module in the making. Function i is exported as "fi".
type program struct {
	types     []FunctionType
	imports   []Import
	functions []code
	table     []int // functions
	pages     uint32
	globals   []byte // raw section
	data      []byte // raw section
	start     int    // function, or 0
	exports   []string
}

func (p *program) build() []byte {
	out := []byte(header)
	types := slices.Clone(p.types)
	for _, f := range p.functions {
		types = append(types, f.typ)
	}
	body := appendU32(nil, uint32(len(types)))
	for _, t := range types {
		body = appendName(appendName(append(body, 0x60), t.Params), t.Results)
	}
	out = appendSection(out, sectionType, body)
	if p.imports != nil {
		body = appendU32(nil, uint32(len(p.imports)))
		for _, i := range p.imports {
			body = appendU32(append(appendName(appendName(body, i.Module), i.Name), byte(i.Kind)), i.Type)
		}
		out = appendSection(out, sectionImport, body)
	}
	body = appendU32(nil, uint32(len(p.functions)))
	for i := range p.functions {
		body = appendU32(body, uint32(len(p.types)+i))
	}
	out = appendSection(out, sectionFunction, body)
	if p.table != nil {
		out = appendSection(out, sectionTable, appendU32([]byte{1, FuncRef, 0}, uint32(len(p.table))))
	}
	out = appendSection(out, sectionMemory, []byte{1, 0, byte(p.pages)})
	if p.globals != nil {
		out = appendSection(out, sectionGlobal, p.globals)
	}
	body = appendU32(nil, uint32(len(p.functions)+1+len(p.exports)))
	body = append(appendName(body, "memory"), byte(KindMemory), 0)
	for i := range p.functions {
		body = appendU32(append(appendName(body, fmt.Sprint("f", i)), byte(KindFunction)), uint32(len(p.imports)+i))
	}
	for _, n := range p.exports {
		body = append(appendName(body, n), byte(KindMemory), 0)
	}
	out = appendSection(out, sectionExport, body)
	if p.start > 0 {
		out = appendSection(out, sectionStart, appendU32(nil, uint32(p.start)))
	}
	if p.table != nil {
		body = append([]byte{1, 0}, i32Const(0)...)
		body = appendU32(append(body, opEnd), uint32(len(p.table)))
		for _, f := range p.table {
			body = appendU32(body, uint32(f))
		}
		out = appendSection(out, sectionElement, body)
	}
	body = appendU32(nil, uint32(len(p.functions)))
	for _, f := range p.functions {
		locals := []byte{0}
		if f.locals > 0 {
			locals = append(appendU32([]byte{1}, uint32(f.locals)), I32)
		}
		b := append(append(locals, f.body...), opEnd)
		body = append(appendU32(body, uint32(len(b))), b...)
	}
	out = appendSection(out, sectionCode, body)
	if p.data != nil {
		out = appendSection(out, sectionData, p.data)
	}
	return out
}

func join(parts ...[]byte) []byte { return slices.Concat(parts...) }

func i32Const(n int32) []byte {
	b := []byte{opConst32}
	for {
		c := byte(n & 0x7f)
		n >>= 7
		if n == 0 && c&0x40 == 0 || n == -1 && c&0x40 != 0 {
			return append(b, c)
		}
		b = append(b, c|0x80)
	}
}

func get(i uint32) []byte         { return appendU32([]byte{opLocalGet}, i) }
func set(i uint32) []byte         { return appendU32([]byte{opLocalSet}, i) }
func call(i uint32) []byte        { return appendU32([]byte{opCall}, i) }
func br(op byte, i uint32) []byte { return appendU32([]byte{op}, i) }

var testOptions = Options{
	YieldModule: "meter", YieldName: "yield", Fuel: "fuel", Depth: "depth", Globals: "global",
	InitialFuel: 0, InitialDepth: 1 << 14,
}

var errSpent = errors.New("out of fuel")

// A machine runs one module. Budget is what yield still hands out.
type machine struct {
	mod    api.Module
	budget int64
	slice  int64
	yields int
}

// boot instantiates a module; metered says whether it has been.
func boot(t testing.TB, binary []byte, metered bool, budget, slice int64) (*machine, error) {
	m := &machine{budget: budget, slice: slice}
	ctx := context.Background()
	r := wazero.NewRuntimeWithConfig(ctx, wazero.NewRuntimeConfigCompiler().
		WithCoreFeatures(api.CoreFeaturesV2).WithMemoryLimitPages(32))
	t.Cleanup(func() { r.Close(ctx) })
	nothing := api.GoModuleFunc(func(context.Context, api.Module, []uint64) {})
	if _, err := r.NewHostModuleBuilder("env").NewFunctionBuilder().WithGoModuleFunction(nothing, nil, nil).
		Export("a").Instantiate(ctx); err != nil {
		return nil, err
	}
	if metered {
		yield := api.GoModuleFunc(func(_ context.Context, mod api.Module, _ []uint64) {
			m.yields++
			fuel := mod.ExportedGlobal("fuel").(api.MutableGlobal)
			left := int64(fuel.Get()) + m.budget
			if left < 0 {
				panic(errSpent)
			}
			part := min(left, m.slice)
			fuel.Set(uint64(part))
			m.budget = left - part
		})
		if _, err := r.NewHostModuleBuilder("meter").NewFunctionBuilder().WithGoModuleFunction(yield, nil, nil).
			Export("yield").Instantiate(ctx); err != nil {
			return nil, err
		}
	}
	mod, err := r.InstantiateWithConfig(ctx, binary, wazero.NewModuleConfig().WithStartFunctions())
	m.mod = mod
	return m, err
}

// left is the fuel that is left.
func (m *machine) left() int64 {
	return m.budget + int64(m.mod.ExportedGlobal("fuel").(api.MutableGlobal).Get())
}

func meter(t testing.TB, binary []byte) []byte {
	t.Helper()
	m, err := Parse(binary)
	if err != nil {
		t.Fatal(err)
	}
	out, err := m.Meter(testOptions)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// compiles tells whether the engine takes a module.
func compiles(binary []byte) error {
	ctx := context.Background()
	r := wazero.NewRuntimeWithConfig(ctx, wazero.NewRuntimeConfigCompiler().WithCoreFeatures(api.CoreFeaturesV2))
	defer r.Close(ctx)
	_, err := r.CompileModule(ctx, binary)
	return err
}
