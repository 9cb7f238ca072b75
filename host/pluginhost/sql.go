package pluginhost

import (
	"context"
	"errors"
	"slices"

	"github.com/tetratelabs/wazero/api"

	"github.com/veriproof/notary/host/journal"
	"github.com/veriproof/notary/sdk/plugin/abi"
)

// A Database is what is behind the capability "sql": it executes a statement of
// a measured manifest. It is safe for concurrent use.
type Database interface {
	// Exec executes one statement, in a transaction of its own that is durable
	// on return, and returns its rows. An argument is nil, an int64, a []byte, an
	// []int64 or a [][]byte; a column is nil, an int64 or a []byte. A unique key that
	// is taken is an error that is [io/fs.ErrExist]; any other leaves the outcome
	// unknown.
	Exec(ctx context.Context, statement string, args []any) (rows [][]any, err error)
}

// errColumns means that a database answered with what is no value of the ABI.
var errColumns = errors.New("a result has columns of another type than integer and bytea, or too many rows")

// sqlExec is the host function sql_exec: the number of a statement, values for its
// parameters, room for its rows, and which columns are to become payloads instead
// of being copied into the guest.
func sqlExec(c *call, mod api.Module, stack []uint64) {
	n, asPayload := uint32(stack[0]), uint32(stack[5])
	params, ok1 := mod.Memory().Read(uint32(stack[1]), uint32(stack[2]))
	out, ok2 := mod.Memory().Read(uint32(stack[3]), uint32(stack[4]))
	fail := func(e int32) { stack[0] = api.EncodeI64(int64(-e)) }
	if !ok1 || !ok2 || uint64(n) >= uint64(len(c.storage.statements)) {
		fail(abi.ErrnoInvalid)
		return
	}
	args, e := c.storage.arguments(params)
	switch {
	case e != 0:
		fail(e)
		return
	case c.storage.database == nil || c.ctx.Err() != nil:
		fail(abi.ErrnoIO)
		return
	}
	c.charge(mod, uint64(len(params))/16)
	rows, err := c.storage.database.Exec(c.ctx, c.storage.statements[n], args)
	if err != nil {
		c.storage.cause = err
		fail(errnoOf(err))
		return
	}
	encoded, e := c.storage.rows(rows, asPayload)
	if e == 0 && len(encoded) > len(out) {
		e = abi.ErrnoTooBig
	}
	if e != 0 {
		fail(e)
		return
	}
	copy(out, encoded)
	c.charge(mod, uint64(len(encoded))/16)
	stack[0] = abi.Pack(uint32(len(rows)), uint32(len(encoded)))
}

// arguments decodes the values of a guest and looks up their handles.
func (c *storageCall) arguments(params []byte) ([]any, int32) {
	values, err := abi.DecodeSQL(params)
	if err != nil || len(values) > abi.MaxSQLValues {
		return nil, abi.ErrnoInvalid
	}
	args := make([]any, len(values))
	total := len(params)
	for i := range values {
		v := &values[i]
		switch v.Type {
		case abi.SQLInt:
			args[i] = v.Int
		case abi.SQLBytes:
			args[i] = slices.Clone(v.Bytes)
		case abi.SQLInts:
			args[i] = v.Ints
		case abi.SQLBytesList:
			list := make([][]byte, len(v.List))
			for j, b := range v.List {
				list[j] = slices.Clone(b)
			}
			args[i] = list
		case abi.SQLPayload, abi.SQLPayloadList:
			parts := make([][]byte, len(v.Handles))
			for j, h := range v.Handles {
				b, ok := c.payload(h)
				if !ok {
					return nil, abi.ErrnoHandle
				}
				if total += len(b); total > maxPut {
					return nil, abi.ErrnoTooBig
				}
				parts[j] = b
			}
			if args[i] = parts; v.Type == abi.SQLPayload {
				args[i] = slices.Concat(parts...)
			}
		}
	}
	return args, 0
}

// rows encodes a result, and gives a handle to each column that is to be a
// payload. What is read from storage is storage's own already: see blobGet.
func (c *storageCall) rows(rows [][]any, asPayload uint32) ([]byte, int32) {
	if len(rows) > abi.MaxSQLRows {
		c.cause = errColumns
		return nil, abi.ErrnoTooBig
	}
	var out []byte
	for _, row := range rows {
		if len(row) > abi.MaxSQLValues {
			c.cause = errColumns
			return nil, abi.ErrnoTooBig
		}
		for i, column := range row {
			switch v := column.(type) {
			case nil:
				out = abi.AppendSQL(out, abi.SQLValue{Type: abi.SQLNull})
			case int64:
				out = abi.AppendSQL(out, abi.SQLValue{Type: abi.SQLInt, Int: v})
			case []byte:
				if asPayload>>i&1 == 0 {
					out = abi.AppendSQL(out, abi.SQLValue{Type: abi.SQLBytes, Bytes: v})
					continue
				}
				h := c.add(journal.Sealed(v), true)
				if h == 0 {
					return nil, abi.ErrnoTooBig
				}
				out = abi.AppendSQL(out, abi.SQLValue{Type: abi.SQLPayload, Handles: []uint32{h}})
			default:
				c.cause = errColumns
				return nil, abi.ErrnoIO
			}
		}
	}
	return out, 0
}
