package audit_test

import (
	"slices"
	"testing"

	"github.com/veriproof/notary/host/audit"
	"github.com/veriproof/notary/host/journal"
	"github.com/veriproof/notary/sdk/receipt"
)

// TestBehindGap: where commits are written several at a time, the last of a notary that
// died may be behind one that is not there. They are named, and are no finding, unless
// somebody was told of them: the log, or a sender.
func TestBehindGap(t *testing.T) {
	base := newWorld(t.Context())
	three := receipt.Epoch{3}
	for _, tt := range []struct {
		name      string
		allowed   int
		log       bool
		positions bool
		want      []string // checks with findings
	}{
		{name: "nobody was told", allowed: 3},
		{name: "the log was told", allowed: 3, log: true, want: []string{audit.CheckEntries}},
		{name: "a sender was told", allowed: 3, positions: true, want: []string{audit.CheckPositions}},
		{name: "read by who writes one at a time", allowed: 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			store := base.today.memory()
			store.Allow(tt.allowed)
			var gone journal.Chunk
			var left uint64
			store.Rewrite(three, func(c []journal.Chunk) []journal.Chunk {
				// The groups of the three exports are the second to the fourth.
				gone, left = c[2], c[3].FirstSeq
				return slices.Delete(c[:4], 2, 3)
			})
			o := audit.Options{Believe: believe}
			if tt.log {
				o.Log = base.log
			}
			if tt.positions {
				o.Positions = base.positions
			}
			report, err := audit.Run(t.Context(), store, o)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, f := range report.Findings {
				if !slices.Contains(got, f.Check) {
					got = append(got, f.Check)
				}
				if tt.positions && (f.Kind != audit.Missing || f.First != gone.FirstSeq || f.Epoch != three.String()) {
					t.Errorf("%v", f.String())
				}
			}
			if !slices.Equal(got, tt.want) {
				t.Errorf("findings of %v, want %v", got, tt.want)
			}
			named := []audit.Unacknowledged{{Epoch: three.String(), First: left, Last: left}}
			if !slices.Equal(report.Unacknowledged, named) {
				t.Errorf("named are %v, want %v", report.Unacknowledged, named)
			}
		})
	}
}
