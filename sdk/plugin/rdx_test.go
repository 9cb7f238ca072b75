package plugin_test

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/veriproof/notary/sdk/plugin/abi"
	"github.com/veriproof/notary/sdk/plugin/redactor"
)

// Labels of the reference redactor.
const (
	labelRun  = 0
	labelStar = 1
)

// star is the reference redactor of ABI.md, section 10, on the kit for Go.
func star() redactor.Spec {
	return redactor.Spec{Labels: []string{"RUN", "STAR"}, Configure: func(config []byte) (redactor.Redactor, error) {
		if len(config) > 0 {
			return nil, errors.New("there is nothing to configure")
		}
		return redactor.EachField(stars), nil
	}}
}

func stars(f *abi.Field, found redactor.Found) {
	score := uint32(f.Role) + 16*uint32(f.Format) + 256*uint32(len(f.Key)) + 4096*f.Group
	if len(f.Key) > 0 {
		score += 3 * uint32(f.Key[0])
	}
	for i := 0; i < len(f.Text); i++ {
		switch {
		case f.Text[i] == '*':
			from := i
			for i+1 < len(f.Text) && f.Text[i+1] == '*' {
				i++
			}
			found(from, i+1, labelRun, uint16(score))
		case bytes.HasPrefix(f.Text[i:], []byte("★")):
			found(i, i+3, labelStar, uint16(score))
			i += 2
		}
	}
}

type rdxVectors struct {
	Requests        []rdxVector `json:"requests"`
	RefusedRequests []refused   `json:"refused_requests"`
	// RefusedReplies answer a request with these texts and two labels.
	Texts          []string  `json:"texts"`
	RefusedReplies []refused `json:"refused_replies"`
}

type rdxVector struct {
	Name    string      `json:"name"`
	Fields  []fieldJSON `json:"fields"`
	Request string      `json:"request"`
	Edits   []editJSON  `json:"edits"`
	Reply   string      `json:"reply"`
}

type fieldJSON struct {
	Text   string `json:"text"`
	Key    string `json:"key"`
	Role   uint16 `json:"role"`
	Format uint16 `json:"format"`
	Group  uint32 `json:"group"`
}

type editJSON struct {
	Field uint32 `json:"field"`
	Start uint32 `json:"start"`
	End   uint32 `json:"end"`
	Label uint16 `json:"label"`
	Score uint16 `json:"score"`
}

type refused struct {
	Name  string `json:"name"`
	Bytes string `json:"bytes"`
}

func (f *fieldJSON) field() abi.Field {
	return abi.Field{Text: []byte(f.Text), Key: []byte(f.Key), Role: abi.Role(f.Role), Format: abi.Format(f.Format), Group: f.Group}
}

// laterRequest lays the fields out as a later minor version might: longer records,
// the table behind the texts, flags that nobody knows yet.
func laterRequest(fields []abi.Field) []byte {
	const record = 48
	le := binary.LittleEndian
	b := make([]byte, 32)
	var table []byte
	for _, f := range fields {
		b = append(b, make([]byte, -len(b)&15)...)
		row := slices.Repeat([]byte{0xee}, record)
		le.PutUint32(row[0:], uint32(len(b)))
		le.PutUint32(row[4:], uint32(len(f.Text)))
		b = append(b, f.Text...)
		le.PutUint32(row[8:], uint32(len(b)))
		le.PutUint32(row[12:], uint32(len(f.Key)))
		b = append(b, f.Key...)
		le.PutUint16(row[16:], uint16(f.Role))
		le.PutUint16(row[18:], uint16(f.Format))
		le.PutUint32(row[20:], f.Group)
		table = append(table, row...)
	}
	b = append(b, make([]byte, -len(b)&15)...)
	at := len(b)
	b = append(b, table...)
	le.PutUint32(b[0:], abi.MagicRequest)
	le.PutUint16(b[4:], abi.Major)
	le.PutUint16(b[6:], 7)
	le.PutUint32(b[8:], uint32(len(b)))
	le.PutUint32(b[12:], uint32(len(fields)))
	le.PutUint32(b[16:], uint32(at))
	le.PutUint32(b[20:], record)
	le.PutUint32(b[24:], 0xffffffff)
	return b
}

// TestRdxVectors makes the requests, and the replies of the reference redactor,
// and compares them with the file.
func TestRdxVectors(t *testing.T) {
	cases := []struct {
		name   string
		fields []fieldJSON
		later  bool
	}{
		{name: "no field"},
		{name: "nothing to find", fields: []fieldJSON{{Text: "plain"}, {}}},
		{name: "runs and stars", fields: []fieldJSON{{Text: "a*b**★***"}, {Text: "★★"}}},
		{name: "every column", fields: []fieldJSON{
			{Text: "*", Key: "gen_ai.prompt", Role: uint16(abi.RoleUser), Format: uint16(abi.FormatJSON), Group: 7},
			{Text: "é*", Key: "k", Role: uint16(abi.RoleResource), Format: uint16(abi.FormatBase64), Group: 0xffffffff},
			{Text: "no finding", Key: "*"},
			{Text: "*漢", Role: 4711, Format: 999},
		}},
		{name: "texts of 15, 16 and 17 bytes", fields: []fieldJSON{
			{Text: strings.Repeat(".", 14) + "*"}, {Text: strings.Repeat(".", 15) + "*"}, {Text: strings.Repeat(".", 16) + "*"},
		}},
		{name: "a zero byte ends nothing", fields: []fieldJSON{{Text: "\x00*\x00★"}}},
		{name: "parts of a star", fields: []fieldJSON{{Text: "☆★✩\u2604\u2606"}}},
		{name: "a later minor version", later: true, fields: []fieldJSON{
			{Text: "*★", Key: "key", Role: 2, Format: 1, Group: 1}, {Text: "**"}, {Text: "x"},
		}},
	}
	var v rdxVectors
	in, err := redactor.New(star(), nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range cases {
		var fields []abi.Field
		for _, f := range c.fields {
			fields = append(fields, f.field())
		}
		request, err := abi.AppendRequest(nil, fields)
		if err != nil {
			t.Fatal(err)
		}
		if c.later {
			request = laterRequest(fields)
		}
		seen, err := abi.DecodeRequest(request, nil)
		if err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		edits, err := in.Redact(seen)
		if err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		found := []editJSON{}
		for _, e := range edits {
			found = append(found, editJSON(e))
		}
		v.Requests = append(v.Requests, rdxVector{
			Name: c.name, Fields: append([]fieldJSON{}, c.fields...), Request: hex.EncodeToString(request),
			Edits: found, Reply: hex.EncodeToString(abi.AppendReply(nil, 0, edits)),
		})
	}
	v.RefusedRequests, v.RefusedReplies = refusedRequests(t), refusedReplies(t)
	for _, f := range refusedFields {
		v.Texts = append(v.Texts, string(f.Text))
	}
	vectors(t, "rdx.json", v)
	if _, err := redactor.New(star(), []byte("x")); err == nil {
		t.Error("star takes a configuration")
	}
}

// change returns the bytes with a number of 32 bits at an offset replaced.
func change(b []byte, at int, v uint32) []byte {
	b = bytes.Clone(b)
	binary.LittleEndian.PutUint32(b[at:], v)
	return b
}

func refusedRequests(t *testing.T) (out []refused) {
	t.Helper()
	good, err := abi.AppendRequest(nil, []abi.Field{{Text: []byte("*"), Key: []byte("k")}, {Text: []byte("**")}})
	if err != nil {
		t.Fatal(err)
	}
	const second = 64 // offset of record 1
	for _, c := range []struct {
		name string
		b    []byte
	}{
		{"empty", nil},
		{"header cut short", good[:31]},
		{"another magic", change(good, 0, abi.MagicReply)},
		{"another major version", change(good, 4, 2)},
		{"total_len is less than len", change(good, 8, uint32(len(good)-1))},
		{"total_len is more than len", change(good, 8, uint32(len(good)+1))},
		{"too many fields", change(good, 12, abi.MaxFields+1)},
		{"more fields than the table has room for", change(good, 12, 60)},
		{"table outside", change(good, 16, 0xffffffe0)},
		{"table ends outside", change(good, 16, uint32(len(good)-32))},
		{"short records", change(good, 20, 31)},
		{"long records", change(good, 20, 1025)},
		{"text outside", change(good, second, 0xffffffff)},
		{"text ends outside", change(good, second+4, 1000)},
		{"key outside", change(change(good, second+8, 0x7fffffff), second+12, 1)},
		{"key wraps around", change(change(good, second+8, 0x80000000), second+12, 0x80000010)},
	} {
		if _, err := abi.DecodeRequest(c.b, nil); !errors.Is(err, abi.ErrFormat) {
			t.Errorf("%s: error %v, want ErrFormat", c.name, err)
		}
		out = append(out, refused{c.name, hex.EncodeToString(c.b)})
	}
	return out
}

// refusedFields are what the replies below would be replies to.
var refusedFields = []abi.Field{{Text: []byte("aéb")}, {Text: []byte("xyz")}}

func refusedReplies(t *testing.T) (out []refused) {
	t.Helper()
	reply := func(edits ...abi.Edit) []byte { return abi.AppendReply(nil, 0, edits) }
	good := reply(abi.Edit{Field: 0, Start: 0, End: 1}, abi.Edit{Field: 1, Start: 0, End: 3, Label: 1})
	if !accepted(good) {
		t.Fatal("the good reply is refused")
	}
	for _, c := range []struct {
		name string
		b    []byte
	}{
		{"empty", nil},
		{"header cut short", good[:15]},
		{"another magic", change(good, 0, abi.MagicRequest)},
		{"status of failure", change(good, 4, 3)},
		{"more edits than there are", change(good, 8, 3)},
		{"fewer edits than there are", change(good, 8, 1)},
		{"edits of 12 bytes", change(good, 12, 12)},
		{"a byte behind", append(bytes.Clone(good), 0)},
		{"no such field", reply(abi.Edit{Field: 2, Start: 0, End: 1})},
		{"no such label", reply(abi.Edit{Start: 0, End: 1, Label: 2})},
		{"behind the text", reply(abi.Edit{Field: 1, Start: 2, End: 4})},
		{"empty edit", reply(abi.Edit{Field: 1, Start: 1, End: 1})},
		{"start behind end", reply(abi.Edit{Field: 1, Start: 2, End: 1})},
		{"start in a UTF-8 sequence", reply(abi.Edit{Start: 2, End: 4})},
		{"end in a UTF-8 sequence", reply(abi.Edit{Start: 0, End: 2})},
		{"overlap", reply(abi.Edit{Field: 1, Start: 0, End: 2}, abi.Edit{Field: 1, Start: 1, End: 3})},
		{"fields not sorted", reply(abi.Edit{Field: 1, Start: 0, End: 1}, abi.Edit{Field: 0, Start: 0, End: 1})},
		{"starts not sorted", reply(abi.Edit{Field: 1, Start: 2, End: 3}, abi.Edit{Field: 1, Start: 0, End: 1})},
	} {
		if accepted(c.b) {
			t.Errorf("%s: accepted", c.name)
		}
		out = append(out, refused{c.name, hex.EncodeToString(c.b)})
	}
	return out
}

// accepted is the host's judgement of a reply to refusedFields, with two labels.
func accepted(b []byte) bool {
	status, edits, err := abi.DecodeReply(b, abi.MaxEdits, nil)
	return err == nil && status == 0 && abi.ValidateEdits(refusedFields, edits, 2) == nil
}
