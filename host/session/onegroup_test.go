package session_test

import (
	"slices"
	"sync"
	"testing"

	"github.com/veriproof/notary/host/internal/bench"
	"github.com/veriproof/notary/host/journal"
	"github.com/veriproof/notary/host/journal/journaltest"
	"github.com/veriproof/notary/host/otlpwire"
	format "github.com/veriproof/notary/sdk/journal"
)

// TestExportIsOneGroup: all that an export has goes to an idle storage in one write, however
// many sessions it is of.
func TestExportIsOneGroup(t *testing.T) {
	w := newWorld(t)
	var mu sync.Mutex
	var writes []int // of segments, and how many each has
	w.store.Inject(func(g journal.Group) journaltest.Fault {
		n := 0
		for _, h := range g.Heads {
			if format.Kind(h.Kind) == format.KindSegment {
				n++
			}
		}
		mu.Lock()
		defer mu.Unlock()
		if n > 0 {
			writes = append(writes, n)
		}
		return journaltest.None
	})
	n := w.start()
	for seed := range uint64(20) {
		if _, err := n.Export(t.Context(), "tenant", otlpwire.Traces, bench.GenAI(seed)); err != nil {
			t.Fatal(err)
		}
	}
	w.close(n)
	mu.Lock()
	defer mu.Unlock()
	if want := slices.Repeat([]int{5}, 20); len(writes) < 20 || !slices.Equal(writes[:20], want) {
		t.Errorf("20 exports of five sessions made writes of %v segments, want 5 each", writes)
	}
}
