package journal_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"testing"

	"pgregory.net/rapid"

	"github.com/veriproof/notary/host/journal"
	"github.com/veriproof/notary/host/journal/journaltest"
	format "github.com/veriproof/notary/sdk/journal"
)

// framed is a draft whose body was sealed into memory of Room.
func framed(i, size int) journal.Draft {
	body := fmt.Appendf(nil, "body %d %s", i, bytes.Repeat([]byte{'.'}, size))
	b := append(journal.Room(format.Overhead + len(body))[:format.Overhead], body...)
	return journal.Draft{Kind: format.KindSegment, Body: b, Framed: true}
}

// TestFramed: entries that are completed in place are those that would have been
// copied, and memory that is used again has taken nothing away from storage.
func TestFramed(t *testing.T) {
	store := journaltest.New()
	w := start(t, store, options())
	if _, err := w.Append(draft(0), nil); err != nil {
		t.Fatal(err)
	}
	var want []string
	for i := range 200 {
		drafts := []journal.Draft{framed(i, 1000+i), {Kind: format.KindCheckpoint, Body: journal.Sealed("between")}, framed(i, 40_000)}
		for _, d := range drafts {
			want = append(want, string(d.Body[map[bool]int{true: format.Overhead}[d.Framed]:]))
		}
		p, err := w.Append(drafts, nil)
		if err != nil {
			t.Fatal(err)
		}
		if i%3 == 0 {
			if _, err := p.Wait(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := w.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	bodies, signed := readAll(t, store)
	if len(bodies) != len(want)+1 || signed != uint64(len(bodies)) {
		t.Fatalf("%d bodies, %d signed; want %d", len(bodies), signed, len(want)+1)
	}
	for i := range want {
		if bodies[i+1] != want[i] {
			t.Fatalf("entry %d has another body", i+1)
		}
	}
}

// TestFramedHangs: a write that hangs keeps its memory, since it may go on.
func TestFramedHangs(t *testing.T) {
	store := journaltest.New()
	store.Inject(func(journal.Group) journaltest.Fault { return journaltest.Hangs })
	w := start(t, store, impatient())
	d := framed(1, 5000)
	before := bytes.Clone(d.Body[format.Overhead:])
	p, err := w.Append([]journal.Draft{d}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.Wait(context.Background()); !errors.Is(err, journal.ErrEnded) {
		t.Fatalf("%v, want ErrEnded", err)
	}
	for range 100 {
		if b := journal.Room(len(d.Body)); &b[0] == &d.Body[0] {
			t.Fatal("the memory was given to another")
		}
	}
	if !bytes.Equal(d.Body[format.Overhead:], before) {
		t.Fatal("the body was changed")
	}
}

// TestRoom: what Room gives is as long as was asked for, and at most a quarter longer.
func TestRoom(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		size := rapid.OneOf(rapid.IntRange(1, 1<<12), rapid.IntRange(1, 1<<21)).Draw(t, "size")
		b := journal.Room(size)
		if len(b) != size || cap(b) > max(1<<10, size+size/4+1) {
			t.Fatalf("%d bytes of %d", len(b), cap(b))
		}
		journal.GiveBack(b)
		if again := journal.Room(size); len(again) != size {
			t.Fatalf("%d bytes again", len(again))
		}
	})
}
