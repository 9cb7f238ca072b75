package attester_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"strings"
	"testing"

	"github.com/veriproof/notary/attestation/runtimedata"
	"github.com/veriproof/notary/host/attester"
)

func TestCertificateServes(t *testing.T) {
	l, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{MinVersion: tls.VersionTLS13, Certificates: []tls.Certificate{keys().TLS}})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	done := make(chan struct{})
	go func() {
		defer close(done)
		for range 2 {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			_, _ = io.Copy(conn, conn)
			conn.Close()
		}
	}()
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(keys().CertificatePEM()) {
		t.Fatal("the PEM holds no certificate")
	}
	for _, name := range []string{"127.0.0.1", "notary.example"} {
		conn, err := net.Dial("tcp", l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		c := tls.Client(conn, &tls.Config{RootCAs: roots, ServerName: name})
		if err := c.Handshake(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		c.Close()
	}
	<-done
}

func TestCertificateForm(t *testing.T) {
	block, rest := pem.Decode(keys().CertificatePEM())
	if block == nil || len(rest) > 0 {
		t.Fatal("not one PEM block")
	}
	c, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	pub, ok := c.PublicKey.(*ecdsa.PublicKey)
	if !ok || pub.Curve != elliptic.P256() || c.IsCA || c.KeyUsage != 0 || c.SerialNumber.Sign() <= 0 {
		t.Errorf("key %T, CA %v, usage %v, serial %v", c.PublicKey, c.IsCA, c.KeyUsage, c.SerialNumber)
	}
	if err := c.CheckSignature(c.SignatureAlgorithm, c.RawTBSCertificate, c.Signature); err != nil {
		t.Errorf("not self-signed: %v", err)
	}
	b, err := claims().RuntimeData(keys())
	if err != nil {
		t.Fatal(err)
	}
	d, err := runtimedata.Parse(b)
	if err != nil {
		t.Fatal(err)
	}
	if want := fmt.Sprintf("%x", keys().SPKI()); d.Notary.TLSSPKI != want {
		t.Errorf("tls_spki %s, want %s", d.Notary.TLSSPKI, want)
	}
	if n := keys().TransportPublic().N.BitLen(); n != 2048 {
		t.Errorf("transport key of %d bits", n)
	}
}

func TestNames(t *testing.T) {
	long := strings.Repeat("a", 64)
	for _, c := range []struct {
		name  string
		names []string
		ok    bool
	}{
		{"DNS", []string{"notary"}, true},
		{"wildcard", []string{"*.notary.example"}, true},
		{"IPv6", []string{"::1"}, true},
		{"none", nil, false},
		{"empty", []string{""}, false},
		{"URL", []string{"https://notary.example"}, false},
		{"port", []string{"notary.example:4317"}, false},
		{"space", []string{"notary example"}, false},
		{"hyphen first", []string{"-notary"}, false},
		{"hyphen last", []string{"notary-"}, false},
		{"empty label", []string{"a..b"}, false},
		{"dot last", []string{"a."}, false},
		{"long label", []string{long}, false},
		{"long name", []string{strings.Repeat("abc.", 64) + "d"}, false},
		{"star inside", []string{"a.*.b"}, false},
		{"not ASCII", []string{"nötary"}, false},
		{"too many", make([]string, 65), false},
	} {
		_, err := attester.GenerateKeys(c.names)
		if (err == nil) != c.ok || (err != nil && !errors.Is(err, attester.ErrNames)) {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}

// Keys that end up in a log line or an error by mistake show nothing.
func TestKeysAreNotPrinted(t *testing.T) {
	k := keys()
	var out bytes.Buffer
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d", "%T"} {
		fmt.Fprintf(&out, verb+"\n", k)
		fmt.Fprintf(&out, verb+"\n", struct{ K *attester.Keys }{k})
	}
	slog.New(slog.NewJSONHandler(&out, nil)).Info("x", "keys", k, "in", []any{k})
	slog.New(slog.NewTextHandler(&out, nil)).Info("x", "keys", k)
	b, err := json.Marshal(struct{ K *attester.Keys }{k})
	if err != nil {
		t.Fatal(err)
	}
	out.Write(b)
	seed := k.Signing.Seed()
	for _, secret := range []string{
		fmt.Sprintf("%x", seed), base64.StdEncoding.EncodeToString(seed), fmt.Sprint(seed), fmt.Sprintf("%d", seed[:4])[1:10],
	} {
		if strings.Contains(out.String(), secret) {
			t.Errorf("a private key is in the output:\n%s", out.String())
		}
	}
	if !strings.Contains(out.String(), "[attester keys]") {
		t.Error(out.String())
	}
}

func TestRuntimeDataWithoutPlugins(t *testing.T) {
	c := claims()
	c.Plugins = nil
	b, err := c.RuntimeData(keys())
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Contains(b, []byte(`"plugins":{}`)) {
		t.Errorf("%s", b)
	}
}
