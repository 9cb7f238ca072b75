package snp

import (
	"bytes"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/pem"
	"errors"
	"math/big"
	"testing"
	"time"

	"github.com/veriproof/notary/attestation/internal/snptest"
)

func mustCRL(t testing.TB, b []byte) *CRL {
	t.Helper()
	l, err := ParseCRL(b)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func TestCheckRevocation(t *testing.T) {
	p, milan := snptest.New("Genoa", 3), snptest.New("Milan", 3)
	c := mustChain(t, p.ChainPEM())
	next := inside.AddDate(0, 1, 0)
	list := func(next time.Time, serials ...int64) *CRL { return mustCRL(t, p.CRL(next, nil, serials...)) }
	forged := p.CRL(next, nil)
	forged[len(forged)-1] ^= 1
	otherAlg := p.CRL(next, func(l *x509.RevocationList) { l.SignatureAlgorithm = x509.SHA384WithRSA })
	newer := mustCRL(t, p.CRL(next.AddDate(1, 0, 0), func(l *x509.RevocationList) { l.ThisUpdate = next }))
	for _, x := range []struct {
		name  string
		lists []*CRL
		at    time.Time
		want  error
	}{
		{"empty list", []*CRL{list(next)}, inside, nil},
		// AMD's real list for Genoa has the ASK before the current one.
		{"old ASK", []*CRL{list(next, snptest.ASKSerial-1)}, inside, nil},
		{"to the second", []*CRL{list(next)}, next, nil},
		{"newer than the time", []*CRL{newer}, inside, nil},
		{"VCEK's serial, which is of another issuer", []*CRL{list(next, 0)}, inside, nil},
		{"stale and fresh", []*CRL{list(inside.Add(-1)), list(next)}, inside, nil},
		{"lists of two lines", []*CRL{mustCRL(t, milan.CRL(next, nil, snptest.ASKSerial)), list(next)}, inside, nil},
		{"none", nil, inside, ErrNoCRL},
		{"nil", []*CRL{nil}, inside, ErrNoCRL},
		{"of another line", []*CRL{mustCRL(t, milan.CRL(next, nil))}, inside, ErrNoCRL},
		{"stale", []*CRL{list(next)}, next.Add(time.Second), ErrCRLStale},
		{"ASK", []*CRL{list(next, 1, snptest.ASKSerial)}, inside, ErrRevoked},
		{"ARK", []*CRL{list(next, 0x20000)}, inside, ErrRevoked},
		{"ASK in a stale list beside a fresh one", []*CRL{list(inside.Add(-time.Hour), snptest.ASKSerial), list(next)}, inside, ErrRevoked},
		{"forged", []*CRL{mustCRL(t, forged)}, inside, ErrCRL},
		{"forged beside a good one", []*CRL{mustCRL(t, forged), list(next)}, inside, ErrCRL},
		{"signed with PKCS 1", []*CRL{mustCRL(t, otherAlg)}, inside, ErrCRL},
	} {
		l, err := CheckRevocation(c, x.lists, x.at)
		if !errors.Is(err, x.want) || (err == nil) != (l != nil) {
			t.Errorf("%s: %v, %v, want %v", x.name, l, err, x.want)
		}
	}
	var revoked *RevokedError
	if _, err := CheckRevocation(c, []*CRL{list(next, snptest.ASKSerial)}, inside); !errors.As(err, &revoked) ||
		revoked.Certificate != "ASK" || revoked.Serial.Int64() != snptest.ASKSerial || !revoked.Since.Equal(snptest.NotBefore) {
		t.Errorf("%v", err)
	}
	if _, err := CheckRevocation(&Chain{}, nil, inside); !errors.Is(err, ErrChain) {
		t.Errorf("half a chain: %v", err)
	}
}

func TestParseCRL(t *testing.T) {
	p := snptest.New("Genoa", 3)
	der := p.CRL(inside, nil, 5, 6)
	text := pem.EncodeToMemory(&pem.Block{Type: "X509 CRL", Bytes: der})
	for name, b := range map[string][]byte{"DER": der, "PEM": text} {
		l := mustCRL(t, b)
		if l.Issuer() != "ARK-Genoa" || !l.ThisUpdate().Equal(snptest.NotBefore) || !l.NextUpdate().Equal(inside) ||
			len(l.Serials()) != 2 || l.Serials()[1].Cmp(big.NewInt(6)) != 0 {
			t.Errorf("%s: %+v", name, l)
		}
	}
	critical := pkix.Extension{Id: asn1.ObjectIdentifier{2, 5, 29, 28}, Critical: true, Value: []byte{0x30, 0}}
	for name, b := range map[string][]byte{
		"empty": nil, "cut": der[:len(der)-1], "trailing byte": append(bytes.Clone(der), 0), "too large": make([]byte, maxCRLSize+1),
		"certificate": p.Certs[2].Raw, "PEM of another type": p.ChainPEM(), "two PEM blocks": append(bytes.Clone(text), text...),
		"partial": p.CRL(inside, func(l *x509.RevocationList) { l.ExtraExtensions = []pkix.Extension{critical} }),
		"indirect": p.CRL(inside, func(l *x509.RevocationList) {
			l.RevokedCertificateEntries[0].ExtraExtensions = []pkix.Extension{critical}
		}, 5),
	} {
		if l, err := ParseCRL(b); l != nil || !errors.Is(err, ErrCRL) {
			t.Errorf("%s: %v, %v", name, l, err)
		}
	}
}

func FuzzParseCRL(f *testing.F) {
	p := snptest.New("Genoa", 3)
	f.Add(p.CRL(inside, nil, snptest.ASKSerial))
	f.Add(pem.EncodeToMemory(&pem.Block{Type: "X509 CRL", Bytes: p.CRL(inside, nil)}))
	f.Add([]byte{0x30, 0x80})
	c := mustChain(f, snptest.New("Genoa", 3).ChainPEM())
	f.Fuzz(func(t *testing.T, b []byte) {
		l, err := ParseCRL(b)
		if err != nil {
			if !errors.Is(err, ErrCRL) {
				t.Errorf("untyped error %v", err)
			}
			return
		}
		_ = l.Serials()
		if _, err := CheckRevocation(c, []*CRL{l}, inside); err == nil && !bytes.Equal(l.list.RawIssuer, c.ARK.RawSubject) {
			t.Error("a list of another issuer counts")
		}
	})
}
