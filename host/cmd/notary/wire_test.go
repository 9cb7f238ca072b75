package main

import (
	"bytes"
	"encoding/binary"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"

	trace "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/encoding/gzip"
	"google.golang.org/grpc/status"
)

// TestBadInputOverTheWire: each bad request is answered with the right code and
// one line that says what to do, stores nothing, and leaves the notary well.
func TestBadInputOverTheWire(t *testing.T) {
	t.Parallel()
	m := newMachine(t, setting{extra: "limits: {request_bytes: 64KiB}"})
	p := m.start(t)
	c := m.connect(t, p)
	good := request("good", newSpan("chat", "content", strings.Repeat("text ", 100)))
	before := contents(t, m.path("data"))

	auth := []string{"authorization", "Bearer " + m.apiKey}
	gigabyte := binary.AppendUvarint([]byte{10}, 1<<30)
	for name, q := range map[string]struct {
		method string
		body   []byte
		header []string
		code   codes.Code
		says   string
	}{
		"truncated":               {exportTraces, good[:len(good)-7], auth, codes.InvalidArgument, "length"},
		"a gigabyte claimed":      {exportTraces, append(gigabyte, good...), auth, codes.InvalidArgument, "length"},
		"no protobuf":             {exportTraces, []byte("{\"resourceSpans\":[]}"), auth, codes.InvalidArgument, ""},
		"over the limit":          {exportTraces, bytes.Repeat(good, 1+(64<<10)/len(good)), auth, codes.ResourceExhausted, "lower the batch size"},
		"no key":                  {exportTraces, good, nil, codes.Unauthenticated, "authorization: Bearer KEY"},
		"wrong key":               {exportTraces, good, []string{"x-api-key", "wrong"}, codes.Unauthenticated, "unknown API key"},
		"operator's token as key": {exportTraces, good, []string{"authorization", "Bearer " + m.operator}, codes.Unauthenticated, "unknown API key"},
		"two keys":                {exportTraces, good, slices.Concat(auth, []string{"x-api-key", m.apiKey}), codes.Unauthenticated, "send one"},
		"basic authentication":    {exportTraces, good, []string{"authorization", "Basic " + m.apiKey}, codes.Unauthenticated, "Bearer KEY"},
		"metrics":                 {"/opentelemetry.proto.collector.metrics.v1.MetricsService/Export", good, auth, codes.Unimplemented, "set OTEL_METRICS_EXPORTER=none"},
		"no such method":          {"/opentelemetry.proto.collector.trace.v1.TraceService/Import", good, auth, codes.Unimplemented, "traces and logs"},
		"invalid UTF-8":           {exportTraces, bytes.Replace(good, []byte("text "), []byte("te\xff\xfe "), 1), auth, codes.InvalidArgument, "UTF-8"},
		"trace id of eight bytes": {exportTraces, request("good", badID()), auth, codes.InvalidArgument, "identifier of a wrong length"},
	} {
		_, err := c.call(t.Context(), q.method, q.body, q.header...)
		s := status.Convert(err)
		if s.Code() != q.code || !strings.Contains(s.Message(), q.says) || strings.Contains(s.Message(), "\n") || s.Message() == "" {
			t.Errorf("%s: %v %q, want %v with %q", name, s.Code(), s.Message(), q.code, q.says)
		}
	}
	c.wrongProtocols(t, good)

	if after := contents(t, m.path("data")); after != before {
		t.Errorf("storage changed:\n%s\nwas\n%s", after, before)
	}
	for _, path := range []string{"/healthz", "/readyz"} {
		if code, body := c.get(t, path); code != http.StatusOK {
			t.Errorf("%s: %d %s", path, code, body)
		}
	}
	c.mustExport(t, good)
	p.stop(t)
	m.audit(t, func(_ *storage, spans map[string][]foundSpan) {
		if len(spans) != 1 {
			t.Errorf("%d spans are stored", len(spans))
		}
	})
}

func badID() *trace.Span {
	s := newSpan("chat")
	s.TraceId = s.TraceId[:8]
	return s
}

// wrongProtocols sends what is no gRPC, or breaks its framing.
func (c *sender) wrongProtocols(t *testing.T, body []byte) {
	t.Helper()
	http1 := &http.Transport{TLSClientConfig: c.tls.Clone()}
	h2 := &http.Transport{TLSClientConfig: c.tls.Clone(), ForceAttemptHTTP2: true}
	defer http1.CloseIdleConnections()
	defer h2.CloseIdleConnections()
	post := func(rt http.RoundTripper, url, contentType string, body []byte) (*http.Response, string) {
		t.Helper()
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, bytes.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Content-Type", contentType)
		req.Header.Set("Te", "trailers")
		req.Header.Set("Authorization", "Bearer "+c.m.apiKey)
		resp, err := rt.RoundTrip(req)
		if err != nil {
			t.Fatalf("%s: %v", url, err)
		}
		defer resp.Body.Close()
		text, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		return resp, string(text)
	}
	if resp, text := post(http1, "https://"+c.p.ready.OTLP+"/v1/traces", "application/x-protobuf", body); resp.StatusCode != http.StatusUnsupportedMediaType || !strings.Contains(text, "grpc protocol") {
		t.Errorf("OTLP/HTTP: %s %q", resp.Status, text)
	}
	if resp, text := post(http1, "http://"+c.p.ready.OTLP+"/v1/traces", "application/x-protobuf", body); resp.StatusCode != http.StatusBadRequest || !strings.Contains(text, "https") {
		t.Errorf("no TLS: %s %q", resp.Status, text)
	}
	if resp, _ := post(h2, "https://"+c.p.ready.OTLP+exportTraces, "application/json", body); resp.StatusCode != http.StatusUnsupportedMediaType {
		t.Errorf("JSON over HTTP/2: %s", resp.Status)
	}
	// The frame's own length claims a gigabyte. Nothing is set aside for it.
	frame := append([]byte{0, 0x40, 0, 0, 0}, body...)
	resp, _ := post(h2, "https://"+c.p.ready.OTLP+exportTraces, "application/grpc", frame)
	if code := resp.Trailer.Get("Grpc-Status") + resp.Header.Get("Grpc-Status"); code != "8" {
		t.Errorf("a frame of a gigabyte: gRPC status %s", code)
	}
	// And a bomb: 64 KiB on the wire, 64 MiB behind them.
	if _, err := c.callWith(t.Context(), exportTraces, make([]byte, 64<<20), []string{"x-api-key", c.m.apiKey}, grpc.UseCompressor(gzip.Name)); status.Code(err) != codes.ResourceExhausted {
		t.Errorf("a gzip bomb: %v", err)
	}
}
