// Package guest holds what both kinds of Go guests need at the border of their
// memory.
package guest

import (
	"unsafe"

	"github.com/veriproof/notary/sdk/plugin/abi"
)

// A Buffer is the one input buffer of a guest. It is handed to the host by
// address, filled there, and read here; a later Alloc reuses it.
type Buffer struct {
	mem []byte // begins at a multiple of abi.Align
}

// Alloc returns n bytes that begin at a multiple of [abi.Align], or nil if n is
// over the bound of a message. What was there before is not kept.
func (b *Buffer) Alloc(n uint32) []byte {
	if n > abi.MaxMessage+abi.Tail {
		return nil
	}
	if int(n) > len(b.mem) || b.mem == nil {
		b.mem = aligned(max(int(n), abi.Align))
	}
	return b.mem[:n]
}

func aligned(n int) []byte {
	raw := make([]byte, n+abi.Align-1)
	skip := -int(uintptr(unsafe.Pointer(unsafe.SliceData(raw)))) & (abi.Align - 1)
	return raw[skip : skip+n : skip+n]
}

// Address is where the guest's memory holds b.
func Address(b []byte) uint32 { return uint32(uintptr(unsafe.Pointer(unsafe.SliceData(b)))) }

// At returns the n bytes at address ptr, which has to be where the buffer
// begins: the host can only hand over what it was given.
func (b *Buffer) At(ptr, n uint32) ([]byte, bool) {
	if b.mem == nil || ptr != Address(b.mem) || uint64(n) > uint64(len(b.mem)) {
		return nil, false
	}
	return b.mem[:n:n], true
}
