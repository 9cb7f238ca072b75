package session_test

import (
	"testing"
	"time"

	"github.com/veriproof/notary/sdk/receipt"
)

// TestClockSetBack: a host that sets its clock back cannot keep a part from being
// sealed or recovered, and what is then stated is in order.
func TestClockSetBack(t *testing.T) {
	w := newWorld(t)
	dead := w.start()
	export(t, dead, request("done", span("a")))
	export(t, dead, request("open", span("b")))
	w.advance(-time.Hour)
	export(t, dead, request("done", lastSpan("c")))
	settled(t, dead, "done", 1)
	w.crash(dead)
	w.close(w.start())
	reasons := map[receipt.Reason]bool{}
	for _, p := range w.verified().Parts() {
		if p.Manifest == nil {
			t.Fatalf("part %v is not sealed", p.ID)
		}
		reasons[p.Manifest.Reason] = true
		if c := p.Manifest.HostClock; c.SealedUnixNano < c.OpenedUnixNano {
			t.Errorf("sealed %v before it was opened", time.Duration(c.OpenedUnixNano-c.SealedUnixNano))
		}
	}
	if !reasons[receipt.ReasonEnd] || !reasons[receipt.ReasonRecovered] {
		t.Errorf("parts sealed for %v", reasons)
	}
}
