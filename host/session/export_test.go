package session

import (
	"context"
	"time"

	"github.com/veriproof/notary/host/otlpwire"
	"github.com/veriproof/notary/sdk/receipt"
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

// Late exports a request of one session, which ends between the look at its open part and the lock
// of that, and is sealed after meanwhile. It reports whether the part took the records.
func (n *Notary) Late(ctx context.Context, tenant string, sig otlpwire.Signal, body []byte, meanwhile func()) (taken bool, err error) {
	d := new(desk)
	if err := d.req.Walk(body, sig, n.opts.Walk); err != nil {
		return false, err
	}
	batch, err := n.redact(ctx, d, len(body), 0)
	if err != nil {
		return false, err
	}
	g := batch.sessions[0]
	g.handle = n.opts.Ring.Handle(tenant, g.raw)
	p, err := n.openPart(g.handle, tenant)
	if err != nil {
		return false, err
	}
	over := n.turn() // nobody seals
	defer over()
	n.end(g.handle, receipt.ReasonEnd)
	meanwhile()
	return n.appendIn(p, g, d)
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

// Numbered is of how many sessions the notary keeps the number of their next part.
func (n *Notary) Numbered() int {
	n.mu.Lock()
	defer n.mu.Unlock()
	return len(n.nextPart)
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
