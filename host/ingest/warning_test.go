package ingest_test

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"strings"
	"testing"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	logscollector "go.opentelemetry.io/proto/otlp/collector/logs/v1"
	tracecollector "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	"github.com/veriproof/notary/host/ingest"
	"github.com/veriproof/notary/host/internal/bench"
	"github.com/veriproof/notary/host/otlpwire"
)

// vouched is walks with a position for who sends records, as the notary has it.
func vouched(_ context.Context, _ string, sig otlpwire.Signal, body []byte) (r ingest.Receipt, err error) {
	req, err := otlpwire.Walk(body, sig, otlpwire.Limits{})
	if err == nil && len(req.Records) > 0 {
		r.Positions = [][]byte{{1}}
	}
	return r, err
}

// TestWarnsOfWhatNobodyRead: a request without records, and with fields that nobody knows, is a success
// by OTLP. Its sender is told what was wanted; nobody else is told anything.
func TestWarnsOfWhatNobodyRead(t *testing.T) {
	s, addr := start(t, vouched)
	w, conn := overHTTP(t, s), dial(t, addr)
	spans := bench.Small(1)
	for name, c := range map[string]struct {
		path, json string // in protobuf if empty
		wire       []byte
		want       string // in the warning, none if empty
	}{
		"logs among traces":               {path: "/v1/traces", json: `{"resourceLogs":[{"scopeLogs":[{"logRecords":[{}]}]}]}`, want: "spans are wanted, in resource_spans"},
		"traces among logs":               {path: "/v1/logs", json: `{"resourceSpans":[{"scopeSpans":[{"spans":[{}]}]}]}`, want: "log records are wanted, in resource_logs"},
		"snake case":                      {path: "/v1/traces", json: `{"resource_spans":[{"scope_spans":[{"spans":[{}]}]}],"more":{}}`, want: "resourceSpans in JSON"},
		"snake case, one deeper":          {path: "/v1/traces", json: `{"resourceSpans":[{"scope_spans":[{"spans":[{}]}]}]}`, want: "names in lowerCamelCase, such as traceId"},
		"snake case among logs":           {path: "/v1/logs", json: `{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"body":{"string_value":"x"}}]}]}]}`, want: "snake_case are ignored"},
		"snake case in a record":          {path: "/v1/traces", json: `{"resourceSpans":[{"scopeSpans":[{"spans":[{"trace_id":"5b8efff798038103d269b633813fc60c"}]}]}]}`, want: "snake_case are ignored"},
		"another name in a record":        {path: "/v1/traces", json: `{"resourceSpans":[{"scopeSpans":[{"spans":[{"new_field":1}]}]}]}`},
		"snake case in what nobody reads": {path: "/v1/traces", json: `{"resourceSpans":[{"scopeSpans":[{"spans":[{"x":{"trace_id":1}}]}]}]}`},
		"beside what is empty":            {path: "/v1/traces", json: `{"resourceSpans":[{}],"x":1}`, want: "nothing is stored"},
		"an unknown field":                {path: "/v1/traces", wire: []byte{5<<3 | 2, 0}, want: "spans are wanted, in resource_spans"},
		"an unknown field of logs":        {path: "/v1/logs", wire: []byte{10, 0, 5<<3 | 2, 0}, want: "log records are wanted"},
		"empty":                           {path: "/v1/traces"},
		"empty JSON":                      {path: "/v1/traces", json: `{}`},
		"no resources":                    {path: "/v1/traces", json: `{"resourceSpans":[]}`},
		"an empty resource":               {path: "/v1/logs", wire: []byte{10, 0}},
		"records":                         {path: "/v1/traces", wire: spans},
		"records beside them":             {path: "/v1/traces", wire: append([]byte{5<<3 | 2, 0}, spans...)},
		"records beside members":          {path: "/v1/traces", json: `{"x":1,"resourceSpans":[{"scopeSpans":[{"spans":[{}]}]}]}`},
	} {
		var got, message string
		method := exportTraces
		var reply proto.Message = new(tracecollector.ExportTraceServiceResponse)
		if c.path == "/v1/logs" {
			method, reply = exportLogs, new(logscollector.ExportLogsServiceResponse)
		}
		told := func(err error) string {
			if err != nil {
				t.Errorf("%s: %v", name, err)
			}
			switch r := reply.(type) {
			case *tracecollector.ExportTraceServiceResponse:
				if c.want == "" && r.PartialSuccess != nil || r.PartialSuccess.GetRejectedSpans() != 0 {
					t.Errorf("%s: %v", name, r)
				}
				return r.PartialSuccess.GetErrorMessage()
			case *logscollector.ExportLogsServiceResponse:
				if c.want == "" && r.PartialSuccess != nil || r.PartialSuccess.GetRejectedLogRecords() != 0 {
					t.Errorf("%s: %v", name, r)
				}
				return r.PartialSuccess.GetErrorMessage()
			}
			return ""
		}
		if c.json != "" {
			a := w.post(t, c.path, []byte(c.json), inJSON...)
			got, message = "in JSON", told(protojson.Unmarshal(a.body, reply))
			if a.code != http.StatusOK || c.want == "" && string(a.body) != "{}" {
				t.Errorf("%s: %d %s", name, a.code, a.body)
			}
		} else {
			a := w.post(t, c.path, c.wire, inProtobuf...)
			got, message = "over HTTP", told(proto.Unmarshal(a.body, reply))
			if a.code != http.StatusOK {
				t.Errorf("%s: %d", name, a.code)
			}
			b, err := send(conn, method, c.wire, withKey())
			if err != nil || !bytes.Equal(a.body, b) {
				t.Errorf("%s: over gRPC %q, over HTTP %q: %v", name, b, a.body, err)
			}
		}
		if (message == "") != (c.want == "") || !strings.Contains(message, c.want) {
			t.Errorf("%s, %s: told %q, want %q", name, got, message, c.want)
		}
	}
}

// instead sends another body.
type instead struct {
	http.RoundTripper
	body []byte
}

func (i instead) RoundTrip(r *http.Request) (*http.Response, error) {
	r.Body.Close()
	r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(i.body)), int64(len(i.body))
	return i.RoundTripper.RoundTrip(r)
}

// TestOpenTelemetryShowsTheWarning: the SDK for Go has it come to its error handler, and does not
// take it for a failure.
func TestOpenTelemetryShowsTheWarning(t *testing.T) {
	exports := 0
	s, _ := start(t, func(ctx context.Context, tenant string, sig otlpwire.Signal, body []byte) (ingest.Receipt, error) {
		exports++
		return vouched(ctx, tenant, sig, body)
	})
	w := overHTTP(t, s)
	w.http1.Transport = instead{w.http1.Transport, []byte{5<<3 | 2, 0}}
	exporter, err := otlptracehttp.New(t.Context(), otlptracehttp.WithEndpoint(w.addr), otlptracehttp.WithHTTPClient(w.http1), otlptracehttp.WithHeaders(map[string]string{"x-api-key": key}))
	if err != nil {
		t.Fatal(err)
	}
	var handled []string
	before := otel.GetErrorHandler()
	otel.SetErrorHandler(otel.ErrorHandlerFunc(func(err error) { handled = append(handled, err.Error()) }))
	defer otel.SetErrorHandler(before)
	provider := sdktrace.NewTracerProvider(sdktrace.WithSyncer(exporter))
	_, span := provider.Tracer("app").Start(t.Context(), "chat")
	span.End()
	if err := provider.Shutdown(t.Context()); err != nil {
		t.Error(err)
	}
	if exports != 1 || len(handled) != 1 || !strings.Contains(handled[0], "spans are wanted, in resource_spans") {
		t.Errorf("%d exports; the SDK says %q", exports, handled)
	}
}
