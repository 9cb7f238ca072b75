package archive_test

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/veriproof/notary/host/archive"
	"github.com/veriproof/notary/host/journal/journaltest"
)

// TestDisclosure: taken one by one, in any order, records are those of the part opened as
// a whole, and open their leaves.
func TestDisclosure(t *testing.T) {
	store, auditor := journaltest.New(), identity(t)
	w := newWriter(store, 1, auditor)
	m, _ := w.session("s")
	w.seal(m)
	a := scan(t, store)
	p := a.Parts()[0]
	whole, err := a.Open(t.Context(), p, auditor)
	if err != nil {
		t.Fatal(err)
	}
	d, err := a.Disclose(t.Context(), p, auditor)
	if err != nil || d.Leaves() != 2 {
		t.Fatalf("%d leaves, %v", d.Leaves(), err)
	}
	for _, i := range []uint64{0, 1, 1, 0} {
		want, err1 := whole.Opening(i)
		got, err2 := d.Opening(t.Context(), i)
		if err1 != nil || err2 != nil {
			t.Fatal(err1, err2)
		}
		if diff := cmp.Diff(want, got); diff != "" || got.Verify(p.Manifest) != nil {
			t.Errorf("record %d: %v %s", i, got.Verify(p.Manifest), diff)
		}
	}
	if session, err := d.Session(t.Context()); err != nil || string(session) != "s" {
		t.Errorf("session %q, %v", session, err)
	}
	if _, err := d.Opening(t.Context(), 2); !errors.Is(err, archive.ErrNotFound) {
		t.Errorf("a record that is not there: %v", err)
	}
	if _, err := d.Summary(t.Context()); !errors.Is(err, archive.ErrNoSummary) {
		t.Errorf("a summary that is not there: %v", err)
	}
	if _, err := a.Disclose(t.Context(), p, identity(t)); err == nil {
		t.Error("another identity discloses")
	}
	if !a.SealedTo(p, auditor.Recipient().ID()) || a.SealedTo(p, identity(t).Recipient().ID()) {
		t.Error("it is not told whose key opens a part")
	}
}
