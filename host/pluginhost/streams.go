package pluginhost

import (
	"errors"
	"fmt"

	"github.com/tetratelabs/wazero/api"

	"github.com/veriproof/notary/host/journal"
	"github.com/veriproof/notary/host/stream"
	"github.com/veriproof/notary/sdk/plugin/abi"
)

// streaming reports whether streams can be used, as ready does for objects.
func (c *call) streaming() bool { return c.storage.streams != nil && c.ctx.Err() == nil }

// failed notes why a host function failed, and returns its errno.
func (c *storageCall) failed(err error) int32 {
	if errors.Is(err, stream.ErrDamaged) {
		err = fmt.Errorf("%w: %w", journal.ErrDamaged, err)
	}
	c.cause = err
	return errnoOf(err)
}

func streamAppend(c *call, mod api.Module, stack []uint64) {
	name, ok := key(mod, stack[0], stack[1])
	n, slots := uint32(stack[5]), uint32(stack[6])
	if !ok || n > maxHandles || slots > n || slots > abi.MaxSlots {
		stack[0] = errno(abi.ErrnoInvalid)
		return
	}
	list, ok := mod.Memory().Read(uint32(stack[4]), n*4)
	if !ok {
		stack[0] = errno(abi.ErrnoInvalid)
		return
	}
	parts, e := c.storage.gather(list)
	if e == 0 && !c.streaming() {
		e = abi.ErrnoIO
	}
	if e != 0 {
		stack[0] = errno(e)
		return
	}
	body := parts[:n-slots]
	err := c.storage.streams.Append(name, stack[2], stack[3], body, parts[n-slots:])
	switch {
	case errors.Is(err, stream.ErrInvalid):
		stack[0] = errno(abi.ErrnoInvalid)
	case err != nil:
		stack[0] = errno(c.storage.failed(err))
	default:
		stack[0] = 0
	}
}

func streamFind(c *call, mod api.Module, stack []uint64) {
	name, ok1 := key(mod, stack[0], stack[1])
	out, ok2 := mod.Memory().Read(uint32(stack[3]), abi.RecordSize)
	switch {
	case !ok1 || !ok2:
		stack[0] = errno(abi.ErrnoInvalid)
		return
	case !c.streaming():
		stack[0] = errno(abi.ErrnoIO)
		return
	}
	r, err := c.storage.streams.Find(name, stack[2])
	if err != nil {
		stack[0] = errno(c.storage.failed(err))
		return
	}
	abi.AppendRecord(out[:0], abi.Record{First: r.First, Last: r.Last, Body: uint32(r.Body), Slots: uint32(r.Slots)})
	stack[0] = 0
}

func streamRead(c *call, mod api.Module, stack []uint64) {
	fail := func(e int32) { stack[0] = api.EncodeI64(-int64(e)) }
	name, ok := key(mod, stack[0], stack[1])
	switch {
	case !ok:
		fail(abi.ErrnoInvalid)
		return
	case !c.streaming():
		fail(abi.ErrnoIO)
		return
	}
	b, err := c.storage.readPart(name, stack[2], uint32(stack[3]))
	if err != nil {
		fail(c.storage.failed(err))
		return
	}
	// What is read from storage is storage's own already: see blobGet.
	h := c.storage.add(journal.Sealed(b), true)
	if h == 0 {
		fail(abi.ErrnoTooBig)
		return
	}
	stack[0] = abi.Pack(h, uint32(len(b)))
}

// readPart reads a record's body, which is part 0, or one of its slots.
func (c *storageCall) readPart(key string, first uint64, part uint32) ([]byte, error) {
	if part == 0 {
		return c.streams.Body(key, first)
	}
	return c.streams.Slot(key, first, int(part)-1)
}

func streamErase(c *call, mod api.Module, stack []uint64) {
	name, ok := key(mod, stack[0], stack[1])
	slot := uint32(stack[3])
	switch {
	case !ok || slot == 0:
		stack[0] = errno(abi.ErrnoInvalid)
		return
	case !c.streaming():
		stack[0] = errno(abi.ErrnoIO)
		return
	}
	if err := c.storage.streams.Erase(name, stack[2], int(slot)-1); err != nil {
		stack[0] = errno(c.storage.failed(err))
		return
	}
	stack[0] = 0
}

func streamList(c *call, mod api.Module, stack []uint64) {
	listKeys(c, mod, stack, func() ([]string, bool) {
		if c.storage.streams == nil {
			return nil, false
		}
		keys, err := c.storage.streams.Keys()
		c.storage.cause = err
		return keys, err == nil
	})
}
