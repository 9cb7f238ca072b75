package journal

import (
	"math/bits"
	"sync"
)

// Memory of entries is used again, in classes of sizes a quarter of a power of two apart,
// since it was most of what an export allocated, and new memory has to be cleared before
// ciphertext is written over it.
//
// What was durable once goes into the pool and nothing else: a write that hangs may
// still read its bytes, and one that has returned does not ([Store]). Plaintext is never
// in this memory.
const (
	minRoom = 10 // 1 KiB
	maxRoom = 20 // 1 MiB; what is longer is not kept
)

type roomPool struct {
	classes [(maxRoom-minRoom)*4 + 1]sync.Pool
}

var rooms roomPool

// Room returns memory for a framed body, see [Draft]. It may have bytes of other entries
// in it.
func Room(size int) []byte {
	class, length := roomClass(size)
	if class >= len(rooms.classes) {
		return make([]byte, size)
	}
	if b, ok := rooms.classes[class].Get().(*[]byte); ok {
		return (*b)[:size]
	}
	return make([]byte, size, length)
}

// put gives memory back that came from Room.
func (r *roomPool) put(b []byte) {
	if class, length := roomClass(cap(b)); class < len(r.classes) && length == cap(b) {
		r.classes[class].Put(&b)
	}
}

// roomClass returns the least class whose length is not below size, and the length.
func roomClass(size int) (class, length int) {
	size = max(size, 1<<minRoom)
	top := bits.Len(uint(size-1)) - 1 // 2^top < size <= 2^(top+1), but for the least
	step := 1 << max(top-2, 0)
	quarters := (size - 1<<top + step - 1) / step
	return (top-minRoom)*4 + quarters, 1<<top + quarters*step
}
