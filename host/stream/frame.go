package stream

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"io/fs"
	"math"
)

const (
	magic      = 0x44434552
	headerSize = 48
	// alignment is that of frames and the size of a slot's cell: a cell is never in two
	// sectors of a disk, so a crash leaves it as it was or as it was to be.
	alignment = 128
	// MaxSlot is the greatest length of a slot, in bytes.
	MaxSlot = alignment - 8
	// maxBody and maxSlots bound a record.
	maxBody  = 128 << 20
	maxSlots = 1 << 16
	// maxFrame is what no torn end is longer than.
	maxFrame = maxBody + (maxSlots+2)*alignment
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// A frame is where a record stands in its segment.
type frame struct {
	first, last uint64
	at          int64
}

// A header is what a frame begins with.
type header struct {
	first, last uint64
	at          int64
	body        uint32
	slots       uint32
	sum         uint32 // of the body
}

func align(n int64) int64 { return (n + alignment - 1) &^ (alignment - 1) }

// cells is where the slots of a frame begin.
func (h *header) cells() int64 { return align(headerSize + int64(h.body)) }

// size is that of the whole frame.
func (h *header) size() int64 { return h.cells() + int64(h.slots)*alignment }

// seed begins the checksum of every header of a stream, so that a frame of another
// stream is none of this one's.
func seed(key string) uint32 { return crc32.Checksum([]byte(key), castagnoli) }

// encodeFrame encodes a record that will stand at an offset of its segment, in parts that
// follow one another: what is in front of the body and behind it is new, and the body
// what was given, which is most of the bytes.
func encodeFrame(key uint32, first, last uint64, at int64, body, slots [][]byte) (parts [][]byte, size int64) {
	length, sum := 0, uint32(0)
	for _, p := range body {
		length, sum = length+len(p), crc32.Update(sum, castagnoli, p)
	}
	h := header{body: uint32(length), slots: uint32(len(slots))}
	padding := int(h.cells()) - headerSize - length
	frame := make([]byte, headerSize+padding, headerSize+padding+len(slots)*alignment)
	for _, s := range slots {
		frame = appendCell(frame, s)
	}
	b := frame[:headerSize:headerSize]
	binary.LittleEndian.PutUint32(b, magic)
	binary.LittleEndian.PutUint32(b[4:], uint32(len(slots)))
	binary.LittleEndian.PutUint64(b[8:], first)
	binary.LittleEndian.PutUint64(b[16:], last)
	binary.LittleEndian.PutUint64(b[24:], uint64(at))
	binary.LittleEndian.PutUint32(b[32:], uint32(length))
	binary.LittleEndian.PutUint32(b[40:], sum)
	binary.LittleEndian.PutUint32(b[44:], crc32.Update(key, castagnoli, b[:44]))
	parts = make([][]byte, 0, len(body)+2)
	return append(append(append(parts, b), body...), frame[headerSize:]), h.size()
}

// parseHeader reads the header of a frame that stands at an offset; ok is false for
// anything else.
func parseHeader(b []byte, key uint32, at int64) (h header, ok bool) {
	if len(b) < headerSize || binary.LittleEndian.Uint32(b) != magic ||
		binary.LittleEndian.Uint64(b[24:]) != uint64(at) ||
		binary.LittleEndian.Uint32(b[44:]) != crc32.Update(key, castagnoli, b[:44]) {
		return header{}, false
	}
	h = header{
		slots: binary.LittleEndian.Uint32(b[4:]), first: binary.LittleEndian.Uint64(b[8:]), last: binary.LittleEndian.Uint64(b[16:]),
		at: at, body: binary.LittleEndian.Uint32(b[32:]), sum: binary.LittleEndian.Uint32(b[40:]),
	}
	return h, h.first <= h.last && h.last < math.MaxUint64 && h.body <= maxBody && h.slots <= maxSlots
}

// parseFrame returns a frame's body, which it checks, and the cells of its slots.
func parseFrame(b []byte, h *header) (body, cells []byte, ok bool) {
	body, cells = b[headerSize:headerSize+int(h.body)], b[h.cells():]
	return body, cells, crc32.Checksum(body, castagnoli) == h.sum
}

// What an overwritten cell consists of. Neither is zero, which is what a cell is that
// was never written.
const (
	cellErasing = 0xfe // the disk may still hold what was there before
	cellErased  = 0xff // it does not
)

func appendCell(b, slot []byte) []byte {
	var cell [alignment]byte
	binary.LittleEndian.PutUint32(cell[4:], uint32(len(slot)))
	copy(cell[8:], slot)
	binary.LittleEndian.PutUint32(cell[:], crc32.Checksum(cell[4:], castagnoli))
	return append(b, cell[:]...)
}

// parseCell returns the bytes of a slot. One that was erased is [io/fs.ErrNotExist], one
// that was overwritten and perhaps not on the disk [ErrErasing], and what is none of
// these [ErrDamaged].
func parseCell(cell []byte) ([]byte, error) {
	n := binary.LittleEndian.Uint32(cell[4:])
	switch {
	case n <= MaxSlot && binary.LittleEndian.Uint32(cell) == crc32.Checksum(cell[4:], castagnoli):
		return cell[8 : 8+n], nil
	case bytes.Equal(cell, bytes.Repeat([]byte{cellErased}, len(cell))):
		return nil, fs.ErrNotExist
	case bytes.Equal(cell, bytes.Repeat([]byte{cellErasing}, len(cell))):
		return nil, ErrErasing
	}
	return nil, ErrDamaged
}
