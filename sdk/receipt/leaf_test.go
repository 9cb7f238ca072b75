package receipt_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"github.com/veriproof/notary/sdk/receipt"
)

// TestLeafHashByDefinition computes the leaf hash as the doc comment says it,
// in another way.
func TestLeafHashByDefinition(t *testing.T) {
	r := fixedRecord()
	salt, commitment := receipt.Hash(seq(1, 32)), receipt.Hash(seq(0x41, 32))
	resource, scope := sha256.Sum256(r.Resource), sha256.Sum256(r.Scope)
	data := bytes.Join([][]byte{salt[:], resource[:], scope[:], commitment[:], {1}, r.Bytes}, nil)
	if got, want := r.LeafHash(salt, commitment), receipt.LeafHash(data); got != want {
		t.Errorf("leaf hash %v, want %v", got, want)
	}
}

// TestLeafHashBindsAll: a change of any single thing under a leaf changes it.
func TestLeafHashBindsAll(t *testing.T) {
	hash := func(change func(r *receipt.Record, salt, commitment *receipt.Hash)) receipt.Hash {
		r, salt, commitment := fixedRecord(), receipt.Hash{1}, receipt.Hash{2}
		change(r, &salt, &commitment)
		return r.LeafHash(salt, commitment)
	}
	seen := map[receipt.Hash]string{}
	for name, change := range map[string]func(r *receipt.Record, salt, commitment *receipt.Hash){
		"nothing":         func(*receipt.Record, *receipt.Hash, *receipt.Hash) {},
		"salt":            func(_ *receipt.Record, salt, _ *receipt.Hash) { salt[31] ^= 1 },
		"edit commitment": func(_ *receipt.Record, _, c *receipt.Hash) { c[0] ^= 1 },
		"resource":        func(r *receipt.Record, _, _ *receipt.Hash) { r.Resource = []byte("Resource") },
		"scope":           func(r *receipt.Record, _, _ *receipt.Hash) { r.Scope = nil },
		"contexts swap":   func(r *receipt.Record, _, _ *receipt.Hash) { r.Resource, r.Scope = r.Scope, r.Resource },
		"kind":            func(r *receipt.Record, _, _ *receipt.Hash) { r.Kind = receipt.Log },
		"record":          func(r *receipt.Record, _, _ *receipt.Hash) { r.Bytes = append(r.Bytes, 0) },
		"kind in record":  func(r *receipt.Record, _, _ *receipt.Hash) { r.Bytes = append([]byte{1}, r.Bytes...) },
	} {
		h := hash(change)
		if other, dup := seen[h]; dup {
			t.Errorf("changing %s and changing %s give the same leaf", name, other)
		}
		seen[h] = name
	}
}

// TestDictionary (T39): who knows the tree but not the salt cannot confirm a
// guess, even of a record with few possible values; who was given the salt can,
// which shows that the test would notice.
func TestDictionary(t *testing.T) {
	record := func(i int) *receipt.Record {
		return &receipt.Record{Kind: receipt.Span, Bytes: fmt.Appendf(nil, "user%d@example.com", i)}
	}
	salt := receipt.Hash(seq(0x77, 32))
	commitment := receipt.EditCommitment(receipt.Hash(seq(0x99, 32)), receipt.EncodeEdits(nil))
	leaf := record(4711).LeafHash(salt, commitment)
	found := func(salt, commitment receipt.Hash) (n int) {
		for i := range 10_000 {
			if record(i).LeafHash(salt, commitment) == leaf {
				n++
			}
		}
		return n
	}
	if n := found(receipt.Hash{}, commitment); n != 0 {
		t.Errorf("%d guesses confirmed without the salt", n)
	}
	if n := found(salt, commitment); n != 1 {
		t.Errorf("%d guesses confirmed with the salt, want 1", n)
	}
}

func TestKindString(t *testing.T) {
	for k, want := range map[receipt.Kind]string{receipt.Span: "span", receipt.Log: "log", receipt.Closing: "summary", 9: "kind 9"} {
		if k.String() != want {
			t.Errorf("kind %d is %q, want %q", uint8(k), k, want)
		}
	}
}

func TestEditsRoundTrip(t *testing.T) {
	name := rapid.StringN(0, 40, 255)
	edit := rapid.Custom(func(t *rapid.T) receipt.Edit {
		return receipt.Edit{
			Plugin: name.Draw(t, "plugin"), Label: name.Draw(t, "label"),
			Place: name.Draw(t, "place"), Length: rapid.Uint32().Draw(t, "length"),
		}
	})
	rapid.Check(t, func(t *rapid.T) {
		in := rapid.SliceOfN(edit, 0, 8).Draw(t, "edits")
		out, err := receipt.DecodeEdits(receipt.EncodeEdits(in))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(in, out, cmpopts.EquateEmpty()); diff != "" {
			t.Fatal(diff)
		}
	})
}

func TestEncodeEditsCutsNames(t *testing.T) {
	out, err := receipt.DecodeEdits(receipt.EncodeEdits([]receipt.Edit{{Plugin: strings.Repeat("p", 300)}}))
	if err != nil || len(out) != 1 || len(out[0].Plugin) != 255 {
		t.Errorf("a name of 300 bytes: %d edits, %v", len(out), err)
	}
}

func TestDecodeEditsRefuses(t *testing.T) {
	good := receipt.EncodeEdits([]receipt.Edit{{Plugin: "p", Label: "L", Place: "x", Length: 1}})
	cases := map[string][]byte{
		"empty":        nil,
		"bytes follow": append(bytes.Clone(good), 0),
		"lying count":  append(binary.BigEndian.AppendUint32(nil, 1<<31), good[4:]...),
		"count of two": append(binary.BigEndian.AppendUint32(nil, 2), good[4:]...),
		"count of 0":   append(binary.BigEndian.AppendUint32(nil, 0), good[4:]...),
		"long name":    append([]byte{0, 0, 0, 1, 255}, good[5:]...),
	}
	for i := 1; i < len(good); i++ {
		cases[fmt.Sprintf("cut at %d", i)] = good[:i]
	}
	for name, b := range cases {
		if _, err := receipt.DecodeEdits(b); !errors.Is(err, receipt.ErrEdits) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func FuzzDecodeEdits(f *testing.F) {
	f.Add([]byte{0, 0, 0, 0})
	f.Add(fixedRecord().Edits)
	f.Add([]byte{0xff, 0xff, 0xff, 0xff, 0})
	f.Fuzz(func(t *testing.T, b []byte) {
		edits, err := receipt.DecodeEdits(b)
		if err == nil && !bytes.Equal(receipt.EncodeEdits(edits), b) {
			t.Fatal("accepted an encoding that EncodeEdits does not make")
		}
	})
}
