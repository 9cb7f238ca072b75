package commitlog

import (
	"errors"
	"fmt"
	"io/fs"
	"runtime"
	"slices"
	"sync"
	"time"

	"filippo.io/torchwood"
)

// published is a checkpoint of ours, as text and as checked.
type published struct {
	text []byte
	torchwood.Checkpoint
}

// waiters are the Submits that have no outcome yet.
type waiters struct {
	mu   sync.Mutex
	list []*waiter
	over bool // nobody looks for outcomes any more
}

// A waiter is one of them, for as long as the entry is on its way, whether the caller still
// waits or not. What is not constant is guarded by waiters.mu.
type waiter struct {
	commitment [32]byte
	done       chan outcome // has room for the one outcome

	placed  bool // the entry has its index
	index   uint64
	settled bool
}

type outcome struct {
	proof []byte
	index uint64
	err   error
}

// join makes a waiter, who has a slot and is counted in t.inFlight. It reports whether the entry
// is to be added: not if the log was given up, which is the outcome then.
func (t *tree) join(commitment [32]byte) (w *waiter, add bool) {
	w = &waiter{commitment: commitment, done: make(chan outcome, 1)}
	t.waiters.mu.Lock()
	over := t.waiters.over
	if !over {
		t.waiters.list = append(t.waiters.list, w)
	}
	t.waiters.mu.Unlock()
	if over {
		t.settle(w, outcome{err: ErrClosed})
	}
	return w, !over
}

// settle gives a waiter his outcome, if he has none yet. What he held is others' then.
func (t *tree) settle(w *waiter, o outcome) {
	t.waiters.mu.Lock()
	settled := w.settled
	w.settled = true
	t.waiters.mu.Unlock()
	if !settled {
		w.done <- o
		<-t.slots
		t.inFlight.Done()
	}
}

// place says that an entry has its index: it waits for a checkpoint from now on.
func (t *tree) place(w *waiter, index uint64) {
	t.waiters.mu.Lock()
	defer t.waiters.mu.Unlock()
	w.placed, w.index = true, index
}

// watch looks for new checkpoints while anyone waits for one, and checks each
// once for all who do. Tessera's own PublicationAwaiter cannot be joined, and
// wakes its waiters with whatever it finds.
func (t *tree) watch() {
	defer t.watching.Done()
	tick := time.NewTicker(pollInterval)
	defer tick.Stop()
	for {
		select {
		case <-t.ctx.Done():
			t.waiters.mu.Lock()
			list := t.waiters.list
			t.waiters.list, t.waiters.over = nil, true
			t.waiters.mu.Unlock()
			for _, w := range list {
				t.settle(w, outcome{err: ErrClosed})
			}
			return
		case <-tick.C:
			t.release()
		}
	}
}

// breath is how many proofs are made, some 10 µs each, before others that wait for a
// processor have it: a checkpoint covers those of a thousand sessions.
const breath = 32

// release gives proofs under the current checkpoint to the waiters that it covers, or
// the error to all of them. The proofs are made here, one after the other: were each
// waiter to make his, all of them would be in the way of everybody else's work at once.
func (t *tree) release() {
	placed, unplaced := t.take()
	if len(placed) == 0 {
		t.putBack(unplaced)
		return
	}
	p, err := t.current()
	switch {
	case errors.Is(err, fs.ErrNotExist) || errors.Is(err, errUnwitnessed):
		// A new log, before its first checkpoint, or one that has new witnesses.
		t.putBack(unplaced, placed)
		return
	case err != nil:
		t.putBack(unplaced)
		for _, w := range placed {
			t.settle(w, outcome{err: waiting(err)})
		}
		return
	}
	var covered, rest []*waiter
	for _, w := range placed {
		if w.index < uint64(p.N) {
			covered = append(covered, w)
		} else {
			rest = append(rest, w)
		}
	}
	t.putBack(unplaced, rest)
	hashes := t.hashesOf(p, covered)
	for i, w := range covered {
		if i%breath == breath-1 {
			runtime.Gosched()
		}
		proof, err := prove(p, hashes, w.index, w.commitment)
		t.settle(w, outcome{proof, w.index, waiting(err)})
	}
}

// take takes all who have no outcome out of the list.
func (t *tree) take() (placed, unplaced []*waiter) {
	t.waiters.mu.Lock()
	defer t.waiters.mu.Unlock()
	for _, w := range t.waiters.list {
		switch {
		case w.settled:
		case w.placed:
			placed = append(placed, w)
		default:
			unplaced = append(unplaced, w)
		}
	}
	t.waiters.list = nil
	return placed, unplaced
}

func (t *tree) putBack(lists ...[]*waiter) {
	t.waiters.mu.Lock()
	defer t.waiters.mu.Unlock()
	t.waiters.list = slices.Concat(append(lists, t.waiters.list)...)
}

// waiting is err as of an entry that is in the log, or will be.
func waiting(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("waiting for a proof: %w: outcome unknown, submit again", err)
}

func (t *tree) current() (published, error) {
	text, err := t.reader.ReadCheckpoint(t.ctx)
	if t.ctx.Err() != nil { // a database heeds it
		return published{}, ErrClosed
	}
	if err != nil {
		return published{}, fmt.Errorf("%w: checkpoint: %w", ErrDirectory, err)
	}
	c, _, err := torchwood.VerifyCheckpoint(text, t.signed)
	if err != nil {
		return published{}, fmt.Errorf("%w: checkpoint: %w", ErrCorrupt, err)
	}
	if _, _, err := torchwood.VerifyCheckpoint(text, t.counts); err != nil {
		return published{}, fmt.Errorf("%w: %w", errUnwitnessed, err)
	}
	return published{text, c}, nil
}

// errUnwitnessed: a checkpoint is the log's, and too few witnesses have cosigned it.
var errUnwitnessed = errors.New("checkpoint without enough cosignatures")
