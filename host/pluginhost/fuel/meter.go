package fuel

import (
	"fmt"
	"strconv"
)

// Options say how the host is tied to the metered module.
type Options struct {
	// YieldModule and YieldName name the import, of type () -> (), that the guest
	// calls when fuel is below zero. It has to bring fuel to zero or more, or not
	// to return.
	YieldModule, YieldName string
	// Fuel and Depth are the names of the exported globals.
	Fuel, Depth string
	// Globals, if not empty, exports each mutable global of the module under this
	// name followed by its position in [Module.Globals], for a host that takes images.
	Globals string
	// InitialFuel and InitialDepth are the values that the globals begin with, and
	// so what the start function has. They are at most 2^62.
	InitialFuel, InitialDepth uint64
}

const (
	// granule is how much a loop counts before it brings it to the global.
	granule = 1024
	// patience is the price of all runs of a function up to which calls in it are not
	// preceded by a check; or the price of its calls alone, if it cannot call itself.
	patience = 4 * granule
	// framePrice is the depth of a function without locals.
	framePrice = 16
	// lagPrice is how much a function may hold back per unit of depth.
	lagPrice = 32
)

// GlobalName is the name under which Globals[i] is exported.
func (o *Options) GlobalName(i int) string { return o.Globals + strconv.Itoa(i) }

// Meter returns the metered module, without custom sections. It fails if the module
// uses one of the names.
func (m *Module) Meter(o Options) ([]byte, error) {
	if o.InitialFuel > 1<<62 || o.InitialDepth > 1<<62 {
		return nil, fmt.Errorf("fuel %d or depth %d is over 2^62", o.InitialFuel, o.InitialDepth)
	}
	added := []Export{{o.Fuel, KindGlobal, uint32(m.globals)}, {o.Depth, KindGlobal, uint32(m.globals + 1)}}
	for i, g := range m.Globals {
		if o.Globals != "" && g.Mutable {
			added = append(added, Export{o.GlobalName(i), KindGlobal, uint32(m.importedGlobals + i)})
		}
	}
	if err := m.collides(&o, added); err != nil {
		return nil, err
	}
	w := &writer{m: m, o: &o, types: len(m.Types), results: make(map[string]int)}
	code := w.code() // first, since it adds types
	out := []byte(header)
	for _, id := range order {
		body, err := w.section(id, added, code)
		if err != nil {
			return nil, err
		}
		if body != nil {
			out = appendSection(out, byte(id), body)
		}
	}
	return out, nil
}

func (m *Module) collides(o *Options, added []Export) error {
	for _, i := range m.Imports {
		if i.Module == o.YieldModule && i.Name == o.YieldName {
			return fmt.Errorf("the module imports %q.%q, which is for metering only", i.Module, i.Name)
		}
	}
	names := make(map[string]bool)
	for _, e := range m.Exports {
		names[e.Name] = true
	}
	for _, e := range added {
		if names[e.Name] {
			return fmt.Errorf("the module exports %q, which metering adds", e.Name)
		}
		names[e.Name] = true
	}
	return nil
}

// A writer writes a metered module.
type writer struct {
	m       *Module
	o       *Options
	types   int            // number of types so far
	added   []byte         // types behind the module's own
	results map[string]int // index of the type () -> results
}

// resultType returns the index of the type () -> results, which it adds.
func (w *writer) resultType(results string) int {
	i, ok := w.results[results]
	if !ok {
		i = w.types
		w.types++
		w.results[results] = i
		w.added = append(w.added, 0x60, 0)
		w.added = appendName(w.added, results)
	}
	return i
}

// section returns the body of a section, or nil if there is none.
func (w *writer) section(id int, added []Export, code []byte) ([]byte, error) {
	m := w.m
	switch id {
	case sectionType:
		w.resultType("") // of yield
		return append(m.longer(id, w.types), w.added...), nil
	case sectionImport:
		out := m.longer(id, len(m.Imports)+1)
		out = appendName(appendName(out, w.o.YieldModule), w.o.YieldName)
		return appendU32(append(out, byte(KindFunction)), uint32(w.resultType(""))), nil
	case sectionGlobal:
		return w.globals()
	case sectionExport:
		return w.exports(added), nil
	case sectionCode:
		return code, nil
	case sectionStart:
		if s := m.sections[id]; s != nil {
			return appendU32(nil, w.function((&reader{b: *s}).u32())), nil
		}
		return nil, nil
	case sectionElement:
		if s := m.sections[id]; s != nil {
			return m.rewriteElements(&reader{b: *s}, true)
		}
		return nil, nil
	}
	if s := m.sections[id]; s != nil {
		return *s, nil
	}
	return nil, nil
}

// longer returns a section with another number of elements.
func (m *Module) longer(id, n int) []byte {
	out := appendU32(nil, uint32(n))
	if s := m.sections[id]; s != nil {
		r := reader{b: *s}
		r.u32()
		out = append(out, r.b...)
	}
	return out
}

func (w *writer) function(i uint32) uint32 { return shifted(i, uint32(w.m.importedFunctions)) }

func (w *writer) globals() ([]byte, error) {
	m := w.m
	out := appendU32(nil, uint32(len(m.Globals)+2))
	if s := m.sections[sectionGlobal]; s != nil {
		r := &reader{b: *s}
		for range r.count() {
			out = append(out, r.bytes(2)...)
			if err := m.constant(r, &out); err != nil {
				return nil, err
			}
		}
	}
	for _, v := range []uint64{w.o.InitialFuel, w.o.InitialDepth} {
		out = append(appendI64(append(out, I64, 1, opConst), v), opEnd)
	}
	return out, nil
}

func (w *writer) exports(added []Export) []byte {
	out := appendU32(nil, uint32(len(w.m.Exports)+len(added)))
	for i, list := range [][]Export{w.m.Exports, added} {
		for _, e := range list {
			if i == 0 && e.Kind == KindFunction {
				e.Index = w.function(e.Index)
			}
			out = appendU32(append(appendName(out, e.Name), byte(e.Kind)), e.Index)
		}
	}
	return out
}

func (w *writer) code() []byte {
	if len(w.m.Functions) == 0 {
		return nil
	}
	out := appendU32(nil, uint32(len(w.m.Functions)))
	var body []byte
	for i := range w.m.Functions {
		body = w.body(body[:0], &w.m.Functions[i])
		out = append(appendU32(out, uint32(len(body))), body...)
	}
	return out
}

// Instructions of the code that is added.
const (
	opSelect    = 0x1b
	opLocalGet  = 0x20
	opLocalSet  = 0x21
	opLocalTee  = 0x22
	opGlobalGet = 0x23
	opGlobalSet = 0x24
	opConst32   = 0x41
	opConst     = 0x42 // i64.const
	opLess32    = 0x49 // i32.lt_u
	opLess      = 0x53 // i64.lt_s
	opGreater   = 0x56 // i64.gt_u
	opAtMost    = 0x58 // i64.le_u
	opAtLeast   = 0x59 // i64.ge_s
	opAdd       = 0x7c // i64.add
	opSub       = 0x7d
	opShl       = 0x86
	opShr       = 0x88 // i64.shr_u
	opExtend    = 0xad // i64.extend_i32_u
	typeNothing = 0x40
)

// A bodyWriter writes one function.
type bodyWriter struct {
	*writer
	f     *Function
	out   []byte
	count uint32 // the local that counts
	size  uint32 // the local for lengths
}

// body appends the metered form of a function's body.
func (w *writer) body(out []byte, f *Function) []byte {
	b := bodyWriter{writer: w, f: f, out: out, count: uint32(f.Locals), size: uint32(f.Locals) + 1}
	simple := len(f.runs) == 1 && !f.sized && !f.looksAtEnd()
	b.locals(simple)
	if simple {
		return b.simple(f.runs[0].price)
	}
	if f.nests() {
		b.enter()
	}
	b.wrap()
	at := f.code
	for _, k := range f.marks {
		b.out = append(b.out, f.body[at:k.at]...)
		b.mark(&k)
		at = int(k.at) + int(k.skip)
	}
	b.out = append(b.out, f.body[at:]...)
	return b.leave()
}

// locals declares the locals: none for a simple function.
func (b *bodyWriter) locals(none bool) {
	r := reader{b: b.f.body[:b.f.code]}
	r.u32()
	groups := b.f.groups
	if !none {
		groups++
	}
	if b.f.sized {
		groups++
	}
	b.out = append(appendU32(b.out, groups), r.b...)
	if !none {
		b.out = append(b.out, 1, I64)
	}
	if b.f.sized {
		b.out = append(b.out, 1, I32)
	}
}

func (b *bodyWriter) op(op byte, index uint32) { b.out = appendU32(append(b.out, op), index) }

func (b *bodyWriter) constant(v uint64) { b.out = appendI64(append(b.out, opConst), v) }

func (b *bodyWriter) fuel() uint32  { return uint32(b.m.globals) }
func (b *bodyWriter) depth() uint32 { return uint32(b.m.globals) + 1 }

// simple writes a function of one run: it takes its price from the global.
func (b *bodyWriter) simple(price uint32) []byte {
	if price > 0 {
		b.op(opGlobalGet, b.fuel())
		b.constant(uint64(price))
		b.out = append(b.out, opSub)
		b.op(opGlobalSet, b.fuel())
	}
	at := b.f.code
	for _, k := range b.f.marks {
		if k.what == markIndex {
			b.out = append(b.out, b.f.body[at:k.at]...)
			b.out = appendU32(b.out, k.arg)
			at = int(k.at) + int(k.skip)
		}
	}
	return append(b.out, b.f.body[at:]...)
}

// frame is the function's depth. It grows with what the function may hold back when it
// calls, so that the bound on depth bounds that too.
func (b *bodyWriter) frame() uint64 {
	lag := uint64(granule)
	if b.f.patient() {
		lag = b.f.total
		if b.f.loops {
			lag += granule
		}
	}
	return framePrice + b.f.Locals + lag/lagPrice
}

// enter takes the function's depth.
func (b *bodyWriter) enter() {
	b.op(opGlobalGet, b.depth())
	b.constant(b.frame())
	b.out = append(b.out, opSub)
	b.op(opLocalTee, b.count)
	b.op(opGlobalSet, b.depth())
	b.op(opLocalGet, b.count)
	b.constant(0)
	b.out = append(b.out, opLess, opIf, typeNothing, opUnreachable, opEnd)
}

// wrap begins the block that a return branches to the end of. It takes the place of
// the function's own label, so other branches stay as they are.
func (b *bodyWriter) wrap() {
	b.out = append(b.out, opBlock)
	switch results := b.m.Types[b.f.Type].Results; len(results) {
	case 0:
		b.out = append(b.out, typeNothing)
	case 1:
		b.out = append(b.out, results[0])
	default:
		b.out = appendI64(b.out, uint64(b.resultType(results)))
	}
}

// leave gives the depth back and brings what was counted to the global.
func (b *bodyWriter) leave() []byte {
	if b.f.nests() {
		b.op(opGlobalGet, b.depth())
		b.constant(b.frame())
		b.out = append(b.out, opAdd)
		b.op(opGlobalSet, b.depth())
	}
	b.take(b.f.looksAtEnd())
	return append(b.out, opEnd)
}

// take brings what was counted to the global and, if checked, yields below zero.
//
// What seldom happens stands in the second arm, here and in check: engines allocate
// registers in the order of the code, and what follows finds them as they are behind the
// first arm.
func (b *bodyWriter) take(checked bool) {
	b.op(opGlobalGet, b.fuel())
	b.op(opLocalGet, b.count)
	b.out = append(b.out, opSub)
	if !checked {
		b.op(opGlobalSet, b.fuel())
		return
	}
	b.op(opLocalTee, b.count)
	b.op(opGlobalSet, b.fuel())
	b.op(opLocalGet, b.count)
	b.constant(0)
	b.out = append(b.out, opAtLeast, opIf, typeNothing, opElse)
	b.op(opCall, uint32(b.m.importedFunctions))
	b.out = append(b.out, opEnd)
}

// check takes if more than a granule has come together, which is on the stack.
func (b *bodyWriter) check() {
	b.constant(granule)
	b.out = append(b.out, opAtMost, opIf, typeNothing, opElse)
	b.takeAll()
	b.out = append(b.out, opEnd)
}

// takeAll takes, and begins to count anew.
func (b *bodyWriter) takeAll() {
	b.take(true)
	b.constant(0)
	b.op(opLocalSet, b.count)
}

// add counts a price.
func (b *bodyWriter) add(price uint32) {
	b.op(opLocalGet, b.count)
	b.constant(uint64(price))
	b.out = append(b.out, opAdd)
	b.op(opLocalSet, b.count)
}

func (b *bodyWriter) mark(k *mark) {
	switch k.what {
	case markRun:
		price := b.f.runs[k.arg].price
		switch {
		case k.arg == 0 && (price > 0 || b.f.nests()): // enter has used the local
			b.constant(uint64(price))
			b.op(opLocalSet, b.count)
		case price > 0:
			b.add(price)
		}
	case markAround:
		b.around(b.f.body[k.at : k.at+k.arg])
	case markLoop:
		b.header()
		b.add(b.f.runs[k.arg].price)
	case markBehind:
		b.behind()
	case markParamLoop:
		b.op(opLocalGet, b.count)
		b.check()
		b.add(b.f.runs[k.arg].price)
	case markCall:
		if !b.f.patient() {
			b.op(opLocalGet, b.count)
			b.check()
		}
	case markBulk:
		b.op(opLocalTee, b.size)
		b.op(opLocalGet, b.count)
		b.op(opLocalGet, b.size)
		b.out = append(b.out, opExtend)
		b.constant(uint64(k.arg))
		b.out = append(b.out, opShr, opAdd)
		b.op(opLocalTee, b.count)
		b.check()
	case markGrow:
		b.op(opLocalTee, b.size)
		b.op(opLocalGet, b.count)
		b.op(opLocalGet, b.size)
		b.pages()
		b.op(opLocalGet, b.size)
		b.pages()
		b.out = append(b.out, opLess32, opSelect, opExtend)
		b.constant(12)
		b.out = append(b.out, opShl, opAdd)
		b.op(opLocalTee, b.count)
		b.check()
	case markIndex:
		b.out = appendU32(b.out, k.arg)
	case markBranch:
		b.op(opBranch, k.arg)
	case markBranchIf:
		b.op(opBranchIf, k.arg)
	case markTable:
		b.out = append(b.out, b.f.tables[k.arg]...)
	}
}

// pages appends i32.const growPages.
func (b *bodyWriter) pages() { b.out = appendI64(append(b.out, opConst32), growPages) }
