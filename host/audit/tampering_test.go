package audit_test

import (
	"crypto/sha256"
	"errors"
	"slices"
	"testing"

	"github.com/veriproof/notary/attestation"
	"github.com/veriproof/notary/host/archive"
	"github.com/veriproof/notary/host/audit"
	"github.com/veriproof/notary/host/journal"
	"github.com/veriproof/notary/host/journal/journaltest"
	format "github.com/veriproof/notary/sdk/journal"
	"github.com/veriproof/notary/sdk/receipt"
)

// TestTampering covers T30, T31, T32 and T40 as far as storage or log are
// changed: each change is found, and named with its range.
func TestTampering(t *testing.T) {
	t.Parallel()
	tampering(t, journaltest.New(), 5)
}

// tampering plays the story on a storage, changes it in each way, and interrupts audits
// before each of so many reads.
func tampering(t *testing.T, store storage, step int) {
	base := play(t.Context(), store)
	one, two, three := receipt.Epoch{1}, receipt.Epoch{2}, receipt.Epoch{3}
	chunks := base.today
	last := func(w *world, e receipt.Epoch) uint64 { // seq
		a, err := archive.Scan(t.Context(), w.store, archive.Options{})
		must(err)
		return a.Epoch(e).Next - 1
	}
	end := last(base, three)
	a, err := archive.Scan(t.Context(), base.store, archive.Options{})
	must(err)
	sealed := a.Epoch(three).Manifests[0].SealedSeq
	// A chunk in the middle of an epoch, which is neither its first nor its last.
	at := func(e receipt.Epoch, i int) (first, until uint64) {
		list := chunks[e]
		return list[i].FirstSeq, list[i+1].FirstSeq - 1
	}
	first2, until2 := at(one, 2)
	_, until3 := at(one, 3)

	for _, tt := range []struct {
		name string
		do   func(w *world, o *audit.Options)
		want []audit.Finding // without details; those of other checks may follow
	}{
		{"T31 deleted", func(w *world, _ *audit.Options) {
			w.store.Rewrite(one, func(c []journal.Chunk) []journal.Chunk { return slices.Delete(c, 2, 3) })
		}, []audit.Finding{{Check: audit.CheckChain, Kind: audit.Missing, Epoch: one.String(), First: first2, Last: until2}}},
		{"first deleted", func(w *world, _ *audit.Options) {
			w.store.Rewrite(one, func(c []journal.Chunk) []journal.Chunk { return c[1:] })
		}, []audit.Finding{
			{Check: audit.CheckChain, Kind: audit.Missing, Epoch: one.String(), First: 0, Last: chunks[one][1].FirstSeq - 1},
			// The key was in entry 0: nothing of what is left can be checked, but for the
			// fence, which another has signed.
			{Check: audit.CheckChain, Kind: audit.Wrong, Epoch: one.String(), First: chunks[one][1].FirstSeq, Last: last(base, one) - 1},
		}},
		{"T32 a byte changed", func(w *world, _ *audit.Options) {
			w.store.Rewrite(one, func(c []journal.Chunk) []journal.Chunk {
				c[2].Entries = slices.Clone(c[2].Entries)
				c[2].Entries[len(c[2].Entries)-1] ^= 1
				return c
			})
		}, []audit.Finding{{Check: audit.CheckChain, Kind: audit.Wrong, Epoch: one.String(), First: first2, Last: until2}}},
		{"T32 old ciphertext under a new id", func(w *world, _ *audit.Options) {
			w.store.Rewrite(two, func(c []journal.Chunk) []journal.Chunk {
				c[1].Entries = chunks[one][1].Entries
				return c
			})
		}, []audit.Finding{{Check: audit.CheckChain, Kind: audit.Wrong, Epoch: two.String(), First: chunks[two][1].FirstSeq, Last: chunks[two][2].FirstSeq - 1}}},
		{"T32 swapped rows", func(w *world, _ *audit.Options) {
			w.store.Rewrite(one, func(c []journal.Chunk) []journal.Chunk {
				c[2].Entries, c[3].Entries = c[3].Entries, c[2].Entries
				return c
			})
		}, []audit.Finding{{Check: audit.CheckChain, Kind: audit.Wrong, Epoch: one.String(), First: first2, Last: until3}}},
		{"T30 truncated, a later epoch knew more", func(w *world, _ *audit.Options) {
			w.store.Rewrite(two, func(c []journal.Chunk) []journal.Chunk { return c[:2] })
		}, []audit.Finding{{Check: audit.CheckHeads, Kind: audit.Missing, Epoch: two.String(), First: chunks[two][2].FirstSeq, Last: last(base, two), OrMore: true}}},
		{"T30 truncated, nobody but the log knew more", func(w *world, _ *audit.Options) {
			w.store.Rewrite(three, func(c []journal.Chunk) []journal.Chunk { return c[:2] })
		}, []audit.Finding{{Check: audit.CheckEntries, Kind: audit.Unaccounted, First: uint64(len(base.log)) - 2, Last: uint64(len(base.log)) - 1}}},
		{"T30 truncated within a commit", func(w *world, _ *audit.Options) {
			w.store.Rewrite(three, func(c []journal.Chunk) []journal.Chunk {
				c = c[:1]
				entry, _, err := format.Decode(c[0].Entries)
				must(err)
				c[0].Entries = entry.Append(nil)
				return c
			})
		}, []audit.Finding{{Check: audit.CheckChain, Kind: audit.Missing, Epoch: three.String(), First: 0, Last: 1, OrMore: true}}},
		{"T30 senders know more than the log", func(w *world, o *audit.Options) {
			w.log = w.log[:len(w.log)-2]
			w.store.Rewrite(three, func(c []journal.Chunk) []journal.Chunk { return c[:2] })
			o.Positions = w.positions
		}, []audit.Finding{{Check: audit.CheckPositions, Kind: audit.Missing, Epoch: three.String(), First: chunks[three][2].FirstSeq, Last: w3(base), OrMore: true}}},
		{"T30 restored backup", func(w *world, o *audit.Options) {
			w.yesterday.restore(w.store)
			o.Positions = w.positions
		}, []audit.Finding{
			{Check: audit.CheckPositions, Kind: audit.Missing, Epoch: two.String(), Last: base.positions[9].Seq, OrMore: true},
			{Check: audit.CheckPositions, Kind: audit.Missing, Epoch: three.String(), Last: w3(base), OrMore: true},
		}},
		{"T30 a whole epoch removed", func(w *world, _ *audit.Options) {
			w.store.Rewrite(two, func([]journal.Chunk) []journal.Chunk { return nil })
		}, []audit.Finding{{Check: audit.CheckHeads, Kind: audit.Missing, Epoch: two.String(), Last: last(base, two), OrMore: true}}},
		{"T30 the last epoch removed", func(w *world, _ *audit.Options) {
			w.store.Rewrite(three, func([]journal.Chunk) []journal.Chunk { return nil })
		}, []audit.Finding{{Check: audit.CheckEntries, Kind: audit.Unaccounted, First: uint64(len(base.log)) - 2, Last: uint64(len(base.log)) - 1}}},
		{"T31 two histories under one key", func(w *world, o *audit.Options) {
			p := w.positions[len(w.positions)-1]
			p.Chain[0] ^= 1
			p.Signature = format.SignPosition(w.keys[three], p.Epoch, p.Seq, p.Chain)
			o.Positions = append(slices.Clone(w.positions[:len(w.positions)-1]), p)
		}, []audit.Finding{{Check: audit.CheckPositions, Kind: audit.Forked, Epoch: three.String(), First: w3(base), Last: w3(base)}}},
		{"T31 the first epoch was rewritten by its key", func(w *world, _ *audit.Options) {
			w.store.Rewrite(two, func(c []journal.Chunk) []journal.Chunk { return []journal.Chunk{rewritten(w, two, c[0])} })
		}, []audit.Finding{{Check: audit.CheckHeads, Kind: audit.Missing, Epoch: two.String(), First: 2, Last: last(base, two), OrMore: true}}},
		{"forged position", func(w *world, o *audit.Options) {
			p := w.positions[0]
			p.Seq += 100
			o.Positions = []audit.Position{p}
		}, []audit.Finding{{Check: audit.CheckPositions, Kind: audit.Wrong, Epoch: one.String(), First: base.positions[0].Seq + 100, Last: base.positions[0].Seq + 100}}},
		{
			"T40 the log was cut off", func(w *world, _ *audit.Options) { w.log = w.log[:3] },
			[]audit.Finding{{Check: audit.CheckHistory, Kind: audit.Contradicted, First: 3, Last: uint64(len(base.log)) - 1}},
		},
		{"T40 the log was cut off, and storage too", func(w *world, o *audit.Options) {
			o.Trees = []audit.Tree{w.log.tree(len(w.log))}
			w.log = w.log[:3]
			w.yesterday.restore(w.store)
		}, []audit.Finding{{Check: audit.CheckHistory, Kind: audit.Contradicted, First: 3, Last: uint64(len(base.log)) - 1}}},
		{"T40 two trees of one size", func(w *world, o *audit.Options) {
			kept := w.log.tree(4)
			kept.Root[0] ^= 1
			o.Trees = []audit.Tree{kept}
		}, []audit.Finding{{Check: audit.CheckHistory, Kind: audit.Contradicted, Last: 3}}},
		{"an entry of the log that no notary made", func(w *world, _ *audit.Options) {
			w.log = append(slices.Clone(w.log), receipt.Hash{1})
		}, []audit.Finding{{Check: audit.CheckEntries, Kind: audit.Unaccounted, First: uint64(len(base.log)), Last: uint64(len(base.log))}}},
		{"a receipt behind the end of its epoch", func(w *world, _ *audit.Options) {
			w.log = slices.Clone(w.log)
			n := len(w.log)
			w.log[n-1], w.log[n-2] = w.log[n-2], w.log[n-1]
		}, []audit.Finding{{Check: audit.CheckOrder, Kind: audit.Late, Epoch: three.String(), First: sealed, Last: sealed}}},
		{"a notary that is not accepted", func(_ *world, o *audit.Options) {
			o.Believe = func(e *archive.Epoch) error {
				if e.ID == three {
					return errors.New("another image")
				}
				return nil
			}
		}, []audit.Finding{{Check: audit.CheckNotaries, Kind: audit.Unbelieved, Epoch: three.String(), Last: end}}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := *base
			base.today.restore(base.store)
			o := audit.Options{Believe: believe}
			tt.do(&w, &o)
			o.Log = w.log
			report, err := audit.Run(t.Context(), w.store, o)
			if err != nil {
				t.Fatal(err)
			}
			interrupted(t, w.store, o, report, step)
			if attestation.Verdict(report.Checks) != attestation.Failed {
				t.Error("nothing was found")
			}
			var got []audit.Finding
			for _, f := range report.Findings {
				t.Log(f.String())
				f.Detail = ""
				if f.Check == tt.want[0].Check {
					got = append(got, f)
				}
			}
			if !slices.Equal(got, tt.want) {
				t.Errorf("found %+v\nwant  %+v", got, tt.want)
			}
		})
	}
}

// w3 is the seq of the last position of the third epoch.
func w3(w *world) uint64 { return w.positions[len(w.positions)-1].Seq }

// rewritten signs a chunk's first entry anew, with another first entry: what a
// thief of the key could do.
func rewritten(w *world, epoch receipt.Epoch, c journal.Chunk) journal.Chunk {
	entry, _, err := format.Decode(c.Entries)
	must(err)
	var body format.EpochBody
	must(format.ParseBody(entry.Body, &body))
	body.OpenedUnixNano++
	raw, err := format.EncodeBody(body)
	must(err)
	var chain receipt.Hash
	out := journal.Chunk{}
	for i := range 2 {
		e := &format.Entry{Header: format.Header{Epoch: epoch, Seq: uint64(i), Kind: format.KindEpoch, Body: sha256.Sum256(raw)}, Body: raw}
		if i == 1 {
			wrap, err := format.EncodeBody(format.WrapKeyBody{Number: 7})
			must(err)
			e.Kind, e.Body, e.Header.Body = format.KindWrapKey, wrap, sha256.Sum256(wrap)
		}
		e.Chain = e.Header.Chain(chain)
		chain = e.Chain
		if i == 1 {
			e.Signature = format.SignPosition(w.keys[epoch], epoch, e.Seq, e.Chain)
		}
		out.Entries = append(out.Entries, e.Append(nil)...)
	}
	return out
}
