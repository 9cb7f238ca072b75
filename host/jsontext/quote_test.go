package jsontext_test

import (
	"bytes"
	"fmt"
	"testing"

	"pgregory.net/rapid"

	"github.com/veriproof/notary/host/jsontext"
)

// TestValueEnd: a value ends where its string does, and not at a quote in it.
func TestValueEnd(t *testing.T) {
	for _, c := range []struct{ name, text, found, want string }{
		{"a quote in a value", `{"password":"Tr0ub\"3xyz\\aa"}`, `Tr0ub`, `Tr0ub"3xyz\aa`},
		{"two quotes in a value", `{"password":"Tr0ub\"3xyz\"aa"}`, `Tr0ub`, `Tr0ub"3xyz"aa`},
		{"found with the quote", `{"password":"Tr0ub\"3xyz"}`, `Tr0ub"`, `Tr0ub"3xyz`},
		{"found with the name", `{"password":"Tr0ub\"3xyz"}`, `"password":"Tr0ub`, `"password":"Tr0ub"3xyz`},
		{"a quote by its number", `{"password":"Tr0ub\u00223xyz"}`, `Tr0ub`, `Tr0ub"3xyz`},
		{"an assignment in a string", `["A=\n","PASSWORD=Tr0ub\"3xyz"]`, `Tr0ub`, `Tr0ub"3xyz`},
		{"JSON in a string", `{"a":"{\"password\":\"Tr0ub\\\"3xyz\"}"}`, `Tr0ub`, `Tr0ub"3xyz`},
		{"JSON in prose", `out: {"password":"Tr0ub\"3xyz","n":"\n"}`, `Tr0ub`, `Tr0ub"3xyz`},
		{"JSON cut off", `{"password":"Tr0ub\"3xyz`, `Tr0ub`, `Tr0ub"3xyz`},
		{"JSON in prose in a string", `["out: {\"password\":\"Tr0ub\\\"3xyz\",\"n\":\"\\n\"}"]`, `Tr0ub`, `Tr0ub"3xyz`},
		{"lines in a string", `["{\"password\":\"Tr0ub\\\"3xyz\\nx\n{\"n\":2}"]`, `Tr0ub`, "Tr0ub\"3xyz\nx"},
		{"the end of its string", `{"a":"\n","password":"Tr0ub"}`, `Tr0ub`, `Tr0ub`},
		{"the end of a string in a string", `{"a":"{\"password\":\"Tr0ub\",\"n\":\"\\n\"}"}`, `Tr0ub`, `Tr0ub`},
		{"a quoted word", `{"m":"the password is \"Tr0ub\" and more"}`, `Tr0ub`, `Tr0ub`},
		{"a quoted command", `{"m":"curl -H \"Authorization: Bearer Tr0ub\" x"}`, `Tr0ub`, `Tr0ub`},
		{"JSON in prose, in order", `["out: {\"password\":\"Tr0ub\",\"n\":\"\\n\"}"]`, `Tr0ub`, `Tr0ub`},
		{"not at a quote", `{"password":"Tr0ub 3\"xyz"}`, `Tr0ub`, `Tr0ub`},
		{"no opening quote", `password=Tr0ub\"3xyz`, `Tr0ub`, `Tr0ub`},
		{"nothing escaped", `{"password":"Tr0ub"}`, `Tr0ub`, `Tr0ub`},
	} {
		t.Run(c.name, func(t *testing.T) {
			var v jsontext.View
			v.Open([]byte(c.text))
			at := bytes.Index(v.Text, []byte(c.found))
			if at < 0 {
				t.Fatalf("%q is not in %q", c.found, v.Text)
			}
			if got := v.Text[at:v.ValueEnd(at+len(c.found))]; string(got) != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

// Whatever a value is and however it is written, of what a redactor finds in it up to the
// first quote all goes on to its end, and no further.
func TestValueEndInJSON(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		const first = "Tr0ub4dor"
		value := first + `"` + rapid.StringOf(rapid.SampledFrom([]rune("ab\"\\\n/é😀{[:,u0041n"))).Draw(t, "rest")
		var doc any = map[string]any{"a": "x\"y", "password": value, "z": "n"}
		levels := rapid.IntRange(1, 4).Draw(t, "levels")
		var text []byte
		for range levels {
			text = encode(t, doc, "/\"é")
			doc = []any{string(text)}
		}
		var v jsontext.View
		v.Open(text)
		at := bytes.Index(v.Text, []byte(first))
		end := v.ValueEnd(at + len(first))
		if want := `","z":"n"}`; !bytes.HasPrefix(v.Text[end:], []byte(want)) {
			t.Fatalf("of %s\n%q is left of %q", text, v.Text[end:], fmt.Sprint(value))
		}
	})
}
