package control_test

import (
	"context"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/veriproof/notary/attestation/simtee"
	"github.com/veriproof/notary/host/attester"
)

// hand is a clock that is set by hand.
type hand struct {
	mu  sync.Mutex
	now time.Time
}

func (h *hand) read() time.Time {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.now
}

func (h *hand) pass(d time.Duration) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.now = h.now.Add(d)
}

// told gets a line for each failed renewal.
type told chan struct{}

func (c told) Write(line []byte) (int, error) {
	if strings.Contains(string(line), "not renewed") {
		c <- struct{}{}
	}
	return len(line), nil
}

// T26, as operators see it: with MAA down the notary is ready until the margin
// before the token's expiry, then says at /readyz and in the metrics that its
// attestation is stale and why, still serves its Evidence, and is ready again by
// itself when MAA is back.
func TestT26StaleAttestationIsTold(t *testing.T) {
	clock := &hand{now: time.Now().Round(0)}
	failed := make(told, 100)
	a := newAttested(t, simtee.Options{TokenLifetime: time.Hour}, clock.read, func(o *attester.Options, _ *simtee.TEE) {
		o.Logger = slog.New(slog.NewTextHandler(failed, nil))
	})
	w := serveAttested(t, a, nil)
	var renewing sync.WaitGroup
	ctx, cancel := context.WithCancel(context.Background())
	defer renewing.Wait()
	defer cancel()

	wantTold := func(when string, stale bool, reason string) {
		t.Helper()
		resp, body := w.do(t, "GET", "/readyz", "", nil)
		if (resp.StatusCode == 503) != stale || !strings.Contains(body, reason) {
			t.Errorf("%s: /readyz is %d %q, want stale: %t with %q", when, resp.StatusCode, body, stale, reason)
		}
		_, metrics := w.do(t, "GET", "/metrics", scraper, nil)
		ready, old := "notary_ready 1\n", "notary_attestation_stale 0\n"
		if stale {
			ready, old = "notary_ready 0\n", "notary_attestation_stale 1\n"
		}
		for _, line := range []string{ready, old, "\nnotary_attestation_expiry_seconds "} {
			if !strings.Contains(metrics, line) {
				t.Errorf("%s: metrics lack %q", when, line)
			}
		}
		if resp, _ := w.do(t, "GET", "/v1/evidence", "", nil); resp.StatusCode != 200 {
			t.Errorf("%s: /v1/evidence is %d", when, resp.StatusCode)
		}
	}
	wantTold("at first", false, "ready")
	a.tee.SetFaults(simtee.Faults{MAADown: true})
	clock.pass(time.Hour - attester.DefaultMargin - time.Second)
	wantTold("just before the margin", false, "ready")
	clock.pass(time.Second)
	wantTold("at the margin", true, "could not be renewed in time")

	// The renewal loop puts the reason beside it.
	renewing.Go(func() { _ = a.Run(ctx, nil) })
	<-failed
	wantTold("after a failed renewal", true, "step maa token: attest: attestation service answered 503")
	cancel()
	renewing.Wait()

	a.tee.SetFaults(simtee.Faults{})
	if _, err := a.Attest(context.Background(), nil); err != nil {
		t.Fatal(err)
	}
	wantTold("with MAA back", false, "ready")
}
