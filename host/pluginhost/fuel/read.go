package fuel

import (
	"encoding/binary"
	"errors"
)

// ErrMalformed means that a module is not in the binary format, or not in the one
// form of it that every engine reads alike, or uses an index that it does not have.
var ErrMalformed = errors.New("malformed wasm binary")

// A reader reads the primitives of the binary format. After the first failure
// every read gives zero, so that a caller may check once at the end; loops are
// bounded by counts that are checked against the bytes left.
type reader struct {
	b      []byte
	failed bool
}

func (r *reader) fail() { r.b, r.failed = nil, true }

func (r *reader) byte() byte {
	if len(r.b) == 0 {
		r.fail()
		return 0
	}
	c := r.b[0]
	r.b = r.b[1:]
	return c
}

// u32 reads a LEB128 number of at most 5 bytes and 32 bits.
func (r *reader) u32() uint32 {
	if len(r.b) > 0 && r.b[0] < 0x80 { // nearly always
		v := uint32(r.b[0])
		r.b = r.b[1:]
		return v
	}
	v, n := binary.Uvarint(r.b[:min(5, len(r.b))])
	if n <= 0 || v > 1<<32-1 {
		r.fail()
		return 0
	}
	r.b = r.b[n:]
	return uint32(v)
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

// small reads an i32 constant and returns it if it is from 0 to 2^13-1, else -1.
func (r *reader) small() int {
	b := r.b
	r.skipLEB(5)
	switch len(b) - len(r.b) {
	case 1:
		if b[0] < 0x40 {
			return int(b[0])
		}
	case 2:
		if b[1] < 0x40 {
			return int(b[0]&0x7f) | int(b[1])<<7
		}
	}
	return -1
}

// count reads the length of a vector whose elements take at least a byte each.
func (r *reader) count() int {
	n := r.u32()
	if uint64(n) > uint64(len(r.b)) {
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

// valueType reads the type of a value. Later versions have types of more than one
// byte, which an engine may know.
func (r *reader) valueType() byte {
	switch t := r.byte(); t {
	case I32, I64, F32, F64, V128, FuncRef, ExternRef:
		return t
	}
	r.fail()
	return 0
}

func (r *reader) valueTypes() string {
	types := r.bytes(r.count())
	for check := (reader{b: types}); len(check.b) > 0; {
		if check.valueType() == 0 {
			r.fail()
		}
	}
	return string(types)
}

// refType reads the type of a reference.
func (r *reader) refType() byte {
	t := r.byte()
	if t != FuncRef && t != ExternRef {
		r.fail()
	}
	return t
}

func (r *reader) flag() bool {
	b := r.byte()
	if b > 1 {
		r.fail()
	}
	return b == 1
}

func (r *reader) name() string { return string(r.bytes(r.count())) }

// index reads an index below n.
func (r *reader) index(n int) uint32 {
	i := r.u32()
	if uint64(i) >= uint64(n) {
		r.fail()
	}
	return i
}

// limits reads the limits of a table or memory. Flags other than "has a
// maximum" belong to proposals (threads, 64-bit memory) and fail.
func (r *reader) limits() Limits {
	flags := r.byte()
	if flags > 1 {
		r.fail()
	}
	l := Limits{Min: r.u32(), Bounded: flags == 1}
	if l.Bounded {
		l.Max = r.u32()
	}
	return l
}

// Writing.

func appendU32(b []byte, v uint32) []byte { return binary.AppendUvarint(b, uint64(v)) }

// appendI64 appends v, which is not negative, as signed LEB128.
func appendI64(b []byte, v uint64) []byte {
	b = binary.AppendUvarint(b, v)
	if last := len(b) - 1; b[last]&0x40 != 0 { // would read as a sign
		b[last] |= 0x80
		b = append(b, 0)
	}
	return b
}

func appendName(b []byte, s string) []byte { return append(appendU32(b, uint32(len(s))), s...) }

func appendSection(b []byte, id byte, body []byte) []byte {
	return append(appendU32(append(b, id), uint32(len(body))), body...)
}
