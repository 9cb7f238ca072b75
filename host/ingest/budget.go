package ingest

import (
	"context"
	"sync"
	"time"

	"golang.org/x/sync/semaphore"
)

// grant is the room that an export takes from the budget before its size is
// known: that of a common request. What it needs beyond that it takes once it
// has been received.
const grant = 1 << 20

// retryAfter is what a sender is told who came when there was no room. Exports
// take milliseconds; a client that adds jitter comes back into a quieter second.
const retryAfter = time.Second

// A lease is an export's part of the budget.
type lease struct {
	budget *semaphore.Weighted
	held   int64
}

var errNoRoom = Exhausted("too many exports at once: try again", retryAfter, nil)

func (s *Server) lease() (*lease, error) {
	l := &lease{budget: s.budget}
	if err := l.resize(min(grant, int64(s.cfg.MaxRequest))); err != nil {
		return nil, err
	}
	return l, nil
}

// resize takes what is missing, without waiting, or gives back the rest.
func (l *lease) resize(n int64) error {
	switch more := n - l.held; {
	case more > 0 && !l.budget.TryAcquire(more):
		return errNoRoom
	case more < 0:
		l.budget.Release(-more)
	}
	l.held = n
	return nil
}

func (l *lease) release() {
	l.budget.Release(l.held)
	l.held = 0
}

type exportKey struct{}

// An export at work, as its context knows it.
type export struct {
	done func()
	room *lease
	most int64 // of the budget: what needs more has it for itself
}

// turn waits for one of the places of exports at work.
func (s *Server) turn(ctx context.Context, tenant, connection string, room *lease) (_ context.Context, done func(), err error) {
	if err := s.turns.take(ctx, tenant, connection); err != nil {
		return nil, nil, err
	}
	done = sync.OnceFunc(s.turns.leave)
	return context.WithValue(ctx, exportKey{}, &export{done, room, s.cfg.MaxInFlight}), done, nil
}

// Reserve takes room in the budget for the memory that handling an export will need,
// its message included, before any of it is allocated. The error says that there is
// none now; the sender is told to come again. An Exporter calls it once it knows what
// is in a message. Outside of an export it does nothing.
func Reserve(ctx context.Context, bytes int64) error {
	x, ok := ctx.Value(exportKey{}).(*export)
	if !ok {
		return nil
	}
	return x.room.resize(max(x.room.held, min(bytes, x.most)))
}

// Waiting says that the export whose context this is has done its work and only
// waits from now on, for a disk or a network: another may have its turn. An
// Exporter calls it so that many exports can share one durable write. Calling it
// again, or outside of an export, does nothing.
func Waiting(ctx context.Context) {
	if x, ok := ctx.Value(exportKey{}).(*export); ok {
		x.done()
	}
}
