//go:build postgres || objectstore

package audit_test

import (
	"bytes"
	"testing"

	"github.com/veriproof/notary/host/audit"
	"github.com/veriproof/notary/host/journal"
)

// readsOnly audits what the story left in a storage through an adapter whose credential
// allows nothing but reading, and finds that storage refuses it what a notary does.
func readsOnly(t *testing.T, w *world, reader journal.Store) {
	t.Helper()
	r, err := audit.Run(t.Context(), reader, audit.Options{Believe: believe, Log: w.log, Positions: w.positions})
	if err != nil {
		t.Fatalf("an audit by who may only read: %v", err)
	}
	if len(r.Findings) > 0 || r.Epochs != 3 || r.Parts == 0 {
		t.Errorf("findings %+v, %d epochs, %d parts", r.Findings, r.Epochs, r.Parts)
	}
	epoch := [16]byte(bytes.Repeat([]byte{9}, 16))
	err = reader.Put(t.Context(), journal.Group{Epoch: epoch, Entries: []journal.Sealed{[]byte("x")}})
	if err == nil {
		t.Error("who may only read has written")
	}
	if after := backupOf(w.store); !after.equal(w.today) {
		t.Error("the storage is another one after the audit")
	}
}

func (b backup) equal(o backup) bool {
	for e, list := range b {
		if len(list) != len(o[e]) {
			return false
		}
		for i := range list {
			if list[i].FirstSeq != o[e][i].FirstSeq || !bytes.Equal(list[i].Entries, o[e][i].Entries) {
				return false
			}
		}
	}
	return len(b) == len(o)
}
