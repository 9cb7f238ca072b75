//go:build postgres

package postgres_test

import (
	"errors"
	"sync"
	"testing"

	"github.com/veriproof/notary/host/journal"
	"github.com/veriproof/notary/host/journal/journaltest"
	"github.com/veriproof/notary/host/pluginhost"
)

// TestErasureBySeveral: notaries that share a database erase keys of one epoch at the
// same time, while its own notary repeats the write that made them. Every key is gone
// in the end: an erasure is one statement on one row, and no write brings it back.
func TestErasureBySeveral(t *testing.T) {
	a, _, s := store(t)
	b, err := load(t, open(t, options(s)))
	if err != nil {
		t.Fatal(err)
	}
	ctx := t.Context()
	const keys = 100
	first := journaltest.Group(1, 0, "zero")
	for i := range keys {
		first.Keys = append(first.Keys, journal.WrappedKey{ID: journaltest.KeyID(1, byte(i), 0), DEK: journal.Sealed("dek")})
	}
	if err := a.Put(ctx, first); err != nil {
		t.Fatal(err)
	}
	var work sync.WaitGroup
	for i, by := range []*pluginhost.Adapter{a, b, a, b} {
		work.Go(func() {
			for k := i % 2; k < keys; k += 2 { // two of them each key
				if err := by.EraseKey(ctx, first.Keys[k].ID); err != nil && !errors.Is(err, journal.ErrNotFound) {
					t.Error(err)
				}
			}
		})
	}
	work.Go(func() {
		for range keys / 4 {
			if err := a.Put(ctx, first); !errors.Is(err, journal.ErrConflict) {
				t.Errorf("the same write again: %v", err)
			}
		}
	})
	work.Wait()
	for i := range keys {
		if _, err := b.Key(ctx, first.Keys[i].ID); !errors.Is(err, journal.ErrNotFound) {
			t.Errorf("key %d is there: %v", i, err)
		}
	}
}
