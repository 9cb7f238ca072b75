package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"

	"github.com/veriproof/notary/sdk/bundle"
	"github.com/veriproof/notary/sdk/journal"
	"github.com/veriproof/notary/sdk/receipt"
)

// TestShutdownUnderTraffic: SIGTERM while exports are in flight. What was
// acknowledged is sealed and proved, and so is the end of the epoch.
func TestShutdownUnderTraffic(t *testing.T) {
	t.Parallel()
	m := newMachine(t, setting{})
	p := m.start(t)
	f := &traffic{c: m.connect(t, p), name: "shutdown", after: 40, then: func() {
		if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
			t.Error(err)
		}
	}}
	f.start(t.Context(), 4)
	acks := f.wait()
	if status := p.wait(t); status != exitOK {
		t.Fatalf("status %d\n%s", status, p.stderr.String())
	}
	m.audit(t, func(s *storage, spans map[string][]foundSpan) {
		checkAcknowledged(t, s, spans, acks)
		reasons := make(map[receipt.Reason]int)
		for _, part := range s.Parts() {
			reasons[part.Manifest.Reason]++
		}
		if reasons[receipt.ReasonEnd] == 0 || reasons[receipt.ReasonShutdown] == 0 || len(reasons) != 2 {
			t.Errorf("parts by reason: %v", reasons)
		}
		m.checkClosed(t, s)
	})
}

// checkClosed: the one epoch has ended by a close entry that the log has proved,
// and the bundles say so.
func (m *machine) checkClosed(t *testing.T, s *storage) {
	t.Helper()
	if len(s.Epochs) != 1 || s.Epochs[0].Ended != journal.KindClose {
		t.Fatalf("%d epochs, the first ended by %v", len(s.Epochs), s.Epochs[0].Ended)
	}
	e := s.Epochs[0]
	proof, ok := s.Proof(journal.CloseCommitment(e.ID, e.EndSeq, e.EndChain))
	if !ok {
		t.Fatal("the close has no log proof")
	}
	if _, err := receipt.VerifyProof(proof.Proof, proof.Commitment, m.policy.Log.Keys); err != nil {
		t.Error(err)
	}
	raw, err := s.bundle(t.Context(), s.Parts()[0], nil, false)
	if err != nil {
		t.Fatal(err)
	}
	b, err := bundle.Parse(raw)
	if err != nil {
		t.Fatal(err)
	}
	if b.EpochEnd == nil || b.EpochEndProof == nil {
		t.Error("the bundle does not have the end of the epoch")
	}
}

// TestInterruptedStart: a start that is interrupted while it waits, here for a storage that
// does not answer, says that, and not what failed by it.
func TestInterruptedStart(t *testing.T) {
	t.Parallel()
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	endpoint := func(name string) string {
		return fmt.Sprintf("{name: %s, url: http://%v/%s, insecure: true, auth: sas, secret_file: sas}", name, l.Addr(), name)
	}
	m := newMachine(t, setting{endpoints: endpoint("entries") + ", " + endpoint("keys")})
	if err := os.WriteFile(m.path("sas"), []byte("sv=2024-11-04&sig=AAAA\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	p := m.launch(t)
	conn, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if err := p.cmd.Process.Signal(syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	status, told := p.wait(t), p.stderr.String()
	if status != exitUsage || !strings.HasSuffix(told, "notary: error: stopped by a signal before it was ready\n") {
		t.Errorf("status %d\n%s\n%s", status, p.stdout.String(), told)
	}
	if out := p.stdout.String(); strings.Contains(out, "sto_migrate") || !strings.Contains(out, "stopped by a signal") {
		t.Errorf("the steps are\n%s", out)
	}
}

// TestTooLongIsNotStopped: a reload whose start took too long says what it waited for.
func TestTooLongIsNotStopped(t *testing.T) {
	slow := errors.New("the log did not answer")
	late, cancel := context.WithDeadline(t.Context(), time.Unix(1, 0))
	defer cancel()
	if err := orStopped(late, slow); !errors.Is(err, slow) {
		t.Errorf("after its time: %v", err)
	}
	stopped, stop := context.WithCancel(t.Context())
	stop()
	if err := orStopped(stopped, slow); !errors.Is(err, errStopped) {
		t.Errorf("after a signal: %v", err)
	}
}

// TestSecondSignal: an orderly stop that waits, here for a sender who does not
// finish his request, is cut short by a second signal; nothing acknowledged is
// lost by that.
func TestSecondSignal(t *testing.T) {
	t.Parallel()
	m := newMachine(t, setting{})
	p := m.start(t)
	c := m.connect(t, p)
	span := newSpan("chat")
	c.mustExport(t, request("cut", span))

	hang, release := c.halfRequest(t)
	defer release()
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the notary says that it stops", func() bool { return strings.Contains(p.stderr.String(), "stopping: ") })
	select {
	case err := <-hang:
		t.Fatalf("the open request ended: %v", err)
	default:
	}
	eventually(t, "a second signal ends it", func() bool {
		select {
		case <-p.exited:
			return true
		default:
			_ = p.cmd.Process.Signal(syscall.SIGTERM) // it may not listen for it yet
			return false
		}
	})
	if status := p.cmd.ProcessState.ExitCode(); status != exitUsage {
		t.Errorf("status %d, want %d", status, exitUsage)
	}
	m.read(t, func(s *storage) {
		if s.Epochs[0].Ended != 0 {
			t.Error("the epoch was closed: the second signal changed nothing")
		}
	})

	p = m.start(t)
	p.stop(t)
	m.audit(t, func(_ *storage, spans map[string][]foundSpan) {
		if len(spans[string(span.SpanId)]) != 1 {
			t.Error("the acknowledged span is lost")
		}
	})
}

// halfRequest opens an authenticated export whose message never comes. It returns
// when the notary has it.
func (c *sender) halfRequest(t *testing.T) (ended <-chan error, release func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(metadata.AppendToOutgoingContext(t.Context(), "x-api-key", c.m.apiKey))
	stream, err := c.conn.NewStream(ctx, &grpc.StreamDesc{ClientStreams: true}, exportTraces, grpc.ForceCodec(rawCodec{}))
	if err != nil {
		t.Fatal(err)
	}
	end := make(chan error, 1)
	go func() {
		var reply []byte
		end <- stream.RecvMsg(&reply)
	}()
	// One connection is read in order, so what follows is answered after the
	// stream was opened.
	c.mustExport(t, request("follows", lastSpan("chat")))
	return end, cancel
}
