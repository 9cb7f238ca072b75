package ingest_test

import (
	"context"
	"errors"
	"log"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/exporters/otlp/otlplog/otlploggrpc"
	"go.opentelemetry.io/otel/exporters/otlp/otlplog/otlploghttp"
	"go.opentelemetry.io/otel/exporters/otlp/otlpmetric/otlpmetricgrpc"
	"go.opentelemetry.io/otel/exporters/otlp/otlpmetric/otlpmetrichttp"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracegrpc"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	otellog "go.opentelemetry.io/otel/log"
	sdklog "go.opentelemetry.io/otel/sdk/log"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"google.golang.org/grpc"

	"github.com/veriproof/notary/host/ingest"
	"github.com/veriproof/notary/host/otlpwire"
)

const exportMetrics = "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export"

// A sender has the stock exporters of all signals on one connection, and those of metrics with their
// retries on for twenty seconds.
type sender struct {
	metrics sdkmetric.Exporter
	spans   sdktrace.SpanExporter
	records sdklog.Exporter

	dials, sent atomic.Int64 // connections made, and requests of metrics
}

// Protocols of a sender.
const (
	byRPC   = "gRPC"
	byHTTP1 = "HTTP/1.1"
	byHTTP2 = "HTTP/2"
)

// newSender sends by a protocol to one of the addresses for gRPC and for HTTP.
func newSender(t *testing.T, protocol, rpc, web string) *sender {
	t.Helper()
	s := new(sender)
	headers := map[string]string{"authorization": "Bearer " + key}
	var errs [3]error
	if protocol == byRPC {
		conn := dial(t, rpc, grpc.WithUnaryInterceptor(s.count), grpc.WithContextDialer(func(ctx context.Context, addr string) (net.Conn, error) { return s.connect(ctx, "tcp", addr) }))
		s.metrics, errs[0] = otlpmetricgrpc.New(t.Context(), otlpmetricgrpc.WithGRPCConn(conn), otlpmetricgrpc.WithHeaders(headers),
			otlpmetricgrpc.WithRetry(otlpmetricgrpc.RetryConfig{Enabled: true, InitialInterval: retryFirst, MaxInterval: retryMost, MaxElapsedTime: retryFor}))
		s.spans, errs[1] = otlptracegrpc.New(t.Context(), otlptracegrpc.WithGRPCConn(conn), otlptracegrpc.WithHeaders(headers))
		s.records, errs[2] = otlploggrpc.New(t.Context(), otlploggrpc.WithGRPCConn(conn), otlploggrpc.WithHeaders(headers))
	} else {
		transport := &http.Transport{TLSClientConfig: clientTLS(), DialContext: s.connect, MaxConnsPerHost: 1, ForceAttemptHTTP2: protocol == byHTTP2}
		t.Cleanup(transport.CloseIdleConnections)
		client := &http.Client{Transport: counting{transport, &s.sent}}
		s.metrics, errs[0] = otlpmetrichttp.New(t.Context(), otlpmetrichttp.WithEndpoint(web), otlpmetrichttp.WithHTTPClient(client), otlpmetrichttp.WithHeaders(headers),
			otlpmetrichttp.WithRetry(otlpmetrichttp.RetryConfig{Enabled: true, InitialInterval: retryFirst, MaxInterval: retryMost, MaxElapsedTime: retryFor}))
		s.spans, errs[1] = otlptracehttp.New(t.Context(), otlptracehttp.WithEndpoint(web), otlptracehttp.WithHTTPClient(client), otlptracehttp.WithHeaders(headers))
		s.records, errs[2] = otlploghttp.New(t.Context(), otlploghttp.WithEndpoint(web), otlploghttp.WithHTTPClient(client), otlploghttp.WithHeaders(headers))
	}
	if err := errors.Join(errs[:]...); err != nil {
		t.Fatal(err)
	}
	return s
}

func (s *sender) connect(ctx context.Context, network, addr string) (net.Conn, error) {
	s.dials.Add(1)
	return new(net.Dialer).DialContext(ctx, network, addr)
}

// count is a grpc.UnaryClientInterceptor.
func (s *sender) count(ctx context.Context, method string, req, reply any, conn *grpc.ClientConn, call grpc.UnaryInvoker, opts ...grpc.CallOption) error {
	if method == exportMetrics {
		s.sent.Add(1)
	}
	return call(ctx, method, req, reply, conn, opts...)
}

// counting counts requests of metrics over HTTP.
type counting struct {
	http.RoundTripper
	n *atomic.Int64
}

func (c counting) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.URL.Path == "/v1/metrics" {
		c.n.Add(1)
	}
	return c.RoundTripper.RoundTrip(r)
}

// The stock exporters of metrics send what they collect once, report once what the notary takes
// and how they are switched off, in the same words each time, and do not come again with it: an
// application that has metrics switched on, too, neither queues nor loads the notary, its end does
// not wait, and its spans and log records are taken on the same connection.
func TestOpenTelemetryMetrics(t *testing.T) {
	for _, protocol := range []string{byRPC, byHTTP1, byHTTP2} {
		t.Run(protocol, func(t *testing.T) {
			var spans, records atomic.Int64
			s, addr := start(t, func(_ context.Context, _ string, sig otlpwire.Signal, _ []byte) (ingest.Receipt, error) {
				map[otlpwire.Signal]*atomic.Int64{otlpwire.Traces: &spans, otlpwire.Logs: &records}[sig].Add(1)
				return ingest.Receipt{}, nil
			})
			from := newSender(t, protocol, addr, overHTTP(t, s).addr)
			reports := reported(t, from)
			meters := sdkmetric.NewMeterProvider(sdkmetric.WithReader(sdkmetric.NewPeriodicReader(from.metrics, sdkmetric.WithInterval(time.Millisecond))))
			t.Cleanup(func() { meters.Shutdown(t.Context()) }) // at once, if the test failed before it did
			tracers := sdktrace.NewTracerProvider(sdktrace.WithSyncer(from.spans))
			loggers := sdklog.NewLoggerProvider(sdklog.WithProcessor(sdklog.NewSimpleProcessor(from.records)))
			calls, err := meters.Meter("test").Int64Counter("calls")
			if err != nil {
				t.Fatal(err)
			}
			var first string
			for i := range int64(3) {
				calls.Add(t.Context(), 1)
				var r report
				select {
				case r = <-reports:
				case <-time.After(10 * time.Second):
					t.Fatalf("nothing is reported of %d requests", from.sent.Load())
				}
				if first == "" {
					first = r.text
				}
				if r.sent != i+1 || r.text != first || !strings.Contains(r.text, "not metrics") || !strings.Contains(r.text, "OTEL_METRICS_EXPORTER=none") {
					t.Errorf("report %d after %d requests: %s", i+1, r.sent, r.text)
				}
				_, span := tracers.Tracer("test").Start(t.Context(), "chat")
				span.End()
				loggers.Logger("test").Emit(t.Context(), otellog.Record{})
			}
			if n := from.dials.Load(); spans.Load() != 3 || records.Load() != 3 || n != 1 {
				t.Errorf("%d spans and %d log records of 3 are taken, on %d connections", spans.Load(), records.Load(), n)
			}
			if err := meters.Shutdown(t.Context()); err == nil || !strings.Contains(err.Error(), "not metrics") {
				t.Errorf("at the end: told %v", err)
			}
		})
	}
}

// A report is what a reader of metrics says by the error handler, and how many requests it had sent.
type report struct {
	text string
	sent int64
}

// reported returns what is reported until the test ends. A reader reports one collection before it
// begins the next.
func reported(t *testing.T, from *sender) <-chan report {
	t.Helper()
	reports := make(chan report, 3)
	otel.SetErrorHandler(otel.ErrorHandlerFunc(func(err error) {
		select {
		case reports <- report{err.Error(), from.sent.Load()}:
		default: // nobody asks any more
		}
	}))
	t.Cleanup(func() { otel.SetErrorHandler(otel.ErrorHandlerFunc(func(err error) { log.Print(err) })) }) // as it is by default
	return reports
}
