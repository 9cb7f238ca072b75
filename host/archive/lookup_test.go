package archive_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/veriproof/notary/host/archive"
	"github.com/veriproof/notary/host/journal"
	"github.com/veriproof/notary/host/journal/journaltest"
	format "github.com/veriproof/notary/sdk/journal"
	"github.com/veriproof/notary/sdk/receipt"
)

func ExampleLookup() {
	ctx, store := context.Background(), journaltest.New()
	auditor, _ := format.GenerateIdentity()
	w := newWriter(store, 1, auditor)
	for _, name := range []string{"s-1", "s-2", "s-3"} {
		m, _ := w.session(name)
		w.seal(m)
	}
	index, _ := journaltest.Index(ctx, store)
	handle := w.ring.Handle("acme", []byte("s-2")).String()

	a, err := archive.Lookup(ctx, index, handle, archive.LookupOptions{Open: true})
	if errors.Is(err, archive.ErrLookup) || errors.Is(err, journal.ErrNoIndex) {
		a, err = archive.Scan(ctx, index, archive.Options{})
	}
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, p := range a.Parts() {
		opened, _ := a.Open(ctx, p, auditor)
		fmt.Println(p.Manifest.Reason, p.Leaves, string(opened.Session))
	}
	// Output: end 2 s-2
}

// order is an entry that orders to erase a part.
func (w *writer) order(p *archive.Part) *format.Entry {
	body, err := format.EncodeBody(format.ErasureBody{Epoch: p.ID.Epoch, WrappedDEK: p.WrappedDEK, Commitment: p.Commitment(), OrderedUnixNano: 1})
	must(err)
	return w.about(format.KindErasure, p.ID, body)
}

// TestLookupBehindGap: what was under way when a notary died, behind a group that is not
// there, counts to a lookup as little as to a scan.
func TestLookupBehindGap(t *testing.T) {
	for behind := 1; behind < journal.MaxInFlight; behind++ {
		store := journaltest.New()
		w := newWriter(store, 1, identity(t))
		m, _ := w.session("s")
		w.seal(m)
		p := scan(t, store).Parts()[0]
		lost := w.next
		for range behind {
			w.put(true, w.entry(format.KindCheckpoint, []byte("{}")))
		}
		w.put(true, w.order(p))
		lookup := func() (*archive.Archive, error) {
			index, err := journaltest.Index(t.Context(), store)
			if err != nil {
				t.Fatal(err)
			}
			return archive.Lookup(t.Context(), index, p.ID.Handle.String(), archive.LookupOptions{})
		}
		if a, err := lookup(); err != nil || a.Part(p.ID).Erasure == nil {
			t.Fatalf("an order without a gap before it: %v", err)
		}
		store.Rewrite(w.epoch, func(list []journal.Chunk) []journal.Chunk {
			return slices.DeleteFunc(list, func(c journal.Chunk) bool { return c.FirstSeq == lost })
		})
		if scan(t, store).Part(p.ID).Erasure != nil {
			t.Fatal("a scan heeds an order behind a gap")
		}
		if a, err := lookup(); !errors.Is(err, archive.ErrLookup) {
			t.Errorf("an order %d groups behind a gap: %v, %v", behind, a, err)
		}
	}
}

// TestLookupTampered: each byte that a storage changes in what a session has is found
// out, and so is a receipt that is another's, or of other segments.
func TestLookupTampered(t *testing.T) {
	store, auditor := journaltest.New(), identity(t)
	w := newWriter(store, 1, auditor)
	m, _ := w.session("s")
	w.seal(m)
	handle := m.Handle.String()
	index, err := journaltest.Index(t.Context(), store)
	if err != nil {
		t.Fatal(err)
	}
	heads, err := store.Epochs(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for seq := uint64(0); seq <= heads[0].LastChunk; {
		c, err := store.Get(t.Context(), w.epoch, seq)
		if err != nil {
			t.Fatal(err)
		}
		entries := c.Entries
		for at := 0; at < len(entries); at += 1 + len(entries)/97 {
			changed := slices.Clone(entries)
			changed[at] ^= 1
			swap := func(to journal.Sealed) {
				store.Tamper(w.epoch, func(x journal.Chunk) journal.Chunk {
					if x.FirstSeq == c.FirstSeq {
						x.Entries = to
					}
					return x
				})
			}
			swap(changed)
			if _, err := archive.Lookup(t.Context(), index, handle, archive.LookupOptions{Open: true}); !errors.Is(err, archive.ErrLookup) {
				t.Errorf("byte %d of the group at %d: %v", at, c.FirstSeq, err)
			}
			swap(entries)
		}
		for rest := []byte(c.Entries); len(rest) > 0; seq++ {
			if _, rest, err = format.Decode(rest); err != nil {
				t.Fatal(err)
			}
		}
	}

	for name, change := range map[string]func(*receipt.Manifest){
		"other leaves":  func(m *receipt.Manifest) { m.Leaves-- },
		"another root":  func(m *receipt.Manifest) { m.Root[0] ^= 1 },
		"another part":  func(m *receipt.Manifest) { m.Part = 1 },
		"another epoch": func(m *receipt.Manifest) { m.SealedBy.Epoch[0] ^= 1 },
	} {
		store := journaltest.New()
		w := newWriter(store, 1, auditor)
		m, _ := w.session("s")
		handle := m.Handle.String()
		change(&m)
		raw, err := m.Encode()
		if err != nil { // such a manifest cannot be written
			continue
		}
		w.put(true, w.about(format.KindManifest, receipt.PartID{Handle: m.Handle, Part: m.Part}, []byte(receipt.Sign(raw, w.key))))
		index, err := journaltest.Index(t.Context(), store)
		if err != nil {
			t.Fatal(err)
		}
		if a, err := archive.Lookup(t.Context(), index, handle, archive.LookupOptions{}); !errors.Is(err, archive.ErrLookup) {
			t.Errorf("%s: %v %v", name, a, err)
		}
	}
}
