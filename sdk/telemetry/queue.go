package telemetry

import (
	"cmp"
	"context"
	"errors"
	"sync"
	"time"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"
)

// A queue is a span processor with a bound that tells what it loses, which the
// SDK's own does not.
type queue struct {
	exporter sdktrace.SpanExporter
	o        Options

	in      chan sdktrace.ReadOnlySpan
	flush   chan chan struct{}
	closing chan struct{}
	done    chan struct{}

	mu      sync.Mutex
	closed  bool
	senders sync.WaitGroup // may still put a span into in; none begins once closed is set
	failed  error          // the first of exports since the last flush
	lostOf  map[string]error
}

// remembered is how many sessions there are at most in lostOf: those that never end stay.
const remembered = 1 << 16

func newQueue(exporter sdktrace.SpanExporter, o Options) *queue {
	q := &queue{
		exporter: exporter, o: o,
		in: make(chan sdktrace.ReadOnlySpan, o.Queue), flush: make(chan chan struct{}),
		closing: make(chan struct{}), done: make(chan struct{}), lostOf: make(map[string]error),
	}
	go q.run()
	return q
}

func (q *queue) lost(why error, spans ...sdktrace.ReadOnlySpan) {
	q.mu.Lock()
	for _, s := range spans {
		id := sessionOf(s)
		if _, known := q.lostOf[id]; id != "" && (known || len(q.lostOf) < remembered) {
			q.lostOf[id] = why
		}
	}
	q.mu.Unlock()
	if q.o.Lost != nil {
		q.o.Lost(len(spans), why)
	}
}

// sessionOf returns the session that a span says it is of.
func sessionOf(s sdktrace.ReadOnlySpan) string {
	for _, a := range s.Attributes() {
		if a.Key == keySession {
			return a.Value.AsString()
		}
	}
	return ""
}

// OnStart implements sdktrace.SpanProcessor.
func (q *queue) OnStart(context.Context, sdktrace.ReadWriteSpan) {}

// OnEnd implements sdktrace.SpanProcessor.
func (q *queue) OnEnd(s sdktrace.ReadOnlySpan) {
	if !s.SpanContext().IsSampled() {
		return
	}
	if !q.enter() {
		q.lost(ErrClosed, s)
		return
	}
	defer q.senders.Done()
	select {
	case q.in <- s:
		return
	default:
	}
	if q.o.WhenFull == Drop {
		q.lost(ErrFull, s)
		return
	}
	select {
	case q.in <- s:
	case <-q.closing:
		q.lost(ErrClosed, s)
	}
}

// enter reports whether a span may still come. If so, the queue drains only after
// senders.Done: what came in after the last look at it would be lost in silence.
func (q *queue) enter() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if !q.closed {
		q.senders.Add(1)
	}
	return !q.closed
}

func (q *queue) close() {
	q.mu.Lock()
	defer q.mu.Unlock()
	if !q.closed {
		q.closed = true
		close(q.closing)
	}
}

// run is the one goroutine that sends, so spans leave in the order in which they
// ended.
func (q *queue) run() {
	defer close(q.done)
	var spans []sdktrace.ReadOnlySpan
	var due <-chan time.Time
	send := func() {
		if len(spans) > 0 {
			if err := q.exporter.ExportSpans(context.Background(), spans); err != nil {
				q.mu.Lock()
				q.failed = cmp.Or(q.failed, err)
				q.mu.Unlock()
				q.lost(err, spans...)
			}
			spans = spans[:0]
		}
		due = nil
	}
	drain := func() { // of what has come so far: there may always be more
		for range len(q.in) {
			if spans = append(spans, <-q.in); len(spans) == batch {
				send()
			}
		}
		send()
	}
	for {
		select {
		case s := <-q.in:
			if spans = append(spans, s); len(spans) == batch {
				send()
			} else if due == nil {
				due = time.After(delay)
			}
		case <-due:
			send()
		case drained := <-q.flush:
			drain()
			close(drained)
		case <-q.closing:
			q.senders.Wait() // whoever waits for room gives up now
			drain()
			return
		}
	}
}

// settle returns when what has come so far is sent or lost.
func (q *queue) settle(ctx context.Context) error {
	drained := make(chan struct{})
	select {
	case q.flush <- drained:
	case <-q.done:
		return ErrClosed
	case <-ctx.Done():
		return ctx.Err()
	}
	select {
	case <-drained:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// ForceFlush implements sdktrace.SpanProcessor. What failed one flush tells, whichever is first.
func (q *queue) ForceFlush(ctx context.Context) error {
	if err := q.settle(ctx); err != nil {
		return err
	}
	return q.failure()
}

func (q *queue) failure() error {
	q.mu.Lock()
	defer q.mu.Unlock()
	err := q.failed
	q.failed = nil
	return err
}

// endOf is a flush for who asks of one session: it tells whether spans of it were lost since
// it was last asked for, whatever others have been told.
func (q *queue) endOf(ctx context.Context, session string) error {
	if err := q.settle(ctx); err != nil {
		return err
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	err := q.lostOf[session]
	delete(q.lostOf, session)
	return err
}

// Shutdown implements sdktrace.SpanProcessor.
func (q *queue) Shutdown(ctx context.Context) error {
	err := q.settle(ctx)
	if errors.Is(err, ErrClosed) {
		return nil
	}
	q.close()
	select {
	case <-q.done:
	case <-ctx.Done():
		return errors.Join(err, q.failure(), ctx.Err())
	}
	return errors.Join(err, q.failure(), q.exporter.Shutdown(ctx))
}
