package main

import (
	"context"
	"strings"
	"syscall"
	"testing"

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
