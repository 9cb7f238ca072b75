package pluginhost

import (
	"context"
	"sync"

	"github.com/veriproof/notary/sdk/plugin/abi"
)

// A pool is a bounded free list of instances, all in the state of the image.
// It is no sync.Pool, which would drop instances without closing them.
type pool struct {
	slots chan struct{} // one token per call under way

	mu     sync.Mutex
	free   []*instance
	closed bool
}

func newPool(width int) *pool { return &pool{slots: make(chan struct{}, width)} }

func (p *plugin) acquire(ctx context.Context) (*instance, error) { return p.acquireFrom(ctx, p.pool) }

// acquireFrom waits for a slot and takes an instance, or makes one.
func (p *plugin) acquireFrom(ctx context.Context, from *pool) (*instance, error) {
	if ctx.Err() != nil { // select would choose at random
		return nil, context.Cause(ctx)
	}
	select {
	case from.slots <- struct{}{}:
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
	in, closed := from.take()
	if closed {
		<-from.slots
		return nil, &PluginError{p.name, ReasonClosed}
	}
	if in != nil {
		return in, nil
	}
	in, err := p.fromImage(ctx)
	if err != nil {
		<-from.slots
		return nil, &PluginError{p.name, ReasonTrap}
	}
	in.home = from
	return in, nil
}

func (p *pool) take() (in *instance, closed bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if n := len(p.free); n > 0 {
		in, p.free = p.free[n-1], p.free[:n-1]
	}
	return in, p.closed
}

// release gives an instance back to its pool. After a failure its state is unknown and it
// is closed; so is one that cannot be put back to the image.
func (p *plugin) release(in *instance, failed bool) {
	if failed || !in.restore(&p.image) {
		p.count(func(c *Counters) { c.Discarded++ })
		if p.kind == abi.KindRedactor { // others have seen no plaintext
			in.wipe()
		}
		in.mod.Close(context.Background())
	} else {
		in.home.mu.Lock()
		in.home.free = append(in.home.free, in)
		in.home.mu.Unlock()
	}
	<-in.home.slots
}

// close waits for the calls under way, each of which is bounded, and closes
// all instances.
func (p *pool) close(ctx context.Context) {
	p.mu.Lock()
	already := p.closed
	p.closed = true
	p.mu.Unlock()
	if already {
		return
	}
	for range cap(p.slots) {
		p.slots <- struct{}{}
	}
	for _, in := range p.free {
		in.mod.Close(ctx)
	}
	p.free = nil
	for range cap(p.slots) {
		<-p.slots
	}
}
