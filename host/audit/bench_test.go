package audit_test

import (
	"crypto/ed25519"
	"crypto/sha256"
	"testing"

	"github.com/veriproof/notary/host/audit"
	"github.com/veriproof/notary/host/journal"
	"github.com/veriproof/notary/host/journal/journaltest"
	"github.com/veriproof/notary/host/seal"
	format "github.com/veriproof/notary/sdk/journal"
	"github.com/veriproof/notary/sdk/receipt"
)

// BenchmarkRun audits an epoch of sessions with 16 segments each, 16 entries to
// a commit; a segment has 8 records.
func BenchmarkRun(b *testing.B) {
	const parts, segments = 500, 16
	store, epoch := journaltest.New(), receipt.Epoch{1}
	key := ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize))
	recipient, err := format.GenerateIdentity()
	must(err)
	ring, err := seal.NewRing(epoch, []*format.Recipient{recipient.Recipient()})
	must(err)
	fresh, err := ring.Next()
	must(err)
	ring.Use(fresh)
	body, err := format.EncodeBody(format.EpochBody{RuntimeData: runtimeData(epoch, key)})
	must(err)
	w := journal.NewWriter(store, epoch, key, journal.Options{})
	commit := func(drafts ...journal.Draft) {
		p, err := w.Append(drafts, nil)
		must(err)
		_, err = p.Wait(b.Context())
		must(err)
	}
	commit(journal.Draft{Kind: format.KindEpoch, Body: body})
	record := make([]byte, 500)
	for i := range parts {
		handle := receipt.Handle(sha256.Sum256([]byte{byte(i), byte(i >> 8)}))
		part, err := ring.OpenPart(receipt.PartID{Epoch: epoch, Handle: handle})
		must(err)
		var drafts []journal.Draft
		for range segments {
			c := &format.Content{Tenant: "acme", Session: handle[:]}
			for range 8 {
				c.Records = append(c.Records, receipt.Record{Kind: receipt.Span, Edits: receipt.EncodeEdits(nil), Bytes: record})
			}
			number, s := part.Seal(c)
			drafts = append(drafts, journal.Draft{Kind: format.KindSegment, Handle: handle, Segment: number, Body: s.Encode()})
		}
		commit(drafts...)
	}
	for b.Loop() {
		report, err := audit.Run(b.Context(), store, audit.Options{Believe: believe})
		must(err)
		if len(report.Findings) > 0 || report.Entries != parts*segments+1 {
			b.Fatalf("%d entries, %v", report.Entries, report.Findings)
		}
	}
	b.ReportMetric(float64(b.N*parts*segments)/b.Elapsed().Seconds(), "entries/s")
}
