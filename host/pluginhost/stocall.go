package pluginhost

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"github.com/tetratelabs/wazero/api"

	"github.com/veriproof/notary/host/journal"
	"github.com/veriproof/notary/host/stream"
	"github.com/veriproof/notary/sdk/plugin/abi"
)

// Bounds of the handle table of one call.
const (
	maxHandles = 2 * abi.MaxEntries
	maxHeld    = abi.MaxBlob // bytes of payloads that the call itself made
	maxPut     = abi.MaxBlob
)

// A storageCall is what the host holds for one call into a storage adapter:
// the payloads behind the handles, and a snapshot of the directory. It is
// dropped after the call, and every handle with it.
type storageCall struct {
	dir        *blobDir
	streams    *stream.Dir
	database   Database
	statements []string   // of the manifest
	endpoints  []endpoint // in the order of the manifest
	cause      error      // why a host function failed last, for the operator

	payloads []journal.Sealed // handle 1 is payloads[0]; nil = freed
	owned    []bool           // counted in held
	held     int
	keys     []string
	listed   bool
}

func (p *plugin) newStorageCall() *storageCall {
	if p.kind != abi.KindStorage {
		return nil
	}
	return &storageCall{dir: p.dir, streams: p.streams, database: p.database, statements: p.statements, endpoints: p.endpoints}
}

// add puts a payload in the table and returns its handle, or 0 if it is full.
func (c *storageCall) add(b journal.Sealed, owned bool) uint32 {
	if len(c.payloads) >= maxHandles || owned && c.held+len(b) > maxHeld {
		return 0
	}
	if owned {
		c.held += len(b)
	}
	if b == nil {
		b = journal.Sealed{}
	}
	c.payloads, c.owned = append(c.payloads, b), append(c.owned, owned)
	return uint32(len(c.payloads))
}

func (c *storageCall) payload(handle uint32) (journal.Sealed, bool) {
	if handle == 0 || uint64(handle) > uint64(len(c.payloads)) {
		return nil, false
	}
	b := c.payloads[handle-1]
	return b, b != nil
}

// stoFunctions are the host functions of module notary_sto_v1, as package abi
// documents them.
var stoFunctions = map[string]hostFunction{
	"blob_put":      {funcType{i32 + i32 + i32 + i32 + i32, i32}, blobPut},
	"blob_get":      {funcType{i32 + i32, i64}, blobGet},
	"blob_list":     {funcType{i32 + i32 + i32 + i32 + i32 + i32 + i32, i64}, blobList},
	"blob_delete":   {funcType{i32 + i32, i32}, blobDelete},
	"payload_read":  {funcType{i32 + i32 + i32 + i32, i32}, payloadRead},
	"payload_new":   {funcType{i32 + i32, i32}, payloadNew},
	"payload_slice": {funcType{i32 + i32 + i32, i32}, payloadSlice},
	"payload_free":  {funcType{i32, i32}, payloadFree},
	"sql_exec":      {funcType{i32 + i32 + i32 + i32 + i32 + i32, i64}, sqlExec},
	"http_do":       {funcType{i32 + i32 + i32 + i32 + i32, i64}, httpDo},
	"stream_append": {funcType{i32 + i32 + i64 + i64 + i32 + i32 + i32, i32}, streamAppend},
	"stream_find":   {funcType{i32 + i32 + i64 + i32, i32}, streamFind},
	"stream_read":   {funcType{i32 + i32 + i64 + i32, i64}, streamRead},
	"stream_erase":  {funcType{i32 + i32 + i64 + i32, i32}, streamErase},
	"stream_list":   {funcType{i32 + i32 + i32 + i32 + i32 + i32 + i32, i64}, streamList},
}

// errno returns -n as an i32 result.
func errno(n int32) uint64 { return api.EncodeI32(-n) }

func errnoOf(err error) int32 {
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return abi.ErrnoNoEntry
	case errors.Is(err, fs.ErrExist):
		return abi.ErrnoExist
	case errors.Is(err, ErrTooBig):
		return abi.ErrnoTooBig
	case errors.Is(err, journal.ErrDamaged):
		return abi.ErrnoDamaged
	}
	return abi.ErrnoIO
}

// failed notes why a host function failed, and returns its errno.
func (c *storageCall) failed(err error) int32 {
	if errors.Is(err, stream.ErrDamaged) {
		err = fmt.Errorf("%w: %w", journal.ErrDamaged, err)
	}
	c.cause = err
	return errnoOf(err)
}

// ready reports whether storage can be used: a directory is there, and whoever
// waits for the call still does.
func (c *call) ready() bool { return c.storage.dir != nil && c.ctx.Err() == nil }

// key reads an object key from guest memory.
func key(mod api.Module, ptr, n uint64) (string, bool) {
	b, ok := mod.Memory().Read(uint32(ptr), uint32(n))
	if !ok || !abi.ValidBlobKey(b) {
		return "", false
	}
	return string(b), true
}

func blobPut(c *call, mod api.Module, stack []uint64) {
	name, ok := key(mod, stack[0], stack[1])
	flags := uint32(stack[4])
	if !ok || flags != abi.BlobExclusive && flags != abi.BlobReplace {
		stack[0] = errno(abi.ErrnoInvalid)
		return
	}
	parts, e := c.storage.gather(mod, uint32(stack[2]), uint32(stack[3]))
	if e == 0 && !c.ready() {
		e = abi.ErrnoIO
	}
	if e != 0 {
		stack[0] = errno(e)
		return
	}
	c.storage.listed = false
	c.storage.done(stack, c.storage.dir.put(name, parts, flags == abi.BlobExclusive))
}

// gather looks up an array of n handles in guest memory.
func (c *storageCall) gather(mod api.Module, ptr, n uint32) (parts [][]byte, e int32) {
	if n > maxHandles {
		return nil, abi.ErrnoInvalid
	}
	list, ok := mod.Memory().Read(ptr, n*4)
	if !ok {
		return nil, abi.ErrnoInvalid
	}
	total := 0
	for ; len(list) > 0; list = list[4:] {
		b, ok := c.payload(binary.LittleEndian.Uint32(list))
		if !ok {
			return nil, abi.ErrnoHandle
		}
		if total += len(b); total > maxPut {
			return nil, abi.ErrnoTooBig
		}
		parts = append(parts, b)
	}
	return parts, 0
}

// done is the i32 result of what has no other outcome: 0, or why it failed.
func (c *storageCall) done(stack []uint64, err error) {
	stack[0] = 0
	if err != nil {
		stack[0] = errno(c.failed(err))
	}
}

// hand is the i64 result of reading: a handle and a length, or why it failed. What is
// read from storage is storage's own already: nothing in it can be plaintext that the
// host had not given out before.
func (c *storageCall) hand(stack []uint64, b []byte, err error) {
	if err != nil {
		stack[0] = api.EncodeI64(-int64(c.failed(err)))
		return
	}
	h := c.add(journal.Sealed(b), true)
	if h == 0 {
		stack[0] = api.EncodeI64(-int64(abi.ErrnoTooBig))
		return
	}
	stack[0] = abi.Pack(h, uint32(len(b)))
}

// refused is why a function that names a valid object or stream, or does not, cannot
// begin on storage that is ready, or not; 0 if it can.
func refused(valid, ready bool) int32 {
	switch {
	case !valid:
		return abi.ErrnoInvalid
	case !ready:
		return abi.ErrnoIO
	}
	return 0
}

func blobGet(c *call, mod api.Module, stack []uint64) {
	name, ok := key(mod, stack[0], stack[1])
	if e := refused(ok, c.ready()); e != 0 {
		stack[0] = api.EncodeI64(-int64(e))
		return
	}
	b, err := c.storage.dir.get(name)
	c.storage.hand(stack, b, err)
}

func blobList(c *call, mod api.Module, stack []uint64) {
	listKeys(c, mod, stack, func() ([]string, bool) {
		if c.storage.dir == nil || !c.storage.list() {
			return nil, false
		}
		return c.storage.keys, true
	})
}

// listKeys is blob_list and stream_list, whose keys are told by all.
func listKeys(c *call, mod api.Module, stack []uint64, all func() ([]string, bool)) {
	fail := func(e int64) { stack[0] = api.EncodeI64(-e) }
	mem := mod.Memory()
	prefix, ok1 := mem.Read(uint32(stack[0]), uint32(stack[1]))
	cursor, ok2 := mem.Read(uint32(stack[2]), uint32(stack[3]))
	out, ok3 := mem.Read(uint32(stack[5]), uint32(stack[6]))
	flags := uint32(stack[4])
	if !ok1 || !ok2 || !ok3 || !abi.ValidBlobPrefix(prefix) || !abi.ValidBlobPrefix(cursor) ||
		flags > abi.BlobDescending || len(out) < 1+abi.MaxBlobKey {
		fail(abi.ErrnoInvalid)
		return
	}
	keys, ok := []string(nil), c.ctx.Err() == nil
	if ok {
		keys, ok = all()
	}
	if !ok {
		fail(abi.ErrnoIO)
		return
	}
	prefixed := withPrefix(keys, string(prefix))
	n := writeKeys(out, prefixed, string(cursor), flags == abi.BlobDescending)
	c.charge(mod, uint64(n))
	stack[0] = uint64(n)
}

// list takes the snapshot of the directory, once per call and again after each
// change of the guest's own.
func (c *storageCall) list() bool {
	if c.listed {
		return true
	}
	keys, err := c.dir.keys()
	if c.keys, c.listed = keys, err == nil; err != nil {
		c.cause = err
	}
	return c.listed
}

// withPrefix returns the run of sorted keys that begin with the prefix.
func withPrefix(keys []string, prefix string) []string {
	from, _ := slices.BinarySearch(keys, prefix)
	to, _ := slices.BinarySearchFunc(keys[from:], prefix, func(k, p string) int {
		if strings.HasPrefix(k, p) {
			return -1
		}
		return 1
	})
	return keys[from : from+to]
}

// writeKeys writes whole keys behind or before the cursor, as many as fit, and
// returns the number of bytes written.
func writeKeys(out []byte, keys []string, cursor string, descending bool) int {
	at, exact := slices.BinarySearch(keys, cursor)
	n := 0
	put := func(k string) bool {
		if n+1+len(k) > len(out) {
			return false
		}
		out[n] = byte(len(k))
		n += 1 + copy(out[n+1:], k)
		return true
	}
	if descending {
		if cursor == "" {
			at = len(keys)
		}
		for i := at - 1; i >= 0 && put(keys[i]); i-- {
		}
		return n
	}
	if exact {
		at++
	}
	for i := at; i < len(keys) && put(keys[i]); i++ {
	}
	return n
}

func blobDelete(c *call, mod api.Module, stack []uint64) {
	name, ok := key(mod, stack[0], stack[1])
	if e := refused(ok, c.ready()); e != 0 {
		stack[0] = errno(e)
		return
	}
	c.storage.listed = false
	c.storage.done(stack, c.storage.dir.delete(name))
}

func payloadRead(c *call, mod api.Module, stack []uint64) {
	b, ok := c.storage.payload(uint32(stack[0]))
	if !ok {
		stack[0] = errno(abi.ErrnoHandle)
		return
	}
	out, ok := mod.Memory().Read(uint32(stack[2]), uint32(stack[3]))
	off := uint64(uint32(stack[1]))
	if !ok || off > uint64(len(b)) || len(out) > 1<<30 {
		stack[0] = errno(abi.ErrnoInvalid)
		return
	}
	n := copy(out, b[off:])
	c.charge(mod, uint64(n)/16)
	stack[0] = uint64(n)
}

func payloadNew(c *call, mod api.Module, stack []uint64) {
	b, ok := mod.Memory().Read(uint32(stack[0]), uint32(stack[1]))
	if !ok {
		stack[0] = errno(abi.ErrnoInvalid)
		return
	}
	c.charge(mod, uint64(len(b))/16)
	// A storage adapter has never seen plaintext, so what it makes is none.
	stack[0] = handleOr(c.storage.add(slices.Clone(journal.Sealed(b)), true))
}

func payloadSlice(c *call, _ api.Module, stack []uint64) {
	b, ok := c.storage.payload(uint32(stack[0]))
	from, n := uint64(uint32(stack[1])), uint64(uint32(stack[2]))
	switch {
	case !ok:
		stack[0] = errno(abi.ErrnoHandle)
	case from+n > uint64(len(b)):
		stack[0] = errno(abi.ErrnoInvalid)
	default:
		stack[0] = handleOr(c.storage.add(b[from:from+n:from+n], false))
	}
}

func handleOr(h uint32) uint64 {
	if h == 0 {
		return errno(abi.ErrnoTooBig)
	}
	return uint64(h)
}

func payloadFree(c *call, _ api.Module, stack []uint64) {
	h := uint32(stack[0])
	b, ok := c.storage.payload(h)
	if !ok {
		stack[0] = errno(abi.ErrnoHandle)
		return
	}
	if c.storage.owned[h-1] {
		c.storage.held -= len(b)
	}
	c.storage.payloads[h-1] = nil
	stack[0] = 0
}
