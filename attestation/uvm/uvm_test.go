package uvm

import (
	"bytes"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/asn1"
	"errors"
	"io/fs"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/veraison/go-cose"

	"github.com/veriproof/notary/attestation/internal/uvmtest"
)

var measurement = [48]byte{0: 1, 47: 0xfe}

func trust(s *uvmtest.Signer) Options { return Options{TrustedDIDs: []string{s.DID()}} }

func TestVerifyBothForms(t *testing.T) {
	s := uvmtest.New(nil)
	for form, b := range map[Form][]byte{
		FormJSON: s.Sign(s.JSON(ContainerFeed, "104", measurement)),
		FormCWT:  s.Sign(s.CWT(ContainerFeed, 104, measurement)),
	} {
		want := Endorsement{Form: form, Issuer: s.DID(), Feed: ContainerFeed, SVN: 104, Measurement: measurement, SignedAt: uvmtest.SignedAt}
		if e, err := Verify(b, trust(s)); err != nil || *e != want {
			t.Errorf("%s: %+v, %v", form, e, err)
		}
		if e, err := Parse(b); err != nil || *e != want {
			t.Errorf("%s: Parse gives %+v, %v", form, e, err)
		}
		for name, opts := range map[string]Options{
			"Microsoft alone": {}, "nobody": {TrustedDIDs: []string{}}, "a longer name": {TrustedDIDs: []string{s.DID() + "0"}},
		} {
			if _, err := Verify(b, opts); !errors.Is(err, ErrIssuer) {
				t.Errorf("%s trusting %s: %v", form, name, err)
			}
		}
	}
}

func TestSVNSpellings(t *testing.T) {
	s := uvmtest.New(nil)
	for payload, want := range map[string]uint64{
		`"x-ms-sevsnpvm-guestsvn":"100"`:                                  100,
		`"x-ms-sevsnpvm-guestsvn-int":104`:                                104,
		`"x-ms-sevsnpvm-guestsvn":"104","x-ms-sevsnpvm-guestsvn-int":104`: 104,
		`"x-ms-sevsnpvm-guestsvn":"100","x-ms-sevsnpvm-guestsvn-int":104`: 100,
		`"x-ms-sevsnpvm-guestsvn":"104","x-ms-sevsnpvm-guestsvn-int":100`: 100,
		`"x-ms-sevsnpvm-guestsvn":"104","other":"is not looked at"`:       104,
	} {
		msg := s.JSON(ContainerFeed, "", measurement)
		msg.Payload = []byte(`{"x-ms-sevsnpvm-launchmeasurement":"` + strings.Repeat("0a", 48) + `",` + payload + `}`)
		if e, err := Verify(s.Sign(msg), trust(s)); err != nil || e.SVN != want {
			t.Errorf("%s: %+v, %v", payload, e, err)
		}
	}
}

// cwt returns the CWT claims of a message to change.
func cwt(m *cose.Sign1Message) map[any]any {
	return m.Headers.Protected[cose.HeaderLabelCWTClaims].(map[any]any)
}

func TestVerifyRefuses(t *testing.T) {
	s := uvmtest.New(nil)
	o := uvmtest.New(nil)
	h := func(m *cose.Sign1Message) cose.ProtectedHeader { return m.Headers.Protected }
	cases := []struct {
		name string
		form Form
		msg  func(*cose.Sign1Message)
		want error
	}{
		{"JSON without iss", FormJSON, func(m *cose.Sign1Message) { delete(h(m), "iss") }, ErrFormat},
		{"JSON without feed", FormJSON, func(m *cose.Sign1Message) { delete(h(m), "feed") }, ErrFormat},
		{"JSON with iss as a number", FormJSON, func(m *cose.Sign1Message) { h(m)["iss"] = 1 }, ErrFormat},
		{"JSON with text for a time", FormJSON, func(m *cose.Sign1Message) { h(m)["signingtime"] = "now" }, ErrFormat},
		{"JSON whose payload is none", FormJSON, func(m *cose.Sign1Message) { m.Payload = []byte("{") }, ErrFormat},
		{"JSON with a short measurement", FormJSON, func(m *cose.Sign1Message) {
			m.Payload = []byte(`{"x-ms-sevsnpvm-guestsvn":"1","x-ms-sevsnpvm-launchmeasurement":"00"}`)
		}, ErrFormat},
		{"JSON without SVN", FormJSON, func(m *cose.Sign1Message) {
			m.Payload = []byte(`{"x-ms-sevsnpvm-launchmeasurement":"` + strings.Repeat("00", 48) + `"}`)
		}, ErrFormat},
		{"JSON with SVN in words", FormJSON, func(m *cose.Sign1Message) {
			m.Payload = bytes.Replace(m.Payload, []byte("104"), []byte("new"), 1)
		}, ErrFormat},
		{"both forms at once", FormJSON, func(m *cose.Sign1Message) { h(m)[cose.HeaderLabelCWTClaims] = cwt(s.CWT("f", 1, measurement)) }, ErrFormat},
		{"CWT without iss", FormCWT, func(m *cose.Sign1Message) { delete(cwt(m), cose.CWTClaimIssuer) }, ErrFormat},
		{"CWT without sub", FormCWT, func(m *cose.Sign1Message) { delete(cwt(m), cose.CWTClaimSubject) }, ErrFormat},
		{"CWT without svn", FormCWT, func(m *cose.Sign1Message) { delete(cwt(m), "svn") }, ErrFormat},
		{"CWT with a negative svn", FormCWT, func(m *cose.Sign1Message) { cwt(m)["svn"] = int64(-1) }, ErrFormat},
		{"CWT with svn as text", FormCWT, func(m *cose.Sign1Message) { cwt(m)["svn"] = "104" }, ErrFormat},
		{"CWT with 47 bytes", FormCWT, func(m *cose.Sign1Message) { m.Payload = m.Payload[:47] }, ErrFormat},
		{"CWT with 49 bytes", FormCWT, func(m *cose.Sign1Message) { m.Payload = append(bytes.Clone(m.Payload), 0) }, ErrFormat},
		{"critical header", FormCWT, func(m *cose.Sign1Message) {
			h(m)[cose.HeaderLabelCritical] = []any{"x"}
			h(m)["x"] = "y"
		}, ErrFormat},
		{"no chain", FormCWT, func(m *cose.Sign1Message) { delete(h(m), cose.HeaderLabelX5Chain) }, ErrFormat},
		{"one certificate", FormCWT, func(m *cose.Sign1Message) { h(m)[cose.HeaderLabelX5Chain] = []any{s.Chain[0].Raw} }, ErrFormat},
		{"seven certificates", FormCWT, func(m *cose.Sign1Message) {
			c := s.Chain[0].Raw
			h(m)[cose.HeaderLabelX5Chain] = []any{c, c, c, c, c, c, c}
		}, ErrFormat},
		{"junk in the chain", FormCWT, func(m *cose.Sign1Message) { h(m)[cose.HeaderLabelX5Chain] = []any{s.Chain[0].Raw, []byte("junk")} }, ErrFormat},
		{"issuer is no did:x509", FormCWT, func(m *cose.Sign1Message) { cwt(m)[cose.CWTClaimIssuer] = "did:web:example.org" }, ErrIssuer},
		{"issuer of somebody else", FormCWT, func(m *cose.Sign1Message) { cwt(m)[cose.CWTClaimIssuer] = o.DID() }, ErrIssuer},
		{"root of somebody else", FormCWT, func(m *cose.Sign1Message) {
			h(m)[cose.HeaderLabelX5Chain] = []any{s.Chain[0].Raw, s.Chain[1].Raw, o.Chain[2].Raw}
		}, ErrChain},
		{"right root, everything else of somebody else", FormCWT, func(m *cose.Sign1Message) {
			h(m)[cose.HeaderLabelX5Chain] = []any{o.Chain[0].Raw, o.Chain[1].Raw, s.Chain[2].Raw}
		}, ErrChain},
		{"leaf of somebody else", FormCWT, func(m *cose.Sign1Message) {
			h(m)[cose.HeaderLabelX5Chain] = []any{o.Chain[0].Raw, s.Chain[1].Raw, s.Chain[2].Raw}
		}, ErrChain},
		{"intermediate missing", FormCWT, func(m *cose.Sign1Message) {
			h(m)[cose.HeaderLabelX5Chain] = []any{s.Chain[0].Raw, s.Chain[2].Raw}
		}, ErrChain},
		{"signed before the leaf was valid", FormCWT, func(m *cose.Sign1Message) {
			cwt(m)[cose.CWTClaimIssuedAt] = uvmtest.Epoch(uvmtest.NotBefore.Add(-time.Hour).Unix())
		}, ErrChain},
		{"signed after the leaf was valid", FormJSON, func(m *cose.Sign1Message) {
			h(m)["signingtime"] = uvmtest.Epoch(uvmtest.NotAfter.Add(time.Hour).Unix())
		}, ErrChain},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			msg := s.CWT(ContainerFeed, 104, measurement)
			if c.form == FormJSON {
				msg = s.JSON(ContainerFeed, "104", measurement)
			}
			c.msg(msg)
			if e, err := Verify(s.Sign(msg), trust(s)); !errors.Is(err, c.want) {
				t.Errorf("%+v, %v, want %v", e, err, c.want)
			}
		})
	}
}

// T04: the leaf must have the usage that the issuer's DID names.
// A key that somebody else chose must not cost more than a real one, so keys
// without bounds are refused in every place of the chain, before any signature.
func TestKeySizes(t *testing.T) {
	s := uvmtest.New(nil)
	for name, c := range map[string]struct {
		bits, e int
		want    string
	}{
		"modulus one bit too large": {8193, 65537, "8193 bits"},
		"modulus of 115 KB":         {920_000, 1<<31 - 1, "920000 bits"},
		"exponent even":             {2048, 65536, "exponent 65536"},
		"exponent of 33 bits":       {2048, 1<<32 + 1, "exponent 4294967297"},
	} {
		cert := certificateOf(t, s, c.bits, c.e)
		for i := range 4 { // each of the three, and one beside the chain
			msg := s.CWT(ContainerFeed, 104, measurement)
			chain := []any{s.Chain[0].Raw, s.Chain[1].Raw, s.Chain[1].Raw, s.Chain[2].Raw}
			chain[i] = cert
			msg.Headers.Protected[cose.HeaderLabelX5Chain] = chain
			b := s.Sign(msg)
			if _, err := Verify(b, trust(s)); !errors.Is(err, ErrFormat) || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%s at %d: %v", name, i, err)
			}
			if _, err := Parse(b); !errors.Is(err, ErrFormat) {
				t.Errorf("%s at %d: Parse gives %v", name, i, err)
			}
		}
	}
}

// certificateOf has an RSA key that nobody holds and the name of the signer's CA.
func certificateOf(t testing.TB, s *uvmtest.Signer, bits, e int) []byte {
	t.Helper()
	n := new(big.Int).SetBit(big.NewInt(1), bits-1, 1)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: s.Chain[1].Subject, NotBefore: uvmtest.NotBefore, NotAfter: uvmtest.NotAfter,
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &rsa.PublicKey{N: n, E: e}, s.Key)
	if err != nil {
		t.Fatal(err)
	}
	return der
}

func TestLeafUsage(t *testing.T) {
	s := uvmtest.New(func(name string, c *x509.Certificate) {
		if name == "leaf" {
			c.UnknownExtKeyUsage = []asn1.ObjectIdentifier{{1, 3, 6, 1, 4, 1, 311, 76, 59, 1, 5}}
		}
	})
	if _, err := Verify(s.Sign(s.CWT(ContainerFeed, 104, measurement)), trust(s)); !errors.Is(err, ErrChain) {
		t.Error(err)
	}
}

func TestSignatureOfAnotherKey(t *testing.T) {
	s, o := uvmtest.New(nil), uvmtest.New(nil)
	s.Key = o.Key
	if _, err := Verify(s.Sign(s.JSON(ContainerFeed, "104", measurement)), trust(s)); !errors.Is(err, ErrSignature) {
		t.Error(err)
	}
}

// A message without a time of signing is checked in the leaf's validity.
func TestWithoutTime(t *testing.T) {
	s := uvmtest.New(nil)
	msg := s.JSON(ContainerFeed, "104", measurement)
	delete(msg.Headers.Protected, "signingtime")
	if e, err := Verify(s.Sign(msg), trust(s)); err != nil || !e.SignedAt.IsZero() {
		t.Errorf("%+v, %v", e, err)
	}
}

func TestAlgorithms(t *testing.T) {
	s := uvmtest.New(nil)
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	for alg, want := range map[cose.Algorithm]error{cose.AlgorithmPS384: ErrSignature, cose.AlgorithmPS256: ErrFormat, cose.AlgorithmPS512: ErrFormat} {
		msg := s.CWT(ContainerFeed, 104, measurement)
		msg.Headers.Protected[cose.HeaderLabelAlgorithm] = alg
		signer, err := cose.NewSigner(alg, key)
		if err != nil {
			t.Fatal(err)
		}
		if err := msg.Sign(rand.Reader, nil, signer); err != nil {
			t.Fatal(err)
		}
		b, err := msg.MarshalCBOR()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := Verify(b, trust(s)); !errors.Is(err, want) {
			t.Errorf("%s: %v, want %v", alg, err, want)
		}
	}
}

func TestBytesThatAreNone(t *testing.T) {
	s := uvmtest.New(nil)
	good := s.Sign(s.CWT(ContainerFeed, 104, measurement))
	for name, b := range map[string][]byte{
		"empty": nil, "text": []byte("endorsement"), "truncated": good[:len(good)-1], "byte behind": append(bytes.Clone(good), 0),
		"untagged": good[1:], "too large": make([]byte, MaxSize+1),
	} {
		if _, err := Verify(b, trust(s)); !errors.Is(err, ErrFormat) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestEveryByte: nothing in an endorsement without unprotected headers can
// change. The certificates are most of it and signatures are slow, so their bytes
// are sampled, and of the rest each form takes every other byte.
func TestEveryByte(t *testing.T) {
	s := uvmtest.New(nil)
	for form, b := range [][]byte{s.Sign(s.JSON(ContainerFeed, "104", measurement)), s.Sign(s.CWT(ContainerFeed, 104, measurement))} {
		first := bytes.Index(b, s.Chain[0].Raw)
		last := bytes.Index(b, s.Chain[2].Raw) + len(s.Chain[2].Raw)
		for i := range b {
			inChain := i >= first && i < last
			if inChain && i%211 != 0 || i%2 != form {
				continue
			}
			c := bytes.Clone(b)
			c[i] ^= 1 << (i % 8)
			var err error
			if inChain || i%173 == 0 {
				_, err = Verify(c, trust(s))
			} else {
				err = signatureOnly(c, s)
			}
			if err == nil {
				t.Errorf("byte %d changed: accepted", i)
			}
		}
	}
}

// signatureOnly leaves the chain out, which holds the same bytes each time.
func signatureOnly(b []byte, s *uvmtest.Signer) error {
	st, err := parse(b)
	if err != nil {
		return err
	}
	verifier, err := cose.NewVerifier(st.alg, &s.Key.PublicKey)
	if err != nil {
		return err
	}
	return st.msg.Verify(nil, verifier)
}

func TestValidDID(t *testing.T) {
	pin := strings.Repeat("A", 43)
	for did, want := range map[string]bool{
		MicrosoftDID: true,
		"did:x509:0:sha256:" + pin + "::eku:1.2.3":             true,
		"did:x509:1:sha256:" + pin + "::eku:1.2.3":             false,
		"did:x509:0:sha512:" + pin + "::eku:1.2.3":             false,
		"did:x509:0:sha256:" + pin + "=::eku:1.2.3":            false,
		"did:x509:0:sha256:" + pin[1:] + "::eku:1":             false,
		"did:x509:0:sha256:" + pin + "::eku:":                  false,
		"did:x509:0:sha256:" + pin:                             false,
		"did:x509:0:sha256:" + pin + "::eku:1.2::subject:CN:x": false,
		"": false,
	} {
		if ValidDID(did) != want {
			t.Errorf("%q: %v", did, !want)
		}
	}
}

// azure returns Microsoft's endorsements from the development data, if NOTARY_DATA
// names its directory, and none else.
func azure(t testing.TB) map[string][]byte {
	t.Helper()
	found := map[string][]byte{}
	dir := os.Getenv("NOTARY_DATA")
	if dir == "" {
		return found
	}
	err := filepath.WalkDir(filepath.Join(dir, "attest"), func(path string, d fs.DirEntry, err error) error {
		if err == nil && strings.HasPrefix(d.Name(), "uvm") && filepath.Ext(path) == ".cose" {
			found[path], err = os.ReadFile(path)
		}
		return err
	})
	if err != nil || len(found) < 3 {
		t.Fatalf("%d endorsements in %s: %v", len(found), dir, err)
	}
	return found
}

func TestAzure(t *testing.T) {
	for path, b := range azure(t) {
		e, err := Verify(b, Options{})
		if err != nil || e.Feed != ContainerFeed || e.SVN < 100 || e.Issuer != MicrosoftDID || e.SignedAt.IsZero() {
			t.Errorf("%s: %+v, %v", path, e, err)
			continue
		}
		if _, err := Verify(b, trust(uvmtest.New(nil))); !errors.Is(err, ErrIssuer) {
			t.Errorf("%s under another issuer: %v", path, err)
		}
		i := bytes.Index(b, []byte(ContainerFeed))
		c := bytes.Clone(b)
		c[i] = 'c'
		if _, err := Verify(c, Options{}); !errors.Is(err, ErrSignature) {
			t.Errorf("%s with another feed: %v", path, err)
		}
	}
}

func FuzzVerify(f *testing.F) {
	s := uvmtest.New(nil)
	f.Add(s.Sign(s.JSON(ContainerFeed, "104", measurement)))
	f.Add(s.Sign(s.CWT(ContainerFeed, 104, measurement)))
	f.Add([]byte{0xd2, 0x84, 0x40, 0xa0, 0xf6, 0x40})
	for _, b := range azure(f) {
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		e, err := Verify(b, Options{TrustedDIDs: []string{MicrosoftDID}})
		if err == nil && (e.Issuer != MicrosoftDID || e.Feed == "") {
			t.Errorf("accepted %+v", e)
		}
		p, perr := Parse(b)
		if perr != nil && !errors.Is(perr, ErrFormat) {
			t.Errorf("untyped error %v", perr)
		}
		if err == nil && (perr != nil || *p != *e) {
			t.Error("Parse and Verify differ")
		}
	})
}
