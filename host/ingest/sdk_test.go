package ingest_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlplog/otlploggrpc"
	"go.opentelemetry.io/otel/exporters/otlp/otlplog/otlploghttp"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracegrpc"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	otellog "go.opentelemetry.io/otel/log"
	sdklog "go.opentelemetry.io/otel/sdk/log"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"google.golang.org/grpc/credentials"

	"github.com/veriproof/notary/host/ingest"
	"github.com/veriproof/notary/host/otlpwire"
)

// collected counts the records that it is sent, after having refused some.
type collected struct {
	mu       sync.Mutex
	refusals []error
	sessions map[string]int
}

// refusing returns an exporter that has no room at first, and then no storage.
func refusing() *collected {
	return &collected{sessions: map[string]int{}, refusals: []error{
		ingest.Exhausted("full", time.Millisecond, nil),
		ingest.Unavailable("later", time.Millisecond, nil),
	}}
}

func (c *collected) Export(_ context.Context, _ string, sig otlpwire.Signal, body []byte) (ingest.Receipt, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.refusals) > 0 {
		err := c.refusals[0]
		c.refusals = c.refusals[1:]
		return ingest.Receipt{}, err
	}
	req, err := otlpwire.Walk(body, sig, otlpwire.Limits{})
	if err != nil {
		return ingest.Receipt{}, err
	}
	for i := range req.Records {
		c.sessions[string(req.SessionID(i))]++
	}
	return ingest.Receipt{}, nil
}

// complete demands that nothing got lost, and nothing came twice.
func (c *collected) complete(t *testing.T, what string) {
	t.Helper()
	if len(c.refusals) != 0 || c.sessions["s-0"] != 20 || c.sessions["s-1"] != 20 || c.sessions["s-2"] != 20 || len(c.sessions) != 3 {
		t.Errorf("%s: %v, %d refusals left", what, c.sessions, len(c.refusals))
	}
}

// The times of the exporters' retries. Over HTTP the notary asks for a second.
const retryFirst, retryMost, retryFor = time.Millisecond, 10 * time.Millisecond, 20 * time.Second

// The stock OpenTelemetry SDK and its exporters of spans, over gRPC and HTTP, with
// and without gzip, send again what was refused retryably, and lose nothing.
func TestOpenTelemetrySpans(t *testing.T) {
	headers := map[string]string{"authorization": "Bearer " + key}
	for name, exporter := range map[string]func(grpc, web string) (sdktrace.SpanExporter, error){
		"gRPC": func(grpc, _ string) (sdktrace.SpanExporter, error) {
			return otlptracegrpc.New(t.Context(), otlptracegrpc.WithEndpoint(grpc), otlptracegrpc.WithTLSCredentials(credentials.NewTLS(clientTLS())), otlptracegrpc.WithHeaders(headers),
				otlptracegrpc.WithRetry(otlptracegrpc.RetryConfig{Enabled: true, InitialInterval: retryFirst, MaxInterval: retryMost, MaxElapsedTime: retryFor}))
		},
		"gRPC with gzip": func(grpc, _ string) (sdktrace.SpanExporter, error) {
			return otlptracegrpc.New(t.Context(), otlptracegrpc.WithEndpoint(grpc), otlptracegrpc.WithTLSCredentials(credentials.NewTLS(clientTLS())), otlptracegrpc.WithHeaders(headers),
				otlptracegrpc.WithCompressor("gzip"), otlptracegrpc.WithRetry(otlptracegrpc.RetryConfig{Enabled: true, InitialInterval: retryFirst, MaxInterval: retryMost, MaxElapsedTime: retryFor}))
		},
		"HTTP": func(_, web string) (sdktrace.SpanExporter, error) {
			return otlptracehttp.New(t.Context(), otlptracehttp.WithEndpoint(web), otlptracehttp.WithTLSClientConfig(clientTLS()), otlptracehttp.WithHeaders(headers),
				otlptracehttp.WithRetry(otlptracehttp.RetryConfig{Enabled: true, InitialInterval: retryFirst, MaxInterval: retryMost, MaxElapsedTime: retryFor}))
		},
		"HTTP with gzip": func(_, web string) (sdktrace.SpanExporter, error) {
			return otlptracehttp.New(t.Context(), otlptracehttp.WithEndpoint(web), otlptracehttp.WithTLSClientConfig(clientTLS()), otlptracehttp.WithHeaders(headers),
				otlptracehttp.WithCompression(otlptracehttp.GzipCompression),
				otlptracehttp.WithRetry(otlptracehttp.RetryConfig{Enabled: true, InitialInterval: retryFirst, MaxInterval: retryMost, MaxElapsedTime: retryFor}))
		},
	} {
		t.Run(name, func(t *testing.T) {
			c := refusing()
			s, addr := start(t, c.Export)
			e, err := exporter(addr, overHTTP(t, s).addr)
			if err != nil {
				t.Fatal(err)
			}
			provider := sdktrace.NewTracerProvider(sdktrace.WithBatcher(e, sdktrace.WithMaxExportBatchSize(16)))
			tracer := provider.Tracer("test")
			for i := range 60 {
				_, span := tracer.Start(t.Context(), "chat")
				span.SetAttributes(attribute.String("session.id", fmt.Sprint("s-", i%3)))
				span.End()
			}
			if err := provider.Shutdown(t.Context()); err != nil {
				t.Fatal(err)
			}
			c.complete(t, name)
		})
	}
}

// The same of log records, by which GenAI content comes.
func TestOpenTelemetryLogs(t *testing.T) {
	headers := map[string]string{"x-api-key": key}
	for name, exporter := range map[string]func(grpc, web string) (sdklog.Exporter, error){
		"gRPC": func(grpc, _ string) (sdklog.Exporter, error) {
			return otlploggrpc.New(t.Context(), otlploggrpc.WithEndpoint(grpc), otlploggrpc.WithTLSCredentials(credentials.NewTLS(clientTLS())), otlploggrpc.WithHeaders(headers),
				otlploggrpc.WithRetry(otlploggrpc.RetryConfig{Enabled: true, InitialInterval: retryFirst, MaxInterval: retryMost, MaxElapsedTime: retryFor}))
		},
		"HTTP with gzip": func(_, web string) (sdklog.Exporter, error) {
			return otlploghttp.New(t.Context(), otlploghttp.WithEndpoint(web), otlploghttp.WithTLSClientConfig(clientTLS()), otlploghttp.WithHeaders(headers),
				otlploghttp.WithCompression(otlploghttp.GzipCompression),
				otlploghttp.WithRetry(otlploghttp.RetryConfig{Enabled: true, InitialInterval: retryFirst, MaxInterval: retryMost, MaxElapsedTime: retryFor}))
		},
	} {
		t.Run(name, func(t *testing.T) {
			c := refusing()
			s, addr := start(t, c.Export)
			e, err := exporter(addr, overHTTP(t, s).addr)
			if err != nil {
				t.Fatal(err)
			}
			provider := sdklog.NewLoggerProvider(sdklog.WithProcessor(sdklog.NewBatchProcessor(e, sdklog.WithExportMaxBatchSize(16))))
			logger := provider.Logger("test")
			for i := range 60 {
				var r otellog.Record
				r.SetEventName("gen_ai.client.inference.operation.details")
				r.AddAttributes(attribute.String("session.id", fmt.Sprint("s-", i%3)), attribute.Map("gen_ai.input.messages", attribute.String("content", "hello")))
				logger.Emit(t.Context(), r)
			}
			if err := provider.Shutdown(t.Context()); err != nil {
				t.Fatal(err)
			}
			c.complete(t, name)
		})
	}
}
