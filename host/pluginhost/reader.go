package pluginhost

import (
	"errors"

	"github.com/veriproof/notary/sdk/plugin/abi"
)

var errBinary = errors.New("malformed wasm binary")

// A reader reads the primitives of the core binary format. After the first
// failure every read gives zero, so that a caller may check once at the end;
// loops are bounded by counts that are checked against the bytes left.
type reader struct {
	b      []byte
	failed bool
}

func (r *reader) fail() {
	r.b, r.failed = nil, true
}

func (r *reader) byte() byte {
	if len(r.b) == 0 {
		r.fail()
		return 0
	}
	c := r.b[0]
	r.b = r.b[1:]
	return c
}

func (r *reader) u32() uint32 {
	v, n := abi.Uint32(r.b)
	if n == 0 {
		r.fail()
		return 0
	}
	r.b = r.b[n:]
	return v
}

// skipLEB skips a signed or unsigned LEB128 number of at most n bytes.
func (r *reader) skipLEB(n int) {
	for range n {
		if r.byte() < 0x80 {
			return
		}
	}
	r.fail()
}

// count reads the length of a vector whose elements take at least a byte each.
func (r *reader) count(most int) int {
	n := r.u32()
	if uint64(n) > uint64(most) || uint64(n) > uint64(len(r.b)) {
		r.fail()
		return 0
	}
	return int(n)
}

func (r *reader) bytes(n int) []byte {
	if n < 0 || n > len(r.b) {
		r.fail()
		return nil
	}
	b := r.b[:n]
	r.b = r.b[n:]
	return b
}

func (r *reader) name() string { return string(r.bytes(r.count(maxNameBytes))) }

// limits reads the limits of a table or memory. Flags other than "has a
// maximum" belong to proposals (threads, 64-bit memory) and fail.
func (r *reader) limits() memoryType {
	flags := r.byte()
	if flags > 1 {
		r.fail()
	}
	t := memoryType{min: r.u32(), bounded: flags == 1}
	if t.bounded {
		t.max = r.u32()
	}
	return t
}

// skipConstant skips a constant expression.
func (r *reader) skipConstant() bool {
	s := codeScan{r: *r, constant: true}
	for !r.failed {
		op, err := s.instruction()
		if err != nil || s.r.failed {
			return false
		}
		if op == opEnd {
			*r = s.r
			return true
		}
	}
	return false
}
