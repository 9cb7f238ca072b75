package session_test

import (
	"bytes"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/veriproof/notary/host/archive"
	"github.com/veriproof/notary/host/journal"
	"github.com/veriproof/notary/host/session"
	format "github.com/veriproof/notary/sdk/journal"
	"github.com/veriproof/notary/sdk/receipt"
)

const year = 365 * 24 * time.Hour

func keepsFor(d time.Duration) func(*session.Options) {
	return func(o *session.Options) { o.Retention = d }
}

func (w *world) step(n *session.Notary) {
	w.t.Helper()
	if err := n.Step(w.t.Context()); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) sealedRef(id receipt.PartID) session.Sealed {
	w.t.Helper()
	p := w.scan().Part(id)
	return session.Sealed{Commitment: p.Commitment(), Epoch: p.Manifest.SealedBy.Epoch, Seq: p.SealedSeq}
}

// TestRetention: a part that has reached the age is erased, by an entry that says so,
// whoever received and sealed it; a younger one is not, nor is one that is open or held.
func TestRetention(t *testing.T) {
	w := newWorld(t)
	w.tune = keepsFor(year)
	n := w.start()
	export(t, n, request("old", lastSpan("a")))
	export(t, n, request("held", lastSpan("b")))
	old, kept := settled(t, n, "old", 1)[0].ID, settled(t, n, "held", 1)[0].ID
	hold, err := n.Hold(t.Context(), "acme", "held")
	if err != nil || hold.Handle != kept.Handle {
		t.Fatalf("hold: %+v %v", hold, err)
	}
	export(t, n, request("recovered", span("c")))
	recovered := w.scan().Unsealed(n.Epoch())[0].ID
	w.crash(n)

	n = w.start() // seals what the first left
	export(t, n, request("open", span("d")))
	w.advance(year - time.Second)
	w.step(n)
	for _, id := range []receipt.PartID{old, kept, recovered} {
		if !w.hasKey(id) {
			t.Error("erased a second too early")
		}
	}
	export(t, n, request("young", lastSpan("e")))
	young := settled(t, n, "young", 1)[0].ID
	w.advance(time.Second)
	w.step(n) // not yet: the next look is due in a day
	if !w.hasKey(old) {
		t.Error("looked at every tick")
	}
	w.advance(24 * time.Hour)
	w.step(n)
	a := w.scan()
	for _, id := range []receipt.PartID{old, recovered} {
		p := a.Part(id)
		if w.hasKey(id) || p.Erasure == nil || !p.Erasure.ByAge || p.Erasure.Epoch != n.Epoch() || p.Erasure.Commitment != p.Commitment() {
			t.Errorf("has a key %v, erasure %+v", w.hasKey(id), p.Erasure)
		}
		if _, err := a.Open(t.Context(), p, w.auditor); !errors.Is(err, archive.ErrErased) {
			t.Errorf("opened: %v", err)
		}
	}
	for _, id := range []receipt.PartID{kept, young} {
		if p := a.Part(id); !w.hasKey(id) || p.Erasure != nil {
			t.Errorf("erased what is held or young: %+v", p.Erasure)
		}
	}
	if got := n.Stats().Expired; got != 2 {
		t.Errorf("%d parts expired, want 2", got)
	}
	if list := a.Holds(a.Part(kept)); len(list) != 1 || list[0].Entry != hold.Entry || len(a.Holds(a.Part(old))) != 0 {
		t.Errorf("holds: %+v", list)
	}

	// The first notary's hold is the third's to release; then the part goes, too.
	w.close(n)
	n = w.start()
	if h, err := n.ReleaseHold(t.Context(), hold.Entry); err != nil || h != hold {
		t.Fatalf("release: %+v %v", h, err)
	}
	w.advance(24 * time.Hour)
	w.step(n)
	if w.hasKey(kept) {
		t.Error("what was released is kept")
	}
	w.close(n)
	a = w.verified()
	if len(a.AllHolds()) != 0 || len(a.Releases()) != 1 {
		t.Errorf("%d holds, %d released", len(a.AllHolds()), len(a.Releases()))
	}
}

// TestHold: while a session is held nobody erases it; what came before a hold is
// carried out.
func TestHold(t *testing.T) {
	w := newWorld(t)
	n := w.start()
	if _, err := n.Hold(t.Context(), "acme", "none"); !errors.Is(err, session.ErrNotFound) {
		t.Errorf("hold on nothing: %v", err)
	}
	export(t, n, request("s", span("a")))
	hold, err := n.Hold(t.Context(), "acme", "s") // while it is open
	if err != nil {
		t.Fatal(err)
	}
	if again, err := n.Hold(t.Context(), "acme", "s"); err != nil || again != hold {
		t.Errorf("held again: %+v %v, want the same", again, err)
	}
	if _, err := n.Hold(t.Context(), "another tenant", "s"); !errors.Is(err, session.ErrNotFound) {
		t.Errorf("held by another tenant: %v", err)
	}
	if _, err := n.Erase(t.Context(), "acme", "s"); !errors.Is(err, session.ErrHeld) {
		t.Errorf("erase: %v", err)
	}
	if list, err := n.Parts(t.Context(), "acme", "s"); err != nil || list[0].State != session.StateOpen {
		t.Errorf("an erasure that was refused ended the session: %+v %v", list, err)
	}
	export(t, n, request("s", lastSpan("b")))
	id := settled(t, n, "s", 1)[0].ID
	ref := w.sealedRef(id)
	if _, err := n.ErasePart(t.Context(), ref); !errors.Is(err, session.ErrHeld) {
		t.Errorf("erase part: %v", err)
	}
	w.close(n)

	// The next epoch knows of it, believing the first or not.
	for _, believed := range []error{nil, errors.New("another image")} {
		w.tune = func(o *session.Options) { o.Appraise = func(*archive.Epoch) error { return believed } }
		n = w.start()
		if _, err := n.ErasePart(t.Context(), ref); !errors.Is(err, session.ErrHeld) || !w.hasKey(id) {
			t.Errorf("believed %v: erase in a later epoch: %v", believed, err)
		}
		w.close(n)
	}
	w.tune = nil
	n = w.start()
	for _, at := range []format.EntryRef{{Epoch: ref.Epoch, Seq: ref.Seq}, {Epoch: ref.Epoch, Seq: 1 << 40}, {Epoch: receipt.Epoch{99}}} {
		if _, err := n.ReleaseHold(t.Context(), at); !errors.Is(err, session.ErrNotFound) {
			t.Errorf("release of no hold: %v", err)
		}
	}
	if h, err := n.HoldPart(t.Context(), ref); err != nil || h != hold {
		t.Errorf("hold part: %+v %v", h, err)
	}
	for range 2 {
		if _, err := n.ReleaseHold(t.Context(), hold.Entry); err != nil {
			t.Error(err)
		}
	}
	if _, err := n.ErasePart(t.Context(), ref); err != nil || w.hasKey(id) {
		t.Errorf("after the release: %v", err)
	}
	if _, err := n.HoldPart(t.Context(), ref); err != nil {
		t.Error(err)
	}
	if _, err := n.ErasePart(t.Context(), ref); err != nil {
		t.Errorf("an order before the hold, carried out again: %v", err)
	}
	w.close(n)
	if _, err := n.HoldPart(t.Context(), ref); !errors.Is(err, session.ErrClosing) {
		t.Errorf("hold behind the close entry: %v", err)
	}
	w.verified()
}

// TestRetentionOfDamagedStorage: a hold may be what somebody took away; then nothing
// is erased by age.
func TestRetentionOfDamagedStorage(t *testing.T) {
	for name, harm := range map[string]func([]journal.Chunk) []journal.Chunk{
		"the end is gone":  func(c []journal.Chunk) []journal.Chunk { return c[:len(c)-2] },
		"an entry is gone": func(c []journal.Chunk) []journal.Chunk { return slices.Delete(c, len(c)-3, len(c)-2) },
	} {
		w := newWorld(t)
		n := w.start()
		export(t, n, request("s", lastSpan("a")))
		id := settled(t, n, "s", 1)[0].ID
		if _, err := n.Hold(t.Context(), "acme", "s"); err != nil {
			t.Fatal(err)
		}
		w.close(n)
		w.close(w.start()) // and says so what was there
		w.store.Rewrite(n.Epoch(), harm)
		var said bytes.Buffer
		w.tune = func(o *session.Options) {
			o.Retention, o.Logger = year, slog.New(slog.NewTextHandler(&said, nil))
		}
		n = w.start()
		w.advance(10 * year)
		w.step(n)
		if _, err := w.store.Key(t.Context(), journal.KeyID{Epoch: id.Epoch, Handle: id.Handle, Part: id.Part}); err != nil || !strings.Contains(said.String(), "nothing is erased by age") {
			t.Errorf("%s: key %v, said %s", name, err, said.String())
		}
		w.close(n)
	}
}

// TestReleaseByStranger: a release by who is not believed ends no hold; one by who is
// does.
func TestReleaseByStranger(t *testing.T) {
	w := newWorld(t)
	n := w.start()
	export(t, n, request("s", lastSpan("a")))
	ref := w.sealedRef(settled(t, n, "s", 1)[0].ID)
	hold, err := n.HoldPart(t.Context(), ref)
	if err != nil {
		t.Fatal(err)
	}
	w.close(n)
	n = w.start()
	if _, err := n.ReleaseHold(t.Context(), hold.Entry); err != nil {
		t.Fatal(err)
	}
	stranger := n.Epoch()
	w.close(n)
	for _, c := range []struct{ believed, want error }{{errors.New("a stranger"), session.ErrHeld}, {nil, nil}} {
		w.tune = func(o *session.Options) {
			o.Appraise = func(e *archive.Epoch) error {
				if e.ID == stranger {
					return c.believed
				}
				return nil
			}
		}
		n = w.start()
		if _, err := n.ErasePart(t.Context(), ref); !errors.Is(err, c.want) {
			t.Errorf("believed %v: erase: %v, want %v", c.believed, err, c.want)
		}
		w.close(n)
	}
}
