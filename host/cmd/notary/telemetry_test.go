package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"go.opentelemetry.io/otel/codes"

	"github.com/veriproof/notary/sdk/attested"
	"github.com/veriproof/notary/sdk/journal"
	"github.com/veriproof/notary/sdk/telemetry"
)

// TestSDK: an application with the SDK records sessions with a real notary, holds a
// checked position for each acknowledgement, gets a checked receipt for each part, and
// a notary that it does not accept gets nothing.
func TestSDK(t *testing.T) {
	t.Parallel()
	m := newMachine(t, setting{})
	p := m.start(t)
	m.connect(t, p)
	var mu sync.Mutex
	var kept []*journal.Position
	lost := 0
	o := telemetry.Options{
		Gate: m.gate(t, p.ready.Control), Endpoint: p.ready.OTLP, APIKey: m.apiKey, Control: "https://" + p.ready.Control,
		Lost: func(n int, why error) { mu.Lock(); lost += n; mu.Unlock(); t.Logf("lost: %v", why) },
		Keep: func(p *journal.Position) { mu.Lock(); kept = append(kept, p); mu.Unlock() },
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	client, err := telemetry.Start(ctx, o)
	if err != nil {
		t.Fatal(err)
	}
	for i := range 3 {
		s := client.Session(fmt.Sprint("sdk-", i))
		in, agent := client.Tracer("app").Start(s.Attach(ctx), "invoke_agent support")
		for turn := range 20 {
			_, chat := client.Tracer("app").Start(in, "chat")
			chat.SetAttributes(telemetry.Operation("chat"), telemetry.Model("m"), telemetry.Input(fmt.Sprint("turn ", turn, ", mail ", sampleEmail)), telemetry.InputTokens(7))
			chat.SetStatus(codes.Ok, "")
			chat.End()
		}
		agent.End()
		if err := s.End(ctx); err != nil {
			t.Fatal(err)
		}
		receipts, err := s.Receipts(ctx)
		if err != nil || len(receipts) != 1 {
			t.Fatalf("session %d: %d receipts, %v", i, len(receipts), err)
		}
		// 20 turns, the agent, the end, and the summary.
		if r := receipts[0]; r.Manifest.Leaves != 23 || r.Manifest.Origin.Epoch.String() != p.ready.Epoch || r.JWS == "" {
			t.Errorf("session %d: %d leaves in epoch %v", i, r.Manifest.Leaves, r.Manifest.Origin.Epoch)
		}
	}
	if err := client.Shutdown(ctx); err != nil {
		t.Fatal(err)
	}
	positions := client.Positions()
	if lost != 0 || len(kept) < 3 || len(positions) != 1 || positions[0].Seq != kept[len(kept)-1].Seq {
		t.Errorf("%d spans lost, %d positions kept, latest of %d epochs", lost, len(kept), len(positions))
	}

	// The notary is gone: a flush says so, and Lost counts.
	o.WhenFull = telemetry.Drop
	if client, err = telemetry.Start(ctx, o); err != nil {
		t.Fatal(err)
	}
	p.stop(t)
	_, span := client.Tracer("app").Start(ctx, "nobody")
	span.End()
	short, stop := context.WithCancel(ctx)
	done := make(chan error, 1)
	go func() { done <- client.Flush(short) }()
	stop()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Errorf("a flush that is given up: %v", err)
	}
	other, err := attested.New(attested.Options{Control: "https://" + closedPort(t), Policy: m.policy})
	if err != nil {
		t.Fatal(err)
	}
	o.Gate = other
	if _, err := telemetry.Start(ctx, o); !errors.Is(err, attested.ErrNotAttested) || strings.Contains(err.Error(), m.apiKey) {
		t.Errorf("nobody to appraise: %v", err)
	}
}
