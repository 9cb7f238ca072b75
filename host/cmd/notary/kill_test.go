package main

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"sync"
	"testing"

	trace "go.opentelemetry.io/proto/otlp/trace/v1"

	"github.com/veriproof/notary/host/archive"
	"github.com/veriproof/notary/host/stream"
	"github.com/veriproof/notary/sdk/journal"
	"github.com/veriproof/notary/sdk/receipt"
)

// An acknowledged export is one that the notary answered OK.
type acknowledged struct {
	session string
	spans   []*trace.Span
	at      *journal.Position
}

// traffic sends exports of sessions, some that end and some that stay open,
// until its notary is gone, and remembers what was acknowledged.
type traffic struct {
	c     *sender
	name  string
	after int    // acknowledgements after which then is called,
	then  func() // by the goroutine that got the last of them

	senders sync.WaitGroup
	mu      sync.Mutex
	acks    []acknowledged
}

// start starts the senders. Each has an export in flight at all times, so that
// some are whenever the notary dies.
func (f *traffic) start(ctx context.Context, senders int) {
	for i := range senders {
		f.senders.Go(func() {
			for k := 0; ; k++ {
				a := acknowledged{session: fmt.Sprintf("%s-%d-%d", f.name, i, k/4)}
				for range 1 + k%3 {
					a.spans = append(a.spans, newSpan("chat", "content", fmt.Sprintf("turn %d, mail %s", k, sampleEmail)))
				}
				// Every other session ends with its fourth export.
				if k%8 == 3 {
					a.spans = append(a.spans, lastSpan("invoke_agent"))
				}
				var err error
				if a.at, err = f.c.export(ctx, request(a.session, a.spans...)); err != nil {
					return
				}
				f.acknowledge(a)
			}
		})
	}
}

func (f *traffic) acknowledge(a acknowledged) {
	f.mu.Lock()
	f.acks = append(f.acks, a)
	now := len(f.acks) == f.after
	f.mu.Unlock()
	if now {
		f.then()
	}
}

func (f *traffic) wait() []acknowledged {
	f.senders.Wait()
	return f.acks
}

// TestKillNine: what was acknowledged when a notary is killed is, after the next
// start, in a sealed part with evidence that is verified. Exports are in flight
// when it dies, and the recovery itself is killed too.
func TestKillNine(t *testing.T) {
	t.Parallel()
	m := newMachine(t, setting{})
	rounds := 3
	if os.Getenv("NOTARY_LONG") != "" {
		rounds = 20
	}
	var acks []acknowledged
	killed := make(map[string]bool)
	for round := range rounds {
		p := m.start(t)
		f := &traffic{c: m.connect(t, p), name: fmt.Sprint("round", round), after: 10 + rand.IntN(30), then: p.kill}
		f.start(t.Context(), 4)
		acks = append(acks, f.wait()...)
		killed[p.ready.Epoch] = true
		if round > 0 {
			m.killStarting(t, round)
		}
	}
	p := m.start(t)
	p.stop(t)

	m.audit(t, func(s *storage, spans map[string][]foundSpan) {
		for _, e := range s.Epochs {
			want := journal.KindFence
			if e.ID.String() == p.ready.Epoch {
				want = journal.KindClose
			}
			if e.Ended != want {
				t.Errorf("epoch %v ended by %v, want %v", e.ID, e.Ended, want)
			}
			delete(killed, e.ID.String())
		}
		if len(killed) > 0 {
			t.Errorf("%d epochs are not in storage", len(killed))
		}
		checkAcknowledged(t, s, spans, acks)
		m.checkRecovered(t, s)
	})
}

// killStarting starts notaries and kills each while it starts: in round n when
// storage has grown by n entries and more, which is in the midst of
// fencing and sealing what the one before left.
func (m *machine) killStarting(t *testing.T, round int) {
	t.Helper()
	before := m.storedEntries(t)
	p := m.launch(t)
	eventually(t, "a starting notary writes", func() bool { return m.storedEntries(t) > before+uint64(round) })
	p.kill()
}

// storedEntries counts the entries of all epochs, beside the notary that writes them.
func (m *machine) storedEntries(t *testing.T) (n uint64) {
	t.Helper()
	d, err := stream.Open(m.path("data/store"), stream.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	keys, err := d.Keys()
	if err != nil {
		t.Fatal(err)
	}
	for _, key := range keys {
		r, err := d.Find(key, math.MaxUint64)
		if err != nil {
			t.Fatal(err)
		}
		n += r.Last + 1
	}
	return n
}

// checkAcknowledged: each acknowledged span is there, in its session, redacted,
// and the journal has the position that its sender holds.
func checkAcknowledged(t *testing.T, s *storage, spans map[string][]foundSpan, acks []acknowledged) {
	t.Helper()
	count := 0
	for _, a := range acks {
		if a.at == nil {
			t.Fatal("an export was acknowledged without a position")
		}
		e := s.Epoch(a.at.Epoch)
		if e == nil {
			t.Fatalf("the epoch of a position is not in storage")
		}
		entry, err := archive.Entry(t.Context(), s.set.Store(), a.at.Epoch, a.at.Seq)
		if err != nil {
			t.Fatal(err)
		}
		if err := a.at.Verify(e.Key); err != nil || entry.Chain != a.at.Chain {
			t.Errorf("the journal has another entry at %d than was signed: %v", a.at.Seq, err)
		}
		for _, span := range a.spans {
			found := spans[string(span.SpanId)]
			if len(found) != 1 || found[0].session != a.session {
				t.Errorf("an acknowledged span of %s is stored %d times", a.session, len(found))
				continue
			}
			count++
			if span.Name == "chat" && len(found[0].edits) != 1 {
				t.Errorf("a span has %d edits, want 1", len(found[0].edits))
			}
		}
	}
	if count == 0 {
		t.Error("nothing was acknowledged")
	}
	t.Logf("%d exports with %d spans acknowledged", len(acks), count)
}

// checkRecovered: bundles of recovered parts are verified by the tool, too.
func (m *machine) checkRecovered(t *testing.T, s *storage) {
	t.Helper()
	checked := 0
	for _, p := range s.Parts() {
		if p.Manifest == nil || p.Manifest.Reason != receipt.ReasonRecovered || checked == 3 {
			continue
		}
		checked++
		out := m.path(fmt.Sprintf("recovered-%d.bundle", checked))
		name := fmt.Sprintf("%v/%d", p.ID.Handle, p.ID.Part)
		if status, _, stderr := m.run(t, "session", "bundle", "--config", "notary.yaml", "-o", out, name); status != exitOK {
			t.Fatalf("session bundle: %d %s", status, stderr)
		}
		status, stdout, stderr := m.run(t, "verify", "--policy", "policy.yaml", out)
		if status != exitOK {
			t.Errorf("notary verify of a recovered part: %d\n%s%s", status, stdout, stderr)
		}
	}
	if checked == 0 {
		t.Error("no part was recovered")
	}
}
