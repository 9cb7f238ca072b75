package session_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/veriproof/notary/host/archive"
	"github.com/veriproof/notary/host/journal"
	"github.com/veriproof/notary/host/journal/journaltest"
	"github.com/veriproof/notary/host/otlpwire"
	"github.com/veriproof/notary/host/session"
	format "github.com/veriproof/notary/sdk/journal"
	"github.com/veriproof/notary/sdk/receipt"
)

// silence is what notaries of these tests wait for before they hold one for dead.
const silence = 40 * time.Second

// newShared is a world in which notaries share the storage.
func newShared(t *testing.T) *world {
	t.Helper()
	w := newWorld(t)
	w.tune = func(o *session.Options) { o.Silence = silence }
	return w
}

// pass lets time pass for some notaries. The others are paused, or dead.
func (w *world) pass(d time.Duration, living ...*session.Notary) {
	w.t.Helper()
	const step = silence / 8
	for ; d > 0; d -= step {
		w.advance(step)
		var steps sync.WaitGroup
		for _, n := range living {
			steps.Go(func() {
				if err := n.Step(w.t.Context()); err != nil {
					w.t.Errorf("tick: %v", err)
				}
			})
		}
		steps.Wait()
	}
}

func alive(t *testing.T, notaries ...*session.Notary) {
	t.Helper()
	for _, n := range notaries {
		if err := n.Ready(); err != nil {
			t.Errorf("epoch %v is not ready: %v", n.Epoch(), err)
		}
	}
}

// TestSharedStorage: of several notaries on one storage one dies. Exactly one of the
// others recovers it, whoever of them is first, and they go on.
func TestSharedStorage(t *testing.T) {
	w := newShared(t)
	a, b, c := w.start(), w.start(), w.start()
	for i, n := range []*session.Notary{a, b, c} {
		export(t, n, request("s", span(fmt.Sprint("first", i))))
	}
	w.pass(3*silence, a, b, c)
	alive(t, a, b, c)
	w.crash(a)
	w.pass(2*silence, b, c)
	alive(t, b, c)
	if by := b.Stats().Fenced + c.Stats().Fenced; by != 1 {
		t.Errorf("the dead one was fenced %d times", by)
	}
	// A sender that was not answered comes again, elsewhere.
	export(t, b, request("s", span("first0")))
	w.close(b)
	w.close(c)
	found := w.verified()
	if e := found.Epoch(a.Epoch()); len(e.Recoverers) != 1 || e.Ended != format.KindFence {
		t.Errorf("ended by %v, recovered by %v", e.Ended, e.Recoverers)
	}
	names := w.spanNames("s")
	slices.Sort(names)
	if want := []string{"first0", "first0", "first1", "first2"}; !slices.Equal(names, want) {
		t.Errorf("stored %v, want %v", names, want)
	}
}

// TestIdleLives: a notary without work shows that it lives, by few small entries,
// of which the log hears nothing.
func TestIdleLives(t *testing.T) {
	w := newShared(t)
	a, b := w.start(), w.start()
	logged := w.log.size()
	const lives = 20
	w.pass(lives*silence, a, b)
	alive(t, a, b)
	if a.Stats().Fenced+b.Stats().Fenced > 0 || a.Stats().Peers != 1 {
		t.Errorf("fenced %d, %d; peers %d", a.Stats().Fenced, b.Stats().Fenced, a.Stats().Peers)
	}
	if more := w.log.size() - logged; more > 0 {
		t.Errorf("%d commitments of nothing", more)
	}
	if next := w.scan().Epoch(a.Epoch()).Next; next > 5*lives {
		t.Errorf("%d entries in %d times silence", next, lives)
	}
}

// TestPausedIsStopped: a notary that was paused for too long is fenced. When it goes on
// its senders are told to come again, nothing of it is stored, and what another got of
// the same session is a part of its own.
func TestPausedIsStopped(t *testing.T) {
	w := newShared(t)
	paused, b := w.start(), w.start()
	export(t, paused, request("s", span("a")))
	w.pass(2*silence, b)
	if b.Stats().Fenced != 1 {
		t.Fatal("the paused one is not fenced")
	}
	if _, err := paused.Export(t.Context(), "acme", otlpwire.Traces, request("s", span("b"))); !errors.Is(err, journal.ErrFenced) {
		t.Errorf("export to the fenced one: %v", err)
	}
	<-paused.Ended()
	export(t, b, request("s", span("b")))
	w.close(b)
	w.verified()
	if got := w.spanNames("s"); len(got) != 2 || !slices.Contains(got, "a") || !slices.Contains(got, "b") {
		t.Errorf("stored %v", got)
	}
}

// TestBlindDoesNotFence: who could not look, since storage did not answer or he was
// paused himself, does not hold others for dead who could not write either.
func TestBlindDoesNotFence(t *testing.T) {
	w := newShared(t)
	store := &outage{Store: w.store}
	w.tune = func(o *session.Options) { o.Silence, o.Store = silence, store }
	a, b := w.start(), w.start()
	w.pass(silence, a, b)
	store.set(true)
	w.advance(silence / 8)
	_ = b.Step(t.Context())
	w.advance(3 * silence)
	store.set(false)
	w.pass(silence/2, b)
	if b.Stats().Fenced > 0 {
		t.Error("fenced after an outage of storage")
	}
	w.pass(silence, a, b)
	w.advance(3 * silence) // both were paused
	w.pass(silence/2, b)
	w.pass(silence, a, b)
	alive(t, a, b)
	if b.Stats().Fenced > 0 {
		t.Error("fenced after a pause of one's own")
	}
}

// An outage is a store that does not list.
type outage struct {
	journal.Store
	mu   sync.Mutex
	down bool
}

func (o *outage) set(down bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.down = down
}

func (o *outage) Epochs(ctx context.Context) ([]journal.EpochHead, error) {
	o.mu.Lock()
	down := o.down
	o.mu.Unlock()
	if down {
		return nil, journaltest.ErrInjected
	}
	return o.Store.Epochs(ctx)
}

// fenceOf returns the author of the fence that a group is, or false.
func fenceOf(g journal.Group) (by receipt.Epoch, ok bool) {
	e, _, err := format.Decode(g.Entries[0])
	if err != nil || e.Kind != format.KindFence {
		return by, false
	}
	var b format.FenceBody
	err = format.ParseBody(e.Body, &b)
	return b.By, err == nil
}

// TestHeirDies: who fenced a dead notary dies when he has sealed some of what it left.
// Whoever takes over fences it again, so that again exactly one does, and seals the
// rest.
func TestHeirDies(t *testing.T) {
	w := newShared(t)
	started := 0
	w.tune = func(o *session.Options) {
		o.Silence = silence
		o.Journal.GroupBytes = 1 // each manifest is a commit of its own
		o.Journal.UnknownLimit = 3 * time.Second
		if started++; started == 2 {
			o.Journal.UnknownLimit = time.Minute // b's first one is held until c has had its passes, however slow
		}
	}
	a, b, c := w.start(), w.start(), w.start()
	const sessions = 8
	for i := range sessions {
		export(t, a, request(fmt.Sprint("s", i), span("a")))
	}
	w.pass(silence, a, b, c)
	w.crash(a)
	reached, release, next := make(chan struct{}), make(chan struct{}), make(chan struct{})
	manifests := 0 // of b, which writes one after the other
	w.store.Inject(func(g journal.Group) journaltest.Fault {
		if by, ok := fenceOf(g); ok && by == c.Epoch() && g.Epoch == a.Epoch() {
			return journaltest.Fails // b is first
		}
		if g.Epoch == b.Epoch() && g.Heads[0].Kind == uint8(format.KindManifest) {
			switch manifests++; manifests {
			case 1:
				close(reached)
				<-release
			case 2:
				close(next)
				return journaltest.Hangs
			default:
				return journaltest.Hangs
			}
		}
		return journaltest.None
	})
	for waiting := true; waiting; {
		w.pass(silence/8, c)
		if err := b.Tick(t.Context()); err != nil {
			t.Fatal(err)
		}
		select {
		case <-reached:
			waiting = false
		case <-time.After(time.Millisecond):
		}
	}
	w.pass(silence/4, c) // sees the fence, and later the manifest
	close(release)
	<-next
	w.crash(b)
	if left := len(w.scan().Unsealed(a.Epoch())); left == 0 || left == sessions {
		t.Fatalf("%d of %d parts are left", left, sessions)
	}
	w.store.Inject(nil)
	w.pass(4*silence, c)
	alive(t, c)
	w.close(c)
	if e := w.verified().Epoch(a.Epoch()); !slices.Equal(e.Recoverers, []receipt.Epoch{b.Epoch(), c.Epoch()}) {
		t.Errorf("recovered by %v", e.Recoverers)
	}
}

// TestFenceOfTheDead: a notary was paused before it wrote a fence. By the time that it
// does, it has been fenced itself, and who did that has stopped in good order. The fence
// counts, and what is behind it is nobody's, until somebody takes over.
func TestFenceOfTheDead(t *testing.T) {
	w := newShared(t)
	w.tune = func(o *session.Options) { o.Silence, o.Journal.UnknownLimit = silence, impatience }
	a, b := w.start(), w.start()
	export(t, a, request("s", span("a")))
	w.crash(a)
	reached, release := make(chan struct{}), make(chan struct{})
	var once sync.Once
	w.store.Inject(func(g journal.Group) journaltest.Fault {
		switch by, ok := fenceOf(g); {
		case ok && g.Epoch == a.Epoch() && by == b.Epoch():
			once.Do(func() { close(reached) })
			<-release
		case ok && g.Epoch == a.Epoch():
			return journaltest.Fails
		}
		return journaltest.None
	})
	for waiting := true; waiting; {
		w.advance(silence / 8)
		if err := b.Tick(t.Context()); err != nil {
			t.Fatal(err)
		}
		select {
		case <-reached:
			waiting = false
		case <-time.After(10 * time.Millisecond):
		}
	}
	c := w.start()
	for c.Stats().Fenced == 0 {
		w.pass(silence/8, c)
	}
	close(release)
	eventually(t, func() bool { return w.scan().Epoch(a.Epoch()).Ended == format.KindFence })
	w.close(c)
	w.crash(b)
	w.store.Inject(nil)
	d := w.start()
	w.pass(2*silence, d)
	w.close(d)
	if e := w.verified().Epoch(a.Epoch()); !slices.Equal(e.Recoverers, []receipt.Epoch{b.Epoch(), d.Epoch()}) {
		t.Errorf("recovered by %v", e.Recoverers)
	}
}

func eventually(t *testing.T, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !holds(); <-time.After(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("not in time")
		}
	}
}

// TestClosingLives: an orderly end may have to wait for the log. Until it is over the
// others see that the notary lives.
func TestClosingLives(t *testing.T) {
	w := newShared(t)
	a := w.start()
	export(t, a, request("s", lastSpan("a")))
	settled(t, a, "s", 1)
	export(t, a, request("s", span("b")))
	w.log.set(errors.New("log is down"))
	closed := make(chan error)
	go func() { closed <- a.Close(t.Context()) }()
	var head uint64
	eventually(t, func() bool {
		e := w.scan().Epoch(a.Epoch())
		head = e.Next
		return len(e.Manifests) == 2
	})
	w.advance(silence)
	eventually(t, func() bool { w.advance(silence / 8); return w.scan().Epoch(a.Epoch()).Next > head })
	w.log.set(nil)
	if err := <-closed; err != nil {
		t.Fatal(err)
	}
	w.verified()
}

// TestStopDoesNotRecover: an orderly end does not wait until others are recovered, even if
// they are fenced already. Those who go on do it.
func TestStopDoesNotRecover(t *testing.T) {
	w := newShared(t)
	a, b := w.start(), w.start()
	export(t, a, request("s", span("a")))
	w.crash(a)
	held := make(chan struct{})
	var once sync.Once
	w.store.Inject(func(g journal.Group) journaltest.Fault {
		if by, ok := fenceOf(g); ok && by == b.Epoch() {
			once.Do(func() { close(held) })
			return journaltest.Hangs
		}
		return journaltest.None
	})
	for waiting := true; waiting; {
		w.advance(silence / 8)
		if err := b.Tick(t.Context()); err != nil {
			t.Fatal(err)
		}
		select {
		case <-held:
			waiting = false
		case <-time.After(time.Millisecond):
		}
	}
	w.close(b)
	w.store.Inject(nil)
	c := w.start()
	w.pass(2*silence, c)
	w.close(c)
	found := w.verified()
	if e := found.Epoch(b.Epoch()); e.Ended != format.KindClose {
		t.Errorf("the one that was stopped ended by %v", e.Ended)
	}
	if e := found.Epoch(a.Epoch()); !slices.Equal(e.Recoverers, []receipt.Epoch{c.Epoch()}) {
		t.Errorf("the dead one was recovered by %v", e.Recoverers)
	}
}

// TestErasureOfTheDead: a notary dies between its order to erase and the deed, of a part
// that another had sealed. Who recovers it completes the erasure.
func TestErasureOfTheDead(t *testing.T) {
	w := newShared(t)
	store := &keeper{Store: w.store}
	w.tune = func(o *session.Options) { o.Silence = silence }
	owner := w.start()
	export(t, owner, request("s", lastSpan("a")))
	part := settled(t, owner, "s", 1)[0]
	w.tune = func(o *session.Options) { o.Silence, o.Store = silence, store }
	dead := w.start()
	found := w.scan()
	sealed := session.Sealed{Commitment: part.Commitment, Epoch: owner.Epoch(), Seq: found.Part(part.ID).SealedSeq}
	if _, err := dead.ErasePart(t.Context(), sealed); err == nil {
		t.Fatal("an erasure that storage refused succeeded")
	}
	w.crash(dead)
	w.pass(2*silence, owner)
	id := journal.KeyID{Epoch: part.ID.Epoch, Handle: part.ID.Handle, Part: part.ID.Part}
	eventually(t, func() bool { _, err := w.store.Key(t.Context(), id); return errors.Is(err, journal.ErrNotFound) })
	w.close(owner)
}

// A keeper erases nothing.
type keeper struct{ journal.Store }

func (keeper) EraseKey(context.Context, journal.KeyID) error { return journaltest.ErrInjected }

// TestSharedDisbelief: a notary that is not believed is told of at once, and left alone.
func TestSharedDisbelief(t *testing.T) {
	w := newShared(t)
	strange := w.start()
	export(t, strange, request("s", span("a")))
	w.tune = func(o *session.Options) {
		o.Silence = silence
		o.Appraise = func(*archive.Epoch) error { return errors.New("host data is not on the list") }
	}
	n := w.start()
	if n.Stats().DamagedEpochs != 1 {
		t.Error("the stranger is not told of at the start")
	}
	w.pass(3*silence, n) // and the stranger is paused
	if n.Stats().Fenced != 0 || n.Stats().DamagedEpochs != 1 {
		t.Errorf("fenced %d, told %d times", n.Stats().Fenced, n.Stats().DamagedEpochs)
	}
	alive(t, strange, n)
	w.close(n)
}

// TestAnySchedule: notaries start, take records, are paused, killed and stopped in any
// order, on storage that at times does not take a write. In the end every record that was
// acknowledged is in a part with one receipt and its proof, and no epoch contradicts
// itself. NOTARY_LONG=1 tries more schedules.
func TestAnySchedule(t *testing.T) {
	seeds := uint64(25)
	if os.Getenv("NOTARY_LONG") != "" {
		seeds = 1000
	}
	for seed := range seeds {
		t.Run(fmt.Sprint("seed=", seed), func(t *testing.T) {
			w := newShared(t)
			s := &schedule{w: w, r: rand.New(rand.NewPCG(seed, 0)), paused: make(map[*session.Notary]bool)}
			for range 5 + s.r.IntN(30) {
				s.step()
			}
			w.store.Inject(nil)
			last := w.start()
			w.pass(2*silence, append(s.living(), last)...)
			for _, n := range s.running {
				w.crash(n)
			}
			w.pass(4*silence, last)
			w.close(last)
			for _, e := range w.verified().Epochs {
				if e.Ended == 0 {
					t.Errorf("epoch %v has not ended", e.ID)
				}
			}
			have := w.spanNames("s")
			for _, name := range s.acknowledged {
				if !slices.Contains(have, name) {
					t.Errorf("%s was acknowledged and is not there", name)
				}
			}
		})
	}
}

type schedule struct {
	w            *world
	r            *rand.Rand
	running      []*session.Notary
	paused       map[*session.Notary]bool
	acknowledged []string
	spans        int
}

// living are those that are neither paused nor fenced.
func (s *schedule) living() []*session.Notary {
	return slices.DeleteFunc(slices.Clone(s.running), func(n *session.Notary) bool { return s.paused[n] || n.Ready() != nil })
}

func (s *schedule) step() {
	w, r := s.w, s.r
	if len(s.running) == 0 {
		s.running = append(s.running, w.start())
	}
	n := s.running[r.IntN(len(s.running))]
	switch r.IntN(11) {
	case 0:
		if len(s.running) < 4 {
			s.running = append(s.running, w.start())
		}
	case 1, 2, 3:
		s.spans++
		name := fmt.Sprint("span", s.spans)
		body := request("s", span(name))
		if r.IntN(2) == 0 {
			body = request("s", lastSpan(name))
		}
		if _, err := n.Export(w.t.Context(), "acme", otlpwire.Traces, body); err == nil {
			s.acknowledged = append(s.acknowledged, name)
		}
	case 4:
		w.crash(n)
		s.remove(n)
	case 5:
		ctx, cancel := context.WithTimeout(w.t.Context(), 20*time.Second)
		_ = n.Close(ctx) // of one that is fenced an error
		cancel()
		s.remove(n)
	case 6:
		s.paused[n] = !s.paused[n]
	case 7:
		fault := []journaltest.Fault{journaltest.Fails, journaltest.FailsButPersists}[r.IntN(2)]
		left := atomic.Int64{}
		left.Store(1 + r.Int64N(3))
		w.store.Inject(func(journal.Group) journaltest.Fault {
			if left.Add(-1) >= 0 {
				return fault
			}
			return journaltest.None
		})
	default:
		w.pass(time.Duration(1+r.IntN(12))*silence/8, s.living()...)
	}
}

func (s *schedule) remove(n *session.Notary) {
	s.running = slices.DeleteFunc(s.running, func(o *session.Notary) bool { return o == n })
}
