package main

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"slices"
	"testing"

	"go.opentelemetry.io/proto/otlp/collector/trace/v1"
	common "go.opentelemetry.io/proto/otlp/common/v1"
	resource "go.opentelemetry.io/proto/otlp/resource/v1"
	trace "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/metadata"
	"google.golang.org/protobuf/proto"

	"github.com/veriproof/notary/attestation/policy"
	"github.com/veriproof/notary/attestation/runtimedata"
	"github.com/veriproof/notary/attestation/simtee"
	"github.com/veriproof/notary/host/control"
	"github.com/veriproof/notary/host/ingest"
	"github.com/veriproof/notary/sdk/journal"
)

const (
	exportTraces = "/opentelemetry.proto.collector.trace.v1.TraceService/Export"
	exportLogs   = "/opentelemetry.proto.collector.logs.v1.LogsService/Export"
)

// A sender is a client of one notary process: it trusts the attested TLS key
// and nothing else.
type sender struct {
	m    *machine
	p    *process
	tls  *tls.Config
	http *http.Client
	conn *grpc.ClientConn
}

// connect appraises the notary as a sender would, learns its policy, and
// connects to the attested key.
func (m *machine) connect(t testing.TB, p *process) *sender {
	t.Helper()
	anybody := &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}} // Evidence is signed
	defer anybody.CloseIdleConnections()
	c := &sender{m: m, p: p, http: &http.Client{Transport: anybody}}
	status, body := c.get(t, "/v1/evidence")
	var e control.Evidence
	if err := json.Unmarshal(body, &e); err != nil || status != http.StatusOK {
		t.Fatalf("evidence: %d %v", status, err)
	}
	rd, err := runtimedata.Parse(e.RuntimeData)
	if err != nil {
		t.Fatal(err)
	}
	m.accept(t, rd, p.ready.LogKey)

	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM([]byte(e.TLSCertificate)) {
		t.Fatal("no certificate in the evidence")
	}
	c.tls = &tls.Config{RootCAs: roots, VerifyConnection: func(s tls.ConnectionState) error {
		if key := sha256.Sum256(s.PeerCertificates[0].RawSubjectPublicKeyInfo); fmt.Sprintf("%x", key) != rd.Notary.TLSSPKI {
			return fmt.Errorf("TLS key %x is not the attested one", key)
		}
		return nil
	}}
	transport := &http.Transport{TLSClientConfig: c.tls}
	c.http = &http.Client{Transport: transport}
	if c.conn, err = grpc.NewClient(p.ready.OTLP, grpc.WithTransportCredentials(credentials.NewTLS(c.tls)), grpc.WithDisableRetry()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.conn.Close(); transport.CloseIdleConnections() })
	return c
}

// accept adds a notary's plugin set and log to the relying party's policy.
func (m *machine) accept(t testing.TB, rd *runtimedata.RuntimeData, logKey string) {
	t.Helper()
	var set policy.Digest
	if err := set.UnmarshalText([]byte(rd.Notary.PluginSet)); err != nil {
		t.Fatal(err)
	}
	sets := []policy.Digest{set}
	if m.policy != nil {
		sets = m.policy.PluginSet
		if !slices.Contains(sets, set) {
			sets = append(sets, set)
		}
	}
	p, err := m.tee.Policy(sets...)
	if err != nil {
		t.Fatal(err)
	}
	p.Log = &policy.Log{Origin: origin, Keys: []string{logKey}}
	text, err := simtee.MarshalPolicy(p)
	if err != nil {
		t.Fatal(err)
	}
	if m.policy, err = policy.Parse(text); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(m.path("policy.yaml"), text, 0o644); err != nil {
		t.Fatal(err)
	}
}

// get asks the control interface as an operator.
func (c *sender) get(t testing.TB, path string) (status int, body []byte) {
	t.Helper()
	return c.ask(t, http.MethodGet, path, c.m.operator)
}

func (c *sender) ask(t testing.TB, method, path, token string) (status int, body []byte) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, "https://"+c.p.ready.Control+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	resp, err := c.http.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if body, err = io.ReadAll(resp.Body); err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, body
}

// rawCodec sends bytes as they are: a client that can send anything.
type rawCodec struct{}

func (rawCodec) Name() string                  { return "proto" }
func (rawCodec) Marshal(v any) ([]byte, error) { return v.([]byte), nil }
func (rawCodec) Unmarshal(b []byte, v any) error {
	*v.(*[]byte) = slices.Clone(b)
	return nil
}

// call sends a body to a method with the given metadata, in pairs, and returns
// the journal position with which it was acknowledged, nil if with none.
func (c *sender) call(ctx context.Context, method string, body []byte, header ...string) (*journal.Position, error) {
	return c.callWith(ctx, method, body, header)
}

func (c *sender) callWith(ctx context.Context, method string, body []byte, header []string, opts ...grpc.CallOption) (*journal.Position, error) {
	var reply []byte
	var md metadata.MD
	ctx = metadata.NewOutgoingContext(ctx, metadata.Pairs(header...))
	opts = append(opts, grpc.ForceCodec(rawCodec{}), grpc.Header(&md))
	if err := c.conn.Invoke(ctx, method, body, &reply, opts...); err != nil {
		return nil, err
	}
	positions := md.Get(ingest.PositionHeader)
	if len(positions) == 0 {
		return nil, nil
	}
	return journal.ParsePosition([]byte(positions[len(positions)-1]))
}

// export sends spans with the tenant's API key.
func (c *sender) export(ctx context.Context, body []byte) (*journal.Position, error) {
	return c.call(ctx, exportTraces, body, "authorization", "Bearer "+c.m.apiKey)
}

func (c *sender) mustExport(t testing.TB, body []byte) *journal.Position {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	pos, err := c.export(ctx, body)
	if err != nil {
		t.Fatalf("export: %v\n%s", err, c.p.stderr.String())
	}
	if pos == nil {
		t.Fatal("acknowledged without a position")
	}
	return pos
}

// logged waits until every part of a session has its log proof.
func (c *sender) logged(t testing.TB, session string) []control.Part {
	t.Helper()
	var answer struct {
		Parts []control.Part `json:"parts"`
	}
	eventually(t, session+" is in the log", func() bool {
		answer.Parts = nil
		status, body := c.get(t, "/v1/sessions/"+session+"?tenant=acme")
		if status != http.StatusOK || json.Unmarshal(body, &answer) != nil {
			return false
		}
		return !slices.ContainsFunc(answer.Parts, func(p control.Part) bool { return p.State != control.StateLogged })
	})
	return answer.Parts
}

// request is an export of spans of one session.
func request(session string, spans ...*trace.Span) []byte {
	for _, s := range spans {
		s.Attributes = append(s.Attributes, stringAttr("session.id", session))
	}
	b, err := proto.Marshal(&v1.ExportTraceServiceRequest{ResourceSpans: []*trace.ResourceSpans{{
		Resource:   &resource.Resource{Attributes: []*common.KeyValue{stringAttr("service.name", "assistant"), stringAttr("telemetry.sdk.name", "opentelemetry")}},
		ScopeSpans: []*trace.ScopeSpans{{Scope: &common.InstrumentationScope{Name: "test"}, Spans: spans}},
	}}})
	if err != nil {
		panic(err)
	}
	return b
}

func stringAttr(k, v string) *common.KeyValue {
	return &common.KeyValue{Key: k, Value: &common.AnyValue{Value: &common.AnyValue_StringValue{StringValue: v}}}
}

// newSpan is a span with random ids and attributes of string values, in pairs.
func newSpan(name string, attributes ...string) *trace.Span {
	s := &trace.Span{TraceId: random(16), SpanId: random(8), Name: name, StartTimeUnixNano: 1, EndTimeUnixNano: 2}
	for i := 0; i+1 < len(attributes); i += 2 {
		s.Attributes = append(s.Attributes, stringAttr(attributes[i], attributes[i+1]))
	}
	return s
}

// lastSpan carries the mark that ends its session.
func lastSpan(name string, attributes ...string) *trace.Span {
	s := newSpan(name, attributes...)
	s.Attributes = append(s.Attributes, &common.KeyValue{
		Key: "veriproof.session.end", Value: &common.AnyValue{Value: &common.AnyValue_BoolValue{BoolValue: true}},
	})
	return s
}

func random(n int) []byte {
	b := make([]byte, n)
	rand.Read(b)
	return b
}
