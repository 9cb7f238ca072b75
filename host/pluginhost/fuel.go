package pluginhost

import (
	"encoding/binary"
	"strconv"

	"github.com/veriproof/notary/sdk/plugin/abi"
)

// Names of the exports the host adds.
const (
	exportFuel   = "rdx_fuel"
	exportGlobal = "rdx_g" // followed by the index of a mutable global
)

// meter returns the module as it is compiled: every run of instructions takes
// their number from a fuel counter, bulk memory operations take more by their
// length, and the guest traps when the counter is below zero. The counter and all mutable globals are exported,
// so that the host can set them. Custom sections are gone.
//
// Why metering, and not a deadline: compiled code is not preemptible, so a
// guest in a loop would stop the garbage collector and with it the process, and
// the engine's own check for a deadline costs a multiple of the guest's time
// and looks at loops only, not at recursion. Metering is deterministic: the
// same call either always or never runs out.
func (m *module) meter(start uint64) []byte {
	var out []byte
	out = append(out, "\x00asm\x01\x00\x00\x00"...)
	for id := byte(abi.SectionType); id <= abi.SectionDataCount; id++ {
		// The data count stands between element and code section.
		for _, id := range sectionOrder(id) {
			if body := m.meteredSection(id, start); body != nil {
				out = append(out, id)
				out = abi.AppendUint32(out, uint32(len(body)))
				out = append(out, body...)
			}
		}
	}
	return out
}

func sectionOrder(id byte) []byte {
	switch id {
	case abi.SectionCode:
		return []byte{abi.SectionDataCount, abi.SectionCode}
	case abi.SectionDataCount:
		return nil
	}
	return []byte{id}
}

func (m *module) meteredSection(id byte, start uint64) []byte {
	switch id {
	case abi.SectionGlobal:
		return m.meteredGlobals(start)
	case abi.SectionExport:
		return m.meteredExports()
	case abi.SectionCode:
		return m.meteredCode()
	}
	s, ok := m.sections[id]
	if !ok {
		return nil
	}
	return s.Body
}

func (m *module) meteredGlobals(start uint64) []byte {
	out := abi.AppendUint32(nil, uint32(len(m.globals)+1))
	out = append(out, elements(m.sections[abi.SectionGlobal].Body)...)
	out = append(out, typeI64, 1, 0x42)
	out = appendInt64(out, int64(start))
	return append(out, opEnd)
}

func (m *module) meteredExports() []byte {
	names := m.mutableGlobals()
	out := abi.AppendUint32(nil, uint32(len(m.exports)+len(names)+1))
	out = append(out, elements(m.sections[abi.SectionExport].Body)...)
	for _, i := range names {
		out = appendExport(out, globalExport(i), uint32(i))
	}
	return appendExport(out, exportFuel, uint32(len(m.globals)))
}

// mutableGlobals returns the indices of the mutable globals, which belong to
// the image.
func (m *module) mutableGlobals() []int {
	var out []int
	for i, g := range m.globals {
		if g.mutable {
			out = append(out, i)
		}
	}
	return out
}

func globalExport(i int) string { return exportGlobal + strconv.Itoa(i) }

func appendExport(out []byte, name string, index uint32) []byte {
	out = abi.AppendUint32(out, uint32(len(name)))
	out = append(append(out, name...), kindGlobal)
	return abi.AppendUint32(out, index)
}

// elements returns a vector's bytes without its length.
func elements(section []byte) []byte {
	_, n := abi.Uint32(section)
	return section[n:]
}

func (m *module) meteredCode() []byte {
	out := abi.AppendUint32(nil, uint32(len(m.code)))
	for i := range m.code {
		body := m.code[i].metered(uint32(len(m.globals)))
		out = abi.AppendUint32(out, uint32(len(body)))
		out = append(out, body...)
	}
	return out
}

// metered returns the function's body with the charges inserted. Bulk
// operations need a local for their length, added behind all others.
func (f *function) metered(fuel uint32) []byte {
	out := make([]byte, 0, len(f.body)+len(f.marks)*24)
	groups := elements(f.body[:f.code])
	if f.hasBulk() {
		out = abi.AppendUint32(out, f.groups+1)
		out = append(append(out, groups...), 1, typeI32)
	} else {
		out = append(out, f.body[:f.code]...)
	}
	at := f.code
	for _, m := range f.marks {
		out = append(out, f.body[at:m.at]...)
		at = m.at
		switch {
		case m.region == bulk:
			out = appendBulkCharge(out, fuel, f.locals)
		case f.weights[m.region] > 0:
			out = appendCharge(out, fuel, f.weights[m.region], m.checked)
		}
	}
	return append(out, f.body[at:]...)
}

func (f *function) hasBulk() bool {
	for _, m := range f.marks {
		if m.region == bulk {
			return true
		}
	}
	return false
}

// appendCharge appends: fuel -= n, and if checked: if fuel < 0 { unreachable }.
func appendCharge(out []byte, fuel, n uint32, checked bool) []byte {
	out = appendIndexed(out, 0x23, fuel)           // global.get
	out = appendInt64(append(out, 0x42), int64(n)) // i64.const
	out = append(out, 0x7d)                        // i64.sub
	if checked {
		return appendCheck(out, fuel)
	}
	return appendIndexed(out, 0x24, fuel) // global.set
}

// appendBulkCharge appends the same for n = length / 16, the length being on
// top of the stack, where it stays.
func appendBulkCharge(out []byte, fuel, local uint32) []byte {
	out = appendIndexed(out, 0x22, local)        // local.tee
	out = appendIndexed(out, 0x23, fuel)         // global.get
	out = appendIndexed(out, 0x20, local)        // local.get
	out = append(out, 0x41, 4, 0x76, 0xad, 0x7d) // i32.const 4, i32.shr_u, i64.extend_i32_u, i64.sub
	return appendCheck(out, fuel)
}

func appendCheck(out []byte, fuel uint32) []byte {
	out = appendIndexed(out, 0x24, fuel)                       // global.set
	out = appendIndexed(out, 0x23, fuel)                       // global.get
	return append(out, 0x42, 0, 0x53, opIf, 0x40, 0x00, opEnd) // i64.const 0, i64.lt_s, if, unreachable, end
}

func appendIndexed(out []byte, op byte, index uint32) []byte {
	return abi.AppendUint32(append(out, op), index)
}

// appendInt64 appends v, which is not negative, as signed LEB128.
func appendInt64(out []byte, v int64) []byte {
	out = binary.AppendUvarint(out, uint64(v))
	if last := len(out) - 1; out[last]&0x40 != 0 { // would read as a sign
		out[last] |= 0x80
		out = append(out, 0)
	}
	return out
}
