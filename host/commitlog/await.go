package commitlog

import (
	"errors"
	"fmt"
	"io/fs"
	"runtime"
	"sync"
	"time"

	"filippo.io/torchwood"
)

// published is a checkpoint of ours, as text and as checked.
type published struct {
	text []byte
	torchwood.Checkpoint
}

// waiters are the Submits whose entry has an index and no checkpoint yet.
type waiters struct {
	mu   sync.Mutex
	list []waiter
}

type waiter struct {
	index      uint64
	commitment [32]byte
	done       chan<- outcome // has room for the one outcome
}

type outcome struct {
	proof []byte
	err   error
}

// await returns the proof of the entry at index, of which commitment was submitted.
func (t *tree) await(index uint64, commitment [32]byte) ([]byte, error) {
	done := make(chan outcome, 1)
	t.waiters.mu.Lock()
	t.waiters.list = append(t.waiters.list, waiter{index, commitment, done})
	t.waiters.mu.Unlock()
	select {
	case o := <-done:
		return o.proof, o.err
	case <-t.ctx.Done():
		return nil, ErrClosed
	}
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
	t.waiters.mu.Lock()
	list := t.waiters.list
	t.waiters.list = nil
	t.waiters.mu.Unlock()
	if len(list) == 0 {
		return
	}
	p, err := t.current()
	var covered, rest []waiter
	switch {
	case errors.Is(err, fs.ErrNotExist) || errors.Is(err, errUnwitnessed):
		rest = list // a new log, before its first checkpoint, or one that has new witnesses
	case err != nil:
		for _, w := range list {
			w.done <- outcome{err: err}
		}
	default:
		for _, w := range list {
			if w.index < uint64(p.N) {
				covered = append(covered, w)
			} else {
				rest = append(rest, w)
			}
		}
	}
	t.waiters.mu.Lock()
	t.waiters.list = append(rest, t.waiters.list...)
	t.waiters.mu.Unlock()
	hashes := t.hashesOf(p, covered)
	for i, w := range covered {
		if i%breath == breath-1 {
			runtime.Gosched()
		}
		proof, err := prove(p, hashes, w.index, w.commitment)
		w.done <- outcome{proof, err}
	}
}

func (t *tree) current() (published, error) {
	text, err := t.reader.ReadCheckpoint(t.ctx)
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
