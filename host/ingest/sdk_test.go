package ingest_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracegrpc"
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

// The stock OpenTelemetry SDK and its exporter, with and without gzip, send
// again what was refused retryably, and lose nothing.
func TestOpenTelemetrySDK(t *testing.T) {
	for _, compressor := range []string{"", "gzip"} {
		c := &collected{sessions: map[string]int{}, refusals: []error{
			ingest.Exhausted("full", time.Millisecond, nil),
			ingest.Unavailable("later", time.Millisecond, nil),
		}}
		_, addr := start(t, c.Export)
		options := []otlptracegrpc.Option{
			otlptracegrpc.WithEndpoint(addr),
			otlptracegrpc.WithTLSCredentials(credentials.NewTLS(clientTLS())),
			otlptracegrpc.WithHeaders(map[string]string{"authorization": "Bearer " + key}),
			otlptracegrpc.WithRetry(otlptracegrpc.RetryConfig{Enabled: true, InitialInterval: time.Millisecond, MaxInterval: time.Millisecond, MaxElapsedTime: 20 * time.Second}),
		}
		if compressor != "" {
			options = append(options, otlptracegrpc.WithCompressor(compressor))
		}
		exporter, err := otlptracegrpc.New(t.Context(), options...)
		if err != nil {
			t.Fatal(err)
		}
		provider := sdktrace.NewTracerProvider(sdktrace.WithBatcher(exporter, sdktrace.WithMaxExportBatchSize(16)))
		tracer := provider.Tracer("test")
		for i := range 60 {
			_, span := tracer.Start(t.Context(), "chat")
			span.SetAttributes(attribute.String("session.id", fmt.Sprint("s-", i%3)))
			span.End()
		}
		if err := provider.Shutdown(t.Context()); err != nil {
			t.Fatal(err)
		}
		if len(c.refusals) != 0 || c.sessions["s-0"] != 20 || c.sessions["s-1"] != 20 || c.sessions["s-2"] != 20 {
			t.Errorf("compressor %q: %v, %d refusals left", compressor, c.sessions, len(c.refusals))
		}
	}
}
