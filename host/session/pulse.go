package session

import (
	"sync"
	"time"

	"github.com/veriproof/notary/host/journal"
)

// A pulse shows those who share a storage that a notary lives: its journal's head
// moves. An idle one writes a checkpoint that does not go to the log.
type pulse struct {
	mu      sync.Mutex
	seq     uint64    // of the head
	at      time.Time // when the head was first seen there
	pending *journal.Pending
}

// beat writes an entry if nothing was written for a quarter of Silence: with a second
// between two ticks, and the time that a write takes, that makes no more than a third.
func (n *Notary) beat(now time.Time) {
	p := &n.pulse
	p.mu.Lock()
	defer p.mu.Unlock()
	pos, ok := n.writer.Head()
	if !ok {
		return
	}
	if p.at.IsZero() || pos.Seq != p.seq {
		p.seq, p.at = pos.Seq, now
		return
	}
	if now.Sub(p.at) < n.opts.Silence/4 {
		return
	}
	if p.pending != nil {
		select {
		case <-p.pending.Done():
		default:
			return // a write is under way already
		}
	}
	draft, _, err := checkpointOf(pos)
	if err != nil {
		n.opts.Logger.Error("an entry that shows that this notary lives cannot be made", "error", err)
		return
	}
	// If the queue is full or the journal has ended, there is no need for another entry.
	p.pending, _ = n.writer.Append([]journal.Draft{draft}, nil)
}

// pulseOn keeps the pulse up while nobody calls Tick. What it returns ends that, and may
// be called again.
func (n *Notary) pulseOn() (stop func()) {
	if n.opts.Silence == 0 {
		return func() {}
	}
	done := make(chan struct{})
	var beating sync.WaitGroup
	beating.Go(func() {
		t := time.NewTicker(time.Second)
		defer t.Stop()
		for {
			select {
			case <-t.C:
				n.beat(n.opts.Now())
			case <-done:
				return
			}
		}
	})
	return sync.OnceFunc(func() {
		close(done)
		beating.Wait()
	})
}
