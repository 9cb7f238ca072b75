//go:build wasip1

// Command extism is the scanner as a plugin of Extism, on that system's imports alone:
// input and output go through its own memory, eight bytes a call.
package main

import (
	"encoding/binary"

	"github.com/veriproof/notary/host/internal/bench/sidebyside/scan"
)

//go:wasmimport extism:host/env input_length
func inputLength() uint64

//go:wasmimport extism:host/env input_load_u64
func inputLoad64(at uint64) uint64

//go:wasmimport extism:host/env input_load_u8
func inputLoad8(at uint64) uint32

//go:wasmimport extism:host/env alloc
func alloc(n uint64) uint64

//go:wasmimport extism:host/env store_u64
func store64(at, v uint64)

//go:wasmimport extism:host/env output_set
func outputSet(at, n uint64)

var (
	text  []byte
	edits []uint64
)

//go:wasmexport scan
func scanInput() int32 {
	n := int(inputLength())
	if cap(text) < n {
		text = make([]byte, n)
	}
	text = text[:n]
	i := 0
	for ; i+8 <= n; i += 8 {
		binary.LittleEndian.PutUint64(text[i:], inputLoad64(uint64(i)))
	}
	for ; i < n; i++ {
		text[i] = byte(inputLoad8(uint64(i)))
	}
	edits = edits[:0]
	scan.Scan(text, func(start, end int) { edits = append(edits, uint64(start)<<32|uint64(end)) })
	if len(edits) == 0 {
		outputSet(0, 0)
		return 0
	}
	at := alloc(uint64(8 * len(edits)))
	for i, e := range edits {
		store64(at+uint64(8*i), e)
	}
	outputSet(at, uint64(8*len(edits)))
	return 0
}

func main() {}
