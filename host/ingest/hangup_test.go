package ingest

import (
	"bufio"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/grpc/codes"
)

// onLine serves OTLP over HTTP in a bubble, and returns what connects to it over HTTP/1.1.
func onLine(t *testing.T, observe func(Outcome)) (s *Server, connect func() net.Conn) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(24 * time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &private.PublicKey, private)
	if err != nil {
		t.Fatal(err)
	}
	s, err = New(Config{
		Certificate: tls.Certificate{Certificate: [][]byte{der}, PrivateKey: private}, Exporter: taking{}, Observe: observe,
		Senders: Senders{Keys: []Key{{Tenant: "acme", Hash: HashKey("key")}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	l := newLine()
	go func() {
		if err := s.ServeOverHTTP(l); err != nil {
			t.Error(err)
		}
	}()
	return s, func() net.Conn {
		ours, theirs := net.Pipe()
		l.coming <- ours
		return tls.Client(theirs, &tls.Config{InsecureSkipVerify: true, NextProtos: []string{"http/1.1"}})
	}
}

// TestT53RefusedAndNeverSent: who is refused before his body was read, and never sends it, hears so and holds
// neither his connection nor a shutdown for long.
func TestT53RefusedAndNeverSent(t *testing.T) {
	for _, c := range []struct {
		name, request string
		want          int
	}{
		{"metrics", "POST /v1/metrics HTTP/1.1\r\nX-Api-Key: key\r\nContent-Type: application/x-protobuf\r\n", http.StatusNotFound},
		{"no key", "POST /v1/traces HTTP/1.1\r\nContent-Type: application/x-protobuf\r\n", http.StatusUnauthorized},
		{"no content type", "POST /v1/traces HTTP/1.1\r\nX-Api-Key: key\r\n", http.StatusUnsupportedMediaType},
		{"PUT", "PUT /v1/traces HTTP/1.1\r\nX-Api-Key: key\r\nContent-Type: application/x-protobuf\r\n", http.StatusMethodNotAllowed},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s, connect := onLine(t, nil)
				conn := connect()
				defer conn.Close()
				start := time.Now()
				if err := conn.SetDeadline(start.Add(time.Hour)); err != nil {
					t.Fatal(err)
				}
				if _, err := io.WriteString(conn, c.request+"Host: x\r\nContent-Length: 100000\r\n\r\nx"); err != nil {
					t.Fatal(err)
				}
				answer, err := http.ReadResponse(bufio.NewReader(conn), nil)
				if err != nil {
					t.Fatalf("after %v: %v", time.Since(start), err)
				}
				if took := time.Since(start); answer.StatusCode != c.want || took > headerTime {
					t.Errorf("status %d after %v, want %d in %v", answer.StatusCode, took, c.want, headerTime)
				}
				if err := s.Shutdown(t.Context()); err != nil {
					t.Error(err)
				}
			})
		})
	}
}

// TestHangsUp: a sender who hangs up before all of his request was there has sent nothing malformed. What is
// packed and ends early is.
func TestHangsUp(t *testing.T) {
	for _, c := range []struct {
		name, encoding string
		announced      int
		want           codes.Code
	}{
		{"hangs up", "identity", 100000, codes.Canceled},
		{"hangs up in gzip", "gzip", 100000, codes.Canceled},
		{"all is there", "gzip", 3, codes.InvalidArgument},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				outcomes := make(chan Outcome, 1)
				s, connect := onLine(t, func(o Outcome) { outcomes <- o })
				conn := connect()
				_, err := fmt.Fprintf(conn, "POST /v1/traces HTTP/1.1\r\nHost: x\r\nX-Api-Key: key\r\nContent-Type: application/x-protobuf\r\nContent-Encoding: %s\r\nContent-Length: %d\r\n\r\n\x1f\x8b\x08", c.encoding, c.announced)
				if err != nil {
					t.Fatal(err)
				}
				if c.want == codes.Canceled {
					conn.Close()
				}
				if o := <-outcomes; o.Code != c.want {
					t.Errorf("%v: %v, want %v", o.Code, o.Err, c.want)
				}
				conn.Close()
				if err := s.Shutdown(t.Context()); err != nil {
					t.Error(err)
				}
			})
		})
	}
}
