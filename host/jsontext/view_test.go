package jsontext_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"

	"github.com/veriproof/notary/host/jsontext"
)

func ExampleView() {
	text := []byte(`{"args": "{\"to\": \"jo\\u0040example.org\", \"n\": 42}"}`)
	var v jsontext.View
	v.Open(text)
	fmt.Printf("%s\n", v.Text)
	for _, what := range []string{"jo@example.org", "42"} {
		at := bytes.Index(v.Text, []byte(what))
		for _, r := range v.Back(nil, at, at+len(what)) {
			fmt.Printf("%s: %s\n", text[r.Start:r.End], r.Quote+"[X]"+r.Quote)
		}
	}
	// Output:
	// {"args": "{"to": "jo@example.org", "n": 42}"}
	// jo\\u0040example.org: [X]
	// 42: \"[X]\"
}

// replace masks every occurrence of a value in the view of a text.
func replace(text, value string) (out, view string) {
	var v jsontext.View
	v.Open([]byte(text))
	var ranges []jsontext.Range
	for from := 0; ; {
		at := bytes.Index(v.Text[from:], []byte(value))
		if at < 0 {
			return splice(text, ranges), string(v.Text)
		}
		ranges = v.Back(ranges, from+at, from+at+len(value))
		from += at + len(value)
	}
}

func splice(text string, ranges []jsontext.Range) string {
	var out strings.Builder
	last := 0
	for _, r := range ranges {
		if r.Start < last { // the same number again
			continue
		}
		out.WriteString(text[last:r.Start] + r.Quote + "[X]" + r.Quote)
		last = r.End
	}
	out.WriteString(text[last:])
	return out.String()
}

func TestView(t *testing.T) {
	const mail = "jo@example.org"
	for _, c := range []struct{ name, text, value, want string }{
		{"no escapes", `{"a":"jo@example.org"}`, mail, `{"a":"[X]"}`},
		{"no JSON", `from jo@example.org to`, mail, `from [X] to`},
		{"an escaped at sign", `{"a":"to jo\u0040example.org!"}`, mail, `{"a":"to [X]!"}`},
		{"every character escaped", `["\u006a\u006F\u0040\u0065xample\u002eorg"]`, mail, `["[X]"]`},
		{"a name", `{"jo\u0040example.org":1}`, mail, `{"[X]":1}`},
		{"a string", `"jo\u0040example.org"`, mail, `"[X]"`},
		{"a line break before", `["\njo@example.org\t"]`, mail, `["\n[X]\t"]`},
		{"a pair of surrogates", `["\ud83d\ude00 jo@example.org"]`, "😀 jo", `["[X]@example.org"]`},
		{"a lone surrogate", `["\ud83d jo@example.org"]`, mail, `["\ud83d [X]"]`},
		{"an escaped solidus", `["https:\/\/jo:pw@example.org\/x"]`, "https://jo:pw@", `["[X]example.org\/x"]`},
		{"JSON in a string", `{"a":"{\"b\":\"jo\\u0040example.org\"}"}`, mail, `{"a":"{\"b\":\"[X]\"}"}`},
		{"JSON in a string in a string", `["{\"a\":\"[\\\"jo\\\\u0040example.org\\\"]\"}"]`, mail, `["{\"a\":\"[\\\"[X]\\\"]\"}"]`},
		{"a number", `{"card":4111111111111111,"n":1}`, "4111111111111111", `{"card":"[X]","n":1}`},
		{"part of a number", `{"card":41111111111111110}`, "4111111111111111", `{"card":"[X]"}`},
		{"twice in a number", `[11]`, "1", `["[X]"]`},
		{"a number in a string", `{"a":"{\"card\":42}"}`, "42", `{"a":"{\"card\":\"[X]\"}"}`},
		{"a number in a string in a string", `["[\"{\\\"a\\\":42}\"]"]`, "42", `["[\"{\\\"a\\\":\\\"[X]\\\"}\"]"]`},
		{"a list in a string", `["[42]"]`, "42", `["[\"[X]\"]"]`},
		{"a number that is all", `42`, "42", `[X]`},
		{"a value across strings", `["ab","cd"]`, `b","c`, `["a[X]","[X]d"]`},
		{"nothing but structure", `["ab","cd"]`, `","`, `["ab","cd"]`},
		{"all of it", `{"a":["b",1,true,null,""]}`, `{"a":["b",1,true,null,""]}`, `"[X]"`},
		{"nearly all of it", `{"a":["b",1,true,null,""]}`, `"a":["b",1,true,null,""]`, `{"[X]":["[X]","[X]","[X]","[X]",""]}`},
		{"JSON cut off", `{"a":"jo\u0040example.org","b":"x`, mail, `{"a":"[X]","b":"x`},
		{"JSON in JSON cut off", `{"a":"{\"b\":\"jo\\u0040example.org\\n4`, mail, `{"a":"{\"b\":\"[X]\\n4`},
		{"JSON in prose", `The answer: {"a":"jo\u0040example.org"}`, mail, `The answer: {"a":"[X]"}`},
		{"a path", `C:\Users\nick@example.org`, "ick@example.org", `C:\Users[X]`},
		{"a path in JSON", `["C:\\Users\\nick"]`, "nick", `["C:\\Users\\[X]"]`},
		{"a digit behind a line break, cut off", `["card\n4111`, "4111", `["card[X]`},
		{"no escapes at all", `a \ b \x \u12 \b \`, `\x`, `a \ b [X] \u12 \b \`},
		{"space around", " \n{\"a\":\"\\u0062\"} ", "b", " \n{\"a\":\"[X]\"} "},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, view := replace(c.text, c.value)
			if got != c.want {
				t.Errorf("got  %s\nwant %s\nview %s", got, c.want, view)
			}
			if json.Valid([]byte(c.text)) && c.name != "a number that is all" && !json.Valid([]byte(got)) {
				t.Errorf("no longer JSON: %s", got)
			}
		})
	}
}

// A value that is somewhere in a document, under any escapes and at any level, is in
// the view, and is gone after it has been replaced there.
func TestViewFindsAll(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		const secret = "jo@example.org"
		var doc any = map[string]any{"k": secret, secret: []any{1, true, nil, "x\n" + secret + "\\"}}
		levels := rapid.IntRange(1, 4).Draw(t, "levels")
		var text []byte
		for range levels {
			text = encode(t, doc)
			doc = []any{string(text), "-"}
		}
		out, view := replace(string(text), secret)
		if n := strings.Count(view, secret); n != 3 {
			t.Fatalf("%d in the view %s", n, view)
		}
		var left any
		if err := json.Unmarshal([]byte(out), &left); err != nil {
			t.Fatal(err)
		}
		for range levels - 1 {
			if err := json.Unmarshal([]byte(left.([]any)[0].(string)), &left); err != nil {
				t.Fatalf("%s: %v", out, err)
			}
		}
		if want := map[string]any{"k": "[X]", "[X]": []any{1., true, nil, "x\n[X]\\"}}; fmt.Sprint(left) != fmt.Sprint(want) {
			t.Fatalf("left: %v", left)
		}
	})
}

// encode writes JSON, with some characters of its strings escaped that need not be.
func encode(t *rapid.T, v any) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	var out []byte
	inside := false
	for i := 0; i < len(b); i++ {
		switch c := b[i]; {
		case c == '"':
			inside = !inside
			out = append(out, c)
		case c == '\\':
			out = append(out, b[i], b[i+1])
			i++
		case inside && c < 0x80 && rapid.IntRange(0, 3).Draw(t, "escape") == 0:
			out = fmt.Appendf(out, `\u%04x`, c)
		default:
			out = append(out, c)
		}
	}
	return out
}

// FuzzView replaces any range of the view of any text: JSON stays JSON, nothing that
// is not in the range gets lost, and the view is what a JSON reader sees.
func FuzzView(f *testing.F) {
	for _, s := range []string{`{"a":"{\"b\":\"jo\\u0040example.org\",\"n\":42}"}`, `C:\nick\u0040 \\\\n`, `["\ud83d\ude00\ud83d",1e5]`, `"\"\\\"a\\\"\""`} {
		f.Add(s, uint(3), uint(9))
	}
	f.Fuzz(func(t *testing.T, text string, start, n uint) {
		if !utf8.ValidString(text) {
			return
		}
		var v jsontext.View
		v.Open([]byte(text))
		if !utf8.Valid(v.Text) || len(v.Text) > len(text) {
			t.Fatalf("view %q", v.Text)
		}
		if len(v.Text) == 0 {
			return
		}
		lo := int(start % uint(len(v.Text)))
		hi := lo + 1 + int(n%uint(len(v.Text)-lo))
		for lo > 0 && !utf8.RuneStart(v.Text[lo]) {
			lo--
		}
		for hi < len(v.Text) && !utf8.RuneStart(v.Text[hi]) {
			hi++
		}
		last := 0
		for _, r := range v.Back(nil, lo, hi) {
			if r.Start < last || r.End <= r.Start || r.End > len(text) || !utf8.ValidString(text[r.Start:r.End]) {
				t.Fatalf("range %+v of %q", r, text)
			}
			last = r.End
		}
		out := splice(text, v.Back(nil, lo, hi))
		trimmed := strings.TrimLeft(text, " \t\r\n")
		if json.Valid([]byte(text)) && strings.ContainsAny(trimmed[:1], `{["`) && jsontext.Check([]byte(text)) == nil && !json.Valid([]byte(out)) {
			t.Fatalf("%s became %s", text, out)
		}
		var s string
		if json.Unmarshal([]byte(text), &s) == nil && trimmed[0] == '"' && !strings.ContainsAny(s, `\"[{`) && jsontext.Check([]byte(text)) == nil && !strings.Contains(string(v.Text), s) {
			t.Fatalf("%q is not in the view %q", s, v.Text)
		}
	})
}

func BenchmarkView(b *testing.B) {
	plain := []byte(`[{"role":"user","parts":[{"type":"text","content":"` + strings.Repeat("What was said in the meeting of Tuesday? ", 40) + `"}]}]`)
	escaped := bytes.ReplaceAll(plain, []byte("Tuesday? "), []byte(`Tuesday?\n`))
	for name, text := range map[string][]byte{"plain": plain, "escaped": escaped} {
		b.Run(name, func(b *testing.B) {
			var v jsontext.View
			b.SetBytes(int64(len(text)))
			b.ReportAllocs()
			for b.Loop() {
				v.Open(text)
			}
		})
	}
}
