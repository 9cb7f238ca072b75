package audit_test

import (
	"crypto/ed25519"
	"crypto/sha256"
	"errors"
	"slices"
	"testing"

	"github.com/veriproof/notary/host/archive"
	"github.com/veriproof/notary/host/audit"
	"github.com/veriproof/notary/host/journal"
	format "github.com/veriproof/notary/sdk/journal"
	"github.com/veriproof/notary/sdk/receipt"
)

// entriesOf decodes an epoch's chunks.
func entriesOf(list []journal.Chunk) (out []*format.Entry) {
	for _, c := range list {
		for rest := slices.Clone([]byte(c.Entries)); len(rest) > 0; {
			e, after, err := format.Decode(rest)
			must(err)
			out, rest = append(out, e), after
		}
	}
	return out
}

// TestImpostor: the last epoch is replaced by another one of the same id, under the key of
// who has the storage. It has none of the segments, and copies of all that was committed
// to. What is not bound to an epoch that is believed is not accounted for; an epoch of
// another image that was left alone is, whether it is believed or not.
func TestImpostor(t *testing.T) {
	t.Parallel()
	w := newWorld(t.Context())
	three := receipt.Epoch{3}
	_, key, err := ed25519.GenerateKey(nil)
	must(err)
	unaccounted := func(believe func(*archive.Epoch) error) (n uint64) {
		report, err := audit.Run(t.Context(), w.store, audit.Options{Log: w.log, Believe: believe})
		must(err)
		for _, f := range report.Findings {
			t.Log(f.String())
			if f.Kind == audit.Unaccounted {
				n += f.Last - f.First + 1
			}
		}
		return n
	}
	nobody := func(*archive.Epoch) error { return errors.New("another image") }
	if n := unaccounted(nobody); n != 0 {
		t.Errorf("%d entries of the log are not accounted for by epochs that are not believed", n)
	}
	honest := entriesOf(w.today[three])
	var body format.EpochBody
	must(format.ParseBody(honest[0].Body, &body))
	body.RuntimeData = runtimeData(three, key)
	first, err := format.EncodeBody(body)
	must(err)
	committed := func(e *format.Entry) bool {
		return slices.Contains([]format.Kind{format.KindManifest, format.KindCheckpoint, format.KindClose}, e.Kind)
	}
	for name, forge := range map[string]func() (out []journal.Chunk){
		// Where they stood, under their chain values: behind gaps, that is.
		"as they were": func() (out []journal.Chunk) {
			e := &format.Entry{Header: format.Header{Epoch: three, Kind: format.KindEpoch, Body: sha256.Sum256(first)}, Body: first}
			e.Chain = e.Header.Chain(receipt.Hash{})
			e.Signature = format.SignPosition(key, three, 0, e.Chain)
			out = append(out, journal.Chunk{Entries: e.Append(nil)})
			for _, e := range honest[1:] {
				if committed(e) {
					x := *e
					x.Signature = format.SignPosition(key, three, e.Seq, e.Chain)
					out = append(out, journal.Chunk{FirstSeq: e.Seq, Entries: x.Append(nil)})
				}
			}
			return out
		},
		// As a journal of their own, which holds together.
		"chained anew": func() (out []journal.Chunk) {
			var chain receipt.Hash
			for _, e := range honest {
				if e.Seq > 0 && !committed(e) {
					continue
				}
				x := &format.Entry{Header: e.Header, Body: e.Body}
				if x.Seq = uint64(len(out)); x.Seq == 0 {
					x.Body, x.Header.Body = first, sha256.Sum256(first)
				}
				x.Chain = x.Header.Chain(chain)
				chain = x.Chain
				x.Signature = format.SignPosition(key, three, x.Seq, x.Chain)
				out = append(out, journal.Chunk{FirstSeq: x.Seq, Entries: x.Append(nil)})
			}
			return out
		},
	} {
		w.today.restore(w.store)
		w.store.Rewrite(three, func([]journal.Chunk) []journal.Chunk { return forge() })
		n := unaccounted(func(e *archive.Epoch) error {
			if e.ID == three {
				return errors.New("its key is not the one that was attested")
			}
			return nil
		})
		want := uint64(0)
		for _, e := range honest {
			if committed(e) {
				want++
			}
		}
		if n != want {
			t.Errorf("%s: %d entries of the log are not accounted for, want %d", name, n, want)
		}
	}
}

// TestManyRanges: a log that somebody else fills, with what is known between his entries,
// has its first ranges named and the rest in one.
func TestManyRanges(t *testing.T) {
	t.Parallel()
	w := newWorld(t.Context())
	log, known := slices.Clone(w.log), w.log[0]
	for i := range 5000 {
		log = append(log, receipt.Hash{byte(i), byte(i >> 8), 1}, known)
	}
	report, err := audit.Run(t.Context(), w.store, audit.Options{Log: log, Believe: believe})
	must(err)
	n := len(report.Findings)
	last := report.Findings[n-1]
	if n != 1000 || last.First != uint64(len(w.log))+2*999 || last.Last != uint64(len(log))-2 {
		t.Errorf("%d findings, the last %v", n, last.String())
	}
}
