package ingest

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/experimental"
	"google.golang.org/grpc/keepalive"

	"github.com/veriproof/notary/host/otlpwire"
)

// An Exporter takes exports. It returns when the records are durable, and only
// then without an error. The body is valid until it returns, and must not be
// changed or kept. The tenant is the one that the sender's key belongs to.
//
// Errors become OTLP codes by type: see [Error], and the package comment.
type Exporter interface {
	Export(ctx context.Context, tenant string, sig otlpwire.Signal, body []byte) (Receipt, error)
}

// A Receipt is what the sender gets back with a success.
type Receipt struct {
	// Positions are signed journal positions as opaque bytes, in the order of
	// the journal. Usually there is one. They travel as [PositionHeader]; of
	// more than 4 KiB only the last are sent.
	Positions [][]byte

	warning *response // what to answer, if not success
}

// Defaults of a Config.
const (
	DefaultMaxRequest     = otlpwire.DefaultBytes
	DefaultMaxInFlight    = 256 << 20
	DefaultMaxStreams     = 250
	DefaultMaxConnections = 1024 // each has buffers, whoever it is
	DefaultReceiveTimeout = 30 * time.Second
	DefaultExportTimeout  = time.Minute
)

// Limits that are not to be configured. Windows and the read buffer are the ones
// that were measured to be the fastest: TLS hands out a record at a time, so that a
// buffer is there for the heads of frames, and what is greater than it goes past it. The
// times are for connections that do nothing or never were one.
const (
	streamWindow     = 1 << 20
	connectionWindow = 32 << 20
	readBuffer       = 1 << 10
	streamWorkers    = 64 // goroutines whose grown stacks are used again
	maxHeaderList    = 16 << 10
	handshakeTime    = 10 * time.Second
	headerTime       = 5 * time.Second
	idleTime         = 2 * time.Minute
	pingTime         = time.Minute
	pingTimeout      = 20 * time.Second
	minPingTime      = 10 * time.Second
)

// Config says what a Server takes, and from whom. Zero values stand for the
// defaults.
type Config struct {
	Certificate tls.Certificate // required
	Senders     Senders         // required: who may send
	Exporter    Exporter        // required

	MaxRequest  int    // bytes of one request after decompression
	MaxInFlight int64  // bytes for all requests at a time; at least MaxRequest
	MaxStreams  uint32 // exports at a time on one connection
	// MaxConnections is how many are open at a time on a listener. When one more comes,
	// the oldest is closed on which nobody has shown who sends, for a second at least;
	// without such a one it waits.
	MaxConnections int
	// MaxExports is how many exports are at work at a time, not counting those
	// whose exporter has called Waiting. Default: four per processor.
	MaxExports int

	ReceiveTimeout time.Duration // for the request to arrive
	ExportTimeout  time.Duration // for the whole export

	// Flood, if set, is told of connections that wait because they are not in good standing.
	Flood *Flood
	// Observe, if set, hears of every export when it has been answered. It is
	// called by many goroutines and must not block.
	Observe func(Outcome)
}

func (c Config) orDefault() Config {
	if c.MaxRequest <= 0 {
		c.MaxRequest = DefaultMaxRequest
	}
	if c.MaxInFlight <= 0 {
		c.MaxInFlight = DefaultMaxInFlight
	}
	if c.MaxStreams == 0 {
		c.MaxStreams = DefaultMaxStreams
	}
	if c.MaxConnections <= 0 {
		c.MaxConnections = DefaultMaxConnections
	}
	if c.Flood == nil {
		c.Flood = new(Flood)
	}
	if c.MaxExports <= 0 {
		c.MaxExports = 4 * c.Flood.Processors()
	}
	if c.ReceiveTimeout <= 0 {
		c.ReceiveTimeout = DefaultReceiveTimeout
	}
	if c.ExportTimeout <= 0 {
		c.ExportTimeout = DefaultExportTimeout
	}
	return c
}

func (c Config) check() error {
	switch {
	case len(c.Certificate.Certificate) == 0:
		return errors.New("no TLS certificate")
	case c.Exporter == nil:
		return errors.New("no exporter")
	case c.MaxInFlight < int64(c.MaxRequest):
		return fmt.Errorf("%d bytes in flight leave no room for a request of %d", c.MaxInFlight, c.MaxRequest)
	}
	return c.Senders.check()
}

// A Server receives OTLP over gRPC and over HTTP. Both have the same budget, turns
// and senders.
type Server struct {
	cfg    Config
	budget *budget
	turns  turns // of exports at work
	aside  turns // of what costs the notary more than its sender
	grpc   *grpc.Server
	http   *http.Server

	refusals refusals // that are being written to strangers
}

// New returns a server that is not yet serving. It has goroutines, which end with
// Shutdown.
func New(cfg Config) (*Server, error) {
	cfg = cfg.orDefault()
	if err := cfg.check(); err != nil {
		return nil, fmt.Errorf("ingest: %w", err)
	}
	s := &Server{
		cfg:    cfg,
		budget: newBudget(cfg.MaxInFlight),
		turns:  turns{free: cfg.MaxExports},
		// Who sends what has to be unpacked can have it cost a thousand times what it
		// costs him, and who sends what is refused has no cost but his own. While that
		// takes half of the processors the rest have the others, and those that it
		// has are given up whenever another thread waits for them.
		aside: turns{free: aside(cfg.Flood.Processors()), giveWay: giveWay, crowded: cfg.Flood.see},
	}
	s.grpc = grpc.NewServer(s.options()...)
	s.grpc.RegisterService(s.service(traceService, otlpwire.Traces), nil)
	s.grpc.RegisterService(s.service(logsService, otlpwire.Logs), nil)
	s.http = s.newHTTP()
	return s, nil
}

func (s *Server) newHTTP() *http.Server {
	return &http.Server{
		Handler:           handler{s},
		TLSConfig:         tlsConfig(s.cfg.Certificate, s.cfg.Senders.ClientCAs),
		ReadHeaderTimeout: headerTime,
		WriteTimeout:      s.cfg.ReceiveTimeout + s.cfg.ExportTimeout + handshakeTime,
		IdleTimeout:       idleTime,
		ConnContext:       withConnection,
		MaxHeaderBytes:    maxHeaderList,
		HTTP2: &http.HTTP2Config{
			MaxConcurrentStreams:          int(s.cfg.MaxStreams),
			MaxReceiveBufferPerConnection: connectionWindow,
			MaxReceiveBufferPerStream:     streamWindow,
		},
		// Anybody can cause handshake errors, at any rate.
		ErrorLog: log.New(io.Discard, "", 0),
	}
}

func (s *Server) options() []grpc.ServerOption {
	return []grpc.ServerOption{
		grpc.Creds(newServerTLS(s.cfg.Certificate, s.cfg.Senders.ClientCAs)),
		grpc.ForceServerCodecV2(rawCodec{}),
		grpc.UnknownServiceHandler(unknown),
		grpc.InTapHandle(sever),
		experimental.BufferPool(wire),
		grpc.MaxConcurrentStreams(s.cfg.MaxStreams),
		grpc.MaxHeaderListSize(maxHeaderList),
		grpc.StaticStreamWindowSize(streamWindow),
		grpc.StaticConnWindowSize(connectionWindow),
		grpc.ReadBufferSize(readBuffer),
		grpc.NumStreamWorkers(streamWorkers),
		grpc.ConnectionTimeout(handshakeTime),
		grpc.KeepaliveParams(keepalive.ServerParameters{MaxConnectionIdle: idleTime, Time: pingTime, Timeout: pingTimeout}),
		grpc.KeepaliveEnforcementPolicy(keepalive.EnforcementPolicy{MinTime: minPingTime, PermitWithoutStream: true}),
	}
}

// Serve accepts OTLP/gRPC connections until the server is shut down, and then
// returns nil. It closes the listener.
func (s *Server) Serve(l net.Listener) error {
	if err := s.grpc.Serve(newCrowd(l, s.cfg.MaxConnections, &s.aside)); err != nil && !errors.Is(err, grpc.ErrServerStopped) {
		return fmt.Errorf("ingest: %w", err)
	}
	return nil
}

// ServeOverHTTP accepts OTLP/HTTP connections, HTTP/1.1 and HTTP/2, as Serve does for
// gRPC.
func (s *Server) ServeOverHTTP(l net.Listener) error {
	if err := s.http.ServeTLS(newCrowd(l, s.cfg.MaxConnections, &s.aside), "", ""); err != nil && !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("ingest: %w", err)
	}
	return nil
}

// Shutdown takes no new exports and waits for those at work. When the context
// ends first it breaks them off, and returns the context's error: their senders
// do not know the outcome and send again.
func (s *Server) Shutdown(ctx context.Context) error {
	done := make(chan struct{})
	go func() {
		s.grpc.GracefulStop()
		close(done)
	}()
	err := s.http.Shutdown(ctx)
	select {
	case <-done:
	case <-ctx.Done():
		err = context.Cause(ctx)
		s.grpc.Stop()
		<-done
	}
	if err != nil {
		s.http.Close()
	}
	return err
}
