package jsontext_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/veriproof/notary/host/jsontext"
)

// Each string of a text, with its offset.
func Example() {
	text := []byte(`{"mail": "jo\u0040example.org", "n": 1}`)
	var l jsontext.Lexer
	l.Reset(text)
	for {
		t, err := l.Next()
		if err != nil || t.Kind == jsontext.End {
			return
		}
		if t.Kind == jsontext.Name || t.Kind == jsontext.String {
			fmt.Printf("%d %s\n", t.Start, jsontext.AppendString(nil, text[t.Start:t.End]))
		}
	}
	// Output:
	// 1 mail
	// 9 jo@example.org
	// 32 n
}

func TestRefused(t *testing.T) {
	for _, text := range []string{
		"", " ", "{", "[", "}", "]", "{]", "[}", `{"a"}`, `{"a":}`, `{"a":1,}`, "[1,]", "[,]", `{1:2}`, `[1 2]`, `"a`, `"\x"`, `"\u12"`, `"\u12g4"`, "\"\n\"",
		"01", "-", "1.", ".5", "1e", "+1", "1e+", "nul", "truex", "NaN", "1 2", `{"a":1}x`, "[1]//", "'a'", `{"a" 1}`, "\x00", `"\`, `"\u`,
	} {
		err := jsontext.Check([]byte(text))
		if !errors.Is(err, jsontext.ErrSyntax) {
			t.Errorf("%q: %v", text, err)
		}
	}
	if err := jsontext.Check([]byte("[\"a\xff\"]")); !errors.Is(err, jsontext.ErrUTF8) {
		t.Error(err)
	}
	deep := strings.Repeat("[", jsontext.MaxDepth)
	if err := jsontext.Check([]byte(deep + strings.Repeat("]", jsontext.MaxDepth))); err != nil {
		t.Error(err)
	}
	if err := jsontext.Check([]byte(deep + "[")); !errors.Is(err, jsontext.ErrDepth) {
		t.Error(err)
	}
}

func TestStrings(t *testing.T) {
	for text, want := range map[string]string{
		`""`: "", `"a"`: "a", `"\"\\\/\b\f\n\r\t"`: "\"\\/\b\f\n\r\t", `"\u0040"`: "@", `"\u00E9é"`: "éé",
		`"\ud83d\ude00"`: "😀", `"\ud83d"`: "\ufffd", `"\ud83dx"`: "\ufffdx", `"\ude00\ud83d"`: "\ufffd\ufffd", `"\ud83d\u0041"`: "\ufffdA", `"\u0000"`: "\x00",
	} {
		if err := jsontext.Check([]byte(text)); err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		if got := jsontext.AppendString(nil, []byte(text)); string(got) != want {
			t.Errorf("%s: %q", text, got)
		}
	}
}

// What the lexer takes the standard library takes, and the reverse, but for what
// the package comment names; and strings are the same.
func FuzzLexer(f *testing.F) {
	for _, s := range []string{`{"a":[1,-2.5e3,true,false,null,"x\u0040\ud83d\ude00"],"b":{}}`, `[[]]`, `"\ud800"`, "1e400", `{"a":1}x`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		err := jsontext.Check(text)
		if errors.Is(err, jsontext.ErrUTF8) || errors.Is(err, jsontext.ErrDepth) {
			return
		}
		if (err == nil) != json.Valid(text) {
			t.Fatalf("%q: %v", text, err)
		}
		if err != nil {
			return
		}
		var l jsontext.Lexer
		for l.Reset(text); ; {
			tok, _ := l.Next()
			if tok.Kind == jsontext.End {
				return
			}
			if tok.Kind != jsontext.String && tok.Kind != jsontext.Name {
				continue
			}
			var want string
			if err := json.Unmarshal(text[tok.Start:tok.End], &want); err != nil {
				t.Fatal(err)
			}
			if got := jsontext.AppendString(nil, text[tok.Start:tok.End]); string(got) != want {
				t.Fatalf("%q: %q, want %q", text[tok.Start:tok.End], got, want)
			}
		}
	})
}
