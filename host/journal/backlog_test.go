package journal_test

import (
	"testing"
	"time"

	"github.com/veriproof/notary/host/journal"
	"github.com/veriproof/notary/host/journal/journaltest"
)

// TestBacklog: what was appended counts as waiting until it is durable, also while it
// is under way to storage.
func TestBacklog(t *testing.T) {
	store := journaltest.New()
	asked, let := make(chan struct{}), make(chan struct{})
	store.Inject(func(journal.Group) journaltest.Fault {
		asked <- struct{}{}
		<-let
		return journaltest.None
	})
	w := start(t, store, options())
	if b := w.Backlog(); b.Bytes != 0 || !b.Oldest.IsZero() {
		t.Errorf("before anything: %+v", b)
	}
	before := time.Now()
	var all []*journal.Pending
	for i := range 2 {
		p, err := w.Append(draft(i), nil)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, p)
		if i == 0 {
			<-asked
			if b := w.Backlog(); b.Bytes == 0 || b.Oldest.Before(before) || b.Oldest.After(time.Now()) {
				t.Errorf("one under way: %+v", b)
			}
		}
	}
	one, two := w.Backlog(), all[1]
	let <- struct{}{}
	if _, err := all[0].Wait(t.Context()); err != nil {
		t.Fatal(err)
	}
	<-asked
	if b := w.Backlog(); b.Bytes == 0 || b.Bytes >= one.Bytes || b.Oldest.Before(one.Oldest) {
		t.Errorf("one of two is durable: %+v after %+v", b, one)
	}
	let <- struct{}{}
	if _, err := two.Wait(t.Context()); err != nil {
		t.Fatal(err)
	}
	if b := w.Backlog(); b.Bytes != 0 || !b.Oldest.IsZero() {
		t.Errorf("all is durable: %+v", b)
	}
}
