package audit_test

import (
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/veriproof/notary/attestation"
	"github.com/veriproof/notary/host/archive"
	"github.com/veriproof/notary/host/audit"
	"github.com/veriproof/notary/host/commitlog"
	"github.com/veriproof/notary/host/journal"
	"github.com/veriproof/notary/host/journal/journaltest"
	"github.com/veriproof/notary/host/seal"
	"github.com/veriproof/notary/host/session"
	format "github.com/veriproof/notary/sdk/journal"
	"github.com/veriproof/notary/sdk/receipt"
)

// TestRetention: an audit of a storage in which keys were destroyed, by age and by an
// operator, and sessions are held, finds nothing wrong, and says how many.
func TestRetention(t *testing.T) {
	log, err := commitlog.OpenPOSIX(t.TempDir(), "example.org/kept", commitlog.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	recipient, err := format.GenerateIdentity()
	if err != nil {
		t.Fatal(err)
	}
	epoch, key := receipt.Epoch{1}, ed25519.NewKeyFromSeed([]byte(strings.Repeat("k", ed25519.SeedSize)))
	ring, err := seal.NewRing(epoch, []*format.Recipient{recipient.Recipient()})
	if err != nil {
		t.Fatal(err)
	}
	store, data, now := journaltest.New(), runtimeData(epoch, key), time.Unix(1_800_000_000, 0)
	n, err := session.Start(t.Context(), session.Options{
		Store: store, Redactor: blind{}, Log: log, Ring: ring, Key: key,
		Origin: receipt.Origin{Epoch: epoch, RuntimeData: sha256.Sum256(data), Mode: "enforce"},
		Entry:  format.EpochBody{RuntimeData: data}, Appraise: func(*archive.Epoch) error { return nil },
		Now: func() time.Time { return now }, Retention: 100 * 24 * time.Hour,
		Copies: func(context.Context) session.Copies {
			return session.Copies{Unasked: []string{"a backup of acme"}, Found: []journal.Copy{
				{Kind: "versions", Count: 2, Text: "in one place"}, {Kind: "slots", Count: 1, Text: "standby of acme"}, {Kind: "versions", Count: 3, Text: "in another"},
			}}
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	w := notary{n, &world{}}
	for _, id := range []string{"asked", "old", "held", "released"} {
		w.export(t.Context(), id, 1)
		if err := n.EndSession(t.Context(), "acme", id); err != nil {
			t.Fatal(err)
		}
	}
	erased, err := n.Erase(t.Context(), "acme", "asked")
	if err != nil {
		t.Fatal(err)
	}
	if c, err := n.TellErased(t.Context(), erased); err != nil || c.None() || len(c.Found) != 3 || len(c.Unasked) != 1 {
		t.Fatalf("%+v %v", c, err)
	}
	for _, id := range []string{"held", "released"} {
		if _, err := n.Hold(t.Context(), "acme", id); err != nil {
			t.Fatal(err)
		}
	}
	if list, err := n.Release(t.Context(), "acme", "released"); err != nil || len(list) != 1 {
		t.Fatalf("released %+v %v", list, err)
	}
	taken, err := n.JournalExport(t.Context(), format.ExportBody{Parts: 4, For: "the court", By: "on-call"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	at := now.UnixNano()
	now = now.Add(101 * 24 * time.Hour)
	if err := n.Tick(t.Context()); err != nil {
		t.Fatal(err)
	}
	for n.Stats().Expired < 2 {
		<-time.After(time.Millisecond)
	}
	if err := n.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	r, err := audit.Run(t.Context(), store, audit.Options{Believe: believe})
	if err != nil || len(r.Findings) != 0 {
		t.Fatalf("%v, findings %+v", err, r)
	}
	if r.Parts != 4 || r.Erased != 3 || r.ByAge != 2 || r.Held != 1 || r.Partial != 3 || r.Untold != 0 {
		t.Errorf("%d parts, %d erased, %d by age, %d held, %d partially, %d untold; want 4, 3, 2, 1, 3, 0", r.Parts, r.Erased, r.ByAge, r.Held, r.Partial, r.Untold)
	}
	counts := []format.Copies{{Kind: "slots", Count: 1}, {Kind: "versions", Count: 5}}
	if len(r.Erasures) != 2 || r.Erasures[0].Parts != 1 || r.Erasures[0].AtUnixNano != at || r.Erasures[1].Parts != 2 ||
		!slices.Equal(r.Erasures[0].Found, counts) || r.Erasures[1].Unasked != 1 {
		t.Errorf("erasures %+v", r.Erasures)
	}
	want := []audit.Export{{Epoch: taken.Epoch.String(), Seq: taken.Seq, ExportBody: format.ExportBody{Parts: 4, For: "the court", By: "on-call", AtUnixNano: at}}}
	if !slices.Equal(r.Exports, want) {
		t.Errorf("exports %+v, want %+v", r.Exports, want)
	}
	said := false
	for _, c := range r.Checks {
		said = said || c.Status == attestation.Pass && strings.Contains(c.Detail, "3 are erased, 2 of them by age, 3 partially, 0 without a word about the outcome, and 1 are held; 1 exports are journaled")
	}
	if !said {
		t.Errorf("checks %+v", r.Checks)
	}
}
