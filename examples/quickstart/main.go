// Command quickstart sends one AI session to a notary with the stock
// OpenTelemetry Go SDK, and ends it. See README.md.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
)

func main() {
	session := flag.String("session", fmt.Sprint("quickstart-", time.Now().Unix()), "session id")
	flag.Parse()
	if err := run(context.Background(), *session, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "quickstart: error:", err)
		os.Exit(1)
	}
}

// run sends the session and returns when the notary has acknowledged all of it.
func run(ctx context.Context, session string, out io.Writer) (err error) {
	provider, failed, err := connect(ctx)
	if err != nil {
		return err
	}
	spans := converse(ctx, provider, session)
	// Shutdown sends what is left. The exporter's own failures go to the error
	// handler, not here: an application that needs the acknowledgement looks at
	// both.
	if err := errors.Join(provider.Shutdown(ctx), failed()); err != nil {
		return fmt.Errorf("not everything was acknowledged: %w", err)
	}
	_, err = fmt.Fprintf(out, "session %s: %d spans acknowledged as durable, session ended\n", session, spans)
	return err
}

// connect makes a tracer provider with the stock exporter, which reads from the
// environment where the notary is, which certificate it has, and the key to show; and
// a function that returns what the exporter reported.
func connect(ctx context.Context) (*sdktrace.TracerProvider, func() error, error) {
	exporter, err := otlptracehttp.New(ctx)
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
