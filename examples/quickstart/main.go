// Command quickstart sends one AI session to a notary with the stock
// OpenTelemetry Go SDK, and ends it. See README.md.
package main

import (
	"context"
	"crypto/x509"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"time"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracegrpc"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"google.golang.org/grpc/credentials"
)

// options are what an application has to know of a notary.
type options struct {
	endpoint    string // host:port of the OTLP/gRPC listener
	certificate string // file: the PEM certificate of a notary that was appraised
	apiKeyFile  string // file: the API key, which stays off the command line
	session     string
}

func main() {
	var o options
	flag.StringVar(&o.endpoint, "endpoint", "localhost:4317", "host:port of the notary's OTLP/gRPC listener")
	flag.StringVar(&o.certificate, "certificate", "notary.pem", "PEM certificate of the appraised notary")
	flag.StringVar(&o.apiKeyFile, "api-key-file", "api-key", "file with the API key")
	flag.StringVar(&o.session, "session", fmt.Sprint("quickstart-", time.Now().Unix()), "session id")
	flag.Parse()
	if err := run(context.Background(), o, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "quickstart: error:", err)
		os.Exit(1)
	}
}

// run sends the session and returns when the notary has acknowledged all of it.
func run(ctx context.Context, o options, out io.Writer) (err error) {
	provider, failed, err := connect(ctx, o)
	if err != nil {
		return err
	}
	spans := converse(ctx, provider, o.session)
	// Shutdown sends what is left. The exporter's own failures go to the error
	// handler, not here: an application that needs the acknowledgement looks at
	// both.
	if err := errors.Join(provider.Shutdown(ctx), failed()); err != nil {
		return fmt.Errorf("not everything was acknowledged: %w", err)
	}
	_, err = fmt.Fprintf(out, "session %s: %d spans acknowledged as durable, session ended\n", o.session, spans)
	return err
}

// connect makes a tracer provider whose exporter trusts one certificate and no
// authority, and a function that returns what the exporter reported.
func connect(ctx context.Context, o options) (*sdktrace.TracerProvider, func() error, error) {
	pem, err := os.ReadFile(o.certificate)
	if err != nil {
		return nil, nil, err
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(pem) {
		return nil, nil, fmt.Errorf("%s has no PEM certificate", o.certificate)
	}
	key, err := os.ReadFile(o.apiKeyFile)
	if err != nil {
		return nil, nil, err
	}
	exporter, err := otlptracegrpc.New(ctx,
		otlptracegrpc.WithEndpoint(o.endpoint),
		otlptracegrpc.WithTLSCredentials(credentials.NewClientTLSFromCert(roots, "")),
		otlptracegrpc.WithHeaders(map[string]string{"authorization": "Bearer " + strings.TrimSpace(string(key))}))
	if err != nil {
		return nil, nil, err
	}
	var mu sync.Mutex
	var reported error
	otel.SetErrorHandler(otel.ErrorHandlerFunc(func(err error) {
		mu.Lock()
		defer mu.Unlock()
		reported = errors.Join(reported, err)
	}))
	return sdktrace.NewTracerProvider(sdktrace.WithBatcher(exporter)), func() error {
		mu.Lock()
		defer mu.Unlock()
		return reported
	}, nil
}

// converse is the application: one agent, two turns. Every span names the
// session, and the last one to end says that the session is over.
func converse(ctx context.Context, provider *sdktrace.TracerProvider, session string) (spans int) {
	tracer := provider.Tracer("example.org/quickstart")
	id := attribute.String("session.id", session)
	ctx, agent := tracer.Start(ctx, "invoke_agent support")
	for _, t := range []struct{ user, assistant string }{
		{"My card 4111 1111 1111 1111 was charged twice.", "I see two charges and have reversed the second."},
		{"Thanks! Please confirm to ada.berg@example.com.", "The confirmation is on its way."},
	} {
		_, chat := tracer.Start(ctx, "chat demo-model")
		chat.SetAttributes(id,
			attribute.String("gen_ai.operation.name", "chat"),
			attribute.String("gen_ai.input.messages", t.user),
			attribute.String("gen_ai.output.messages", t.assistant))
		chat.End()
		spans++
	}
	agent.SetAttributes(id, attribute.Bool("veriproof.session.end", true))
	agent.End()
	return spans + 1
}
