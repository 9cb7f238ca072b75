package session_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	logscollector "go.opentelemetry.io/proto/otlp/collector/logs/v1"
	"go.opentelemetry.io/proto/otlp/collector/trace/v1"
	common "go.opentelemetry.io/proto/otlp/common/v1"
	logs "go.opentelemetry.io/proto/otlp/logs/v1"
	resource "go.opentelemetry.io/proto/otlp/resource/v1"
	trace "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"

	"github.com/veriproof/notary/host/journal"
	"github.com/veriproof/notary/host/journal/journaltest"
	"github.com/veriproof/notary/host/otlpwire"
	"github.com/veriproof/notary/host/session"
)

func binary(b ...byte) *common.AnyValue {
	return &common.AnyValue{Value: &common.AnyValue_BytesValue{BytesValue: b}}
}

// TestEditsTimesRecords: what is edited in a context stands in the edit list of
// each record under it, so a small request could become gigabytes. It is
// refused, for good, before that.
func TestEditsTimesRecords(t *testing.T) {
	w := newWorld(t)
	n := w.start()
	attributes := []*common.KeyValue{text("session.id", "s")}
	for range 3000 {
		attributes = append(attributes, &common.KeyValue{Value: binary(0xff)})
	}
	spans := make([]*trace.Span, 3000)
	for i := range spans {
		spans[i] = &trace.Span{StartTimeUnixNano: uint64(i + 1)}
	}
	body, err := proto.Marshal(&v1.ExportTraceServiceRequest{ResourceSpans: []*trace.ResourceSpans{{
		Resource: &resource.Resource{Attributes: attributes}, ScopeSpans: []*trace.ScopeSpans{{Spans: spans}},
	}}})
	if err != nil {
		t.Fatal(err)
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	_, err = n.Export(t.Context(), "acme", otlpwire.Traces, body)
	runtime.ReadMemStats(&after)
	var refused *otlpwire.Error
	if !errors.As(err, &refused) || !refused.Limit() {
		t.Errorf("export: %v", err)
	}
	if got := (after.TotalAlloc - before.TotalAlloc) >> 20; got > 64 {
		t.Errorf("a request of %d bytes allocated %d MiB", len(body), got)
	}
}

// TestContextsTimesSessions: each session of a request has a copy of what stands in its
// resource, so a megabyte could become gigabytes in storage. It is refused, for good, before
// that; and what there is of copies is reserved.
func TestContextsTimesSessions(t *testing.T) {
	w := newWorld(t)
	var reserved int64
	w.tune = func(o *session.Options) {
		o.Reserve = func(_ context.Context, bytes int64) error { reserved = max(reserved, bytes); return nil }
	}
	n := w.start()
	body := func(context, sessions int) []byte {
		spans := make([]*trace.Span, sessions)
		for i := range spans {
			spans[i] = &trace.Span{TraceId: fmt.Appendf(nil, "%016d", i)}
		}
		b, err := proto.Marshal(&v1.ExportTraceServiceRequest{ResourceSpans: []*trace.ResourceSpans{{
			Resource: &resource.Resource{Attributes: []*common.KeyValue{text("k", strings.Repeat("x", context))}}, ScopeSpans: []*trace.ScopeSpans{{Spans: spans}},
		}}})
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	for _, c := range [][2]int{{1 << 20, 1000}, {100 << 10, 2000}, {4 << 10, 60000}} {
		_, err := n.Export(t.Context(), "acme", otlpwire.Traces, body(c[0], c[1]))
		var refused *otlpwire.Error
		if !errors.As(err, &refused) || !refused.Limit() || n.Stats().Records != 0 {
			t.Errorf("%d bytes in a resource of %d sessions: %v, %d records are stored", c[0], c[1], err, n.Stats().Records)
		}
	}
	for _, c := range [][2]int{{1 << 20, 20}, {80 << 10, 90}, {8 << 10, 100}} {
		reserved = 0
		export(t, n, body(c[0], c[1]))
		if reserved < int64(c[0]*c[1]) {
			t.Errorf("%d bytes are reserved for %d copies of %d", reserved, c[1], c[0])
		}
	}
}

// TestEmptyContexts: of a resource or scope without records nothing is stored, and hardly anything is held:
// a megabyte, which is a kilobyte of gzip, can have half a million.
func TestEmptyContexts(t *testing.T) {
	w := newWorld(t)
	n := w.start()
	for name, body := range map[string][]byte{
		"resources": bytes.Repeat([]byte{0x0a, 0}, 400_000),
		"scopes":    append([]byte{0x0a, 0x80, 0xea, 0x30}, bytes.Repeat([]byte{0x12, 0}, 400_000)...),
	} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		if pos := export(t, n, body); pos.Signature != nil {
			t.Errorf("%s without records have a position", name)
		}
		runtime.ReadMemStats(&after)
		if got := (after.TotalAlloc - before.TotalAlloc) >> 20; got > 1 {
			t.Errorf("%s without records: a request of %d bytes allocated %d MiB", name, len(body), got)
		}
	}
}

// TestLongSDKNames: what a sender calls his SDK comes back in the summary, in JSON. Sixteen
// megabytes of it became six times as many, and the part could not be sealed any more.
func TestLongSDKNames(t *testing.T) {
	w := newWorld(t)
	n := w.start()
	for i := range 17 {
		name := "an SDK"
		if i > 0 {
			name = fmt.Sprint(i) + strings.Repeat("<", 1<<20-9)
		}
		b, err := proto.Marshal(&v1.ExportTraceServiceRequest{ResourceSpans: []*trace.ResourceSpans{{
			Resource:   &resource.Resource{Attributes: []*common.KeyValue{text("session.id", "s"), text("telemetry.sdk.name", name)}},
			ScopeSpans: []*trace.ScopeSpans{{Spans: []*trace.Span{{}}}},
		}}})
		if err != nil {
			t.Fatal(err)
		}
		export(t, n, b)
	}
	w.close(n)
	if s := w.opened()[0].Summary; s == nil || s.Records != 17 || !slices.Equal(s.SDKs, []string{"an SDK"}) {
		t.Errorf("summary %+.500v", s)
	}
}

// TestLongSessionID: a session id of megabytes would come back in every segment
// and in the summary.
func TestLongSessionID(t *testing.T) {
	w := newWorld(t)
	n := w.start()
	_, err := n.Export(t.Context(), "acme", otlpwire.Traces, request(strings.Repeat("<", 1<<20), span("a")))
	var refused *otlpwire.Error
	if !errors.As(err, &refused) || !refused.Limit() || err.Error() != "otlp session id: request too large: a session id has at most 4096 bytes" {
		t.Errorf("export: %v", err)
	}
	export(t, n, request(strings.Repeat("<", 4096), span("a")))
	w.close(n)
	w.verified()
}

// TestLastRequestAgain: the request that ends a session may be sent again like
// any other, because its answer was lost.
func TestLastRequestAgain(t *testing.T) {
	w := newWorld(t)
	n := w.start()
	export(t, n, request("s", span("a")))
	last := request("s", lastSpan("b"))
	first := export(t, n, last)
	settled(t, n, "s", 1)
	if again := export(t, n, last); again.Seq != first.Seq {
		t.Errorf("acknowledged at seq %d, the first at %d", again.Seq, first.Seq)
	}
	// Who waits for receipts of all parts has them: nothing new is there.
	if parts, err := n.Parts(t.Context(), "acme", "s"); err != nil || len(parts) != 1 || parts[0].State != session.StateLogged {
		t.Errorf("parts %+v, %v", parts, err)
	}
	export(t, n, request("s", span("late")))
	if again := export(t, n, last); again.Seq != first.Seq {
		t.Errorf("acknowledged at seq %d after a late record, the first at %d", again.Seq, first.Seq)
	}
	w.close(n)
	w.verified()
	if got := w.spanNames("s"); !slices.Equal(got, []string{"a", "b", "late"}) {
		t.Errorf("stored %v", got)
	}
}

// TestSameTwice: of records that nothing tells apart one is stored, in whatever split they
// come, and the summary counts the others.
func TestSameTwice(t *testing.T) {
	w := newWorld(t)
	n := w.start()
	export(t, n, request("s", span("tick"), span("tick"), span("tock")))
	export(t, n, request("s", span("tick")))
	w.close(n)
	if got := w.spanNames("s"); !slices.Equal(got, []string{"tick", "tock"}) {
		t.Errorf("stored %v", got)
	}
	for _, o := range w.opened() {
		if s := o.Summary; s == nil || s.Records != 2 || s.Duplicates != 2 {
			t.Errorf("summary %+v", s)
		}
	}
}

// TestEraseAfterResend: a session whose last request was sent again has ended all the same.
func TestEraseAfterResend(t *testing.T) {
	w := newWorld(t)
	n := w.start()
	last := request("s", lastSpan("a"))
	export(t, n, last)
	settled(t, n, "s", 1)
	export(t, n, last)
	if done, err := n.Erase(t.Context(), "acme", "s"); err != nil || len(done) != 1 {
		t.Errorf("%d parts erased, %v", len(done), err)
	}
}

// TestResentAfterSeveralParts: a session can have gone through several parts before a
// record is sent again.
func TestResentAfterSeveralParts(t *testing.T) {
	w := newWorld(t)
	n := w.start()
	first := export(t, n, request("s", lastSpan("a")))
	for i, name := range []string{"b", "c", "d"} {
		settled(t, n, "s", i+1)
		export(t, n, request("s", lastSpan(name)))
	}
	settled(t, n, "s", 4)
	if again := export(t, n, request("s", lastSpan("a"))); again.Seq != first.Seq {
		t.Errorf("acknowledged at seq %d, the first at %d", again.Seq, first.Seq)
	}
	w.close(n)
	if got := w.spanNames("s"); len(got) != 4 {
		t.Errorf("stored %q", got)
	}
}

// TestSealedPartsAreForgotten: a session that goes on and on, part after part,
// leaves the marks of its last sealed parts in memory and not those of them all, and
// after a while of none.
func TestSealedPartsAreForgotten(t *testing.T) {
	w := newWorld(t)
	n := w.start()
	const parts, kept = 12, 8
	for i := range parts {
		export(t, n, request("s", lastSpan(fmt.Sprint("span ", i))))
		settled(t, n, "s", i+1)
	}
	if got := n.Remembered("acme", "s"); got != kept {
		t.Errorf("%d of %d sealed parts are kept, want %d", got, parts, kept)
	}
	export(t, n, request("s", span("an open part")))
	w.advance(5 * time.Minute)
	if err := n.Tick(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := n.Remembered("acme", "s"); got != 0 {
		t.Errorf("%d sealed parts are kept after five minutes", got)
	}
}

// TestStatsOfResends: what was sent again counts as stored once.
func TestStatsOfResends(t *testing.T) {
	w := newWorld(t)
	n := w.start()
	both := func() []*trace.Span { return []*trace.Span{span("a " + secret), span("b")} }
	export(t, n, request("s", both()[:1]...))
	export(t, n, request("s", both()...))
	resent := n.Stats()
	export(t, n, request("t", both()...))
	all := n.Stats()
	if resent.Records != 2 || resent.Bytes != all.Bytes-resent.Bytes {
		t.Errorf("%d records of %d bytes, want those of two spans, %d bytes", resent.Records, resent.Bytes, all.Bytes-resent.Bytes)
	}
	if got := resent.Edits[session.EditKey{Plugin: "finder", Label: "SECRET"}]; got != 1 {
		t.Errorf("%d edits, want 1", got)
	}
}

// TestEqualAfterRedaction: records that differ only in what was redacted are
// kept, each.
func TestEqualAfterRedaction(t *testing.T) {
	w := newWorld(t)
	n := w.start()
	var records []*logs.LogRecord
	for i := range byte(3) {
		records = append(records, &logs.LogRecord{TimeUnixNano: 7, Body: binary(0xff, i)})
	}
	body, err := proto.Marshal(&logscollector.ExportLogsServiceRequest{ResourceLogs: []*logs.ResourceLogs{{
		Resource:  &resource.Resource{Attributes: []*common.KeyValue{text("session.id", "s")}},
		ScopeLogs: []*logs.ScopeLogs{{LogRecords: records}},
	}}})
	if err != nil {
		t.Fatal(err)
	}
	for range 2 { // and sent again they are known
		if _, err := n.Export(t.Context(), "acme", otlpwire.Logs, body); err != nil {
			t.Fatal(err)
		}
	}
	if got := n.Stats().Records; got != 3 {
		t.Errorf("%d of 3 different records are stored", got)
	}
}

// TestBusy: sessions that storage had no room for leave nothing behind, and are
// taken when their senders come again.
func TestBusy(t *testing.T) {
	w := newWorld(t)
	w.tune = func(o *session.Options) { o.Journal.QueueBytes = 4000; o.Journal.UnknownLimit = time.Minute }
	n := w.start()
	release := make(chan struct{})
	w.store.Inject(func(journal.Group) journaltest.Fault { <-release; return journaltest.None })
	var accepted, refused []string
	done := make(chan error)
	for i := range 40 {
		id := fmt.Sprint("s", i)
		go func() {
			_, err := n.Export(t.Context(), "acme", otlpwire.Traces, request(id, span("a")))
			done <- err
		}()
		select {
		case err := <-done: // refused at once; what is accepted waits for storage
			if !errors.Is(err, journal.ErrBusy) {
				t.Fatal(err)
			}
			refused = append(refused, id)
		case <-time.After(20 * time.Millisecond):
			accepted = append(accepted, id)
		}
	}
	close(release)
	for range accepted {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
	if len(refused) == 0 || len(accepted) == 0 {
		t.Fatalf("%d accepted, %d refused", len(accepted), len(refused))
	}
	export(t, n, request(refused[0], span("a")))
	w.advance(session.DefaultIdle)
	if err := n.Tick(t.Context()); err != nil {
		t.Fatal(err)
	}
	if open := n.Stats().OpenParts; open != 0 {
		t.Errorf("%d parts are still open", open)
	}
	if got, want := n.Numbered(), len(accepted)+1; got != want {
		t.Errorf("%d sessions are remembered, want the %d of which something was stored", got, want)
	}
	w.close(n)
	for _, p := range w.verified().Parts() {
		if p.ID.Part != 0 {
			t.Error("a session that was refused at first has used up a part number")
		}
	}
}

// What an export will need is reserved before it is made, by what is in the request;
// without room nothing of it is stored.
func TestMemoryIsReserved(t *testing.T) {
	w := newWorld(t)
	o := w.options()
	full := errors.New("full")
	var asked []int64
	o.Reserve = func(_ context.Context, bytes int64) error {
		if asked = append(asked, bytes); len(asked) == 2 {
			return full
		}
		return nil
	}
	n, err := session.Start(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	small, large := request("s", span("a")), request("s", span("b"), span("c"), span("d"))
	export(t, n, small)
	if _, err := n.Export(t.Context(), "acme", otlpwire.Traces, large); !errors.Is(err, full) {
		t.Errorf("without room: %v", err)
	}
	w.close(n)
	if len(asked) != 2 || asked[0] < int64(len(small)) || asked[1] < asked[0]+2000 {
		t.Errorf("reserved %v", asked)
	}
	if got := w.spanNames("s"); len(got) != 1 {
		t.Errorf("stored %v", got)
	}
}

// TestBusyIsNotKnown: records of an open part that storage had no room for are no duplicates
// when they are sent again; those that were taken before still are.
func TestBusyIsNotKnown(t *testing.T) {
	w := newWorld(t)
	queued := make(chan struct{}, 10)
	w.tune = func(o *session.Options) {
		o.Journal.QueueBytes, o.Journal.UnknownLimit = 1, time.Minute
		o.Waiting = func(context.Context) { queued <- struct{}{} }
	}
	n := w.start()
	export(t, n, request("s", span("a")))
	<-queued
	begun, release := make(chan struct{}, 1), make(chan struct{})
	w.store.Inject(func(journal.Group) journaltest.Fault {
		select {
		case begun <- struct{}{}:
		default:
		}
		<-release
		return journaltest.None
	})
	taken := make(chan error, 2)
	send := func(name string) {
		_, err := n.Export(t.Context(), "acme", otlpwire.Traces, request("s", span(name)))
		taken <- err
	}
	go send("b") // is being written
	<-queued
	<-begun
	go send("c") // waits, and there is no room for more
	<-queued
	for range 2 {
		if _, err := n.Export(t.Context(), "acme", otlpwire.Traces, request("s", span("d"), span("a"))); !errors.Is(err, journal.ErrBusy) {
			t.Fatalf("with a full queue: %v", err)
		}
	}
	close(release)
	for range 2 {
		if err := <-taken; err != nil {
			t.Error(err)
		}
	}
	export(t, n, request("s", span("a"), span("d")))
	w.close(n)
	if got := w.spanNames("s"); !slices.Equal(got, []string{"a", "b", "c", "d"}) {
		t.Errorf("stored %v", got)
	}
}

// TestOnlyStoredRecordsCount: records count as stored when they are durable, also if their sender has
// gone by then, and not before; those that never are do not.
func TestOnlyStoredRecordsCount(t *testing.T) {
	w := newWorld(t)
	w.tune = func(o *session.Options) { o.Journal.UnknownLimit = time.Minute }
	n := w.start()
	put, release := make(chan struct{}), make(chan struct{})
	w.store.Inject(func(journal.Group) journaltest.Fault { put <- struct{}{}; <-release; return journaltest.None })
	ctx, leave := context.WithCancel(t.Context())
	failed := make(chan error)
	go func() { _, err := n.Export(ctx, "acme", otlpwire.Traces, request("s", span("x"))); failed <- err }()
	<-put
	leave()
	if err := <-failed; !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	if got := n.Stats(); got.Records != 0 || got.Bytes != 0 {
		t.Errorf("%d records, %d bytes count as stored while storage writes", got.Records, got.Bytes)
	}
	close(release)
	eventually(t, func() bool { return n.Stats().Records == 1 })
	w.store.Inject(func(journal.Group) journaltest.Fault { put <- struct{}{}; return journaltest.Hangs })
	ctx, leave = context.WithCancel(t.Context())
	go func() { _, err := n.Export(ctx, "acme", otlpwire.Traces, request("s", span("y"))); failed <- err }()
	<-put
	leave()
	<-failed
	w.crash(n)
	if got := n.Stats().Records; got != 1 {
		t.Errorf("%d records count as stored, one is", got)
	}
}
