package journal_test

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/veriproof/notary/host/journal"
	"github.com/veriproof/notary/host/journal/journaltest"
	format "github.com/veriproof/notary/sdk/journal"
	"github.com/veriproof/notary/sdk/plugin/abi"
	"github.com/veriproof/notary/sdk/receipt"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var (
	epoch = receipt.Epoch{0xe}
	key   = ed25519.NewKeyFromSeed(make([]byte, 32))
)

// options retry at once, and give up on an unknown outcome as late as a notary does: on a busy machine a write may take a while.
func options() journal.Options {
	return journal.Options{Backoff: func(int) time.Duration { return 0 }}
}

// impatient options give up soon enough for a test to wait for it. They are for writes that never end.
func impatient() journal.Options {
	o := options()
	o.UnknownLimit = 300 * time.Millisecond
	return o
}

func start(t *testing.T, store journal.Store, o journal.Options) *journal.Writer {
	t.Helper()
	w := journal.NewWriter(store, epoch, key, o)
	t.Cleanup(func() {
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		w.Close(ctx)
	})
	return w
}

func draft(i int) []journal.Draft {
	kind := format.KindSegment
	if i == 0 {
		kind = format.KindEpoch
	}
	return []journal.Draft{{Kind: kind, Body: journal.Sealed(fmt.Sprintf("body %d", i))}}
}

// readAll checks the stored chain as an auditor would and returns its bodies.
func readAll(t *testing.T, store journal.Store) (bodies []string, signed uint64) {
	t.Helper()
	r := format.Reader{Epoch: epoch, Key: key.Public().(ed25519.PublicKey)}
	for {
		next, _ := r.Head()
		c, err := store.Get(context.Background(), epoch, next)
		if errors.Is(err, journal.ErrNotFound) || err == nil && c.FirstSeq < next {
			return bodies, r.Signed()
		}
		if err != nil {
			t.Fatal(err)
		}
		for rest := []byte(c.Entries); len(rest) > 0; {
			e, after, err := format.Decode(rest)
			if err != nil {
				t.Fatal(err)
			}
			if err := r.Next(e); err != nil {
				t.Fatal(err)
			}
			bodies, rest = append(bodies, string(e.Body)), after
		}
	}
}

func ExampleWriter() {
	w := journal.NewWriter(journaltest.New(), epoch, key, journal.Options{})
	p, _ := w.Append([]journal.Draft{{Kind: format.KindEpoch, Body: journal.Sealed("{}")}}, nil)
	pos, _ := p.Wait(context.Background())
	fmt.Println(pos.Seq, pos.Verify(key.Public().(ed25519.PublicKey)))
	w.Close(context.Background())
	// Output: 0 <nil>
}

// TestFaults is the matrix of one durable step: whatever a Put does, no entry
// is acknowledged and lost, none stands twice, and the order is that of Append.
func TestFaults(t *testing.T) {
	cases := []struct {
		name   string
		why    string
		faults []journaltest.Fault // of the first Puts
	}{
		{"none", "the good day", nil},
		{"fails", "an error before anything is written is retried", []journaltest.Fault{journaltest.Fails}},
		{"fails but persists", "the retry meets its own bytes and reads them back", []journaltest.Fault{journaltest.FailsButPersists}},
		{"both", "an unknown outcome twice in a row", []journaltest.Fault{journaltest.Fails, journaltest.FailsButPersists}},
		{"later", "a failure in the middle of the epoch", []journaltest.Fault{journaltest.None, journaltest.FailsButPersists, journaltest.Fails}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			store := journaltest.New()
			var n atomic.Int64
			store.Inject(func(journal.Group) journaltest.Fault {
				if i := int(n.Add(1)) - 1; i < len(c.faults) {
					return c.faults[i]
				}
				return journaltest.None
			})
			w := start(t, store, options())
			var want []string
			var last format.Position
			for i := range 20 {
				p, err := w.Append(draft(i), nil)
				if err != nil {
					t.Fatal(err)
				}
				pos, err := p.Wait(t.Context())
				if err != nil {
					t.Fatalf("%s: %v", c.why, err)
				}
				if err := pos.Verify(key.Public().(ed25519.PublicKey)); err != nil {
					t.Fatal(err)
				}
				want, last = append(want, fmt.Sprintf("body %d", i)), pos
			}
			got, signed := readAll(t, store)
			if fmt.Sprint(got) != fmt.Sprint(want) {
				t.Errorf("%s: stored %q, want %q", c.why, got, want)
			}
			if signed != last.Seq+1 {
				t.Errorf("%d entries are signed, acknowledged up to %d", signed, last.Seq)
			}
		})
	}
}

// TestHang: a write that never answers ends the epoch, and nothing that waited
// is acknowledged.
func TestHang(t *testing.T) {
	store := journaltest.New()
	store.Inject(func(g journal.Group) journaltest.Fault {
		if g.FirstSeq > 0 {
			return journaltest.Hangs
		}
		return journaltest.None
	})
	w := start(t, store, impatient())
	first, err := w.Append(draft(0), nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := first.Wait(t.Context()); err != nil {
		t.Fatal(err)
	}
	second, err := w.Append(draft(1), nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := second.Wait(t.Context()); !errors.Is(err, journal.ErrEnded) {
		t.Errorf("a write of unknown outcome: %v, want ErrEnded", err)
	}
	<-w.Ended()
	if _, err := w.Append(draft(2), nil); !errors.Is(err, journal.ErrEnded) {
		t.Errorf("append after the end: %v", err)
	}
	if got, _ := readAll(t, store); len(got) != 1 {
		t.Errorf("stored %q", got)
	}
}

// TestFenced: a notary whose next seq was taken stops, and does not overwrite.
func TestFenced(t *testing.T) {
	store := journaltest.New()
	w := start(t, store, options())
	first, err := w.Append(draft(0), nil)
	if err != nil {
		t.Fatal(err)
	}
	pos, err := first.Wait(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	fence := &format.Entry{Header: format.Header{Epoch: epoch, Seq: 1, Kind: format.KindFence}, Body: []byte{}}
	fence.Chain = fence.Header.Chain(pos.Chain)
	g := journal.Group{Epoch: epoch, FirstSeq: 1, Entries: []journal.Sealed{fence.Append(nil)}}
	if err := journal.Write(t.Context(), store, g, options()); err != nil {
		t.Fatal(err)
	}
	p, err := w.Append(draft(1), nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.Wait(t.Context()); !errors.Is(err, journal.ErrFenced) {
		t.Fatalf("write behind a fence: %v, want ErrFenced", err)
	}
	c, err := store.Get(t.Context(), epoch, 1)
	if err != nil || string(c.Entries) != string(g.Entries[0]) {
		t.Error("the fence was overwritten")
	}
	// A second fence loses against the first.
	fence.Body = []byte("{}")
	g.Entries = []journal.Sealed{fence.Append(nil)}
	if err := journal.Write(t.Context(), store, g, options()); !errors.Is(err, journal.ErrFenced) {
		t.Errorf("second fence: %v, want ErrFenced", err)
	}
}

// TestNaturalBatching: what is appended while a write is in flight goes out as
// one group, in the order of the calls.
func TestNaturalBatching(t *testing.T) {
	store := journaltest.New()
	inFlight, release := make(chan struct{}), make(chan struct{})
	var groups atomic.Int64
	store.Inject(func(g journal.Group) journaltest.Fault {
		if groups.Add(1) == 1 {
			close(inFlight)
			<-release
		}
		return journaltest.None
	})
	w := start(t, store, options())
	var all []*journal.Pending
	for i := range 50 {
		p, err := w.Append(draft(i), nil)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, p)
		if i == 0 {
			<-inFlight
		}
	}
	close(release)
	for i, p := range all {
		if _, err := p.Wait(t.Context()); err != nil {
			t.Fatal(err)
		}
		if first, last := p.Seqs(); first != uint64(i) || last != uint64(i) {
			t.Errorf("append %d has seqs %d to %d", i, first, last)
		}
	}
	if n := groups.Load(); n != 2 {
		t.Errorf("%d groups, want 2", n)
	}
	if got, signed := readAll(t, store); len(got) != 50 || signed != 50 {
		t.Errorf("%d entries, %d signed", len(got), signed)
	}
}

// TestBackPressure: storage that is slow shows as a refusal, not as memory.
func TestBackPressure(t *testing.T) {
	store := journaltest.New()
	release := make(chan struct{})
	store.Inject(func(journal.Group) journaltest.Fault { <-release; return journaltest.None })
	o := options()
	o.QueueBytes = 100
	w := start(t, store, o)
	var accepted []*journal.Pending
	for i := 0; ; i++ {
		p, err := w.Append(draft(i), nil)
		if err != nil {
			if !errors.Is(err, journal.ErrBusy) {
				t.Fatal(err)
			}
			break
		}
		if accepted = append(accepted, p); i > 1000 {
			t.Fatal("the queue has no bound")
		}
	}
	close(release)
	if err := w.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, p := range accepted {
		if _, err := p.Wait(t.Context()); err != nil {
			t.Errorf("an accepted append failed at Close: %v", err)
		}
	}
	if got, _ := readAll(t, store); len(got) != len(accepted) {
		t.Errorf("stored %d of %d accepted", len(got), len(accepted))
	}
}

// TestGroupBytes: a group carries no more than its bound, unless one append
// alone is larger.
func TestGroupBytes(t *testing.T) {
	store := journaltest.New()
	release := make(chan struct{})
	var sizes []int
	store.Inject(func(g journal.Group) journaltest.Fault {
		<-release
		sizes = append(sizes, len(g.Entries)) // the committer is one goroutine
		return journaltest.None
	})
	o := options()
	o.GroupBytes = 3 * (format.Overhead + len("body 1"))
	w := start(t, store, o)
	for i := range 10 {
		if _, err := w.Append(draft(i), nil); err != nil {
			t.Fatal(err)
		}
	}
	close(release)
	if err := w.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	if slices.Max(sizes) != 3 {
		t.Errorf("groups of %v entries, 3 fit", sizes)
	}
}

// TestGroupEntries: a group carries no more entries than an adapter has handles for, and an
// append of more is refused at once.
func TestGroupEntries(t *testing.T) {
	const most = 1 << 14 // sto v1 has 2^16 handles, of which an entry takes up to three
	store := journaltest.New()
	release := make(chan struct{})
	var sizes []int
	store.Inject(func(g journal.Group) journaltest.Fault {
		<-release
		sizes = append(sizes, len(g.Entries)) // one at a time
		return journaltest.None
	})
	o := options()
	o.GroupBytes = journal.MaxGroupBytes
	w := start(t, store, o)
	of := func(n int) []journal.Draft {
		drafts := make([]journal.Draft, n)
		for i := range drafts {
			drafts[i] = journal.Draft{Kind: format.KindSegment, Body: journal.Sealed{}}
		}
		return drafts
	}
	if _, err := w.Append(of(most+1), nil); !errors.Is(err, journal.ErrTooLarge) {
		t.Errorf("%d entries at once: %v, want ErrTooLarge", most+1, err)
	}
	for _, n := range []int{1, most / 2, most / 2, 1, most} {
		if _, err := w.Append(of(n), nil); err != nil {
			t.Fatal(err)
		}
	}
	close(release)
	if err := w.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	if total := len(sizes); slices.Max(sizes) != most || total < 3 {
		t.Errorf("groups of %v entries, want at most %d in each, and that in one", sizes, most)
	}
}

// A scale weighs the largest object that a put would make.
type scale struct {
	journaltest.Discard
	most atomic.Int64
}

func (s *scale) Put(_ context.Context, g journal.Group) error {
	var size int64
	for _, e := range g.Entries {
		size += int64(len(e))
	}
	s.most.Store(max(s.most.Load(), size))
	return nil
}

// TestTooLarge: what storage would refuse for ever is refused at once, and the
// epoch goes on.
func TestTooLarge(t *testing.T) {
	store := new(scale)
	w := start(t, store, journal.Options{GroupBytes: 1 << 30})
	large := make(journal.Sealed, format.MaxBody+1)
	if _, err := w.Append([]journal.Draft{{Kind: format.KindEpoch, Body: large}}, nil); !errors.Is(err, journal.ErrTooLarge) {
		t.Errorf("body over the limit: %v", err)
	}
	p, err := w.Append([]journal.Draft{{Kind: format.KindEpoch, Body: large[:format.MaxBody]}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.Wait(t.Context()); err != nil {
		t.Fatal(err)
	}
	if most := store.most.Load(); most > abi.MaxBlob {
		t.Errorf("a group of %d bytes, an object has at most %d", most, abi.MaxBlob)
	}
}

// TestSettledKeepsNoBody: an open session part keeps its appends, to know where
// they stand; it must not keep what they wrote.
func TestSettledKeepsNoBody(t *testing.T) {
	w := start(t, journaltest.Discard{}, options())
	var kept []*journal.Pending
	heap := func() uint64 {
		var m runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	before := heap()
	for range 20 {
		p, err := w.Append([]journal.Draft{{Kind: format.KindSegment, Body: make(journal.Sealed, 1<<20)}}, nil)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := p.Wait(t.Context()); err != nil {
			t.Fatal(err)
		}
		kept = append(kept, p)
	}
	if grown := int64(heap()) - int64(before); grown > 5<<20 {
		t.Errorf("%d settled appends keep %d MiB", len(kept), grown>>20)
	}
	runtime.KeepAlive(kept)
}

// TestHangingStorage: storage that heeds no context does not keep the epoch from
// ending, nor the process from stopping.
func TestHangingStorage(t *testing.T) {
	release := make(chan struct{})
	store := journaltest.New()
	store.Inject(func(journal.Group) journaltest.Fault { <-release; return journaltest.Fails })
	defer close(release)
	w := start(t, store, impatient())
	p, err := w.Append(draft(0), nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.Wait(t.Context()); !errors.Is(err, journal.ErrEnded) {
		t.Errorf("append to storage that hangs: %v", err)
	}
	<-w.Ended()
}
