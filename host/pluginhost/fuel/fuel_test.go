package fuel

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/tetratelabs/wazero/api"
)

var (
	one = FunctionType{string(rune(I32)), string(rune(I32))}
	nop = []byte{0x01}
)

func nops(n int) []byte { return slices.Repeat(nop, n) }

// TestPrices: what each kind of code costs, to the unit. The argument of f0 is 3.
func TestPrices(t *testing.T) {
	leaf := code{typ: FunctionType{}, body: nops(5)}
	for name, tc := range map[string]struct {
		f    code
		want int64
	}{
		"straight":           {code{typ: one, body: join(nops(10), get(0))}, 11},
		"long":               {code{typ: one, body: join(nops(3000), get(0))}, 3001},
		"an arm":             {code{typ: one, body: join(get(0), []byte{opIf, typeNothing}, nops(100), []byte{opElse}, nops(7), []byte{opEnd}, get(0))}, 2 + 100 + 1 + 7},
		"the other arm":      {code{typ: one, body: join(get(0), []byte{0x45, opIf, typeNothing}, nops(100), []byte{opElse}, nops(7), []byte{opEnd}, get(0))}, 3 + 7 + 1},
		"a branch that ends": {code{typ: one, body: join([]byte{opBlock, typeNothing}, get(0), br(opBranchIf, 0), nops(5), []byte{opEnd}, get(0))}, 2 + 5 + 1},
		"a branch beyond": {code{typ: one, body: join([]byte{opBlock, typeNothing, opBlock, typeNothing}, get(0), br(opBranchIf, 1), nops(5),
			[]byte{opEnd}, nops(50), []byte{opEnd}, get(0))}, 2 + 5 + 50 + 1},
		"a loop of three": {code{typ: one, locals: 1, body: join([]byte{opLoop, typeNothing}, nops(10),
			get(1), i32Const(1), []byte{0x6a, opLocalTee, 1}, get(0), []byte{0x47}, br(opBranchIf, 0), []byte{opEnd}, get(0))}, 3*(1+10+7) + 1},
		"a loop that is left": {code{typ: one, locals: 1, body: join([]byte{opBlock, typeNothing, opLoop, typeNothing},
			get(0), []byte{0x45}, br(opBranchIf, 1), get(1), i32Const(1), []byte{0x6a, opLocalTee, 1}, get(0), []byte{0x47}, br(opBranchIf, 0),
			[]byte{opEnd}, nops(40), []byte{opEnd}, get(0))}, 3*(1+3+7) + 40 + 1},
		"a loop with a parameter": {code{typ: one, locals: 1, body: join(get(0), []byte{opLoop, 1},
			i32Const(1), []byte{0x6b, opLocalTee, 1}, get(1), br(opBranchIf, 0), []byte{opEnd, 0x1a}, get(0))}, 1 + 3*(1+5) + 2},
		"a table out of loops": {code{typ: one, body: join([]byte{opBlock, typeNothing, opLoop, typeNothing, opLoop, typeNothing}, nops(10),
			get(0), []byte{opBranchTable, 1, 0, 2, opEnd, opEnd, opEnd}, get(0))}, 1 + 13 + 1},
		"a return out of loops": {code{typ: one, body: join([]byte{opLoop, I32, opLoop, I32}, nops(10), get(0), []byte{opReturn, opEnd, opEnd})}, 1 + 13},
		"a return":              {code{typ: one, body: join(get(0), []byte{opIf, typeNothing}, get(0), []byte{opReturn, opEnd}, nops(50), get(0))}, 2 + 2},
		"call":                  {code{typ: one, body: join(call(1), call(1), get(0))}, 2*(8+5) + 1},
		"call of a reference":   {code{typ: one, body: join(i32Const(0), []byte{opCallTable, 0, 0}, get(0))}, 1 + 8 + 5 + 1},
		"fill":                  {code{typ: one, body: join(i32Const(0), i32Const(0), i32Const(4096), []byte{opPrefix, 11, 0}, get(0))}, 5 + 4096/16},
		"copy":                  {code{typ: one, body: join(i32Const(0), i32Const(0), i32Const(64), []byte{opPrefix, 10, 0, 0}, get(0))}, 5 + 64/16},
		"table fill":            {code{typ: one, body: join(i32Const(0), []byte{0xd0, FuncRef}, i32Const(1), []byte{opPrefix, 17, 0}, get(0))}, 5},
		"table grow":            {code{typ: one, body: join([]byte{0xd0, FuncRef}, i32Const(10), []byte{opPrefix, 15, 0}, nops(1), []byte{0x1a}, get(0))}, 6 + 64 + 5},
		"grow":                  {code{typ: one, body: join(i32Const(2), []byte{opGrow, 0, 0x1a}, get(0))}, 3 + 3*4096},
		"grow too far":          {code{typ: one, body: join(i32Const(-1), []byte{opGrow, 0, 0x1a}, get(0))}, 3 + 4097*4096},
	} {
		t.Run(name, func(t *testing.T) {
			p := program{types: []FunctionType{{}}, functions: []code{tc.f, leaf}, table: []int{1}, pages: 1}
			for _, slice := range []int64{1 << 40, 100, 1} {
				m, err := boot(t, meter(t, p.build()), true, 1<<30, slice)
				if err != nil {
					t.Fatal(err)
				}
				got, err := m.mod.ExportedFunction("f0").Call(t.Context(), 3)
				if err != nil || got[0] != 3 {
					t.Fatalf("result %v, error %v", got, err)
				}
				if used := 1<<30 - m.left(); used != tc.want {
					t.Errorf("slices of %d: fuel %d, want %d", slice, used, tc.want)
				}
			}
		})
	}
}

// dispatcher is what Go's compiler makes of a function with jumps: the numbers of
// blocks come as code that jumps.
func dispatcher(blocks ...[]byte) []byte {
	n := uint32(len(blocks))
	out := []byte{opLoop, typeNothing}
	for range n {
		out = append(out, opBlock, typeNothing)
	}
	out = appendU32(append(join(out, get(1)), opBranchTable), n-1)
	for i := range n {
		out = appendU32(out, i)
	}
	for _, b := range blocks {
		out = append(append(out, opEnd), b...)
	}
	return append(out, opEnd)
}

// TestThreadedJumps: a jump that goes forward by a dispatch arrives where it should.
func TestThreadedJumps(t *testing.T) {
	jump := func(to int32, label uint32) []byte { return join(i32Const(to), set(1), br(opBranch, label)) }
	again := func(code ...[]byte) []byte { // once more, by block 0
		return join(get(0), []byte{opIf, typeNothing}, i32Const(0), set(0), join(code...), []byte{opEnd})
	}
	// Label n-1-i of block i is the loop.
	for name, blocks := range map[string][][]byte{
		"forward and back": {
			jump(2, 3),
			join(i32Const(100), set(2), jump(3, 2)),
			join(again(jump(1, 2)), i32Const(7), set(2), jump(3, 1)),
			nil,
		},
		"another local":  {join(i32Const(1), set(1), i32Const(3), set(2), br(opBranch, 3)), join(i32Const(100), set(2)), nil, nil},
		"another value":  {join(i32Const(3), set(2), i32Const(3), []byte{0x1a}, i32Const(1), i32Const(1), []byte{0x6a}, set(1), br(opBranch, 3)), join(i32Const(50), []byte{opReturn}), join(i32Const(100), set(2)), nil},
		"beyond the end": {jump(9, 3), join(i32Const(100), set(2)), nil, join(i32Const(5), set(2))},
	} {
		p := program{pages: 1, functions: []code{{typ: one, locals: 2, body: join(dispatcher(blocks...), get(2))}}}
		plain, err := boot(t, p.build(), false, 0, 0)
		if err != nil {
			t.Fatal(err)
		}
		m, err := boot(t, meter(t, p.build()), true, 1<<30, 1<<30)
		if err != nil {
			t.Fatal(err)
		}
		for _, arg := range []uint64{0, 1} {
			want, err1 := plain.mod.ExportedFunction("f0").Call(t.Context(), arg)
			got, err2 := m.mod.ExportedFunction("f0").Call(t.Context(), arg)
			if err1 != nil || err2 != nil || got[0] != want[0] {
				t.Errorf("%s, argument %d: %v, unmetered %v (%v, %v)", name, arg, got, want, err1, err2)
			}
		}
	}
}

// TestDepth: nested calls end with the depth, by a trap, which the host can tell from
// others, and the depth is whole again after calls that end well.
func TestDepth(t *testing.T) {
	// f0(n) = n ? f0(n-1) : 0
	p := program{pages: 1, functions: []code{{typ: one, body: join(get(0), []byte{opIf, I32},
		get(0), i32Const(1), []byte{0x6b}, call(0), []byte{opElse}, i32Const(0), []byte{opEnd})}}}
	m, err := boot(t, meter(t, p.build()), true, 1<<30, 1<<30)
	if err != nil {
		t.Fatal(err)
	}
	depth := m.mod.ExportedGlobal("depth").(api.MutableGlobal)
	const frames = (1 << 14) / 17 // 16 and one parameter; it holds back too little to pay for
	for range 2 {
		if _, err := m.mod.ExportedFunction("f0").Call(t.Context(), frames-1); err != nil || depth.Get() != 1<<14 {
			t.Fatalf("%d calls: error %v, depth %d", frames, err, depth.Get())
		}
	}
	if _, err := m.mod.ExportedFunction("f0").Call(t.Context(), frames); err == nil || int64(depth.Get()) >= 0 {
		t.Errorf("%d calls: error %v, depth %d", frames+1, err, int64(depth.Get()))
	}
}

// TestEndless: whatever goes on for ever spends its fuel, and asks for it in slices.
func TestEndless(t *testing.T) {
	zero := FunctionType{}
	twice := make([]code, 60) // fi calls f(i+1) twice: 2^60 calls without a loop
	for i := range twice {
		twice[i] = code{typ: zero, body: join(call(uint32(i+1)), call(uint32(i+1)))}
	}
	twice[len(twice)-1].body = nil
	const budget, slice = 1_000_000, 10_000
	for name, p := range map[string]*program{
		"empty loop":       {functions: []code{{typ: zero, body: []byte{opLoop, typeNothing, opBranch, 0, opEnd}}}},
		"loop of calls":    {functions: []code{{typ: zero, body: join([]byte{opLoop, typeNothing}, call(1), br(opBranch, 0), []byte{opEnd})}, {}}},
		"calls of calls":   {functions: twice},
		"br_table":         {functions: []code{{typ: zero, body: join([]byte{opLoop, typeNothing}, i32Const(0), []byte{opBranchTable, 0, 0, opEnd})}}},
		"fill in a loop":   {functions: []code{{typ: zero, body: join([]byte{opLoop, typeNothing}, i32Const(0), i32Const(0), i32Const(1<<16), []byte{opPrefix, 11, 0}, br(opBranch, 0), []byte{opEnd})}}},
		"dispatch forward": {functions: []code{{typ: zero, locals: 2, body: dispatcher(join(i32Const(1), set(1), br(opBranch, 1)), join(i32Const(0), set(1), br(opBranch, 0)))}}},
	} {
		t.Run(name, func(t *testing.T) {
			p.pages = 1
			m, err := boot(t, meter(t, p.build()), true, budget, slice)
			if err != nil {
				t.Fatal(err)
			}
			_, err = m.mod.ExportedFunction("f0").Call(t.Context())
			if !errors.Is(err, errSpent) || m.yields < budget/slice/2 || m.yields > budget/slice+1 {
				t.Errorf("error %v after %d yields", err, m.yields)
			}
		})
	}
	t.Run("start", func(t *testing.T) {
		p := program{pages: 1, functions: []code{{}, {body: []byte{opLoop, typeNothing, opBranch, 0, opEnd}}}, start: 1}
		if _, err := boot(t, meter(t, p.build()), true, budget, slice); !errors.Is(err, errSpent) {
			t.Errorf("error %v", err)
		}
	})
}

// TestIndices: with imports before them, functions are found wherever they are named:
// by calls, references, tables, exports and the start section.
func TestIndices(t *testing.T) {
	typeOne := []byte{opCallTable, 1, 0}
	p := program{
		pages: 1, types: []FunctionType{{}, one}, start: 3, table: []int{2, 1, 0}, // f1, f0, the import
		imports: []Import{{Module: "env", Name: "a", Type: 0}},
		functions: []code{
			{typ: one, body: join(call(0), []byte{opRefFunc, 3, 0x1a}, get(0), call(2), i32Const(0), typeOne)},
			{typ: one, body: join(get(0), i32Const(5), []byte{0x6a}, i32Const(0), []byte{0x28, 2, 0, 0x6a})}, // n + 5 + what start has stored
			{typ: FunctionType{}, body: join(i32Const(0), i32Const(900), []byte{0x36, 2, 0})},
		},
	}
	for _, metered := range []bool{false, true} {
		binary := p.build()
		if metered {
			binary = meter(t, binary)
		}
		m, err := boot(t, binary, metered, 1<<30, 1<<30)
		if err != nil {
			t.Fatal(err)
		}
		got, err := m.mod.ExportedFunction("f0").Call(t.Context(), 1)
		if err != nil || got[0] != 1+2*905 {
			t.Errorf("metered %v: result %v, error %v", metered, got, err)
		}
	}
}

// TestRefused: what must not be metered.
func TestRefused(t *testing.T) {
	body := func(b ...[]byte) *program {
		return &program{pages: 1, functions: []code{{typ: one, locals: 1, body: join(b...)}}}
	}
	drop := []byte{0x1a}
	for name, tc := range map[string]struct {
		p    *program
		want string
	}{
		"the fuel's global":     {body(get(0), []byte{opGlobalGet, 0}, drop), "a global"},
		"the counting local":    {body(get(0), get(2), drop), "a local"},
		"a function beyond":     {body(get(0), call(1)), "malformed"},
		"a reference beyond":    {body(get(0), []byte{opRefFunc, 1}, drop), "malformed"},
		"a type beyond":         {body(get(0), []byte{opBlock, 1, opEnd}), "malformed"},
		"a label beyond":        {body(get(0), br(opBranch, 1)), "malformed"},
		"a table beyond":        {body(get(0), []byte{0x25, 0}, drop), "malformed"},
		"long SIMD number":      {body(get(0), []byte{opVector, 0x8c, 0x00}, make([]byte, 16), drop), "shortest form"},
		"relaxed SIMD":          {body(get(0), []byte{opVector, 0x80, 0x02}), "shortest form"},
		"tail call":             {body(get(0), []byte{0x12, 0}), "not in core"},
		"atomics":               {body(get(0), []byte{0xfe, 3, 0}), "not in core"},
		"select of a long type": {body(get(0), get(0), get(0), []byte{0x1c, 1, 0x63, 0x70}), "malformed"},
		"null of a long type":   {body(get(0), []byte{0xd0, 0x63}, drop), "malformed"},
		"else of nothing":       {body(get(0), []byte{opBlock, typeNothing, opElse, opEnd}), "malformed"},
		"exports fuel":          {&program{pages: 1, exports: []string{"fuel"}}, `exports "fuel"`},
		"exports a global":      {&program{pages: 1, exports: []string{"global0"}, globals: []byte{1, I32, 1, opConst32, 0, opEnd}}, `exports "global0"`},
		"imports yield":         {&program{pages: 1, types: []FunctionType{{}}, imports: []Import{{"meter", "yield", KindFunction, 0}}}, "for metering"},
		"data at the fuel":      {&program{pages: 1, data: []byte{1, 0, opGlobalGet, 0, opEnd, 0}}, "a global"},
	} {
		t.Run(name, func(t *testing.T) {
			m, err := Parse(tc.p.build())
			if err == nil {
				_, err = m.Meter(testOptions)
			}
			if err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("error %v, want one with %q", err, tc.want)
			}
		})
	}
	for _, b := range []string{"", "\x00asm\x02\x00\x00\x00", header + "\x0e\x00", header + "\x03\x01\x00\x01\x01\x00", header + "\x01\x05"} {
		if _, err := Parse([]byte(b)); !errors.Is(err, ErrMalformed) {
			t.Errorf("%q: %v", b, err)
		}
	}
}
