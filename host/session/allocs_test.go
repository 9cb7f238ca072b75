package session_test

import (
	"bytes"
	"context"
	"fmt"
	"runtime"
	"testing"

	"github.com/veriproof/notary/host/internal/bench"
	"github.com/veriproof/notary/host/journal/journaltest"
	"github.com/veriproof/notary/host/otlpwire"
	"github.com/veriproof/notary/host/pluginhost"
	"github.com/veriproof/notary/host/session"
)

// blind is a Redactor that finds nothing and looks at nothing.
type blind struct{}

func (blind) Redact(context.Context, []pluginhost.Field) ([]pluginhost.Edit, error) { return nil, nil }

// TestAllocationsOfAnExport: an export of 50 spans and 117 KB, in five sessions, works in
// memory that the one before has used. Measured are 3 allocations and 0.3 KB per span; it was 22 and 10.
// The race detector takes away a part of what is kept, and is allowed for. Without a redactor
// it is not more.
func TestAllocationsOfAnExport(t *testing.T) {
	with, size := allocationsOfAnExport(t, func(o *session.Options) { o.Redactor = blind{} })
	if with > 240 || size > 400_000 {
		t.Errorf("%.0f allocations of %.0f bytes", with, size)
	}
	without, size := allocationsOfAnExport(t, withoutRedactor)
	if without > with+10 || size > 400_000 {
		t.Errorf("%.0f allocations of %.0f bytes without a redactor, %.0f allocations with one", without, size, with)
	}
}

func allocationsOfAnExport(t *testing.T, tune func(*session.Options)) (allocs, size float64) {
	t.Helper()
	w := newWorld(t)
	w.tune = func(o *session.Options) { o.Store = journaltest.Discard{}; tune(o) }
	n := w.start()
	body := bench.GenAI(1)
	r, err := otlpwire.Walk(body, otlpwire.Traces, otlpwire.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	var ids []int
	for i := range r.Records {
		ids = append(ids, bytes.Index(body, r.TraceID(i)))
	}
	sent := uint64(0)
	send := func() {
		sent++
		for _, at := range ids {
			copy(body[at:], fmt.Sprintf("%08d", sent)) // what is sent twice is dropped
		}
		if _, err := n.Export(t.Context(), "tenant", otlpwire.Traces, body); err != nil {
			t.Fatal(err)
		}
	}
	const runs = 200
	var before, after runtime.MemStats
	send()
	runtime.ReadMemStats(&before)
	allocs = testing.AllocsPerRun(runs, send)
	runtime.ReadMemStats(&after)
	size = float64(after.TotalAlloc-before.TotalAlloc) / runs
	t.Logf("%.0f allocations and %.0f bytes", allocs, size)
	return allocs, size
}
