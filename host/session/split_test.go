package session_test

import (
	"fmt"
	"slices"
	"testing"

	logscollector "go.opentelemetry.io/proto/otlp/collector/logs/v1"
	tracecollector "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	common "go.opentelemetry.io/proto/otlp/common/v1"
	logs "go.opentelemetry.io/proto/otlp/logs/v1"
	resource "go.opentelemetry.io/proto/otlp/resource/v1"
	trace "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"
	"pgregory.net/rapid"

	"github.com/veriproof/notary/host/otlpwire"
	"github.com/veriproof/notary/host/session"
	"github.com/veriproof/notary/sdk/receipt"
)

// A sent is one record as a sender has it.
type sent struct {
	span *trace.Span
	log  *logs.LogRecord
}

func (s sent) bytes() string {
	var m proto.Message = s.span
	if s.log != nil {
		m = s.log
	}
	b, err := proto.Marshal(m)
	if err != nil {
		panic(err)
	}
	return string(b)
}

// requestOfRecords makes one request of records of one signal, each in a resource and
// scope of its own or all in one, with the same content.
func requestOfRecords(records []sent, apart bool) ([]byte, otlpwire.Signal) {
	res := &resource.Resource{Attributes: []*common.KeyValue{text("service.name", "chat"), text("session.id", "s")}}
	scope := &common.InstrumentationScope{Name: "app"}
	size := len(records)
	if apart {
		size = 1
	}
	var m proto.Message
	sig := otlpwire.Traces
	if records[0].log != nil {
		req := new(logscollector.ExportLogsServiceRequest)
		for group := range slices.Chunk(records, size) {
			part := &logs.ScopeLogs{Scope: scope}
			for _, r := range group {
				part.LogRecords = append(part.LogRecords, r.log)
			}
			req.ResourceLogs = append(req.ResourceLogs, &logs.ResourceLogs{Resource: res, ScopeLogs: []*logs.ScopeLogs{part}})
		}
		m, sig = req, otlpwire.Logs
	} else {
		req := new(tracecollector.ExportTraceServiceRequest)
		for group := range slices.Chunk(records, size) {
			part := &trace.ScopeSpans{Scope: scope}
			for _, r := range group {
				part.Spans = append(part.Spans, r.span)
			}
			req.ResourceSpans = append(req.ResourceSpans, &trace.ResourceSpans{Resource: res, ScopeSpans: []*trace.ScopeSpans{part}})
		}
		m = req
	}
	b, err := proto.Marshal(m)
	if err != nil {
		panic(err)
	}
	return b, sig
}

// drawRecords makes records that differ, though some have the same ids, or none.
func drawRecords(t *rapid.T) []sent {
	var out []sent
	for i := range rapid.IntRange(1, 8).Draw(t, "records") {
		id := make([]byte, 16)
		id[0] = byte(rapid.IntRange(1, 2).Draw(t, "id"))
		name := fmt.Sprint("record ", i)
		switch rapid.IntRange(0, 3).Draw(t, "kind") {
		case 0:
			out = append(out, sent{span: &trace.Span{TraceId: id, SpanId: id[:8], Name: name}})
		case 1:
			out = append(out, sent{span: &trace.Span{Name: name}})
		case 2:
			out = append(out, sent{log: &logs.LogRecord{TraceId: id, SpanId: id[:8], TimeUnixNano: 1, EventName: name}})
		default:
			out = append(out, sent{log: &logs.LogRecord{Body: &common.AnyValue{Value: &common.AnyValue_StringValue{StringValue: name}}}})
		}
	}
	return out
}

// T55: however the records of a session are cut into requests, resources and scopes,
// and whatever is sent again after it was acknowledged, the session has the same
// records in the same order: each that differs once, also if it shares its ids with
// others or has none.
func TestT55AnySplitIsTheSameSession(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		records := drawRecords(rt)
		w := newWorld(t)
		n := w.start()
		var acknowledged [][]sent
		send := func(part []sent) {
			b, sig := requestOfRecords(part, rapid.Bool().Draw(rt, "apart"))
			if _, err := n.Export(t.Context(), "acme", sig, b); err != nil {
				rt.Fatal(err)
			}
		}
		for rest := records; len(rest) > 0; {
			same := 1 // a request is of one signal
			for same < len(rest) && (rest[same].log == nil) == (rest[0].log == nil) {
				same++
			}
			part := rest[:rapid.IntRange(1, same).Draw(rt, "cut")]
			rest = rest[len(part):]
			send(part)
			acknowledged = append(acknowledged, part)
			if rapid.Bool().Draw(rt, "again") {
				send(rapid.SampledFrom(acknowledged).Draw(rt, "which"))
			}
		}
		w.close(n)
		var got, want []string
		for _, r := range w.opened()[0].Records {
			if r.Kind == receipt.Span || r.Kind == receipt.Log {
				got = append(got, string(r.Bytes))
			}
		}
		for _, r := range records {
			want = append(want, r.bytes())
		}
		if !slices.Equal(got, want) {
			rt.Fatalf("%d records in storage, %d were sent", len(got), len(want))
		}
	})
}

// A session.start event that names the session before it ends that one; what comes
// late goes into its next part.
func TestSessionStartEndsThePrevious(t *testing.T) {
	w := newWorld(t)
	n := w.start()
	export(t, n, request("old", span("a")))
	start := sent{log: &logs.LogRecord{EventName: "session.start", Attributes: []*common.KeyValue{text("session.id", "new"), text("session.previous_id", "old")}}}
	b, sig := requestOfRecords([]sent{start}, false)
	for range 2 { // the second time it is a duplicate, and there is nothing to end
		if _, err := n.Export(t.Context(), "acme", sig, b); err != nil {
			t.Fatal(err)
		}
	}
	if parts := settled(t, n, "old", 1); parts[0].Manifest.Reason != receipt.ReasonEnd {
		t.Errorf("ended by %v", parts[0].Manifest.Reason)
	}
	if _, err := n.Export(t.Context(), "other", sig, b); err != nil { // another tenant's
		t.Fatal(err)
	}
	export(t, n, request("old", span("late")))
	if parts, err := n.Parts(t.Context(), "acme", "old"); err != nil || len(parts) != 2 || parts[1].State != session.StateOpen {
		t.Errorf("%v, %v", parts, err)
	}
	w.close(n)
}
