package pluginhost

import (
	"errors"

	"github.com/tetratelabs/wazero/api"

	"github.com/veriproof/notary/host/stream"
	"github.com/veriproof/notary/sdk/plugin/abi"
)

// streaming reports whether streams can be used, as ready does for objects.
func (c *call) streaming() bool { return c.storage.streams != nil && c.ctx.Err() == nil }

func streamAppend(c *call, mod api.Module, stack []uint64) {
	name, ok := key(mod, stack[0], stack[1])
	n, slots := uint32(stack[5]), uint32(stack[6])
	if !ok || slots > n || slots > abi.MaxSlots {
		stack[0] = errno(abi.ErrnoInvalid)
		return
	}
	parts, e := c.storage.gather(mod, uint32(stack[4]), n)
	if e == 0 && !c.streaming() {
		e = abi.ErrnoIO
	}
	if e != 0 {
		stack[0] = errno(e)
		return
	}
	body := parts[:n-slots]
	err := c.storage.streams.Append(name, stack[2], stack[3], body, parts[n-slots:])
	if errors.Is(err, stream.ErrInvalid) {
		stack[0] = errno(abi.ErrnoInvalid)
		return
	}
	c.storage.done(stack, err)
}

func streamFind(c *call, mod api.Module, stack []uint64) {
	name, ok1 := key(mod, stack[0], stack[1])
	out, ok2 := mod.Memory().Read(uint32(stack[3]), abi.RecordSize)
	if e := refused(ok1 && ok2, c.streaming()); e != 0 {
		stack[0] = errno(e)
		return
	}
	r, err := c.storage.streams.Find(name, stack[2])
	if err == nil {
		abi.AppendRecord(out[:0], abi.Record{First: r.First, Last: r.Last, Body: uint32(r.Body), Slots: uint32(r.Slots)})
	}
	c.storage.done(stack, err)
}

func streamRead(c *call, mod api.Module, stack []uint64) {
	name, ok := key(mod, stack[0], stack[1])
	if e := refused(ok, c.streaming()); e != 0 {
		stack[0] = api.EncodeI64(-int64(e))
		return
	}
	b, err := c.storage.readPart(name, stack[2], uint32(stack[3]))
	c.storage.hand(stack, b, err)
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
	if e := refused(ok && slot != 0, c.streaming()); e != 0 {
		stack[0] = errno(e)
		return
	}
	c.storage.done(stack, c.storage.streams.Erase(name, stack[2], int(slot)-1))
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
