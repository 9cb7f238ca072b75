package archive_test

import (
	"bytes"
	"context"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"github.com/veriproof/notary/host/archive"
	"github.com/veriproof/notary/host/journal"
	"github.com/veriproof/notary/host/journal/journaltest"
	format "github.com/veriproof/notary/sdk/journal"
)

// asked is a store that tells what it is asked for, and never answers for one place.
type asked struct {
	*journaltest.Store
	seqs        chan uint64
	hangs       uint64
	now, atOnce atomic.Int32
}

func (a *asked) Get(ctx context.Context, epoch [16]byte, seq uint64) (journal.Chunk, error) {
	if a.now.Add(1) > 1 {
		a.atOnce.Add(1)
	}
	defer a.now.Add(-1)
	a.seqs <- seq
	if seq == a.hangs {
		<-ctx.Done()
		return journal.Chunk{}, ctx.Err()
	}
	return a.Store.Get(ctx, epoch, seq)
}

// TestReadsAhead: while a chunk is checked, storage is asked for the next and for no
// other. Where the chunk turns out to be damaged, the answer is not waited for. (A scan
// that waits for what does not come is a deadlock, which synctest tells.)
func TestReadsAhead(t *testing.T) {
	auditor := identity(t)
	for name, damaged := range map[string]bool{"sound": false, "damaged": true} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWriter(journaltest.New(), 1, auditor)
				m, _ := w.session("s")
				w.seal(m)
				last := w.next - 1 // is a chunk of its own
				a := &asked{Store: w.store, seqs: make(chan uint64, 100), hangs: 1 << 60}
				if damaged {
					a.hangs = last
					w.store.Tamper(w.epoch, func(c journal.Chunk) journal.Chunk {
						if c.FirstSeq == last-1 {
							c.Entries = bytes.Clone(c.Entries)
							c.Entries[len(c.Entries)-1] ^= 1 // of its signature or body
						}
						return c
					})
				}
				upTo := uint64(0)
				got, err := archive.Scan(t.Context(), a, archive.Options{Visit: func(_ *archive.Epoch, entry *format.Entry) {
					for upTo <= entry.Seq && entry.Seq < last {
						upTo = <-a.seqs
					}
				}})
				if err != nil {
					t.Fatal(err)
				}
				if e := got.Epoch(w.epoch); (e.Err != nil) != damaged {
					t.Errorf("the epoch: %v", e.Err)
				}
				if a.now.Load() != 0 || a.atOnce.Load() != 0 {
					t.Errorf("%d reads at once with another, %d still under way", a.atOnce.Load(), a.now.Load())
				}
			})
		})
	}
}
