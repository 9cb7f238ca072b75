package snp

import (
	"encoding/binary"
	"fmt"
)

// A Product is an AMD EPYC product line with SEV-SNP.
type Product string

// The product lines. Milan's root seed is public (arXiv 2605.12990): software
// alone can forge Milan reports, see ReferenceValues.Products.
const (
	Milan Product = "Milan"
	Genoa Product = "Genoa"
	Turin Product = "Turin"
)

// ParseProduct returns the product line of that name, in this spelling.
func ParseProduct(s string) (Product, bool) {
	switch p := Product(s); p {
	case Milan, Genoa, Turin:
		return p, true
	}
	return "", false
}

// Product returns the product line that the report's CPUID values name, and ""
// if they name none or if the report's version (2) has none; ProductOf then asks
// the VCEK.
func (r *Report) Product() Product {
	switch [2]uint8{r.Family, r.Model} {
	case [2]uint8{0x19, 0x01}:
		return Milan
	case [2]uint8{0x19, 0x11}:
		return Genoa
	case [2]uint8{0x1A, 0x02}:
		return Turin
	}
	return ""
}

// TCBVersion is a TCB_VERSION as it stands in a report: eight bytes whose
// meaning depends on the product line. Compare decoded values only.
type TCBVersion uint64

// Decode gives the bytes their names. Turin moved them: its first byte is the
// FMC, and all but microcode follow one by one.
func (v TCBVersion) Decode(p Product) TCB {
	var b [8]byte
	binary.LittleEndian.PutUint64(b[:], uint64(v))
	if p == Turin {
		return TCB{FMC: b[0], Bootloader: b[1], TEE: b[2], SNP: b[3], Microcode: b[7]}
	}
	return TCB{Bootloader: b[0], TEE: b[1], SNP: b[6], Microcode: b[7]}
}

// TCB holds the security version numbers of the parts that a guest must trust.
type TCB struct {
	FMC        uint8 // Turin only, else 0
	Bootloader uint8
	TEE        uint8
	SNP        uint8
	Microcode  uint8
}

// Encode is the inverse of TCBVersion.Decode.
func (t TCB) Encode(p Product) TCBVersion {
	b := [8]byte{0: t.Bootloader, 1: t.TEE, 6: t.SNP, 7: t.Microcode}
	if p == Turin {
		b = [8]byte{0: t.FMC, 1: t.Bootloader, 2: t.TEE, 3: t.SNP, 7: t.Microcode}
	}
	return TCBVersion(binary.LittleEndian.Uint64(b[:]))
}

// AtLeast reports whether every part of t is at least that of min. TCB values
// are only partially ordered: neither of two may be at least the other.
func (t TCB) AtLeast(min TCB) bool {
	return t.FMC >= min.FMC && t.Bootloader >= min.Bootloader && t.TEE >= min.TEE &&
		t.SNP >= min.SNP && t.Microcode >= min.Microcode
}

func (t TCB) String() string {
	return fmt.Sprintf("fmc=%d bootloader=%d tee=%d snp=%d microcode=%d", t.FMC, t.Bootloader, t.TEE, t.SNP, t.Microcode)
}
