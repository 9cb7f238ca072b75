package pluginhost

import (
	"bytes"
	"context"
	"os"

	"github.com/tetratelabs/wazero/experimental"
)

// An image is a guest's whole state after configure. Every instance begins
// with it, and gets it back after each call: no call can learn anything of
// another one.
type image struct {
	memory  []byte
	zero    []bool // blocks of it that are zeros
	globals []uint64
	// file holds the same memory, for instances to map. It is nil where they do not.
	file *os.File
}

// A linearMemory is memory of an instance that is not on the Go heap, and of which is
// known what a call has changed.
type linearMemory interface {
	experimental.LinearMemory
	// putBack makes the memory the image's, of which it has the size. If it fails the
	// memory can be freed and nothing else.
	putBack(img *image) bool
}

// lay gives an instance in the making its memory. Without one, or where mapping
// fails, it is the engine's, on the Go heap.
func (img *image) lay(ctx context.Context, bytes int) (context.Context, linearMemory) {
	if img.file == nil {
		return ctx, nil
	}
	m := newMapping(bytes)
	if m == nil {
		return ctx, nil
	}
	return experimental.WithMemoryAllocator(ctx, experimental.MemoryAllocatorFunc(
		func(_, _ uint64) experimental.LinearMemory { return m })), m
}

// blockSize is that of the blocks which are compared and put back.
const blockSize = 4096

var zeroBlock [blockSize]byte

func newImage(memory []byte, globals []uint64) image {
	img := image{memory: bytes.Clone(memory), globals: globals}
	for at := 0; at < len(memory); at += blockSize { // memory is in pages of 64 KiB
		img.zero = append(img.zero, bytes.Equal(memory[at:at+blockSize], zeroBlock[:]))
	}
	img.file = imageFile(&img)
	return img
}

func (img *image) close() error {
	if img.file == nil {
		return nil
	}
	return img.file.Close()
}

// putBack makes bytes [from, to) of the memory, whole blocks, the image's. A call changes
// little, and to find out where costs less than to write all: most of an image is
// zeros, which are compared with one block that stays in the processor's nearest cache.
func (img *image) putBack(memory []byte, from, to int) {
	for at := from; at < to; at += blockSize {
		block := memory[at : at+blockSize]
		want := zeroBlock[:]
		if !img.zero[at/blockSize] {
			want = img.memory[at : at+blockSize]
		}
		if !bytes.Equal(block, want) {
			copy(block, want)
		}
	}
}
