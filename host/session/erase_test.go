package session_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"sync/atomic"
	"testing"

	"github.com/veriproof/notary/host/archive"
	"github.com/veriproof/notary/host/journal"
	"github.com/veriproof/notary/host/journal/journaltest"
	"github.com/veriproof/notary/host/session"
	format "github.com/veriproof/notary/sdk/journal"
	"github.com/veriproof/notary/sdk/receipt"
)

// attack looks for a record in what storage shows, by a dictionary of 10^6 guesses of
// its only unknown, six digits. The attacker knows everything of the leaf but the salt,
// and tries the given ones. It returns the guess that fits a leaf.
func attack(r receipt.Record, truth []byte, edits receipt.Hash, leaves []receipt.Hash, salts []receipt.Hash) string {
	known := make(map[receipt.Hash]bool)
	for _, l := range leaves {
		known[l] = true
	}
	resource, scope := receipt.Hash(sha256.Sum256(r.Resource)), receipt.Hash(sha256.Sum256(r.Scope))
	at := receipt.LeafHead + bytes.Index(r.Bytes, truth)
	guess := append(make([]byte, receipt.LeafHead), r.Bytes...)
	for _, salt := range salts {
		head := r.LeafHead(salt, edits, resource, scope)
		copy(guess, head[:])
		for i := range 1_000_000 {
			for digit, n := at+5, i; digit >= at; digit, n = digit-1, n/10 {
				guess[digit] = '0' + byte(n%10)
			}
			if known[sha256.Sum256(guess)] {
				return string(guess[at : at+6])
			}
		}
	}
	return ""
}

// leavesOf reads the leaf hashes of a part, which stand in clear.
func (w *world) leavesOf(p *archive.Part) []receipt.Hash {
	w.t.Helper()
	var leaves []receipt.Hash
	for _, at := range p.Segments {
		e, err := archive.Entry(w.t.Context(), w.store, p.ID.Epoch, at.Seq)
		if err != nil {
			w.t.Fatal(err)
		}
		s, err := format.ParseSegment(e.Body)
		if err != nil {
			w.t.Fatal(err)
		}
		leaves = append(leaves, s.Leaves...)
	}
	return leaves
}

func (w *world) hasKey(id receipt.PartID) bool {
	w.t.Helper()
	a := w.scan()
	has, err := a.HasKey(w.t.Context(), a.Part(id))
	if err != nil {
		w.t.Fatal(err)
	}
	return has
}

// TestErase: an erased session cannot be read by its recipient or guessed by anybody,
// is as verifiable as before, and does not come back.
func TestErase(t *testing.T) {
	w := newWorld(t)
	n := w.start()
	var first []journal.Group // that carry keys
	w.store.Inject(func(g journal.Group) journaltest.Fault {
		if len(g.Keys) > 0 {
			first = append(first, g)
		}
		return journaltest.None
	})
	export(t, n, request("guessable", lastSpan("pin 123456")))
	export(t, n, request("other", lastSpan("stays")))
	part := settled(t, n, "guessable", 1)[0]
	settled(t, n, "other", 1)
	w.store.Inject(nil)

	before := w.scan()
	p := before.Part(part.ID)
	opened, err := before.Open(t.Context(), p, w.auditor)
	if err != nil {
		t.Fatal(err)
	}
	opening, err := opened.Opening(0)
	if err != nil {
		t.Fatal(err)
	}
	r, leaves := opened.Records[0].Record, w.leavesOf(p)
	if got := attack(r, []byte("123456"), opening.EditCommitment, leaves, []receipt.Hash{opening.Salt}); got != "123456" {
		t.Fatalf("with the salt, the attack finds %q: it is no attack", got)
	}

	if _, err := n.Erase(t.Context(), "another tenant", "guessable"); !errors.Is(err, session.ErrNotFound) {
		t.Errorf("erased by another tenant: %v", err)
	}
	erased, err := n.Erase(t.Context(), "acme", "guessable")
	if err != nil || len(erased) != 1 || erased[0].Part != part.ID || erased[0].Commitment != part.Commitment {
		t.Fatalf("erase: %+v %v", erased, err)
	}
	if list, err := n.Parts(t.Context(), "acme", "guessable"); err != nil || list[0].Erasure == nil || *list[0].Erasure != erased[0] {
		t.Errorf("parts: %+v %v", list, err)
	}
	again, err := n.Erase(t.Context(), "acme", "guessable")
	if err != nil || len(again) != 1 || again[0] != erased[0] {
		t.Errorf("erased again: %+v %v, want the same order", again, err)
	}
	for _, g := range first {
		if err := w.store.Put(t.Context(), g); !errors.Is(err, journal.ErrConflict) {
			t.Errorf("a put again: %v", err)
		}
	}

	a := w.verified()
	p = a.Part(part.ID)
	if w.hasKey(part.ID) || p.Erasure == nil || p.Erasure.Seq != erased[0].Seq || p.Erasure.Commitment != part.Commitment {
		t.Errorf("after the erasure: key %v, %+v", w.hasKey(part.ID), p.Erasure)
	}
	if _, err := a.Open(t.Context(), p, w.auditor); !errors.Is(err, archive.ErrErased) {
		t.Errorf("opened: %v", err)
	}
	for _, q := range a.Parts() {
		if _, err := a.Open(t.Context(), q, w.auditor); q.ID != part.ID && err != nil {
			t.Errorf("the other session: %v", err)
		}
	}
	public := []receipt.Hash{{}, p.DEKCommitment, p.WrappedDEK, p.Root, receipt.Hash(p.ID.Handle)}
	if got := attack(r, []byte("123456"), opening.EditCommitment, w.leavesOf(p), public); got != "" {
		t.Errorf("guess %q fits what is left", got)
	}

	// Another epoch knows of it, and erases what this one left.
	w.close(n)
	n = w.start()
	list := w.scan()
	for _, q := range list.Parts() {
		e, err := n.ErasePart(t.Context(), session.Sealed{Commitment: q.Commitment(), Epoch: q.Manifest.SealedBy.Epoch, Seq: q.SealedSeq})
		if err != nil || w.hasKey(q.ID) || (e == erased[0]) != (q.ID == part.ID) {
			t.Errorf("erase in the next epoch: %+v %v", e, err)
		}
	}
	w.close(n)
	w.verified()
}

// stubborn is a store that keeps its keys.
type stubborn struct {
	*journaltest.Store
	err error // what it says
}

func (s stubborn) EraseKey(context.Context, journal.KeyID) error { return s.err }

// TestErasureCutShort: what was ordered and not done is said to be so, and done by the
// next start. A key that a restored backup brings back is destroyed as well.
func TestErasureCutShort(t *testing.T) {
	for name, says := range map[string]error{"fails": errors.New("no"), "lies": nil, "finds nothing": journal.ErrNotFound, "protects": journal.ErrProtected} {
		w := newWorld(t)
		w.tune = func(o *session.Options) { o.Store = stubborn{w.store, says} }
		n := w.start()
		var kept journal.WrappedKey
		w.store.Inject(func(g journal.Group) journaltest.Fault {
			if len(g.Keys) > 0 {
				kept = g.Keys[0]
			}
			return journaltest.None
		})
		export(t, n, request("s", lastSpan("a")))
		part := settled(t, n, "s", 1)[0]
		if _, err := n.Erase(t.Context(), "acme", "s"); err == nil || errors.Is(says, journal.ErrProtected) != errors.Is(err, journal.ErrProtected) {
			t.Errorf("storage %s: %v", name, err)
		}
		a := w.scan()
		if _, err := a.Open(t.Context(), a.Part(part.ID), w.auditor); !errors.Is(err, archive.ErrErased) || !w.hasKey(part.ID) {
			t.Errorf("storage %s: an order that is not carried out: %v", name, err)
		}
		w.crash(n)
		w.tune = nil
		w.close(w.start())
		if w.hasKey(part.ID) {
			t.Errorf("storage %s: the next start left the key", name)
		}
		if err := w.store.Put(t.Context(), journal.Group{Epoch: [16]byte{0xee}, Entries: []journal.Sealed{{0}}, Keys: []journal.WrappedKey{kept}}); err != nil {
			t.Fatal(err)
		}
		w.close(w.start())
		a, err := archive.Scan(t.Context(), w.store, archive.Options{})
		if err != nil {
			t.Fatal(err)
		}
		if has, err := a.HasKey(t.Context(), a.Part(part.ID)); has || err != nil {
			t.Errorf("storage %s: a restored key stays: %v", name, err)
		}
	}
}

// doubtful is a store whose first erasure of a key fails half way: whether the key is
// gone is not known until it is erased again.
type doubtful struct {
	*journaltest.Store
	state atomic.Int32 // 0 fresh, 1 in doubt, 2 erased again
}

func (s *doubtful) EraseKey(ctx context.Context, id journal.KeyID) error {
	if s.state.CompareAndSwap(0, 1) {
		return journaltest.ErrInjected
	}
	s.state.Store(2)
	return s.Store.EraseKey(ctx, id)
}

func (s *doubtful) Key(ctx context.Context, id journal.KeyID) (journal.Sealed, error) {
	if s.state.Load() == 1 {
		return nil, journaltest.ErrInjected
	}
	return s.Store.Key(ctx, id)
}

// TestErasureInDoubt: an erasure of which storage cannot say whether it lasts is made again
// by who is asked for it again, and else by the next start.
func TestErasureInDoubt(t *testing.T) {
	for name, again := range map[string]bool{"asked again": true, "next start": false} {
		w := newWorld(t)
		store := &doubtful{Store: w.store}
		w.tune = func(o *session.Options) { o.Store = store }
		n := w.start()
		export(t, n, request("s", lastSpan("a")))
		part := settled(t, n, "s", 1)[0]
		if _, err := n.Erase(t.Context(), "acme", "s"); !errors.Is(err, journaltest.ErrInjected) || !w.hasKey(part.ID) {
			t.Errorf("%s: an erasure that failed: %v", name, err)
		}
		if again {
			if _, err := n.Erase(t.Context(), "acme", "s"); err != nil || w.hasKey(part.ID) {
				t.Errorf("%s: %v", name, err)
			}
		}
		w.close(n) // in good order: the order alone says that something is left to do
		w.close(w.start())
		if w.hasKey(part.ID) {
			t.Errorf("%s: the key is still there", name)
		}
	}
}

// TestErasureRefused: an order that names no sealed part by its commitment, or comes
// from somebody who is not believed, touches no key.
func TestErasureRefused(t *testing.T) {
	w := newWorld(t)
	n := w.start()
	export(t, n, request("s", lastSpan("a")))
	export(t, n, request("t", lastSpan("b")))
	p := settled(t, n, "s", 1)[0]
	q := settled(t, n, "t", 1)[0]
	at := w.scan().Part(p.ID)
	for name, s := range map[string]session.Sealed{
		"another part's commitment": {Commitment: q.Commitment, Epoch: p.ID.Epoch, Seq: at.SealedSeq},
		"no manifest":               {Commitment: p.Commitment, Epoch: p.ID.Epoch, Seq: at.FirstSeq},
		"no such entry":             {Commitment: p.Commitment, Epoch: p.ID.Epoch, Seq: 1 << 40},
		"no such epoch":             {Commitment: p.Commitment, Epoch: receipt.Epoch{9}, Seq: at.SealedSeq},
	} {
		if _, err := n.ErasePart(t.Context(), s); !errors.Is(err, session.ErrNotFound) {
			t.Errorf("%s: %v", name, err)
		}
		if _, err := n.JournalExport(t.Context(), format.ExportBody{Parts: 1, By: "ops"}, &s); !errors.Is(err, session.ErrNotFound) {
			t.Errorf("export of %s: %v", name, err)
		}
	}
	w.close(n)
	if _, err := n.ErasePart(t.Context(), session.Sealed{Commitment: p.Commitment, Epoch: p.ID.Epoch, Seq: at.SealedSeq}); !errors.Is(err, session.ErrClosing) {
		t.Errorf("erased behind the close entry: %v", err)
	}
	if !w.hasKey(p.ID) || !w.hasKey(q.ID) {
		t.Error("a key is gone")
	}

	w.tune = func(o *session.Options) { o.Store = stubborn{w.store, nil} }
	n = w.start()
	_, _ = n.ErasePart(t.Context(), session.Sealed{Commitment: p.Commitment, Epoch: p.ID.Epoch, Seq: at.SealedSeq})
	w.close(n)
	w.tune = func(o *session.Options) {
		o.Appraise = func(e *archive.Epoch) error {
			if e.ID == n.Epoch() {
				return errors.New("not believed")
			}
			return nil
		}
	}
	w.close(w.start())
	if !w.hasKey(p.ID) {
		t.Error("a key is gone by the word of an epoch that is not believed")
	}
}
