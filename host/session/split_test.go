package session_test

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	logscollector "go.opentelemetry.io/proto/otlp/collector/logs/v1"
	tracecollector "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	common "go.opentelemetry.io/proto/otlp/common/v1"
	logs "go.opentelemetry.io/proto/otlp/logs/v1"
	resource "go.opentelemetry.io/proto/otlp/resource/v1"
	trace "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"
	"pgregory.net/rapid"

	"github.com/veriproof/notary/host/archive"
	"github.com/veriproof/notary/host/otlpwire"
	"github.com/veriproof/notary/host/pluginhost"
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
	res := &resource.Resource{Attributes: []*common.KeyValue{text("service.name", "chat "+told), text("host.name", "at "+secret), text("session.id", "s")}}
	scope := &common.InstrumentationScope{Name: "app " + told, Version: secret + " 1"}
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

// told is a value that is known as a secret where a record of the same request says so.
const told = "Tr0ub4dor"

// A confidant is a redactor that knows what is told by what stands before it, and finds
// it anywhere in the same request, as the search for found values does.
type confidant struct{}

func (confidant) Redact(_ context.Context, fields []pluginhost.Field) (edits []pluginhost.Edit, err error) {
	if !slices.ContainsFunc(fields, func(f pluginhost.Field) bool { return bytes.Contains(f.Text, []byte("key="+told)) }) {
		return nil, nil
	}
	for i, f := range fields {
		if at := bytes.Index(f.Text, []byte(told)); at >= 0 {
			edits = append(edits, pluginhost.Edit{Field: i, Start: at, End: at + len(told), Label: "SECRET", Plugin: "confidant"})
		}
	}
	return edits, nil
}

// drawRecords makes records that differ, though some have the same ids, or none. Some
// hold a secret, of which some say so.
func drawRecords(t *rapid.T) []sent {
	var out []sent
	for i := range rapid.IntRange(1, 8).Draw(t, "records") {
		id := make([]byte, 16)
		id[0] = byte(rapid.IntRange(1, 2).Draw(t, "id"))
		name := fmt.Sprint("record ", i) + rapid.SampledFrom([]string{"", " is " + told, " key=" + told, " at " + secret, " " + secret + secret}).Draw(t, "rest")
		switch rapid.IntRange(0, 3).Draw(t, "kind") {
		case 0:
			out = append(out, sent{span: &trace.Span{TraceId: id, SpanId: id[:8], Name: name, Attributes: []*common.KeyValue{text("where", name), {Key: "raw", Value: &common.AnyValue{Value: &common.AnyValue_BytesValue{BytesValue: []byte("\xff")}}}}}})
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
// and whatever is sent again after it was acknowledged, in whichever cut, the session has
// the same records in the same order: each that differs once, also if it shares its ids
// with others or has none. What is stored of each, with its resource, its scope and its edits, is what
// would be if it came alone.
func TestT55AnySplitIsTheSameSession(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		records := drawRecords(rt)
		action := rapid.SampledFrom([]pluginhost.Action{pluginhost.Mask, pluginhost.DropField}).Draw(rt, "action")
		masks := func(o *session.Options) { o.Redactor = &finder{action: action} }
		got := storedOf(t, rt, records, masks)
		w := newWorld(t)
		w.tune = masks
		n := w.start()
		for i := range records {
			b, sig := requestOfRecords(records[i:i+1], false)
			if _, err := n.Export(t.Context(), "acme", sig, b); err != nil {
				rt.Fatal(err)
			}
		}
		w.close(n)
		want := w.ofSenders()
		if len(got) != len(records) || len(want) != len(records) {
			rt.Fatalf("%d records in storage, and %d that came alone; %d were sent", len(got), len(want), len(records))
		}
		for i, r := range got {
			if whole(r) != whole(want[i]) {
				rt.Fatalf("record %d is stored as\n%s\nand alone as\n%s", i, whole(r), whole(want[i]))
			}
			if b := records[i].bytes(); !strings.Contains(b, secret) && !strings.Contains(b, "\xff") && string(r.Bytes) != b {
				rt.Fatalf("record %d is stored as %q", i, r.Bytes)
			}
			if strings.Contains(whole(r), secret) {
				rt.Fatalf("record %d is stored with the secret: %s", i, whole(r))
			}
		}
	})
}

// The same holds where what is masked in a record, its resource or its scope depends on
// what else is in the request. Only what is stored of each record depends on the split then.
func TestT55ValuesKnownByContext(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		records := drawRecords(rt)
		got := storedOf(t, rt, records, func(o *session.Options) { o.Redactor = confidant{} })
		if len(got) != len(records) {
			rt.Fatalf("%d records in storage, %d were sent", len(got), len(records))
		}
		for i, r := range got {
			if b := string(r.Bytes); !strings.Contains(b, fmt.Sprint("record ", i)) || strings.Contains(b, "key="+told) {
				rt.Fatalf("record %d is stored as %q", i, b)
			}
		}
	})
}

// storedOf sends the records of a session in a split that is drawn, some of them again in
// another, and returns what is in storage.
func storedOf(t *testing.T, rt *rapid.T, records []sent, tune func(*session.Options)) []archive.OpenedRecord {
	w := newWorld(t)
	w.tune = tune
	n := w.start()
	send := func(from, limit int) (to int) {
		for to = from + 1; to < limit && (records[to].log == nil) == (records[from].log == nil); to++ { // a request is of one signal
		}
		to = rapid.IntRange(from+1, to).Draw(rt, "to")
		b, sig := requestOfRecords(records[from:to], rapid.Bool().Draw(rt, "apart"))
		if _, err := n.Export(t.Context(), "acme", sig, b); err != nil {
			rt.Fatal(err)
		}
		return to
	}
	for acknowledged := 0; acknowledged < len(records); {
		acknowledged = send(acknowledged, len(records))
		if rapid.Bool().Draw(rt, "again") {
			send(rapid.IntRange(0, acknowledged-1).Draw(rt, "from"), acknowledged)
		}
	}
	w.close(n)
	return w.ofSenders()
}

// ofSenders returns the records of the first part, without those of the notary's own.
func (w *world) ofSenders() []archive.OpenedRecord {
	return slices.DeleteFunc(w.opened()[0].Records, func(r archive.OpenedRecord) bool { return r.Kind != receipt.Span && r.Kind != receipt.Log })
}

// whole is all that is stored of a record.
func whole(r archive.OpenedRecord) string {
	return fmt.Sprintf("%v of %q in %q: %q, edits %q", r.Kind, r.Scope, r.Resource, r.Bytes, r.Edits)
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
