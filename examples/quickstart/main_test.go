package main

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/veriproof/notary/host/ingest"
	"github.com/veriproof/notary/host/otlpwire"
)

const apiKey = "quickstart-test-0123456789abcdef"

// stored stands for the notary behind its receiver: it notes which session each
// span belongs to, and which of them end it.
type stored struct {
	mu       sync.Mutex
	sessions map[string]int
	ended    map[string]bool
}

func (s *stored) Export(_ context.Context, _ string, sig otlpwire.Signal, body []byte) (ingest.Receipt, error) {
	req, err := otlpwire.Walk(body, sig, otlpwire.Limits{})
	if err != nil {
		return ingest.Receipt{}, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := range req.Records {
		id := string(req.SessionID(i))
		s.sessions[id]++
		s.ended[id] = s.ended[id] || req.Records[i].End
	}
	return ingest.Receipt{}, nil
}

// receive serves the notary's OTLP receiver over HTTP and TLS, and sets the
// environment of a client that was given certificate and key.
func receive(t *testing.T, s *stored) {
	t.Helper()
	cert, certPEM := selfSigned(t)
	server, err := ingest.New(ingest.Config{
		Certificate: cert, Exporter: s,
		Senders: ingest.Senders{Keys: []ingest.Key{{Tenant: "quickstart", Hash: ingest.HashKey(apiKey)}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "localhost:0")
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- server.ServeOverHTTP(l) }()
	t.Cleanup(func() {
		if err := server.Shutdown(context.Background()); err != nil {
			t.Error(err)
		}
		if err := <-served; err != nil {
			t.Error(err)
		}
	})
	_, port, _ := strings.Cut(l.Addr().String(), ":")
	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "https://localhost:"+port)
	t.Setenv("OTEL_EXPORTER_OTLP_HEADERS", "x-api-key="+apiKey)
	trust(t, certPEM)
}

// trust has the exporter trust one certificate.
func trust(t *testing.T, certPEM []byte) {
	t.Helper()
	name := filepath.Join(t.TempDir(), "notary.pem")
	if err := os.WriteFile(name, certPEM, 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("OTEL_EXPORTER_OTLP_CERTIFICATE", name)
}

func selfSigned(t *testing.T) (tls.Certificate, []byte) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), DNSNames: []string{"localhost"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key},
		pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
}

func TestSessionIsSentAndEnded(t *testing.T) {
	s := &stored{sessions: map[string]int{}, ended: map[string]bool{}}
	receive(t, s)
	var out bytes.Buffer
	if err := run(t.Context(), "s-1", &out); err != nil {
		t.Fatal(err)
	}
	if len(s.sessions) != 1 || s.sessions["s-1"] != 3 || !s.ended["s-1"] {
		t.Errorf("got %v, ended %v", s.sessions, s.ended)
	}
	if want := "session s-1: 3 spans acknowledged as durable, session ended\n"; out.String() != want {
		t.Errorf("got %q, want %q", out.String(), want)
	}
}

// A notary that does not know the key takes nothing, and the application is told.
func TestWrongKeyIsReported(t *testing.T) {
	s := &stored{sessions: map[string]int{}, ended: map[string]bool{}}
	receive(t, s)
	t.Setenv("OTEL_EXPORTER_OTLP_HEADERS", "x-api-key=another-key-0123456789abcdef")
	var out bytes.Buffer
	err := run(t.Context(), "s-1", &out)
	if err == nil || out.Len() != 0 || len(s.sessions) != 0 {
		t.Errorf("error %v, output %q, sessions %v", err, out.String(), s.sessions)
	}
	if err != nil && strings.Contains(err.Error(), "another-key") {
		t.Error("the error has the key in it")
	}
}

// Another server under the notary's name is not talked to.
func TestOtherCertificateIsRefused(t *testing.T) {
	s := &stored{sessions: map[string]int{}, ended: map[string]bool{}}
	receive(t, s)
	_, other := selfSigned(t)
	trust(t, other)
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	if err := run(ctx, "s-1", new(bytes.Buffer)); err == nil || len(s.sessions) != 0 {
		t.Errorf("error %v, sessions %v", err, s.sessions)
	}
}
