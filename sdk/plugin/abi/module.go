package abi

import (
	"bytes"
	"encoding/binary"
	"unicode/utf8"
)

// Section numbers of the core binary format that readers of modules need.
const (
	SectionCustom   = 0
	SectionType     = 1
	SectionImport   = 2
	SectionFunction = 3
	SectionTable    = 4
	SectionMemory   = 5
	SectionGlobal   = 6
	SectionExport   = 7
	SectionStart    = 8
	SectionElement  = 9
	SectionCode     = 10
	SectionData     = 11
	// SectionDataCount stands between element and code section.
	SectionDataCount = 12
)

// Bounds for reading a module.
const (
	// MaxModule is the greatest length of a module in bytes.
	MaxModule      = 4 << 20
	maxSections    = 64
	maxSectionName = 64
)

var wasmHeader = []byte("\x00asm\x01\x00\x00\x00")

// A Section is one section of a module.
type Section struct {
	ID byte
	// Name of a custom section, else empty.
	Name string
	// Body is the section's contents without id and size and, of a custom
	// section, without the name. It is a view of the module.
	Body []byte
	// Start and End are the offsets of the whole section in the module, id
	// and size included.
	Start, End int
}

// Sections splits a module (core binary format, version 1) into its sections
// in file order. It checks that they fill the module exactly, and nothing of
// what is in them.
func Sections(module []byte) ([]Section, error) {
	if len(module) > MaxModule {
		return nil, malformed("module of " + dec(len(module)) + " bytes, at most " + dec(MaxModule))
	}
	if !bytes.HasPrefix(module, wasmHeader) {
		return nil, malformed("not a wasm module of version 1")
	}
	var out []Section
	for at := len(wasmHeader); at < len(module); {
		if len(out) == maxSections {
			return nil, malformed("module of more than " + dec(maxSections) + " sections")
		}
		size, n := Uint32(module[at+1:])
		start := at + 1 + n
		if n == 0 || uint64(size) > uint64(len(module)-start) {
			return nil, malformed("section at byte " + dec(at) + " ends behind the module")
		}
		s := Section{ID: module[at], Start: at, End: start + int(size), Body: module[start : start+int(size)]}
		if s.ID == SectionCustom {
			if err := s.splitName(); err != nil {
				return nil, err
			}
		}
		out, at = append(out, s), s.End
	}
	return out, nil
}

func (s *Section) splitName() error {
	size, n := Uint32(s.Body)
	if n == 0 || size > maxSectionName || int(size) > len(s.Body)-n || !utf8.Valid(s.Body[n:n+int(size)]) {
		return malformed("custom section at byte " + dec(s.Start) + " has no name of at most " + dec(maxSectionName) + " bytes")
	}
	s.Name, s.Body = string(s.Body[n:n+int(size)]), s.Body[n+int(size):]
	return nil
}

// Uint32 reads an unsigned LEB128 number of at most 32 bits and returns it
// with the number of bytes read, which is 0 if b does not begin with one.
func Uint32(b []byte) (v uint32, n int) {
	for i := 0; i < len(b) && i < 5; i++ {
		c := b[i]
		if i == 4 && c > 0x0f {
			return 0, 0
		}
		v |= uint32(c&0x7f) << (7 * i)
		if c < 0x80 {
			return v, i + 1
		}
	}
	return 0, 0
}

// AppendUint32 appends v as unsigned LEB128.
func AppendUint32(dst []byte, v uint32) []byte { return binary.AppendUvarint(dst, uint64(v)) }

// ReadManifest returns the manifest of a module, which has to have exactly one.
func ReadManifest(module []byte) (*Manifest, error) {
	sections, err := Sections(module)
	if err != nil {
		return nil, err
	}
	var found []Section
	for _, s := range sections {
		if s.Name == ManifestSection {
			found = append(found, s)
		}
	}
	if len(found) != 1 {
		return nil, malformed("module has " + dec(len(found)) + " custom sections " + ManifestSection + ", want 1")
	}
	return ParseManifest(found[0].Body)
}

// AppendManifest returns a copy of the module with the manifest in a custom
// section at its end. A module that already has a manifest is refused.
func AppendManifest(module []byte, m *Manifest) ([]byte, error) {
	body, err := m.Marshal()
	if err != nil {
		return nil, err
	}
	sections, err := Sections(module)
	if err != nil {
		return nil, err
	}
	for _, s := range sections {
		if s.Name == ManifestSection {
			return nil, malformed("module already has a custom section " + ManifestSection)
		}
	}
	out := make([]byte, 0, len(module)+len(body)+len(ManifestSection)+16)
	out = append(append(out, module...), SectionCustom)
	out = AppendUint32(out, uint32(1+len(ManifestSection)+len(body)))
	out = AppendUint32(out, uint32(len(ManifestSection)))
	out = append(append(out, ManifestSection...), body...)
	return out, nil
}

// StripCustom returns a copy of the module without the custom sections that
// keep does not name. Names, producers and build ids are no use to the host,
// and would make the module's digest depend on the builder.
func StripCustom(module []byte, keep ...string) ([]byte, error) {
	sections, err := Sections(module)
	if err != nil {
		return nil, err
	}
	out := append(make([]byte, 0, len(module)), wasmHeader...)
	for _, s := range sections {
		if s.ID != SectionCustom || contains(keep, s.Name) {
			out = append(out, module[s.Start:s.End]...)
		}
	}
	return out, nil
}

func contains(list []string, s string) bool {
	for _, l := range list {
		if l == s {
			return true
		}
	}
	return false
}
