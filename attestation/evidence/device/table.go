//go:build !js && !wasip1

package device

import (
	"encoding/binary"
	"errors"
	"fmt"
)

const (
	entrySize  = 24       // GUID, offset, length
	maxTable   = 64 << 10 // bytes; a chain has about 5 KB
	maxEntries = 32
)

// A guid is the name of a certificate in the table (GHCB specification section
// 4.1.8.1), in the order of bytes in which it is written.
type guid [16]byte

var (
	vcekGUID = guid{0x63, 0xda, 0x75, 0x8d, 0xe6, 0x64, 0x45, 0x64, 0xad, 0xc5, 0xf4, 0xb9, 0x3b, 0xe8, 0xac, 0xcd}
	askGUID  = guid{0x4a, 0xb7, 0xb3, 0x79, 0xbb, 0xac, 0x4f, 0xe4, 0xa0, 0x2f, 0x05, 0xae, 0xf3, 0x27, 0xc7, 0x82}
	arkGUID  = guid{0xc0, 0xb4, 0x06, 0xa4, 0xa8, 0x03, 0x49, 0x52, 0x97, 0x43, 0x3f, 0xb6, 0x01, 0x4c, 0xd0, 0xae}
)

// parseTable reads the certificate table: entries up to one of zeros, each with
// the place of its bytes. The host writes it, so nothing in it is believed.
func parseTable(b []byte) (map[guid][]byte, error) {
	if len(b) > maxTable {
		return nil, fmt.Errorf("%d bytes, at most %d are allowed", len(b), maxTable)
	}
	entries := make(map[guid][]byte)
	for i := 0; len(b) > 0; i++ {
		if i == maxEntries || len(b) < (i+1)*entrySize {
			return nil, errors.New("has no end")
		}
		e := b[i*entrySize:]
		id := guid(e[:16])
		offset, length := uint64(binary.LittleEndian.Uint32(e[16:])), uint64(binary.LittleEndian.Uint32(e[20:]))
		if id == (guid{}) && offset == 0 && length == 0 {
			break
		}
		if offset+length > uint64(len(b)) {
			return nil, fmt.Errorf("entry %d lies outside of it", i)
		}
		if _, dup := entries[id]; dup {
			return nil, fmt.Errorf("entry %d is there twice", i)
		}
		entries[id] = b[offset : offset+length]
	}
	return entries, nil
}
