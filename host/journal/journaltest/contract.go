package journaltest

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"math"
	"slices"
	"sync"
	"testing"

	"github.com/veriproof/notary/host/journal"
)

// Contract holds a store, which has to be empty, to what [journal.Store] says. Second is
// another notary's on the same storage, or the same.
func Contract(t *testing.T, first, second journal.Store) {
	for _, test := range []struct {
		name string
		run  func(*testing.T, journal.Store, journal.Store)
	}{
		{"Empty", empty}, {"PutGet", putGet}, {"Erase", erase}, {"OneWinner", oneWinner}, {"LargePut", largePut},
	} {
		t.Run(test.name, func(t *testing.T) { test.run(t, first, second) })
	}
}

// Group makes a group of entries for tests.
func Group(epoch byte, first uint64, entries ...string) journal.Group {
	g := journal.Group{Epoch: [16]byte{epoch}, FirstSeq: first}
	for _, e := range entries {
		g.Entries = append(g.Entries, journal.Sealed(e))
	}
	return g
}

// KeyID makes the name of a wrapped key for tests.
func KeyID(epoch, handle byte, part uint32) journal.KeyID {
	return journal.KeyID{Epoch: [16]byte{epoch}, Handle: [32]byte{handle}, Part: part}
}

func mustPut(t *testing.T, s journal.Store, groups ...journal.Group) {
	t.Helper()
	for _, g := range groups {
		if err := s.Put(t.Context(), g); err != nil {
			t.Fatalf("put of %x at %d: %v", g.Epoch[:1], g.FirstSeq, err)
		}
	}
}

// putGet: what was put is found by any of its seqs, and nothing else is.
func putGet(t *testing.T, a, b journal.Store) {
	ctx := t.Context()
	first := Group(1, 0, "zero", "one")
	first.Heads = []journal.EntryHead{{Kind: 1}, {Kind: 2, Handle: [32]byte{9}, Part: 3}}
	first.Keys = []journal.WrappedKey{{ID: KeyID(1, 9, 0), DEK: journal.Sealed("dek 9")}, {ID: KeyID(1, 8, 0), DEK: journal.Sealed("dek 8")}}
	mustPut(t, a, first, Group(1, 2, "two"), Group(1, 3, "three", "four"), Group(2, 0, "other"))
	if err := b.Put(ctx, Group(1, 2, "two")); !errors.Is(err, journal.ErrConflict) {
		t.Errorf("same position again: %v, want ErrConflict", err)
	}
	if err := b.Put(ctx, Group(1, 2, "other bytes")); !errors.Is(err, journal.ErrConflict) {
		t.Errorf("same position, other bytes: %v, want ErrConflict", err)
	}
	for seq, want := range map[uint64]string{
		0: "0 zeroone", 1: "0 zeroone", 2: "2 two", 3: "3 threefour", 4: "3 threefour", 1 << 20: "3 threefour", 1 << 63: "3 threefour", math.MaxUint64: "3 threefour",
	} {
		c, err := b.Get(ctx, [16]byte{1}, seq)
		if got := fmt.Sprintf("%d %s", c.FirstSeq, c.Entries); err != nil || got != want {
			t.Errorf("get %d = %q, %v; want %q", seq, got, err, want)
		}
	}
	if _, err := a.Get(ctx, [16]byte{3}, 0); !errors.Is(err, journal.ErrNotFound) {
		t.Errorf("unknown epoch: %v", err)
	}
	heads, err := b.Epochs(ctx)
	if want := []journal.EpochHead{{Epoch: [16]byte{1}, LastChunk: 3}, {Epoch: [16]byte{2}}}; err != nil || !slices.Equal(heads, want) {
		t.Errorf("epochs = %v, %v; want %v", heads, err, want)
	}
	for _, near := range []uint64{0, 1, 4} {
		id := KeyID(1, 8, 0)
		id.Near = near
		if dek, err := b.Key(ctx, id); err != nil || string(dek) != "dek 8" {
			t.Errorf("key with hint %d = %q, %v", near, dek, err)
		}
	}
}

// erase: an erased key is gone, the other stays, and repeating the put does not bring
// it back.
func erase(t *testing.T, a, b journal.Store) {
	ctx := t.Context()
	g := Group(3, 0, "zero")
	g.Keys = []journal.WrappedKey{{ID: KeyID(3, 9, 1), DEK: journal.Sealed("dek 9")}, {ID: KeyID(3, 8, 1), DEK: journal.Sealed("dek 8")}}
	mustPut(t, a, g)
	gone, stays := g.Keys[0].ID, g.Keys[1].ID
	if err := b.EraseKey(ctx, gone); err != nil {
		t.Fatal(err)
	}
	if err := a.Put(ctx, g); !errors.Is(err, journal.ErrConflict) {
		t.Errorf("repeated put: %v", err)
	}
	if _, err := a.Key(ctx, gone); !errors.Is(err, journal.ErrNotFound) {
		t.Errorf("erased key: %v", err)
	}
	if err := a.EraseKey(ctx, gone); !errors.Is(err, journal.ErrNotFound) {
		t.Errorf("second erasure: %v", err)
	}
	if err := a.EraseKey(ctx, KeyID(3, 7, 1)); !errors.Is(err, journal.ErrNotFound) {
		t.Errorf("erasure of a key that never was: %v", err)
	}
	if dek, err := b.Key(ctx, stays); err != nil || string(dek) != "dek 8" {
		t.Errorf("other key = %q, %v", dek, err)
	}
}

// oneWinner: of many writers of a position, of two notaries, one wins, and what is read
// there is what it wrote. Whoever comes first in an epoch may be told that the outcome
// is unknown.
func oneWinner(t *testing.T, a, b journal.Store) {
	for seq := range uint64(10) {
		var wg sync.WaitGroup
		results := make([]error, 6)
		for i := range results {
			writer := a
			if i%2 == 1 {
				writer = b
			}
			wg.Go(func() { results[i] = writer.Put(t.Context(), Group(7, seq, fmt.Sprint("writer ", i))) })
		}
		wg.Wait()
		winner := slices.Index(results, nil)
		if winner < 0 {
			t.Fatalf("seq %d: nobody won: %v", seq, results)
		}
		for i, err := range results {
			if i != winner && err == nil || i != winner && seq > 0 && !errors.Is(err, journal.ErrConflict) {
				t.Fatalf("seq %d, writer %d: %v", seq, i, err)
			}
		}
		if c, err := b.Get(t.Context(), [16]byte{7}, seq); err != nil || string(c.Entries) != fmt.Sprint("writer ", winner) {
			t.Fatalf("seq %d: %q, %v; winner %d", seq, c.Entries, err, winner)
		}
	}
}

// wrapped is the length of a wrapped DEK: nonce, ciphertext and tag of AES-256-GCM.
const wrapped = 12 + 32 + 16

// largePut: a put of the size of a group commit, in many entries, comes back byte for
// byte.
func largePut(t *testing.T, a, b journal.Store) {
	g := journal.Group{Epoch: [16]byte{5}}
	var want []byte
	for i := range 3000 {
		e := bytes.Repeat([]byte{byte(i), byte(i >> 8)}, 700)
		g.Entries = append(g.Entries, e)
		g.Heads = append(g.Heads, journal.EntryHead{Kind: 2, Handle: [32]byte{byte(i)}, Part: uint32(i)})
		want = append(want, e...)
	}
	for i := range 500 {
		g.Keys = append(g.Keys, journal.WrappedKey{ID: KeyID(5, byte(i), uint32(i)), DEK: bytes.Repeat([]byte{byte(i)}, wrapped)})
	}
	mustPut(t, a, g)
	c, err := b.Get(t.Context(), g.Epoch, 2999)
	if err != nil || sha256.Sum256(c.Entries) != sha256.Sum256(want) {
		t.Errorf("%d bytes, %v; want %d", len(c.Entries), err, len(want))
	}
	if dek, err := b.Key(t.Context(), g.Keys[499].ID); err != nil || !bytes.Equal(dek, g.Keys[499].DEK) {
		t.Errorf("key 499: %d bytes, %v", len(dek), err)
	}
}

// empty: an empty storage lists nothing, and whoever does not wait is told so.
func empty(t *testing.T, a, _ journal.Store) {
	if heads, err := a.Epochs(t.Context()); err != nil || len(heads) != 0 {
		t.Errorf("epochs of an empty storage: %v, %v", heads, err)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if err := a.Put(ended, Group(9, 0, "x")); err == nil || errors.Is(err, journal.ErrConflict) {
		t.Errorf("put for whoever does not wait: %v", err)
	}
}
