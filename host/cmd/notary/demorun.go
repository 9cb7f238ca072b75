//go:build simtee

package main

import (
	"context"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"slices"
	"sync"
	"time"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracegrpc"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"google.golang.org/grpc/credentials"

	"github.com/veriproof/notary/host/control"
)

// startNotary runs "notary serve" as a process of its own and appraises it
// before anything is sent.
func (d *demo) startNotary(ctx context.Context) error {
	d.title("Start-up of the notary")
	self, err := os.Executable()
	if err != nil {
		return err
	}
	readyFile := d.path("ready.json")
	os.Remove(readyFile)
	d.child = exec.Command(self, "serve", "--config", d.path("notary.yaml"), "--ready-file", readyFile)
	d.child.Stdout = d.stdout
	logFile, err := os.Create(d.path("serve.log"))
	if err != nil {
		return err
	}
	defer logFile.Close()
	d.child.Stderr = logFile
	if err := d.child.Start(); err != nil {
		d.child = nil
		return err
	}
	d.exited = make(chan error, 1)
	child := d.child
	go func() {
		err := child.Wait()
		if !d.closing.Load() { // it died: whatever waits for it need not
			d.cancel(fmt.Errorf("notary serve ended while it was needed: %w; see %s", err, logFile.Name()))
		}
		d.exited <- err
	}()
	for {
		if b, err := os.ReadFile(readyFile); err == nil && json.Unmarshal(b, &d.addr) == nil {
			return d.appraise(ctx)
		}
		select {
		case err := <-d.exited:
			d.child = nil
			why, _ := os.ReadFile(logFile.Name())
			return fmt.Errorf("notary serve ended early: %w: %s", err, why)
		case <-time.After(20 * time.Millisecond):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// send plays the sessions through the stock OpenTelemetry SDK and exporter.
func (d *demo) send(ctx context.Context) error {
	d.title("Sessions through the OpenTelemetry Go SDK, OTLP/gRPC over TLS")
	certificate, err := os.ReadFile(d.path("notary.pem"))
	if err != nil {
		return err
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(certificate)
	exporter, err := otlptracegrpc.New(ctx,
		otlptracegrpc.WithEndpoint(d.addr.OTLP),
		otlptracegrpc.WithTLSCredentials(credentials.NewClientTLSFromCert(roots, "")),
		otlptracegrpc.WithHeaders(map[string]string{"authorization": "Bearer " + d.apiKey}))
	if err != nil {
		return err
	}
	// If the notary dies, what waits to be sent need not wait for its retries.
	defer context.AfterFunc(ctx, func() { exporter.Shutdown(context.WithoutCancel(ctx)) })()
	var mu sync.Mutex
	var failed error
	otel.SetErrorHandler(otel.ErrorHandlerFunc(func(err error) {
		mu.Lock()
		defer mu.Unlock()
		failed = errors.Join(failed, err)
	}))
	provider := sdktrace.NewTracerProvider(sdktrace.WithBatcher(exporter, sdktrace.WithBlocking()),
		sdktrace.WithResource(resource.NewSchemaless(
			attribute.String("service.name", "assistant"), attribute.String("telemetry.sdk.name", "opentelemetry"),
			attribute.String("telemetry.sdk.language", "go"), attribute.String("telemetry.sdk.version", otel.Version()))))
	tracer := provider.Tracer("demo.example/assistant")
	start := time.Now()
	for i := range d.sessions {
		if err := ctx.Err(); err != nil {
			return err
		}
		d.sent = append(d.sent, talk(ctx, tracer, i))
		d.progress("sent %d of %d sessions", i+1, d.sessions)
	}
	err = provider.Shutdown(ctx)
	d.progressEnd()
	mu.Lock()
	defer mu.Unlock()
	if err = errors.Join(err, failed); err != nil {
		return fmt.Errorf("export: %w", err)
	}
	d.say("%d sessions with %d spans acknowledged as durable in %v", len(d.sent), d.spans(), time.Since(start).Round(time.Millisecond))
	return nil
}

// waitLogged waits until every session has its log proof.
func (d *demo) waitLogged(ctx context.Context) error {
	client, err := d.pinned()
	if err != nil {
		return err
	}
	deadline := time.Now().Add(time.Minute)
	for i := 0; i < len(d.sent); {
		var parts struct {
			Parts []control.Part `json:"parts"`
		}
		if err := d.get(ctx, client, d.operator, "/v1/sessions/"+url.PathEscape(d.sent[i].name)+"?tenant=demo", &parts); err != nil {
			return err
		}
		if len(parts.Parts) > 0 && !slices.ContainsFunc(parts.Parts, func(p control.Part) bool { return p.State != "logged" }) {
			i++
			d.progress("%d of %d sessions in the log", i, len(d.sent))
			continue
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("session %d of %d did not reach the log within a minute", i+1, len(d.sent))
		}
		select {
		case <-time.After(50 * time.Millisecond):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	d.progressEnd()
	return nil
}
