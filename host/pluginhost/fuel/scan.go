package fuel

import (
	"errors"
	"fmt"
)

// ErrFeature means an instruction that is not in core WebAssembly 2.0.
var ErrFeature = errors.New("uses an instruction that is not in core WebAssembly 2.0")

// A Function that the module defines, with what a host may want to know before it
// lets a compiler see it.
type Function struct {
	Type uint32
	// Params and Locals are numbers of values; Locals counts the parameters.
	Params, Locals uint64
	// Blocks counts block, loop, if and br_if; Loops the loops among them;
	// Targets the targets of br_table; Depth is how deep blocks nest.
	Blocks, Loops, Targets, Depth uint64
	// Checks counts the places where the metered function looks at the fuel, loops and
	// operations that cost by length twice. Each makes two more basic blocks.
	Checks uint64
	// Instructions counts them all.
	Instructions uint64
	// Irreversible means that the function changes a table or drops a segment,
	// which a host can neither see nor put back: table.set, table.grow,
	// table.fill, table.copy, table.init, elem.drop, data.drop.
	Irreversible bool

	body   []byte // locals and code
	code   int    // offset of the code in body
	groups uint32 // local declarations
	marks  []mark
	tables [][]byte // of br_tables whose labels change
	runs   []run
	total  uint64 // the price of all
	sites  int    // calls that are written
	calls  bool
	loops  bool
	sized  bool // has operations that cost by length

	callees    []uint32 // defined functions, by position, one per call
	callsTable bool
	bounded    bool   // see Module.bound
	most       uint64 // the price of a call of it at most
}

// A run is instructions that are executed together. The run that it follows, before,
// is executed whenever it is, and in the same loops.
type run struct{ price, before uint32 }

// A mark is a place in the body where the metered function differs.
type mark struct {
	at   uint32 // offset in body
	arg  uint32
	skip uint32 // bytes that are replaced
	what markKind
}

type markKind byte

const (
	markRun       markKind = iota // a run begins; arg: its number
	markAround                    // before a loop, of whose instruction arg is the length
	markLoop                      // a run begins at the header of such a loop
	markBehind                    // behind its end
	markParamLoop                 // a run begins at the header of a loop with parameters
	markCall                      // before a call
	markBulk                      // an operation by length; arg: shift of the length
	markGrow                      // memory.grow
	markIndex                     // a function index is replaced by arg
	markBranch                    // a branch or return is replaced by a branch to label arg
	markBranchIf                  // a br_if is replaced by one to label arg
	markTable                     // a br_table is replaced by tables[arg]
)

// Prices that are not 1; see the package's documentation.
const (
	callPrice      = 8
	tableGrowPrice = 64
	growPrice      = 4096 // also per page
	growPages      = 4096
	bytesShift     = 4
	tableShift     = 1
	shortRuns      = 16
)

// noRun is before a run that is executed more often than any other, or first.
const noRun = 1<<32 - 1

// Opcodes that the scan looks at.
const (
	opUnreachable = 0x00
	opBlock       = 0x02
	opLoop        = 0x03
	opIf          = 0x04
	opElse        = 0x05
	opEnd         = 0x0b
	opBranch      = 0x0c
	opBranchIf    = 0x0d
	opBranchTable = 0x0e
	opReturn      = 0x0f
	opCall        = 0x10
	opCallTable   = 0x11
	opGrow        = 0x40
	opRefFunc     = 0xd2
	opPrefix      = 0xfc
	opVector      = 0xfd

	// Stand for the operations of prefix fc that cost by length.
	opBulk      = 0x100
	opTableBulk = 0x101
	opTableGrow = 0x102
)

func (m *Module) readCode(r *reader) error {
	n := r.count()
	if n > len(m.Functions) {
		return ErrMalformed
	}
	for i := range n {
		f := &m.Functions[i]
		f.body = r.bytes(int(r.u32()))
		s := codeScan{r: reader{b: f.body}, m: m, f: f}
		if err := s.scan(); err != nil {
			return fmt.Errorf("function %d: %w", i+m.importedFunctions, err)
		}
		f.sum()
	}
	m.bound()
	for i := range m.Functions {
		f := &m.Functions[i]
		if f.looksAtEnd() {
			f.Checks++
		}
		if !f.patient() {
			f.Checks += uint64(f.sites)
		}
	}
	return nil
}

// A codeScan decodes instructions of the core 2.0 instruction set, fixed-width
// SIMD included.
type codeScan struct {
	r        reader
	m        *Module
	f        *Function
	constant bool // in a constant expression

	frames []frame
	run    int // the current run
	jumps  jumps
	// Of the last instruction: the function it names, the frame of the outermost
	// label it branches to.
	function uint32
	outmost  int
	params   bool // it begins a block with parameters
}

// A frame is a block under way.
type frame struct {
	op     byte
	before int // the run that the block was entered from
	// outmost is the outermost frame that a branch inside goes to, and targeted
	// whether one goes to this one.
	outmost  int
	targeted bool
	added    uint32    // labels that metering puts around this block and those around it
	id       int       // of this block in the function
	dispatch *dispatch // of a loop that begins with one
}

const nowhere = 1<<31 - 1

func (s *codeScan) at() int { return len(s.f.body) - len(s.r.b) }

// scan walks through a function body once and finds its runs.
//
// Behind the end of a block no new run begins if what follows is executed exactly
// as often as what is counted already: if no branch in the block goes beyond it,
// that is the run in front of the block; if none goes to the end itself, it is
// the one that falls through. What follows a loop is executed at most once for the run in
// front of it, and is paid with that one.
func (s *codeScan) scan() error {
	f := s.f
	f.Locals = f.Params
	groups := s.r.count()
	for range groups {
		f.Locals += uint64(s.r.u32())
		s.r.valueType()
	}
	if s.r.failed || f.Locals > 1<<31 {
		return ErrMalformed
	}
	f.groups, f.code = uint32(groups), s.at()
	s.frames = append(s.frames, frame{op: opBlock, outmost: nowhere})
	s.begin(markRun, noRun)
	for {
		start := s.at()
		op, err := s.instruction()
		switch {
		case err != nil:
			return err
		case s.r.failed:
			return ErrMalformed
		}
		f.Instructions++
		top := &s.frames[len(s.frames)-1]
		switch op {
		case opBlock, opLoop, opIf:
			if op == opIf {
				f.runs[s.run].price++
			}
			s.frames = append(s.frames, frame{op: byte(op), before: s.run, outmost: nowhere, id: start, added: top.added})
			f.Depth = max(f.Depth, uint64(len(s.frames)-1))
			switch op {
			case opLoop:
				f.loops = true
				s.loop(start)
			case opIf:
				s.begin(markRun, s.run)
			}
		case opElse:
			if top.op != opIf {
				return ErrMalformed
			}
			top.op = opElse
			s.begin(markRun, top.before)
		case opEnd:
			if len(s.frames) == 1 {
				if len(s.r.b) > 0 {
					return ErrMalformed
				}
				return nil
			}
			s.end(*top)
		case opReturn:
			f.runs[s.run].price++
			top.outmost = 0
			s.mark(mark{at: uint32(start), skip: uint32(s.at() - start), what: markBranch, arg: s.metered(0)})
		case opBranch, opBranchIf, opBranchTable:
			f.runs[s.run].price++
			to, threaded := s.thread(op)
			if threaded {
				s.outmost = to
				s.frames[to].targeted = true
			}
			s.branch(op, start, threaded)
			top.outmost = min(top.outmost, s.outmost)
		case opCall:
			f.runs[s.run].price += callPrice
			f.calls = true
			if i := int(s.function) - s.m.importedFunctions; i >= 0 {
				f.callees = append(f.callees, uint32(i))
			}
			s.mark(mark{at: uint32(start), what: markCall})
			s.markIndex(start + 1)
		case opCallTable:
			f.runs[s.run].price += callPrice
			f.calls, f.callsTable = true, true
			s.mark(mark{at: uint32(start), what: markCall})
		case opRefFunc:
			s.m.name(s.function)
			f.runs[s.run].price++
			s.markIndex(start + 1)
		case opBulk, opTableBulk, opTableGrow:
			f.runs[s.run].price++
			shift := uint32(tableShift)
			switch op {
			case opBulk:
				shift = bytesShift
			case opTableGrow:
				f.runs[s.run].price += tableGrowPrice
			}
			s.mark(mark{at: uint32(start), what: markBulk, arg: shift})
		case opGrow:
			f.runs[s.run].price += growPrice
			s.mark(mark{at: uint32(start), what: markGrow})
		default:
			f.runs[s.run].price++
		}
		s.follow(op)
	}
}

// end ends a block.
func (s *codeScan) end(b frame) {
	s.frames = s.frames[:len(s.frames)-1]
	here := len(s.frames)
	parent := &s.frames[here-1]
	parent.outmost = min(parent.outmost, b.outmost)
	if b.added > parent.added {
		s.mark(mark{at: uint32(s.at()), what: markBehind})
	}
	switch {
	case b.outmost >= here, b.op == opLoop:
		s.run = b.before
	case b.op == opBlock && !b.targeted:
	default:
		s.begin(markRun, b.before)
	}
}

// begin begins a run behind another one.
func (s *codeScan) begin(what markKind, before int) {
	s.run = len(s.f.runs)
	s.mark(mark{at: uint32(s.at()), what: what, arg: uint32(s.run)})
	s.f.runs = append(s.f.runs, run{before: uint32(before)})
}

func (s *codeScan) mark(m mark) { s.f.marks = append(s.f.marks, m) }

// markIndex replaces the function index that stands at an offset.
func (s *codeScan) markIndex(at int) {
	if to := shifted(s.function, uint32(s.m.importedFunctions)); to != s.function {
		s.mark(mark{at: uint32(at), skip: uint32(s.at() - at), what: markIndex, arg: to})
	}
}

// instruction reads one instruction with its immediates.
func (s *codeScan) instruction() (op int, err error) {
	r := &s.r
	c := r.byte()
	if s.constant {
		switch c {
		case opEnd, 0x23, 0x41, 0x42, 0x43, 0x44, 0xd0, opRefFunc, opVector:
		default:
			return 0, ErrMalformed
		}
	}
	switch {
	case c <= 0x01 || c == opElse || c == opEnd || c == opReturn || c == 0x1a || c == 0x1b || c >= 0x45 && c <= 0xc4 || c == 0xd1:
	case c >= opBlock && c <= opIf:
		s.blockType()
		s.f.Blocks++
		if c == opLoop {
			s.f.Loops++
		}
	case c == opBranch || c == opBranchIf:
		if c == opBranchIf {
			s.f.Blocks++
		}
		s.outmost = s.label()
	case c == opBranchTable:
		n := r.count()
		s.f.Targets += uint64(n)
		s.outmost = nowhere
		s.jumps.targets = s.jumps.targets[:0]
		for range n + 1 {
			to := s.label()
			s.jumps.targets = append(s.jumps.targets, to)
			s.outmost = min(s.outmost, to)
		}
	case c == opCall || c == opRefFunc:
		s.function = r.index(s.m.functions)
	case c == opCallTable:
		r.index(len(s.m.Types))
		r.index(s.m.tables)
	case c == 0x1c:
		if r.byte() != 1 {
			r.fail()
		}
		r.valueType()
	case c >= opLocalGet && c <= opLocalTee:
		s.jumps.local = r.u32()
		if uint64(s.jumps.local) >= s.f.Locals {
			return 0, fmt.Errorf("a local that is not there: %w", ErrMalformed)
		}
	case c == 0x23 || c == 0x24:
		if int64(r.u32()) >= int64(s.m.globals) {
			return 0, fmt.Errorf("a global that is not there: %w", ErrMalformed)
		}
	case c == 0x25 || c == 0x26:
		r.index(s.m.tables)
		if c == 0x26 {
			s.f.Irreversible = true
		}
	case c >= 0x28 && c <= 0x3e:
		s.memarg()
	case c == 0x3f || c == opGrow:
		r.byte()
	case c == 0x41:
		s.jumps.constant = r.small()
	case c == 0x42:
		r.skipLEB(10)
	case c == 0x43:
		r.bytes(4)
	case c == 0x44:
		r.bytes(8)
	case c == 0xd0:
		r.refType()
	case c == opPrefix:
		return s.prefixed()
	case c == opVector:
		return int(c), s.vector()
	default:
		return 0, ErrFeature
	}
	return int(c), nil
}

// blockType reads the type of a block: nothing, one value, or an index, which
// must be one that the module has.
func (s *codeScan) blockType() {
	r := &s.r
	if len(r.b) == 0 {
		r.fail()
		return
	}
	switch r.b[0] {
	case typeNothing, I32, I64, F32, F64, V128, FuncRef, ExternRef:
		s.jumps.plain, s.params = r.b[0] == typeNothing, false
		r.b = r.b[1:]
		return
	}
	before := len(r.b)
	i := r.index(len(s.m.Types))
	s.jumps.plain, s.params = false, !r.failed && s.m.Types[i].Params != ""
	// As a signed number of the same length it must be the same.
	if n := before - len(r.b); !r.failed && n < 5 && i>>(7*n-1) != 0 {
		r.fail()
	}
}

// label reads the label of a branch and returns the frame it goes to.
func (s *codeScan) label() int {
	i := int64(len(s.frames)) - 1 - int64(s.r.u32())
	if i < 0 || s.r.failed {
		s.r.fail()
		return nowhere
	}
	s.frames[i].targeted = true
	return int(i)
}

func (s *codeScan) memarg() {
	if s.r.u32() >= 32 { // the bits above belong to multiple memories
		s.r.fail()
	}
	s.r.u32()
}

func (s *codeScan) prefixed() (int, error) {
	r := &s.r
	sub := r.u32()
	switch {
	case sub <= 7:
	case sub == 8 || sub == 10: // memory.init, memory.copy
		r.u32()
		r.byte()
		return opBulk, nil
	case sub == 9 || sub == 13: // data.drop, elem.drop
		r.u32()
		s.f.Irreversible = true
	case sub == 11: // memory.fill
		r.byte()
		return opBulk, nil
	case sub == 12 || sub == 14: // table.init, table.copy
		r.u32()
		r.u32()
		s.f.Irreversible = true
		return opTableBulk, nil
	case sub == 15: // table.grow
		r.index(s.m.tables)
		s.f.Irreversible = true
		return opTableGrow, nil
	case sub == 16: // table.size
		r.index(s.m.tables)
	case sub == 17: // table.fill
		r.index(s.m.tables)
		s.f.Irreversible = true
		return opTableBulk, nil
	default:
		return 0, ErrFeature
	}
	return opPrefix, nil
}

// vector reads what stands behind the prefix of SIMD. There are engines that take
// one byte for the instruction, which is right by accident for numbers of two
// bytes, the second of which is 01, which they take for a nop. Other encodings of
// the same number would let them find instructions in what is an immediate here.
func (s *codeScan) vector() error {
	sub := uint32(s.r.byte())
	if sub >= 0x80 && s.r.byte() != 1 {
		return fmt.Errorf("a SIMD instruction whose number is not in its shortest form, or beyond the 256 of 2.0: %w", ErrFeature)
	}
	switch {
	case sub <= 11 || sub == 92 || sub == 93:
		s.memarg()
	case sub == 12 || sub == 13:
		s.r.bytes(16)
	case sub >= 21 && sub <= 34:
		s.r.byte()
	case sub >= 84 && sub <= 91:
		s.memarg()
		s.r.byte()
	}
	return nil
}
