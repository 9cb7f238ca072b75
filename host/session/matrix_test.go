package session_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	trace "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"

	"github.com/veriproof/notary/attestation"
	"github.com/veriproof/notary/host/archive"
	"github.com/veriproof/notary/host/audit"
	"github.com/veriproof/notary/host/journal"
	"github.com/veriproof/notary/host/otlpwire"
	"github.com/veriproof/notary/host/session"
	format "github.com/veriproof/notary/sdk/journal"
	"github.com/veriproof/notary/sdk/receipt"
)

// TestT33FaultMatrix: each durable step × {fails, fails but persists, hangs,
// hangs and persists when nobody expects it} × {go on, kill and restart}, by
// seeds, in a bubble with a clock of its own. Whatever happens, of what senders
// were told nothing is lost, nothing stands twice in an epoch, no entry is
// overwritten, every receipt verifies, what was erased stays erased, and an audit
// with all positions and the log is clean.
//
// It plays 50 seeds, or as many as NOTARY_SEEDS says: a number, or "first-last".
// "make matrix" plays 1,000. A seed that fails tells what was done in it. What
// befalls which step is the seed's; which of two goroutines is first is not.
func TestT33FaultMatrix(t *testing.T) {
	first, last := seeds(t, 50)
	played, orphans, struck := 0, 0, make(map[cell]int)
	var mu sync.Mutex
	t.Run("seeds", func(t *testing.T) {
		for seed := first; seed <= last; seed++ {
			t.Run(fmt.Sprintf("seed=%d", seed), func(t *testing.T) {
				t.Parallel() // a bubble has its own clock, and all that happens in it is its own
				synctest.Test(t, func(t *testing.T) {
					r := newRun(t, uint64(seed))
					defer r.tell(t, seed, first == last)
					r.play()
					r.check()
					mu.Lock()
					defer mu.Unlock()
					orphans += r.orphans
					if played++; r.plan.struck {
						struck[r.plan.aim]++
					}
				})
			})
		}
	})
	t.Logf("%d seeds, %d groups behind the end of an epoch", played, orphans)
	if played < 10*len(cells) {
		return
	}
	if orphans == 0 {
		t.Error("no notary died with a gap in what it wrote")
	}
	for _, c := range cells {
		c.kill = false
		if killed := (cell{c.step, c.outcome, true}); struck[c]+struck[killed] == 0 {
			t.Errorf("%s %s: no seed came by", c.step, c.outcome)
		}
	}
}

// tell logs what befell a run that failed, or the only one.
func (r *run) tell(t *testing.T, seed int, only bool) {
	if t.Failed() || only {
		t.Logf("%v\n%s\nagain: NOTARY_SEEDS=%d-%d", r.plan.aim, strings.Join(r.plan.trace, "\n"), seed, seed)
	}
}

func seeds(t *testing.T, otherwise int) (first, last int) {
	t.Helper()
	v := os.Getenv("NOTARY_SEEDS")
	if v == "" {
		return 0, otherwise - 1
	}
	from, to, ranged := strings.Cut(v, "-")
	a, err := strconv.Atoi(from)
	b := a - 1
	if ranged {
		b, err = strconv.Atoi(to)
	} else {
		a = 0
	}
	if err != nil || a < 0 || b < a {
		t.Fatalf("NOTARY_SEEDS is %q: a number, or first-last", v)
	}
	return a, b
}

// A run is a storage, a log and a series of notaries under the faults of one
// seed, with senders who do as OTLP says: what is not acknowledged is sent again.
type run struct {
	*world
	plan    *plan
	ledger  *ledger // of the storage in memory
	durable func(epoch receipt.Epoch, seq uint64) bool
	again   time.Duration // after which senders send again, at first
	erasing chan struct{} // held by who erases: what he has scanned stays as it was

	mu      sync.Mutex
	serving *session.Notary
	lives   int
	sent    map[string]map[receipt.Epoch]bool
	acked   map[string]bool
	erased  map[string]bool // spans that were there when their part was erased
	gone    []receipt.PartID
	known   []audit.Position
	orphans int // groups behind the end of epochs
}

func newRun(t *testing.T, seed uint64) *run {
	r := &run{
		world: newWorld(t), plan: newPlan(seed), again: 100 * time.Millisecond, erasing: make(chan struct{}, 1),
		sent: make(map[string]map[receipt.Epoch]bool), acked: make(map[string]bool), erased: make(map[string]bool),
	}
	r.ledger = newLedger(t.Errorf)
	r.store, r.durable = r.ledger.store, r.ledger.durable
	r.store.Allow(r.plan.inFlight)
	return r
}

// sessions that senders of a run share. The last is erased once it is over.
var sessions = []string{"s", "t", "to be erased"}

// play lets three senders send, and notaries come and go, until everything is
// acknowledged; then a notary without faults ends what is open.
func (r *run) play() {
	var senders sync.WaitGroup
	over := make(chan struct{})
	for i := range 3 {
		senders.Go(func() { r.sender(i) })
	}
	go func() { senders.Wait(); close(over) }()
	r.notaries(over)
	r.plan.calm()
	for range 2 { // what hung for long may come to life behind the first
		l := r.begin()
		if l.notary == nil { // what hung came to life while it looked
			l = r.begin()
		}
		if l.notary == nil {
			r.t.Fatal("no notary starts any more")
		}
		l.run()
		time.Sleep(4 * r.plan.silence) // it looks after those who are silent
		if err := r.erase(l.notary); err != nil {
			r.t.Errorf("erase without any fault: %v", err)
		}
		for i := 0; i < 60 && r.untold() > 0; i++ {
			time.Sleep(time.Second)
		}
		l.halt() // as serve does before it closes
		r.close(l.notary)
		l.cancel()
		time.Sleep(5 * time.Minute)
	}
}

// notaries runs one life after the other, until over.
func (r *run) notaries(over <-chan struct{}) {
	var old *life
	bury := func(l *life) {
		if l != nil {
			l.cancel()
			l.halt()
			l.notary.Kill()
		}
	}
	defer func() { bury(old) }()
	for done := false; !done; {
		if r.lives > 12 {
			r.plan.calm()
		}
		l := r.begin()
		if l.notary == nil {
			l.cancel()
			time.Sleep(time.Second)
			select {
			case <-over:
				done = true
			default:
			}
			continue
		}
		bury(old) // one that only slept: it was fenced
		old = nil
		r.set(l.notary)
		l.run()
		sleeps := r.plan.in(4) == 0
		select {
		case <-l.killed:
		case <-l.notary.Ended():
			if r.plan.passes() {
				r.t.Errorf("life %d ends for a fault that passed", l.number)
			}
		case <-time.After(time.Duration(20+r.plan.in(100)) * time.Second):
			r.plan.note("life %d: it is time for another notary, sleeping %v", l.number, sleeps)
		case <-over:
			done = true
		}
		if sleeps && !done && l.ctx.Err() == nil {
			old = l
			continue
		}
		bury(l)
	}
	r.set(nil)
}

// begin starts the next notary, whose clock is anything but right. It has none if
// it fails, or is killed at that.
func (r *run) begin() *life {
	r.lives++
	l := &life{number: r.lives, killed: make(chan struct{}, 1)}
	l.ctx, l.cancel = context.WithCancel(r.t.Context())
	born, skew := time.Now(), time.Duration(r.plan.in(7200)-3600)*time.Second
	back := time.Duration(r.plan.in(2)*r.plan.in(600)) * time.Second
	r.tune = func(o *session.Options) {
		o.Store = &faultStore{r.ledger, l, r.plan}
		o.Scan = r.scan
		o.Log = &faultLog{r.log, l, r.plan}
		o.Journal, o.Silence = journal.Options{}, r.plan.silence
		if r.plan.inFlight > 1 {
			o.Journal.GroupBytes = 1 // each append is a group
		}
		o.Now = func() time.Time {
			if time.Since(born) > 30*time.Second {
				return time.Now().Add(skew - back)
			}
			return time.Now().Add(skew)
		}
		o.MaxBytes = int64([]int{0, 0, 300}[r.plan.in(3)])
		o.WrapKeyAge, o.Checkpoint = 20*time.Second, 10*time.Second
		o.Idle = []time.Duration{0, 30 * time.Second}[r.plan.in(2)]
	}
	o := r.options()
	started, watched := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(watched)
		select {
		case <-l.killed:
			l.cancel()
		case <-started:
		}
	}()
	n, err := session.Start(l.ctx, o)
	close(started)
	<-watched
	r.plan.note("life %d begins: epoch %x, %v", l.number, o.Origin.Epoch[0], err)
	if err == nil {
		l.notary = n
	}
	return l
}

func (r *run) set(n *session.Notary) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.serving = n
}

func (r *run) current() *session.Notary {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.serving
}

// sender sends some spans, one after the other.
func (r *run) sender(i int) {
	for k := range 3 + r.plan.in(4) {
		id := sessions[(i+k)%len(sessions)]
		name := fmt.Sprintf("%s: span %d of sender %d", id, k, i)
		s := span(name)
		if r.plan.in(3) == 0 {
			s = lastSpan(name)
		}
		r.send(id, name, request(id, s))
		if r.plan.in(3) == 0 || slices.Contains([]step{stepErase, stepErasure, stepErased}, r.plan.aim.step) {
			if n := r.current(); n != nil {
				_ = r.erase(n) // or later
			}
		}
		time.Sleep(time.Duration(r.plan.in(40_000)) * time.Millisecond)
	}
}

// send sends until it is acknowledged.
func (r *run) send(id, name string, body []byte) {
	for wait := r.again; ; wait = min(2*wait, 50*r.again) {
		if n := r.current(); n != nil {
			r.mu.Lock()
			if r.sent[name] == nil {
				r.sent[name] = make(map[receipt.Epoch]bool)
			}
			r.sent[name][n.Epoch()] = true
			r.mu.Unlock()
			ctx, cancel := context.WithTimeout(r.t.Context(), 10*time.Second)
			pos, err := n.Export(ctx, "acme", otlpwire.Traces, body)
			cancel()
			if err == nil {
				r.acknowledged(name, pos)
				return
			}
			r.plan.note("%q is not acknowledged by epoch %x: %v", name, n.Epoch()[0], err)
		}
		time.Sleep(wait) // a sender's back-off, as OTLP wants it: nothing waits for it
	}
}

func (r *run) acknowledged(name string, pos format.Position) {
	if !r.durable(pos.Epoch, pos.Seq) {
		r.t.Errorf("%q is acknowledged with entry %d of epoch %x, and not all up to there is in storage", name, pos.Seq, pos.Epoch[0])
	}
	r.plan.note("%q is acknowledged: entry %d of epoch %x", name, pos.Seq, pos.Epoch[0])
	r.mu.Lock()
	defer r.mu.Unlock()
	r.acked[name] = true
	r.known = append(r.known, audit.Position{Position: pos, Source: name})
}

// erase has every sealed part of the session that is to be erased, in any epoch,
// erased by a notary, as the command does.
func (r *run) erase(n *session.Notary) error {
	r.erasing <- struct{}{}
	defer func() { <-r.erasing }()
	a, err := archive.Scan(r.t.Context(), r.storage(), archive.Options{})
	if err != nil {
		return err
	}
	var failed error
	for _, p := range a.Parts() {
		if p.Manifest == nil || p.Erasure != nil { // the next start does what an order says
			continue
		}
		o, err := a.Open(r.t.Context(), p, r.auditor)
		switch {
		case err != nil:
			r.t.Errorf("a part of epoch %x cannot be opened: %v", p.ID.Epoch[0], err)
			continue
		case string(o.Session) != "to be erased":
			continue
		}
		names := spansOf(r.t, o)
		r.mu.Lock()
		for _, name := range names {
			r.erased[name] = true
		}
		r.mu.Unlock()
		ctx, cancel := context.WithTimeout(r.t.Context(), 20*time.Second)
		done, err := n.ErasePart(ctx, session.Sealed{Commitment: p.Commitment(), Epoch: p.Manifest.SealedBy.Epoch, Seq: p.SealedSeq})
		if err == nil { // what it cannot tell the next start does
			if _, untold := n.TellErased(ctx, []session.Erasure{done}); untold != nil {
				r.plan.note("the outcome of an erasure in epoch %x is not told: %v", p.ID.Epoch[0], untold)
			}
		}
		cancel()
		if err != nil {
			r.plan.note("a part of epoch %x is not erased: %v", p.ID.Epoch[0], err)
			failed = errors.Join(failed, err)
			continue
		}
		r.mu.Lock()
		r.gone = append(r.gone, p.ID)
		r.mu.Unlock()
	}
	return failed
}

func spansOf(t *testing.T, o *archive.Opened) (names []string) {
	t.Helper()
	for _, rec := range o.Records {
		if rec.Kind != receipt.Span {
			continue
		}
		var s trace.Span
		if err := proto.Unmarshal(rec.Bytes, &s); err != nil {
			t.Fatal(err)
		}
		names = append(names, s.Name)
	}
	return names
}

// untold counts the erased parts of which the journal does not say what became of the order.
func (r *run) untold() (n int) {
	a, err := archive.Scan(r.t.Context(), r.storage(), archive.Options{})
	if err != nil {
		r.t.Fatal(err)
	}
	for _, p := range a.Parts() {
		if p.Erasure != nil && p.Erasure.Outcome == nil {
			n++
		}
	}
	return n
}

// check holds storage and log against what senders and operators were told.
func (r *run) check() {
	a := r.verified()
	for _, e := range a.Epochs {
		r.orphans += len(e.Orphans)
	}
	stored := make(map[string]map[receipt.Epoch]int)
	for _, p := range a.Parts() {
		has, err := a.HasKey(r.t.Context(), p)
		if err != nil {
			r.t.Fatal(err)
		}
		if (p.Erasure != nil) == has {
			r.t.Errorf("a part of epoch %x: erased %v, key in storage %v", p.ID.Epoch[0], p.Erasure != nil, has)
		}
		if p.Erasure != nil || !has {
			continue
		}
		o, err := a.Open(r.t.Context(), p, r.auditor)
		if err != nil {
			r.t.Error(err)
			continue
		}
		for _, name := range spansOf(r.t, o) {
			if stored[name] == nil {
				stored[name] = make(map[receipt.Epoch]int)
			}
			stored[name][p.ID.Epoch]++
		}
	}
	for _, id := range r.gone {
		if p := a.Part(id); p == nil || p.Erasure == nil {
			r.t.Errorf("a part of epoch %x that was erased: no order says so", id.Epoch[0])
		}
	}
	if n := r.untold(); n > 0 {
		r.t.Errorf("of %d erasures nobody says what became of them", n)
	}
	for name := range r.acked {
		if len(stored[name]) == 0 && !r.erased[name] {
			r.t.Errorf("%q was acknowledged, and is lost", name)
		}
	}
	for name, in := range stored {
		for epoch, n := range in {
			if n > 1 {
				r.t.Errorf("%q stands %d times in epoch %x", name, n, epoch[0])
			}
			if !r.sent[name][epoch] {
				r.t.Errorf("%q is in epoch %x, to which nobody sent it", name, epoch[0])
			}
		}
	}
	report, err := audit.Run(r.t.Context(), r.storage(), audit.Options{
		Log: auditedLog{r.log}, Positions: r.known, Believe: func(*archive.Epoch) error { return nil },
	})
	if err != nil {
		r.t.Fatal(err)
	}
	for _, c := range report.Checks {
		if c.Status != attestation.Pass && c.Name != audit.CheckWitnesses { // this log has none
			r.t.Errorf("audit: %s: %v: %s", c.Name, c.Status, c.Detail)
		}
	}
}
