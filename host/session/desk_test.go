package session

import (
	"testing"
	"time"

	"github.com/veriproof/notary/host/journal"
)

// TestWaitsForMany: what an export of duplicates waits for is noted once each, in time that grows
// as their number does: 32,000 took a second, with the part locked.
func TestWaitsForMany(t *testing.T) {
	const n = 200_000
	all := make([]journal.Pending, n)
	d := &desk{pending: []*journal.Pending{&all[0]}} // of a session before
	start := time.Now()
	for range 2 {
		for i := range all {
			d.wait(&all[i], 1)
		}
	}
	if took := time.Since(start); took > 5*time.Second {
		t.Errorf("%d took %v", n, took)
	}
	if len(d.pending) != 1+n {
		t.Errorf("it waits for %d, want %d", len(d.pending), 1+n)
	}
	for i, p := range d.pending[1:] {
		if p != &all[i] {
			t.Fatalf("%d is another", i)
		}
	}
}
