package otlpwire_test

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"strings"
	"testing"

	trace "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"
	"pgregory.net/rapid"

	"github.com/veriproof/notary/host/internal/bench"
	"github.com/veriproof/notary/host/otlpwire"
)

func TestSpliceRefusesBadEdits(t *testing.T) {
	r := walk(t, inSpan(str(5, "Grüße"), delimited(9, str(1, "k"), delimited(2, delimited(7, []byte{0xff, 0xfe}))), str(3, "state")), otlpwire.Traces)
	// Texts: 0 name, 1 key, 2 binary, 3 trace state.
	for _, c := range []struct {
		name  string
		index int
		edits []otlpwire.Edit
	}{
		{"no such text", 0, []otlpwire.Edit{{Text: 4, End: 1}}},
		{"a negative text", 0, []otlpwire.Edit{{Text: -1, End: 1}}},
		{"texts out of order", 1, []otlpwire.Edit{{Text: 3, End: 1}, {Text: 0, End: 1}}},
		{"an empty range", 0, []otlpwire.Edit{{Text: 0, Start: 1, End: 1}}},
		{"a reversed range", 0, []otlpwire.Edit{{Text: 0, Start: 2, End: 1}}},
		{"a negative start", 0, []otlpwire.Edit{{Text: 0, Start: -1, End: 1}}},
		{"behind the end", 0, []otlpwire.Edit{{Text: 0, Start: 0, End: 8}}},
		{"overlap", 1, []otlpwire.Edit{{Text: 0, Start: 0, End: 2}, {Text: 0, Start: 1, End: 2}}},
		{"descending", 1, []otlpwire.Edit{{Text: 0, Start: 2, End: 4}, {Text: 0, Start: 0, End: 1}}},
		{"start within ü", 0, []otlpwire.Edit{{Text: 0, Start: 3, End: 5}}},
		{"end within ü", 0, []otlpwire.Edit{{Text: 0, Start: 0, End: 3}}},
		{"a long replacement", 0, []otlpwire.Edit{{Text: 0, End: 1, Replacement: strings.Repeat("x", otlpwire.MaxReplacement+1)}}},
		{"a replacement that is not UTF-8", 0, []otlpwire.Edit{{Text: 0, End: 1, Replacement: "\xff"}}},
		{"part of a binary text", 0, []otlpwire.Edit{{Text: 2, End: 1}}},
	} {
		_, err := r.Splice(c.edits)
		var refused *otlpwire.EditError
		if !errors.As(err, &refused) || refused.Index != c.index {
			t.Errorf("%s: got %v", c.name, err)
		}
	}
	if _, err := r.Splice([]otlpwire.Edit{{Text: 0, Start: 2, End: 4}, {Text: 0, Start: 4, End: 6}, {Text: 0, Start: 6, End: 7}}); err != nil {
		t.Errorf("edits that touch: %v", err)
	}
}

// TestOriginals: contexts as they were sent, without what they contain, wherever that
// stands among their fields, and with what Splice leaves out.
func TestOriginals(t *testing.T) {
	unknown := str(99, "of a later version")
	scope := [][]byte{delimited(1, str(1, "scope")), unknown, str(3, "schema")}
	inScope := bytes.Join([][]byte{scope[0], delimited(2, str(5, "span")), scope[1], delimited(2, str(5, "another")), scope[2]}, nil)
	res := [][]byte{delimited(1, delimited(1, str(1, "key"), delimited(2, delimited(7, []byte{0xff, 0xfe})))), unknown, str(3, "schema")}
	b := delimited(1, res[0], delimited(2, inScope), res[1], res[2])
	r := walk(t, b, otlpwire.Traces)
	if got := r.OriginalResource([]byte("-"), 0); !bytes.Equal(got, append([]byte("-"), bytes.Join(res, nil)...)) {
		t.Errorf("resource %q", got)
	}
	if got := r.OriginalScope(nil, 0); !bytes.Equal(got, bytes.Join(scope, nil)) {
		t.Errorf("scope %q", got)
	}
	if got := r.Original(1); !bytes.Equal(got, str(5, "another")) {
		t.Errorf("record %q", got)
	}
}

func TestSpliceMasksValuesAndKeys(t *testing.T) {
	r := walk(t, request(t, nil, &trace.Span{Name: "ask jo@mail.example now", Attributes: attrs{textAttr("jo@mail.example", "v")}}), otlpwire.Traces)
	var edits []otlpwire.Edit
	for i, text := range r.Texts {
		if at := bytes.Index(r.Text(text), []byte("jo@mail.example")); at >= 0 {
			edits = append(edits, otlpwire.Edit{Text: i, Start: at, End: at + 15, Replacement: "[EMAIL]"})
		}
	}
	d, err := r.Splice(edits)
	if err != nil {
		t.Fatal(err)
	}
	var got trace.Span
	if err := proto.Unmarshal(d.Records[0].Bytes, &got); err != nil {
		t.Fatal(err)
	}
	if got.Name != "ask [EMAIL] now" || got.Attributes[0].Key != "[EMAIL]" || got.Attributes[0].Value.GetStringValue() != "v" {
		t.Errorf("got %v", &got)
	}
}

func TestSpliceReplacesBinary(t *testing.T) {
	for name, c := range map[string]struct {
		value  string
		binary bool
	}{
		"text":         {"plain", false},
		"not UTF-8":    {"\xff\xfe", true},
		"UTF-16":       {"j\x00o\x00", true},
		"cut sequence": {"caf\xc3", true},
	} {
		r := walk(t, inAttribute(str(7, c.value)), otlpwire.Traces)
		d, err := r.Splice(nil)
		if err != nil {
			t.Fatal(err)
		}
		got := bytes.Contains(d.Records[0].Bytes, []byte(otlpwire.BinaryReplacement))
		if got != c.binary || (len(r.Binary) == 1) != c.binary || bytes.Contains(d.Records[0].Bytes, []byte(c.value)) == c.binary {
			t.Errorf("%s: %q, binary %v", name, d.Records[0].Bytes, r.Binary)
		}
	}
}

func TestSpliceDrops(t *testing.T) {
	b := cat(
		inResource(str(3, "r0"), delimited(2, str(3, "s0"), delimited(2, str(5, "a")), delimited(2, str(5, "b")))),
		inResource(str(3, "r1"), delimited(2, str(3, "s1"), delimited(2, str(5, "c"))), delimited(2, delimited(2, str(5, "d")))),
	)
	for text, want := range map[string]string{"a": "bcd", "r0": "cd", "s0": "cd", "s1": "abd", "r1": "ab", "d": "abc"} {
		r := walk(t, b, otlpwire.Traces)
		var edits []otlpwire.Edit
		for i, have := range r.Texts {
			if string(r.Text(have)) == text {
				edits = append(edits, otlpwire.Edit{Text: i, Drop: otlpwire.DropRecord})
			}
		}
		d, err := r.Splice(edits)
		if err != nil {
			t.Fatal(err)
		}
		var got string
		for _, rec := range d.Records {
			if rec.Dropped != (rec.Bytes == nil) {
				t.Errorf("dropping %s: %+v", text, rec)
			}
			if !rec.Dropped {
				got += string(rec.Bytes[2:])
			}
		}
		if got != want || len(d.Records) != 4 || len(d.Resources) != 2 {
			t.Errorf("dropping %s left %q", text, got)
		}
	}
}

// An edit may come with a drop of another record, or of its own.
func TestSpliceDropsAndMasks(t *testing.T) {
	r := walk(t, inScope(delimited(2, str(5, "gone")), delimited(2, str(5, "kept"))), otlpwire.Traces)
	d, err := r.Splice([]otlpwire.Edit{{Text: 0, Drop: otlpwire.DropRecord}, {Text: 0, End: 1, Replacement: "x"}, {Text: 1, End: 4, Replacement: "y"}})
	if err != nil {
		t.Fatal(err)
	}
	if !d.Records[0].Dropped || string(d.Records[1].Bytes) != "\x2a\x01y" {
		t.Errorf("got %+v", d.Records)
	}
}

// Length prefixes on every level follow, across the steps of a varint's size.
func TestSpliceLengths(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := strings.Repeat("a", rapid.SampledFrom([]int{1, 100, 120, 127, 128, 129, 16370, 16384, 16500}).Draw(t, "text"))
		replacement := strings.Repeat("b", rapid.IntRange(0, otlpwire.MaxReplacement).Draw(t, "replacement"))
		end := rapid.IntRange(1, len(text)).Draw(t, "end")
		depth := rapid.IntRange(0, 20).Draw(t, "depth")
		build := func(s string) []byte {
			v := str(1, s)
			for range depth {
				v = delimited(5, delimited(1, v))
			}
			return inAttribute(v)
		}
		req, err := otlpwire.Walk(build(text), otlpwire.Traces, otlpwire.Limits{})
		if err != nil {
			t.Fatal(err)
		}
		d, err := req.Splice([]otlpwire.Edit{{Text: 1, End: end, Replacement: replacement}})
		if err != nil {
			t.Fatal(err)
		}
		if got, want := inScope(delimited(2, d.Records[0].Bytes)), build(replacement+text[end:]); !bytes.Equal(got, want) {
			t.Fatalf("got %x\nwant %x", got, want)
		}
	})
}

// However a sender spreads his records over requests, each gives the same
// bytes, and so do their contexts.
func TestSpliceIsIndependentOfTheBatch(t *testing.T) {
	records := 0
	for seed := range uint64(40) {
		_, scrambled := random(seed, otlpwire.Traces)
		whole := walk(t, scrambled, otlpwire.Traces)
		want, err := whole.Splice(editsFor(whole))
		if err != nil {
			t.Fatal(err)
		}
		for i, raw := range rawRecords(t, scrambled) {
			alone(t, raw, want, want.Records[i])
			records++
		}
	}
	if records < 20 {
		t.Fatalf("only %d records", records)
	}
}

// alone sends one record's raw bytes in a request of its own, under the
// contexts that it had.
func alone(t *testing.T, raw []byte, whole *otlpwire.Redacted, want otlpwire.RedactedRecord) {
	t.Helper()
	resource, scope := whole.Resources[want.Resource], whole.Scopes[want.Scope]
	r := walk(t, inResource(resource, delimited(2, scope, delimited(2, raw))), otlpwire.Traces)
	got, err := r.Splice(editsFor(r))
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got.Records[0].Bytes, want.Bytes) {
		t.Errorf("record %x alone: %x, want %x", raw, got.Records[0].Bytes, want.Bytes)
	}
	if !bytes.Equal(got.Resources[0], resource) || !bytes.Equal(got.Scopes[0], scope) {
		t.Error("contexts have other bytes when written again")
	}
}

func editsFor(r *otlpwire.Request) []otlpwire.Edit {
	var edits []otlpwire.Edit
	for i, text := range r.Texts {
		if text.Binary || text.Owner != otlpwire.OfRecord {
			continue
		}
		for _, e := range masks(r.Text(text)) {
			e.Text = i
			edits = append(edits, e)
		}
	}
	return edits
}

// rawRecords returns the bytes of the spans as they are on the wire.
func rawRecords(t *testing.T, b []byte) [][]byte {
	t.Helper()
	level := [][]byte{b}
	for _, number := range []uint64{1, 2, 2} {
		var next [][]byte
		for _, m := range level {
			next = append(next, children(t, m, number)...)
		}
		level = next
	}
	return level
}

// A Request that has been used before gives what a new one gives.
func TestReuse(t *testing.T) {
	used := new(otlpwire.Request)
	for seed := range uint64(60) {
		sig := otlpwire.Signal(seed%2 + 1)
		plain, scrambled := random(seed, sig)
		buf := [][]byte{plain, scrambled}[rand.New(rand.NewPCG(seed, 2)).IntN(2)]
		fresh := walk(t, buf, sig)
		if err := used.Walk(buf, sig, otlpwire.Options{}); err != nil {
			t.Fatal(err)
		}
		want, err := fresh.Splice(editsFor(fresh))
		if err != nil {
			t.Fatal(err)
		}
		got, err := used.Splice(editsFor(used))
		if err != nil {
			t.Fatal(err)
		}
		if !proto.Equal(assemble(t, sig, used, got), assemble(t, sig, fresh, want)) {
			t.Fatalf("seed %d: a used request gave something else", seed)
		}
		if used.Walk([]byte{0x0a}, sig, otlpwire.Options{}) == nil || len(used.Records) != 0 || len(used.Texts) != 0 {
			t.Fatal("a refused request left something behind")
		}
	}
}

func BenchmarkScan(b *testing.B) {
	each(b, func(b *testing.B, buf []byte) {
		for b.Loop() {
			if _, err := otlpwire.Scan(buf, otlpwire.Traces, otlpwire.Limits{}); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// BenchmarkWalk includes the scan.
func BenchmarkWalk(b *testing.B) {
	each(b, func(b *testing.B, buf []byte) {
		r := new(otlpwire.Request)
		for b.Loop() {
			if err := r.Walk(buf, otlpwire.Traces, otlpwire.Options{}); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// BenchmarkWalkBlind is a walk for who does not redact.
func BenchmarkWalkBlind(b *testing.B) {
	each(b, func(b *testing.B, buf []byte) {
		r := new(otlpwire.Request)
		for b.Loop() {
			if err := r.Walk(buf, otlpwire.Traces, otlpwire.Options{Blind: true}); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// BenchmarkSplice masks ten bytes in every fiftieth text.
func BenchmarkSplice(b *testing.B) {
	each(b, func(b *testing.B, buf []byte) {
		r, err := otlpwire.Walk(buf, otlpwire.Traces, otlpwire.Limits{})
		if err != nil {
			b.Fatal(err)
		}
		var edits []otlpwire.Edit
		for i := 0; i < len(r.Texts); i += 50 {
			if n := len(r.Text(r.Texts[i])); n > 10 {
				edits = append(edits, otlpwire.Edit{Text: i, Start: n - 10, End: n, Replacement: "[EMAIL]"})
			}
		}
		for b.Loop() {
			if _, err := r.Splice(edits); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func each(b *testing.B, run func(*testing.B, []byte)) {
	for _, w := range []struct {
		name  string
		buf   []byte
		spans int
	}{{"genai", bench.GenAI(1), bench.GenAISpans}, {"small", bench.Small(1), bench.SmallSpans}} {
		b.Run(w.name, func(b *testing.B) {
			b.SetBytes(int64(len(w.buf)))
			b.ReportAllocs()
			run(b, w.buf)
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*w.spans), "ns/span")
		})
	}
}
