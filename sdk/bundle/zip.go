package bundle

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
)

// The subset of ZIP (PKWARE APPNOTE 6.3.10) that a bundle is: for each file a
// local header and the stored bytes, then the central directory and its end
// record. Every field that has a choice in ZIP has one value here. It is written
// by hand since the bytes must be the same for all time, whatever a library's
// next version does.
const (
	localSize, centralSize, endSize = 30, 46, 22

	zipVersion = 20     // 2.0, for directories in names
	dosDate    = 0x0021 // 1980-01-01, the zero of ZIP's clock; the time is 0

	maxName  = 128
	maxFiles = 1<<16 - 1 // more would need ZIP64
)

// A file is one member of the ZIP file.
type file struct {
	name string
	data []byte
}

// header appends what local and central header have in common, from "version
// needed" to the length of the extra field.
func (f *file) header(b []byte) []byte {
	le := binary.LittleEndian
	b = le.AppendUint16(b, zipVersion)
	b = le.AppendUint16(b, 0) // flags
	b = le.AppendUint16(b, 0) // method: stored
	b = le.AppendUint16(b, 0) // time
	b = le.AppendUint16(b, dosDate)
	b = le.AppendUint32(b, crc32.ChecksumIEEE(f.data))
	b = le.AppendUint32(b, uint32(len(f.data)))
	b = le.AppendUint32(b, uint32(len(f.data)))
	b = le.AppendUint16(b, uint16(len(f.name)))
	return le.AppendUint16(b, 0) // extra field
}

// local appends the local header.
func (f *file) local(b []byte) []byte {
	return append(f.header(append(b, "PK\x03\x04"...)), f.name...)
}

// central appends the file's record in the central directory.
func (f *file) central(b []byte, offset int) []byte {
	le := binary.LittleEndian
	b = le.AppendUint16(append(b, "PK\x01\x02"...), zipVersion)
	b = f.header(b)
	b = append(b, make([]byte, 2+2+2+4)...) // comment, disk, attributes
	b = le.AppendUint32(b, uint32(offset))
	return append(b, f.name...)
}

// directory returns the central directory and the end record.
func directory(files []file) []byte {
	le := binary.LittleEndian
	var b []byte
	offset := 0
	for i := range files {
		b = files[i].central(b, offset)
		offset += localSize + len(files[i].name) + len(files[i].data)
	}
	size := len(b)
	b = append(append(b, "PK\x05\x06"...), 0, 0, 0, 0) // disk numbers
	b = le.AppendUint16(b, uint16(len(files)))
	b = le.AppendUint16(b, uint16(len(files)))
	b = le.AppendUint32(b, uint32(size))
	b = le.AppendUint32(b, uint32(offset))
	return le.AppendUint16(b, 0) // comment
}

// sizeZIP is the length of the ZIP file, if it is within the bounds.
func sizeZIP(files []file) (int, error) {
	if len(files) > maxFiles {
		return 0, fmt.Errorf("%d files, at most %d", len(files), maxFiles)
	}
	size := endSize
	for _, f := range files {
		if len(f.data) > MaxSize {
			return 0, fmt.Errorf("%s has %d bytes, a bundle has at most %d", f.name, len(f.data), MaxSize)
		}
		if size += localSize + centralSize + 2*len(f.name) + len(f.data); size > MaxSize {
			return 0, fmt.Errorf("more than %d bytes", MaxSize)
		}
	}
	return size, nil
}

func encodeZIP(files []file) ([]byte, error) {
	size, err := sizeZIP(files)
	if err != nil {
		return nil, err
	}
	b := make([]byte, 0, size)
	for i := range files {
		b = append(files[i].local(b), files[i].data...)
	}
	return append(b, directory(files)...), nil
}

// decodeZIP reads what encodeZIP writes and nothing else: each header is
// compared with the one that the content calls for, so there is no second
// reading of the file by which another tool could see other parts. The files'
// data point into b.
func decodeZIP(b []byte) ([]file, error) {
	if len(b) > MaxSize {
		return nil, fmt.Errorf("%d bytes, at most %d", len(b), MaxSize)
	}
	var files []file
	rest := b
	for bytes.HasPrefix(rest, []byte("PK\x03\x04")) {
		if len(files) == maxFiles {
			return nil, fmt.Errorf("more than %d files", maxFiles)
		}
		f, after, err := decodeFile(rest)
		if err != nil {
			return nil, fmt.Errorf("file %d, at byte %d: %w", len(files)+1, len(b)-len(rest), err)
		}
		files, rest = append(files, f), after
	}
	if len(files) == 0 {
		return nil, errors.New("not a ZIP file of a bundle")
	}
	if !bytes.Equal(rest, directory(files)) {
		return nil, fmt.Errorf("the directory, from byte %d on, does not fit the %d files before it", len(b)-len(rest), len(files))
	}
	return files, nil
}

func decodeFile(b []byte) (f file, rest []byte, err error) {
	if len(b) < localSize {
		return f, nil, errors.New("header is cut short")
	}
	size, name := uint64(binary.LittleEndian.Uint32(b[18:])), int(binary.LittleEndian.Uint16(b[26:]))
	head := localSize + name
	if name > maxName || uint64(head)+size > uint64(len(b)) {
		return f, nil, fmt.Errorf("a name of %d and a content of %d bytes where %d are left", name, size, len(b)-localSize)
	}
	end := head + int(size)
	f = file{string(b[localSize:head]), b[head:end:end]}
	if !bytes.Equal(f.local(nil), b[:head]) {
		return f, nil, errors.New("header is not in the one encoding, or its checksum is another")
	}
	return f, b[end:], nil
}
