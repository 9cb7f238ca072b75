package telemetry

import (
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
	flush   chan chan error
	closing chan struct{}
	done    chan struct{}

	mu      sync.Mutex
	closed  bool
	senders sync.WaitGroup // may still put a span into in; none begins once closed is set
}

func newQueue(exporter sdktrace.SpanExporter, o Options) *queue {
	q := &queue{
		exporter: exporter, o: o,
		in: make(chan sdktrace.ReadOnlySpan, o.Queue), flush: make(chan chan error),
		closing: make(chan struct{}), done: make(chan struct{}),
	}
	go q.run()
	return q
}

func (q *queue) lost(n int, why error) {
	if n > 0 && q.o.Lost != nil {
		q.o.Lost(n, why)
	}
}

// OnStart implements sdktrace.SpanProcessor.
func (q *queue) OnStart(context.Context, sdktrace.ReadWriteSpan) {}

// OnEnd implements sdktrace.SpanProcessor.
func (q *queue) OnEnd(s sdktrace.ReadOnlySpan) {
	if !s.SpanContext().IsSampled() {
		return
	}
	if !q.enter() {
		q.lost(1, ErrClosed)
		return
	}
	defer q.senders.Done()
	select {
	case q.in <- s:
		return
	default:
	}
	if q.o.WhenFull == Drop {
		q.lost(1, ErrFull)
		return
	}
	select {
	case q.in <- s:
	case <-q.closing:
		q.lost(1, ErrClosed)
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
	failed := error(nil) // since the last flush
	send := func() {
		if len(spans) > 0 {
			if err := q.exporter.ExportSpans(context.Background(), spans); err != nil {
				failed = errors.Join(failed, err)
				q.lost(len(spans), err)
			}
			spans = spans[:0]
		}
		due = nil
	}
	drain := func() {
		for {
			select {
			case s := <-q.in:
				if spans = append(spans, s); len(spans) == batch {
					send()
				}
				continue
			default:
			}
			send()
			return
		}
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
		case answer := <-q.flush:
			drain()
			answer <- failed
			failed = nil
		case <-q.closing:
			q.senders.Wait() // whoever waits for room gives up now
			drain()
			return
		}
	}
}

// ForceFlush implements sdktrace.SpanProcessor.
func (q *queue) ForceFlush(ctx context.Context) error {
	answer := make(chan error, 1)
	select {
	case q.flush <- answer:
	case <-q.done:
		return ErrClosed
	case <-ctx.Done():
		return ctx.Err()
	}
	select {
	case err := <-answer:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Shutdown implements sdktrace.SpanProcessor.
func (q *queue) Shutdown(ctx context.Context) error {
	err := q.ForceFlush(ctx)
	if errors.Is(err, ErrClosed) {
		return nil
	}
	q.close()
	select {
	case <-q.done:
	case <-ctx.Done():
		return errors.Join(err, ctx.Err())
	}
	return errors.Join(err, q.exporter.Shutdown(ctx))
}
