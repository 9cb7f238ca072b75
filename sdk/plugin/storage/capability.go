package storage

import (
	"strconv"

	"github.com/veriproof/notary/sdk/plugin/abi"
)

// An Errno is why a host function failed: one of abi's Errno values.
type Errno uint32

// Error implements error.
func (e Errno) Error() string {
	return "storage: host function failed with errno " + strconv.Itoa(int(e))
}

// Errors of host functions on which an adapter decides.
var (
	ErrNoEntry error = Errno(abi.ErrnoNoEntry)
	ErrExist   error = Errno(abi.ErrnoExist)
	ErrDamaged error = Errno(abi.ErrnoDamaged)
)

// Status is the answer an adapter gives when a host function failed with err:
// the outcome of a storage failure is unknown, all else is a mistake of the
// request or the adapter.
func Status(err error) abi.StoStatus {
	switch err {
	case nil:
		return abi.StoOK
	case ErrNoEntry:
		return abi.StoNotFound
	case ErrExist:
		return abi.StoConflict
	case ErrDamaged, error(Errno(abi.ErrnoIO)):
		return abi.StoUnavailable
	}
	return abi.StoBadRequest
}

// Blobs is the capability "blob": objects with flat keys in the one place the
// operator gave. Keys are checked by [abi.ValidBlobKey]. Errors are [Errno].
type Blobs interface {
	// Put stores what the handles stand for, concatenated, as one object, and
	// returns when it is durable. With replace false the object must not exist
	// ([ErrExist]); with replace true it is created or replaced atomically.
	Put(key []byte, handles []uint32, replace bool) error
	// Get returns a handle of the object's bytes and their number.
	Get(key []byte) (handle, length uint32, err error)
	// List writes keys with the prefix into out, each as one byte of length and
	// the key, as many as fit, and returns the bytes written; none means that
	// there are no more keys. Ascending keys are greater than the cursor,
	// descending ones smaller, where an empty cursor stands behind all keys.
	// out must have room for 121 bytes.
	List(prefix, cursor []byte, descending bool, out []byte) (int, error)
	// Delete removes an object.
	Delete(key []byte) error
}

// Streams is the capability "stream": streams of records in the one place the operator
// gave. A record has numbers, which follow those of the record before it, a body, and
// slots, each of which can be erased. Keys are checked by [abi.ValidBlobKey]. Errors are
// [Errno].
type Streams interface {
	// Append appends a record with the numbers first to last, and returns when it is
	// durable: all of it, or nothing. Its body is what the handles stand for,
	// concatenated, and it has a slot for each of slots, of at most [abi.MaxSlot] bytes. A
	// number that is taken is [ErrExist]; one that leaves a gap is a failure.
	Append(key []byte, first, last uint64, body, slots []uint32) error
	// Find tells of the record with the greatest first number up to the given one, or
	// [ErrNoEntry]. [ErrDamaged] says that there are more that cannot be read.
	Find(key []byte, number uint64) (abi.Record, error)
	// Body returns a handle of the body of the record with this first number.
	Body(key []byte, first uint64) (handle, length uint32, err error)
	// Slot returns a handle of a slot, counted from 0; one that was erased is [ErrNoEntry].
	Slot(key []byte, first uint64, n int) (handle, length uint32, err error)
	// Erase destroys a slot; one that was erased already is [ErrNoEntry].
	Erase(key []byte, first uint64, n int) error
	// List writes keys of streams, as [Blobs.List] does those of objects.
	List(prefix, cursor []byte, descending bool, out []byte) (int, error)
}

// Payloads is the capability "payload": the bytes behind handles.
type Payloads interface {
	// Read copies bytes from the offset on and returns their number, which is
	// less than len(out) only at the end.
	Read(handle, offset uint32, out []byte) (int, error)
	// New makes a handle of a copy of b.
	New(b []byte) (handle uint32, err error)
	// Slice makes a handle of a part, without a copy.
	Slice(handle, offset, length uint32) (uint32, error)
	// Free gives a handle back before the call ends.
	Free(handle uint32) error
}

// FirstKey returns the first key in what [Blobs.List] wrote, and the rest.
func FirstKey(listed []byte) (key, rest []byte) {
	if len(listed) == 0 || int(listed[0]) > len(listed)-1 {
		return nil, nil
	}
	n := 1 + int(listed[0])
	return listed[1:n:n], listed[n:]
}

// Database is the capability "sql": the statements of the manifest, by number.
// Errors are [Errno].
type Database interface {
	// Exec executes a statement, in a transaction of its own that is durable on
	// return. Columns whose bit is set in payloads come as handles instead of bytes.
	// A unique key that is taken is [ErrExist].
	Exec(statement int, payloads uint32, params ...abi.SQLValue) (Rows, error)
}

// Rows is a result: all values of all rows, one after the other.
type Rows struct {
	values []abi.SQLValue
	count  int
}

// NewRows makes a result of the values of a number of rows, for tests that are a
// [Database] themselves.
func NewRows(values []abi.SQLValue, count int) Rows { return Rows{values, count} }

// Len returns the number of rows.
func (r Rows) Len() int { return r.count }

// Row returns the columns of a row.
func (r Rows) Row(i int) []abi.SQLValue {
	width := len(r.values) / r.count
	return r.values[i*width : (i+1)*width]
}

// IntValue makes a parameter of type bigint.
func IntValue(v int64) abi.SQLValue { return abi.SQLValue{Type: abi.SQLInt, Int: v} }

// BytesValue makes a parameter of type bytea.
func BytesValue(b []byte) abi.SQLValue { return abi.SQLValue{Type: abi.SQLBytes, Bytes: b} }

// PayloadValue makes a parameter of type bytea: what the handles stand for, one after
// the other.
func PayloadValue(handles ...uint32) abi.SQLValue {
	return abi.SQLValue{Type: abi.SQLPayload, Handles: handles}
}

// Endpoints is the capability "http": the endpoints of the manifest, by number. Errors
// are [Errno]; abi's ErrnoIO means that no answer came, so that the outcome is unknown.
type Endpoints interface {
	// Do makes a request. Any answer, whatever its status, is no error.
	Do(endpoint int, r *abi.HTTPRequest) (*abi.HTTPResponse, error)
}
