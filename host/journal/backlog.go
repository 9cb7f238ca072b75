package journal

import (
	"sync"
	"time"
)

// A Backlog is what waits to be durable, what is under way to storage included.
type Backlog struct {
	Bytes  int
	Oldest time.Time // when the oldest of it was appended; zero if nothing waits
}

// Backlog returns what waits now: how far the journal lags behind what was sent.
func (w *Writer) Backlog() Backlog { return w.backlog.now() }

// A backlog counts appends from Append to their outcome. They get it in the order in
// which they came.
type backlog struct {
	mu      sync.Mutex
	bytes   int
	waiting []waiting
}

type waiting struct {
	since time.Time
	size  int
}

func (b *backlog) add(size int) {
	now := time.Now()
	b.mu.Lock()
	defer b.mu.Unlock()
	b.bytes += size
	b.waiting = append(b.waiting, waiting{now, size})
}

func (b *backlog) settled() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.bytes -= b.waiting[0].size
	b.waiting = b.waiting[1:]
}

func (b *backlog) now() Backlog {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.waiting) == 0 {
		return Backlog{}
	}
	return Backlog{Bytes: b.bytes, Oldest: b.waiting[0].since}
}
