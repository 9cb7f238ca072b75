package fuel

import (
	"bytes"
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/tetratelabs/wazero/api"
)

// A grower makes valid programs out of bytes: every choice takes one, and zeros
// when they are over choose what is short.
type grower struct {
	b        []byte
	labels   []label // innermost last
	function int
	size     int
}

type label struct {
	value    bool // a branch there takes an i32
	dispatch uint32
	isLoop   bool
}

func (g *grower) n(most int) int {
	if len(g.b) == 0 {
		return 0
	}
	c := int(g.b[0])
	g.b = g.b[1:]
	return c % most
}

const growLocals = 6 // parameters included

func (g *grower) local() uint32 { return uint32(g.n(growLocals)) }

// guard goes to a label when it has been passed 20 times in its function, mostly, so
// that most programs come to an end.
func (g *grower) guard(to uint32) []byte {
	if g.n(16) == 1 {
		return nil
	}
	return join(get(growLocals), i32Const(1), []byte{0x6a, opLocalTee, growLocals}, i32Const(20), []byte{0x4b}, br(opBranchIf, to))
}

// program makes functions f0 to f3 of one parameter each. f3 has two results.
func (g *grower) program() []byte {
	p := program{
		pages: 1, types: []FunctionType{{}, one}, table: []int{1, 2, 3, 3}, globals: []byte{1, I32, 1, opConst32, 5, opEnd},
		imports: []Import{{Module: "env", Name: "a", Type: 0}},
	}
	for i := range 4 {
		g.labels, g.size = []label{{value: true}}, 0
		f := code{typ: one, locals: growLocals}
		g.function = i
		if i == 3 {
			f.typ.Results += string(rune(I64))
			g.labels = []label{{isLoop: true}} // nothing can be branched with
			f.body = join(g.statements(2), g.value(2), []byte{opConst, 9})
		} else {
			f.body = join(g.statements(3), g.value(3))
		}
		p.functions = append(p.functions, f)
	}
	return p.build()
}

func (g *grower) statements(depth int) (out []byte) {
	for range g.n(5) {
		out = append(out, g.statement(depth)...)
	}
	return out
}

func (g *grower) inside(l label, f func() []byte) []byte {
	g.labels = append(g.labels, l)
	out := f()
	g.labels = g.labels[:len(g.labels)-1]
	return append(out, opEnd)
}

// value makes code that leaves an i32.
func (g *grower) value(depth int) []byte {
	if g.size++; depth == 0 || g.size > 300 {
		return get(g.local())
	}
	switch g.n(14) {
	case 0:
		return get(g.local())
	case 1:
		return i32Const(int32(g.n(256)) - 8)
	case 2, 3:
		return append(join(g.value(depth-1), g.value(depth-1)), []byte{0x6a, 0x6b, 0x6c, 0x71, 0x73, 0x49, 0x46, 0x6e}[g.n(8)])
	case 4:
		return join(g.value(depth-1), i32Const(0xfff), []byte{0x71, 0x28, 2, 0})
	case 5:
		// Of those before it, mostly.
		if g.function > 0 && g.n(16) != 1 {
			return join(g.value(depth-1), call(uint32(1+g.n(g.function))))
		}
		if g.n(8) != 1 {
			return get(g.local())
		}
		return join(g.value(depth-1), call(uint32(1+g.n(3))))
	case 6:
		then := join(g.value(depth-1), []byte{opIf, I32})
		return join(then, g.inside(label{value: true}, func() []byte {
			return join(g.statements(depth-1), g.value(depth-1), []byte{opElse}, g.value(depth-1))
		}))
	case 7:
		return join([]byte{opBlock, I32}, g.inside(label{value: true}, func() []byte {
			return join(g.statements(depth-1), g.value(depth-1))
		}))
	case 8:
		return join(g.value(depth-1), g.value(depth-1), g.value(depth-1), []byte{opSelect})
	case 9:
		return join(g.value(depth-1), g.value(depth-1), i32Const(3), []byte{0x71, opCallTable, 1, 0})
	case 10:
		return []byte{opGlobalGet, 0}
	case 11: // a loop with a parameter
		to := g.local()
		return join([]byte{opBlock, I32}, g.inside(label{value: true}, func() []byte {
			return join(g.value(depth-1), []byte{opLoop, 1}, g.inside(label{value: true, isLoop: true}, func() []byte {
				ends := join(get(growLocals), i32Const(1), []byte{0x6a, opLocalTee, growLocals}, i32Const(20), []byte{0x4b})
				return join(set(to), ends, []byte{opIf, typeNothing}, get(to), br(opBranch, 2), []byte{opEnd}, g.statements(depth-1), g.value(depth-1))
			}))
		}))
	case 12: // one with a result
		return join([]byte{opBlock, I32}, g.inside(label{value: true}, func() []byte {
			return join([]byte{opLoop, I32}, g.inside(label{isLoop: true}, func() []byte {
				ends := join(get(growLocals), i32Const(1), []byte{0x6a, opLocalTee, growLocals}, i32Const(20), []byte{0x4b})
				return join(i32Const(7), ends, br(opBranchIf, 1), []byte{0x1a}, g.statements(depth-1), g.value(depth-1))
			}))
		}))
	}
	return join(i32Const(int32(g.n(3))), []byte{opGrow, 0})
}

// table makes a br_table to labels that take nothing.
func (g *grower) table(depth int) []byte {
	var labels []byte
	for i := range g.labels {
		if l := g.labels[len(g.labels)-1-i]; !l.value && i < len(g.labels)-1 {
			labels = append(labels, byte(i))
		}
	}
	if labels == nil {
		return nop
	}
	n := g.n(6)
	out := appendU32(append(g.value(depth), opBranchTable), uint32(n))
	for range n + 1 {
		out = append(out, labels[g.n(len(labels))])
	}
	return out
}

// jump makes a branch by op to any label that it can go to.
func (g *grower) jump(op byte, depth int) []byte {
	i := g.n(len(g.labels))
	l := g.labels[len(g.labels)-1-i]
	if l.isLoop && i == len(g.labels)-1 { // f3's own label takes two values
		return nil
	}
	var out []byte
	if l.value {
		out = g.value(depth)
	}
	if op == opBranchIf {
		out = join(out, g.value(depth), br(op, uint32(i)))
		if l.value {
			out = append(out, 0x1a)
		}
		return out
	}
	if l.dispatch > 0 && g.n(8) > 0 {
		out = join(i32Const(int32(g.n(8))-1), set(l.dispatch))
	}
	return append(out, br(op, uint32(i))...)
}

// statement makes code that leaves nothing.
func (g *grower) statement(depth int) []byte {
	if g.size++; depth == 0 || g.size > 300 {
		return nop
	}
	switch g.n(18) {
	case 0, 1:
		return join(g.value(depth-1), set(g.local()))
	case 2:
		return join(g.value(depth-1), i32Const(0xfff), []byte{0x71}, g.value(depth-1), []byte{0x36, 2, 0})
	case 3:
		return join(g.value(depth-1), []byte{opIf, typeNothing}, g.inside(label{}, func() []byte { return g.statements(depth - 1) }))
	case 4:
		return join(g.value(depth-1), []byte{opIf, typeNothing}, g.inside(label{}, func() []byte {
			return join(g.statements(depth-1), g.jump(opBranch, depth-1), []byte{opElse}, g.statements(depth-1))
		}))
	case 5:
		return join([]byte{opBlock, typeNothing}, g.inside(label{}, func() []byte { return g.statements(depth - 1) }))
	case 6, 7:
		return join([]byte{opBlock, typeNothing, opLoop, typeNothing}, g.inside(label{}, func() []byte {
			return g.inside(label{isLoop: true}, func() []byte { return join(g.guard(1), g.statements(depth-1)) })
		}))
	case 8:
		return g.jump(opBranchIf, depth-1)
	case 9:
		return join(g.value(depth-1), []byte{opGlobalSet, 0})
	case 10:
		return join(i32Const(int32(g.n(256))), g.value(depth-1), i32Const(int32(g.n(256))), []byte{opPrefix, 11, 0})
	case 11:
		return call(0)
	case 12:
		return join([]byte{opBlock, typeNothing}, g.inside(label{}, func() []byte {
			return join(g.statements(depth-1), g.value(depth-1), []byte{opBranchTable, 1, 0, 0})
		}))
	case 13:
		if g.function < 3 { // f3 returns two values
			return join(g.value(depth-1), []byte{opIf, typeNothing}, get(g.local()), []byte{opReturn, opEnd})
		}
	case 14:
		return join(g.value(depth-1), []byte{opIf, typeNothing}, g.inside(label{}, func() []byte { return g.table(depth - 1) }))
	}
	return g.dispatch(depth)
}

// dispatch makes what Go's compiler makes, and what is nearly the same.
func (g *grower) dispatch(depth int) []byte {
	n, local := 1+g.n(5), g.local()
	out := []byte{opBlock, typeNothing, opLoop, typeNothing}
	g.labels = append(g.labels, label{})
	labels := len(g.labels)
	g.labels = append(g.labels, label{isLoop: true, dispatch: local})
	for range n {
		out = append(out, opBlock, typeNothing)
		g.labels = append(g.labels, label{})
	}
	out = append(out, get(local)...)
	if g.n(8) == 1 {
		out = join(out, i32Const(1), []byte{0x73})
	}
	count := g.n(7)
	out = appendU32(append(out, opBranchTable), uint32(count))
	for range count + 1 {
		out = append(out, byte(g.n(n)))
	}
	for range n {
		g.labels = g.labels[:len(g.labels)-1]
		out = join(append(out, opEnd), g.guard(uint32(len(g.labels)-labels)), g.statements(depth-1))
		if g.n(2) == 1 && labels > 0 {
			// To the head, from inside an if.
			to := local
			if g.n(4) == 1 {
				to = g.local() // which the dispatch does not look at
			}
			inner := join(i32Const(int32(g.n(8))-1), set(to), br(opBranch, uint32(len(g.labels)-labels)))
			out = join(out, g.value(1), []byte{opIf, typeNothing}, inner, []byte{opEnd})
		}
	}
	g.labels = g.labels[:labels-1]
	return append(out, opEnd, opEnd)
}

// state is all that a run leaves behind.
func state(m *machine, metered bool) []byte {
	memory, _ := m.mod.Memory().Read(0, m.mod.Memory().Size())
	out := bytes.Clone(memory)
	if metered {
		out = append(out, byte(m.mod.ExportedGlobal("global0").Get()))
	}
	return out
}

// holds runs f0 to f2 of a module, metered and as it is, and compares what they return or
// that they trap, and the memory. It reports whether they came to such an end.
func holds(t *testing.T, binary []byte) (ran bool) {
	metered := meter(t, binary)
	run := func(binary []byte, isMetered bool, slice int64) (m *machine, results [][]uint64, err error) {
		m, err = boot(t, binary, isMetered, 100_000, slice)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range []string{"f0", "f1", "f2"} {
			r, err := m.mod.ExportedFunction(f).Call(context.Background(), 3)
			if err != nil {
				return m, nil, err
			}
			results = append(results, slices.Clone(r))
		}
		return m, results, nil
	}
	a, want, err1 := run(metered, true, 100_000)
	b, again, err2 := run(metered, true, 777)
	if (err1 == nil) != (err2 == nil) || err1 == nil && a.left() != b.left() {
		t.Fatalf("fuel left %d (%v), and %d (%v) in slices", a.left(), err1, b.left(), err2)
	}
	if errors.Is(err1, errSpent) || int64(a.mod.ExportedGlobal("depth").(api.MutableGlobal).Get()) < 0 {
		return false
	}
	c, got, err3 := run(binary, false, 0)
	if (err1 == nil) != (err3 == nil) {
		t.Fatalf("metered: %v; as it is: %v", err1, err3)
	}
	for i := range want {
		if !slices.Equal(want[i], got[i]) || !slices.Equal(want[i], again[i]) {
			t.Fatalf("f%d gives %v metered, %v as it is", i, want[i], got[i])
		}
	}
	if x := state(a, true); !bytes.Equal(x[:len(x)-1], state(c, false)) || !bytes.Equal(x, state(b, true)) {
		t.Fatal("memory differs")
	}
	return true
}

// TestPrograms: programs do metered what they do as they are, and take the same fuel
// however it is handed out. FuzzPrograms goes on from here.
func TestPrograms(t *testing.T) {
	ran := 0
	for seed := range uint64(80) {
		b := make([]byte, 600)
		rng := rand.New(rand.NewPCG(seed, 1))
		for i := range b {
			b[i] = byte(rng.Uint32())
		}
		g := grower{b: b}
		if holds(t, g.program()) {
			ran++
		}
	}
	if ran < 25 {
		t.Errorf("%d programs came to an end, too few to tell", ran)
	}
}

func FuzzPrograms(f *testing.F) {
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, b []byte) {
		g := grower{b: b[:min(len(b), 2000)]}
		holds(t, g.program())
	})
}

// FuzzMeter: a module that Parse accepts is valid metered if and only if it is valid
// as it is, and its metered form is one that Parse accepts.
func FuzzMeter(f *testing.F) {
	for seed := range uint64(4) {
		b := make([]byte, 300)
		rng := rand.New(rand.NewPCG(seed, 2))
		for i := range b {
			b[i] = byte(rng.Uint32())
		}
		g := grower{b: b}
		f.Add(g.program())
	}
	f.Fuzz(func(t *testing.T, binary []byte) { sameValidity(t, binary) })
}

func sameValidity(t *testing.T, binary []byte) {
	if len(binary) > 1<<14 {
		return
	}
	m, err := Parse(binary)
	if err != nil {
		return
	}
	metered, err := m.Meter(testOptions)
	if err != nil {
		return
	}
	if _, err := Parse(metered); err != nil {
		t.Fatalf("the metered module is refused: %v", err)
	}
	if plain, changed := compiles(binary), compiles(metered); (plain == nil) != (changed == nil) {
		t.Fatalf("as it is: %v; metered: %v", plain, changed)
	}
}
