package commitlog

import (
	"errors"
	"fmt"
	"io/fs"
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
	index uint64
	done  chan<- outcome // has room for the one outcome
}

type outcome struct {
	published
	err error
}

// await returns a checkpoint that covers the entry at index.
func (t *tree) await(index uint64) (published, error) {
	done := make(chan outcome, 1)
	t.waiters.mu.Lock()
	t.waiters.list = append(t.waiters.list, waiter{index, done})
	t.waiters.mu.Unlock()
	select {
	case o := <-done:
		return o.published, o.err
	case <-t.ctx.Done():
		return published{}, ErrClosed
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

// release gives the current checkpoint to the waiters that it covers, or the
// error to all of them.
func (t *tree) release() {
	t.waiters.mu.Lock()
	defer t.waiters.mu.Unlock()
	if len(t.waiters.list) == 0 {
		return
	}
	p, err := t.current()
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, errUnwitnessed) {
		return // a new log, before its first checkpoint, or one that has new witnesses
	}
	rest := t.waiters.list[:0]
	for _, w := range t.waiters.list {
		if err == nil && w.index >= uint64(p.N) {
			rest = append(rest, w)
			continue
		}
		w.done <- outcome{p, err}
	}
	t.waiters.list = rest
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
