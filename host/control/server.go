package control

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"

	"golang.org/x/net/netutil"
)

// Bounds of the interface.
const (
	maxHeader      = 16 << 10
	maxBody        = 4 << 10
	maxConnections = 1024
	// maxStreams is of a connection. An answer that its asker does not take, whom nothing is known of,
	// waits for up to writeTimeout with a goroutine and some 17 KiB.
	maxStreams = 8

	headerTimeout  = 5 * time.Second // also for the TLS handshake
	readTimeout    = 10 * time.Second
	handlerTimeout = 30 * time.Second
	writeTimeout   = 2 * time.Minute // a bundle over a slow line
	idleTimeout    = 2 * time.Minute
	drainTimeout   = 5 * time.Second
)

// ErrOptions: New was called with options that cannot work.
var ErrOptions = errors.New("invalid control options")

// Options configure a [Server]. Notary, Certificate and OTLPCertificate are
// required.
type Options struct {
	Notary Notary
	// Certificate is the key pair of this listener.
	Certificate tls.Certificate
	// OTLPCertificate is the PEM certificate of the OTLP listener, whose key the
	// runtime data names; it is handed out with the Evidence.
	OTLPCertificate []byte
	// Operators may be empty, and so may Authenticate (nil): then nobody of that
	// kind has access.
	Operators    []Operator
	Authenticate Authenticator
	// LogKey is the verifier key of the log (C2SP signed-note vkey), "" if it
	// has none to show.
	LogKey string
	// OpenMetrics serves /metrics without credentials.
	OpenMetrics bool
	// Reload begins a new epoch with the configuration as it is in the file now, and
	// returns the epoch when that serves. Its error says why the old one goes on
	// instead, in a text that is shown to the operator who asked. nil: there is
	// no such endpoint.
	Reload func(context.Context) (epoch string, err error)
	// Stats is read at each scrape; nil gives only the server's own metrics.
	Stats func() []Metric
	// Events returns the last warnings and errors of the log, the newest first. nil:
	// there is no such endpoint.
	Events func() []Event
	// ChallengeRate limits the challenges of one remote address, and
	// ChallengeMaximum those of all together; zero values mean
	// DefaultChallengeRate and DefaultChallengeMaximum.
	ChallengeRate, ChallengeMaximum Rate
	// Logger hears about failures; nil discards.
	Logger *slog.Logger
	// Now is the clock of the rate limits; nil means time.Now.
	Now func() time.Time
}

// A Server is the control interface.
type Server struct {
	opts       Options
	log        *slog.Logger
	mux        *http.ServeMux
	failures   limiter
	challenges challenges
	evidence   evidenceCache
	metrics    *metrics
}

// New returns a Server that does not listen yet. Errors wrap [ErrOptions].
func New(o Options) (*Server, error) {
	if o.Notary == nil {
		return nil, fmt.Errorf("%w: a notary is needed", ErrOptions)
	}
	if len(o.Certificate.Certificate) == 0 || o.Certificate.PrivateKey == nil {
		return nil, fmt.Errorf("%w: a serving certificate with its key is needed", ErrOptions)
	}
	if err := checkPEM(o.OTLPCertificate); err != nil {
		return nil, err
	}
	if err := checkOperators(o.Operators); err != nil {
		return nil, err
	}
	for _, r := range []Rate{o.ChallengeRate, o.ChallengeMaximum} {
		if r != (Rate{}) && (r.Burst < 1 || r.Every <= 0) {
			return nil, fmt.Errorf("%w: a rate of %d per %v allows nothing", ErrOptions, r.Burst, r.Every)
		}
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.ChallengeRate == (Rate{}) {
		o.ChallengeRate = DefaultChallengeRate
	}
	if o.ChallengeMaximum == (Rate{}) {
		o.ChallengeMaximum = DefaultChallengeMaximum
	}
	s := &Server{opts: o, log: o.Logger, failures: limiter{rate: failureRate}}
	s.challenges.each.rate, s.challenges.all.rate = o.ChallengeRate, o.ChallengeMaximum
	s.metrics = newMetrics(o)
	s.routes()
	return s, nil
}

func checkPEM(b []byte) error {
	block, _ := pem.Decode(b)
	if block == nil || block.Type != "CERTIFICATE" {
		return fmt.Errorf("%w: the OTLP certificate is not a PEM certificate", ErrOptions)
	}
	if _, err := x509.ParseCertificate(block.Bytes); err != nil {
		return fmt.Errorf("%w: the OTLP certificate: %w", ErrOptions, err)
	}
	return nil
}

// TLSConfig returns the configuration of the listener: TLS 1.3 and nothing older.
func (s *Server) TLSConfig() *tls.Config {
	return &tls.Config{
		MinVersion:   tls.VersionTLS13,
		Certificates: []tls.Certificate{s.opts.Certificate},
		NextProtos:   []string{"h2", "http/1.1"},
	}
}

// Serve answers on l, a plain TCP listener, until ctx ends; then it waits a few
// seconds for requests in flight. It returns nil after such an end, and closes l
// in any case.
func (s *Server) Serve(ctx context.Context, l net.Listener) error {
	server := &http.Server{
		Handler:           s,
		TLSConfig:         s.TLSConfig(),
		ReadHeaderTimeout: headerTimeout,
		ReadTimeout:       readTimeout,
		WriteTimeout:      writeTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    maxHeader,
		HTTP2:             &http.HTTP2Config{MaxConcurrentStreams: maxStreams},
		// Anybody can cause handshake errors, at any rate.
		ErrorLog: slog.NewLogLogger(s.log.Handler(), slog.LevelDebug),
	}
	served := make(chan error, 1)
	go func() { served <- server.ServeTLS(netutil.LimitListener(l, maxConnections), "", "") }()
	select {
	case err := <-served:
		return fmt.Errorf("control interface: %w", err)
	case <-ctx.Done():
	}
	drain, cancel := context.WithTimeout(context.WithoutCancel(ctx), drainTimeout)
	defer cancel()
	if err := server.Shutdown(drain); err != nil {
		_ = server.Close()
	}
	<-served
	return nil
}
