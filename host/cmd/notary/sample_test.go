package main

import (
	"context"
	"encoding/base64"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracegrpc"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"google.golang.org/grpc/credentials"

	"github.com/veriproof/notary/host/archive"
	"github.com/veriproof/notary/host/ingest"
	"github.com/veriproof/notary/sdk/journal"
	"github.com/veriproof/notary/sdk/receipt"
)

// The sessions of the sample run.
const (
	sampleKilled   = "sample-killed"   // open when its notary was killed
	sampleEnded    = "sample-ended"    // ended by its sender
	sampleShutdown = "sample-shutdown" // open when its notary was stopped
	sampleEmail    = "ada.berg@example.com"
)

var (
	sampleOnce    sync.Once
	sampleMachine *machine // complete, or nil
)

// sample is a machine on which a notary was killed and another one was stopped
// in good order. Tests only read it.
func sample(t testing.TB) *machine {
	t.Helper()
	sampleOnce.Do(func() {
		dir := filepath.Join(scratch, "sample")
		if err := os.Mkdir(dir, 0o700); err != nil {
			t.Fatal(err)
		}
		m := newMachineIn(t, dir, setting{})
		p := m.start(t)
		kept := []*journal.Position{m.connect(t, p).mustExport(t, request(sampleKilled, newSpan("chat", "content", "mail "+sampleEmail)))}
		p.kill()

		p = m.start(t)
		c := m.connect(t, p)
		c.stockSDK(t, sampleEnded)
		kept = append(kept, c.mustExport(t, request(sampleShutdown, newSpan("chat"))))
		c.logged(t, sampleEnded)
		p.stop(t)
		var lines []byte
		for _, p := range kept {
			lines = fmt.Appendf(lines, "%s: %s\n", ingest.PositionHeader, base64.RawStdEncoding.EncodeToString(p.Encode()))
		}
		if err := os.WriteFile(m.path("positions.txt"), lines, 0o644); err != nil {
			t.Fatal(err)
		}
		m.audit(t, func(s *storage, _ map[string][]foundSpan) {
			raw, err := s.bundle(t.Context(), partBy(t, s, receipt.ReasonEnd), []uint64{0}, true)
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(m.path("good.bundle"), raw, 0o644); err != nil {
				t.Fatal(err)
			}
		})
		if !t.Failed() {
			sampleMachine = m
		}
	})
	if sampleMachine == nil {
		t.Fatal("the sample run failed")
	}
	return sampleMachine
}

// partBy returns the first part that was sealed for a reason.
func partBy(t testing.TB, s *storage, why receipt.Reason) *archive.Part {
	t.Helper()
	for _, p := range s.Parts() {
		if p.Manifest != nil && p.Manifest.Reason == why {
			return p
		}
	}
	t.Fatalf("no part was sealed for %q", why)
	return nil
}

// stockSDK plays a session through the OpenTelemetry Go SDK and its OTLP/gRPC
// exporter, as an application has them.
func (c *sender) stockSDK(t testing.TB, session string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	exporter, err := otlptracegrpc.New(ctx, otlptracegrpc.WithEndpoint(c.p.ready.OTLP),
		otlptracegrpc.WithTLSCredentials(credentials.NewTLS(c.tls)),
		otlptracegrpc.WithHeaders(map[string]string{"authorization": "Bearer " + c.m.apiKey}))
	if err != nil {
		t.Fatal(err)
	}
	provider := sdktrace.NewTracerProvider(sdktrace.WithBatcher(exporter, sdktrace.WithBlocking()),
		sdktrace.WithResource(resource.NewSchemaless(attribute.String("service.name", "assistant"))))
	tracer := provider.Tracer("test")
	id := attribute.String("session.id", session)
	for _, name := range []string{"chat", "execute_tool", "invoke_agent"} {
		_, span := tracer.Start(ctx, name)
		span.SetAttributes(id, attribute.String("gen_ai.operation.name", name), attribute.String("content", "write to "+sampleEmail))
		if name == "invoke_agent" {
			span.SetAttributes(attribute.Bool("veriproof.session.end", true))
		}
		span.End()
	}
	if err := provider.Shutdown(ctx); err != nil {
		t.Fatal(err)
	}
}
