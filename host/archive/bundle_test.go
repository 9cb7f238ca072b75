package archive_test

import (
	"bytes"
	"testing"

	"github.com/veriproof/notary/host/journal/journaltest"
	"github.com/veriproof/notary/sdk/bundle"
	format "github.com/veriproof/notary/sdk/journal"
	"github.com/veriproof/notary/sdk/receipt"
)

// TestBundleShowsTheEnd: the entry that ended the epoch goes into a bundle as it
// is signed, once the log has proved it, wherever in its group it stands.
func TestBundleShowsTheEnd(t *testing.T) {
	for name, c := range map[string]struct {
		proved, alone bool
		behind        bool // the close has no signature of its own
		want          bool
	}{
		"alone in its group": {proved: true, alone: true, want: true},
		"last of its group":  {proved: true, want: true},
		"not last":           {proved: true, behind: true},
		"not proved":         {alone: true},
	} {
		t.Run(name, func(t *testing.T) {
			store := journaltest.New()
			w := newWriter(store, 1, identity(t))
			m, _ := w.session("s")
			w.seal(m)
			var group []*format.Entry
			if !c.alone {
				body, err := format.EncodeBody(format.CheckpointBody{})
				must(err)
				group = append(group, w.entry(format.KindCheckpoint, body))
			}
			before := w.chain
			body, err := format.EncodeBody(format.CloseBody{Manifests: 1})
			must(err)
			end := w.entry(format.KindClose, body)
			group = append(group, end)
			commitment := format.CloseCommitment(end.Epoch, end.Seq, end.Chain)
			proof := func(c receipt.Hash) *format.Entry {
				body, err := format.EncodeBody(format.ProofBody{Commitment: c, Proof: []byte("proof")})
				must(err)
				return w.entry(format.KindProof, body)
			}
			if c.behind {
				group = append(group, proof(receipt.Hash{1}))
			}
			w.put(true, group...)
			if c.proved {
				w.put(true, proof(commitment))
			}
			a := scan(t, store)
			b, err := a.Bundle(a.Parts()[0])
			if err != nil {
				t.Fatal(err)
			}
			var want []byte
			if c.want {
				want = bundle.EncodeEnd(before, end)
			}
			if !bytes.Equal(b.EpochEnd, want) || (b.EpochEndProof == nil) != (want == nil) {
				t.Errorf("the end in the bundle is %d bytes, want %d", len(b.EpochEnd), len(want))
			}
		})
	}
}
