package session_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/veriproof/notary/host/archive"
	"github.com/veriproof/notary/host/journal"
	"github.com/veriproof/notary/host/journal/journaltest"
	"github.com/veriproof/notary/host/session"
	format "github.com/veriproof/notary/sdk/journal"
	"github.com/veriproof/notary/sdk/receipt"
)

// retentionEntries counts what the journal of all epochs says of a part's session, by
// action.
func (w *world) retentionEntries(id receipt.PartID) map[string]int {
	w.t.Helper()
	count := make(map[string]int)
	_, err := archive.Scan(w.t.Context(), w.store, archive.Options{Visit: func(_ *archive.Epoch, e *format.Entry) {
		if e.Kind != format.KindRetention || e.Handle != id.Handle {
			return
		}
		b, err := format.ParseRetention(e.Body)
		if err != nil {
			w.t.Error(err)
			return
		}
		count[b.Action]++
	}})
	if err != nil {
		w.t.Fatal(err)
	}
	return count
}

// TestSharedRetention: several notaries share a storage and look for what has reached the
// age. One erases a part, and none erases what is held, whoever took the hold and whether
// he lives; when one of the others has released it, it goes like any other.
func TestSharedRetention(t *testing.T) {
	w := newShared(t)
	share := w.tune
	w.tune = func(o *session.Options) { share(o); o.Retention = year }
	a, b, c := w.start(), w.start(), w.start()
	for _, name := range []string{"old", "held by a", "held by b"} {
		export(t, a, request(name, lastSpan(name)))
	}
	old, one, two := settled(t, a, "old", 1)[0].ID, settled(t, a, "held by a", 1)[0].ID, settled(t, a, "held by b", 1)[0].ID
	hold, err := a.Hold(t.Context(), "acme", "held by a")
	if err != nil {
		t.Fatal(err)
	}
	ref := w.sealedRef(two)
	if _, err := b.HoldPart(t.Context(), ref); err != nil {
		t.Fatal(err)
	}
	// An order to those who have not heard of the hold.
	for _, n := range []*session.Notary{a, c} {
		if _, err := n.ErasePart(t.Context(), ref); !errors.Is(err, session.ErrHeld) {
			t.Errorf("epoch %v erases what another one holds: %v", n.Epoch(), err)
		}
	}
	if _, err := a.Erase(t.Context(), "acme", "held by b"); !errors.Is(err, session.ErrHeld) {
		t.Errorf("by its id: %v", err)
	}

	// One after the other; TestSharedRetentionMeets has them meet.
	look := func() {
		t.Helper()
		w.step(b)
		w.step(c)
	}
	w.advance(year)
	w.crash(a) // who took one hold
	look()
	w.pass(2*silence, b, c)
	for range 2 {
		w.advance(25 * time.Hour)
		look()
	}
	alive(t, b, c)
	if got := w.retentionEntries(old)[format.RetentionErase]; got != 1 || w.hasKey(old) {
		t.Errorf("erased %d times, has a key %v", got, w.hasKey(old))
	}
	if expired := b.Stats().Expired + c.Stats().Expired; expired != 1 {
		t.Errorf("%d parts expired, want 1", expired)
	}
	for _, id := range []receipt.PartID{one, two} {
		if got := w.retentionEntries(id); got[format.RetentionErase] != 0 || !w.hasKey(id) {
			t.Errorf("what is held was erased: %v", got)
		}
	}

	if _, err := c.ReleaseHold(t.Context(), hold.Entry); err != nil { // of the dead one
		t.Fatal(err)
	}
	w.advance(25 * time.Hour)
	look()
	if got := w.retentionEntries(one)[format.RetentionErase]; got != 1 || w.hasKey(one) {
		t.Errorf("after the release: erased %d times, has a key %v", got, w.hasKey(one))
	}
	w.close(b)
	w.close(c)
	w.verified()
	if !w.hasKey(two) {
		t.Error("the other hold did not last")
	}
}

// TestSharedRetentionMeets: two notaries that look at the same moment erase, and agree afterwards: at
// worst both have ordered the same.
func TestSharedRetentionMeets(t *testing.T) {
	for range 20 {
		w := newShared(t)
		share := w.tune
		w.tune = func(o *session.Options) { share(o); o.Retention = year }
		a, b := w.start(), w.start()
		export(t, a, request("old", lastSpan("x")))
		id := settled(t, a, "old", 1)[0].ID
		w.advance(year)
		var both sync.WaitGroup
		for _, n := range []*session.Notary{a, b} {
			both.Go(func() { w.step(n) })
		}
		both.Wait()
		if got := w.retentionEntries(id)[format.RetentionErase]; got < 1 || got > 2 || w.hasKey(id) {
			t.Errorf("erased %d times, has a key %v", got, w.hasKey(id))
		}
		w.close(a)
		w.close(b)
		w.verified()
	}
}

// TestUnsharedBesideShared: a notary that is not to share the storage does not end those
// who do while they live, idle or not, and writes nothing; when they are dead it does,
// after the time that they wait for one another.
func TestUnsharedBesideShared(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		shares := func(*archive.Epoch) time.Duration { return silence }
		w.tune = func(o *session.Options) { o.Silence, o.Now = silence, time.Now }
		a := w.start()
		ctx, stop := context.WithCancel(t.Context())
		var running sync.WaitGroup
		running.Go(func() { _ = a.Run(ctx) })
		export(t, a, request("s", span("a")))

		w.tune = func(o *session.Options) { o.Shares, o.Now = shares, time.Now }
		before := len(w.scan().Epochs)
		if _, err := session.Start(t.Context(), w.options()); !errors.Is(err, session.ErrAlive) {
			t.Errorf("start beside one that lives: %v", err)
		}
		if got := len(w.scan().Epochs); got != before {
			t.Errorf("%d epochs, there were %d", got, before)
		}
		alive(t, a)
		export(t, a, request("s", span("b")))

		stop()
		running.Wait()
		w.crash(a)
		began := time.Now()
		b := w.start()
		if took := time.Since(began); took < silence {
			t.Errorf("ended the other after %v", took)
		}
		if b.Stats().Fenced != 1 {
			t.Error("the dead one is not fenced")
		}
		// Of one's own epochs that drain nobody waits for silence.
		w.tune = func(o *session.Options) {
			o.Shares, o.Now, o.Alive = shares, time.Now, []receipt.Epoch{b.Epoch()}
		}
		began = time.Now()
		c := w.start()
		if took := time.Since(began); took >= silence {
			t.Errorf("a reload took %v", took)
		}
		w.close(b)
		w.close(c)
		w.verified()
	})
}

// counting counts the reads of each epoch.
type counting struct {
	*journaltest.Store
	mu    sync.Mutex
	reads map[[16]byte]int
}

func (c *counting) Get(ctx context.Context, epoch [16]byte, seq uint64) (journal.Chunk, error) {
	c.mu.Lock()
	c.reads[epoch]++
	c.mu.Unlock()
	return c.Store.Get(ctx, epoch, seq)
}

// TestOrderReadsLivingEpochs: before an order a notary reads what others may have held
// meanwhile. What had ended when it was read before is not read again, but a release of a
// hold that stands there counts.
func TestOrderReadsLivingEpochs(t *testing.T) {
	w := newShared(t)
	share, store := w.tune, &counting{Store: w.store, reads: make(map[[16]byte]int)}
	first := w.start()
	for i := range 50 {
		export(t, first, request("long", span(fmt.Sprint("turn ", i))))
	}
	export(t, first, request("s", lastSpan("a")))
	id := settled(t, first, "s", 1)[0].ID
	hold, err := first.Hold(t.Context(), "acme", "s")
	if err != nil {
		t.Fatal(err)
	}
	w.close(first)
	w.tune = func(o *session.Options) { share(o); o.Store = store }
	n := w.start()
	w.tune = share
	other := w.start()
	export(t, other, request("others", span("a")))

	ref := w.sealedRef(id)
	order := func(want error) {
		t.Helper()
		store.mu.Lock()
		clear(store.reads)
		store.mu.Unlock()
		if _, err := n.ErasePart(t.Context(), ref); !errors.Is(err, want) {
			t.Errorf("%v, want %v", err, want)
		}
		if ended, living, own := store.reads[id.Epoch], store.reads[other.Epoch()], store.reads[n.Epoch()]; ended > 10 || living == 0 || own > 0 {
			t.Errorf("%d reads of the epoch that has ended, %d of the other's, %d of the own", ended, living, own)
		}
	}
	order(session.ErrHeld)
	if _, err := other.ReleaseHold(t.Context(), hold.Entry); err != nil {
		t.Fatal(err)
	}
	order(nil)
	if w.hasKey(id) {
		t.Error("the key is still there")
	}
	w.close(n)
	w.close(other)
	w.verified()
}
