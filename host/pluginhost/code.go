package pluginhost

import (
	"errors"
	"fmt"
)

// A function is a function body as the scan left it: where charges have to be
// inserted, and how much.
type function struct {
	body    []byte // locals and code
	code    int    // offset of the code in body
	params  uint32
	locals  uint32 // parameters included
	groups  uint32 // local declarations
	marks   []mark
	weights []uint32 // instructions per region
}

// A mark is a place in the body where fuel is charged: at the head of a region,
// or before a bulk operation (region bulk). What is left is checked at function
// entries, loop headers and bulk operations only, since a guest cannot go on
// without coming by one of them.
type mark struct {
	at      int
	region  int
	checked bool
}

const bulk = -1

// growWeight is the weight of memory.grow in instructions: it leaves compiled
// code, and may copy the memory.
const growWeight = 4096

// Opcodes that the scan looks at.
const (
	opBlock    = 0x02
	opLoop     = 0x03
	opIf       = 0x04
	opElse     = 0x05
	opEnd      = 0x0b
	opBranchIf = 0x0d
	opGrow     = 0x40
	opPrefix   = 0xfc
	opVector   = 0xfd
)

func (m *module) readCode(r *reader) error {
	n := r.count(maxFunctions)
	if n > len(m.funcs) {
		return errBinary
	}
	for i := range n {
		params := len(m.types[m.funcs[i]].params)
		f, s, err := scanFunction(r.bytes(int(r.u32())), uint32(params), uint32(len(m.globals)))
		if err != nil {
			return fmt.Errorf("function %d: %w", i+len(m.imports), err)
		}
		if m.score += s; s > maxFunctionScore || m.score > maxScore {
			return fmt.Errorf("function %d: score %d (at most %d), %d with those before it (at most %d): it would take too long to compile; split functions with many blocks, loops and locals",
				i+len(m.imports), s, maxFunctionScore, m.score, maxScore)
		}
		m.code = append(m.code, f)
	}
	return nil
}

// scanFunction walks through a function body once. It returns its share of the
// compile score.
func scanFunction(body []byte, params, globals uint32) (f function, score uint64, err error) {
	f = function{body: body, params: params, locals: params}
	s := codeScan{r: reader{b: body}, globals: globals}
	f.groups = uint32(s.r.count(maxLocals))
	for range f.groups {
		n := s.r.u32()
		s.r.byte()
		if uint64(f.locals)+uint64(n) > maxLocals {
			return f, 0, fmt.Errorf("more than %d locals", maxLocals)
		}
		f.locals += n
	}
	if s.r.failed {
		return f, 0, errBinary
	}
	s.locals = f.locals
	f.code = len(body) - len(s.r.b)
	if err := s.run(&f); err != nil {
		return f, 0, err
	}
	return f, s.score(), nil
}

// score estimates the compiler's work for a function, in units of some 20 ns
// and 4 bytes, from measurements of wazero 1.12: it is quadratic in basic
// blocks (dominators, loop nesting), and each local may need a value of its own
// at each join, and several at each loop.
func (s *codeScan) score() uint64 {
	blocks := s.blocks + 2*s.loops // the check of the fuel splits them
	locals := uint64(s.locals) + 1 // the fuel is like another one
	return blocks*blocks + locals*(40*(s.blocks+s.targets)+400*s.loops)
}

// A codeScan decodes instructions of the core 2.0 instruction set, fixed-width
// SIMD included. It refuses what the host could not put back after a batch
// (changes of tables and segments), and indices that are valid only after the
// host has added its own global and local.
type codeScan struct {
	r        reader
	constant bool // in a constant expression: indices are the engine's matter
	globals  uint32
	locals   uint32
	// Counted for the score: block, loop, if and br_if; loop; targets of br_table.
	blocks, loops, targets uint64
}

// run finds the regions of a body: runs of instructions that are executed
// together, or left early by a branch. A region begins at the function's entry,
// behind a loop header, if or else, and behind every end, which is where
// forward branches arrive.
func (s *codeScan) run(f *function) error {
	at := func() int { return len(f.body) - len(s.r.b) }
	depth := 0
	f.begin(at(), true)
	for {
		start := at()
		op, err := s.instruction()
		switch {
		case err != nil:
			return err
		case s.r.failed:
			return errBinary
		case depth > maxDepth:
			return fmt.Errorf("more than %d nested blocks", maxDepth)
		}
		region := len(f.weights) - 1
		switch op {
		case opBlock:
			depth++
		case opLoop:
			depth++
			f.begin(at(), true)
		case opIf:
			depth++
			f.weights[region]++
			f.begin(at(), false)
		case opElse:
			f.begin(at(), false)
		case opEnd:
			if depth == 0 {
				if len(s.r.b) > 0 {
					return errBinary
				}
				return nil
			}
			depth--
			f.begin(at(), false)
		case opBulk:
			f.weights[region]++
			f.marks = append(f.marks, mark{start, bulk, true})
		case opGrow:
			f.weights[region] += growWeight
		default:
			f.weights[region]++
		}
	}
}

// begin begins a region.
func (f *function) begin(at int, checked bool) {
	var first uint32
	if checked {
		first = 1 // an empty loop is not free
	}
	f.marks = append(f.marks, mark{at, len(f.weights), checked})
	f.weights = append(f.weights, first)
}

// opBulk stands for memory.copy, memory.fill and memory.init.
const opBulk = 0x100

var (
	errState   = errors.New("changes a table or drops a segment, which the host could not put back after a batch (table.set, table.grow, table.fill, table.copy, table.init, elem.drop, data.drop)")
	errFeature = errors.New("uses an instruction that is not in core WebAssembly 2.0")
)

// instruction skips one instruction with its immediates.
func (s *codeScan) instruction() (op int, err error) {
	r := &s.r
	c := r.byte()
	switch c {
	case opLoop:
		s.loops++
		s.blocks++
	case opBlock, opIf, opBranchIf:
		s.blocks++
	}
	switch {
	case c <= 0x01 || c == opElse || c == opEnd || c == 0x0f || c == 0x1a || c == 0x1b || c >= 0x45 && c <= 0xc4 || c == 0xd1:
	case c >= opBlock && c <= opIf:
		r.skipLEB(5)
	case c == 0x0c || c == opBranchIf || c == 0x10 || c == 0x25 || c == 0xd2:
		r.u32()
	case c == 0x0e:
		n := r.count(1 << 20)
		s.targets += uint64(n)
		for range n + 1 {
			r.u32()
		}
	case c == 0x11:
		r.u32()
		r.u32()
	case c == 0x1c:
		r.bytes(r.count(maxValues))
	case c >= 0x20 && c <= 0x24:
		return int(c), s.variable(c)
	case c == 0x26:
		return 0, errState
	case c >= 0x28 && c <= 0x3e:
		s.memarg()
	case c == 0x3f || c == 0x40:
		r.byte()
	case c == 0x41:
		r.skipLEB(5)
	case c == 0x42:
		r.skipLEB(10)
	case c == 0x43:
		r.bytes(4)
	case c == 0x44:
		r.bytes(8)
	case c == 0xd0:
		r.byte()
	case c == opPrefix:
		return s.prefixed()
	case c == opVector:
		return int(c), s.vector()
	default:
		return 0, errFeature
	}
	return int(c), nil
}

// variable checks the index of a local or global: index N of a module with N
// of them is invalid, but would become the host's own one by the rewriting.
func (s *codeScan) variable(c byte) error {
	i := s.r.u32()
	if s.constant {
		return nil
	}
	if c <= 0x22 && i >= s.locals || c > 0x22 && i >= s.globals {
		return fmt.Errorf("no local or global %d", i)
	}
	return nil
}

func (s *codeScan) memarg() {
	if s.r.u32() >= 32 { // the bits above belong to multiple memories
		s.r.fail()
	}
	s.r.u32()
}

func (s *codeScan) prefixed() (int, error) {
	r := &s.r
	switch sub := r.u32(); {
	case sub <= 7:
		return opPrefix, nil
	case sub == 8 || sub == 10:
		r.u32()
		r.byte()
		return opBulk, nil
	case sub == 11:
		r.byte()
		return opBulk, nil
	case sub == 16: // table.size
		r.u32()
		return opPrefix, nil
	case sub <= 17:
		return 0, errState
	}
	return 0, errFeature
}

func (s *codeScan) vector() error {
	switch sub := s.r.u32(); {
	case sub <= 11 || sub == 92 || sub == 93:
		s.memarg()
	case sub == 12 || sub == 13:
		s.r.bytes(16)
	case sub >= 21 && sub <= 34:
		s.r.byte()
	case sub >= 84 && sub <= 91:
		s.memarg()
		s.r.byte()
	case sub > 255:
		return errFeature
	}
	return nil
}
