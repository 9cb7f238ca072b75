package attester_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"errors"
	"sync/atomic"
	"testing"

	"github.com/veriproof/notary/attestation/challenge"
	"github.com/veriproof/notary/attestation/evidence"
	"github.com/veriproof/notary/attestation/simtee"
	"github.com/veriproof/notary/attestation/snp"
	"github.com/veriproof/notary/host/attester"
)

var nonce = bytes.Repeat([]byte{0x0b}, 32)

func TestAnswer(t *testing.T) {
	_, o := machine(t, simtee.Options{})
	a := create(t, o)
	x := [challenge.ExporterSize]byte{1, 2, 3}
	var stale *attester.StaleError
	if _, err := a.Answer(context.Background(), nonce, x); !errors.As(err, &stale) {
		t.Errorf("before the first attestation: %v, want a StaleError", err)
	}
	att, err := a.Attest(context.Background(), nil)
	if err != nil {
		t.Fatal(err)
	}
	got, err := a.Answer(context.Background(), nonce, x)
	if err != nil {
		t.Fatal(err)
	}
	r, err := snp.Parse(got.Report)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got.Nonce, nonce) || r.ReportData != challenge.ReportData(nonce, att.RuntimeData) {
		t.Errorf("nonce %x, REPORT_DATA %x", got.Nonce, r.ReportData)
	}
	if !ed25519.Verify(keys().SigningPublic(), challenge.Possession(nonce, att.RuntimeData, x), got.Possession) {
		t.Error("the proof of possession does not verify")
	}
	if a.Current() != att {
		t.Error("a challenge changed the standing attestation")
	}
	for _, n := range [][]byte{nil, nonce[:15], bytes.Repeat(nonce, 3)} {
		if _, err := a.Answer(context.Background(), n, x); !errors.Is(err, challenge.ErrNonce) {
			t.Errorf("nonce of %d bytes: %v, want ErrNonce", len(n), err)
		}
	}
}

func TestAnswerRefusesForeignReports(t *testing.T) {
	tee, o := machine(t, simtee.Options{})
	_, elsewhere := machine(t, simtee.Options{})
	inner := o.Source
	var collect source = inner.Collect
	o.Source = source(func(ctx context.Context, rd []byte) (*evidence.Evidence, error) { return collect(ctx, rd) })
	a := create(t, o)
	if _, err := a.Attest(context.Background(), nil); err != nil {
		t.Fatal(err)
	}
	failure := errors.New("device is gone")
	for _, c := range []struct {
		name    string
		collect source
		want    error
	}{
		{"another guest", elsewhere.Source.Collect, attester.ErrNotOurs},
		{"another nonce", func(ctx context.Context, rd []byte) (*evidence.Evidence, error) {
			return inner.Collect(ctx, append(rd, 0))
		}, attester.ErrNotOurs},
		{"no report", func(context.Context, []byte) (*evidence.Evidence, error) {
			return &evidence.Evidence{}, nil
		}, snp.ErrFormat},
		{"nothing", func(context.Context, []byte) (*evidence.Evidence, error) { return nil, nil }, nil},
		{"failure", func(context.Context, []byte) (*evidence.Evidence, error) { return nil, failure }, failure},
	} {
		collect = c.collect
		got, err := a.Answer(context.Background(), nonce, [challenge.ExporterSize]byte{})
		if err == nil || got != nil || c.want != nil && !errors.Is(err, c.want) {
			t.Errorf("%s: %v %v, want %v", c.name, got, err, c.want)
		}
	}
	collect = inner.Collect
	tee.SetFaults(simtee.Faults{NotHardware: true})
	if _, err := a.Answer(context.Background(), nonce, [challenge.ExporterSize]byte{}); !errors.Is(err, evidence.ErrNotHardware) {
		t.Errorf("sidecar outside of an SNP machine: %v", err)
	}
}

// One report for a challenge at a time; who waits can give up; a renewal does not
// wait in that line.
func TestAnswersTakeTurns(t *testing.T) {
	_, o := machine(t, simtee.Options{})
	inner := o.Source
	var busy, most atomic.Int32
	entered, leave := make(chan struct{}), make(chan struct{})
	var block atomic.Bool
	o.Source = source(func(ctx context.Context, rd []byte) (*evidence.Evidence, error) {
		if bytes.HasPrefix(rd, []byte("{")) { // runtime data, not a challenge
			return inner.Collect(ctx, rd)
		}
		if n := busy.Add(1); n > most.Load() {
			most.Store(n)
		}
		defer busy.Add(-1)
		if block.CompareAndSwap(true, false) {
			close(entered)
			<-leave
		}
		return inner.Collect(ctx, rd)
	})
	a := create(t, o)
	if _, err := a.Attest(context.Background(), nil); err != nil {
		t.Fatal(err)
	}
	block.Store(true)
	done := make(chan error, 4)
	ask := func(ctx context.Context) {
		_, err := a.Answer(ctx, nonce, [challenge.ExporterSize]byte{})
		done <- err
	}
	go ask(context.Background())
	<-entered
	impatient, cancel := context.WithCancel(context.Background())
	cancel()
	ask(impatient)
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Errorf("waiting with an ended context: %v", err)
	}
	if _, err := a.Attest(context.Background(), nil); err != nil {
		t.Errorf("a renewal during a challenge: %v", err)
	}
	go ask(context.Background())
	go ask(context.Background())
	close(leave)
	for range 3 {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
	if most.Load() != 1 {
		t.Errorf("%d reports were made at once", most.Load())
	}
}
