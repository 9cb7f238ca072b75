package journal_test

import (
	"bytes"
	"errors"
	"testing"

	"github.com/veriproof/notary/sdk/journal"
	"github.com/veriproof/notary/sdk/receipt"
)

func TestReader(t *testing.T) {
	entries := fixedJournal()
	r := &journal.Reader{Epoch: fixedPart().Epoch, Key: public(fixedKey(0))}
	n, err := read(encode(entries), r)
	if err != nil || n != 3 {
		t.Fatalf("%d entries, %v", n, err)
	}
	if next, chain := r.Head(); next != 3 || chain != entries[2].Chain {
		t.Errorf("head %d %v", next, chain)
	}
	if r.Signed() != 3 || r.Ended() != journal.KindClose {
		t.Errorf("%d entries signed, ended by %v", r.Signed(), r.Ended())
	}
}

// TestReaderWithoutKey: nothing is vouched for before the key is known, and all
// of it after, since one signature stands for the whole chain before it.
func TestReaderWithoutKey(t *testing.T) {
	entries := fixedJournal()
	r := &journal.Reader{Epoch: fixedPart().Epoch}
	if err := r.Next(&entries[0]); err != nil || r.Signed() != 0 {
		t.Fatalf("%d signed, %v", r.Signed(), err)
	}
	r.Key = public(fixedKey(0))
	for i := range entries[1:] {
		if err := r.Next(&entries[1+i]); err != nil {
			t.Fatal(err)
		}
	}
	if r.Signed() != 3 {
		t.Errorf("%d entries are vouched for, want 3", r.Signed())
	}
}

func TestReaderRefuses(t *testing.T) {
	epoch := fixedPart().Epoch
	journalOf := func(kinds ...journal.Kind) []journal.Entry {
		var entries []journal.Entry
		for _, k := range kinds {
			entries = append(entries, entry(k, "{}"))
		}
		return chainOf(fixedKey(0), epoch, entries...)
	}
	e, seg, cl, fe, pr := journal.KindEpoch, journal.KindSegment, journal.KindClose, journal.KindFence, journal.KindProof
	good := journalOf(e, seg, seg, seg)
	chainedOn := bytes.Clone(good[3].Chain[:])
	other := chainOf(fixedKey(0), receipt.Epoch{9}, entry(e, "{}"), entry(seg, "{}"))
	forged := chainOf(fixedKey(1), epoch, entry(e, "{}"), entry(seg, "{}"))
	cut := journalOf(e, seg)
	cut[1].Signature = cut[1].Signature[:63]
	wrongChain := journalOf(e, seg)
	copy(wrongChain[1].Chain[:], chainedOn)
	retired := journalOf(e, seg)
	retired[1].Header.Body[0] ^= 1
	retired[1].Body = nil

	for name, entries := range map[string][]journal.Entry{
		"gap":                  {good[0], good[2]},
		"repetition":           {good[0], good[0]},
		"swapped":              {good[0], good[2], good[1]},
		"starts late":          good[1:],
		"another epoch":        {good[0], other[1]},
		"another key":          forged,
		"short signature":      cut,
		"chain value":          wrongChain,
		"retired body's hash":  retired,
		"no epoch entry":       journalOf(seg),
		"second epoch entry":   journalOf(e, e),
		"segment after close":  journalOf(e, cl, seg),
		"second close":         journalOf(e, cl, cl),
		"proof after fence":    journalOf(e, fe, pr),
		"close after a fence":  journalOf(e, fe, cl),
		"close after fence":    journalOf(e, cl, fe, cl),
		"segment after proofs": journalOf(e, cl, pr, pr, seg),
	} {
		r := &journal.Reader{Epoch: epoch, Key: public(fixedKey(0))}
		var err error
		for i := range entries {
			if err = r.Next(&entries[i]); err != nil {
				break
			}
		}
		if !errors.Is(err, journal.ErrChain) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, kinds := range [][]journal.Kind{{e, cl, pr, pr, fe}, {e, fe}, {e, seg, cl, fe}, {e, fe, fe}} {
		r := &journal.Reader{Epoch: epoch} // a fence is signed by another key
		if _, err := read(encode(journalOf(kinds...)), r); err != nil {
			t.Errorf("%v: %v", kinds, err)
		}
	}
}

// TestRetiredBody: without its body an entry still proves the chain.
func TestRetiredBody(t *testing.T) {
	entries := fixedJournal()
	entries[1].Body = nil
	r := &journal.Reader{Epoch: fixedPart().Epoch, Key: public(fixedKey(0))}
	if n, err := read(encode(entries), r); n != 3 || err != nil {
		t.Errorf("%d entries, %v", n, err)
	}
}

func fixedPosition() *journal.Position {
	p := &journal.Position{Epoch: fixedPart().Epoch, Seq: 42, Chain: receipt.Hash(seq(0x50, 32))}
	p.Signature = journal.SignPosition(fixedKey(0), p.Epoch, p.Seq, p.Chain)
	return p
}

func TestPositionEveryByte(t *testing.T) {
	good := fixedPosition().Encode()
	if p, err := journal.ParsePosition(good); err != nil || p.Verify(public(fixedKey(0))) != nil {
		t.Fatalf("own position: %v", err)
	}
	for i := range good {
		for _, bits := range []byte{1, 2, 0x80} {
			b := bytes.Clone(good)
			b[i] ^= bits
			p, err := journal.ParsePosition(b)
			if err != nil {
				t.Fatal(err)
			}
			if err := p.Verify(public(fixedKey(0))); !errors.Is(err, journal.ErrPosition) {
				t.Errorf("byte %d changed by %#x: %v", i, bits, err)
			}
		}
	}
}

func TestPositionRefused(t *testing.T) {
	p := fixedPosition()
	if err := p.Verify(public(fixedKey(1))); !errors.Is(err, journal.ErrPosition) {
		t.Errorf("another key: %v", err)
	}
	if err := p.Verify(nil); !errors.Is(err, journal.ErrPosition) {
		t.Errorf("no key: %v", err)
	}
	for _, n := range []int{0, journal.PositionSize - 1, journal.PositionSize + 1} {
		if _, err := journal.ParsePosition(make([]byte, n)); !errors.Is(err, journal.ErrPosition) {
			t.Errorf("%d bytes: %v", n, err)
		}
	}
}

func FuzzParsePosition(f *testing.F) {
	f.Add(fixedPosition().Encode())
	f.Fuzz(func(t *testing.T, b []byte) {
		p, err := journal.ParsePosition(b)
		if err == nil && !bytes.Equal(p.Encode(), b) {
			t.Fatal("another encoding")
		}
	})
}

// TestDomains: values over the same fields for different purposes differ.
func TestDomains(t *testing.T) {
	e, c := receipt.Epoch{1}, receipt.Hash{2}
	if journal.CloseCommitment(e, 3, c) == journal.CheckpointCommitment(e, 3, c, [32]byte{}) {
		t.Error("a checkpoint passes for the end of an epoch")
	}
}
