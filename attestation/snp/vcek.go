package snp

import (
	"crypto/x509"
	"encoding/asn1"
	"fmt"
	"strings"
)

// kdsArc is AMD's arc for what a VCEK certifies (AMD publication 57230, "VCEK
// Certificate and KDS Interface Specification", section 3).
const kdsArc = "1.3.6.1.4.1.3704.1."

const (
	extProduct    = kdsArc + "2"
	extBootloader = kdsArc + "3.1"
	extTEE        = kdsArc + "3.2"
	extSNP        = kdsArc + "3.3"
	extMicrocode  = kdsArc + "3.8"
	extFMC        = kdsArc + "3.9" // Turin only
	extHWID       = kdsArc + "4"
)

// certified is what AMD says in a VCEK about the chip and its firmware.
type certified struct {
	productName string
	line        Product
	tcb         TCB
	hwid        []byte
}

// Certified is what AMD says in a VCEK about a chip and its firmware.
type Certified struct {
	ProductName string // as in the certificate, for instance "Milan-B0"
	Product     Product
	TCB         TCB
	HWID        []byte // 64 bytes, on Turin 8
}

// ReadVCEK reads a VCEK's extensions, without checking who signed it.
func ReadVCEK(cert *x509.Certificate) (*Certified, error) {
	line, err := vcekLine(cert)
	if err != nil {
		return nil, err
	}
	c, err := parseVCEK(cert, line)
	if err != nil {
		return nil, err
	}
	return &Certified{ProductName: c.productName, Product: c.line, TCB: c.tcb, HWID: c.hwid}, nil
}

func parseVCEK(cert *x509.Certificate, line Product) (*certified, error) {
	var c certified
	var err error
	if c.productName, c.line, err = vcekProduct(cert); err != nil {
		return nil, err
	}
	parts := map[string]*uint8{
		extBootloader: &c.tcb.Bootloader, extTEE: &c.tcb.TEE,
		extSNP: &c.tcb.SNP, extMicrocode: &c.tcb.Microcode,
	}
	if line == Turin {
		parts[extFMC] = &c.tcb.FMC
	}
	for oid, part := range parts {
		if *part, err = spl(cert, oid); err != nil {
			return nil, err
		}
	}
	// The hardware id stands in its extension bare, not wrapped in an OCTET STRING.
	if c.hwid, err = extension(cert, extHWID); err != nil {
		return nil, err
	}
	return &c, nil
}

// vcekLine returns the product line that the certificate names.
func vcekLine(cert *x509.Certificate) (Product, error) {
	_, line, err := vcekProduct(cert)
	return line, err
}

// vcekProduct reads the product name: the line alone ("Genoa") or with a
// stepping behind it ("Milan-B0", also on chips of a later stepping).
func vcekProduct(cert *x509.Certificate) (string, Product, error) {
	der, err := extension(cert, extProduct)
	if err != nil {
		return "", "", err
	}
	var name string
	if rest, err := asn1.Unmarshal(der, &name); err != nil || len(rest) != 0 {
		return "", "", fmt.Errorf("%w: VCEK extension %s is not one string", ErrFormat, extProduct)
	}
	prefix, _, _ := strings.Cut(name, "-")
	line, ok := ParseProduct(prefix)
	if !ok {
		return "", "", fmt.Errorf("%w: VCEK is for the unknown product %.40q", ErrBinding, name)
	}
	return name, line, nil
}

// spl reads a security patch level.
func spl(cert *x509.Certificate, oid string) (uint8, error) {
	der, err := extension(cert, oid)
	if err != nil {
		return 0, err
	}
	var n int
	if rest, err := asn1.Unmarshal(der, &n); err != nil || len(rest) != 0 || n < 0 || n > 255 {
		return 0, fmt.Errorf("%w: VCEK extension %s is not one number from 0 to 255", ErrFormat, oid)
	}
	return uint8(n), nil
}

func extension(cert *x509.Certificate, oid string) ([]byte, error) {
	for _, e := range cert.Extensions {
		if e.Id.String() == oid {
			return e.Value, nil
		}
	}
	return nil, fmt.Errorf("%w: VCEK has no extension %s", ErrFormat, oid)
}
