package ingest

import (
	"context"
	"slices"
	"sync"
)

// Turns are the places of exports at work. Those who wait for one come in turns: first
// of tenants, then of a tenant's connections, then in their order. However much a tenant
// or a connection sends, another waits behind one export of it and not behind all.
type turns struct {
	mu      sync.Mutex
	free    int
	waiting lane
	giveWay func() // if set, it is called where work begins or goes on
	crowded func() // if set, it is called when somebody has to wait
}

// A place is one in the queue, and then one at work.
type place struct {
	path  []string
	ready chan struct{} // closed when the export may work
}

// join queues an export, which is known by a path of names.
func (t *turns) join(path ...string) *place {
	t.mu.Lock()
	defer t.mu.Unlock()
	p := &place{path, make(chan struct{})}
	if t.free > 0 { // so nobody waits
		t.free--
		close(p.ready)
	} else {
		t.queue(p)
	}
	return p
}

func (t *turns) queue(p *place) {
	t.waiting.push(p, p.path)
	if t.crowded != nil {
		t.crowded()
	}
}

// take waits for a place, as wait does.
func (t *turns) take(ctx context.Context, path ...string) error {
	if err := t.wait(ctx, t.join(path...)); err != nil {
		return err
	}
	t.begin()
	return nil
}

func (t *turns) begin() {
	if t.giveWay != nil {
		t.giveWay()
	}
}

// leave gives a place to the next.
func (t *turns) leave() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.waiting.empty() {
		t.free++
		return
	}
	close(t.waiting.pop().ready)
}

// yield lets another work, if one waits, and waits for the next turn.
func (t *turns) yield(path ...string) {
	defer t.begin()
	t.mu.Lock()
	if t.waiting.empty() {
		t.mu.Unlock()
		return
	}
	p := &place{path, make(chan struct{})}
	t.queue(p)
	close(t.waiting.pop().ready) // not p's: others came before
	t.mu.Unlock()
	<-p.ready
}

// wait returns when the export may work, or ctx's cause when it has left the queue.
func (t *turns) wait(ctx context.Context, p *place) error {
	select {
	case <-p.ready:
		return nil
	case <-ctx.Done():
	}
	t.mu.Lock()
	select {
	case <-p.ready: // in the meantime
		t.mu.Unlock()
		t.leave()
	default:
		t.waiting.remove(p, p.path)
		t.mu.Unlock()
	}
	return context.Cause(ctx)
}

// A lane is a queue of places, or lanes that take turns. None of these is empty.
type lane struct {
	places []*place
	lanes  []*lane // the next one first
	named  map[string]*lane
	name   string
}

func (l *lane) empty() bool { return len(l.places)+len(l.lanes) == 0 }

func (l *lane) push(p *place, path []string) {
	if len(path) == 0 {
		l.places = append(l.places, p)
		return
	}
	in := l.named[path[0]]
	if in == nil {
		if l.named == nil {
			l.named = make(map[string]*lane)
		}
		in = &lane{name: path[0]}
		l.named[in.name], l.lanes = in, append(l.lanes, in)
	}
	in.push(p, path[1:])
}

func (l *lane) pop() *place {
	if len(l.lanes) == 0 {
		p := l.places[0]
		l.places = l.places[1:]
		return p
	}
	in := l.lanes[0]
	p := in.pop()
	l.lanes = append(l.lanes[1:], in)
	l.drop(in)
	return p
}

func (l *lane) remove(p *place, path []string) {
	if len(path) == 0 {
		l.places = slices.DeleteFunc(l.places, func(x *place) bool { return x == p })
		return
	}
	in := l.named[path[0]]
	in.remove(p, path[1:])
	l.drop(in)
}

// drop forgets a lane that has become empty.
func (l *lane) drop(in *lane) {
	if in.empty() {
		delete(l.named, in.name)
		l.lanes = slices.DeleteFunc(l.lanes, func(x *lane) bool { return x == in })
	}
}
