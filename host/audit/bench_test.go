package audit_test

import (
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/veriproof/notary/host/audit"
	"github.com/veriproof/notary/host/journal"
	"github.com/veriproof/notary/host/journal/journaltest"
	"github.com/veriproof/notary/host/pluginhost"
	"github.com/veriproof/notary/host/seal"
	format "github.com/veriproof/notary/sdk/journal"
	"github.com/veriproof/notary/sdk/plugin/abi"
	"github.com/veriproof/notary/sdk/plugin/build"
	"github.com/veriproof/notary/sdk/receipt"
)

// BenchmarkRun audits an epoch of sessions with 16 segments each, 16 entries to
// a commit; a segment has 8 records of 500 bytes.
func BenchmarkRun(b *testing.B) { benchmark(b, journaltest.New(), 500, 8) }

// BenchmarkMillion audits a million entries of 2 records each in store-dir, the
// adapter included.
func BenchmarkMillion(b *testing.B) {
	module, err := build.Module(b.Context(), filepath.Join("..", "..", "plugins", "store-dir"))
	must(err)
	set, err := pluginhost.Load(b.Context(), []pluginhost.Source{{Name: "store-dir", Kind: abi.KindStorage, Module: module}}, pluginhost.Options{BlobDir: b.TempDir()})
	must(err)
	defer set.Close(context.Background())
	benchmark(b, set.Store(), 62_500, 2)
}

func benchmark(b *testing.B, store journal.Store, parts, records int) {
	fill(b, store, parts, records)
	began := cpu()
	for b.Loop() {
		report, err := audit.Run(b.Context(), store, audit.Options{Believe: believe})
		must(err)
		if len(report.Findings) > 0 || report.Entries != uint64(parts*segments+1) {
			b.Fatalf("%d entries, %v", report.Entries, report.Findings)
		}
	}
	b.ReportMetric(float64(b.N*parts*segments)/b.Elapsed().Seconds(), "entries/s")
	b.ReportMetric((cpu()-began)/float64(b.N), "CPU-s/op")
}

// segments are those of each session part that fill makes.
const segments = 16

// fill writes an epoch of session parts, in a commit each.
func fill(b *testing.B, store journal.Store, parts, records int) {
	epoch := receipt.Epoch{1}
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
			for range records {
				c.Records = append(c.Records, receipt.Record{Kind: receipt.Span, Edits: receipt.EncodeEdits(nil), Bytes: record})
			}
			number, s := part.Seal(c)
			drafts = append(drafts, journal.Draft{Kind: format.KindSegment, Handle: handle, Segment: number, Body: s.Encode()})
		}
		commit(drafts...)
	}
}

// cpu is the processor time of this process so far, in seconds.
func cpu() float64 {
	var u syscall.Rusage
	must(syscall.Getrusage(syscall.RUSAGE_SELF, &u))
	return time.Duration(u.Utime.Nano() + u.Stime.Nano()).Seconds()
}
