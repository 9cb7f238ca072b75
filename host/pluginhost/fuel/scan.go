package fuel

import (
	"fmt"
)

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
