package session

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/veriproof/notary/sdk/receipt"
)

// Run calls Tick every second until ctx ends or the journal does.
func (n *Notary) Run(ctx context.Context) error {
	t := time.NewTicker(time.Second)
	defer t.Stop()
	for {
		select {
		case <-t.C:
			if err := n.Tick(ctx); err != nil && !errors.Is(err, context.Canceled) {
				n.opts.Logger.Error("periodic work failed", "error", err)
			}
		case <-n.writer.Ended():
			return n.writer.Err()
		case <-ctx.Done():
			return nil
		}
	}
}

// Tick does what is due by the host's clock: it seals idle and old parts, and
// all of them once the attestation has gone stale (there is a margin then: a
// receipt signed after the token's expiry would convince nobody); it replaces a wrap key that is old and used, and commits the head of the chain
// to the log. In a storage that is shared it shows that this notary lives, and looks
// after the others; and it erases what has reached Options.Retention. It is for Run and for tests; it must not run concurrently with
// itself.
func (n *Notary) Tick(ctx context.Context) error {
	now := n.opts.Now()
	stop := n.pulseOn() // a look at many parts, which gives way to everybody, may take long
	n.sealDue(now, n.opts.Fresh() != nil)
	stop()
	if now.Sub(n.keyTime) >= n.opts.WrapKeyAge && n.opts.Ring.Used() {
		if err := n.rotate(ctx); err != nil {
			return err
		}
		n.keyTime = now
	}
	if now.Sub(n.checkTime) >= n.opts.Checkpoint && !n.checking.Load() && n.dirty.take() {
		n.checkTime = now
		n.checking.Store(true) // while the log is down, one waits for it and not one more each time
		n.tasks.Go(func() {
			defer n.checking.Store(false)
			if err := n.checkpoint(n.background); err != nil && n.background.Err() == nil {
				n.dirty.set()
				n.opts.Logger.Warn("checkpoint failed; it will be tried again", "error", err)
			}
		})
	}
	if n.opts.Silence > 0 {
		n.beat(now)
		n.goLook(now)
	}
	if n.opts.Retention > 0 {
		n.goSweep(now)
	}
	return nil
}

func (n *Notary) sealDue(now time.Time, all bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.closing {
		return
	}
	seen := 0
	goOn := func() bool {
		if seen++; seen%stride == 0 {
			return n.breathe()
		}
		return !n.closing
	}
	for h, list := range n.recent {
		old := 0 // they stand in the order in which they were sealed
		for ; old < len(list) && now.Sub(list[old].at) >= resendTime; old++ {
			list[old].part.kept = false
			n.free(list[old].part)
		}
		if old == len(list) {
			delete(n.recent, h)
		} else if old > 0 {
			n.recent[h] = slices.Clone(list[old:])
		}
		if !goOn() {
			return
		}
	}
	for h, p := range n.open {
		p.follows(n.before(h))
		var why receipt.Reason
		if !n.dropEmpty(p, n.opts.Idle) {
			why = p.due(now, &n.opts)
			if all && why == "" && p.hasRecords() {
				why = p.atShutdown()
			}
		}
		if why != "" {
			delete(n.open, h)
			n.goSeal(p, why)
		}
		if !goOn() {
			return
		}
	}
}

// dropEmpty forgets an open part that never got a segment, because storage did not keep up
// or all was there already, and into which nothing was to come for so long. Its number was
// never in the journal, nor was its key. It is called with n.mu held.
func (n *Notary) dropEmpty(p *part, idle time.Duration) bool {
	if !p.mu.TryLock() {
		return false // something comes just now
	}
	defer p.mu.Unlock()
	if p.first != nil || n.opts.Now().Sub(p.touched) < idle {
		return false
	}
	p.closed.Store(true)
	p.sealed = true
	p.keys.Wipe()
	delete(n.open, p.id.Handle)
	n.takeBack(p.id)
	n.free(p)
	return true
}

// due says why the part is to be sealed now, if it is.
func (p *part) due(now time.Time, o *Options) receipt.Reason {
	if !p.mu.TryLock() {
		return "" // something is being appended: not idle, and age can wait
	}
	defer p.mu.Unlock()
	switch {
	case p.first == nil:
		return ""
	case p.ended && now.Sub(p.touched) >= o.Linger:
		return receipt.ReasonEnd
	case now.Sub(p.touched) >= o.Idle:
		return receipt.ReasonIdle
	case now.Sub(p.opened) >= o.MaxAge:
		return receipt.ReasonAge
	}
	return ""
}

// atShutdown says why a part is sealed that cannot stay open: its sender may have
// ended it a moment ago.
func (p *part) atShutdown() receipt.Reason {
	if p.mu.TryLock() {
		defer p.mu.Unlock()
		if p.ended {
			return receipt.ReasonEnd
		}
	}
	return receipt.ReasonShutdown
}

// hasRecords says whether anything was ever queued for the part. A part that is
// being appended to counts: whoever holds n.mu does not wait for it.
func (p *part) hasRecords() bool {
	if !p.mu.TryLock() {
		return true
	}
	defer p.mu.Unlock()
	return p.first != nil
}

// follows says which parts before are still kept for their marks, and lets go of the others.
func (p *part) follows(before []*part) {
	if p.mu.TryLock() {
		p.before = before
		p.mu.Unlock()
	}
}
