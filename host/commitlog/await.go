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
func (l *POSIX) await(index uint64) (published, error) {
	done := make(chan outcome, 1)
	l.waiters.mu.Lock()
	l.waiters.list = append(l.waiters.list, waiter{index, done})
	l.waiters.mu.Unlock()
	select {
	case o := <-done:
		return o.published, o.err
	case <-l.ctx.Done():
		return published{}, ErrClosed
	}
}

// watch looks for new checkpoints while anyone waits for one, and checks each
// once for all who do. Tessera's own PublicationAwaiter cannot be joined, and
// wakes its waiters with whatever it finds.
func (l *POSIX) watch() {
	defer l.watching.Done()
	tick := time.NewTicker(pollInterval)
	defer tick.Stop()
	for {
		select {
		case <-l.ctx.Done():
			return
		case <-tick.C:
			l.release()
		}
	}
}

// release gives the current checkpoint to the waiters that it covers, or the
// error to all of them.
func (l *POSIX) release() {
	l.waiters.mu.Lock()
	defer l.waiters.mu.Unlock()
	if len(l.waiters.list) == 0 {
		return
	}
	p, err := l.current()
	if errors.Is(err, fs.ErrNotExist) {
		return // a new log, before its first checkpoint
	}
	rest := l.waiters.list[:0]
	for _, w := range l.waiters.list {
		if err == nil && w.index >= uint64(p.N) {
			rest = append(rest, w)
			continue
		}
		w.done <- outcome{p, err}
	}
	l.waiters.list = rest
}

func (l *POSIX) current() (published, error) {
	text, err := l.reader.ReadCheckpoint(l.ctx)
	if err != nil {
		return published{}, fmt.Errorf("%w: checkpoint: %w", ErrDirectory, err)
	}
	c, _, err := torchwood.VerifyCheckpoint(text, l.policy)
	if err != nil {
		return published{}, fmt.Errorf("%w: checkpoint: %w", ErrCorrupt, err)
	}
	return published{text, c}, nil
}
