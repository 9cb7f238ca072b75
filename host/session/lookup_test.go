package session_test

import (
	"bytes"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/veriproof/notary/host/archive"
	"github.com/veriproof/notary/host/journal"
	"github.com/veriproof/notary/host/journal/journaltest"
	format "github.com/veriproof/notary/sdk/journal"
	"github.com/veriproof/notary/sdk/receipt"
)

// everything is all that a command can ask of a lookup.
var everything = archive.LookupOptions{Open: true, Bundle: true}

func (w *world) indexed() *journaltest.Indexed {
	w.t.Helper()
	x, err := journaltest.Index(w.t.Context(), w.store)
	if err != nil {
		w.t.Fatal(err)
	}
	return x
}

// sameAsScan wants of a lookup for a part's handle what a scan says about it.
func (w *world) sameAsScan(found, scanned *archive.Archive, id receipt.PartID) {
	w.t.Helper()
	p, want := found.Part(id), scanned.Part(id)
	switch {
	case p == nil:
		w.t.Fatalf("part %v/%d is not found", id.Handle, id.Part)
	case p.Receipt != want.Receipt || p.SealedSeq != want.SealedSeq || p.Leaves != want.Leaves || p.Root != want.Root || !reflect.DeepEqual(p.Segments, want.Segments):
		w.t.Errorf("part %v/%d is %+v, a scan says %+v", id.Handle, id.Part, p, want)
	case !reflect.DeepEqual(orderOf(p), orderOf(want)) || !reflect.DeepEqual(found.Holds(p), scanned.Holds(want)):
		w.t.Errorf("part %v/%d: erasure %v, holds %v; a scan says %v, %v", id.Handle, id.Part, p.Erasure, found.Holds(p), want.Erasure, scanned.Holds(want))
	}
	if got, want := w.bundleOf(found, p), w.bundleOf(scanned, want); !bytes.Equal(got, want) {
		w.t.Errorf("part %v/%d has another bundle than by a scan", id.Handle, id.Part)
	}
	if p.Erasure != nil {
		return
	}
	opened, err := found.Open(w.t.Context(), p, w.auditor)
	if err != nil {
		w.t.Fatalf("open part %v/%d: %v", id.Handle, id.Part, err)
	}
	again, err := scanned.Open(w.t.Context(), want, w.auditor)
	if err != nil || !reflect.DeepEqual(opened.Records, again.Records) || string(opened.Session) != string(again.Session) {
		w.t.Errorf("part %v/%d has other records than by a scan, %v", id.Handle, id.Part, err)
	}
}

// orderOf is a part's erasure without its outcome, of which only a scan knows.
func orderOf(p *archive.Part) any {
	if p.Erasure == nil {
		return nil
	}
	order := *p.Erasure
	order.Outcome = nil
	return order
}

func (w *world) bundleOf(a *archive.Archive, p *archive.Part) []byte {
	w.t.Helper()
	b, err := a.Bundle(p)
	if err != nil {
		w.t.Fatal(err)
	}
	raw, err := b.Encode()
	if err != nil {
		w.t.Fatal(err)
	}
	return raw
}

// lookedUp looks up the session of each part, by its whole handle and by the first digits
// that lead to it, and wants the same as of a scan.
func (w *world) lookedUp() {
	w.t.Helper()
	scanned, x := w.scan(), w.indexed()
	parts := scanned.Parts()
	for _, p := range parts {
		name := p.ID.Handle.String()
		short := 1
		for _, q := range parts {
			for q.ID.Handle != p.ID.Handle && q.ID.Handle.String()[:short] == name[:short] {
				short++
			}
		}
		for _, digits := range []int{64, short} {
			found, err := archive.Lookup(w.t.Context(), x, name[:digits], everything)
			if err != nil {
				w.t.Fatalf("part %v/%d by %d digits: %v", name, p.ID.Part, digits, err)
			}
			w.sameAsScan(found, scanned, p.ID)
		}
		if short > 1 {
			if _, err := archive.Lookup(w.t.Context(), x, name[:short-1], everything); !errors.Is(err, archive.ErrLookup) {
				w.t.Errorf("%d digits that lead to several sessions: %v", short-1, err)
			}
		}
	}
}

// TestLookup: what an index leads to is what a scan says, of a notary that runs, has
// closed, was killed and recovered; with several parts, wrap keys, renewed Evidence, orders and
// holds, some of which stand in the journals of others.
func TestLookup(t *testing.T) {
	w := newWorld(t)
	n := w.start()
	for i := range 8 {
		export(t, n, request(fmt.Sprint("s", i), span(fmt.Sprint("first of ", i))))
		export(t, n, request(fmt.Sprint("s", i), lastSpan(fmt.Sprint("last of ", i))))
		settled(t, n, fmt.Sprint("s", i), 1)
		w.advance(11 * time.Minute) // another wrap key
		if err := errors.Join(n.Tick(t.Context()), n.Renewed(t.Context(), format.EvidenceBody{Token: fmt.Sprint("token ", i)})); err != nil {
			t.Fatal(err)
		}
	}
	export(t, n, request("s1", lastSpan("a second part")))
	settled(t, n, "s1", 2)
	if _, err := n.Hold(t.Context(), "acme", "s2"); err != nil {
		t.Fatal(err)
	}
	if _, err := n.Erase(t.Context(), "acme", "s3"); err != nil {
		t.Fatal(err)
	}
	w.lookedUp()
	w.close(n)
	w.lookedUp()

	killed := w.start()
	export(t, killed, request("recovered", span("before the end")))
	w.crash(killed)
	last := w.start()
	waitForProofs(t, w)
	a := w.scan()
	for _, p := range a.Parts() {
		if len(a.Holds(p)) == 0 {
			continue
		}
		if _, err := last.ReleaseHold(t.Context(), a.Holds(p)[0].Entry); err != nil {
			t.Fatal(err)
		}
		break
	}
	w.lookedUp()
	w.close(last)
	w.lookedUp()
}

// waitForProofs returns when each receipt and each end has a proof.
func waitForProofs(t *testing.T, w *world) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); ; <-time.After(time.Millisecond) {
		missing := 0
		a := w.scan()
		for _, p := range a.Parts() {
			if p.Manifest == nil {
				missing++
			} else if _, ok := a.Proof(p.Commitment()); !ok {
				missing++
			} else if b, err := a.Bundle(p); err != nil || a.Epoch(p.Manifest.SealedBy.Epoch).Ended != 0 && b.EpochEndProof == nil {
				missing++
			}
		}
		if missing == 0 {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%d proofs are missing", missing)
		}
	}
}

// TestLookupReadsLittle: of thousands of parts, a lookup reads the groups of one.
func TestLookupReadsLittle(t *testing.T) {
	const parts = 2000
	w := newWorld(t)
	n := w.start()
	for i := range parts {
		export(t, n, request(fmt.Sprint("s", i), lastSpan("only")))
	}
	w.close(n)
	x := w.indexed()
	x.Page = 4096
	scanned, err := archive.Scan(t.Context(), x, archive.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if got := len(scanned.Parts()); got != parts {
		t.Fatalf("%d parts in storage", got)
	}
	byScan, p := x.Gets(), scanned.Parts()[parts/2]
	for name, o := range map[string]archive.LookupOptions{"erase, hold, release": {}, "open": {Open: true}, "bundle": {Bundle: true}} {
		before := x.Gets()
		found, err := archive.Lookup(t.Context(), x, p.ID.Handle.String(), o)
		if err != nil {
			t.Fatal(err)
		}
		if found.Part(p.ID) == nil || len(found.Parts()) != 1 {
			t.Errorf("%s: %d parts are found", name, len(found.Parts()))
		}
		read := x.Gets() - before
		t.Logf("%s: a lookup reads %d groups where a scan reads %d", name, read, byScan)
		if read > 40 {
			t.Errorf("%s: a lookup reads %d groups, a scan %d", name, read, byScan)
		}
	}
}

// TestLookupNotWhole: what is not sealed, and what was written and never acknowledged,
// only a scan can judge.
func TestLookupNotWhole(t *testing.T) {
	w := newWorld(t)
	n := w.start()
	export(t, n, request("open", span("a")))
	id := w.scan().Parts()[0].ID
	_, err := archive.Lookup(t.Context(), w.indexed(), id.Handle.String(), everything)
	if !errors.Is(err, archive.ErrLookup) {
		t.Errorf("a part that is open: %v", err)
	}
	export(t, n, request("open", lastSpan("b")))
	settled(t, n, "open", 1)
	export(t, n, request("open", span("c")))
	of := everything
	of.Parts = []uint32{0}
	found, err := archive.Lookup(t.Context(), w.indexed(), id.Handle.String(), of)
	if err != nil {
		t.Fatalf("a part that is sealed, of a session that goes on: %v", err)
	}
	w.sameAsScan(found, w.scan(), id)
	for _, parts := range [][]uint32{nil, {1}, {2}, {0, 1}} {
		of.Parts = parts
		if _, err := archive.Lookup(t.Context(), w.indexed(), id.Handle.String(), of); !errors.Is(err, archive.ErrLookup) {
			t.Errorf("parts %v, of which one is open or none: %v", parts, err)
		}
	}
	if _, err := archive.Lookup(t.Context(), w.store, id.Handle.String(), everything); !errors.Is(err, journal.ErrNoIndex) {
		t.Errorf("a storage without an index: %v", err)
	}
	for _, prefix := range []string{"", "x", "ABC", id.Handle.String() + "0"} {
		a, err := archive.Lookup(t.Context(), w.indexed(), prefix, everything)
		if err != nil || len(a.Parts()) != 0 {
			t.Errorf("%q, which no handle begins with: %v", prefix, err)
		}
	}
	if _, err := archive.Lookup(t.Context(), w.indexed(), fmt.Sprintf("%064x", 7), everything); !errors.Is(err, archive.ErrLookup) {
		t.Errorf("a handle that no session has: %v", err)
	}
}

// adversary is a storage with sessions of two parts each, of a notary that has closed.
func adversary(t *testing.T) (w *world, scanned *archive.Archive) {
	t.Helper()
	w = newWorld(t)
	n := w.start()
	for i := range 6 {
		id := fmt.Sprint("s", i)
		for part := range 2 {
			export(t, n, request(id, span(fmt.Sprint("first of ", part))))
			export(t, n, request(id, lastSpan(fmt.Sprint("last of ", part))))
			settled(t, n, id, part+1)
		}
	}
	w.close(n)
	return w, w.scan()
}

// TestLookupAdversary: a storage that lies about where entries stand is found out, and
// then everything is read.
func TestLookupAdversary(t *testing.T) {
	w, scanned := adversary(t)
	id := scanned.Parts()[0].ID
	other := scanned.Parts()[4].ID
	type answer = func(journal.Place, []journal.Place) []journal.Place
	places := func(handle receipt.Handle) []journal.Place {
		x := w.indexed()
		x.Page = 100
		list, err := x.Places(t.Context(), journal.Place{Handle: handle}, 256)
		if err != nil {
			t.Fatal(err)
		}
		return list
	}
	of := places(id.Handle)
	lies := map[string]answer{
		"nothing":                   func(journal.Place, []journal.Place) []journal.Place { return nil },
		"the rows of another":       func(_ journal.Place, _ []journal.Place) []journal.Place { return places(other.Handle) },
		"rows of another among his": func(_ journal.Place, l []journal.Place) []journal.Place { return append(l, places(other.Handle)...) },
		"a row twice":               func(_ journal.Place, l []journal.Place) []journal.Place { return append(l[:1:1], l...) },
		"falling":                   func(_ journal.Place, l []journal.Place) []journal.Place { slices.Reverse(l); return l },
		"before what was asked for": func(_ journal.Place, l []journal.Place) []journal.Place { return of[:1] },
		"an epoch that is not there": func(_ journal.Place, l []journal.Place) []journal.Place {
			return append(l, journal.Place{Epoch: [16]byte{0xee}, Seq: 1})
		},
		"an entry that is not there": func(_ journal.Place, l []journal.Place) []journal.Place {
			return append(l, journal.Place{Epoch: id.Epoch, Seq: 1 << 40})
		},
		"the last number": func(_ journal.Place, l []journal.Place) []journal.Place {
			return append(l, journal.Place{Epoch: id.Epoch, Seq: 1<<64 - 1})
		},
		"endless rows": func(from journal.Place, _ []journal.Place) []journal.Place {
			page := make([]journal.Place, 4096)
			for i := range page {
				page[i] = journal.Place{Epoch: from.Epoch, Seq: from.Seq + uint64(i)}
			}
			return page
		},
	}
	for i, dropped := range of {
		switch dropped.Kind {
		case 4, 5, 6: // of a segment, a receipt, a proof
			lies[fmt.Sprint("all but row ", i)] = func(_ journal.Place, l []journal.Place) []journal.Place {
				return slices.DeleteFunc(slices.Clone(l), func(p journal.Place) bool { return p == dropped })
			}
		default:
			t.Errorf("row %d is of kind %d", i, dropped.Kind)
		}
	}
	lies["all but the last part's rows"] = func(_ journal.Place, l []journal.Place) []journal.Place {
		return slices.DeleteFunc(slices.Clone(l), func(p journal.Place) bool { return p.Seq >= of[len(of)/2].Seq })
	}
	lies["all but the first part's rows"] = func(_ journal.Place, l []journal.Place) []journal.Place {
		return slices.DeleteFunc(slices.Clone(l), func(p journal.Place) bool { return p.Seq < of[len(of)/2].Seq })
	}
	for name, lie := range lies {
		t.Run(name, func(t *testing.T) {
			x := w.indexed()
			x.Page = 100
			x.Lie = func(from journal.Place, bits int, honest []journal.Place) []journal.Place {
				if from.Handle == id.Handle && len(honest) > 0 || name == "endless rows" {
					return lie(from, honest)
				}
				return honest
			}
			found, err := archive.Lookup(t.Context(), x, id.Handle.String(), everything)
			if !errors.Is(err, archive.ErrLookup) {
				t.Errorf("%v; %v", err, found)
			}
		})
	}
}

// TestLookupFrames: what an index says wrongly about entries of no session, which lead to
// keys, Evidence and the end of an epoch, does not lead to another session's keys or to what is not
// signed.
func TestLookupFrames(t *testing.T) {
	w, scanned := adversary(t)
	id := scanned.Parts()[0].ID
	for name, lie := range map[string]func(journal.Place) journal.Place{
		"another kind": func(p journal.Place) journal.Place { p.Kind = 3; return p },
		"a close":      func(p journal.Place) journal.Place { p.Kind = 11; return p },
		"a fence":      func(p journal.Place) journal.Place { p.Kind = 10; return p },
		"evidence":     func(p journal.Place) journal.Place { p.Kind = 2; return p },
		"no kind":      func(p journal.Place) journal.Place { p.Kind = 0; return p },
	} {
		x := w.indexed()
		x.Lie = func(from journal.Place, _ int, honest []journal.Place) []journal.Place {
			for i := range honest {
				if from.Handle == (receipt.Handle{}) {
					honest[i] = lie(honest[i])
				}
			}
			return honest
		}
		if _, err := archive.Lookup(t.Context(), x, id.Handle.String(), everything); !errors.Is(err, archive.ErrLookup) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestLookupAnyLie: whatever an index says, what a lookup gives is what a scan says about
// these parts.
func TestLookupAnyLie(t *testing.T) {
	w, scanned := adversary(t)
	rapid.Check(t, func(r *rapid.T) {
		x, id := w.indexed(), scanned.Parts()[rapid.IntRange(0, 11).Draw(r, "part")].ID
		x.Page = rapid.IntRange(1, 40).Draw(r, "page")
		x.Lie = func(_ journal.Place, _ int, list []journal.Place) []journal.Place {
			for range rapid.IntRange(0, 2).Draw(r, "lies") {
				if len(list) == 0 {
					return list
				}
				i := rapid.IntRange(0, len(list)-1).Draw(r, "row")
				switch rapid.IntRange(0, 4).Draw(r, "lie") {
				case 0:
					list = slices.Delete(list, i, i+1)
				case 1:
					list = slices.Insert(list, i, list[i])
				case 2:
					list[i].Seq = uint64(rapid.IntRange(0, 80).Draw(r, "seq"))
				case 3:
					list[i].Kind = uint8(rapid.IntRange(0, 12).Draw(r, "kind"))
				case 4:
					list = list[:i]
				}
			}
			return list
		}
		o := archive.LookupOptions{Open: rapid.Bool().Draw(r, "open"), Bundle: rapid.Bool().Draw(r, "bundle")}
		found, err := archive.Lookup(t.Context(), x, id.Handle.String(), o)
		if err != nil {
			return
		}
		for _, p := range found.Parts() {
			want := scanned.Part(p.ID)
			if p.ID.Handle != id.Handle || p.Receipt != want.Receipt || p.Root != want.Root || p.SealedSeq != want.SealedSeq || !reflect.DeepEqual(p.Segments, want.Segments) {
				r.Fatalf("part %+v, a scan says %+v", p, want)
			}
			if _, err := found.Open(t.Context(), p, w.auditor); o.Open && err != nil {
				r.Fatal(err)
			}
		}
	})
}
