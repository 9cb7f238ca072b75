package session_test

import (
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	common "go.opentelemetry.io/proto/otlp/common/v1"
	logs "go.opentelemetry.io/proto/otlp/logs/v1"

	"github.com/veriproof/notary/host/journal"
	"github.com/veriproof/notary/host/journal/journaltest"
	"github.com/veriproof/notary/host/otlpwire"
	"github.com/veriproof/notary/host/session"
	"github.com/veriproof/notary/sdk/receipt"
)

// TestEndOvertakesOthers: an exporter sends several requests at a time. The one that ends
// the session may be the first to arrive, and what comes a moment later is of the same part.
func TestEndOvertakesOthers(t *testing.T) {
	const linger = 2 * time.Second
	w := newWorld(t)
	w.tune = func(o *session.Options) { o.Linger = linger }
	n := w.start()
	export(t, n, request("s", lastSpan("last")))
	for _, name := range []string{"overtaken", "by far"} {
		w.advance(linger - time.Millisecond)
		n.Tick(t.Context())
		export(t, n, request("s", span(name)))
	}
	w.advance(linger)
	n.Tick(t.Context())
	parts := settled(t, n, "s", 1)
	if m := parts[0].Manifest; m.Reason != receipt.ReasonEnd || m.Leaves != 4 {
		t.Errorf("sealed for %q with %d leaves, want %q and 4", m.Reason, m.Leaves, receipt.ReasonEnd)
	}

	// What comes after that is a part of its own, which nobody has ended.
	export(t, n, request("s", span("late")))
	w.advance(linger)
	n.Tick(t.Context())
	if list, err := n.Parts(t.Context(), "acme", "s"); err != nil || len(list) != 2 || list[1].State != session.StateOpen {
		t.Errorf("parts after a late record: %+v, %v", list, err)
	}

	// Who asks for the receipt by the control interface does not wait, and a stop does
	// not make the end another one.
	export(t, n, request("asked", lastSpan("last")))
	if err := n.EndSession(t.Context(), "acme", "asked"); err != nil {
		t.Fatal(err)
	}
	settled(t, n, "asked", 1)
	export(t, n, request("stopped", lastSpan("last")))
	w.close(n)
	reasons := map[receipt.Reason]int{}
	for _, p := range w.verified().Parts() {
		reasons[p.Manifest.Reason]++
	}
	if reasons[receipt.ReasonEnd] != 3 || reasons[receipt.ReasonShutdown] != 1 {
		t.Errorf("parts sealed for %v", reasons)
	}
}

// TestEndedAgain: who says again that a session has ended, as each of several sessions
// does that follow it, sends nothing of it and does not put its receipt off.
func TestEndedAgain(t *testing.T) {
	const linger = 2 * time.Second
	w := newWorld(t)
	w.tune = func(o *session.Options) { o.Linger = linger }
	n := w.start()
	export(t, n, request("old", span("a")))
	for _, next := range []string{"b", "c", "d"} {
		b, sig := requestOfRecords([]sent{{log: &logs.LogRecord{
			EventName: "session.start", Attributes: []*common.KeyValue{text("session.id", next), text("session.previous_id", "old")},
		}}}, false)
		if _, err := n.Export(t.Context(), "acme", sig, b); err != nil {
			t.Fatal(err)
		}
		w.advance(linger / 2)
		n.Tick(t.Context())
	}
	parts, err := n.Parts(t.Context(), "acme", "old")
	if err != nil || len(parts) != 1 || parts[0].State == session.StateOpen {
		t.Errorf("%+v, %v", parts, err)
	}
	w.close(n)
}

// TestResentPutsNothingOff: a sender who goes on to send what is there already, since an answer
// was lost or in order to, keeps his session open for no longer.
func TestResentPutsNothingOff(t *testing.T) {
	const linger = 2 * time.Second
	w := newWorld(t)
	w.tune = func(o *session.Options) { o.Linger = linger }
	n := w.start()
	for id, c := range map[string]struct {
		body   []byte
		within time.Duration
		reason receipt.Reason
	}{
		"ended": {request("ended", lastSpan("a")), linger, receipt.ReasonEnd},
		"idle":  {request("idle", span("a")), session.DefaultIdle, receipt.ReasonIdle},
	} {
		export(t, n, c.body)
		for range 2 {
			w.advance(c.within / 2)
			export(t, n, c.body)
		}
		n.Tick(t.Context())
		parts, err := n.Parts(t.Context(), "acme", id)
		if err != nil || len(parts) != 1 || parts[0].State == session.StateOpen {
			t.Errorf("%s: %+v, %v", id, parts, err)
			continue
		}
		if m := settled(t, n, id, 1)[0].Manifest; m.Reason != c.reason {
			t.Errorf("%s: sealed for %q", id, m.Reason)
		}
	}
	w.close(n)
}

// TestEndOfWhatWasRefused: a session that is ended just when its first records are refused, since
// storage does not keep up, has no part that waits for a receipt for ever.
func TestEndOfWhatWasRefused(t *testing.T) {
	w := newWorld(t)
	var asked atomic.Int32
	asked.Store(-1 << 30)
	ended := make(chan error, 1)
	var n *session.Notary
	w.tune = func(o *session.Options) {
		o.Journal.QueueBytes, o.Journal.UnknownLimit = 1, time.Minute
		o.Now = func() time.Time {
			if asked.Add(1) == 2 { // when the part was opened, and now that it has its first records
				go func() { ended <- n.EndSession(t.Context(), "acme", "s") }()
				eventually(t, func() bool { return n.Stats().OpenParts == 2 }) // those of the others
			}
			return w.clock()
		}
	}
	n = w.start()
	put, goOn := make(chan struct{}), make(chan struct{})
	first := sync.OnceFunc(func() { close(put) })
	w.store.Inject(func(journal.Group) journaltest.Fault { first(); <-goOn; return journaltest.None })
	failed := make(chan error, 2)
	send := func(id string) error {
		_, err := n.Export(t.Context(), "acme", otlpwire.Traces, request(id, span("a")))
		return err
	}
	go func() { failed <- send("under way") }()
	<-put
	written := n.Stats().Journal.Bytes
	go func() { failed <- send("waits") }()
	eventually(t, func() bool { return n.Stats().Journal.Bytes > written })
	asked.Store(0)
	if err := send("s"); !errors.Is(err, journal.ErrBusy) {
		t.Fatal(err)
	}
	if err := <-ended; err == nil {
		t.Error("a session is said to have its receipts of which nothing was stored")
	}
	close(goOn)
	if err := errors.Join(<-failed, <-failed); err != nil {
		t.Error(err)
	}
	export(t, n, request("s", span("a")))
	if err := n.EndSession(t.Context(), "acme", "s"); err != nil {
		t.Error(err)
	}
	settled(t, n, "s", 1)
	if parts, err := n.Parts(t.Context(), "acme", "s"); err != nil || len(parts) != 1 {
		t.Errorf("%+v, %v", parts, err)
	}
	w.close(n)
}

// TestResentWhileItEnds: of an export and the same one again, with the end of the session between
// them, one is stored, also if the first has looked up its part and waits for it when that ends.
func TestResentWhileItEnds(t *testing.T) {
	w := newWorld(t)
	n := w.start()
	export(t, n, request("s", span("first")))
	late := request("s", span("late"))
	taken, err := n.Late(t.Context(), "acme", otlpwire.Traces, late, func() { export(t, n, late) })
	if err != nil {
		t.Fatal(err)
	}
	if taken {
		t.Error("a part takes records that has been ended")
	}
	export(t, n, late) // as Export goes on when it was not
	w.close(n)
	if got := w.spanNames("s"); !slices.Equal(got, []string{"first", "late"}) {
		t.Errorf("stored are %q", got)
	}
}
