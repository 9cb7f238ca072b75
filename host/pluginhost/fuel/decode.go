package fuel

import (
	"errors"
	"fmt"
)

// ErrFeature means an instruction that is not in core WebAssembly 2.0.
var ErrFeature = errors.New("uses an instruction that is not in core WebAssembly 2.0")

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
