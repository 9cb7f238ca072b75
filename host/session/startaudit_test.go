package session_test

import (
	"context"
	"errors"
	"iter"
	"slices"

	"github.com/veriproof/notary/host/archive"
	"github.com/veriproof/notary/host/audit"
	"github.com/veriproof/notary/host/journal"
	"github.com/veriproof/notary/host/merkle"
	"github.com/veriproof/notary/sdk/receipt"
)

// scan reads storage at a start, and audits it as "notary serve" does: whatever befell the
// notaries of before, who found nothing changed must not be told that something is missing.
// Nor must one of another image, who believes none of them.
func (r *run) scan(ctx context.Context, store journal.Store, o archive.Options) (found *archive.Archive, err error) {
	stranger := func(*archive.Epoch) error { return errors.New("another image") }
	for _, believe := range []func(*archive.Epoch) error{stranger, o.Believe} { // the second is this one's
		report, err := audit.Run(ctx, store, audit.Options{
			Log: auditedLog{r.log}, Believe: believe, Found: func(a *archive.Archive) { found = a },
		})
		if err != nil {
			return nil, err
		}
		for i := range report.Findings {
			if f := &report.Findings[i]; f.Check != audit.CheckNotaries {
				r.t.Errorf("life %d would not start: %s", r.lives, f.String())
			}
		}
	}
	return found, nil
}

// auditedLog is the log as an auditor reads it.
type auditedLog struct{ *memoryLog }

func (l auditedLog) Checkpoint(context.Context) (uint64, receipt.Hash, []byte, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	var e merkle.Edge
	for _, c := range l.leaves {
		e.Append(receipt.LeafHash(c[:]))
	}
	return e.Size(), e.Root(), nil, nil
}

func (l auditedLog) Entries(_ context.Context, size uint64) iter.Seq2[receipt.Hash, error] {
	l.mu.Lock()
	leaves := slices.Clone(l.leaves[:size])
	l.mu.Unlock()
	return func(yield func(receipt.Hash, error) bool) {
		for _, c := range leaves {
			if !yield(c, nil) {
				return
			}
		}
	}
}
