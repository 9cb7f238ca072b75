package session_test

import (
	"context"
	"sync"
	"testing"

	common "go.opentelemetry.io/proto/otlp/common/v1"
	logs "go.opentelemetry.io/proto/otlp/logs/v1"

	"github.com/veriproof/notary/host/journal"
	"github.com/veriproof/notary/host/journal/journaltest"
	"github.com/veriproof/notary/host/otlpwire"
	"github.com/veriproof/notary/host/session"
)

// TestResentEndEndsNothing: a request that ends a session ends no later part of it when it is sent
// again, by itself or with what is new.
func TestResentEndEndsNothing(t *testing.T) {
	event := func(name string, attributes ...*common.KeyValue) sent {
		return sent{log: &logs.LogRecord{EventName: name, Attributes: attributes}}
	}
	for name, records := range map[string][]sent{
		"an end":            {event("session.end", text("session.id", "old"))},
		"a start":           {event("session.start", text("session.id", "new"), text("session.previous_id", "old"))},
		"twice in it":       {event("session.end", text("session.id", "old")), event("session.end", text("session.id", "old"))},
		"both in one":       {event("session.start", text("session.id", "new"), text("session.previous_id", "old"), text("veriproof.session.end", "true"))},
		"an end and others": {event("chat", text("session.id", "old")), event("session.end", text("session.id", "old"))},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			n := w.start()
			send := func(records ...sent) {
				b, sig := requestOfRecords(records, false)
				if _, err := n.Export(t.Context(), "acme", sig, b); err != nil {
					t.Fatal(err)
				}
			}
			open := func(when string) {
				if parts, err := n.Parts(t.Context(), "acme", "old"); err != nil || len(parts) != 2 || parts[1].State != session.StateOpen {
					t.Fatalf("%s: %+v, %v", when, parts, err)
				}
			}
			export(t, n, request("old", span("a")))
			send(records...)
			settled(t, n, "old", 1)
			export(t, n, request("old", span("late")))
			send(records...)
			open("sent again")
			send(append([]sent{event("chat", text("session.id", "old"))}, records...)...)
			open("sent again with another")
			send(event("session.end", text("session.id", "old"), text("its", "own")))
			settled(t, n, "old", 2)
			w.close(n)
		})
	}
}

// TestEndOfUnknownOutcome: where the sender was not told that the end is stored, the end that he sends
// again ends the session, whether or not something came between.
func TestEndOfUnknownOutcome(t *testing.T) {
	for _, between := range []bool{false, true} {
		w := newWorld(t)
		n := w.start()
		export(t, n, request("s", span("a")))
		put, goOn := make(chan struct{}), make(chan struct{})
		first := sync.OnceFunc(func() { close(put) })
		w.store.Inject(func(journal.Group) journaltest.Fault { first(); <-goOn; return journaltest.None })
		ctx, cancel := context.WithCancel(t.Context())
		end := request("s", lastSpan("last"))
		failed := make(chan error)
		go func() {
			_, err := n.Export(ctx, "acme", otlpwire.Traces, end)
			failed <- err
		}()
		<-put
		cancel()
		if <-failed == nil {
			t.Fatal("an export is acknowledged that nobody waited for")
		}
		close(goOn)
		if between {
			export(t, n, request("s", span("b")))
		}
		export(t, n, end)
		settled(t, n, "s", 1)
		export(t, n, request("s", span("late")))
		export(t, n, end)
		if parts, err := n.Parts(t.Context(), "acme", "s"); err != nil || len(parts) != 2 || parts[1].State != session.StateOpen {
			t.Errorf("%+v, %v", parts, err)
		}
		w.close(n)
	}
}
