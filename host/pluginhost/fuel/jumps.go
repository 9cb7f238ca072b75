package fuel

// Go's compiler makes one loop of a function, at whose head a br_table goes to the
// block whose number stands in a local, and makes each jump by setting the local
// and branching to the loop:
//
//	loop block ... block (br_table targets (local.get L)) end ... end ... end
//	... i32.const K  local.set L  br loop
//
// So all jumps come by the loop header, also those that go forward, and an indirect
// branch, where engines stumble. If the block that is meant ends further down,
// the branch can go there by itself. This makes up for what metering costs.

// A dispatch is the head of such a loop.
type dispatch struct {
	local   uint32
	targets []target
}

// A target is a block by its place among the frames, and its identity.
type target struct{ frame, id int }

// jumps follows the instructions that make up a dispatch or a jump.
type jumps struct {
	// Of the last instruction.
	local    uint32
	constant int
	plain    bool // a block without parameters and results
	targets  []int

	head  int  // frame of the loop at whose head we are, or 0
	read  bool // the local has been read there
	state jumpState
	// What a local was set to by the last two instructions.
	set   uint32
	value int
}

type jumpState byte

const (
	jumpNone jumpState = iota
	jumpConstant
	jumpSet
)

// follow takes note of an instruction that has been read.
func (s *codeScan) follow(op int) {
	j := &s.jumps
	head, read, state := j.head, j.read, j.state
	j.head, j.read, j.state = 0, false, jumpNone
	switch {
	case op == opLoop && j.plain:
		j.head = len(s.frames) - 1
	case op == opBlock && j.plain && !read:
		j.head = head
	case op == opLocalGet && head > 0 && !read:
		j.head, j.read = head, true
		j.set = j.local
	case op == opBranchTable && read:
		d := &dispatch{local: j.set, targets: make([]target, len(j.targets))}
		for i, to := range j.targets {
			d.targets[i] = target{to, s.frames[to].id}
		}
		s.frames[head].dispatch = d
	case op == opConst32 && j.constant >= 0:
		j.state, j.value = jumpConstant, j.constant
	case op == opLocalSet && state == jumpConstant:
		j.state, j.set = jumpSet, j.local
	}
}

// thread returns the frame that a branch to a dispatch will arrive at, if it can
// branch there.
func (s *codeScan) thread(op int) (int, bool) {
	if op != opBranch || s.jumps.state != jumpSet {
		return 0, false
	}
	d := s.frames[s.outmost].dispatch
	if d == nil || d.local != s.jumps.set {
		return 0, false
	}
	t := d.targets[min(s.jumps.value, len(d.targets)-1)]
	ok := t.frame > s.outmost && t.frame < len(s.frames) && s.frames[t.frame].id == t.id
	return t.frame, ok
}
