package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
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
	text, err := os.ReadFile(m.path("policy.yaml"))
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

// between ends TLS with a key of its own and passes everything on: somebody with
// a certificate that an authority has signed.
func between(t testing.TB, target string, change func(*http.Response) error) string {
	t.Helper()
	p := httputil.NewSingleHostReverseProxy(&url.URL{Scheme: "https", Host: target})
	p.Transport = &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}
	p.ModifyResponse = change
	s := httptest.NewUnstartedServer(p)
	s.EnableHTTP2 = true
	s.StartTLS()
	t.Cleanup(s.Close)
	return s.Listener.Addr().String()
}

// TestGateAttacks: who is not the notary that the policy accepts gets nothing, and the error
// says why. All of it over real TLS, with a real notary where one is needed.
func TestGateAttacks(t *testing.T) {
	t.Parallel()
	m := newMachine(t, setting{})
	p := m.start(t)
	m.connect(t, p)

	if err := send(t, m.gate(t, p.ready.Control), p.ready.OTLP, m.apiKey); err != nil {
		t.Fatalf("the notary itself, gRPC: %v", err)
	}
	if err := post(t, m.gate(t, p.ready.Control), p.ready.OTLPHTTP, m.apiKey); err != nil {
		t.Fatalf("the notary itself, HTTP: %v", err)
	}

	refused := func(name string, want error, control, otlp, otlpHTTP string) {
		t.Helper()
		g := m.gate(t, control)
		if err := post(t, g, otlpHTTP, m.apiKey); !errors.Is(err, want) {
			t.Errorf("%s, HTTP: %v, want %v", name, err, want)
		}
		// gRPC keeps the text of what a handshake failed with, and not the error.
		err := send(t, g, otlp, m.apiKey)
		if status.Code(err) == codes.OK || !strings.Contains(err.Error(), want.Error()) {
			t.Errorf("%s, gRPC: %v, want %v", name, err, want)
		}
	}
	// In the middle of the data's way only: another key.
	var reached bytes.Buffer
	middle := httptest.NewUnstartedServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { _, _ = io.Copy(&reached, r.Body) }))
	middle.EnableHTTP2 = true
	middle.StartTLS()
	defer middle.Close()
	refused("another key with a valid certificate", attested.ErrPeer, p.ready.Control, middle.Listener.Addr().String(), middle.Listener.Addr().String())
	// In the middle of both ways: the Evidence is relayed, and it is true.
	relay := between(t, p.ready.Control, nil)
	refused("relayed Evidence", attested.ErrNotAttested, relay, between(t, p.ready.OTLP, nil), between(t, p.ready.OTLPHTTP, nil))
	refused("relayed Evidence, to the notary itself", attested.ErrNotAttested, relay, p.ready.OTLP, p.ready.OTLPHTTP)
	// An answer to an earlier nonce.
	recorded, err := challenge.Fetch(t.Context(), "https://"+p.ready.Control)
	if err != nil {
		t.Fatal(err)
	}
	replay := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _ = json.NewEncoder(w).Encode(recorded.Document) }))
	defer replay.Close()
	refused("replayed answer", attested.ErrNotAttested, replay.Listener.Addr().String(), p.ready.OTLP, p.ready.OTLPHTTP)
	// No attestation at all.
	nothing := httptest.NewTLSServer(http.NotFoundHandler())
	defer nothing.Close()
	refused("no Evidence", attested.ErrNotAttested, nothing.Listener.Addr().String(), p.ready.OTLP, p.ready.OTLPHTTP)
	refused("nobody there", attested.ErrNotAttested, closedPort(t), p.ready.OTLP, p.ready.OTLPHTTP)
	if reached.Len() > 0 {
		t.Errorf("%d bytes reached the wrong peer", reached.Len())
	}

	// trust fetch writes nothing for any of them.
	for name, control := range map[string]string{"relayed": relay, "replayed": replay.Listener.Addr().String(), "no Evidence": nothing.Listener.Addr().String()} {
		if code, _, stderr := m.run(t, "trust", "fetch", "--policy", "policy.yaml", "-o", "none.pem", "https://"+control); code == exitOK || !strings.Contains(stderr, "nothing was written") {
			t.Errorf("trust fetch, %s: status %d\n%s", name, code, stderr)
		}
	}
	if _, err := os.Stat(m.path("none.pem")); err == nil {
		t.Error("a certificate was written after a check that failed")
	}
	// A stock exporter with the certificate that trust fetch has written.
	if code, stdout, stderr := m.run(t, "trust", "fetch", "--policy", "policy.yaml", "-o", "notary.pem", "https://"+p.ready.Control); code != exitOK || !strings.Contains(stdout, "verdict: verified") {
		t.Fatalf("trust fetch: %d\n%s%s", code, stdout, stderr)
	}

	m.swap(t, p)
}

// swap stops the notary and starts one with other plugins on the same ports. A gate
// that was open, and trust fetch, refuse it; with a policy that accepts both, the gate
// follows to the new key.
func (m *machine) swap(t *testing.T, p *process) {
	t.Helper()
	before := m.gate(t, p.ready.Control)
	if err := post(t, before, p.ready.OTLPHTTP, m.apiKey); err != nil {
		t.Fatal(err)
	}
	old, err := os.ReadFile(m.path("policy.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	written, err := os.ReadFile(m.path("notary.pem"))
	if err != nil {
		t.Fatal(err)
	}
	p.stop(t)
	m.configure(t, setting{otlp: p.ready.OTLP, otlpHTTP: p.ready.OTLPHTTP, control: p.ready.Control, pii: `{"threshold": 900}`})
	again := m.start(t)
	if err := post(t, before, p.ready.OTLPHTTP, m.apiKey); !errors.Is(err, attested.ErrPluginSet) {
		t.Errorf("other plugins after a restart: %v, want %v", err, attested.ErrPluginSet)
	}
	if err := send(t, before, p.ready.OTLP, m.apiKey); err == nil || !strings.Contains(err.Error(), "notary.plugin") {
		t.Errorf("other plugins after a restart, gRPC: %v", err)
	}
	if code, stdout, _ := m.run(t, "trust", "fetch", "--policy", "policy.yaml", "-o", "notary.pem", "https://"+p.ready.Control); code != exitUnacceptable {
		t.Errorf("trust fetch of other plugins: %d, want %d\n%s", code, exitUnacceptable, stdout)
	}
	if now, err := os.ReadFile(m.path("notary.pem")); err != nil || !bytes.Equal(now, written) {
		t.Errorf("the certificate was changed after a check that failed: %v", err)
	}
	m.connect(t, again) // the policy now accepts both
	if now, _ := os.ReadFile(m.path("policy.yaml")); bytes.Equal(now, old) {
		t.Fatal("the policy has not changed")
	}
	follower := m.gate(t, again.ready.Control)
	if err := post(t, follower, again.ready.OTLPHTTP, m.apiKey); err != nil {
		t.Fatal(err)
	}
	again.stop(t)
	third := m.start(t)
	if err := post(t, follower, third.ready.OTLPHTTP, m.apiKey); err != nil {
		t.Errorf("after a restart with what the policy accepts: %v", err)
	}
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

// TestProxy: a stock exporter without TLS and without a key sends through the proxy, its
// answers are the notary's, and nothing passes a gate that is shut.
func TestProxy(t *testing.T) {
	t.Parallel()
	m := newMachine(t, setting{})
	p := m.start(t)
	c := m.connect(t, p)
	serve := func(control, key string, requests int) (overGRPC, overHTTP string) {
		t.Helper()
		o := proxy.Options{Gate: m.gate(t, control), GRPC: p.ready.OTLP, HTTP: p.ready.OTLPHTTP, APIKey: key, Requests: requests}
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

// TestTop: a person sees what a running notary does, and nothing of a session.
func TestTop(t *testing.T) {
	t.Parallel()
	m := newMachine(t, setting{})
	p := m.start(t)
	c := m.connect(t, p)
	c.mustExport(t, request("hidden-session", newSpan("chat", "content", "mail "+sampleEmail)))
	if err := os.WriteFile(m.path("token"), []byte(m.operator+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	code, stdout, stderr := m.run(t, "top", "--once", "--policy", "policy.yaml", "--token-file", "token", "https://"+p.ready.Control)
	if code != exitOK {
		t.Fatalf("status %d\n%s%s", code, stdout, stderr)
	}
	for _, want := range []string{"takes data", "mode enforce", "accepted by the policy", "redact-pii, store-dir", "1 records in all", "OK 1", "1 parts open", "EMAIL 1"} {
		if !strings.Contains(stdout, want) {
			t.Errorf("top does not show %q\n%s", want, stdout)
		}
	}
	if strings.Contains(stdout, "hidden-session") || strings.Contains(stdout, sampleEmail) {
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
