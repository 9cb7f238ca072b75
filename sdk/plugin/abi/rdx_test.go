package abi_test

import (
	"bytes"
	"encoding/hex"
	"errors"
	"slices"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"

	"github.com/veriproof/notary/sdk/plugin/abi"
)

// TestRequestVector fixes every byte of a request.
func TestRequestVector(t *testing.T) {
	got, err := abi.AppendRequest(nil, []abi.Field{
		{Text: []byte("hi"), Key: []byte("k1"), Role: abi.RoleUser, Format: abi.FormatJSON, Group: 7},
		{Text: []byte("é"), Role: abi.RoleResource},
	})
	if err != nil {
		t.Fatal(err)
	}
	const want = "52445831" + "01000000" + "74000000" + "02000000" + "20000000" + "20000000" + "0000000000000000" +
		"60000000" + "02000000" + "72000000" + "02000000" + "0200" + "0100" + "07000000" + "0000000000000000" +
		"70000000" + "02000000" + "74000000" + "00000000" + "0800" + "0000" + "00000000" + "0000000000000000" +
		"68690000000000000000000000000000" + "c3a9" + "6b31"
	if hex.EncodeToString(got) != want {
		t.Errorf("request\n%x, want\n%s", got, want)
	}
}

func TestReplyVector(t *testing.T) {
	got := abi.AppendReply(nil, 0, []abi.Edit{{Field: 1, Start: 2, End: 300, Label: 4, Score: 5}})
	const want = "52445231" + "00000000" + "01000000" + "10000000" + "01000000" + "02000000" + "2c010000" + "0400" + "0500"
	if hex.EncodeToString(got) != want {
		t.Errorf("reply %x, want %s", got, want)
	}
}

func drawFields(t *rapid.T) []abi.Field {
	return rapid.SliceOfN(rapid.Custom(func(t *rapid.T) abi.Field {
		return abi.Field{
			Text: []byte(rapid.String().Draw(t, "text")), Key: []byte(rapid.String().Draw(t, "key")),
			Role: abi.Role(rapid.Uint16().Draw(t, "role")), Format: abi.Format(rapid.Uint16().Draw(t, "format")),
			Group: rapid.Uint32().Draw(t, "group"),
		}
	}), 0, 8).Draw(t, "fields")
}

// TestRequestRoundTrip: what the host writes the guest reads, every text begins
// at a multiple of 16, the size is known in advance, and what was in the memory is not.
func TestRequestRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		in := drawFields(t)
		prefix := []byte("prefix")
		b, err := abi.AppendRequest(bytes.Clone(prefix), in)
		var l abi.RequestLayout
		for i := range in {
			l.Add(len(in[i].Text), len(in[i].Key))
		}
		size, err2 := l.Size()
		if err != nil || err2 != nil || !bytes.HasPrefix(b, prefix) || len(b) != len(prefix)+size {
			t.Fatalf("%d bytes, size %d, errors %v, %v", len(b), size, err, err2)
		}
		b = b[len(prefix):]
		used := bytes.Repeat([]byte{0xaa}, size)
		w := l.Begin(used)
		for i := range in {
			w.Put(in[i].Text, in[i].Key, in[i].Role, in[i].Format, in[i].Group)
		}
		if !bytes.Equal(used, b) {
			t.Fatal("something of what was there is left")
		}
		out, err := abi.DecodeRequest(b, nil)
		if err != nil || len(out) != len(in) {
			t.Fatalf("%d fields of %d, error %v", len(out), len(in), err)
		}
		for i := range in {
			if !bytes.Equal(in[i].Text, out[i].Text) || !bytes.Equal(in[i].Key, out[i].Key) ||
				in[i].Role != out[i].Role || in[i].Format != out[i].Format || in[i].Group != out[i].Group {
				t.Fatalf("field %d: %v, want %v", i, out[i], in[i])
			}
			if len(out[i].Text) > 0 && offset(b, out[i].Text)%abi.Align != 0 {
				t.Fatalf("text at %d", offset(b, out[i].Text))
			}
		}
	})
}

// offset returns where view begins in b.
func offset(b, view []byte) int {
	for i := range b {
		if &b[i] == &view[0] {
			return i
		}
	}
	return -1
}

func TestRequestBounds(t *testing.T) {
	for name, in := range map[string][]abi.Field{
		"fields": make([]abi.Field, abi.MaxFields+1),
		"text":   {{Text: make([]byte, abi.MaxMessage)}},
		"key":    {{Key: make([]byte, abi.MaxMessage)}},
		"sum":    {{Text: make([]byte, abi.MaxMessage/2)}, {Key: make([]byte, abi.MaxMessage/2)}},
	} {
		if b, err := abi.AppendRequest(nil, in); !errors.Is(err, abi.ErrFormat) || len(b) != 0 {
			t.Errorf("%s: %d bytes, error %v", name, len(b), err)
		}
	}
}

// TestLongerRecords: a guest of this version reads requests of later minor
// versions, whose records have more columns.
func TestLongerRecords(t *testing.T) {
	b, err := abi.AppendRequest(nil, []abi.Field{{Text: []byte("0123456789abcdef")}})
	if err != nil {
		t.Fatal(err)
	}
	b[6], b[20] = 9, 48 // minor 9, records of 48 bytes: the text's 16 count as columns
	out, err := abi.DecodeRequest(b, nil)
	if err != nil || string(out[0].Text) != "0123456789abcdef" {
		t.Errorf("fields %v, error %v", out, err)
	}
	b[4] = 2
	if _, err := abi.DecodeRequest(b, nil); !errors.Is(err, abi.ErrFormat) {
		t.Errorf("major version 2: %v", err)
	}
}

func TestValidateEdits(t *testing.T) {
	fields := []abi.Field{{Text: []byte("añb")}, {Text: []byte("xy")}}
	for name, tc := range map[string]struct {
		edits []abi.Edit
		ok    bool
	}{
		"none":          {nil, true},
		"all":           {[]abi.Edit{{End: 4}, {Field: 1, End: 2, Label: 1}}, true},
		"adjacent":      {[]abi.Edit{{End: 1}, {Start: 1, End: 3}, {Start: 3, End: 4}}, true},
		"field":         {[]abi.Edit{{Field: 2, End: 1}}, false},
		"label":         {[]abi.Edit{{End: 1, Label: 2}}, false},
		"empty":         {[]abi.Edit{{Start: 1, End: 1}}, false},
		"backwards":     {[]abi.Edit{{Start: 3, End: 1}}, false},
		"behind":        {[]abi.Edit{{Start: 0, End: 5}}, false},
		"start in rune": {[]abi.Edit{{Start: 2, End: 3}}, false},
		"end in rune":   {[]abi.Edit{{Start: 1, End: 2}}, false},
		"overlap":       {[]abi.Edit{{End: 3}, {Start: 1, End: 3}}, false},
		"order":         {[]abi.Edit{{Field: 1, End: 1}, {End: 1}}, false},
	} {
		if err := abi.ValidateEdits(fields, tc.edits, 2); (err == nil) != tc.ok {
			t.Errorf("%s: error %v", name, err)
		}
	}
}

func FuzzDecodeRequest(f *testing.F) {
	seed, _ := abi.AppendRequest(nil, []abi.Field{{Text: []byte("text"), Key: []byte("key")}, {}})
	f.Add(seed)
	f.Fuzz(func(t *testing.T, b []byte) {
		out, err := abi.DecodeRequest(b, nil)
		if err != nil && !errors.Is(err, abi.ErrFormat) {
			t.Fatalf("error %v is not ErrFormat", err)
		}
		for _, field := range out {
			if len(field.Text) > len(b) || len(field.Key) > len(b) {
				t.Fatal("field is longer than its request")
			}
		}
	})
}

func FuzzDecodeReply(f *testing.F) {
	f.Add(abi.AppendReply(nil, 0, []abi.Edit{{End: 1}, {Start: 1, End: 2, Label: 1}}))
	text := []byte("some text é to mask")
	f.Fuzz(func(t *testing.T, b []byte) {
		status, edits, err := abi.DecodeReply(b, 100, nil)
		if err != nil {
			return
		}
		if again := abi.AppendReply(nil, status, edits); !bytes.Equal(again, b) {
			t.Fatalf("%x decodes, and encodes to %x", b, again)
		}
		if abi.ValidateEdits([]abi.Field{{Text: text}}, edits, 2) != nil {
			return
		}
		// What passes can be spliced: nothing is cut, nothing is out of range.
		out, at := []byte(nil), uint32(0)
		for _, e := range edits {
			out = append(append(out, text[at:e.Start]...), "[X]"...)
			at = e.End
		}
		if out = append(out, text[at:]...); !utf8.Valid(out) {
			t.Fatalf("spliced text %q is not UTF-8", out)
		}
	})
}

func TestPack(t *testing.T) {
	if p, n := abi.Unpack(abi.Pack(0x8000_0001, 0xffff_ffff)); p != 0x8000_0001 || n != 0xffff_ffff {
		t.Errorf("unpack = %x, %x", p, n)
	}
	if names := abi.WASIFunctions(); len(names) != 10 || !slices.IsSorted(names) {
		t.Errorf("WASI functions %v", names)
	}
}
