package telemetry

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
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

// TestFlushEnds: who flushes waits for what came before, and not for what comes while that is
// sent: of an application that goes on there may always be more.
func TestFlushEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g, q, p := newTracing(t, Options{Queue: 2 * batch})
		for range 2 * batch {
			end(p, "before")
		}
		flushed := make(chan error, 1)
		go func() { flushed <- q.ForceFlush(t.Context()) }()
		synctest.Wait()
		g.turn <- nil
		synctest.Wait() // the second half is in the exporter's hands
		for range batch {
			end(p, "after")
		}
		g.turn <- nil
		synctest.Wait()
		select {
		case err := <-flushed:
			if err != nil {
				t.Error(err)
			}
		default:
			t.Error("the flush waits for spans that came after it")
		}
		go func() { g.turn <- nil }()
		if err := p.Shutdown(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

// TestFailuresAreNotHoarded: an application that ends its sessions and never flushes does
// not gather errors for as long as the notary refuses it.
func TestFailuresAreNotHoarded(t *testing.T) {
	no := errors.New("no")
	g, q, p := newTracing(t, Options{Queue: 8})
	go func() {
		for {
			select {
			case g.turn <- no:
			case <-q.done:
				return
			}
		}
	}()
	c := &Client{queue: q, provider: p}
	for range 100 {
		if err := c.Session("s").End(t.Context()); !errors.Is(err, no) {
			t.Fatal(err)
		}
	}
	if err := p.Shutdown(t.Context()); err == nil || strings.Count(err.Error(), no.Error()) != 1 {
		t.Errorf("in the end it says %q, want one failure", err)
	}
}

// TestEndTellsOfItsSession: whoever ends a session hears that spans of it were lost, though
// another's flush has sent them and been told, and only he does.
func TestEndTellsOfItsSession(t *testing.T) {
	var l losses
	g, q, p := newTracing(t, Options{Queue: 8, Lost: l.lost})
	c := &Client{queue: q, provider: p}
	chat := func(s *Session) {
		_, span := c.Tracer("test").Start(s.Attach(t.Context()), "chat")
		span.End()
	}
	a, b, other := c.Session("a"), c.Session("b"), c.Session("c")
	chat(a)
	chat(b)
	no := errors.New("no")
	told := make(chan error, 1)
	for i, x := range []struct {
		ask          func() error
		answer, want error
	}{
		{func() error { return a.End(t.Context()) }, no, no}, // with the spans of both
		{func() error { return other.End(t.Context()) }, nil, nil},
		{func() error { return c.Flush(t.Context()) }, nil, no},
		{func() error { return c.Flush(t.Context()) }, nil, nil},
		{func() error { return b.End(t.Context()) }, nil, no},
		{func() error { return b.End(t.Context()) }, nil, nil},
	} {
		go func() { told <- x.ask() }()
		for waiting := true; waiting; {
			select {
			case g.turn <- x.answer:
			case err := <-told:
				if waiting = false; !errors.Is(err, x.want) {
					t.Errorf("%d: %v, want %v", i, err, x.want)
				}
			}
		}
	}
	if l.spans != 3 {
		t.Errorf("%d spans told to be lost", l.spans)
	}
}

// TestEndTellsOfDrops: a session of which spans were let go is not whole, either.
func TestEndTellsOfDrops(t *testing.T) {
	var c counter
	q := &queue{exporter: &c, o: Options{WhenFull: Drop}, lostOf: map[string]error{}, in: make(chan sdktrace.ReadOnlySpan), flush: make(chan chan struct{}), closing: make(chan struct{}), done: make(chan struct{})}
	p := sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(sessions{}), sdktrace.WithSpanProcessor(q))
	client := &Client{queue: q, provider: p}
	s := client.Session("s")
	_, span := client.Tracer("test").Start(s.Attach(t.Context()), "chat")
	span.End() // nobody takes it yet
	go q.run()
	if err := s.End(t.Context()); !errors.Is(err, ErrFull) {
		t.Errorf("end: %v", err)
	}
	if err := p.Shutdown(t.Context()); err != nil {
		t.Error(err)
	}
}

// TestEndIsAlwaysSaid: a caller whose trace is not sampled ends the session all the same.
func TestEndIsAlwaysSaid(t *testing.T) {
	g, q, p := newTracing(t, Options{Queue: 8})
	c := &Client{queue: q, provider: p}
	unsampled := trace.ContextWithRemoteSpanContext(t.Context(), trace.NewSpanContext(trace.SpanContextConfig{TraceID: trace.TraceID{1}, SpanID: trace.SpanID{1}}))
	told := make(chan error, 1)
	go func() { told <- c.Session("s").End(unsampled) }()
	select {
	case g.turn <- nil:
		if err := <-told; err != nil {
			t.Error(err)
		}
	case err := <-told:
		t.Errorf("nothing was sent, and it is %v", err)
	}
	if err := p.Shutdown(t.Context()); err != nil {
		t.Error(err)
	}
}

// TestShutdownTells: what is sent last may fail, too.
func TestShutdownTells(t *testing.T) {
	g, q, p := newTracing(t, Options{Queue: 8})
	no := errors.New("no")
	end(p, "a")
	told := make(chan error, 1)
	go func() { told <- q.Shutdown(t.Context()) }()
	g.turn <- no
	if err := <-told; !errors.Is(err, no) {
		t.Errorf("shutdown: %v", err)
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
