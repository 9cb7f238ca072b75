package jsontext_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
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
		{"JSON in prose in a string", `{"m":"body: {\"to\":\"jo\\u0040example.org\"}"}`, mail, `{"m":"body: {\"to\":\"[X]\"}"}`},
		{"JSON cut off in a string", `["{\"a\":\"https:\\/\\/jo@example.org","-"]`, "https://" + mail, `["{\"a\":\"[X]","-"]`},
		{"lines of JSON in a string", `{"m":"{\"a\":1}\n{\"a\":\"\\njo\\u0040example.org\"}"}`, mail, `{"m":"{\"a\":1}\n{\"a\":\"[X]\"}"}`},
		{"JSON in prose in JSON in a string", `{"m":"{\"a\":\"b: {\\\"c\\\":\\\"jo\\\\u0040example.org\\\"}\"}"}`, mail, `{"m":"{\"a\":\"b: {\\\"c\\\":\\\"[X]\\\"}\"}"}`},
		{"JSON in JSON in prose in a string", `{"m":"b: {\"a\":\"{\\\"c\\\":\\\"jo\\\\u0040example.org\\\"}\"}"}`, mail, `{"m":"b: {\"a\":\"{\\\"c\\\":\\\"[X]\\\"}\"}"}`},
		{"a line break in prose in a string", `["said: \"a\\njo@example.org\"\njo@example.org"]`, mail, `["said: \"a[X]\"\n[X]"]`},
		{"a path in prose in a string", `["said: \"C:\\nick@example.org\""]`, "ick@example.org", `["said: \"C:[X]\""]`},
		{"a backslash in a word", `{"password":"Abc\\n3fXYZ"}`, `Abc\n3fXYZ`, `{"password":"[X]"}`},
		{"an escape and a backslash in a word", `{"password":"Abc\\n3f\\u0040XYZ"}`, `Abc\n3f@XYZ`, `{"password":"[X]"}`},
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

// TestViewLeavesOutControls: what terminals do not show is not in the view, raw, escaped or spelled,
// and what it stands in or beside is found.
func TestViewLeavesOutControls(t *testing.T) {
	for _, c := range []struct{ name, text, value, view, want string }{
		{"a colour", "a \x1b[31mjo@e.org\x1b[0m b", "jo@e.org", "a jo@e.org b", "a \x1b[31m[X]\x1b[0m b"},
		{"part of it coloured", "x=\x1b[01;31m\x1b[Kjo\x1b[m\x1b[K@e.org", "jo@e.org", "x=jo@e.org", "x=\x1b[01;31m\x1b[K[X]"},
		{"in JSON", `{"a":"\u001b[31mjo@e.org\u001b[0m\n"}`, "jo@e.org", "{\"a\":\"jo@e.org\n\"}", `{"a":"\u001b[31m[X]\u001b[0m\n"}`},
		{"in JSON in JSON", `{"a":"{\"b\":\"j\\u001b[1mo\"}"}`, "jo", `{"a":"{"b":"jo"}"}`, `{"a":"{\"b\":\"[X]\"}"}`},
		{"spelled", `\x1b[31mjo\x1B[0m \033[1mjo\033[m \e[1mjo\e[0m`, "jo", "jo jo jo", `\x1b[31m[X]\x1B[0m \033[1m[X]\033[m \e[1m[X]\e[0m`},
		{"spelled in JSON", `["\\x1b[31mjo\\x1b[0m"]`, "jo", `["jo"]`, `["\\x1b[31m[X]\\x1b[0m"]`},
		{"a byte in hexadecimal", `a\x0ajo\xe9`, "jo", "a\njo\u00e9", `a\x0a[X]\xe9`},
		{"no escapes", `C:\xample\etc\0331\x4`, "etc", `C:\xample\etc\0331\x4`, `C:\xample\[X]\0331\x4`},
		{"the cursor moves", "a\x1b[2;5Hjo\x1b[2Kb", "jo", "a\x1bjob", "a\x1b[2;5H[X]\x1b[2Kb"},
		{"one colour behind the other", "\x1b[31mjo\x1b[m\x1b[32mann\x1b[39m\x1b[32mx", "jo", "jo\x1bann\x1bx", "\x1b[31m[X]\x1b[m\x1b[32mann\x1b[39m\x1b[32mx"},
		{"another set of characters", "\x1b(Bjo\x1b(B\x1b[m", "jo", "jo", "\x1b(B[X]\x1b(B\x1b[m"},
		{"a link stays", "\x1b]8;;http://jo\x07x", "jo", "\x1b]8;;http://jo\x07x", "\x1b]8;;http://[X]\x07x"},
		{"none", "\x1bjo\x1b[\x1b[31", "jo", "\x1bjo\x1b[\x1b[31", "\x1b[X]\x1b[\x1b[31"},
		{"full width", "番号：４５３９－Ａ＠ｂ，ｃ＂＼、", "4539-A@b", "番号:4539-A@b,c＂＼、", "番号：[X]，ｃ＂＼、"},
		{"full width in JSON", `["\uff14\uff15","５"]`, "45", `["45","5"]`, `["[X]","５"]`},
		{"a mark of the byte order", "\ufeffjo", "jo", "\ufeffjo", "\ufeff[X]"},
		{"UTF-16", "x \ufffd\x00j\x00o\x00@\x00e\x00.\x00", "jo@e.", "x \ufffdjo@e.", "x \ufffd\x00[X]\x00"},
		{"UTF-16 in JSON", `["j\u0000o\u0000@\u0000"]`, "jo@", `["jo@"]`, `["[X]\u0000"]`},
		{"UTF-16, the other end first", "\x00j\x00o\x00@", "jo@", "jo@", "\x00[X]"},
		{"zero bytes between words", "ab\x00jo\x00\x00cd\x00", "jo", "ab\x00jo\x00\x00cd\x00", "ab\x00[X]\x00\x00cd\x00"},
		{"a zero byte behind one letter", "x\x00ghp_a", "ghp_a", "x\x00ghp_a", "x\x00[X]"},
		{"an argument of one letter", "cmd\x00-p\x001\x00ghp_a", "ghp_a", "cmd\x00-p\x001\x00ghp_a", "cmd\x00-p\x001\x00[X]"},
		{"one in JSON", `["-n\u00001\u0000ghp_a"]`, "ghp_a", "[\"-n\x001\x00ghp_a\"]", `["-n\u00001\u0000[X]"]`},
		{"a zero byte before and behind one letter", "\x00x\x00ghp_a", "ghp_a", "\x00x\x00ghp_a", "\x00x\x00[X]"},
		{"UTF-16, and a zero byte behind it", "x\x00j\x00o\x00@\x00..\x00ann", "jo@", "xjo@..\x00ann", "x\x00[X]\x00..\x00ann"},
		{"an escape before it that may be none", "C:\\n\x1b[1mick", "ick", "C:\nick", "C:[X]"},
	} {
		if got, view := replace(c.text, c.value); got != c.want || view != c.view {
			t.Errorf("%s: %q\ngot  %q\nwant %q\nview %q\nwant %q", c.name, c.text, got, c.want, view, c.view)
		}
	}
}

var ascii = func() string {
	var b []byte
	for c := byte(' '); c < 0x7f; c++ {
		b = append(b, c)
	}
	return string(b)
}()

// A value that is somewhere in a document, under any escapes and at any level, is in
// the view, and is gone after it has been replaced there.
func TestViewFindsAll(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		const secret = "jo@example.org"
		var doc any = map[string]any{"k": secret, secret: []any{1, true, nil, "x\n" + secret + "\\"}}
		levels := rapid.IntRange(1, 4).Draw(t, "levels")
		var text []byte
		for range levels {
			text = encode(t, doc, ascii)
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

// So it is if JSON stands in prose, was cut off or is one of several lines, itself or in
// strings of JSON.
func TestViewFindsAllInProse(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		const secret = "jo@example.org"
		var doc any = map[string]any{"k": secret, secret: []any{1, "x\n" + secret + "\\", "\"" + secret + "\""}}
		levels, copies := rapid.IntRange(1, 4).Draw(t, "levels"), 1
		var text string
		for range levels {
			text = string(encode(t, doc, "@./\""))
			switch rapid.IntRange(0, 3).Draw(t, "shape") {
			case 1:
				text = "answer: " + text
			case 2:
				text = text[:len(text)-1]
			case 3:
				text, copies = text+"\n"+text, 2*copies
			}
			doc = []any{text, "-"}
		}
		out, view := replace(text, secret)
		if n := strings.Count(view, secret); n != 4*copies {
			t.Fatalf("%d of %d in the view of %s\n%s", n, 4*copies, text, view)
		}
		if json.Valid([]byte(text)) && !json.Valid([]byte(out)) {
			t.Fatalf("%s became %s", text, out)
		}
		for range levels + 1 {
			if strings.Contains(out, secret) {
				t.Fatalf("left: %s", out)
			}
			out = naive(out)
		}
	})
}

// naive decodes all that may be an escape once.
func naive(s string) string {
	var out strings.Builder
	for i := 0; i < len(s); i++ {
		var r rune
		switch n, _ := fmt.Sscanf(s[i:min(i+6, len(s))], `\u%04x`, &r); {
		case n == 1:
			out.WriteRune(r)
			i += 5
		case s[i] == '\\' && i+1 < len(s):
			i++
			fallthrough
		default:
			out.WriteByte(s[i])
		}
	}
	return out.String()
}

// encode writes JSON, with some of these characters in its strings escaped that need not be.
func encode(t *rapid.T, v any, some string) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	var out []byte
	inside := false
	escaped := false
	for _, c := range string(b) {
		switch {
		case escaped:
			escaped = false
		case c == '\\':
			escaped = true
		case c == '"':
			inside = !inside
		case inside && strings.ContainsRune(some, c) && rapid.IntRange(0, 3).Draw(t, "escape") == 0:
			out = fmt.Appendf(out, `\u%04x`, c) // of the basic plane
			continue
		}
		out = utf8.AppendRune(out, c)
	}
	return out
}

// FuzzView replaces any range of the view of any text: JSON stays JSON, nothing that
// is not in the range gets lost, and the view is what a JSON reader sees.
func FuzzView(f *testing.F) {
	f.Add("\x00a\x00\\n\x00\x00\x1b[m\x00bc\x00d\x00", uint(2), uint(5))
	f.Add("１\x00２\x00\x1b[mａ\ufeff\\nｂ＂", uint(2), uint(5))
	f.Add("a\x1b[31mjo\x1b[0m\x1b[1m\\n\x1b[2Kb\x1b[5;1Hc\x1b", uint(2), uint(5))
	for _, s := range []string{`["\u001b[31mjo\u001b[m\n\u001b[7mb"]`, `\x1b[1m\e[3mb\033[\xe9\x4`, `{"a":"{\"b\":\"jo\\u0040example.org\",\"n\":42}"}`, `C:\nick\u0040 \\\\n`, `["\ud83d\ude00\ud83d",1e5]`, `"\"\\\"a\\\"\""`} {
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
		if hi-lo <= 256 {
			neighbours(t, &v, lo, hi, text)
		}
		end := v.ValueEnd(hi)
		if end < hi || end > len(v.Text) || end < len(v.Text) && !utf8.RuneStart(v.Text[end]) {
			t.Fatalf("a value that ends at %d of %q, which was found up to %d", end, v.Text, hi)
		}
		hi = end
		out := splice(text, v.Back(nil, lo, hi))
		trimmed := strings.TrimLeft(text, " \t\r\n")
		if json.Valid([]byte(text)) && strings.ContainsAny(trimmed[:1], `{["`) && jsontext.Check([]byte(text)) == nil && !json.Valid([]byte(out)) {
			t.Fatalf("%s became %s", text, out)
		}
		var s string
		if json.Unmarshal([]byte(text), &s) == nil && trimmed[0] == '"' && !strings.ContainsAny(s, "\\\"[{\x1b\x00") && !strings.ContainsFunc(s, func(r rune) bool { return r > 0xff00 && r < 0xff5f }) && jsontext.Check([]byte(text)) == nil && !strings.Contains(string(v.Text), s) {
			t.Fatalf("%q is not in the view %q", s, v.Text)
		}
	})
}

// neighbours goes back from the characters of a range one by one: what goes with each goes
// with the range, and they come in the order of the text.
func neighbours(t *testing.T, v *jsontext.View, lo, hi int, text string) {
	whole := v.Back(nil, lo, hi)
	end := 0
	for at := lo; at < hi; {
		_, n := utf8.DecodeRune(v.Text[at:])
		for _, r := range v.Back(nil, at, at+n) {
			in := func(w jsontext.Range) bool { return w.Start <= r.Start && r.End <= w.End }
			if n < len(v.Text) && !slices.ContainsFunc(whole, in) || r.End < end {
				t.Fatalf("%q of %q at %+v: not in %+v, or before %d", v.Text[at:at+n], text, r, whole, end)
			}
			end = r.End
		}
		at += n
	}
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
