package session_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"github.com/veriproof/notary/host/journal"
	"github.com/veriproof/notary/host/journal/journaltest"
	"github.com/veriproof/notary/host/session"
	format "github.com/veriproof/notary/sdk/journal"
	"github.com/veriproof/notary/sdk/receipt"
)

// A step is something that outlives the notary once it is done. A put can be
// several at once.
type step string

const (
	stepEpoch      step = "epoch"
	stepWrapKey    step = "wrapkey"
	stepSegment    step = "segment"
	stepKey        step = "wrapped key"
	stepManifest   step = "manifest"
	stepProof      step = "proof"
	stepCheckpoint step = "checkpoint"
	stepErasure    step = "erasure" // the order
	stepErase      step = "erase"   // the deed
	stepErased     step = "erased"  // what became of it
	stepFence      step = "fence"
	stepLog        step = "log"
	stepRead       step = "read"
)

var stepOfKind = map[format.Kind]step{
	format.KindEpoch: stepEpoch, format.KindWrapKey: stepWrapKey, format.KindSegment: stepSegment, format.KindManifest: stepManifest,
	format.KindProof: stepProof, format.KindCheckpoint: stepCheckpoint, format.KindErasure: stepErasure, format.KindErased: stepErased, format.KindFence: stepFence,
}

// stepsOf says what a put does.
func stepsOf(g journal.Group) []step {
	var steps []step
	for _, h := range g.Heads {
		if s := stepOfKind[format.Kind(h.Kind)]; s != "" && !slices.Contains(steps, s) {
			steps = append(steps, s)
		}
	}
	if len(g.Keys) > 0 {
		steps = append(steps, stepKey)
	}
	return steps
}

// An outcome is what becomes of a step, whatever its caller is told.
type outcome string

const (
	fine             outcome = "is done"
	fails            outcome = "fails"
	failsButPersists outcome = "fails but persists"
	hangs            outcome = "hangs"              // for longer than anybody waits, and nothing comes of it
	persistsLate     outcome = "hangs and persists" // when nobody expects it any more
	half             outcome = "leaves its keys"    // if it has any, and no entries
)

// A cell is one of the matrix: this outcome of this step, and either the notary
// goes on or it is killed before it hears of it.
type cell struct {
	step    step
	outcome outcome
	kill    bool
}

func (c cell) String() string {
	then := "go on"
	if c.kill {
		then = "kill"
	}
	return fmt.Sprintf("%s %s, %s", c.step, c.outcome, then)
}

// cells is the matrix.
var cells = func() (all []cell) {
	for _, s := range []step{
		stepEpoch, stepWrapKey, stepSegment, stepKey, stepManifest, stepProof, stepCheckpoint, stepErasure, stepErase, stepErased, stepFence, stepLog, stepRead,
	} {
		for _, o := range []outcome{fails, failsButPersists, hangs, persistsLate, half} {
			if o == half && s != stepKey || s == stepRead && o != fails && o != hangs {
				continue
			}
			all = append(all, cell{s, o, false}, cell{s, o, true})
		}
	}
	return all
}()

// A fault is what is to become of one step.
type fault struct {
	outcome outcome
	kill    bool
	delay   time.Duration // of every step: writes under way at once end in any order
	hang    time.Duration
}

// A plan decides by a seed. One cell of the matrix strikes at one occurrence of
// its step, whatever else happens; over some seeds a storm of others goes.
type plan struct {
	mu       sync.Mutex
	rng      *rand.Rand
	aim      cell
	at       int // which occurrence
	storm    float64
	inFlight int
	silence  time.Duration // of notaries that share the storage, or 0
	quiet    bool
	struck   bool
	strikes  chan struct{} // closed: struck
	trace    []string
}

func newPlan(seed uint64) *plan {
	p := &plan{rng: rand.New(rand.NewPCG(seed, 0)), aim: cells[seed%uint64(len(cells))], strikes: make(chan struct{})}
	p.at = []int{0, 0, 1, 0, 2}[seed/uint64(len(cells))%5]
	p.storm = []float64{0, 0, 0.03, 0.15}[p.rng.IntN(4)]
	p.inFlight = 1 + 2*p.rng.IntN(2)
	p.silence = []time.Duration{0, 0, 20 * time.Second}[p.rng.IntN(3)]
	return p
}

// note adds to what is told of a seed that fails.
func (p *plan) note(format string, args ...any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.trace = append(p.trace, fmt.Sprintf(format, args...))
}

// calm ends all faults.
func (p *plan) calm() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.quiet = true
}

// passes says that the seed has no fault but one that is over at once, of which a
// notary has to make nothing.
func (p *plan) passes() bool {
	return p.storm == 0 && !p.aim.kill && (p.aim.outcome == fails || p.aim.outcome == failsButPersists || p.aim.outcome == half)
}

// in returns a number below n, of the seed.
func (p *plan) in(n int) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.rng.IntN(n)
}

// decide says what becomes of what is these steps.
func (p *plan) decide(steps ...step) fault {
	p.mu.Lock()
	defer p.mu.Unlock()
	f := fault{outcome: fine, delay: time.Duration(p.rng.IntN(40)) * time.Millisecond, hang: time.Duration(1+p.rng.IntN(120)) * time.Second}
	if p.quiet {
		return f
	}
	if slices.Contains(steps, p.aim.step) && !p.struck {
		if p.at--; p.at < 0 {
			p.struck = true
			close(p.strikes)
			f.outcome, f.kill = p.aim.outcome, p.aim.kill
			return f
		}
	}
	if p.rng.Float64() < p.storm {
		f.outcome = []outcome{fails, failsButPersists, hangs, persistsLate, half}[p.rng.IntN(5)]
		f.kill = p.rng.IntN(6) == 0
	}
	return f
}

// A life is one process.
type life struct {
	number int
	ctx    context.Context
	cancel context.CancelFunc
	killed chan struct{} // holds a token once a step has killed it
	notary *session.Notary
	halt   func() // ends the periodic work, and waits for its end
}

// run begins the periodic work.
func (l *life) run() {
	ctx, stop := context.WithCancel(l.ctx)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = l.notary.Run(ctx)
	}()
	l.halt = func() {
		stop()
		<-ended
	}
}

// die ends the process in the middle of a step, which does not return to it.
func (l *life) die() {
	select {
	case l.killed <- struct{}{}:
	default:
	}
	<-l.ctx.Done()
}

// perform has a step done, or not, as the fault says. What hangs heeds no
// context, like a system call. Time here is that of the run's bubble: nothing waits for
// a real clock.
func (l *life) perform(p *plan, f fault, do func() error) error {
	time.Sleep(f.delay)
	var err error
	switch f.outcome {
	case fine:
		return do()
	case failsButPersists:
		err = do()
	}
	if f.kill {
		l.die()
	}
	switch f.outcome {
	case hangs, persistsLate:
		time.Sleep(f.hang)
		if f.outcome == persistsLate {
			if err = do(); err == nil {
				p.note("life %d: what hung is done", l.number)
			}
		}
	}
	if errors.Is(err, journal.ErrConflict) {
		return err
	}
	return journaltest.ErrInjected
}

// A faultStore is a journal.Store of one life on storage that all of them share.
type faultStore struct {
	*ledger
	life *life
	plan *plan
}

func (s *faultStore) InFlight() int { return s.store.InFlight() }

func (s *faultStore) Put(_ context.Context, g journal.Group) error {
	steps := stepsOf(g)
	f := s.plan.decide(steps...)
	s.plan.note("life %d: put epoch %x, %d entries from %d on, %v: %s, kill %v", s.life.number, g.Epoch[0], len(g.Entries), g.FirstSeq, steps, f.outcome, f.kill)
	s.attempt(s.life, g)
	if f.outcome == half {
		s.store.PutKeys(g.Keys)
	}
	return s.life.perform(s.plan, f, func() error { return s.put(g) })
}

func (s *faultStore) Get(ctx context.Context, epoch [16]byte, seq uint64) (c journal.Chunk, err error) {
	f := s.plan.decide(stepRead)
	f.delay = 0
	err = s.life.perform(s.plan, f, func() error { c, err = s.store.Get(ctx, epoch, seq); return err })
	return c, err
}

func (s *faultStore) Epochs(ctx context.Context) (h []journal.EpochHead, err error) {
	f := s.plan.decide(stepRead)
	err = s.life.perform(s.plan, f, func() error { h, err = s.store.Epochs(ctx); return err })
	return h, err
}

func (s *faultStore) Key(ctx context.Context, id journal.KeyID) (k journal.Sealed, err error) {
	f := s.plan.decide(stepRead)
	err = s.life.perform(s.plan, f, func() error { k, err = s.store.Key(ctx, id); return err })
	return k, err
}

func (s *faultStore) EraseKey(ctx context.Context, id journal.KeyID) error {
	f := s.plan.decide(stepErase)
	s.plan.note("life %d: erase a key of epoch %x: %s, kill %v", s.life.number, id.Epoch[0], f.outcome, f.kill)
	return s.life.perform(s.plan, f, func() error { return s.store.EraseKey(ctx, id) })
}

// A faultLog is the log as one life sees it. The log itself never fails.
type faultLog struct {
	*memoryLog
	life *life
	plan *plan
}

func (l *faultLog) Submit(ctx context.Context, c [32]byte) (proof []byte, index uint64, err error) {
	f := l.plan.decide(stepLog)
	l.plan.note("life %d: log: %s, kill %v", l.life.number, f.outcome, f.kill)
	err = l.life.perform(l.plan, f, func() error { proof, index, err = l.memoryLog.Submit(ctx, c); return err })
	return proof, index, err
}

// A ledger is the storage, and what is known of it that a notary cannot know.
type ledger struct {
	store *journaltest.Store

	mu       sync.Mutex
	attempts map[place]journal.Group
	counts   map[place]uint64 // entries of the chunk that begins there
	complain func(format string, args ...any)
}

// A place is a position in the journal, as one life means it.
type place struct {
	life  int
	epoch [16]byte
	seq   uint64
}

func newLedger(complain func(string, ...any)) *ledger {
	return &ledger{store: journaltest.New(), attempts: make(map[place]journal.Group), counts: make(map[place]uint64), complain: complain}
}

// attempt holds a put against earlier ones: a group that has its place is only
// ever written as it is.
func (l *ledger) attempt(by *life, g journal.Group) {
	l.mu.Lock()
	defer l.mu.Unlock()
	at := place{by.number, g.Epoch, g.FirstSeq}
	before, known := l.attempts[at]
	if known && (!slices.EqualFunc(before.Entries, g.Entries, func(a, b journal.Sealed) bool { return bytes.Equal(a, b) }) ||
		!slices.EqualFunc(before.Keys, g.Keys, func(a, b journal.WrappedKey) bool { return a.ID == b.ID && bytes.Equal(a.DEK, b.DEK) })) {
		l.complain("life %d writes other bytes to seq %d of epoch %x than before", by.number, g.FirstSeq, g.Epoch[0])
	}
	kept := g
	kept.Entries = nil
	for _, e := range g.Entries {
		kept.Entries = append(kept.Entries, slices.Clone(e)) // or it would be held against itself
	}
	l.attempts[at] = kept
}

func (l *ledger) put(g journal.Group) error {
	err := l.store.Put(context.Background(), g)
	if err == nil {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.counts[place{0, g.Epoch, g.FirstSeq}] = uint64(len(g.Entries))
	}
	return err
}

// durable says whether everything up to an entry is in storage.
func (l *ledger) durable(epoch receipt.Epoch, seq uint64) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	var next uint64
	for next <= seq {
		n := l.counts[place{0, epoch, next}]
		if n == 0 {
			return false
		}
		next += n
	}
	return true
}
