package ingest_test

import (
	"context"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"go.opentelemetry.io/otel/exporters/otlp/otlpmetric/otlpmetricgrpc"
	"go.opentelemetry.io/otel/exporters/otlp/otlpmetric/otlpmetrichttp"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
)

// counting counts requests over HTTP.
type counting struct {
	http.RoundTripper
	n *atomic.Int64
}

func (c counting) RoundTrip(r *http.Request) (*http.Response, error) {
	c.n.Add(1)
	return c.RoundTripper.RoundTrip(r)
}

// The stock exporters of metrics, whose retries are on for twenty seconds, send what they
// collect once, are told what the notary takes, and do not come again with it: an
// application that has metrics switched on, too, neither queues nor loads the notary.
func TestOpenTelemetryMetrics(t *testing.T) {
	headers := map[string]string{"authorization": "Bearer " + key}
	for name, exporter := range map[string]func(rpc, web string, sent *atomic.Int64) (sdkmetric.Exporter, error){
		"gRPC": func(rpc, _ string, sent *atomic.Int64) (sdkmetric.Exporter, error) {
			count := func(ctx context.Context, method string, req, reply any, conn *grpc.ClientConn, call grpc.UnaryInvoker, opts ...grpc.CallOption) error {
				sent.Add(1)
				return call(ctx, method, req, reply, conn, opts...)
			}
			return otlpmetricgrpc.New(t.Context(), otlpmetricgrpc.WithEndpoint(rpc), otlpmetricgrpc.WithTLSCredentials(credentials.NewTLS(clientTLS())), otlpmetricgrpc.WithHeaders(headers),
				otlpmetricgrpc.WithDialOption(grpc.WithUnaryInterceptor(count)),
				otlpmetricgrpc.WithRetry(otlpmetricgrpc.RetryConfig{Enabled: true, InitialInterval: retryFirst, MaxInterval: retryMost, MaxElapsedTime: retryFor}))
		},
		"HTTP": func(_, web string, sent *atomic.Int64) (sdkmetric.Exporter, error) {
			return otlpmetrichttp.New(t.Context(), otlpmetrichttp.WithEndpoint(web), otlpmetrichttp.WithHeaders(headers),
				otlpmetrichttp.WithHTTPClient(&http.Client{Transport: counting{&http.Transport{TLSClientConfig: clientTLS()}, sent}}),
				otlpmetrichttp.WithRetry(otlpmetrichttp.RetryConfig{Enabled: true, InitialInterval: retryFirst, MaxInterval: retryMost, MaxElapsedTime: retryFor}))
		},
	} {
		t.Run(name, func(t *testing.T) {
			s, addr := start(t, walks)
			var sent atomic.Int64
			e, err := exporter(addr, overHTTP(t, s).addr, &sent)
			if err != nil {
				t.Fatal(err)
			}
			provider := sdkmetric.NewMeterProvider(sdkmetric.WithReader(sdkmetric.NewPeriodicReader(e, sdkmetric.WithInterval(time.Hour))))
			calls, err := provider.Meter("test").Int64Counter("calls")
			if err != nil {
				t.Fatal(err)
			}
			for i, collect := range []func(context.Context) error{provider.ForceFlush, provider.ForceFlush, provider.Shutdown} {
				calls.Add(t.Context(), 1)
				if err := collect(t.Context()); err == nil || !strings.Contains(err.Error(), "not metrics") {
					t.Errorf("collection %d: told %v", i, err)
				}
				if n := sent.Load(); n != int64(i+1) {
					t.Errorf("%d requests of %d collections", n, i+1)
				}
			}
		})
	}
}
