package fuel

// A loop looks at its count in each round, and once in some hundred rounds it takes, which
// is a call. If that call stood in the loop, an engine would have to keep all that
// lives in the loop in memory, or at least to store it there whenever it changes. So the call
// stands in another loop, around it, where values arrive as values of that one:
//
//	block $done
//	  loop $again
//	    block $over
//	      block $begin
//	        (br_if $begin (count > granule))
//	        loop
//	          (br_if $over (count > granule))
//	          count += price
//	          ...
//	        end
//	        br $done
//	      end
//	      take, count = 0
//	      br $again
//	    end
//	    br $again
//	  end
//	end
//
// Both branches go to blocks that nothing else goes to, so that they can be a comparison
// and a jump that is not taken. A round costs these two and the addition.
//
// A loop with parameters, which compilers do not make, takes where it looks.

// aroundLoop is how many labels there are around the loop.
const aroundLoop = 4

// Their places, as seen from the loop's header.
const (
	labelBegin = iota + 1
	labelOver
	labelAgain
	labelDone
)

// around begins what stands around a loop, of which the instruction is given.
func (b *bodyWriter) around(loop []byte) {
	b.out = append(append(b.out, opBlock), loop[1:]...)
	b.out = append(b.out, loop...)
	b.out = append(b.out, opBlock, typeNothing, opBlock, typeNothing)
	b.over(labelBegin - 1)
}

// header looks at the count.
func (b *bodyWriter) header() { b.over(labelOver) }

// over branches to a label if more than a granule has come together.
func (b *bodyWriter) over(label uint32) {
	b.op(opLocalGet, b.count)
	b.constant(granule)
	b.out = append(b.out, opGreater)
	b.op(opBranchIf, label)
}

// behind ends what stands around a loop.
func (b *bodyWriter) behind() {
	b.op(opBranch, labelDone-1)
	b.out = append(b.out, opEnd)
	b.takeAll()
	b.op(opBranch, labelAgain-labelOver)
	b.out = append(b.out, opEnd)
	b.op(opBranch, 0)
	b.out = append(b.out, opEnd, opEnd)
}

// loop begins the run of a loop, of which the frame has been pushed.
func (s *codeScan) loop(start int) {
	what := markParamLoop
	if !s.params {
		what = markLoop
		s.frames[len(s.frames)-1].added += aroundLoop
		s.mark(mark{at: uint32(start), what: markAround, arg: uint32(s.at() - start)})
	}
	s.begin(what, noRun)
	s.f.runs[s.run].price++
}

// metered is the label of a frame in the metered function.
func (s *codeScan) metered(to int) uint32 {
	top := len(s.frames) - 1
	return uint32(top-to) + s.frames[top].added - s.frames[to].added
}

// branch marks a branch that has another label in the metered function.
func (s *codeScan) branch(op, start int, threaded bool) {
	m := mark{at: uint32(start), skip: uint32(s.at() - start), arg: s.metered(s.outmost)}
	// The outermost label changes if any does.
	if top := len(s.frames) - 1; !threaded && m.arg == uint32(top-s.outmost) {
		return
	}
	switch op {
	case opBranch:
		m.what = markBranch
	case opBranchIf:
		m.what = markBranchIf
	case opBranchTable:
		m.what, m.arg = markTable, uint32(len(s.f.tables))
		table := appendU32([]byte{opBranchTable}, uint32(len(s.jumps.targets)-1))
		for _, to := range s.jumps.targets {
			table = appendU32(table, s.metered(to))
		}
		s.f.tables = append(s.f.tables, table)
	}
	s.mark(m)
}
