package session_test

import (
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/veriproof/notary/host/archive"
	"github.com/veriproof/notary/host/journal"
	"github.com/veriproof/notary/host/journal/journaltest"
	"github.com/veriproof/notary/host/session"
	format "github.com/veriproof/notary/sdk/journal"
)

// outcomes returns the erased entries of all epochs.
func (w *world) outcomes() (list []*format.ErasedBody, raw string) {
	w.t.Helper()
	_, err := archive.Scan(w.t.Context(), w.store, archive.Options{Visit: func(_ *archive.Epoch, e *format.Entry) {
		if e.Kind != format.KindErased {
			return
		}
		b, err := format.ParseErased(e.Body)
		if err != nil {
			w.t.Error(err)
			return
		}
		list, raw = append(list, b), raw+string(e.Body)
	}})
	if err != nil {
		w.t.Fatal(err)
	}
	return list, raw
}

// TestErasureOutcome: the journal has how many copies of which kind storage told of, for each
// order once, and no name. A notary that stops between the key's end and that leaves it to
// the next start, which leaves alone what was told.
func TestErasureOutcome(t *testing.T) {
	w := newWorld(t)
	copies := session.Copies{
		Found:   []journal.Copy{{Kind: "versions", Count: 2, Text: "two of chat-17"}, {Kind: "policy", Count: 1, Text: "court of acme"}, {Kind: "versions", Count: 1, Text: "in another bucket"}},
		Unasked: []string{"the tape of acme", "the archive"},
	}
	w.tune = func(o *session.Options) { o.Copies = func(context.Context) session.Copies { return copies } }
	n := w.start()
	for _, id := range []string{"told", "untold"} {
		export(t, n, request(id, lastSpan("a")))
		settled(t, n, id, 1)
	}
	erase := func(id string) session.Erasure {
		t.Helper()
		done, err := n.Erase(t.Context(), "acme", id)
		if err != nil || len(done) != 1 {
			t.Fatalf("%s: %+v %v", id, done, err)
		}
		return done[0]
	}
	told := erase("told")
	if c, err := n.TellErased(t.Context(), []session.Erasure{told}); err != nil || c.None() || !slices.Equal(c.Found, copies.Found) {
		t.Fatalf("%+v %v", c, err)
	}
	untold := erase("untold")
	w.crash(n)

	list, raw := w.outcomes()
	want := []format.Copies{{Kind: "policy", Count: 1}, {Kind: "versions", Count: 3}}
	if len(list) != 1 || !slices.Equal(list[0].Found, want) || list[0].Unasked != 2 || !list[0].Partial() ||
		!slices.Equal(list[0].Orders, []format.EntryRef{{Epoch: told.Epoch, Seq: told.Seq}}) {
		t.Errorf("outcomes %s", raw)
	}
	if strings.Contains(raw, "acme") || strings.Contains(raw, "chat") {
		t.Errorf("an outcome has names: %s", raw)
	}
	if a := w.scan(); a.Part(told.Part).Erasure.Outcome == nil || a.Part(untold.Part).Erasure.Outcome != nil {
		t.Error("the outcomes are linked to other orders")
	}

	copies = session.Copies{}
	for range 2 { // the second start has nothing to tell
		n = w.start()
		for i := 0; i < 1000 && w.scan().Part(untold.Part).Erasure.Outcome == nil; i++ {
			w.step(n)
		}
		w.close(n)
	}
	list, raw = w.outcomes()
	if len(list) != 2 || list[1].Partial() || !slices.Equal(list[1].Orders, []format.EntryRef{{Epoch: untold.Epoch, Seq: untold.Seq}}) {
		t.Errorf("after two further starts: %s", raw)
	}
}

// TestErasureOutcomeRefused: what the journal did not take is an error, and may be told
// again. Of nothing there is nothing to tell, and nothing is told behind the close entry.
func TestErasureOutcomeRefused(t *testing.T) {
	w := newWorld(t)
	kind := "Not a kind"
	w.tune = func(o *session.Options) {
		o.Copies = func(context.Context) session.Copies {
			return session.Copies{Found: []journal.Copy{{Kind: kind, Count: 1}}}
		}
	}
	n := w.start()
	export(t, n, request("s", lastSpan("a")))
	settled(t, n, "s", 1)
	done, err := n.Erase(t.Context(), "acme", "s")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := n.TellErased(t.Context(), done); err == nil {
		t.Error("a kind that the format does not know was told")
	}
	kind = "versions"
	ctx, cancel := context.WithCancel(t.Context())
	w.store.Inject(func(journal.Group) journaltest.Fault { cancel(); return journaltest.Fails })
	if _, err := n.TellErased(ctx, done); err == nil || !strings.Contains(err.Error(), "the keys are destroyed") {
		t.Errorf("storage fails: %v", err)
	}
	w.store.Inject(nil)
	if _, err := n.TellErased(t.Context(), done); err != nil {
		t.Error(err)
	}
	if _, err := n.TellErased(t.Context(), nil); err != nil {
		t.Error(err)
	}
	w.close(n)
	if _, err := n.TellErased(t.Context(), done); err == nil {
		t.Error("told behind the close entry")
	}
	w.verified()
}
