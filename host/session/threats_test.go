package session_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/veriproof/notary/host/archive"
	"github.com/veriproof/notary/host/journal"
	"github.com/veriproof/notary/host/journal/journaltest"
	"github.com/veriproof/notary/host/otlpwire"
	"github.com/veriproof/notary/host/session"
	"github.com/veriproof/notary/sdk/receipt"
)

// TestT31TwoNotaries: a second notary begins on the storage of one that is in the
// middle of its work, 100 times at different moments. One of the two goes on, nothing
// of either stands in the other's place, and what was acknowledged is there.
func TestT31TwoNotaries(t *testing.T) {
	stopped := map[string]int{}
	for seed := range uint64(100) {
		synctest.Test(t, func(t *testing.T) {
			r := newRun(t, seed)
			r.plan.silence = 0
			r.plan.calm()
			first := r.begin()
			r.set(first.notary)
			over := make(chan struct{})
			go func() {
				defer close(over)
				for i := range 8 {
					r.send("s", fmt.Sprint("span ", i), request("s", span(fmt.Sprint("span ", i))))
				}
			}()
			time.Sleep(time.Duration(r.plan.in(300)) * time.Millisecond)
			second := r.begin()
			if second.notary != nil {
				stopped["first"]++
				r.set(second.notary)
				<-over
				second.notary.Kill()
			} else {
				stopped["second"]++
				<-over
			}
			second.cancel()
			first.cancel()
			first.notary.Kill()
			time.Sleep(time.Second) // what they had under way has ended
			last := r.begin()
			r.close(last.notary)
			last.cancel()
			r.check()
		})
	}
	if stopped["first"] == 0 || stopped["second"] == 0 {
		t.Errorf("of 100 pairs the one that was stopped is always the same: %v", stopped)
	}
}

// TestT34AcknowledgedIsReadable: at the moment of an acknowledgement the record is in
// storage and its recipient can read it; ten seconds after the session's end its proof
// verifies.
func TestT34AcknowledgedIsReadable(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.store.Inject(func(journal.Group) journaltest.Fault { time.Sleep(50 * time.Millisecond); return journaltest.None })
		n := w.start()
		for i := range 20 {
			id, name := fmt.Sprint("s", i%3), fmt.Sprint("span ", i)
			s := span(name)
			if i >= 17 {
				s = lastSpan(name)
			}
			export(t, n, request(id, s))
			if !slices.Contains(w.spanNames(id), name) {
				t.Fatalf("%q was acknowledged, and its recipient does not find it", name)
			}
		}
		time.Sleep(10 * time.Second)
		if parts := w.verified().Parts(); len(parts) != 3 {
			t.Errorf("%d parts", len(parts))
		}
		w.crash(n)
	})
}

// TestT35StorageHangs: while storage answers nothing, senders are told to come again,
// the bytes that wait are bounded, and the epoch ends in time; its successor has what
// was acknowledged and nothing else.
func TestT35StorageHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const bound = 8 << 10
		w := newWorld(t)
		w.tune = func(o *session.Options) { o.Journal = journal.Options{QueueBytes: bound} }
		n := w.start()
		export(t, n, request("s", span("before")))
		w.store.Inject(func(g journal.Group) journaltest.Fault { return journaltest.Hangs })
		outcomes := make(chan error, 200)
		for i := range 200 {
			go func() {
				_, err := n.Export(t.Context(), "acme", otlpwire.Traces, request(fmt.Sprint("t", i), span("during")))
				outcomes <- err
			}()
		}
		synctest.Wait() // those that are refused have been told by now
		busy := len(outcomes)
		for range busy {
			if err := <-outcomes; !errors.Is(err, journal.ErrBusy) {
				t.Errorf("refused with %v", err)
			}
		}
		// At most the queue and the groups that were taken from it before it filled.
		waits := 200 - busy
		if most := waits * len(request("t", span("during"))); busy == 0 || most > 2*bound {
			t.Errorf("%d exports wait with %d bytes, %d are refused; the bound is %d", waits, most, busy, bound)
		}
		began := time.Now()
		<-n.Ended()
		if took := time.Since(began); took > journal.DefaultUnknownLimit {
			t.Errorf("the epoch ended after %v", took)
		}
		for range waits {
			if err := <-outcomes; !errors.Is(err, journal.ErrEnded) {
				t.Errorf("an export whose outcome is unknown: %v", err)
			}
		}
		w.crash(n)
		w.store.Inject(nil)
		next := w.start()
		w.close(next)
		a := w.verified()
		if parts := a.Parts(); len(parts) != 1 || parts[0].Manifest.Reason != receipt.ReasonRecovered {
			t.Errorf("%d parts", len(parts))
		}
		if e := a.Epoch(n.Epoch()); !slices.Equal(e.Orphans, []archive.Range(nil)) || e.Fence == nil {
			t.Errorf("the epoch: fence %v, orphans %v", e.Fence, e.Orphans)
		}
	})
}

// deaf is a store whose reads, once it hangs, heed no context and end when it lets go.
type deaf struct {
	*journaltest.Store
	hangs   atomic.Bool
	letGo   chan struct{}
	waiting atomic.Int32
}

func (s *deaf) Key(ctx context.Context, id journal.KeyID) (journal.Sealed, error) {
	if s.hangs.Load() {
		s.waiting.Add(1)
		<-s.letGo
	}
	return s.Store.Key(ctx, id)
}

// TestT35ReadsHang: storage that hangs in a read does not keep a notary from ending: what
// it has written is closed in good order but for that, in bounded time.
func TestT35ReadsHang(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		n := w.start()
		export(t, n, request("s", lastSpan("a")))
		if _, err := n.Erase(t.Context(), "acme", "s"); err != nil {
			t.Fatal(err)
		}
		w.close(n)
		store := &deaf{Store: w.store, letGo: make(chan struct{})}
		store.hangs.Store(true)
		w.tune = func(o *session.Options) { o.Store = store }
		n = w.start() // and asks whether the erased key is gone
		synctest.Wait()
		if store.waiting.Load() != 1 {
			t.Fatalf("%d reads hang", store.waiting.Load())
		}
		export(t, n, request("t", span("b")))
		const limit = 30 * time.Second
		ctx, cancel := context.WithTimeout(t.Context(), limit)
		defer cancel()
		began := time.Now()
		if err := n.Close(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("close: %v", err)
		}
		if took := time.Since(began); took > limit+10*time.Second {
			t.Errorf("close took %v", took)
		}
		store.hangs.Store(false)
		close(store.letGo)
		synctest.Wait()
		w.tune = nil
		w.close(w.start())
		if parts := w.verified().Parts(); len(parts) != 2 || parts[0].Manifest == nil || parts[1].Manifest == nil {
			t.Errorf("%d parts", len(parts))
		}
	})
}
