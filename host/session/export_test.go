package session

import (
	"context"
	"time"
)

// Kill stops a notary as kill -9 would, as far as storage can see: nothing more
// is written.
func (n *Notary) Kill() {
	n.mu.Lock()
	killed := n.closing
	n.closing = true
	n.mu.Unlock()
	if !killed {
		n.abandon()
	}
}

// Remembered is how many sealed parts of a session are kept for their marks.
func (n *Notary) Remembered(tenant, session string) int {
	n.mu.Lock()
	defer n.mu.Unlock()
	parts := make(map[*part]bool)
	for next := n.before(n.opts.Ring.Handle(tenant, []byte(session))); len(next) > 0; {
		p := next[0]
		next = next[1:]
		if !parts[p] {
			parts[p] = true
			p.mu.Lock()
			next = append(next, p.before...)
			p.mu.Unlock()
		}
	}
	return len(parts)
}

// Stride is how many parts are sealed at a time while nobody waits for their room.
const Stride = stride

// MadeRoom waits until the exports before have made as much room as they make.
func (n *Notary) MadeRoom() { n.exports.Wait() }

// Step is a Tick, and the end of what it has begun: the entry that shows that the
// notary lives, the look after the others, and that for what is too old.
func (n *Notary) Step(ctx context.Context) error {
	err := n.Tick(ctx)
	n.pulse.mu.Lock()
	pending := n.pulse.pending
	n.pulse.mu.Unlock()
	if pending != nil {
		_, _ = pending.Wait(ctx) // a journal that has ended is the test's matter
	}
	for (n.peers.looking.Load() || n.sweep.under.Load()) && ctx.Err() == nil {
		_ = pause(ctx, time.Millisecond)
	}
	return err
}
