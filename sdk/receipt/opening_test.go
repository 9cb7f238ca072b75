package receipt_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/veriproof/notary/sdk/receipt"
)

// fixedOpening opens leaf 1 of 3, which is fixedRecord.
func fixedOpening(t testing.TB) (*receipt.Opening, *receipt.Manifest) {
	t.Helper()
	r := fixedRecord()
	salt, editKey := receipt.Hash(seq(1, 32)), receipt.Hash(seq(0x41, 32))
	commitment := receipt.EditCommitment(editKey, r.Edits)
	leaves := fixedLeaves(3)
	leaves[1] = r.LeafHash(salt, commitment)
	m := fixedManifest()
	m.Root = receipt.Root(leaves)
	return &receipt.Opening{
		Index: 1, Kind: r.Kind, Salt: salt, EditCommitment: commitment, Resource: r.Resource, Scope: r.Scope, Record: r.Bytes,
		EditKey: &editKey, Edits: r.Edits, Path: path(leaves, 1),
	}, &m
}

func TestOpening(t *testing.T) {
	o, m := fixedOpening(t)
	b, err := o.Encode()
	if err != nil {
		t.Fatal(err)
	}
	out, err := receipt.ParseOpening(b)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(o, out); diff != "" {
		t.Error(diff)
	}
	if err := out.Verify(m); err != nil {
		t.Error(err)
	}
	o.EditKey, o.Edits = nil, nil // the record alone is shown
	if err := o.Verify(m); err != nil {
		t.Errorf("without the edit list: %v", err)
	}
}

func TestOpeningRefused(t *testing.T) {
	for name, change := range map[string]func(o *receipt.Opening, m *receipt.Manifest){
		"index":             func(o *receipt.Opening, _ *receipt.Manifest) { o.Index = 0 },
		"index at size":     func(o *receipt.Opening, _ *receipt.Manifest) { o.Index = 3 },
		"kind":              func(o *receipt.Opening, _ *receipt.Manifest) { o.Kind = receipt.Log },
		"unknown kind":      func(o *receipt.Opening, _ *receipt.Manifest) { o.Kind = 4 },
		"salt":              func(o *receipt.Opening, _ *receipt.Manifest) { o.Salt[0] ^= 1 },
		"edit commitment":   func(o *receipt.Opening, _ *receipt.Manifest) { o.EditCommitment[0] ^= 1 },
		"resource":          func(o *receipt.Opening, _ *receipt.Manifest) { o.Resource = nil },
		"scope":             func(o *receipt.Opening, _ *receipt.Manifest) { o.Scope = []byte("Scope") },
		"record":            func(o *receipt.Opening, _ *receipt.Manifest) { o.Record = []byte("Record") },
		"edit key":          func(o *receipt.Opening, _ *receipt.Manifest) { o.EditKey[0] ^= 1 },
		"edit list":         func(o *receipt.Opening, _ *receipt.Manifest) { o.Edits = receipt.EncodeEdits(nil) },
		"no edit list":      func(o *receipt.Opening, _ *receipt.Manifest) { o.Edits = nil },
		"list without key":  func(o *receipt.Opening, _ *receipt.Manifest) { o.EditKey = nil },
		"path":              func(o *receipt.Opening, _ *receipt.Manifest) { o.Path[0][0] ^= 1 },
		"path too short":    func(o *receipt.Opening, _ *receipt.Manifest) { o.Path = o.Path[:1] },
		"path too long":     func(o *receipt.Opening, _ *receipt.Manifest) { o.Path = append(o.Path, receipt.Hash{}) },
		"another root":      func(_ *receipt.Opening, m *receipt.Manifest) { m.Root[0] ^= 1 },
		"another tree size": func(_ *receipt.Opening, m *receipt.Manifest) { m.Leaves = 5 },
	} {
		o, m := fixedOpening(t)
		change(o, m)
		if err := o.Verify(m); !errors.Is(err, receipt.ErrOpening) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestOpeningMalformedEdits: a list that the notary committed to but that is no
// edit list is shown as such.
func TestOpeningMalformedEdits(t *testing.T) {
	o, m := fixedOpening(t)
	o.Edits = []byte("no list")
	o.EditCommitment = receipt.EditCommitment(*o.EditKey, o.Edits)
	leaves := fixedLeaves(3)
	leaves[1] = fixedRecord().LeafHash(o.Salt, o.EditCommitment)
	m.Root = receipt.Root(leaves)
	if err := o.Verify(m); !errors.Is(err, receipt.ErrOpening) || !errors.Is(err, receipt.ErrEdits) {
		t.Errorf("%v", err)
	}
}

func TestParseOpeningRefuses(t *testing.T) {
	o, _ := fixedOpening(t)
	b, err := o.Encode()
	if err != nil {
		t.Fatal(err)
	}
	long := *o
	long.Path = make([]receipt.Hash, receipt.MaxPath+1)
	longBytes, err := long.Encode()
	if err != nil {
		t.Fatal(err)
	}
	good := string(b)
	for name, s := range map[string]string{
		"empty":            "",
		"space":            " " + good,
		"unknown member":   strings.Replace(good, "{", `{"x":1,`, 1),
		"repeated member":  strings.Replace(good, "{", `{"index":5,`, 1),
		"member's case":    strings.Replace(good, `"index"`, `"Index"`, 1),
		"null record":      strings.Replace(good, `"record":"cmVjb3Jk"`, `"record":null`, 1),
		"kind over a byte": strings.Replace(good, `"kind":1`, `"kind":257`, 1),
		"path too long":    string(longBytes),
		"second value":     good + "{}",
	} {
		if _, err := receipt.ParseOpening([]byte(s)); !errors.Is(err, receipt.ErrOpening) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestParseOpeningTooLong(t *testing.T) {
	if _, err := receipt.ParseOpening(make([]byte, receipt.MaxOpening+1)); !errors.Is(err, receipt.ErrOpening) {
		t.Errorf("%v", err)
	}
}

// TestOpeningWithoutContext: what is absent is written as "" and [], so that
// readers in other languages need no third case.
func TestOpeningWithoutContext(t *testing.T) {
	o := &receipt.Opening{Kind: receipt.Closing}
	b, err := o.Encode()
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(b, []byte("null")) {
		t.Errorf("null in %s", b)
	}
	if _, err := receipt.ParseOpening(b); err != nil {
		t.Error(err)
	}
	if o.Resource != nil || o.Path != nil {
		t.Error("Encode changed the opening")
	}
}

func FuzzParseOpening(f *testing.F) {
	o, m := fixedOpening(f)
	b, err := o.Encode()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(b)
	f.Add([]byte(`{"path":[]}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		o, err := receipt.ParseOpening(b)
		if err != nil {
			return
		}
		if again, err := o.Encode(); err != nil || !bytes.Equal(again, b) {
			t.Fatalf("%q is encoded as %q, %v", b, again, err)
		}
		_ = o.Verify(m) // must not panic, whatever the numbers are
	})
}
