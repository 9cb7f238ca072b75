package journal_test

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"github.com/veriproof/notary/host/journal"
	"github.com/veriproof/notary/host/journal/journaltest"
	format "github.com/veriproof/notary/sdk/journal"
)

// gates is a store on which a put waits until a test lets it go on.
type gates struct {
	*journaltest.Store
	mu      sync.Mutex
	arrived map[uint64]chan journaltest.Fault // by first seq
}

func newGates(inFlight int) *gates {
	g := &gates{Store: journaltest.New(), arrived: make(map[uint64]chan journaltest.Fault)}
	g.Allow(inFlight)
	g.Inject(func(group journal.Group) journaltest.Fault {
		g.mu.Lock()
		gate := g.arrived[group.FirstSeq]
		if gate == nil {
			gate = make(chan journaltest.Fault)
			g.arrived[group.FirstSeq] = gate
		}
		g.mu.Unlock()
		return <-gate
	})
	return g
}

// waiting returns the groups that storage has been given, by first seq.
func (g *gates) waiting() []uint64 {
	g.mu.Lock()
	defer g.mu.Unlock()
	var seqs []uint64
	for seq := range g.arrived {
		seqs = append(seqs, seq)
	}
	slices.Sort(seqs)
	return seqs
}

func (g *gates) open(seq uint64, f journaltest.Fault) {
	g.mu.Lock()
	gate := g.arrived[seq]
	delete(g.arrived, seq)
	g.mu.Unlock()
	gate <- f
	synctest.Wait()
}

func settled(p *journal.Pending) bool {
	select {
	case <-p.Done():
		return true
	default:
		return false
	}
}

// eachAlone has every append make a group of its own.
func eachAlone() journal.Options { return journal.Options{GroupBytes: 1} }

func appendAll(t *testing.T, w *journal.Writer, n int) (all []*journal.Pending) {
	t.Helper()
	for i := range n {
		p, err := w.Append(draft(i), nil)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, p)
	}
	synctest.Wait()
	return all
}

// TestInFlight: as many groups as storage takes are under way, the others wait;
// what ends early is not acknowledged before its predecessors.
func TestInFlight(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := newGates(3)
		w := start(t, store, eachAlone())
		all := appendAll(t, w, 5)
		if got := store.waiting(); !slices.Equal(got, []uint64{0, 1, 2}) {
			t.Fatalf("groups %v are under way, want 0 to 2", got)
		}
		store.open(2, journaltest.None)
		store.open(1, journaltest.None)
		if settled(all[1]) || settled(all[2]) || len(store.waiting()) != 1 {
			t.Fatal("acknowledged, or gone on, before group 0 is durable")
		}
		store.open(0, journaltest.None)
		for i, p := range all[:3] {
			if _, err := p.Wait(t.Context()); err != nil || !settled(p) {
				t.Errorf("append %d: %v", i, err)
			}
		}
		if got := store.waiting(); !slices.Equal(got, []uint64{3, 4}) {
			t.Errorf("groups %v are under way, want 3 and 4", got)
		}
		store.open(3, journaltest.FailsButPersists) // comes again
		store.open(4, journaltest.None)
		time.Sleep(time.Second)
		store.open(3, journaltest.None) // finds itself
		if got, signed := readAll(t, store); len(got) != 5 || signed != 5 || !settled(all[4]) {
			t.Errorf("stored %q, %d signed", got, signed)
		}
	})
}

// TestPredecessorFails: of a group that is durable behind one that never will be,
// nobody is told, whatever else goes on.
func TestPredecessorFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := newGates(3)
		w := start(t, store, eachAlone())
		all := appendAll(t, w, 3)
		store.open(0, journaltest.None)
		store.open(2, journaltest.None)
		store.open(1, journaltest.Hangs)
		<-w.Ended() // by the limit of an unknown outcome
		if _, err := all[0].Wait(t.Context()); err != nil {
			t.Errorf("the group before: %v", err)
		}
		for i, p := range all[1:] {
			if _, err := p.Wait(t.Context()); !errors.Is(err, journal.ErrEnded) {
				t.Errorf("append %d: %v, want ErrEnded", i+1, err)
			}
		}
		if head, _ := w.Head(); head.Seq != 0 {
			t.Errorf("the head is entry %d", head.Seq)
		}
		if c, err := store.Get(t.Context(), epoch, 2); err != nil || c.FirstSeq != 2 {
			t.Errorf("entry 2 was durable: %v", err)
		}
	})
}

// TestQueued: what is queued waits until the Writer is woken, or a write returns that others
// wait behind, or it is worth a write of its own, and goes out as one group.
func TestQueued(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := newGates(1)
		w := start(t, store, journal.Options{})
		queue := func(d []journal.Draft) *journal.Pending {
			t.Helper()
			p, err := w.Queue(d, nil)
			if err != nil {
				t.Fatal(err)
			}
			synctest.Wait()
			return p
		}
		under := func(want ...uint64) {
			t.Helper()
			synctest.Wait()
			if got := store.waiting(); !slices.Equal(got, want) {
				t.Fatalf("groups %v are under way, want %v", got, want)
			}
		}
		first, second := queue(draft(0)), queue(draft(1))
		under()
		w.Wake()
		under(0)
		third := queue(draft(2))
		store.open(0, journaltest.None)
		if !settled(first) || !settled(second) || settled(third) {
			t.Error("the first two are not of one group")
		}
		under()
		w.Wake()
		under(2)
		store.open(2, journaltest.None)
		w.Wake() // with nothing queued, which is forgotten
		fourth := queue(draft(3))
		under()
		queue([]journal.Draft{{Kind: format.KindSegment, Body: make(journal.Sealed, 256<<10)}})
		under(3)
		store.open(3, journaltest.None)
		if !settled(fourth) {
			t.Error("what was queued did not go out with what is worth a write")
		}
		behind, err := w.Append(draft(5), nil)
		if err != nil {
			t.Fatal(err)
		}
		under(5)
		if _, err := w.Append(draft(6), nil); err != nil {
			t.Fatal(err)
		}
		queue(draft(7)) // goes with the one that waits for the write to return
		store.open(5, journaltest.None)
		if !settled(behind) {
			t.Error("a write that has returned is not acknowledged")
		}
		under(6)
		store.open(6, journaltest.None)
		last := queue(draft(8))
		if under(); w.Err() != nil {
			t.Fatal(w.Err())
		}
		closed := make(chan error)
		go func() { closed <- w.Close(t.Context()) }()
		under(8)
		store.open(8, journaltest.None)
		if err := <-closed; err != nil || !settled(last) {
			t.Errorf("closed with %v, and what was queued is written: %v", err, settled(last))
		}
	})
}

// TestIdleWritesOnce: an append to an idle Writer is durable after one write, which
// begins at once, however many may be in flight.
func TestIdleWritesOnce(t *testing.T) {
	for _, n := range []int{1, 3} {
		synctest.Test(t, func(t *testing.T) {
			store, puts := journaltest.New(), 0
			store.Allow(n)
			store.Inject(func(journal.Group) journaltest.Fault { puts++; time.Sleep(time.Second); return journaltest.None })
			w := start(t, store, journal.Options{})
			for i := range 5 {
				began := time.Now()
				p, err := w.Append(draft(i), nil)
				if err != nil {
					t.Fatal(err)
				}
				if _, err := p.Wait(t.Context()); err != nil {
					t.Fatal(err)
				}
				if took := time.Since(began); took != time.Second || puts != i+1 {
					t.Errorf("append %d took %v and %d writes, want one of a second", i, took, puts-i)
				}
			}
		})
	}
}

// TestSmallGroupsGather: while a write is under way, little is not worth another.
func TestSmallGroupsGather(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := newGates(3)
		w := start(t, store, journal.Options{})
		appendAll(t, w, 1)
		for i := range 10 {
			if _, err := w.Append(draft(i+1), nil); err != nil {
				t.Fatal(err)
			}
		}
		synctest.Wait()
		if got := store.waiting(); len(got) != 1 {
			t.Fatalf("groups %v are under way", got)
		}
		if _, err := w.Append([]journal.Draft{{Kind: format.KindSegment, Body: make(journal.Sealed, 1<<20)}}, nil); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if got := store.waiting(); !slices.Equal(got, []uint64{0, 1}) {
			t.Fatalf("groups %v are under way, want 0 and 1", got)
		}
		store.open(0, journaltest.None)
		store.open(1, journaltest.None)
	})
}

// TestAnyOrderOfEnds: whatever order writes end in, and which of them fail for good,
// what is acknowledged is a prefix that is stored and signed.
func TestAnyOrderOfEnds(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		n := rapid.IntRange(1, 12).Draw(r, "appends")
		delays := rapid.SliceOfN(rapid.IntRange(0, 50), n, n).Draw(r, "delays")
		dead := rapid.IntRange(0, n).Draw(r, "which never ends; n is none")
		synctest.Test(t, func(t *testing.T) {
			store := journaltest.New()
			store.Allow(3)
			store.Inject(func(g journal.Group) journaltest.Fault {
				time.Sleep(time.Duration(delays[g.FirstSeq]) * time.Millisecond)
				if g.FirstSeq == uint64(dead) {
					return journaltest.Hangs
				}
				return journaltest.None
			})
			w := start(t, store, eachAlone())
			var all []*journal.Pending
			for i := range n {
				p, err := w.Append(draft(i), nil)
				if err != nil {
					t.Fatal(err)
				}
				all = append(all, p)
			}
			for i, p := range all {
				if _, err := p.Wait(t.Context()); (err == nil) != (i < dead) {
					r.Fatalf("append %d of %d, of which %d never ends: %v", i, n, dead, err)
				}
			}
			got, signed := readAll(t, store)
			if len(got) < dead || signed != uint64(len(got)) || dead < n && len(got) != dead {
				r.Fatalf("stored %s up to the gap, %d signed; %d were acknowledged", fmt.Sprint(got), signed, dead)
			}
		})
	})
}
