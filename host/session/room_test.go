package session_test

import (
	"bytes"
	"context"
	enc "encoding/binary"
	"errors"
	"fmt"
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	"github.com/veriproof/notary/host/journal"
	"github.com/veriproof/notary/host/otlpwire"
	"github.com/veriproof/notary/host/session"
	"github.com/veriproof/notary/sdk/receipt"
)

// field is a field of a message that is given by its bytes.
func field(tag byte, b []byte) []byte {
	return append(enc.AppendUvarint([]byte{tag}, uint64(len(b))), b...)
}

// traces is a request of as many spans as it has numbers, each of its own trace and so of
// its own session, which it ends or does not.
func traces(from, to int, end bool) []byte {
	var spans []byte
	for i := from; i < to; i++ {
		span := field(0x0a, enc.BigEndian.AppendUint64(make([]byte, 8), uint64(i+1)))
		if end {
			span = append(span, field(0x4a, append(field(0x0a, []byte("veriproof.session.end")), field(0x12, []byte{0x10, 1})...))...)
		}
		spans = append(spans, field(0x12, span)...)
	}
	return field(0x0a, field(0x12, spans))
}

// tiny is a request of log records that have nothing but a time, all of one session.
func tiny(from, to int) []byte {
	var records []byte
	for i := from; i < to; i++ {
		records = append(records, field(0x12, enc.LittleEndian.AppendUint64([]byte{9}, uint64(i+1)))...)
	}
	return field(0x0a, field(0x12, records))
}

// patiently exports and, as senders do, comes again when there is no room; at most so often.
func patiently(t *testing.T, n *session.Notary, tenant string, sig otlpwire.Signal, body []byte) {
	t.Helper()
	for start := time.Now(); ; time.Sleep(time.Millisecond) {
		_, err := n.Export(t.Context(), tenant, sig, body)
		if err == nil {
			return
		}
		if !errors.Is(err, session.ErrFull) && !errors.Is(err, journal.ErrBusy) || time.Since(start) > time.Minute {
			t.Fatalf("export of %s: %v", tenant, err)
		}
	}
}

// TestSessionMemory (T51, T53): whatever a tenant sends (sessions without end, sessions that end,
// such that end and are sent again, records of nothing), what is kept of it stays within the bound, its own exports are taken in
// the end, and those of others at once.
func TestSessionMemory(t *testing.T) {
	const bound = 4 << 20
	for name, send := range map[string]func(t *testing.T, n *session.Notary, i int){
		"open": func(t *testing.T, n *session.Notary, i int) {
			patiently(t, n, "evil", otlpwire.Traces, traces(i*400, (i+1)*400, false))
		},
		"ended": func(t *testing.T, n *session.Notary, i int) {
			patiently(t, n, "evil", otlpwire.Traces, traces(i*400, (i+1)*400, true))
		},
		"ended, and again": func(t *testing.T, n *session.Notary, i int) {
			for range 2 {
				patiently(t, n, "evil", otlpwire.Traces, traces(i*200, (i+1)*200, true))
			}
		},
		"tiny": func(t *testing.T, n *session.Notary, i int) {
			patiently(t, n, "evil", otlpwire.Logs, tiny(i*8000, (i+1)*8000))
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.tune = func(o *session.Options) {
				o.Store, o.Memory, o.Journal.UnknownLimit = forgetful{w.store}, bound, time.Minute
			}
			n := w.start()
			export(t, n, request("honest", span("a")))
			for i := range 12 {
				send(t, n, i)
				if held := n.Stats().PartMemory; held > bound {
					t.Fatalf("%d bytes are held, the bound is %d", held, bound)
				}
				if _, err := n.Export(t.Context(), "healthy", otlpwire.Traces, request(fmt.Sprint("new ", i), span("a"))); err != nil {
					t.Fatalf("another tenant's new session: %v", err)
				}
			}
			s := n.Stats()
			if s.OpenParts > bound/(2<<10) {
				t.Errorf("%d parts are open", s.OpenParts)
			}
			if (name == "open" || name == "tiny") && s.Sealed[receipt.ReasonSize] == 0 {
				t.Error("no part gave way")
			}
			parts, err := n.Parts(t.Context(), "acme", "honest")
			if err != nil || len(parts) != 1 || parts[0].State != session.StateOpen {
				t.Errorf("the session of a third tenant: %+v, %v", parts, err)
			}
		})
	}
}

// slow is a store that keeps nothing, and takes its time for it.
type slow struct{ journal.Store }

func (slow) Put(context.Context, journal.Group) error { time.Sleep(5 * time.Millisecond); return nil }

// TestRoomIsMadeInSteps: while nobody has to wait for room, the next parts give way when those before
// are sealed. All that go at once, an eighth of the memory, would be in the way of every export.
func TestRoomIsMadeInSteps(t *testing.T) {
	const sessions = 100 // of a request
	w := newWorld(t)
	w.tune = func(o *session.Options) {
		o.Store, o.Memory, o.Journal.UnknownLimit = slow{w.store}, 8<<20, time.Minute
	}
	n := w.start()
	most, total := uint64(0), uint64(0) // that are being sealed, that were sealed for room
	for i := range uint64(30) {
		if _, err := n.Export(t.Context(), "acme", otlpwire.Traces, traces(int(i)*sessions, int(i+1)*sessions, false)); err != nil {
			t.Fatalf("export %d: %v", i, err) // nobody has to come again
		}
		made := make(chan struct{})
		go func() { n.MadeRoom(); close(made) }()
		for waiting := true; waiting; {
			select {
			case <-made:
				waiting = false
			default:
				runtime.Gosched()
			}
			s := n.Stats()
			total = s.Sealed[receipt.ReasonSize]
			most = max(most, (i+1)*sessions-total-s.OpenParts)
		}
	}
	if most > session.Stride || total < 2*session.Stride {
		t.Errorf("%d parts were being sealed at once, %d were in all", most, total)
	}
}

// TestSessionMemoryIsFreed: of sessions that were sealed nothing is held when nobody sends
// their records again.
func TestSessionMemoryIsFreed(t *testing.T) {
	w := newWorld(t)
	n := w.start()
	patiently(t, n, "acme", otlpwire.Traces, traces(0, 300, true))
	export(t, n, request("s", span("a")))
	w.advance(session.DefaultIdle)
	for n.Stats().Proved < 301 {
		if err := n.Step(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	w.advance(session.DefaultIdle)
	if err := n.Step(t.Context()); err != nil {
		t.Fatal(err)
	}
	if held := n.Stats().PartMemory; held != 0 {
		t.Errorf("%d bytes are held of no session", held)
	}
}

// TestSessionMemoryIsReal: what is counted for parts is what they take.
func TestSessionMemoryIsReal(t *testing.T) {
	w := newWorld(t)
	w.tune = func(o *session.Options) { o.Store = forgetful{w.store} }
	n := w.start()
	for _, c := range []struct {
		name       string
		sig        otlpwire.Signal
		warm, body []byte // the first leaves memory to the next that works
	}{
		{"parts", otlpwire.Traces, traces(0, 5000, false), traces(5000, 10_000, false)},
		{"marks", otlpwire.Logs, tiny(0, 30_000), tiny(30_000, 60_000)},
	} {
		if _, err := n.Export(t.Context(), "acme", c.sig, c.warm); err != nil {
			t.Fatal(err)
		}
		before := n.Stats().PartMemory
		grew := growth(func() {
			if _, err := n.Export(t.Context(), "acme", c.sig, c.body); err != nil {
				t.Fatal(err)
			}
		})
		counted := n.Stats().PartMemory - before
		t.Logf("%s: %d KiB counted, %d KiB in use", c.name, counted>>10, grew>>10)
		if grew > counted+1<<20 {
			t.Errorf("%s: %d KiB in use, %d are counted", c.name, grew>>10, counted>>10)
		}
	}
}

// TestTooManySessions: a request whose sessions could never be held at a time is refused for
// good, and before any of it is stored.
func TestTooManySessions(t *testing.T) {
	w := newWorld(t)
	w.tune = func(o *session.Options) { o.Memory = 1 << 20 }
	n := w.start()
	_, err := n.Export(t.Context(), "acme", otlpwire.Traces, traces(0, 1000, false))
	var refused *otlpwire.Error
	if !errors.As(err, &refused) || !refused.Limit() || n.Stats().Records != 0 {
		t.Errorf("%v, %d records are stored", err, n.Stats().Records)
	}
	n.Kill()
	w.tune = func(o *session.Options) { o.Memory = 1000 * 4 << 10 }
	export(t, w.start(), traces(0, 1000, false))
}

// TestTooLargeForTheJournal: where one session of a request is too large for an entry nothing of
// the others is stored either.
func TestTooLargeForTheJournal(t *testing.T) {
	w := newWorld(t)
	w.tune = func(o *session.Options) {
		o.Walk = otlpwire.Options{Limits: otlpwire.Limits{Bytes: 1 << 30, Messages: 1 << 20}}
	}
	n := w.start()
	large := field(0x12, append(field(0x0a, bytes.Repeat([]byte{2}, 16)), field(0x2a, bytes.Repeat([]byte("x"), 1<<20))...))
	small := field(0x12, append(field(0x0a, bytes.Repeat([]byte{1}, 16)), field(0x2a, []byte("small"))...))
	spans := small
	for i := range byte(64) {
		spans = append(spans, large...)
		spans[len(spans)-1] = 'a' + i%26
	}
	_, err := n.Export(t.Context(), "acme", otlpwire.Traces, field(0x0a, field(0x12, spans)))
	if !errors.Is(err, journal.ErrTooLarge) || n.Stats().Records != 0 {
		t.Errorf("%v, %d records are stored", err, n.Stats().Records)
	}
}

// TestOthersBesideManyParts: while the notary looks at thousands of parts, and seals those that are
// due, whoever needs to know of one has his turn.
func TestOthersBesideManyParts(t *testing.T) {
	const parts = 2000
	w := newWorld(t)
	var n *session.Notary
	var due atomic.Bool
	var looked atomic.Int32
	told := make(chan int32, 1)
	w.tune = func(o *session.Options) {
		o.Store = forgetful{w.store}
		o.Now = func() time.Time { // which is asked for each part
			if due.Load() && looked.Add(1) == 1 {
				go func() {
					n.Stats()
					told <- looked.Load()
				}()
			}
			return w.clock()
		}
	}
	n = w.start()
	patiently(t, n, "acme", otlpwire.Traces, traces(0, parts, false))
	w.advance(session.DefaultIdle)
	due.Store(true)
	if err := n.Step(t.Context()); err != nil {
		t.Fatal(err)
	}
	if at := <-told; at > parts/2 {
		t.Errorf("another waited until %d of %d parts had been looked at", at, parts)
	}
	n.Kill()
}

// TestLookingLives: a look at thousands of parts, which gives way to everybody, may take long. Until
// it is over those who share the storage see that the notary lives.
func TestLookingLives(t *testing.T) {
	w := newShared(t)
	var n *session.Notary
	var due atomic.Bool
	var asked atomic.Int32
	w.tune = func(o *session.Options) {
		o.Silence = silence
		o.Now = func() time.Time {
			if due.Load() && asked.Add(1) == 2 { // by Tick, and then for the part that is due
				head := w.scan().Epoch(n.Epoch()).Next
				eventually(t, func() bool { w.advance(silence / 8); return w.scan().Epoch(n.Epoch()).Next > head })
			}
			return w.clock()
		}
	}
	n = w.start()
	export(t, n, request("s", span("a")))
	w.advance(session.DefaultIdle)
	due.Store(true)
	if err := n.Step(t.Context()); err != nil {
		t.Fatal(err)
	}
	if asked.Load() < 2 {
		t.Error("no part was due")
	}
}

// TestTickWhileClosing: while an orderly end waits for an export that is under way, no part is
// sealed but by it: what the export goes on with is the same part.
func TestTickWhileClosing(t *testing.T) {
	w := newWorld(t)
	var under atomic.Bool
	entered, goOn := make(chan struct{}), make(chan struct{})
	w.tune = func(o *session.Options) {
		o.Reserve = func(context.Context, int64) error {
			if under.CompareAndSwap(true, false) {
				close(entered)
				<-goOn
			}
			return nil
		}
	}
	n := w.start()
	export(t, n, request("s", span("a")))
	under.Store(true)
	exported, closed := make(chan error), make(chan error)
	go func() {
		_, err := n.Export(t.Context(), "acme", otlpwire.Traces, request("s", span("b")))
		exported <- err
	}()
	<-entered
	go func() { closed <- n.Close(t.Context()) }()
	eventually(t, func() bool { return errors.Is(n.Ready(), session.ErrClosing) })
	w.advance(session.DefaultIdle)
	if err := n.Step(t.Context()); err != nil {
		t.Fatal(err)
	}
	close(goOn)
	if err := <-exported; err != nil {
		t.Error(err)
	}
	if err := <-closed; err != nil {
		t.Fatal(err)
	}
	if parts := w.verified().Parts(); len(parts) != 1 || parts[0].Manifest.Reason != receipt.ReasonShutdown {
		t.Errorf("%d parts, the first of reason %s", len(parts), parts[0].Manifest.Reason)
	}
}
