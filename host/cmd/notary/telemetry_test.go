package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"

	"go.opentelemetry.io/otel/codes"

	"github.com/veriproof/notary/sdk/attested"
	"github.com/veriproof/notary/sdk/journal"
	"github.com/veriproof/notary/sdk/receipt"
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

		Receipts: t.TempDir(),
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
		keptReceipt(ctx, t, o, s, receipts[0])
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

// keptReceipt: a receipt is kept as it was served, and a file that no longer has it is
// neither read nor written over: the next call says so.
func keptReceipt(ctx context.Context, t *testing.T, o telemetry.Options, s *telemetry.Session, served telemetry.Receipt) {
	t.Helper()
	a, err := o.Gate.Check(ctx)
	if err != nil {
		t.Fatal(err)
	}
	key, err := a.RuntimeData.SigningKey()
	if err != nil {
		t.Fatal(err)
	}
	m := served.Manifest
	part := receipt.PartID{Epoch: m.Origin.Epoch, Handle: m.Handle, Part: m.Part}
	kept, err := telemetry.ReadReceipts(o.Receipts, part, key)
	if err != nil || len(kept) != 1 || kept[0].JWS != served.JWS {
		t.Fatalf("%d receipts kept, %v", len(kept), err)
	}
	files, err := filepath.Glob(filepath.Join(o.Receipts, "*"+m.Handle.String()+"*", "*.jws"))
	if err != nil || len(files) != 1 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	if err := os.WriteFile(files[0], []byte("changed"), 0o600); err != nil {
		t.Fatal(err)
	}
	if receipts, err := s.Receipts(ctx); !errors.Is(err, telemetry.ErrReceipt) || len(receipts) != 1 {
		t.Errorf("its file was changed: %d receipts, %v", len(receipts), err)
	}
}

// TestReceiptsOverEpochs: receipts are those of the present epoch, and it is said that a
// session may have parts in earlier ones.
func TestReceiptsOverEpochs(t *testing.T) {
	t.Parallel()
	m := newMachine(t, setting{})
	p := m.start(t)
	m.connect(t, p)
	ctx, cancel := context.WithTimeout(t.Context(), 2*patience)
	defer cancel()
	client, err := telemetry.Start(ctx, telemetry.Options{
		Gate: m.gate(t, p.ready.Control), Endpoint: p.ready.OTLP, APIKey: m.apiKey, Control: "https://" + p.ready.Control,
	})
	if err != nil {
		t.Fatal(err)
	}
	defer client.Shutdown(ctx)
	record := func(s *telemetry.Session) {
		t.Helper()
		_, span := client.Tracer("app").Start(s.Attach(ctx), "chat")
		span.End()
		if err := client.Flush(ctx); err != nil {
			t.Fatal(err)
		}
	}
	both, before := client.Session("both"), client.Session("before")
	record(both)
	record(before)
	p.stop(t)
	m.configure(t, setting{otlp: p.ready.OTLP, otlpHTTP: p.ready.OTLPHTTP, control: p.ready.Control})
	again := m.start(t)

	var earlier *telemetry.EarlierEpochs
	receipts, err := before.Receipts(ctx)
	if !errors.As(err, &earlier) || len(receipts) != 0 || len(earlier.Epochs) != 1 || earlier.Epochs[0].String() != p.ready.Epoch {
		t.Errorf("a session that has nothing here: %d receipts, %v", len(receipts), err)
	}
	record(both)
	if err := both.End(ctx); err != nil {
		t.Fatal(err)
	}
	receipts, err = both.Receipts(ctx)
	if !errors.As(err, &earlier) || len(earlier.Epochs) != 1 || earlier.Epochs[0].String() != p.ready.Epoch {
		t.Errorf("a session of two epochs: %v", err)
	}
	if len(receipts) != 1 || receipts[0].Manifest.Origin.Epoch.String() != again.ready.Epoch || receipts[0].Manifest.Leaves != 3 {
		t.Errorf("a session of two epochs: %+v", receipts)
	}
	after := client.Session("after")
	record(after)
	if err := after.End(ctx); err != nil {
		t.Fatal(err)
	}
	if receipts, err = after.Receipts(ctx); err != nil || len(receipts) != 1 {
		t.Errorf("a session of the present epoch: %d receipts, %v", len(receipts), err)
	}
}

// TestAnswerOfAnEarlierEpoch: an acknowledgement that arrives when another epoch serves, and
// has been appraised, is one.
func TestAnswerOfAnEarlierEpoch(t *testing.T) {
	t.Parallel()
	m := newMachine(t, setting{})
	p := m.start(t)
	c := m.connect(t, p)
	ctx, cancel := context.WithTimeout(t.Context(), 2*patience)
	defer cancel()
	var answers sync.Mutex // held while none may arrive
	client, err := telemetry.Start(ctx, telemetry.Options{
		Gate: m.gate(t, p.ready.Control), Endpoint: slowly(t, p.ready.OTLP, &answers), APIKey: m.apiKey, Control: "https://" + p.ready.Control,
		Lost: func(_ int, why error) { t.Errorf("lost: %v", why) },
	})
	if err != nil {
		t.Fatal(err)
	}
	defer client.Shutdown(ctx)
	record := func(name string) error {
		_, span := client.Tracer("app").Start(client.Session(name).Attach(ctx), "chat")
		span.End()
		return client.Flush(ctx)
	}
	if err := record("before"); err != nil {
		t.Fatal(err)
	}
	answers.Lock()
	flushed := make(chan error, 1)
	go func() { flushed <- record("meanwhile") }()
	eventually(t, "both are durable", func() bool {
		_, metrics := c.get(t, "/metrics")
		return regexp.MustCompile(`(?m)^notary_records_total\S* 2`).Match(metrics)
	})
	old := p.ready.Epoch
	if err := p.cmd.Process.Signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	p.reread(t)
	var earlier *telemetry.EarlierEpochs
	if _, err := client.Session("before").Receipts(ctx); !errors.As(err, &earlier) || earlier.Epochs[0].String() != old {
		t.Errorf("receipts of the epoch that serves now: %v", err)
	}
	answers.Unlock()
	if err := <-flushed; err != nil {
		t.Errorf("the epoch before has acknowledged: %v", err)
	}
	if len(client.Positions()) != 1 {
		t.Errorf("positions of %d epochs", len(client.Positions()))
	}
}

// slowly relays connections to a target, whose answers wait for the lock.
func slowly(t *testing.T, target string, answers *sync.Mutex) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var relays sync.WaitGroup
	relays.Go(func() {
		for {
			from, err := l.Accept()
			if err != nil {
				return
			}
			to, err := net.Dial("tcp", target)
			if err != nil {
				from.Close()
				continue
			}
			relays.Go(func() { defer to.Close(); io.Copy(to, from) })
			relays.Go(func() {
				defer from.Close()
				b := make([]byte, 64<<10)
				for {
					n, err := to.Read(b)
					answers.Lock()
					_, werr := from.Write(b[:n])
					answers.Unlock()
					if err != nil || werr != nil {
						return
					}
				}
			})
		}
	})
	t.Cleanup(func() { l.Close(); relays.Wait() })
	return l.Addr().String()
}

// TestAuditOfKeptPositions: positions that the SDK kept, handed to "notary audit", show a
// rollback of the storage that nothing else shows: the log ends where the storage does.
func TestAuditOfKeptPositions(t *testing.T) {
	t.Parallel()
	m := newMachine(t, setting{})
	p := m.start(t)
	m.connect(t, p)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	kept, err := os.Create(m.path("kept.txt"))
	if err != nil {
		t.Fatal(err)
	}
	defer kept.Close()
	client, err := telemetry.Start(ctx, telemetry.Options{
		Gate: m.gate(t, p.ready.Control), Endpoint: p.ready.OTLP, APIKey: m.apiKey, Control: "https://" + p.ready.Control,
		Keep: func(p *journal.Position) { fmt.Fprint(kept, telemetry.PositionLine(p)) },
	})
	if err != nil {
		t.Fatal(err)
	}
	record := func() {
		t.Helper()
		_, span := client.Tracer("app").Start(client.Session("kept").Attach(ctx), "chat")
		span.End()
		if err := client.Flush(ctx); err != nil {
			t.Fatal(err)
		}
	}
	record()
	if err := os.CopyFS(m.path("earlier"), os.DirFS(m.path("data/store"))); err != nil {
		t.Fatal(err)
	}
	record()
	p.kill()
	if err := client.Shutdown(ctx); err != nil {
		t.Fatal(err)
	}
	audit := func() (int, string) {
		t.Helper()
		code, stdout, stderr := m.run(t, "audit", "--config", "notary.yaml", "--policy", "policy.yaml", "--positions", "kept.txt")
		return code, stdout + stderr
	}
	if code, out := audit(); code != exitOK || !regexp.MustCompile(`(?m)^ +pass +senders.positions `).MatchString(out) {
		t.Errorf("nothing is missing: status %d\n%s", code, out)
	}
	if err := errors.Join(os.RemoveAll(m.path("data/store")), os.Rename(m.path("earlier"), m.path("data/store"))); err != nil {
		t.Fatal(err)
	}
	code, out := audit()
	if code != exitFalse || !regexp.MustCompile(`(?m)^ +fail +senders.positions `).MatchString(out) {
		t.Errorf("the second record is missing: status %d\n%s", code, out)
	}
	if regexp.MustCompile(`(?m)^ +fail +(log|journal)`).MatchString(out) {
		t.Errorf("not the positions alone show it\n%s", out)
	}
}
