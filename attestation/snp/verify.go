package snp

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/sha512"
	"crypto/x509"
	"fmt"
	"math/big"
	"slices"
	"strings"
	"time"
)

// Verify reports whether r is true: signed by the chip that c's VCEK names, with
// the TCB that it reports, under one of the trusted roots, all certificates being
// valid at the time at. It does not judge what the report says; Appraise does.
//
// Every error wraps one of the package's Err values; which one tells whether the
// Evidence is of the wrong kind (ErrSigner), from no trusted hardware
// (ErrUntrustedRoot), forged or damaged (ErrChain, ErrSignature), put together
// from parts that do not belong together (ErrBinding) or out of time
// (ErrValidity).
func Verify(r *Report, c *Chain, roots Roots, at time.Time) error {
	if r == nil || len(r.Raw) != ReportSize {
		return fmt.Errorf("%w: the report does not come from Parse", ErrFormat)
	}
	if err := checkSigner(r); err != nil {
		return err
	}
	line, err := verifyChain(c, roots, at)
	if err != nil {
		return err
	}
	if err := checkBinding(r, c, line); err != nil {
		return err
	}
	return verifySignature(r, c)
}

func checkSigner(r *Report) error {
	if r.SignatureAlgo != algoECDSAP384 {
		return fmt.Errorf("%w: signature algorithm is %d", ErrSigner, r.SignatureAlgo)
	}
	switch k := r.SignerInfo.Key(); k {
	case KeyVCEK:
		return nil
	case KeyVLEK:
		return fmt.Errorf("%w: %w", ErrSigner, ErrVLEK)
	default:
		return fmt.Errorf("%w: signing key is %s", ErrSigner, k)
	}
}

// strangeRoot says what is to be known of a root that is not trusted. Its names can be of
// anybody's choice; that a simulator says it is one may be believed.
func strangeRoot(ark *x509.Certificate) string {
	if name, real := AMDRoots().Anchor(ark); real {
		return "is AMD's (" + name + "), and another one is asked for"
	}
	for _, o := range ark.Subject.Organization {
		if strings.HasPrefix(o, "SIMULATED") {
			return fmt.Sprintf("names itself %.60q", o)
		}
	}
	return "is not AMD's: it is a simulator's, or forged"
}

// verifyChain checks the certificates from the pinned root down and returns the
// product line that they stand for.
func verifyChain(c *Chain, roots Roots, at time.Time) (Product, error) {
	if c == nil || c.VCEK == nil || c.ASK == nil || c.ARK == nil {
		return "", fmt.Errorf("%w: a certificate is missing", ErrChain)
	}
	// The root first: nothing below an unknown root deserves a public key
	// operation.
	if _, ok := roots.Anchor(c.ARK); !ok {
		return "", fmt.Errorf("%w: %q, which %s", ErrUntrustedRoot, c.ARK.Subject.CommonName, strangeRoot(c.ARK))
	}
	if strings.HasPrefix(c.ASK.Subject.CommonName, "SEV-VLEK-") {
		return "", fmt.Errorf("%w: %w: the ASK is %q", ErrChain, ErrVLEK, c.ASK.Subject.CommonName)
	}
	name, ok := strings.CutPrefix(c.ASK.Subject.CommonName, "SEV-")
	line, known := ParseProduct(name)
	if !ok || !known {
		return "", fmt.Errorf("%w: ASK is named %q, want SEV-Milan, SEV-Genoa or SEV-Turin", ErrChain, c.ASK.Subject.CommonName)
	}
	if want := "ARK-" + name; c.ARK.Subject.CommonName != want {
		return "", fmt.Errorf("%w: ARK is named %q, want %q", ErrChain, c.ARK.Subject.CommonName, want)
	}
	for _, link := range []struct {
		name          string
		child, issuer *x509.Certificate
	}{{"ARK", c.ARK, c.ARK}, {"ASK", c.ASK, c.ARK}, {"VCEK", c.VCEK, c.ASK}} {
		if err := verifyLink(link.child, link.issuer); err != nil {
			return "", fmt.Errorf("%w: %s: %w", ErrChain, link.name, err)
		}
		if at.Before(link.child.NotBefore) || at.After(link.child.NotAfter) {
			return "", fmt.Errorf("%w: %s is valid from %s to %s, not at %s", ErrValidity, link.name,
				stamp(link.child.NotBefore), stamp(link.child.NotAfter), stamp(at))
		}
	}
	return line, nil
}

// verifyLink checks one signature. AMD signs with RSA-PSS and SHA-384 only, so
// an x509 library's other algorithms are not welcome.
func verifyLink(child, issuer *x509.Certificate) error {
	if !bytes.Equal(child.RawIssuer, issuer.RawSubject) {
		return fmt.Errorf("issuer is %q, want %q", child.Issuer.CommonName, issuer.Subject.CommonName)
	}
	if child.SignatureAlgorithm != x509.SHA384WithRSAPSS {
		return fmt.Errorf("signature algorithm is %s, want %s", child.SignatureAlgorithm, x509.SHA384WithRSAPSS)
	}
	return issuer.CheckSignature(child.SignatureAlgorithm, child.RawTBSCertificate, child.Signature)
}

func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339) }

// checkBinding compares what AMD certified about the VCEK with what the report
// claims. The patch level must come from the certificate: a report's own word is
// worth nothing before its key is known to stand for that level.
func checkBinding(r *Report, c *Chain, line Product) error {
	ext, err := parseVCEK(c.VCEK, line)
	if err != nil {
		return err
	}
	if ext.line != line {
		return fmt.Errorf("%w: VCEK is for product %q, its chain for %s", ErrBinding, ext.productName, line)
	}
	if p := r.Product(); p != line && (r.Version >= 3 || p != "") {
		return fmt.Errorf("%w: report comes from CPU family 0x%x model 0x%x, the chain is for %s", ErrBinding, r.Family, r.Model, line)
	}
	if got := r.ReportedTCB.Decode(line); got != ext.tcb {
		return fmt.Errorf("%w: report has TCB %s, the VCEK stands for %s", ErrBinding, got, ext.tcb)
	}
	if r.SignerInfo.MaskChipKey() || allZero(r.ChipID[:]) {
		return fmt.Errorf("%w: the platform masks its chip id, so the VCEK cannot be tied to it", ErrBinding)
	}
	if !hwidMatches(ext.hwid, r.ChipID, line) {
		return fmt.Errorf("%w: report has chip id %x, the VCEK stands for %x", ErrBinding, r.ChipID, ext.hwid)
	}
	return nil
}

// hwidMatches compares the certified hardware id with the chip id. On Turin the
// id has eight bytes and the report's field is padded with zeros.
func hwidMatches(hwid []byte, chip [64]byte, line Product) bool {
	if line == Turin && len(hwid) == 8 {
		return bytes.Equal(hwid, chip[:8]) && allZero(chip[8:])
	}
	return bytes.Equal(hwid, chip[:])
}

// verifySignature checks the ECDSA signature over the first SignedSize bytes.
func verifySignature(r *Report, c *Chain) error {
	pub, ok := c.VCEK.PublicKey.(*ecdsa.PublicKey)
	if !ok || pub.Curve != elliptic.P384() {
		return fmt.Errorf("%w: the VCEK is not a P-384 key", ErrChain)
	}
	digest := sha512.Sum384(r.Raw[:SignedSize])
	if !ecdsa.Verify(pub, digest[:], littleEndian(r.R), littleEndian(r.S)) {
		return ErrSignature
	}
	return nil
}

// littleEndian decodes a signature component. Values beyond the group's order
// are refused by ecdsa.Verify. That leaves one second spelling: n - S verifies
// like S, and anybody can compute it. Firmware may give either, so neither is
// refused; what was signed is the same, but a report's bytes are no identity.
func littleEndian(b [componentSize]byte) *big.Int {
	be := b
	slices.Reverse(be[:])
	return new(big.Int).SetBytes(be[:])
}

// ProductOf returns the product line of a report: the one its CPUID values name
// or, for version 2, the one its VCEK was made for. Meaningful after Verify.
func ProductOf(r *Report, c *Chain) (Product, error) {
	if p := r.Product(); p != "" {
		return p, nil
	}
	if r.Version >= 3 {
		return "", fmt.Errorf("%w: CPU family 0x%x model 0x%x is no known product line", ErrFormat, r.Family, r.Model)
	}
	if c == nil || c.VCEK == nil {
		return "", fmt.Errorf("%w: a version 2 report names no product line and there is no VCEK", ErrFormat)
	}
	return vcekLine(c.VCEK)
}
