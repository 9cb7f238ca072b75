package control_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"

	"github.com/veriproof/notary/host/control"
)

func TestTLSVersions(t *testing.T) {
	w := start(t, nil)
	addr := strings.TrimPrefix(w.url, "https://")
	for _, c := range []struct {
		version uint16
		ok      bool
	}{{tls.VersionTLS12, false}, {tls.VersionTLS13, true}} {
		roots := x509.NewCertPool()
		roots.AppendCertsFromPEM(keys().CertificatePEM())
		conn, err := tls.Dial("tcp", addr, &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS10, MaxVersion: c.version})
		if (err == nil) != c.ok {
			t.Errorf("TLS %#x: %v", c.version, err)
		}
		if err == nil {
			conn.Close()
		}
	}
	resp, err := http.Get("http://" + addr + "/healthz")
	if err == nil {
		resp.Body.Close()
		if resp.StatusCode == 200 {
			t.Error("answered over plain HTTP")
		}
	}
	http.DefaultClient.CloseIdleConnections()
}

// TestAnswersThatNobodyTakes: a stranger whose window has no room for the bodies of answers has a few
// of them wait for him on a connection, and not hundreds, each with a goroutine.
func TestAnswersThatNobodyTakes(t *testing.T) {
	w := start(t, nil)
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(keys().CertificatePEM())
	conn, err := tls.Dial("tcp", strings.TrimPrefix(w.url, "https://"), &tls.Config{RootCAs: roots, NextProtos: []string{"h2"}})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := conn.Write([]byte(http2.ClientPreface)); err != nil {
		t.Fatal(err)
	}
	frames := http2.NewFramer(conn, conn)
	if err := frames.WriteSettings(http2.Setting{ID: http2.SettingInitialWindowSize}); err != nil {
		t.Fatal(err)
	}
	var head bytes.Buffer
	fields := hpack.NewEncoder(&head)
	const asked = 64
	for i := range uint32(asked) {
		head.Reset()
		for _, f := range [][2]string{{":method", "GET"}, {":scheme", "https"}, {":path", "/v1/sessions/acme/s1"}, {":authority", "localhost"}} {
			if err := fields.WriteField(hpack.HeaderField{Name: f[0], Value: f[1]}); err != nil {
				t.Fatal(err)
			}
		}
		if err := frames.WriteHeaders(http2.HeadersFrameParam{StreamID: 2*i + 1, BlockFragment: head.Bytes(), EndHeaders: true, EndStream: true}); err != nil {
			t.Fatal(err)
		}
	}
	answered, refused := 0, 0
	for answered+refused < asked {
		frame, err := frames.ReadFrame()
		if err != nil {
			t.Fatalf("%d answered, %d refused: %v", answered, refused, err)
		}
		switch frame.(type) {
		case *http2.HeadersFrame:
			answered++
		case *http2.RSTStreamFrame:
			refused++
		}
	}
	if answered == 0 || answered > 10 {
		t.Errorf("%d answers wait for who does not take them, and %d streams were refused", answered, refused)
	}
}

func TestNewRefuses(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(*control.Options)
	}{
		{"no notary", func(o *control.Options) { o.Notary = nil }},
		{"no certificate", func(o *control.Options) { o.Certificate = tls.Certificate{} }},
		{"no OTLP certificate", func(o *control.Options) { o.OTLPCertificate = nil }},
		{"OTLP certificate is a key", func(o *control.Options) {
			o.OTLPCertificate = []byte("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n")
		}},
		{"OTLP certificate is garbage", func(o *control.Options) {
			o.OTLPCertificate = []byte("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")
		}},
		{"operator without token", func(o *control.Options) { o.Operators[0].Token = [32]byte{} }},
		{"operator without role", func(o *control.Options) { o.Operators[0].Roles = nil }},
		{"unknown role", func(o *control.Options) { o.Operators[0].Roles = []control.Role{"admin"} }},
		{"token twice", func(o *control.Options) { o.Operators[0].Token = o.Operators[1].Token }},
	} {
		o := options(newNotary(), io.Discard)
		c.change(&o)
		if _, err := control.New(o); !errors.Is(err, control.ErrOptions) {
			t.Errorf("%s: %v, want ErrOptions", c.name, err)
		}
	}
}

func TestServeReportsALostListener(t *testing.T) {
	s, err := control.New(options(newNotary(), io.Discard))
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l.Close()
	if err := s.Serve(context.Background(), l); err == nil {
		t.Error("nil from Serve on a closed listener")
	}
}
