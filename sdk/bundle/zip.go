package bundle

import (
	"encoding/binary"
	"hash/crc32"
)

// The subset of ZIP (PKWARE APPNOTE 6.3.10) that a bundle is: for each file a
// local header and the stored bytes, then the central directory and its end
// records. Every field that has a choice in ZIP has one value here. It is written
// by hand since the bytes must be the same for all time, whatever a library's
// next version does.
const (
	localSize, centralSize, endSize = 30, 46, 22
	end64Size                       = 56 + 20 // ZIP64's end record and its locator

	zipVersion   = 20     // 2.0, for directories in names
	zip64Version = 45     // 4.5, for ZIP64
	dosDate      = 0x0021 // 1980-01-01, the zero of ZIP's clock; the time is 0

	maxName     = 128
	maxFiles    = 1 << 20
	maxFiles32  = 1<<16 - 1 // more are counted in ZIP64's end record
	localMagic  = "PK\x03\x04"
	maxDataSize = MaxSize // of one file in it
)

// An entry is what the headers say about one member of the ZIP file.
type entry struct {
	name string
	size uint32
	crc  uint32
}

func entryOf(name string, data []byte) entry {
	return entry{name, uint32(len(data)), crc32.ChecksumIEEE(data)}
}

// header appends what local and central header have in common, from "version
// needed" to the length of the extra field.
func (e *entry) header(b []byte) []byte {
	le := binary.LittleEndian
	b = le.AppendUint16(b, zipVersion)
	b = le.AppendUint16(b, 0) // flags
	b = le.AppendUint16(b, 0) // method: stored
	b = le.AppendUint16(b, 0) // time
	b = le.AppendUint16(b, dosDate)
	b = le.AppendUint32(b, e.crc)
	b = le.AppendUint32(b, e.size)
	b = le.AppendUint32(b, e.size)
	b = le.AppendUint16(b, uint16(len(e.name)))
	return le.AppendUint16(b, 0) // extra field
}

// local appends the local header.
func (e *entry) local(b []byte) []byte {
	return append(e.header(append(b, localMagic...)), e.name...)
}

// central appends the file's record in the central directory.
func (e *entry) central(b []byte, offset int64) []byte {
	le := binary.LittleEndian
	b = le.AppendUint16(append(b, "PK\x01\x02"...), zipVersion)
	b = e.header(b)
	b = append(b, make([]byte, 2+2+2+4)...) // comment, disk, attributes
	b = le.AppendUint32(b, uint32(offset))
	return append(b, e.name...)
}

// length is that of the local header with the file's bytes.
func (e *entry) length() int64 { return localSize + int64(len(e.name)) + int64(e.size) }

// ends appends the end records behind a directory of n files. Offsets and lengths
// fit 32 bits, since a bundle has at most MaxFileSize bytes; only the number of files
// can take ZIP64.
func ends(b []byte, n int, offset, length int64) []byte {
	le := binary.LittleEndian
	if n > maxFiles32 {
		b = le.AppendUint64(append(b, "PK\x06\x06"...), 44) // what follows of this record
		b = le.AppendUint16(le.AppendUint16(b, zip64Version), zip64Version)
		b = le.AppendUint64(b, 0) // disk numbers
		b = le.AppendUint64(le.AppendUint64(b, uint64(n)), uint64(n))
		b = le.AppendUint64(le.AppendUint64(b, uint64(length)), uint64(offset))
		b = le.AppendUint32(append(b, "PK\x06\x07"...), 0) // disk number
		b = le.AppendUint64(b, uint64(offset+length))
		b = le.AppendUint32(b, 1) // disks
	}
	count := uint16(min(n, maxFiles32))
	b = append(append(b, "PK\x05\x06"...), 0, 0, 0, 0) // disk numbers
	b = le.AppendUint16(le.AppendUint16(b, count), count)
	b = le.AppendUint32(b, uint32(length))
	b = le.AppendUint32(b, uint32(offset))
	return le.AppendUint16(b, 0) // comment
}

func endsSize(n int) int64 {
	if n > maxFiles32 {
		return end64Size + endSize
	}
	return endSize
}
