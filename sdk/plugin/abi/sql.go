package abi

import "encoding/binary"

// CapabilitySQL opens sql_exec: numbered statements, whose text stands in the
// measured manifest, on the one database that the operator gave. A guest chooses
// a number and values; it can never write SQL.
const CapabilitySQL = "sql"

// Bounds of the capability "sql".
const (
	// MaxStatements is the greatest number of statements of a manifest, and of
	// its schema.
	MaxStatements = 32
	// MaxStatement is the greatest length of a statement in bytes.
	MaxStatement = 4 << 10
	// MaxSQLValues is the greatest number of parameters of a statement, and of
	// columns of its result.
	MaxSQLValues = 32
	// MaxSQLRows is the greatest number of rows of a result.
	MaxSQLRows = 1 << 13
)

// SQLType is the first byte of an encoded value.
type SQLType byte

// Types of values. Parameters have any of them, columns of a result the first
// four.
const (
	// SQLNull is no value.
	SQLNull SQLType = 0
	// SQLInt is an i64: bigint.
	SQLInt SQLType = 1
	// SQLBytes is u32 length || bytes: bytea.
	SQLBytes SQLType = 2
	// SQLPayload is u32 n || n handles: bytea, the concatenation of what the
	// handles stand for. In a result n is 1.
	SQLPayload SQLType = 3
	// SQLInts is u32 n || n × i64: bigint[].
	SQLInts SQLType = 4
	// SQLBytesList is u32 n || n × (u32 length || bytes): bytea[].
	SQLBytesList SQLType = 5
	// SQLPayloadList is u32 n || n handles: bytea[], one element for each.
	SQLPayloadList SQLType = 6
)

// A SQLValue is one parameter, or one column of a row.
type SQLValue struct {
	Type    SQLType
	Int     int64    // of SQLInt
	Bytes   []byte   // of SQLBytes
	Handles []uint32 // of SQLPayload and SQLPayloadList
	Ints    []int64  // of SQLInts
	List    [][]byte // of SQLBytesList
}

// ValidStatement reports whether s may be a statement of a manifest: 1 to
// [MaxStatement] bytes of printable ASCII without quotation mark and backslash,
// so that it stands in the manifest's JSON as it is.
func ValidStatement(s string) bool {
	if len(s) == 0 || len(s) > MaxStatement {
		return false
	}
	for i := range len(s) {
		if c := s[i]; c < ' ' || c > '~' || c == '"' || c == '\\' {
			return false
		}
	}
	return true
}

// AppendSQL appends the encoding of values, which is their concatenation.
func AppendSQL(dst []byte, values ...SQLValue) []byte {
	le := binary.LittleEndian
	for i := range values {
		v := &values[i]
		dst = append(dst, byte(v.Type))
		switch v.Type {
		case SQLInt:
			dst = le.AppendUint64(dst, uint64(v.Int))
		case SQLBytes:
			dst = le.AppendUint32(dst, uint32(len(v.Bytes)))
			dst = append(dst, v.Bytes...)
		case SQLPayload, SQLPayloadList:
			dst = le.AppendUint32(dst, uint32(len(v.Handles)))
			for _, h := range v.Handles {
				dst = le.AppendUint32(dst, h)
			}
		case SQLInts:
			dst = le.AppendUint32(dst, uint32(len(v.Ints)))
			for _, n := range v.Ints {
				dst = le.AppendUint64(dst, uint64(n))
			}
		case SQLBytesList:
			dst = le.AppendUint32(dst, uint32(len(v.List)))
			for _, b := range v.List {
				dst = le.AppendUint32(dst, uint32(len(b)))
				dst = append(dst, b...)
			}
		}
	}
	return dst
}

// DecodeSQL reads values up to the end of b. Bytes point into b.
func DecodeSQL(b []byte) ([]SQLValue, error) {
	r := reader{rest: b}
	var out []SQLValue
	for len(r.rest) > 0 && !r.failed {
		if len(out) == MaxSQLRows*MaxSQLValues {
			return nil, malformed("more SQL values than rows and columns can be")
		}
		out = append(out, r.value())
	}
	if r.failed {
		return nil, malformed("SQL values are cut off or of an unknown type, at byte " + dec(len(b)-len(r.rest)))
	}
	return out, nil
}

// A reader reads values and fields up to the end of its bytes. After a failure it reads
// nothing more.
type reader struct {
	rest   []byte
	failed bool
}

func (r *reader) take(n int) []byte {
	if r.failed || n > len(r.rest) {
		r.failed = true
		return nil
	}
	b := r.rest[:n:n]
	r.rest = r.rest[n:]
	return b
}

// count reads a number of elements, each of at least size bytes.
func (r *reader) count(size int) int {
	b := r.take(4)
	if r.failed {
		return 0
	}
	n := int64(binary.LittleEndian.Uint32(b))
	if n*int64(size) > int64(len(r.rest)) {
		r.failed = true
		return 0
	}
	return int(n)
}

func (r *reader) value() SQLValue {
	le := binary.LittleEndian
	v := SQLValue{Type: SQLType(r.take(1)[0])}
	switch v.Type {
	case SQLNull:
	case SQLInt:
		if b := r.take(8); b != nil {
			v.Int = int64(le.Uint64(b))
		}
	case SQLBytes:
		v.Bytes = r.take(r.count(1))
	case SQLPayload, SQLPayloadList:
		v.Handles = make([]uint32, r.count(4))
		for i := range v.Handles {
			v.Handles[i] = le.Uint32(r.take(4))
		}
	case SQLInts:
		v.Ints = make([]int64, r.count(8))
		for i := range v.Ints {
			v.Ints[i] = int64(le.Uint64(r.take(8)))
		}
	case SQLBytesList:
		v.List = make([][]byte, r.count(4))
		for i := range v.List {
			v.List[i] = r.take(r.count(1))
		}
	default:
		r.failed = true
	}
	return v
}
