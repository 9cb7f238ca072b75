//go:build postgres

package main

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracegrpc"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"

	"github.com/veriproof/notary/attestation/policy"
	"github.com/veriproof/notary/attestation/simtee"
	"github.com/veriproof/notary/host/internal/pgserver"
	"github.com/veriproof/notary/sdk/journal"
)

// TestDatabaseUpgrade is the way of host/OPERATING.md to a new image with another plugin
// set. Once the embedded log of a notary becomes one that another process has, and goes on.
// From then on, while stock exporters send through "notary proxy": the notary, which did not
// share its storage, is reloaded to share it, the new one starts beside it, the balancer
// passes new connections to that, and the old one is stopped in good order. No export fails
// for its application, all that was acknowledged is in sealed parts that a relying party
// accepts, and an audit is clean. The new one is killed then: the old image, started again,
// believes and recovers it.
func TestDatabaseUpgrade(t *testing.T) {
	s := pgserver.Start(t)
	old, next := images(t)
	b := programs(t)
	secrets := filepath.Join(b.plugins, "redact-secrets.wasm")
	on := setting{postgres: onServer(t, s, pgserver.User)}
	m := newMachine(t, on)
	m.tee = old
	if err := old.WriteSecurityContext(m.path("security-context")); err != nil {
		t.Fatal(err)
	}
	m.configure(t, on)
	if status, stdout, stderr := m.run(t, "store", "init", "notary.yaml"); status != exitOK {
		t.Fatalf("store init: %d\n%s%s", status, stdout, stderr)
	}
	alone := m.start(t)
	m.connect(t, alone).mustExport(t, request("before", newSpan("chat")))
	alone.stop(t)
	token, address := m.logClient(t)
	l := m.startLog(t, address, "--dir", m.path("data/log"))
	if l.vkey != alone.ready.LogKey {
		t.Errorf("the log's key was %s and is %s", alone.ready.LogKey, l.vkey)
	}
	on.logDir = "data/seen"
	on.log = l.at(address, "http://"+address)
	m.configure(t, on)
	p := m.start(t)

	// What is to come is said first: to relying parties, and, by a reload, to the old notary.
	both := on
	both.shared, both.silence, both.peers = true, "10s", m.peersOf(t, old, next) // nobody is to be held for dead, on a busy machine either
	upgraded := both
	upgraded.builtin, upgraded.sidecar = []string{secrets}, next.SidecarURL()
	n := m.another(t, upgraded)
	if err := errors.Join(next.WriteSecurityContext(n.path("security-context")), os.WriteFile(n.path("log-token"), []byte(token), 0o600)); err != nil {
		t.Fatal(err)
	}
	m.relyOn(t, l.vkey, []*simtee.TEE{old, next}, m.measured(t), n.measured(t))

	front := newBalancer(t, p.ready)
	proxied, log := m.proxyCommand(t, front.at)
	sending, stop := context.WithCancel(t.Context())
	defer stop()
	clients := []*stockClient{
		{name: "grpc", exporter: overGRPC(t, proxied)},
		{name: "http", exporter: overHTTP(t, proxied)},
	}
	var work sync.WaitGroup
	for _, c := range clients {
		work.Go(func() { c.run(t, sending) })
	}
	goOn := func(what string) { // each client gets some further exports acknowledged
		t.Helper()
		for _, c := range clients {
			from := c.acknowledged.Load()
			eventually(t, c.name+" goes on "+what, func() bool { return c.failed.Load() || c.acknowledged.Load() >= from+5 })
		}
	}
	goOn("with the old notary")

	m.configure(t, both)
	if err := p.cmd.Process.Signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	p.reread(t)
	goOn("after the reload")

	q := n.start(t)
	eventually(t, "the new notary sees the old one", func() bool { return !strings.Contains(q.metrics(t, m.operator), "\nnotary_peers 0\n") })
	front.to(q.ready)
	p.stop(t)
	goOn("with the new notary")
	stop()
	work.Wait()
	q.kill()
	back := both
	back.shared = false
	m.configure(t, back)
	r := m.start(t)
	eventually(t, "what was left is recovered and in the log", func() bool {
		text := r.metrics(t, m.operator)
		return strings.Contains(text, "\nnotary_fenced_total 1\n") && strings.Contains(text, "\nnotary_log_waiting 0\n")
	})
	r.stop(t)
	if said := p.stderr.String() + q.stderr.String() + r.stderr.String(); strings.Contains(said, "believes") {
		t.Errorf("a notary does not believe another\n%s", said)
	}

	for _, c := range clients {
		if c.failed.Load() {
			t.Errorf("an export of %s failed for its application: %v\n%s", c.name, c.err, log.String())
		}
		t.Logf("%s: the slowest of %d exports took %v", c.name, len(c.sent), c.slowest.Round(time.Millisecond))
	}
	if status, stdout, stderr := m.run(t, "audit", "--config", "notary.yaml", "--policy", "policy.yaml"); status != exitOK {
		t.Errorf("audit: %d\n%s%s", status, stdout, stderr)
	}
	m.checkUpgraded(t, clients, p.ready.Epoch, q.ready.Epoch)
	l.stop(t)
}

// checkUpgraded: every span is in a sealed part that a relying party accepts, and there
// are sessions that went on from the old notary to the new.
func (m *machine) checkUpgraded(t *testing.T, clients []*stockClient, before, after string) {
	t.Helper()
	st, err := openStorage(t.Context(), m.path("notary.yaml"), m.path("recipient.pem"))
	if err != nil {
		t.Fatal(err)
	}
	defer st.close(t.Context())
	if err := st.damage(); err != nil {
		t.Error(err)
	}
	for _, e := range st.Epochs {
		want := journal.KindClose
		if e.ID.String() == after {
			want = journal.KindFence
		}
		if e.Ended != want {
			t.Errorf("epoch %v ended by %v, want %v", e.ID, e.Ended, want)
		}
	}
	spans, sets := make(map[string][]foundSpan), make(map[string]bool)
	in := make(map[string]map[string]bool) // epochs by session
	for _, part := range st.Parts() {
		if part.Manifest == nil {
			t.Fatalf("a part of epoch %v is not sealed", part.ID.Epoch)
		}
		raw, err := st.bundle(t.Context(), part, nil, false)
		if err != nil {
			t.Fatal(err)
		}
		m.verified(t, raw)
		sets[part.Manifest.Origin.PluginSet.String()] = true
		here := make(map[string][]foundSpan)
		m.collect(t, st, part, here)
		for id, found := range here {
			spans[id] = append(spans[id], found...)
			for _, f := range found {
				if in[f.session] == nil {
					in[f.session] = make(map[string]bool)
				}
				in[f.session][part.ID.Epoch.String()] = true
			}
		}
	}
	if len(sets) != 2 {
		t.Errorf("parts of %d plugin sets, want 2", len(sets))
	}
	stored := 0
	for _, c := range clients {
		if epochs := in[c.session()]; !epochs[before] || !epochs[after] {
			t.Errorf("%s is not in both epochs, but in %v", c.session(), epochs)
		}
		for _, id := range c.sent {
			if found := len(spans[string(id[:])]); found == 0 {
				t.Errorf("an acknowledged span of %s is lost", c.name)
			} else {
				stored += found
			}
		}
	}
	total := 0
	for _, c := range clients {
		total += len(c.sent)
	}
	t.Logf("%d spans acknowledged, stored %d times", total, stored)
}

// images are two on the same hardware: their HOST_DATA differ.
func images(t *testing.T) (old, next *simtee.TEE) {
	t.Helper()
	o := simtee.Options{Dir: t.TempDir(), TestKeys: true}
	for _, tee := range []**simtee.TEE{&old, &next} {
		var err error
		if *tee, err = simtee.New(o); err != nil {
			t.Fatal(err)
		}
		if err := (*tee).Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { (*tee).Close() })
		o.CCEPolicy = append((*tee).CCEPolicy(), "# the next image\n"...)
	}
	return old, next
}

// peersOf is a policy for peers that accepts the images.
func (m *machine) peersOf(t *testing.T, tees ...*simtee.TEE) []byte {
	t.Helper()
	return marshalled(t, m.accepting(t, tees))
}

func (m *machine) accepting(t *testing.T, tees []*simtee.TEE, sets ...policy.Digest) *policy.Policy {
	t.Helper()
	p, err := m.tee.Policy(sets...)
	if err != nil {
		t.Fatal(err)
	}
	p.HostData = nil
	for _, tee := range tees {
		p.HostData = append(p.HostData, tee.HostData())
	}
	return p
}

func marshalled(t *testing.T, p *policy.Policy) []byte {
	t.Helper()
	text, err := simtee.MarshalPolicy(p)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// relyOn writes the relying party's policy: images, plugin sets, log.
func (m *machine) relyOn(t *testing.T, logKey string, tees []*simtee.TEE, sets ...policy.Digest) {
	t.Helper()
	p := m.accepting(t, tees, sets...)
	p.Log = &policy.Log{Origin: origin, Keys: []string{logKey}}
	text := marshalled(t, p)
	var err error
	if m.policy, err = policy.Parse(text); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(m.path("policy.yaml"), text, 0o644); err != nil {
		t.Fatal(err)
	}
}

// measured is the plugin set of the configuration, as an operator publishes it before a
// notary has it.
func (m *machine) measured(t *testing.T) (set policy.Digest) {
	t.Helper()
	status, stdout, stderr := m.run(t, "config", "check", "--json", "notary.yaml")
	var checked struct {
		PluginSet policy.Digest `json:"plugin_set"`
	}
	if err := json.Unmarshal([]byte(stdout), &checked); err != nil || status != exitOK {
		t.Fatalf("config check: %d %v\n%s%s", status, err, stdout, stderr)
	}
	return checked.PluginSet
}

// metrics asks a notary without looking at who it is.
func (p *process) metrics(t *testing.T, token string) string {
	t.Helper()
	anybody := &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}
	defer anybody.CloseIdleConnections()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://"+p.ready.Control+"/metrics", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+token)
	resp, err := (&http.Client{Transport: anybody}).Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// A balancer passes the connections of the three ports on to one notary at a time.
type balancer struct {
	at  ready // its own addresses
	now atomic.Pointer[ready]
}

func newBalancer(t *testing.T, first ready) *balancer {
	t.Helper()
	b := new(balancer)
	b.to(first)
	for _, port := range []struct {
		own    *string
		behind func(*ready) string
	}{
		{&b.at.OTLP, func(r *ready) string { return r.OTLP }},
		{&b.at.OTLPHTTP, func(r *ready) string { return r.OTLPHTTP }},
		{&b.at.Control, func(r *ready) string { return r.Control }},
	} {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { l.Close() })
		*port.own = l.Addr().String()
		go func() {
			for {
				in, err := l.Accept()
				if err != nil {
					return
				}
				go func() {
					defer in.Close()
					out, err := net.Dial("tcp", port.behind(b.now.Load()))
					if err != nil {
						return
					}
					defer out.Close()
					go func() { _, _ = io.Copy(out, in); out.Close() }()
					_, _ = io.Copy(in, out)
				}()
			}
		}()
	}
	return b
}

// to has new connections go to another notary. Those that there are stay.
func (b *balancer) to(r ready) { b.now.Store(&r) }

// A stockClient exports spans one by one, as an application's exporter does, until one
// fails: with its default settings it has tried for a minute then.
type stockClient struct {
	name     string
	exporter sdktrace.SpanExporter

	acknowledged atomic.Int64
	failed       atomic.Bool
	err          error
	sent         []trace.SpanID
	slowest      time.Duration
}

// session never ends while the client sends.
func (c *stockClient) session() string { return "upgraded-" + c.name }

func (c *stockClient) run(t *testing.T, ctx context.Context) {
	for ctx.Err() == nil {
		id := trace.SpanID(random(8))
		span := tracetest.SpanStub{
			Name:        "chat",
			SpanContext: trace.NewSpanContext(trace.SpanContextConfig{TraceID: trace.TraceID(random(16)), SpanID: id}),
			Attributes:  []attribute.KeyValue{attribute.String("session.id", c.session()), attribute.String("content", "write to "+sampleEmail)},
		}
		began := time.Now()
		// An export that has begun comes to its end.
		if err := c.exporter.ExportSpans(context.WithoutCancel(ctx), tracetest.SpanStubs{span}.Snapshots()); err != nil {
			c.err = err
			c.failed.Store(true)
			return
		}
		c.slowest = max(c.slowest, time.Since(began))
		c.sent = append(c.sent, id)
		c.acknowledged.Add(1)
		within(ctx, 20*time.Millisecond)
	}
	if err := c.exporter.Shutdown(context.WithoutCancel(ctx)); err != nil {
		t.Error(err)
	}
}

func overGRPC(t *testing.T, w way) sdktrace.SpanExporter {
	t.Helper()
	e, err := otlptracegrpc.New(t.Context(), otlptracegrpc.WithEndpointURL(w.grpc))
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func overHTTP(t *testing.T, w way) sdktrace.SpanExporter {
	t.Helper()
	at, err := url.JoinPath(w.http, "v1", "traces")
	if err != nil {
		t.Fatal(err)
	}
	e, err := otlptracehttp.New(t.Context(), otlptracehttp.WithEndpointURL(at))
	if err != nil {
		t.Fatal(err)
	}
	return e
}
