package attested

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/veriproof/notary/attestation"
	"github.com/veriproof/notary/attestation/challenge"
	"github.com/veriproof/notary/attestation/policy"
)

// These tests are about time and turns, on a clock of their own, with appraisals
// that are made up. What is appraised, over real TLS with a real notary, is
// tested with the command.

type world struct {
	*Gate
	mu    sync.Mutex
	clock time.Time
	err   error
	made  atomic.Int32
	hold  chan struct{}
}

func (w *world) advance(d time.Duration) {
	w.mu.Lock()
	w.clock = w.clock.Add(d)
	w.mu.Unlock()
}

func (w *world) fail(err error) {
	w.mu.Lock()
	w.err = err
	w.mu.Unlock()
}

func newWorld(t *testing.T) *world {
	t.Helper()
	p, err := policy.Parse([]byte("format: \"1\"\nrequire: [hardware]\nproducts: [Genoa]\nhost_data: [" + fmt.Sprintf("%064d", 1) + "]\nplugin_set: [" + fmt.Sprintf("%064d", 1) + "]\nuvm: {min_svn: 101}\n"))
	if err != nil {
		t.Fatal(err)
	}
	g, err := New(Options{Control: "https://127.0.0.1:1", Policy: p})
	if err != nil {
		t.Fatal(err)
	}
	w := &world{Gate: g, clock: time.Unix(1_800_000_000, 0)}
	g.now = func() time.Time {
		w.mu.Lock()
		defer w.mu.Unlock()
		return w.clock
	}
	g.attempt = func(context.Context) (*Appraisal, []attestation.Check, error) {
		w.made.Add(1)
		if w.hold != nil {
			<-w.hold
		}
		w.mu.Lock()
		defer w.mu.Unlock()
		if w.err != nil {
			return nil, nil, w.err
		}
		return &Appraisal{Proof: &challenge.Proof{At: w.clock}, Until: w.clock.Add(g.o.Validity)}, nil, nil
	}
	return w
}

var errCut = fmt.Errorf("%w: %w", ErrNotAttested, challenge.ErrFetch)

// TestHardGate: an appraisal is renewed in the second half of its time. A notary
// that cannot be reached is sent to until the time is over, and not a moment longer.
func TestHardGate(t *testing.T) {
	w := newWorld(t)
	ctx := t.Context()
	if _, err := w.Check(ctx); err != nil || w.made.Load() != 1 {
		t.Fatalf("first: %v, %d appraisals", err, w.made.Load())
	}
	w.advance(DefaultValidity/2 - time.Second)
	if _, err := w.Check(ctx); err != nil || w.made.Load() != 1 {
		t.Fatalf("in the first half: %v, %d appraisals", err, w.made.Load())
	}
	w.fail(errCut)
	w.advance(2 * time.Second)
	if _, err := w.Check(ctx); err != nil {
		t.Fatalf("control cut, in the second half: %v", err)
	}
	w.advance(DefaultValidity / 2)
	if _, err := w.Check(ctx); !errors.Is(err, ErrStale) || !errors.Is(err, ErrNotAttested) {
		t.Fatalf("control cut, time over: %v, want ErrStale", err)
	}
	w.fail(nil)
	w.advance(retry)
	if _, err := w.Check(ctx); err != nil {
		t.Fatalf("reachable again: %v", err)
	}
}

// TestShutGateIsUnavailable: a call on an open connection meets a shut gate as one that cannot
// connect does, with a code upon which exporters hold what they have.
func TestShutGateIsUnavailable(t *testing.T) {
	w := newWorld(t)
	call := perCall{w.Gate}
	if _, err := call.GetRequestMetadata(t.Context()); err != nil {
		t.Fatal(err)
	}
	w.fail(errCut)
	w.advance(DefaultValidity + time.Second)
	if _, err := call.GetRequestMetadata(t.Context()); status.Code(err) != codes.Unavailable || !strings.Contains(err.Error(), ErrStale.Error()) {
		t.Errorf("%v, want Unavailable, and why", err)
	}
}

// TestClearNo: a policy's no counts at once, whatever counted before.
func TestClearNo(t *testing.T) {
	w := newWorld(t)
	if _, err := w.Check(t.Context()); err != nil {
		t.Fatal(err)
	}
	w.fail(&Unacceptable{Checks: []attestation.Check{{Name: "notary.plugin-set", Required: true, Status: attestation.Fail, Detail: "another"}}})
	w.advance(retry)
	if _, err := w.appraise(t.Context(), w.tries); !errors.Is(err, ErrPluginSet) {
		t.Fatal(err)
	}
	if _, err := w.Check(t.Context()); !errors.Is(err, ErrPluginSet) || !errors.Is(err, ErrUnacceptable) {
		t.Errorf("after a no: %v", err)
	}
}

// TestClock: a clock that goes back before the appraisal, or far ahead, does not
// keep it alive.
func TestClock(t *testing.T) {
	for _, jump := range []time.Duration{-365 * 24 * time.Hour, 365 * 24 * time.Hour, -time.Hour} {
		w := newWorld(t)
		if _, err := w.Check(t.Context()); err != nil {
			t.Fatal(err)
		}
		w.fail(errCut)
		w.advance(jump)
		if _, err := w.Check(t.Context()); !errors.Is(err, ErrStale) {
			t.Errorf("after a jump of %v: %v, want ErrStale", jump, err)
		}
	}
}

// TestOneAtATime: many requests that come to a gate without an appraisal cause one.
func TestOneAtATime(t *testing.T) {
	w := newWorld(t)
	w.hold = make(chan struct{})
	var wg sync.WaitGroup
	errs := make([]error, 50)
	for i := range errs {
		wg.Go(func() { _, errs[i] = w.Check(t.Context()) })
	}
	close(w.hold)
	wg.Wait()
	if err := errors.Join(errs...); err != nil || w.made.Load() != 1 {
		t.Errorf("%d appraisals, %v; want 1", w.made.Load(), err)
	}
	// One that gives up waiting does not take the others with it.
	w.hold = make(chan struct{})
	w.advance(DefaultValidity)
	ctx, cancel := context.WithCancel(t.Context())
	first := make(chan error, 1)
	go func() { _, err := w.Check(t.Context()); first <- err }()
	for w.made.Load() != 2 {
	}
	cancel()
	if _, err := w.Check(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("given up: %v", err)
	}
	close(w.hold)
	if err := <-first; err != nil {
		t.Error(err)
	}
}

// TestOverMeanwhile: who looked before an appraisal was over and comes to his turn
// after it has that one, be it good or not, and causes no second.
func TestOverMeanwhile(t *testing.T) {
	for _, outcome := range []error{nil, errCut} {
		w := newWorld(t)
		w.fail(outcome)
		looked := w.tries
		made, err := w.appraise(t.Context(), looked)
		if !errors.Is(err, outcome) {
			t.Fatal(err)
		}
		w.advance(retry)
		if got, err := w.appraise(t.Context(), looked); got != made || !errors.Is(err, outcome) || w.made.Load() != 1 {
			t.Errorf("after %v: %v, %d appraisals; want 1, and what it found", outcome, err, w.made.Load())
		}
	}
}

// TestStartedAnew: a peer with another key is appraised, also right after an appraisal
// that found the notary still starting; and many such peers cause one appraisal.
func TestStartedAnew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.now = time.Now
		serves := "old"
		w.attempt = func(context.Context) (*Appraisal, []attestation.Check, error) {
			w.made.Add(1)
			if serves == "" {
				return nil, nil, errCut
			}
			return &Appraisal{Proof: &challenge.Proof{At: time.Now()}, Until: time.Now().Add(DefaultValidity), spki: sha256.Sum256([]byte(serves))}, nil, nil
		}
		peer := func(key string) error {
			c := &x509.Certificate{RawSubjectPublicKeyInfo: []byte(key)}
			return w.peer(t.Context(), &tls.ConnectionState{Version: tls.VersionTLS13, PeerCertificates: []*x509.Certificate{c}})
		}
		if err := peer("old"); err != nil {
			t.Fatal(err)
		}
		time.Sleep(retry)
		serves = ""
		if err := peer("new"); !errors.Is(err, ErrPeer) {
			t.Fatalf("a notary that is starting: %v", err)
		}
		serves = "new"
		var wg sync.WaitGroup
		errs, before := make([]error, 50), w.made.Load()
		for i := range errs {
			wg.Go(func() { errs[i] = peer("new") })
		}
		wg.Wait()
		if err := errors.Join(errs...); err != nil || w.made.Load() != before+1 {
			t.Errorf("started: %d appraisals, %v; want 1", w.made.Load()-before, err)
		}
		if err := peer("old"); !errors.Is(err, ErrPeer) {
			t.Errorf("the key of before: %v", err)
		}
	})
}

func TestOptions(t *testing.T) {
	w := newWorld(t)
	for name, o := range map[string]Options{
		"no policy":  {Control: "https://a"},
		"plain http": {Control: "http://a", Policy: w.o.Policy},
		"no URL":     {Policy: w.o.Policy},
		"negative":   {Control: "https://a", Policy: w.o.Policy, Validity: -1},
	} {
		if _, err := New(o); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}
