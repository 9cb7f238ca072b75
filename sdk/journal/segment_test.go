package journal_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"github.com/veriproof/notary/sdk/journal"
	"github.com/veriproof/notary/sdk/receipt"
)

func TestSegmentRoundTrip(t *testing.T) {
	context := rapid.SampledFrom([][]byte{nil, []byte("a"), []byte("b"), bytes.Repeat([]byte("c"), 300)})
	record := rapid.Custom(func(t *rapid.T) receipt.Record {
		return receipt.Record{
			Kind: receipt.Kind(rapid.Uint8Range(1, 3).Draw(t, "kind")), Resource: context.Draw(t, "resource"), Scope: context.Draw(t, "scope"),
			Edits: receipt.EncodeEdits(nil), Bytes: rapid.SliceOfN(rapid.Byte(), 0, 400).Draw(t, "record"),
		}
	})
	rapid.Check(t, func(t *rapid.T) {
		keys := journal.DeriveKeys(journal.NewSecret(), fixedPart())
		number := rapid.Uint64().Draw(t, "number")
		in := &journal.Content{
			Tenant: rapid.String().Draw(t, "tenant"), Session: rapid.SliceOf(rapid.Byte()).Draw(t, "session"),
			Records: rapid.SliceOfN(record, 1, 6).Draw(t, "records"),
		}
		s, err := journal.ParseSegment(keys.SealSegment(number, receipt.Hash{9}, in).Encode())
		if err != nil {
			t.Fatal(err)
		}
		out, err := keys.OpenSegment(number, s)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(in, out, cmpopts.EquateEmpty()); diff != "" {
			t.Fatal(diff)
		}
	})
}

// TestSegmentEveryByte: whoever opens a segment notices every changed byte of
// it, save in the hash of the wrapped DEK, which the entry's own hash covers.
func TestSegmentEveryByte(t *testing.T) {
	keys, _, body := mustSealed(t, 7)
	for i := range body {
		for bit := range 8 {
			b := bytes.Clone(body)
			b[i] ^= 1 << bit
			s, err := journal.ParseSegment(b)
			if err == nil {
				_, err = keys.OpenSegment(7, s)
			}
			if 33 <= i && i < 65 {
				if err != nil || s.WrappedDEK == receipt.Hash(seq(0x30, 32)) {
					t.Errorf("wrapped DEK's hash, byte %d: %v", i, err)
				}
			} else if !errors.Is(err, journal.ErrSegment) {
				t.Errorf("bit %d of byte %d flipped: %v", bit, i, err)
			}
		}
	}
	for i := range body {
		s, err := journal.ParseSegment(body[:i])
		if err == nil {
			_, err = keys.OpenSegment(7, s)
		}
		if !errors.Is(err, journal.ErrSegment) {
			t.Errorf("cut at %d: %v", i, err)
		}
	}
}

// TestSegmentMoved (T32): a ciphertext under another epoch, handle, part or
// number does not open, neither with its own commitment nor with that of the
// place it was moved to.
func TestSegmentMoved(t *testing.T) {
	dek := fixedSecret(1)
	keys, s, _ := mustSealed(t, 7)
	if _, err := keys.OpenSegment(8, s); !errors.Is(err, journal.ErrSegment) {
		t.Errorf("another number: %v", err)
	}
	for name, other := range elsewhere(fixedPart()) {
		there := journal.DeriveKeys(dek, other)
		if _, err := there.OpenSegment(7, s); !errors.Is(err, journal.ErrSegment) {
			t.Errorf("another %s: %v", name, err)
		}
		moved := *s
		moved.DEKCommitment = there.Commitment
		if _, err := there.OpenSegment(7, &moved); !errors.Is(err, journal.ErrSegment) {
			t.Errorf("another %s with its commitment: %v", name, err)
		}
	}
}

// TestSegmentsSwapped (T32): of two segments of a part, no half of one goes with
// a half of the other.
func TestSegmentsSwapped(t *testing.T) {
	keys, a, _ := mustSealed(t, 7)
	_, b, _ := mustSealed(t, 8)
	a.Leaves, b.Leaves = b.Leaves, a.Leaves
	for number, s := range map[uint64]*journal.Segment{7: a, 8: b} {
		if _, err := keys.OpenSegment(number, s); !errors.Is(err, journal.ErrSegment) {
			t.Errorf("leaves of another segment under number %d: %v", number, err)
		}
	}
	a.Leaves, b.Leaves = b.Leaves, a.Leaves
	a.Leaves[0], a.Leaves[1] = a.Leaves[1], a.Leaves[0]
	if _, err := keys.OpenSegment(7, a); !errors.Is(err, journal.ErrSegment) {
		t.Errorf("two leaves swapped: %v", err)
	}
	b.Leaves = b.Leaves[:1]
	if _, err := keys.OpenSegment(8, b); !errors.Is(err, journal.ErrSegment) {
		t.Errorf("a leaf left out: %v", err)
	}
}

func TestParseSegmentRefuses(t *testing.T) {
	_, _, body := mustSealed(t, 7)
	with := func(n uint32) []byte {
		b := bytes.Clone(body)
		binary.BigEndian.PutUint32(b[65:], n)
		return b
	}
	for name, b := range map[string][]byte{
		"empty": nil, "prefix": body[:69], "format": append([]byte{2}, body[1:]...),
		"no leaves": with(0), "too many": with(journal.MaxLeaves + 1), "lying": with(1 << 31), "more than there are": with(1 << 19),
	} {
		if _, err := journal.ParseSegment(b); !errors.Is(err, journal.ErrSegment) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestErasure: with the DEK destroyed, what stays in storage confirms no guess
// of a record that has few possible values; with it, one, which shows that the
// test would notice.
func TestErasure(t *testing.T) {
	record := func(i int) *receipt.Record {
		return &receipt.Record{Kind: receipt.Span, Edits: receipt.EncodeEdits(nil), Bytes: fmt.Appendf(nil, "user%d@example.com", i)}
	}
	keys := journal.DeriveKeys(fixedSecret(1), fixedPart())
	s := keys.SealSegment(7, receipt.Hash{9}, &journal.Content{Tenant: "acme", Session: []byte("s"), Records: []receipt.Record{*record(471)}})
	found := func(keys *journal.PartKeys) (n int) {
		for i := range 2000 {
			r := record(i)
			if r.LeafHash(keys.Salt(7, 0), receipt.EditCommitment(keys.EditKey(7, 0), r.Edits)) == s.Leaves[0] {
				n++
			}
		}
		return n
	}
	if n := found(keys); n != 1 {
		t.Errorf("%d guesses confirmed with the DEK, want 1", n)
	}
	if n := found(journal.DeriveKeys(journal.NewSecret(), fixedPart())); n != 0 {
		t.Errorf("%d guesses confirmed without the DEK", n)
	}
	keys.Wipe()
	if n := found(keys); n != 0 {
		t.Errorf("%d guesses confirmed after Wipe", n)
	}
}

// TestLengthsHide: records of different lengths give ciphertexts of the same
// length, within a step of the padding.
func TestLengthsHide(t *testing.T) {
	keys := journal.DeriveKeys(fixedSecret(1), fixedPart())
	lengths := map[int]bool{}
	for n := range 100 {
		c := &journal.Content{Records: []receipt.Record{{Kind: receipt.Span, Bytes: make([]byte, n)}}}
		lengths[len(keys.SealSegment(uint64(n), receipt.Hash{}, c).Ciphertext)] = true
	}
	if len(lengths) != 1 {
		t.Errorf("records of 0 to 99 bytes have ciphertexts of %d different lengths", len(lengths))
	}
}

func FuzzParseSegment(f *testing.F) {
	keys, _, body := mustSealed(f, 7)
	f.Add(body)
	f.Add(body[:69])
	f.Fuzz(func(t *testing.T, b []byte) {
		s, err := journal.ParseSegment(b)
		if err != nil {
			return
		}
		if !bytes.Equal(s.Encode(), b) {
			t.Fatal("accepted an encoding that Encode does not make")
		}
		if _, err := keys.OpenSegment(7, s); err == nil && !bytes.Equal(b[:33], body[:33]) {
			t.Fatal("opened a segment of another key")
		}
	})
}
