package ingest

import (
	"fmt"
	"math/bits"
	"sync"

	"google.golang.org/grpc/mem"
)

// A body is one message as it came over the wire, in one piece.
type body struct {
	buf          *[]byte
	zipped, json bool    // it has to be unpacked first
	snake        bool    // it was JSON with members in snake_case
	head         [5]byte // gRPC's, of the message
}

// bytes returns the message. It is valid until free.
func (b *body) bytes() []byte {
	if b.buf == nil {
		return nil
	}
	return *b.buf
}

// free gives the memory back, without the sender's text in it.
func (b *body) free() {
	if b == nil || b.buf == nil {
		return
	}
	clear(*b.buf)
	bodies.Put(b.buf)
	b.buf = nil
}

// grow moves a body to where it has room for so many bytes, if there is, beside what the
// request holds already.
func (b *body) grow(size int, room *lease, beside int) error {
	if err := room.resize(max(room.held, int64(beside+size))); err != nil {
		return err
	}
	larger := bodies.Get(size)
	*larger = append((*larger)[:0], *b.buf...)
	b.free()
	b.buf = larger
	return nil
}

// fit moves a body to memory of its size, if it has much more: that of a message whose length was
// not known before is kept for as long as the export waits, and the budget counts bytes.
func (b *body) fit() {
	n := len(*b.buf)
	if n > cap(*b.buf)/2 || cap(*b.buf) <= 1<<minClass {
		return
	}
	smaller := bodies.Get(n)
	copy(*smaller, *b.buf)
	b.free()
	b.buf = smaller
}

// rawCodec hands responses through as bytes.
type rawCodec struct{}

// Name is what content types of OTLP/gRPC say.
func (rawCodec) Name() string { return "proto" }

// Marshal takes responses, which are made as bytes.
func (rawCodec) Marshal(v any) (mem.BufferSlice, error) {
	b, ok := v.([]byte)
	if !ok {
		return nil, fmt.Errorf("raw codec: cannot marshal %T", v)
	}
	return mem.BufferSlice{mem.SliceBuffer(b)}, nil
}

// Unmarshal takes nothing: messages are not received by gRPC (see receive). The notary works
// on the wire form (see otlpwire), and what is never unmarshalled cannot be a memory bomb.
func (rawCodec) Unmarshal(_ mem.BufferSlice, v any) error {
	return fmt.Errorf("raw codec: cannot unmarshal into %T", v)
}

// A pool keeps buffers in size classes of powers of two. It hands them out as
// they are: gRPC's own pool clears each one again, which took six per cent of
// the CPU, and every user here writes before it reads.
type pool struct {
	classes [maxClass + 1]sync.Pool
}

const (
	minClass = 10 // 1 KiB
	maxClass = 24 // 16 MiB; larger ones are not kept
)

// bodies holds message bodies, wire the buffers of the transport. They are
// apart because bodies are cleared on their way back and wire buffers, which
// TLS has had in memory anyway, are not.
var (
	bodies = new(pool)
	wire   = new(pool)
)

// Get implements mem.BufferPool.
func (p *pool) Get(size int) *[]byte {
	class := max(bits.Len(uint(max(size, 1)-1)), minClass)
	if class > maxClass {
		b := make([]byte, size)
		return &b
	}
	if b, ok := p.classes[class].Get().(*[]byte); ok {
		*b = (*b)[:size]
		return b
	}
	b := make([]byte, size, 1<<class)
	return &b
}

// Put implements mem.BufferPool.
func (p *pool) Put(b *[]byte) {
	class := bits.Len(uint(cap(*b))) - 1
	if class < minClass || class > maxClass || cap(*b) != 1<<class {
		return
	}
	p.classes[class].Put(b)
}
