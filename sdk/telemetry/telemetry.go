// Package telemetry records AI sessions with a notary, in an application that uses
// OpenTelemetry: a tracer provider whose spans go through a gate (package attested),
// sessions that end, receipts that are checked and kept, and signed positions that are, too.
//
//	client, err := telemetry.Start(ctx, telemetry.Options{Gate: gate, Endpoint: "notary.example:4317", APIKey: key})
//	session := client.Session("order-4711")
//	ctx, span := client.Tracer("app").Start(session.Attach(ctx), "chat")
//	…
//	err = session.End(ctx)                // everything is durable at the notary
//	receipts, err := session.Receipts(ctx)
//
// # What is durable, and what is not
//
// Spans wait in a queue with a bound until they are sent. What happens when it is
// full, the application says: [Block] holds whoever ends a span, [Drop] lets spans go.
// Nothing is lost in silence: whatever is dropped, or not acknowledged in the
// end, is told to [Options.Lost], with the number of spans and the reason. A span is
// durable when the notary has acknowledged it. [Client.Flush] returns nil when all that were
// taken into the queue before are, but for losses that another flush has told: with
// several at a time one of them tells. [Session.End] tells of its own session's spans.
//
// # Evidence
//
// Each acknowledgement carries a signed position of the notary's journal. It is
// checked against the attested key, and an answer without one is no
// acknowledgement. Positions are given to [Options.Keep]: whoever keeps them can show
// later that a journal was rolled back or replaced. Receipts are checked, kept in a directory
// ([Options.Receipts]), read again without a network ([ReadReceipts]), and compared: two that
// differ about one part are an [*Equivocation].
package telemetry

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"os"
	"slices"
	"sync"
	"time"

	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracegrpc"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"

	"github.com/veriproof/notary/sdk/attested"
	"github.com/veriproof/notary/sdk/journal"
	"github.com/veriproof/notary/sdk/receipt"
)

// Full is what happens to a span that ends while the queue is full.
type Full int

const (
	// Block holds the goroutine that ends the span until there is room.
	Block Full = iota
	// Drop lets the span go, and tells [Options.Lost].
	Drop
)

// Bounds and defaults.
const (
	// DefaultQueue is how many spans wait at most.
	DefaultQueue = 2048
	// batch is how many spans one request carries at most.
	batch = 256
	// delay is how long a span waits at most for others to go with.
	delay = time.Second
	// positionHeader carries the position in an answer.
	positionHeader = "veriproof-position-bin"
)

var (
	// ErrPosition: an answer has no position, or one that the attested key has not
	// signed. The notary says that it keeps the spans, and gives nothing in hand.
	ErrPosition = errors.New("telemetry: acknowledgement without a valid signed position")
	// ErrFull: the queue was full.
	ErrFull = errors.New("telemetry: the queue is full")
	// ErrClosed: the client has been shut down.
	ErrClosed = errors.New("telemetry: the client is shut down")
)

// Options of a client. Gate, Endpoint and APIKey are required.
type Options struct {
	Gate *attested.Gate
	// Endpoint is host:port of the notary's OTLP/gRPC listener.
	Endpoint string
	// APIKey is what the notary knows the application by.
	APIKey string
	// Control is the URL of the notary's control interface, for receipts.
	Control string
	// Resource describes the application; nil is OpenTelemetry's default.
	Resource *resource.Resource
	// Queue is how many spans wait at most; 0 means [DefaultQueue].
	Queue int
	// WhenFull says what happens to more.
	WhenFull Full
	// Lost, if not nil, hears of spans that will not be durable: dropped, or given up
	// after the exporter's own retries. It must not block.
	Lost func(spans int, why error)
	// Keep, if not nil, gets each position that was checked, in the order of the
	// answers. It must not block for long.
	Keep func(*journal.Position)
	// Receipts, if not empty, names a directory, which must be there, in which each receipt
	// that was checked is kept for good: as it was signed, in a file that is named by
	// its commitment in hex digits (.jws), in a folder for its part. Several
	// clients may share it. Its names tell the handles of sessions, not their ids.
	Receipts string
}

// A Client sends one application's spans to one notary. It is safe for concurrent
// use.
type Client struct {
	o        Options
	conn     *grpc.ClientConn
	queue    *queue
	provider *sdktrace.TracerProvider
	http     *http.Client

	mu     sync.Mutex
	last   map[receipt.Epoch]*journal.Position
	epochs []receipt.Epoch // that have acknowledged something, in the order of the first time
}

// Start makes a client and appraises the notary, so that one which is not accepted is
// told now.
func Start(ctx context.Context, o Options) (*Client, error) {
	switch {
	case o.Gate == nil || o.Endpoint == "" || o.APIKey == "":
		return nil, errors.New("telemetry: a gate, an endpoint and an API key are needed")
	case o.Queue < 0 || o.WhenFull != Block && o.WhenFull != Drop:
		return nil, fmt.Errorf("telemetry: a queue of %d spans that does %d when it is full", o.Queue, o.WhenFull)
	}
	if o.Receipts != "" {
		if i, err := os.Stat(o.Receipts); err != nil || !i.IsDir() {
			return nil, errors.Join(fmt.Errorf("telemetry: Options.Receipts: %q is not a directory", o.Receipts), err)
		}
	}
	if o.Queue == 0 {
		o.Queue = DefaultQueue
	}
	if _, err := o.Gate.Check(ctx); err != nil {
		return nil, err
	}
	c := &Client{o: o, last: make(map[receipt.Epoch]*journal.Position), http: &http.Client{Transport: o.Gate.RoundTripper()}}
	options := append(o.Gate.DialOptions(), grpc.WithPerRPCCredentials(attested.APIKey(o.APIKey)), grpc.WithUnaryInterceptor(c.positions))
	var err error
	if c.conn, err = grpc.NewClient(o.Endpoint, options...); err != nil {
		return nil, fmt.Errorf("telemetry: %w", err)
	}
	exporter, err := otlptracegrpc.New(ctx, otlptracegrpc.WithGRPCConn(c.conn))
	if err != nil {
		return nil, errors.Join(fmt.Errorf("telemetry: %w", err), c.conn.Close())
	}
	c.queue = newQueue(exporter, o)
	providerOptions := []sdktrace.TracerProviderOption{sdktrace.WithSpanProcessor(sessions{}), sdktrace.WithSpanProcessor(c.queue)}
	if o.Resource != nil {
		providerOptions = append(providerOptions, sdktrace.WithResource(o.Resource))
	}
	c.provider = sdktrace.NewTracerProvider(providerOptions...)
	return c, nil
}

// positions looks at each answer of the notary. It runs inside of the exporter's
// call, so an acknowledgement that it does not believe is a failed export.
func (c *Client) positions(ctx context.Context, method string, req, reply any, conn *grpc.ClientConn, invoke grpc.UnaryInvoker, opts ...grpc.CallOption) error {
	// The answer may be the last of an epoch that is none any more when it comes.
	before, _ := c.o.Gate.Check(ctx) // the call itself fails if the gate is shut
	var header metadata.MD
	if err := invoke(ctx, method, req, reply, conn, append(opts, grpc.Header(&header))...); err != nil {
		return err
	}
	values := header.Get(positionHeader)
	if len(values) != 1 {
		return fmt.Errorf("%w: the answer has %d", ErrPosition, len(values))
	}
	p, err := journal.ParsePosition([]byte(values[0]))
	if err != nil {
		return fmt.Errorf("%w: %w", ErrPosition, err)
	}
	by := before
	if by == nil || by.RuntimeData.Notary.Epoch != p.Epoch.String() {
		if by, err = c.o.Gate.Check(ctx); err != nil {
			return err
		}
	}
	key, err := by.RuntimeData.SigningKey()
	if err != nil {
		return err
	}
	if err := p.Verify(key); err != nil {
		return fmt.Errorf("%w: %w", ErrPosition, err)
	}
	c.mu.Lock()
	if !slices.Contains(c.epochs, p.Epoch) {
		c.epochs = append(c.epochs, p.Epoch)
	}
	if old := c.last[p.Epoch]; old == nil || old.Seq < p.Seq {
		c.last[p.Epoch] = p
	}
	c.mu.Unlock()
	if c.o.Keep != nil {
		c.o.Keep(p)
	}
	return nil
}

// Positions returns the latest position of each epoch of the notary that has
// answered.
func (c *Client) Positions() []*journal.Position {
	c.mu.Lock()
	defer c.mu.Unlock()
	out := make([]*journal.Position, 0, len(c.last))
	for _, p := range c.last {
		out = append(out, p)
	}
	return out
}

// PositionLine writes a position as a line of text, as "notary audit --positions" reads
// it: keep one for each position, or the latest of each epoch ([Client.Positions]).
func PositionLine(p *journal.Position) string {
	return positionHeader + ": " + base64.RawStdEncoding.EncodeToString(p.Encode()) + "\n"
}

// TracerProvider returns the provider, for libraries that are instrumented.
func (c *Client) TracerProvider() trace.TracerProvider { return c.provider }

// Tracer returns a tracer.
func (c *Client) Tracer(name string) trace.Tracer { return c.provider.Tracer(name) }

// Flush sends what waits and returns when all spans that were taken into the queue before are
// durable, or says why one is not, once.
func (c *Client) Flush(ctx context.Context) error { return c.queue.ForceFlush(ctx) }

// Shutdown flushes and closes. Spans that end later are told to [Options.Lost].
func (c *Client) Shutdown(ctx context.Context) error {
	err := errors.Join(c.provider.Shutdown(ctx), c.conn.Close())
	c.http.CloseIdleConnections()
	return err
}
