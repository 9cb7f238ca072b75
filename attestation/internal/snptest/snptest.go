// Package snptest makes SNP Evidence for tests: a root, a chip and reports
// signed by it, with every value chosen by the test. The keys are new in each
// process and trusted by nothing.
package snptest

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha512"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/binary"
	"encoding/pem"
	"fmt"
	"math/big"
	"slices"
	"sync"
	"time"
)

// The certificates are valid from NotBefore to NotAfter.
var (
	NotBefore = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	NotAfter  = time.Date(2033, 1, 1, 0, 0, 0, 0, time.UTC)
)

// Serial numbers of the certificates, as AMD has them for Genoa.
const (
	arkSerial = 0x20000
	ASKSerial = 0x20002
)

// Platform is a chip with its certificates. Change fields before Certify.
type Platform struct {
	Line        string // "Milan", "Genoa", "Turin"
	ProductName string // as in the VCEK
	Version     uint32 // of reports
	Family      uint8
	Model       uint8
	TCB         [8]byte // raw, as in reports
	ChipID      [64]byte
	HWID        []byte // as in the VCEK
	// Certs are VCEK, ASK, ARK; set by Certify.
	Certs [3]*x509.Certificate

	arkKey, askKey *rsa.PrivateKey
	vcekKey        *ecdsa.PrivateKey
}

// rootKeys are made once: RSA keys are slow to make.
var rootKeys = sync.OnceValues(func() (*rsa.PrivateKey, *rsa.PrivateKey) {
	return must(rsa.GenerateKey(rand.Reader, 2048)), must(rsa.GenerateKey(rand.Reader, 2048))
})

// New returns a certified platform of a product line with reports of a version.
func New(line string, version uint32) *Platform {
	p := &Platform{Line: line, ProductName: line, Version: version, vcekKey: must(ecdsa.GenerateKey(elliptic.P384(), rand.Reader))}
	p.arkKey, p.askKey = rootKeys()
	for i := range p.ChipID {
		p.ChipID[i] = byte(i + 1)
	}
	p.TCB = [8]byte{0: 4, 1: 1, 6: 24, 7: 219}
	switch line {
	case "Milan":
		p.Family, p.Model, p.ProductName = 0x19, 0x01, "Milan-B0"
	case "Genoa":
		p.Family, p.Model = 0x19, 0x11
	case "Turin":
		p.Family, p.Model = 0x1A, 0x02
		p.TCB = [8]byte{0: 2, 1: 4, 2: 1, 3: 5, 7: 80}
		clear(p.ChipID[8:])
	}
	p.HWID = p.ChipID[:]
	if line == "Turin" {
		p.HWID = p.ChipID[:8]
	}
	p.Certify(nil)
	return p
}

// Certify makes the certificates from the platform's fields; change, if not nil,
// is called for each template: "ARK", "ASK", "VCEK".
func (p *Platform) Certify(change func(name string, template *x509.Certificate)) {
	if change == nil {
		change = func(string, *x509.Certificate) {}
	}
	ark := p.template("ARK-"+p.Line, arkSerial)
	ark.KeyUsage = x509.KeyUsageCertSign | x509.KeyUsageCRLSign
	change("ARK", ark)
	arkCert := sign(ark, ark, &p.arkKey.PublicKey, p.arkKey)
	ask := p.template("SEV-"+p.Line, ASKSerial)
	ask.KeyUsage = x509.KeyUsageCertSign
	change("ASK", ask)
	askCert := sign(ask, arkCert, &p.askKey.PublicKey, p.arkKey)
	vcek := p.template("SEV-VCEK", 0) // as AMD's
	vcek.IsCA, vcek.BasicConstraintsValid = false, false
	vcek.ExtraExtensions = p.extensions()
	change("VCEK", vcek)
	p.Certs = [3]*x509.Certificate{sign(vcek, askCert, &p.vcekKey.PublicKey, p.askKey), askCert, arkCert}
}

// CRL returns the ARK's revocation list in DER, issued at NotBefore and to be
// replaced at next, with these serials; change, if not nil, edits the template.
func (p *Platform) CRL(next time.Time, change func(*x509.RevocationList), serials ...int64) []byte {
	l := &x509.RevocationList{Number: big.NewInt(1), ThisUpdate: NotBefore, NextUpdate: next, SignatureAlgorithm: x509.SHA384WithRSAPSS}
	for _, s := range serials {
		l.RevokedCertificateEntries = append(l.RevokedCertificateEntries,
			x509.RevocationListEntry{SerialNumber: big.NewInt(s), RevocationTime: NotBefore})
	}
	if change != nil {
		change(l)
	}
	return must(x509.CreateRevocationList(rand.Reader, l, p.Certs[2], p.arkKey))
}

// NewVCEKKey replaces the chip's key without certifying it.
func (p *Platform) NewVCEKKey() { p.vcekKey = must(ecdsa.GenerateKey(elliptic.P384(), rand.Reader)) }

func (p *Platform) template(cn string, serial int64) *x509.Certificate {
	return &x509.Certificate{
		SerialNumber: big.NewInt(serial), NotBefore: NotBefore, NotAfter: NotAfter,
		SignatureAlgorithm: x509.SHA384WithRSAPSS, IsCA: true, BasicConstraintsValid: true,
		Subject: pkix.Name{
			CommonName: cn, Organization: []string{"Advanced Micro Devices"}, Country: []string{"US"},
			OrganizationalUnit: []string{"Engineering"}, Locality: []string{"Santa Clara"}, Province: []string{"CA"},
		},
	}
}

// extensions certifies TCB, product and chip in AMD's arc.
func (p *Platform) extensions() []pkix.Extension {
	arc := func(tail ...int) asn1.ObjectIdentifier {
		return append(asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 3704, 1}, tail...)
	}
	number := func(n byte, tail ...int) pkix.Extension {
		return pkix.Extension{Id: arc(tail...), Value: must(asn1.Marshal(int(n)))}
	}
	t := p.TCB
	ext := []pkix.Extension{
		number(0, 1),
		{Id: arc(2), Value: must(asn1.MarshalWithParams(p.ProductName, "ia5"))},
	}
	if p.Line == "Turin" {
		ext = append(ext, number(t[1], 3, 1), number(t[2], 3, 2), number(t[3], 3, 3), number(t[7], 3, 8), number(t[0], 3, 9))
	} else {
		ext = append(ext, number(t[0], 3, 1), number(t[1], 3, 2), number(0, 3, 4), number(0, 3, 5), number(0, 3, 6), number(0, 3, 7),
			number(t[6], 3, 3), number(t[7], 3, 8))
	}
	return append(ext, pkix.Extension{Id: arc(4), Value: p.HWID})
}

func sign(template, parent *x509.Certificate, pub any, key *rsa.PrivateKey) *x509.Certificate {
	return must(x509.ParseCertificate(must(x509.CreateCertificate(rand.Reader, template, parent, pub, key))))
}

// ChainPEM returns VCEK, ASK and ARK.
func (p *Platform) ChainPEM() []byte {
	var b bytes.Buffer
	for _, c := range p.Certs {
		b.Write(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Raw}))
	}
	return b.Bytes()
}

// Report returns a signed report like that of a container group on Azure; change,
// if not nil, edits the bytes before they are signed.
func (p *Platform) Report(change func(raw []byte)) []byte {
	b := make([]byte, 1184)
	le := binary.LittleEndian
	le.PutUint32(b[0x000:], p.Version)
	le.PutUint32(b[0x004:], 2)
	le.PutUint64(b[0x008:], 0x3001f)
	le.PutUint32(b[0x034:], 1)
	le.PutUint64(b[0x040:], 0x25)
	for i := range 48 {
		b[0x090+i] = byte(0x80 + i)
	}
	for i := range 32 {
		b[0x0C0+i], b[0x140+i], b[0x160+i] = byte(0x40+i), byte(0x60+i), 0xff
	}
	for _, off := range []int{0x038, 0x180, 0x1E0, 0x1F0} {
		copy(b[off:], p.TCB[:])
	}
	if p.Version >= 3 {
		b[0x188], b[0x189], b[0x18A] = p.Family, p.Model, 1
	}
	copy(b[0x1A0:], p.ChipID[:])
	copy(b[0x1E8:], []byte{39, 55, 1, 0, 39, 55, 1, 0})
	if change != nil {
		change(b)
	}
	p.Sign(b)
	return b
}

// Sign puts a signature over the report's signed part.
func (p *Platform) Sign(b []byte) {
	digest := sha512.Sum384(b[:0x2A0])
	r, s, err := ecdsa.Sign(rand.Reader, p.vcekKey, digest[:])
	if err != nil {
		panic(err)
	}
	for i, n := range []*big.Int{r, s} {
		var field [72]byte
		n.FillBytes(field[:])
		slices.Reverse(field[:])
		copy(b[0x2A0+72*i:], field[:])
	}
}

// must is for tests, where a failure of the standard library ends the run.
func must[T any](v T, err error) T {
	if err != nil {
		panic(fmt.Sprintf("snptest: %v", err))
	}
	return v
}
