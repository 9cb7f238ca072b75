package main

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"errors"
	"io"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"

	"github.com/veriproof/notary/attestation"
	"github.com/veriproof/notary/attestation/challenge"
	"github.com/veriproof/notary/sdk/attested"
	"github.com/veriproof/notary/sdk/proxy"
	"github.com/veriproof/notary/sdk/telemetry"
)

// publicCertificate is for localhost, by an authority that the system trusts: what an
// attacker has who can answer for a name.
var publicCertificate tls.Certificate

// trustPublicAuthority makes an authority, adds it to those that the system trusts, for
// this process and those that it starts, and has it sign publicCertificate.
func trustPublicAuthority(dir string) error {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	authority := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "Public authority"}, IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageCertSign, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
	}
	root, err := x509.CreateCertificate(rand.Reader, authority, authority, &key.PublicKey, key)
	if err != nil {
		return err
	}
	own, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	leaf, err := x509.CreateCertificate(rand.Reader, &x509.Certificate{
		SerialNumber: big.NewInt(2), DNSNames: []string{"localhost"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}, NotBefore: authority.NotBefore, NotAfter: authority.NotAfter,
	}, authority, &own.PublicKey, key)
	if err != nil {
		return err
	}
	publicCertificate = tls.Certificate{Certificate: [][]byte{leaf, root}, PrivateKey: own}
	file := filepath.Join(dir, "authorities.pem")
	// The directories of the system's own are read besides.
	return errors.Join(
		os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: root}), 0o644),
		os.Setenv("SSL_CERT_FILE", file),
	)
}

// An attack is somebody in the place of the notary, or a notary that is not accepted.
type attack struct {
	control, otlp, otlpHTTP string
	policy                  string // file; "" is the machine's
	want                    error  // of the SDK, and in the proxy's log
	// fetch is how trust fetch ends, and what it says. If it is 0, the attack is not on
	// what trust fetch looks at, and the exporter that it configures has to refuse.
	fetch int
	says  string
}

// TestClientAttacks: whoever is not the notary that the policy accepts gets nothing,
// neither from the SDK, nor from an exporter behind trust fetch, nor through the
// proxy, and each says why. All of it over real TLS, with a real notary.
func TestClientAttacks(t *testing.T) {
	t.Parallel()
	m := newMachine(t, setting{})
	p := m.start(t)
	m.connect(t, p)
	honest := attack{control: p.ready.Control, otlp: p.ready.OTLP, otlpHTTP: p.ready.OTLPHTTP}

	// What reaches a thief. In the middle of the data's way there is nobody else.
	var stolen atomic.Int64
	count := http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		n, _ := io.Copy(io.Discard, r.Body)
		stolen.Add(n + 1)
	})
	thief := public(t, count)
	resp, err := http.Post("https://"+thief, "text/plain", nil)
	if err != nil || stolen.Swap(0) == 0 {
		t.Fatalf("the system does not trust the attacker's certificate, so nothing is shown: %v", err)
	}
	resp.Body.Close()
	recorded, err := challenge.Fetch(t.Context(), "https://"+p.ready.Control)
	if err != nil {
		t.Fatal(err)
	}
	answer := func(d challenge.Document) string {
		return public(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _ = json.NewEncoder(w).Encode(d) }))
	}
	unanswered := recorded.Document
	unanswered.Answer = nil
	plain := httptest.NewServer(count)
	plain.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, 0)
	t.Cleanup(plain.Close)
	policyText, err := os.ReadFile(m.path("policy.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(m.path("young.yaml"), append(policyText, "\nmax_age: 1ns\n"...), 0o644); err != nil {
		t.Fatal(err)
	}
	young, err := readPolicy(m.path("young.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	eventually(t, "the token is a second old", func() bool {
		aged := *recorded
		aged.At = time.Now()
		return attestation.Verdict(aged.Appraise(young, challenge.Options{AllowSimulated: true})) != attestation.Verified
	})
	// A notary bounds the challenges of one address.
	addresses := byte(1)
	asked := func() string {
		addresses++
		return newWire(t, p.ready.Control, addresses).address
	}
	on := func(control string, want error, says string) attack {
		return attack{control: control, otlp: thief, otlpHTTP: thief, want: want, fetch: exitUsage, says: says}
	}
	attacks := map[string]attack{
		"evidence relayed, other key": on(between(t, asked(), nil), attested.ErrNotAttested, challenge.ErrConnection.Error()),
		"stale evidence": {
			control: asked(), otlp: honest.otlp, otlpHTTP: honest.otlpHTTP, policy: "young.yaml",
			want: attested.ErrUnacceptable, fetch: exitStale, says: "maa.age",
		},
		"nonce replayed":                             on(answer(recorded.Document), attested.ErrNotAttested, challenge.ErrNonce.Error()),
		"valid public certificate":                   {control: asked(), otlp: thief, otlpHTTP: thief, want: attested.ErrPeer},
		"downgrade: no Evidence":                     on(public(t, http.NotFoundHandler()), attested.ErrNotAttested, "404"),
		"downgrade: Evidence that answers no nonce":  on(answer(unanswered), attested.ErrNotAttested, challenge.ErrFormat.Error()),
		"downgrade: no TLS on the control interface": on(strings.TrimPrefix(plain.URL, "http://"), attested.ErrNotAttested, challenge.ErrFetch.Error()),
		"downgrade: sent elsewhere for the Evidence": on(public(t, http.RedirectHandler("https://"+p.ready.Control+challenge.Path, http.StatusTemporaryRedirect)), attested.ErrNotAttested, "307"),
		"downgrade: control interface cannot be had": on(closedPort(t), attested.ErrUnreachable, challenge.ErrFetch.Error()),
		"downgrade: the notary's Evidence, cut short": on(between(t, asked(), func(r *http.Response) error {
			r.Body = http.NoBody
			r.ContentLength = 0
			r.Header.Del("Content-Length")
			return nil
		}), attested.ErrNotAttested, challenge.ErrFetch.Error()),
	}
	for name, a := range attacks {
		t.Run(name+"/SDK", func(t *testing.T) { m.attackSDK(t, &a) })
		t.Run(name+"/trust fetch", func(t *testing.T) { m.attackFetch(t, &a) })
		t.Run(name+"/proxy", func(t *testing.T) { m.attackProxy(t, &a) })
	}
	if n := stolen.Load(); n > 0 {
		t.Errorf("%d bytes and requests reached the attacker", n)
	}
	// It is the attack that is refused.
	g := m.gate(t, asked())
	if err := errors.Join(send(t, g, honest.otlp, m.apiKey), post(t, g, honest.otlpHTTP, m.apiKey)); err != nil {
		t.Errorf("the notary itself: %v", err)
	}
	t.Run("appraisal too old", func(t *testing.T) { m.outlive(t, honest, newWire(t, p.ready.Control, addresses+1)) })
	t.Run("plugin set swapped at restart", func(t *testing.T) { m.swap(t, p) })
}

func (m *machine) attacked(t *testing.T, a *attack) *attested.Gate {
	t.Helper()
	return m.gateBy(t, or(a.policy, "policy.yaml"), a.control)
}

func (m *machine) attackSDK(t *testing.T, a *attack) {
	g := m.attacked(t, a)
	if err := post(t, g, a.otlpHTTP, m.apiKey); !errors.Is(err, a.want) {
		t.Errorf("HTTP: %v, want %v", err, a.want)
	}
	// gRPC keeps the text of what a handshake failed with, and not the error.
	err := send(t, g, a.otlp, m.apiKey)
	if status.Code(err) == codes.OK || !strings.Contains(err.Error(), a.want.Error()) {
		t.Errorf("gRPC: %v, want %v", err, a.want)
	}
	_, err = g.Check(t.Context())
	if a.fetch == exitStale && (!errors.Is(err, attested.ErrStale) || errors.Is(err, attested.ErrPluginSet)) {
		t.Errorf("%v is not %v", err, attested.ErrStale)
	}
	if a.want == attested.ErrPeer {
		return // the tracer provider sends over the same connections, and tries for a minute
	}
	_, err = telemetry.Start(t.Context(), telemetry.Options{Gate: g, Endpoint: a.otlp, APIKey: m.apiKey})
	if !errors.Is(err, a.want) || strings.Contains(err.Error(), m.apiKey) {
		t.Errorf("tracer provider: %v, want %v", err, a.want)
	}
}

func (m *machine) attackFetch(t *testing.T, a *attack) {
	out := filepath.Join(t.TempDir(), "notary.pem")
	if a.fetch != exitOK {
		if err := os.WriteFile(out, []byte("from before"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	code, stdout, stderr := m.run(t, "trust", "fetch", "--policy", or(a.policy, "policy.yaml"), "-o", out, "https://"+a.control)
	if code != a.fetch || !strings.Contains(stdout+stderr, a.says) {
		t.Errorf("status %d, want %d and %q\n%s%s", code, a.fetch, a.says, stdout, stderr)
	}
	if a.fetch != exitOK {
		if now, err := os.ReadFile(out); err != nil || string(now) != "from before" || !strings.Contains(stdout+stderr, "nothing was written") {
			t.Errorf("after a check that failed the file has %q, %v\n%s%s", now, err, stdout, stderr)
		}
		return
	}
	var unknown x509.UnknownAuthorityError
	if err := stock(t, out, a.otlpHTTP, m.apiKey); !errors.As(err, &unknown) {
		t.Errorf("a stock exporter: %v", err)
	}
}

// stock exports one span with the stock exporter, which trusts one certificate.
func stock(t *testing.T, certificate, address, key string) error {
	t.Helper()
	text, err := os.ReadFile(certificate)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(text) {
		t.Fatalf("%s is no certificate", certificate)
	}
	e, err := otlptracehttp.New(t.Context(), otlptracehttp.WithEndpoint(address), otlptracehttp.WithTLSClientConfig(&tls.Config{RootCAs: roots}),
		otlptracehttp.WithHeaders(map[string]string{"x-api-key": key}), otlptracehttp.WithRetry(otlptracehttp.RetryConfig{}))
	if err != nil {
		t.Fatal(err)
	}
	err = e.ExportSpans(t.Context(), tracetest.SpanStubs{{Name: "chat"}}.Snapshots())
	return errors.Join(err, e.Shutdown(t.Context()))
}

func (m *machine) attackProxy(t *testing.T, a *attack) {
	var log buffer
	o := proxy.Options{Gate: m.attacked(t, a), GRPC: a.otlp, HTTP: a.otlpHTTP, APIKey: m.apiKey, Logger: slog.New(slog.NewTextHandler(&log, nil))}
	rpc, web := serveProxy(t, o)
	m.refusing(t, rpc, web, &log, a.want.Error())
}

// refusing wants a proxy to answer "unavailable" to an exporter, and to say why.
func (m *machine) refusing(t *testing.T, rpc, web string, log *buffer, why string) {
	t.Helper()
	conn, err := grpc.NewClient(rpc, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	var reply []byte
	err = conn.Invoke(ctx, exportTraces, request("trusted", newSpan("chat", "content", "hello")), &reply, grpc.ForceCodec(rawCodec{}))
	if status.Code(err) != codes.Unavailable || !strings.Contains(log.String(), why) {
		t.Errorf("gRPC: %v, want Unavailable, and in the log %q\n%s", err, why, log.String())
	}
	seen := len(log.String())
	resp, err := http.Post("http://"+web+"/v1/traces", "application/x-protobuf", bytes.NewReader(request("trusted", newSpan("chat", "content", "hello"))))
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusServiceUnavailable || resp.Header.Get("Retry-After") == "" || !strings.Contains(log.String()[seen:], why) {
		t.Errorf("HTTP: %s, want 503 with Retry-After, and in the log %q\n%s", resp.Status, why, log.String())
	}
	if strings.Contains(log.String(), m.apiKey) || strings.Contains(log.String(), "hello") {
		t.Errorf("the log has more in it than why\n%s", log.String())
	}
}

// outlive lets the control interface be cut off after an appraisal: what was accepted
// counts for its time and not longer.
func (m *machine) outlive(t *testing.T, honest attack, control *wire) {
	p, err := readPolicy(m.path("policy.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	g, err := attested.New(attested.Options{
		Control: "https://" + control.address, Policy: p, Accept: challenge.Options{AllowSimulated: true}, Validity: time.Nanosecond,
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := post(t, g, honest.otlpHTTP, m.apiKey); err != nil {
		t.Fatalf("while it can be asked: %v", err)
	}
	var log buffer
	rpc, web := serveProxy(t, proxy.Options{Gate: g, GRPC: honest.otlp, HTTP: honest.otlpHTTP, APIKey: m.apiKey, Logger: slog.New(slog.NewTextHandler(&log, nil))})
	control.cut()
	if err := post(t, g, honest.otlpHTTP, m.apiKey); !errors.Is(err, attested.ErrStale) || !errors.Is(err, attested.ErrNotAttested) {
		t.Errorf("HTTP: %v, want %v", err, attested.ErrStale)
	}
	if err := send(t, g, honest.otlp, m.apiKey); err == nil || !strings.Contains(err.Error(), attested.ErrStale.Error()) {
		t.Errorf("gRPC: %v, want %v", err, attested.ErrStale)
	}
	m.refusing(t, rpc, web, &log, attested.ErrStale.Error())
}

// A wire passes connections on, from an address 127.0.0.n, until it is cut.
type wire struct {
	address string
	cut     func()
}

func newWire(t *testing.T, target string, n byte) *wire {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	from := net.Dialer{}
	if runtime.GOOS == "linux" { // elsewhere there is only one such address
		from.LocalAddr = &net.TCPAddr{IP: net.IPv4(127, 0, 0, n)}
	}
	go func() {
		for {
			in, err := l.Accept()
			if err != nil {
				return
			}
			out, err := from.DialContext(context.WithoutCancel(t.Context()), "tcp", target)
			if err != nil {
				in.Close()
				continue
			}
			go func() { _, _ = io.Copy(out, in); out.Close() }()
			go func() { _, _ = io.Copy(in, out); in.Close() }()
		}
	}()
	return &wire{address: l.Addr().String(), cut: func() { l.Close() }}
}

// watch runs "trust fetch --watch" until the test ends, and returns what it says.
func (m *machine) watch(t *testing.T, out, control string) (says *buffer) {
	t.Helper()
	says = new(buffer)
	cmd := exec.Command(m.bin.notary, "trust", "fetch", "--policy", "policy.yaml", "-o", out, "--watch", "--every", "1s", "https://"+control)
	cmd.Dir, cmd.Stdout, cmd.Stderr = m.dir, says, says
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM) // an error means that it has ended
		if err := cmd.Wait(); err != nil {
			t.Errorf("trust fetch --watch: %v\n%s", err, says.String())
		}
	})
	return says
}

// swap stops the notary and starts one with other plugins on the same ports. Clients
// that were open refuse it, and the certificate that a watch wrote does not let a stock
// exporter reach it. With a policy that accepts both, clients follow to the new keys.
func (m *machine) swap(t *testing.T, p *process) {
	open := m.gate(t, p.ready.Control)
	if err := post(t, open, p.ready.OTLPHTTP, m.apiKey); err != nil {
		t.Fatal(err)
	}
	var log buffer
	rpc, web := serveProxy(t, proxy.Options{
		Gate: m.gate(t, p.ready.Control), GRPC: p.ready.OTLP, HTTP: p.ready.OTLPHTTP, APIKey: m.apiKey, Logger: slog.New(slog.NewTextHandler(&log, nil)),
	})
	through := func() error {
		resp, err := http.Post("http://"+web+"/v1/traces", "application/x-protobuf", bytes.NewReader(request("trusted", newSpan("chat", "content", "hello"))))
		if err == nil && resp.StatusCode != http.StatusOK {
			err = errors.New(resp.Status)
		}
		return err
	}
	if err := through(); err != nil {
		t.Fatalf("proxy: %v", err)
	}
	says := m.watch(t, "watched.pem", p.ready.Control)
	eventually(t, "the watch has written", func() bool { return strings.Contains(says.String(), "wrote watched.pem") })
	written, err := os.ReadFile(m.path("watched.pem"))
	if err != nil {
		t.Fatal(err)
	}
	if err := stock(t, m.path("watched.pem"), p.ready.OTLPHTTP, m.apiKey); err != nil {
		t.Fatalf("a stock exporter: %v", err)
	}

	p.stop(t)
	m.configure(t, setting{otlp: p.ready.OTLP, otlpHTTP: p.ready.OTLPHTTP, control: p.ready.Control, pii: `{"threshold": 900}`})
	again := m.start(t)
	if err := post(t, open, p.ready.OTLPHTTP, m.apiKey); !errors.Is(err, attested.ErrPluginSet) || !errors.Is(err, attested.ErrUnacceptable) {
		t.Errorf("SDK, HTTP: %v, want %v", err, attested.ErrPluginSet)
	}
	if err := send(t, open, p.ready.OTLP, m.apiKey); err == nil || !strings.Contains(err.Error(), "notary.plugin") {
		t.Errorf("SDK, gRPC: %v", err)
	}
	m.refusing(t, rpc, web, &log, "notary.plugin")
	if code, stdout, _ := m.run(t, "trust", "fetch", "--policy", "policy.yaml", "-o", "watched.pem", "https://"+p.ready.Control); code != exitUnacceptable {
		t.Errorf("trust fetch: %d, want %d\n%s", code, exitUnacceptable, stdout)
	}
	eventually(t, "the watch refuses the notary", func() bool { return strings.Contains(says.String(), "notary.plugin-set") })
	if now, err := os.ReadFile(m.path("watched.pem")); err != nil || !slices.Equal(now, written) || !strings.Contains(says.String(), "nothing was written") {
		t.Errorf("the certificate was changed after a check that failed: %v\n%s", err, says.String())
	}
	var unknown x509.UnknownAuthorityError
	if err := stock(t, m.path("watched.pem"), p.ready.OTLPHTTP, m.apiKey); !errors.As(err, &unknown) {
		t.Errorf("a stock exporter and the new key: %v", err)
	}

	m.connect(t, again) // the policy now accepts both
	follower := m.gate(t, again.ready.Control)
	if err := post(t, follower, again.ready.OTLPHTTP, m.apiKey); err != nil {
		t.Fatal(err)
	}
	accepted := m.watch(t, "followed.pem", p.ready.Control)
	eventually(t, "the watch has written", func() bool { return strings.Contains(accepted.String(), "wrote followed.pem") })
	again.stop(t)
	third := m.start(t)
	if err := post(t, follower, third.ready.OTLPHTTP, m.apiKey); err != nil {
		t.Errorf("after a restart with what the policy accepts: %v", err)
	}
	eventually(t, "the watch has followed", func() bool { return strings.Count(accepted.String(), "wrote followed.pem") == 2 })
	if err := stock(t, m.path("followed.pem"), third.ready.OTLPHTTP, m.apiKey); err != nil {
		t.Errorf("a stock exporter after a restart: %v", err)
	}
}
