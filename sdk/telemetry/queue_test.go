package telemetry

import (
	"context"
	"errors"
	"sync"
	"testing"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"
)

// gateway is an exporter that lets requests through one by one, when it is told.
type gateway struct {
	turn chan error

	mu    sync.Mutex
	names []string
}

func (g *gateway) ExportSpans(_ context.Context, spans []sdktrace.ReadOnlySpan) error {
	if err := <-g.turn; err != nil {
		return err
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, s := range spans {
		g.names = append(g.names, s.Name())
	}
	return nil
}

func (g *gateway) Shutdown(context.Context) error { return nil }

type losses struct {
	mu    sync.Mutex
	spans int
	whys  []error
}

func (l *losses) lost(n int, why error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.spans += n
	l.whys = append(l.whys, why)
}

func newTracing(t *testing.T, o Options) (*gateway, *queue, *sdktrace.TracerProvider) {
	t.Helper()
	g := &gateway{turn: make(chan error)}
	q := newQueue(g, o)
	p := sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(sessions{}), sdktrace.WithSpanProcessor(q))
	return g, q, p
}

func end(p *sdktrace.TracerProvider, name string) {
	_, s := p.Tracer("test").Start(context.Background(), name)
	s.End()
}

// TestDrop: of more spans than the queue takes, each is either sent or told to be lost.
func TestDrop(t *testing.T) {
	var l losses
	g, q, p := newTracing(t, Options{Queue: 4, WhenFull: Drop, Lost: l.lost})
	flushed := make(chan error, 1)
	end(p, "first")
	go func() { flushed <- q.ForceFlush(t.Context()) }()
	g.turn <- nil // the first request is in the exporter's hands, or done
	if err := <-flushed; err != nil {
		t.Fatal(err)
	}
	// Nobody lets a request through now: a full batch is stuck, then the queue fills.
	for range batch + 4 + 10 {
		end(p, "more")
	}
	go func() { flushed <- q.ForceFlush(t.Context()) }()
	for done := false; !done; {
		select {
		case g.turn <- nil:
		case err := <-flushed:
			if done = true; err != nil {
				t.Error(err)
			}
		}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if got := len(g.names) + l.spans; got != 1+batch+14 {
		t.Errorf("%d sent and %d told to be lost, of %d", len(g.names), l.spans, 1+batch+14)
	}
	for _, why := range l.whys {
		if !errors.Is(why, ErrFull) {
			t.Errorf("lost for %v", why)
		}
	}
}

// TestBlock: nothing is lost; whoever ends a span waits until there is room.
func TestBlock(t *testing.T) {
	var l losses
	g, q, p := newTracing(t, Options{Queue: 2, WhenFull: Block, Lost: l.lost})
	const n = 1000
	ended := make(chan struct{})
	go func() {
		for range n {
			end(p, "span")
		}
		close(ended)
	}()
	flushed := make(chan error, 1)
	go func() { <-ended; flushed <- q.ForceFlush(t.Context()) }()
	for done := false; !done; {
		select {
		case g.turn <- nil:
		case err := <-flushed:
			if done = true; err != nil {
				t.Error(err)
			}
		}
	}
	if len(g.names) != n || l.spans != 0 {
		t.Errorf("%d of %d sent, %d told to be lost", len(g.names), n, l.spans)
	}
}

// TestRefusedByTheNotary: a flush tells what was not acknowledged, once, and so does
// Lost.
func TestRefusedByTheNotary(t *testing.T) {
	var l losses
	g, q, p := newTracing(t, Options{Queue: 8, Lost: l.lost})
	no := errors.New("no")
	end(p, "a")
	end(p, "b")
	flushed := make(chan error, 1)
	go func() { flushed <- q.ForceFlush(t.Context()) }()
	g.turn <- no
	if err := <-flushed; !errors.Is(err, no) {
		t.Errorf("flush: %v", err)
	}
	if l.spans != 2 || !errors.Is(l.whys[0], no) {
		t.Errorf("%d spans lost for %v", l.spans, l.whys)
	}
	if err := q.ForceFlush(t.Context()); err != nil {
		t.Errorf("a second flush: %v", err)
	}
	if err := p.Shutdown(t.Context()); err != nil {
		t.Error(err)
	}
	q.OnEnd(ended(t))
	if l.spans != 3 || !errors.Is(l.whys[len(l.whys)-1], ErrClosed) {
		t.Errorf("a span after the end: %d lost, %v", l.spans, l.whys)
	}
	if err := q.ForceFlush(t.Context()); !errors.Is(err, ErrClosed) {
		t.Errorf("a flush after the end: %v", err)
	}
}

// ended returns a span that has ended.
func ended(t *testing.T) sdktrace.ReadOnlySpan {
	t.Helper()
	_, s := sdktrace.NewTracerProvider().Tracer("test").Start(t.Context(), "late")
	s.End()
	return s.(sdktrace.ReadOnlySpan)
}

// TestAttach: spans that begin under a session have its id, others have none.
func TestAttach(t *testing.T) {
	_, _, p := newTracing(t, Options{Queue: 8})
	c := &Client{}
	_, in := p.Tracer("t").Start(c.Session("s-1").Attach(t.Context()), "in")
	_, out := p.Tracer("t").Start(t.Context(), "out")
	for span, want := range map[sdktrace.ReadOnlySpan]string{in.(sdktrace.ReadOnlySpan): "s-1", out.(sdktrace.ReadOnlySpan): ""} {
		got := ""
		for _, a := range span.Attributes() {
			if a.Key == keySession {
				got = a.Value.AsString()
			}
		}
		if got != want {
			t.Errorf("span %s: session %q, want %q", span.Name(), got, want)
		}
	}
}

// counter is an exporter that takes everything.
type counter struct{ spans int }

func (c *counter) ExportSpans(_ context.Context, spans []sdktrace.ReadOnlySpan) error {
	c.spans += len(spans)
	return nil
}

func (c *counter) Shutdown(context.Context) error { return nil }

// TestShutdownLosesNothingInSilence: of spans that end while the queue is shut down,
// each is sent or told to be lost, at whatever moment it comes.
func TestShutdownLosesNothingInSilence(t *testing.T) {
	const enders, each = 4, 50
	for _, full := range []Full{Block, Drop} {
		for range 200 {
			var l losses
			var c counter
			q := newQueue(&c, Options{Queue: 8, WhenFull: full, Lost: l.lost})
			p := sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(q))
			var all sync.WaitGroup
			for range enders {
				all.Go(func() {
					for range each {
						end(p, "span")
					}
				})
			}
			if err := q.Shutdown(t.Context()); err != nil {
				t.Fatal(err)
			}
			all.Wait()
			if c.spans+l.spans != enders*each {
				t.Fatalf("of %d spans %d were sent and %d told to be lost", enders*each, c.spans, l.spans)
			}
		}
	}
}
