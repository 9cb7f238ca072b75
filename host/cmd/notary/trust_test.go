package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracegrpc"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"github.com/veriproof/notary/attestation/challenge"
	"github.com/veriproof/notary/attestation/policy"
	"github.com/veriproof/notary/host/ingest"
	"github.com/veriproof/notary/sdk/attested"
	"github.com/veriproof/notary/sdk/proxy"
)

// gate makes a gate with the machine's policy.
func (m *machine) gate(t testing.TB, control string) *attested.Gate {
	t.Helper()
	return m.gateBy(t, "policy.yaml", control)
}

// gateBy makes a gate with the policy of a file.
func (m *machine) gateBy(t testing.TB, policyFile, control string) *attested.Gate {
	t.Helper()
	text, err := os.ReadFile(m.path(policyFile))
	if err != nil {
		t.Fatal(err)
	}
	p, err := policy.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	g, err := attested.New(attested.Options{Control: "https://" + control, Policy: p, Accept: challenge.Options{AllowSimulated: true}})
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// send exports one span with gRPC through a gate.
func send(t testing.TB, g *attested.Gate, address, key string) error {
	t.Helper()
	conn, err := grpc.NewClient(address, append(g.DialOptions(), grpc.WithPerRPCCredentials(attested.APIKey(key)))...)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	var reply []byte
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	return conn.Invoke(ctx, exportTraces, request("trusted", newSpan("chat", "content", "hello")), &reply, grpc.ForceCodec(rawCodec{}))
}

// post exports one span with HTTP through a gate.
func post(t testing.TB, g *attested.Gate, address, key string) error {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "https://"+address+"/v1/traces", bytes.NewReader(request("trusted", newSpan("chat", "content", "hello"))))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-protobuf")
	req.Header.Set("Authorization", "Bearer "+key)
	resp, err := g.RoundTripper().RoundTrip(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return errors.New(resp.Status)
	}
	return nil
}

// between ends TLS with a key of its own, for which an authority that the system
// trusts has signed a certificate, and passes everything on.
func between(t testing.TB, target string, change func(*http.Response) error) string {
	t.Helper()
	p := httputil.NewSingleHostReverseProxy(&url.URL{Scheme: "https", Host: target})
	p.Transport = &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, ForceAttemptHTTP2: true}
	p.ModifyResponse = change
	return public(t, p)
}

// public serves under a certificate that the system trusts, and returns the address.
func public(t testing.TB, h http.Handler) string {
	t.Helper()
	s := httptest.NewUnstartedServer(h)
	s.EnableHTTP2 = true
	s.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, 0) // handshakes are meant to fail
	s.TLS = &tls.Config{Certificates: []tls.Certificate{publicCertificate}}
	s.StartTLS()
	t.Cleanup(s.Close)
	return s.Listener.Addr().String()
}

func closedPort(t testing.TB) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// serveProxy serves a proxy until the test ends.
func serveProxy(t *testing.T, o proxy.Options) (overGRPC, overHTTP string) {
	t.Helper()
	x, err := proxy.New(o)
	if err != nil {
		t.Fatal(err)
	}
	var l [2]net.Listener
	for i := range l {
		if l[i], err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
			t.Fatal(err)
		}
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	done := make(chan error, 1)
	go func() { done <- x.Serve(ctx, l[0], l[1]) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("the proxy ended with %v", err)
		}
	})
	return l[0].Addr().String(), l[1].Addr().String()
}

// TestProxy: a stock exporter without TLS and without a key sends through the proxy, its
// answers are the notary's, and nothing passes a gate that is shut.
func TestProxy(t *testing.T) {
	t.Parallel()
	m := newMachine(t, setting{})
	p := m.start(t)
	c := m.connect(t, p)
	serve := func(control, key string, requests int) (overGRPC, overHTTP string) {
		t.Helper()
		return serveProxy(t, proxy.Options{Gate: m.gate(t, control), GRPC: p.ready.OTLP, HTTP: p.ready.OTLPHTTP, APIKey: key, Requests: requests})
	}
	rpc, web := serve(p.ready.Control, m.apiKey, 0)

	exporter, err := otlptracegrpc.New(t.Context(), otlptracegrpc.WithEndpoint(rpc), otlptracegrpc.WithInsecure(), otlptracegrpc.WithCompressor("gzip"))
	if err != nil {
		t.Fatal(err)
	}
	provider := sdktrace.NewTracerProvider(sdktrace.WithSyncer(exporter))
	_, span := provider.Tracer("app").Start(t.Context(), "through the proxy")
	span.End()
	if err := provider.Shutdown(t.Context()); err != nil {
		t.Fatalf("stock exporter: %v", err)
	}
	if _, metrics := c.get(t, "/metrics"); !regexp.MustCompile(`(?m)^notary_records_total\S* [1-9]`).Match(metrics) {
		t.Errorf("no record is counted:\n%.2000s", metrics)
	}

	call := func(address string, header ...string) (metadata.MD, error) {
		conn, err := grpc.NewClient(address, grpc.WithTransportCredentials(insecure.NewCredentials()))
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		var reply []byte
		var md metadata.MD
		ctx := metadata.AppendToOutgoingContext(t.Context(), header...)
		err = conn.Invoke(ctx, exportTraces, request("proxied", newSpan("chat", "content", "x")), &reply, grpc.ForceCodec(rawCodec{}), grpc.Header(&md))
		return md, err
	}
	if md, err := call(rpc, "authorization", "Bearer wrong"); err != nil || len(md.Get(ingest.PositionHeader)) != 1 {
		t.Errorf("a key of the exporter's own is dropped, and the position comes back: %v, %v", md, err)
	}
	resp, err := http.Post("http://"+web+"/v1/traces", "application/x-protobuf", bytes.NewReader(request("proxied", newSpan("chat", "content", "y"))))
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Errorf("HTTP: %v, %v", resp, err)
	}
	if resp, err = http.Post("http://"+web+"/v1/traces", "application/x-protobuf", strings.NewReader("no protobuf")); err != nil || resp.StatusCode != http.StatusBadRequest {
		t.Errorf("the notary's refusal: %v, %v", resp, err)
	}
	for _, media := range []string{"application/x-protobuf", "application/json"} {
		resp, err = http.Post("http://"+web+"/v1/traces", media, bytes.NewReader(make([]byte, proxy.MaxRequest+1)))
		if err != nil || resp.StatusCode != http.StatusRequestEntityTooLarge || resp.Header.Get("Content-Type") != media || resp.Header.Get("Retry-After") != "" {
			t.Errorf("larger than a proxy takes: %v, %v; want what no exporter sends again", resp, err)
		}
		if body, err := io.ReadAll(resp.Body); err != nil || !strings.Contains(string(body), fmt.Sprint("over the ", proxy.MaxRequest, " bytes")) {
			t.Errorf("larger than a proxy takes: %q, %v; want the limit", body, err)
		}
	}
	if resp, err = http.Get("http://" + web + "/v1/evidence"); err != nil || resp.StatusCode != http.StatusNotFound {
		t.Errorf("another path: %v, %v", resp, err)
	}

	// Without a key of the proxy's, the exporter's counts.
	own, _ := serve(p.ready.Control, "", 0)
	if _, err := call(own, "authorization", "Bearer "+m.apiKey); err != nil {
		t.Errorf("the exporter's own key: %v", err)
	}
	if _, err := call(own); status.Code(err) != codes.Unauthenticated {
		t.Errorf("no key: %v, want the notary's answer", err)
	}

	// A gate that is shut.
	shut, shutWeb := serve(between(t, p.ready.Control, nil), m.apiKey, 0)
	if _, err := call(shut); status.Code(err) != codes.Unavailable {
		t.Errorf("shut, gRPC: %v", err)
	}
	if resp, err = http.Post("http://"+shutWeb+"/v1/traces", "application/x-protobuf", nil); err != nil || resp.StatusCode != http.StatusServiceUnavailable || resp.Header.Get("Retry-After") == "" {
		t.Errorf("shut, HTTP: %v, %v", resp, err)
	}
}

// TestTrustFetchNowhere: a certificate that cannot be written is said to be so by the name that was
// asked for, and nothing is left.
func TestTrustFetchNowhere(t *testing.T) {
	t.Parallel()
	m := newMachine(t, setting{})
	p := m.start(t)
	m.connect(t, p) // writes the policy
	if err := os.Mkdir(m.path("taken"), 0o700); err != nil {
		t.Fatal(err)
	}
	for out, want := range map[string]string{"nowhere/notary.pem": "open nowhere/notary.pem: no such file", "taken": "error: taken is a directory"} {
		code, _, stderr := m.run(t, "trust", "fetch", "--policy", "policy.yaml", "-o", out, "https://"+p.ready.Control)
		if code != exitUsage || !strings.Contains(stderr, want) || !strings.Contains(stderr, "hint: -o names a file") {
			t.Errorf("-o %s: %d\n%s", out, code, stderr)
		}
	}
	if left, err := filepath.Glob(m.path("taken*")); err != nil || len(left) != 1 {
		t.Errorf("left are %q, %v", left, err)
	}
}

// TestTop: a person sees what a running notary does, and nothing of a session.
func TestTop(t *testing.T) {
	t.Parallel()
	m := newMachine(t, setting{})
	p := m.start(t)
	c := m.connect(t, p)
	c.mustExport(t, request("hidden-session", newSpan("chat", "content", "mail "+sampleEmail)))
	c.mustExport(t, request("ended-session", lastSpan("chat")))
	c.logged(t, "ended-session")
	good, err := os.ReadFile(m.path("notary.yaml"))
	if err == nil {
		err = errors.Join(os.WriteFile(m.path("notary.yaml"), append(good, "mod: shadow\n"...), 0o600), os.WriteFile(m.path("token"), []byte(m.operator+"\n"), 0o600))
	}
	if err != nil {
		t.Fatal(err)
	}
	if code, body := c.ask(t, http.MethodPost, "/v1/reload", m.operator); code == http.StatusOK {
		t.Fatalf("a broken configuration was taken: %s", body)
	}
	code, stdout, stderr := m.run(t, "top", "--once", "--policy", "policy.yaml", "--token-file", "token", "https://"+p.ready.Control)
	if code != exitOK {
		t.Fatalf("status %d\n%s%s", code, stdout, stderr)
	}
	for _, want := range []string{
		"takes data", "mode enforce", "accepted by the policy", "redact-pii, store-dir", "2 records in all", "OK 2", "1 parts open, 1 sealed (end 1), 1 with a log proof", "EMAIL 1",
		"fresh, accepted", "renewal in ", "0 bytes wait to be durable", "0 parts wait for their proof", "last warnings and errors", "ERROR  ", "reload",
	} {
		if !strings.Contains(stdout, want) {
			t.Errorf("top does not show %q\n%s", want, stdout)
		}
	}
	if strings.Contains(stdout, "-session") || strings.Contains(stdout, sampleEmail) {
		t.Errorf("top shows data of a session\n%s", stdout)
	}
	if err := os.WriteFile(m.path("wrong"), []byte("wrong"), 0o600); err != nil {
		t.Fatal(err)
	}
	if code, _, stderr := m.run(t, "top", "--once", "--policy", "policy.yaml", "--token-file", "wrong", "https://"+p.ready.Control); code != exitUsage || !strings.Contains(stderr, "hint: --token-file") {
		t.Errorf("a wrong token: %d\n%s", code, stderr)
	}
	if code, _, _ := m.run(t, "top", "--once", "--policy", "policy.yaml", "--token-file", "token", "https://"+between(t, p.ready.Control, nil)); code == exitOK {
		t.Error("top believes a relayed notary")
	}
}
