package ingest

import (
	"context"
	"slices"
	"sync"
	"time"
)

// grant is the room that an export takes from the budget before its size is known: that
// of a common request. What it needs beyond that it takes as its message grows.
const grant = 128 << 10

// least is what an export counts with in any case: its stream, goroutine and whatever an exporter
// keeps for it take as much while it waits. A message of two bytes waits like any other.
const least = 16 << 10

// retryAfter is what a sender is told who came when there was no room. Exports
// take milliseconds; a client that adds jitter comes back into a quieter second.
const retryAfter = time.Second

// parting is how long room is waited for that somebody else has to give back first.
const parting = 20 * time.Millisecond

var errNoRoom = Exhausted("too many exports at once: try again", retryAfter, nil)

// A budget is the memory for requests. When it is all taken, a message that is still
// arriving gives way to a sender who has less: none loses what has been received, and who
// announces much and does not send it keeps nobody out.
type budget struct {
	mu       sync.Mutex
	all      int64
	free     int64
	tenants  map[string]*share // of all that ever sent, which are as many as are configured
	arriving []*lease          // the oldest first
}

// A share is what of the budget a tenant has, or a connection.
type share struct{ held int64 }

// A lease is an export's part of the budget.
type lease struct {
	budget     *budget
	tenant     *share
	connection *share
	since      time.Time
	held       int64
	cut        context.CancelCauseFunc // ends the arrival of the message
	received   bool                    // the message has arrived
	gone       chan struct{}           // if set, the lease has to be given back, and then it is closed
}

func newBudget(bytes int64) *budget {
	return &budget{all: bytes, free: bytes, tenants: make(map[string]*share)}
}

// lease takes room for an export whose message has not come yet.
func (b *budget) lease(tenant string, connection *share, since time.Time, bytes int64) (*lease, error) {
	l := &lease{budget: b, connection: connection, since: since}
	b.mu.Lock()
	defer b.mu.Unlock()
	if l.tenant = b.tenants[tenant]; l.tenant == nil {
		l.tenant = new(share)
		b.tenants[tenant] = l.tenant
	}
	return l, b.resize(l, bytes)
}

// resize takes what is missing, or gives back the rest. It waits for nothing but for
// others who have to give way.
func (l *lease) resize(n int64) error {
	l.budget.mu.Lock()
	defer l.budget.mu.Unlock()
	return l.budget.resize(l, n)
}

// arrives says that the message is being received from now on, and how to end that.
func (l *lease) arrives(cut context.CancelCauseFunc) {
	l.budget.mu.Lock()
	defer l.budget.mu.Unlock()
	l.cut = cut
	l.budget.arriving = append(l.budget.arriving, l)
}

// arrived ends that. It fails if the message had to give way.
func (l *lease) arrived() error {
	l.budget.mu.Lock()
	defer l.budget.mu.Unlock()
	if l.gone != nil {
		return errNoRoom
	}
	l.budget.settle(l)
	l.received = true
	return nil
}

func (l *lease) release() {
	l.budget.mu.Lock()
	defer l.budget.mu.Unlock()
	l.budget.give(l, -l.held)
	if l.gone != nil {
		close(l.gone)
	}
}

// resize gives a lease so much, or all there is if that is less: what needs more has it for
// itself, as no other time would have room for it either.
func (b *budget) resize(l *lease, n int64) error {
	n = min(n, b.all)
	for {
		more := n - l.held
		if l.gone != nil {
			return errNoRoom
		}
		if more <= b.free {
			b.give(l, more)
			return nil
		}
		v := b.weigh(l, more)
		if v == nil {
			return errNoRoom
		}
		b.sever(v)
	}
}

func (b *budget) give(l *lease, more int64) {
	b.free -= more
	l.held += more
	l.tenant.held += more
	l.connection.held += more
}

// settle takes a lease from those that arrive.
func (b *budget) settle(l *lease) {
	if i := slices.Index(b.arriving, l); i >= 0 {
		b.arriving = slices.Delete(b.arriving, i, i+1)
	}
}

// weigh returns which message has to give way to another that needs more room, if one has:
// the oldest of who has most, first of tenants and then of the tenant's connections. Has
// he no more than the other would have, or has if his message has been received, it is the
// oldest of all, if that has been on its way for so much longer that it is slow.
func (b *budget) weigh(l *lease, more int64) (most *lease) {
	var oldest *lease
	for _, x := range b.arriving {
		switch {
		case x == l:
			continue
		case oldest == nil:
			oldest, most = x, x
		case x.above(most, 0):
			most = x
		}
	}
	if l.received {
		more = 0
	}
	switch {
	case most == nil, most.above(l, more):
		return most
	case l.since.Sub(oldest.since) > grace:
		return oldest
	}
	return nil
}

// above reports whether l's sender has more of the budget than that of another who had
// more beside what he has.
func (l *lease) above(other *lease, more int64) bool {
	if l.tenant != other.tenant {
		return l.tenant.held > other.tenant.held+more
	}
	return l.connection.held > other.connection.held+more
}

// sever ends the arrival of a message and waits until its memory is given back, but for no
// more than parting.
func (b *budget) sever(l *lease) {
	l.gone = make(chan struct{})
	l.cut(errNoRoom)
	b.settle(l)
	b.mu.Unlock()
	defer b.mu.Lock()
	late := time.NewTimer(parting)
	defer late.Stop()
	select {
	case <-l.gone:
	case <-late.C:
	}
}

type exportKey struct{}

// An export at work, as its context knows it.
type export struct {
	done func()
	room *lease
}

// turn waits for one of the places of exports at work.
func (s *Server) turn(ctx context.Context, tenant, connection string, room *lease) (_ context.Context, done func(), err error) {
	if err := s.turns.take(ctx, tenant, connection); err != nil {
		return nil, nil, err
	}
	s.cfg.Flood.atWork.Add(1)
	done = sync.OnceFunc(func() {
		s.cfg.Flood.atWork.Add(-1)
		s.turns.leave()
	})
	return context.WithValue(ctx, exportKey{}, &export{done, room}), done, nil
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
	return x.room.resize(max(x.room.held, bytes))
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
