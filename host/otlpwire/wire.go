package otlpwire

// Wire types of the protobuf encoding.
const (
	wireVarint  = 0
	wireFixed64 = 1
	wireBytes   = 2
	wireStart   = 3
	wireEnd     = 4
	wireFixed32 = 5
)

const maxFieldNumber = 1<<29 - 1

// A reader takes wire bytes apart. It notes whether it has met anything that
// Splice would not write back byte for byte: an unknown field or a varint that
// is longer than it has to be.
type reader struct {
	buf   []byte
	loose bool
}

// varint reads the varint at pos. It never reads at or behind end.
func (r *reader) varint(pos, end int) (v uint64, next int, err error) {
	for shift := uint(0); pos < end; shift += 7 {
		b := r.buf[pos]
		pos++
		// The tenth byte has room for one bit.
		if shift == 63 && b > 1 {
			return 0, pos, ErrVarint
		}
		v |= uint64(b&0x7f) << shift
		if b < 0x80 {
			if b == 0 && shift > 0 {
				r.loose = true
			}
			return v, pos, nil
		}
	}
	return 0, pos, ErrTruncated
}

// field reads one field of m at pos, in a message that ends at end. It returns
// the field's schema, nil if unknown, and the range of its payload, which for a
// varint is the varint itself. The next field starts at hi.
//
// Nearly every field is a known one with a tag of one byte and a length of at most
// two: those are read here, and all the others by anyField.
func (r *reader) field(m *message, pos, end int) (f *field, lo, hi int, err error) {
	b := r.buf[pos:end]
	if len(b) < 2 || b[0] >= 0x80 {
		return r.anyField(m, pos, end)
	}
	f = &m.fields[b[0]>>3]
	if f.tag != b[0] {
		return r.anyField(m, pos, end)
	}
	size := int(b[1])
	switch f.wire {
	case wireBytes:
		lo = pos + 2
		if size >= 0x80 {
			if len(b) < 3 || b[2] >= 0x80 || b[2] == 0 {
				break
			}
			lo, size = pos+3, size&0x7f|int(b[2])<<7
		}
		if hi = lo + size; hi <= end {
			return f, lo, hi, nil
		}
	case wireVarint:
		if size < 0x80 {
			return f, pos + 1, pos + 2, nil
		}
	case wireFixed64:
		if len(b) > 8 {
			return f, pos + 1, pos + 9, nil
		}
	}
	return r.anyField(m, pos, end)
}

func (r *reader) anyField(m *message, pos, end int) (f *field, lo, hi int, err error) {
	tag := uint64(r.buf[pos])
	lo = pos + 1
	if tag >= 0x80 {
		if tag, lo, err = r.varint(pos, end); err != nil {
			return nil, 0, 0, err
		}
	}
	number, wire := tag>>3, byte(tag&7)
	if number == 0 || number > maxFieldNumber {
		return nil, 0, 0, ErrTag
	}
	if lo, hi, err = r.payload(wire, lo, end); err != nil {
		return nil, 0, 0, err
	}
	if number >= uint64(len(m.fields)) || m.fields[number].kind == unknown {
		r.loose = true
		return nil, lo, hi, nil
	}
	f = &m.fields[number]
	if f.wire != wire {
		return nil, 0, 0, ErrWireType
	}
	return f, lo, hi, nil
}

// payload returns the range of the payload that follows a tag.
func (r *reader) payload(wire byte, pos, end int) (lo, hi int, err error) {
	var size uint64
	switch wire {
	case wireVarint:
		_, hi, err = r.varint(pos, end)
		return pos, hi, err
	case wireFixed64:
		size = 8
	case wireFixed32:
		size = 4
	case wireBytes:
		return r.delimited(pos, end)
	case wireStart, wireEnd:
		return 0, 0, ErrGroup
	default:
		return 0, 0, ErrWireType
	}
	if uint64(end-pos) < size {
		return 0, 0, ErrTruncated
	}
	return pos, pos + int(size), nil
}

// delimited returns the range that a length prefix at pos announces.
func (r *reader) delimited(pos, end int) (lo, hi int, err error) {
	if pos >= end {
		return 0, 0, ErrTruncated
	}
	size := uint64(r.buf[pos])
	lo = pos + 1
	if size >= 0x80 {
		if size, lo, err = r.varint(pos, end); err != nil {
			return 0, 0, err
		}
	}
	// Compared as unsigned numbers: a length of 2^63 must not turn negative.
	if size > uint64(end-lo) {
		return 0, 0, ErrLength
	}
	return lo, lo + int(size), nil
}

func appendVarint(b []byte, v uint64) []byte {
	for v >= 0x80 {
		b = append(b, byte(v)|0x80)
		v >>= 7
	}
	return append(b, byte(v))
}

// varintSize returns the length of v as a varint of minimal length.
func varintSize(v uint64) int {
	n := 1
	for ; v >= 0x80; v >>= 7 {
		n++
	}
	return n
}
