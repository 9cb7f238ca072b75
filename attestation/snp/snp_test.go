package snp

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/binary"
	"encoding/pem"
	"errors"
	"math/big"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/veriproof/notary/attestation/internal/snptest"
)

var inside = snptest.NotBefore.AddDate(1, 0, 0)

func rootsOf(p *snptest.Platform) Roots { return Roots{}.With(p.Certs[2]) }

func mustParse(t testing.TB, raw []byte) *Report {
	t.Helper()
	r, err := Parse(raw)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func mustChain(t testing.TB, pemBytes []byte) *Chain {
	t.Helper()
	c, err := ParseChain(pemBytes)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// fill gives each byte of a report a value of its own where the version allows.
func fill(version uint32) func([]byte) {
	return func(b []byte) {
		for _, r := range [][2]int{{0x010, 0x030}, {0x050, 0x188}, {0x1A0, 0x1EB}, {0x1EC, 0x1EF}, {0x1F0, 0x1F8}} {
			for i := r[0]; i < r[1]; i++ {
				b[i] = byte(i*7 + 1)
			}
		}
		if version >= 5 {
			for i := 0x1F8; i < 0x208; i++ {
				b[i] = byte(i*7 + 1)
			}
		}
	}
}

func TestParseRefuses(t *testing.T) {
	p := snptest.New("Genoa", 3)
	good := p.Report(nil)
	set := func(off int, v byte) func([]byte) []byte {
		return func(b []byte) []byte { b[off] = v; return b }
	}
	version := func(v uint32) func([]byte) []byte {
		return func(b []byte) []byte { binary.LittleEndian.PutUint32(b, v); return b }
	}
	isVersion := func(v uint32) func(error) bool {
		return func(err error) bool {
			var e *VersionError
			return errors.As(err, &e) && e.Version == v
		}
	}
	isFormat := func(err error) bool { return errors.Is(err, ErrFormat) }
	cases := []struct {
		name   string
		change func([]byte) []byte
		is     func(error) bool
	}{
		{"empty", func([]byte) []byte { return nil }, isFormat},
		{"one byte short", func(b []byte) []byte { return b[:ReportSize-1] }, isFormat},
		{"one byte long", func(b []byte) []byte { return append(b, 0) }, isFormat},
		{"version 0", version(0), isVersion(0)},
		{"version 1, as the sidecar invents it", version(1), isVersion(1)},
		{"version 4", version(4), isVersion(4)},
		{"version 6", version(6), isVersion(6)},
		{"version 2^31", version(1 << 31), isVersion(1 << 31)},
		{"no signature", func(b []byte) []byte { clear(b[SignedSize:]); return b }, func(err error) bool { return errors.Is(err, ErrNoSignature) }},
		{"reserved behind the signer info", set(0x4C, 1), isFormat},
		{"reserved behind the stepping", set(0x19F, 1), isFormat},
		{"reserved behind the current version", set(0x1EB, 1), isFormat},
		{"reserved behind the committed version", set(0x1EF, 1), isFormat},
		{"mitigations in version 3", set(0x1F8, 1), isFormat},
		{"reserved before the signature", set(0x29F, 1), isFormat},
		{"rest of the signature field", set(SignedSize+144, 1), isFormat},
		{"last byte", set(ReportSize-1, 1), isFormat},
		{"CPUID in version 2", version(2), isFormat},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			if _, err := Parse(c.change(bytes.Clone(good))); err == nil || !c.is(err) {
				t.Errorf("error is %v", err)
			}
		})
	}
}

func TestParseCopies(t *testing.T) {
	raw := snptest.New("Genoa", 3).Report(nil)
	r := mustParse(t, raw)
	want := bytes.Clone(raw)
	clear(raw)
	if !bytes.Equal(r.Raw, want) {
		t.Error("the report changes with the caller's bytes")
	}
}

func TestVerify(t *testing.T) {
	for _, line := range []string{"Milan", "Genoa", "Turin"} {
		for _, version := range []uint32{2, 3, 5} {
			p := snptest.New(line, version)
			r, c := mustParse(t, p.Report(nil)), mustChain(t, p.ChainPEM())
			if err := Verify(r, c, rootsOf(p), inside); err != nil {
				t.Errorf("%s version %d: %v", line, version, err)
			}
			if got, err := ProductOf(r, c); err != nil || got != Product(line) {
				t.Errorf("%s version %d: product is %q, %v", line, version, got, err)
			}
			if err := Verify(r, c, AMDRoots(), inside); !errors.Is(err, ErrUntrustedRoot) || !strings.Contains(err.Error(), ", which is not AMD's: it is a simulator's, or forged") {
				t.Errorf("%s version %d under AMD's roots: %v", line, version, err)
			}
			if err := Verify(r, c, Roots{}, inside); !errors.Is(err, ErrUntrustedRoot) {
				t.Errorf("%s version %d under no roots: %v", line, version, err)
			}
		}
	}
}

// TestEveryByteOfASignature: no byte of a signature may change without notice,
// and none of the signed part; of the latter TestRealEvidence tries every one.
func TestEveryByteOfASignature(t *testing.T) {
	p := snptest.New("Genoa", 5)
	raw, c, roots := p.Report(nil), mustChain(t, p.ChainPEM()), rootsOf(p)
	for i := range ReportSize {
		if i < SignedSize && i%11 != 0 {
			continue
		}
		b := bytes.Clone(raw)
		b[i] ^= 1 << (i % 8)
		r, err := Parse(b)
		if err == nil {
			err = Verify(r, c, roots, inside)
		}
		if err == nil {
			t.Errorf("byte 0x%x changed: accepted", i)
		}
	}
}

func TestVerifyRefuses(t *testing.T) {
	oid := func(cert *x509.Certificate, tail string, value []byte) {
		for i, e := range cert.ExtraExtensions {
			if e.Id.String() == kdsArc+tail {
				cert.ExtraExtensions[i].Value = value
			}
		}
	}
	onVCEK := func(f func(*x509.Certificate)) func(*snptest.Platform) {
		return func(p *snptest.Platform) {
			p.Certify(func(name string, c *x509.Certificate) {
				if name == "VCEK" {
					f(c)
				}
			})
		}
	}
	rename := func(which, cn string) func(*snptest.Platform) {
		return func(p *snptest.Platform) {
			p.Certify(func(name string, c *x509.Certificate) {
				if name == which {
					c.Subject.CommonName = cn
				}
			})
		}
	}
	expire := func(which string) func(*snptest.Platform) {
		return func(p *snptest.Platform) {
			p.Certify(func(name string, c *x509.Certificate) {
				if name == which {
					c.NotAfter = inside.Add(-time.Second)
				}
			})
		}
	}
	cases := []struct {
		name   string
		line   string
		plat   func(*snptest.Platform) // before the report is made
		report func([]byte)            // before it is signed
		after  func(*snptest.Platform) // after
		want   error
	}{
		{name: "signature algorithm", report: func(b []byte) { b[0x34] = 2 }, want: ErrSigner},
		{name: "signed by a VLEK", report: func(b []byte) { b[0x48] = 1 << 2 }, want: ErrSigner},
		{name: "signed by no key", report: func(b []byte) { b[0x48] = 7 << 2 }, want: ErrSigner},
		{name: "chip id masked", report: func(b []byte) { b[0x48] = 1 << 1 }, want: ErrBinding},
		{name: "chip id zero", report: func(b []byte) { clear(b[0x1A0:0x1E0]) }, want: ErrBinding},
		{name: "another chip", report: func(b []byte) { b[0x1A0] ^= 1 }, want: ErrBinding},
		{name: "bootloader newer than certified", report: func(b []byte) { b[0x180]++ }, want: ErrBinding},
		{name: "TEE newer than certified", report: func(b []byte) { b[0x181]++ }, want: ErrBinding},
		{name: "SNP newer than certified", report: func(b []byte) { b[0x186]++ }, want: ErrBinding},
		{name: "microcode newer than certified", report: func(b []byte) { b[0x187]++ }, want: ErrBinding},
		{name: "microcode older than certified", report: func(b []byte) { b[0x187]-- }, want: ErrBinding},
		{name: "FMC newer than certified", line: "Turin", report: func(b []byte) { b[0x180]++ }, want: ErrBinding},
		{name: "SNP newer than certified on Turin", line: "Turin", report: func(b []byte) { b[0x183]++ }, want: ErrBinding},
		{name: "chip id with a tail on Turin", line: "Turin", report: func(b []byte) { b[0x1DF] = 1 }, want: ErrBinding},
		{name: "CPUID of another line", report: func(b []byte) { b[0x189] = 0x01 }, want: ErrBinding},
		{name: "CPUID of no line", report: func(b []byte) { b[0x188] = 0x17 }, want: ErrBinding},
		{name: "VCEK of another line", plat: onVCEK(func(c *x509.Certificate) { oid(c, "2", ia5("Milan-B0")) }), want: ErrBinding},
		{name: "VCEK of an unknown line", plat: onVCEK(func(c *x509.Certificate) { oid(c, "2", ia5("Naples")) }), want: ErrBinding},
		{name: "VCEK whose product is no string", plat: onVCEK(func(c *x509.Certificate) { oid(c, "2", []byte{5, 0}) }), want: ErrFormat},
		{name: "VCEK whose level is 256", plat: onVCEK(func(c *x509.Certificate) { oid(c, "3.8", []byte{2, 2, 1, 0}) }), want: ErrFormat},
		{name: "VCEK whose level is negative", plat: onVCEK(func(c *x509.Certificate) { oid(c, "3.8", []byte{2, 1, 0xff}) }), want: ErrFormat},
		{name: "VCEK with trailing bytes in a level", plat: onVCEK(func(c *x509.Certificate) { oid(c, "3.8", []byte{2, 1, 219, 0}) }), want: ErrFormat},
		{name: "VCEK without extensions", plat: onVCEK(func(c *x509.Certificate) { c.ExtraExtensions = nil }), want: ErrFormat},
		{name: "VCEK without a hardware id", plat: onVCEK(func(c *x509.Certificate) { c.ExtraExtensions = c.ExtraExtensions[:len(c.ExtraExtensions)-1] }), want: ErrFormat},
		{name: "VCEK with a short hardware id", plat: onVCEK(func(c *x509.Certificate) { oid(c, "4", []byte{1, 2, 3, 4, 5, 6, 7, 8}) }), want: ErrBinding},
		{name: "ASK is the VLEK's", plat: rename("ASK", "SEV-VLEK-Genoa"), want: ErrChain},
		{name: "ASK of another line", plat: rename("ASK", "SEV-Milan"), want: ErrChain},
		{name: "ASK of no line", plat: rename("ASK", "SEV-"), want: ErrChain},
		{name: "ARK of another line", plat: rename("ARK", "ARK-Milan"), want: ErrChain},
		{name: "VCEK expired", plat: expire("VCEK"), want: ErrValidity},
		{name: "ASK expired", plat: expire("ASK"), want: ErrValidity},
		{name: "ARK expired", plat: expire("ARK"), want: ErrValidity},
		{name: "VCEK signed with PKCS 1", plat: onVCEK(func(c *x509.Certificate) { c.SignatureAlgorithm = x509.SHA384WithRSA }), want: ErrChain},
		{name: "VCEK signed with SHA-256", plat: onVCEK(func(c *x509.Certificate) { c.SignatureAlgorithm = x509.SHA256WithRSAPSS }), want: ErrChain},
		{name: "signed by an uncertified key", plat: (*snptest.Platform).NewVCEKKey, want: ErrSignature},
		{name: "chain of another chip", after: func(p *snptest.Platform) { p.HWID = bytes.Repeat([]byte{9}, 64); p.Certify(nil) }, want: ErrBinding},
		{name: "VCEK is not signed by the ASK", after: func(p *snptest.Platform) { p.Certs[0] = other(p).Certs[0]; p.Certs[0].Signature[9] ^= 1 }, want: ErrChain},
		{name: "ASK is not signed by the ARK", after: func(p *snptest.Platform) { p.Certs[1].Signature[9] ^= 1 }, want: ErrChain},
		{name: "ARK is not signed by itself", after: func(p *snptest.Platform) { p.Certs[2].Signature[9] ^= 1 }, want: ErrChain},
		{name: "VCEK issued by another name", after: func(p *snptest.Platform) { p.Certs[0].RawIssuer = p.Certs[2].RawSubject }, want: ErrChain},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			p := snptest.New(cmpOr(c.line, "Genoa"), 3)
			if c.plat != nil {
				c.plat(p)
			}
			r := mustParse(t, p.Report(c.report))
			if c.after != nil {
				c.after(p)
			}
			chain := &Chain{VCEK: p.Certs[0], ASK: p.Certs[1], ARK: p.Certs[2]}
			if err := Verify(r, chain, rootsOf(p), inside); !errors.Is(err, c.want) {
				t.Errorf("error is %v, want %v", err, c.want)
			}
		})
	}
}

func cmpOr(a, b string) string {
	if a == "" {
		return b
	}
	return a
}

func other(p *snptest.Platform) *snptest.Platform { return snptest.New(p.Line, p.Version) }

// ia5 is a short IA5String in DER.
func ia5(s string) []byte { return append([]byte{22, byte(len(s))}, s...) }

func TestVerifyTime(t *testing.T) {
	p := snptest.New("Turin", 5)
	r, c := mustParse(t, p.Report(nil)), mustChain(t, p.ChainPEM())
	for _, x := range []struct {
		at time.Time
		ok bool
	}{
		{snptest.NotBefore, true},
		{snptest.NotAfter, true},
		{snptest.NotBefore.Add(-time.Second), false},
		{snptest.NotAfter.Add(time.Second), false},
		{time.Time{}, false},
	} {
		err := Verify(r, c, rootsOf(p), x.at)
		if x.ok && err != nil || !x.ok && !errors.Is(err, ErrValidity) {
			t.Errorf("at %s: %v", x.at, err)
		}
	}
}

// Half a chain is what a caller makes who forgets to look at an error.
func TestVerifyIncompleteChain(t *testing.T) {
	p := snptest.New("Genoa", 3)
	r, c := mustParse(t, p.Report(nil)), mustChain(t, p.ChainPEM())
	for name, chain := range map[string]*Chain{
		"nil": nil, "empty": {}, "no VCEK": {ASK: c.ASK, ARK: c.ARK}, "no ASK": {VCEK: c.VCEK, ARK: c.ARK}, "no ARK": {VCEK: c.VCEK, ASK: c.ASK},
	} {
		if err := Verify(r, chain, rootsOf(p), inside); !errors.Is(err, ErrChain) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// A signature's components are numbers below the group's order: adding the order
// must not give a second signature of the same report.
func TestSignatureHasOneSpelling(t *testing.T) {
	p := snptest.New("Genoa", 3)
	raw, c := p.Report(nil), mustChain(t, p.ChainPEM())
	order, _ := new(big.Int).SetString("ffffffffffffffffffffffffffffffffffffffffffffffffc7634d81f4372ddf581a0db248b0a77aecec196accc52973", 16)
	for _, off := range []int{SignedSize, SignedSize + componentSize} {
		b := bytes.Clone(raw)
		n := littleEndian([componentSize]byte(b[off : off+componentSize]))
		var field [componentSize]byte
		n.Add(n, order).FillBytes(field[:])
		slices.Reverse(field[:])
		copy(b[off:], field[:])
		if err := Verify(mustParse(t, b), c, rootsOf(p), inside); !errors.Is(err, ErrSignature) {
			t.Errorf("component at 0x%x plus the order: %v", off, err)
		}
	}
}

func TestVerifyReportNotParsed(t *testing.T) {
	p := snptest.New("Genoa", 3)
	c := mustChain(t, p.ChainPEM())
	for _, r := range []*Report{nil, {}, {SignatureAlgo: 1, Raw: make([]byte, SignedSize-1)}} {
		if err := Verify(r, c, rootsOf(p), inside); !errors.Is(err, ErrFormat) {
			t.Errorf("%+v: %v", r, err)
		}
	}
}

func TestParseChain(t *testing.T) {
	p := snptest.New("Genoa", 3)
	certs := make([]string, 3)
	for i, c := range p.Certs {
		certs[i] = string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Raw}))
	}
	for _, order := range [][3]int{{0, 1, 2}, {0, 2, 1}, {1, 0, 2}, {1, 2, 0}, {2, 0, 1}, {2, 1, 0}} {
		c, err := ParseChain([]byte("\n" + certs[order[0]] + "\r\n" + certs[order[1]] + certs[order[2]] + "\n\n"))
		if err != nil || !c.VCEK.Equal(p.Certs[0]) || !c.ASK.Equal(p.Certs[1]) || !c.ARK.Equal(p.Certs[2]) {
			t.Errorf("order %v: %v", order, err)
			continue
		}
		if got := string(c.PEM()); got != strings.Join(certs, "") {
			t.Errorf("order %v: PEM gives another chain", order)
		}
	}
	junk := string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: []byte("junk")}))
	key := string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: []byte("key")}))
	for name, text := range map[string]string{
		"empty": "", "two": certs[0] + certs[1], "four": certs[0] + certs[1] + certs[2] + certs[2],
		"two roots": certs[0] + certs[2] + certs[2], "two VCEK": certs[0] + certs[0] + certs[1], "two ASK": certs[0] + certs[1] + certs[1],
		"not a certificate": certs[0] + certs[1] + junk, "a key": certs[0] + certs[1] + key,
		"text behind": strings.Join(certs, "") + "x", "text before": "x\n" + strings.Join(certs, ""), "text between": certs[0] + "x\n" + certs[1] + certs[2],
		"block header": strings.Replace(strings.Join(certs, ""), "-----\n", "-----\nX: y\n\n", 1), "block cut short before": "-----BEGIN CERTIFICATE-----\n" + strings.Join(certs, ""),
		"vertical tab": strings.Replace(strings.Join(certs, ""), "\n", "\v\n", 2), "too long": strings.Join(certs, "") + strings.Repeat(" ", maxChainSize),
	} {
		if _, err := ParseChain([]byte(text)); !errors.Is(err, ErrFormat) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// A chain's keys are bounded before any signature is checked under them.
func TestKeySizes(t *testing.T) {
	p := snptest.New("Genoa", 3)
	signer, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	for name, key := range map[string]*rsa.PublicKey{
		"modulus too large": {N: new(big.Int).SetBit(big.NewInt(1), 8192, 1), E: 65537},
		"exponent even":     {N: new(big.Int).SetBit(big.NewInt(1), 4095, 1), E: 65536},
		"exponent too long": {N: new(big.Int).SetBit(big.NewInt(1), 4095, 1), E: 1<<31 + 1},
	} {
		for i, place := range map[int]string{1: "ASK", 2: "ARK"} {
			template, parent := *p.Certs[i], &x509.Certificate{RawSubject: p.Certs[2].RawSubject}
			template.SignatureAlgorithm = x509.ECDSAWithSHA384
			der, err := x509.CreateCertificate(rand.Reader, &template, parent, key, signer)
			if err != nil {
				t.Fatal(err)
			}
			certs := p.Certs
			if certs[i], err = x509.ParseCertificate(der); err != nil {
				t.Fatal(err)
			}
			chain := Chain{VCEK: certs[0], ASK: certs[1], ARK: certs[2]}
			if _, err := ParseChain(chain.PEM()); !errors.Is(err, ErrFormat) || !strings.Contains(err.Error(), "RSA") {
				t.Errorf("%s of the %s: %v", name, place, err)
			}
		}
	}
}

func TestRoots(t *testing.T) {
	p, q := snptest.New("Genoa", 3), snptest.New("Genoa", 3)
	base := AMDRoots()
	with := base.With(p.Certs[2])
	if _, ok := base.Anchor(p.Certs[2]); ok {
		t.Error("With changed the set it was called on")
	}
	if name, ok := with.Anchor(p.Certs[2]); !ok || !strings.HasPrefix(name, "not AMD") {
		t.Errorf("anchor is %q, %v", name, ok)
	}
	q.Certify(func(_ string, c *x509.Certificate) { c.SerialNumber = big.NewInt(77) })
	if _, ok := with.Anchor(q.Certs[2]); ok {
		t.Error("a root with the same name and key, but another certificate, is trusted")
	}
	if len(amdPins) != 3 {
		t.Errorf("%d pinned roots", len(amdPins))
	}
	if _, ok := amdPins[sha256.Sum256(nil)]; ok || amdPins[[32]byte{}] != "" {
		t.Error("the pins have a value that is no certificate's")
	}
}

func FuzzParse(f *testing.F) {
	for _, v := range []uint32{2, 3, 5} {
		f.Add(snptest.New("Genoa", v).Report(fill(v)))
	}
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, b []byte) {
		r, err := Parse(b)
		if err != nil {
			return
		}
		if !bytes.Equal(r.Raw, b) {
			t.Error("Raw differs")
		}
		Appraise(r, nil, ReferenceValues{Products: []Product{Genoa}, MinimumTCB: map[Product]TCB{Genoa: {}}})
		if Verify(r, &Chain{}, AMDRoots(), inside) == nil {
			t.Error("verified without a chain")
		}
	})
}

func FuzzParseChain(f *testing.F) {
	f.Add(snptest.New("Turin", 5).ChainPEM())
	f.Add([]byte("-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n"))
	raw := snptest.New("Genoa", 3).Report(nil)
	f.Fuzz(func(t *testing.T, b []byte) {
		c, err := ParseChain(b)
		if err != nil {
			return
		}
		if Verify(mustParse(t, raw), c, AMDRoots(), inside) == nil {
			t.Error("verified a report of an unknown root")
		}
	})
}

func BenchmarkVerify(b *testing.B) {
	p := snptest.New("Genoa", 3)
	raw, chain, roots := p.Report(nil), p.ChainPEM(), rootsOf(p)
	for b.Loop() {
		r, err := Parse(raw)
		if err != nil {
			b.Fatal(err)
		}
		if err := Verify(r, mustChain(b, chain), roots, inside); err != nil {
			b.Fatal(err)
		}
	}
}
