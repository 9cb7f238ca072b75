package audit_test

import (
	"context"
	"crypto/ed25519"
	"testing"
	"time"

	"github.com/veriproof/notary/host/audit"
	"github.com/veriproof/notary/host/commitlog"
	"github.com/veriproof/notary/host/journal"
	"github.com/veriproof/notary/host/journal/journaltest"
	"github.com/veriproof/notary/sdk/receipt"
)

// unwritable is a storage that tells of every attempt to change it.
type unwritable struct {
	journal.Store
	t *testing.T
}

func (u unwritable) Put(context.Context, journal.Group) error {
	u.t.Error("an audit writes")
	return nil
}

func (u unwritable) EraseKey(context.Context, journal.KeyID) error {
	u.t.Error("an audit erases a key")
	return nil
}

// TestProgress: whoever waits for an audit is told how far it has come in the journal, and
// then in the log, in numbers that do not fall and are no more than the report has. It
// writes nothing meanwhile.
func TestProgress(t *testing.T) {
	t.Parallel()
	log, err := commitlog.OpenPOSIX(t.TempDir(), "example.org/long", commitlog.Options{})
	must(err)
	defer log.Close()
	memory := journaltest.New()
	w := &world{store: memory, keys: make(map[receipt.Epoch]ed25519.PrivateKey)}
	n := w.start(t.Context(), 1, log, time.Now)
	n.export(t.Context(), "long", 5000)
	must(n.Close(t.Context()))
	lines := make(entries, 5000)
	var seen []audit.Progress
	r, err := audit.Run(t.Context(), unwritable{memory, t}, audit.Options{
		Believe: believe, Log: lines, Progress: func(p audit.Progress) { seen = append(seen, p) },
	})
	must(err)
	if len(seen) < 2 || seen[0].Entries == 0 || seen[0].LogEntries != 0 || seen[len(seen)-1].LogEntries == 0 {
		t.Fatalf("progress %+v", seen)
	}
	for i, p := range seen[1:] {
		if p.Entries < seen[i].Entries || p.LogEntries < seen[i].LogEntries {
			t.Errorf("progress falls: %+v", seen)
		}
	}
	if last := seen[len(seen)-1]; last.Entries > r.Entries || last.LogEntries > r.LogEntries {
		t.Errorf("progress %+v is more than %d entries, %d of the log", last, r.Entries, r.LogEntries)
	}
}
