package maa

import (
	"encoding/json"
	"fmt"
	"math/rand"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestCompactSorted(t *testing.T) {
	for _, r := range []struct{ in, want string }{
		{`{ "b" : 1 , "a" : [ 3 , 2 ] }`, `{"a":[3,2],"b":1}`},
		{`{"n":{"z":{"b":true,"a":null}},"m":""}`, `{"m":"","n":{"z":{"a":null,"b":true}}}`},
		// Numbers keep every digit.
		{`{"a":1.50,"b":1e2,"c":9007199254740993,"d":-0,"e":123456789012345678901234567890}`, `{"a":1.50,"b":1e2,"c":9007199254740993,"d":-0,"e":123456789012345678901234567890}`},
		// Escapes that a writer chose are not part of the value.
		{`{"v":"1.0\u002bbuild\/7","\u0061":"<&>"}`, `{"a":"<&>","v":"1.0+build/7"}`},
		// Bytewise: upper case before lower case, a prefix before its extension.
		{`{"a":1,"B":1,"aa":1,"A":1,"-":1}`, `{"-":1,"A":1,"B":1,"a":1,"aa":1}`},
	} {
		o, err := parseObject([]byte(r.in))
		if err != nil {
			t.Errorf("%s: %v", r.in, err)
			continue
		}
		if got, err := compactSorted(o); err != nil || string(got) != r.want {
			t.Errorf("%s:\n got %s (%v)\nwant %s", r.in, got, err, r.want)
		}
	}
}

func TestParseObjectRefuses(t *testing.T) {
	for name, in := range map[string]string{
		"empty":            ``,
		"array":            `[]`,
		"null":             `null`,
		"two objects":      `{}{}`,
		"trailing comma":   `{"a":1,}`,
		"missing colon":    `{"a" 1}`,
		"single quotes":    `{'a':1}`,
		"comment":          `{/**/}`,
		"leading zero":     `{"a":01}`,
		"NaN":              `{"a":NaN}`,
		"byte order mark":  "\ufeff{}",
		"bad UTF-8":        "{\"a\":\"\xc3\"}",
		"duplicate":        `{"a":1,"a":1}`,
		"duplicate inside": `{"x":[{"a":1,"b":2,"a":3}]}`,
		"too deep":         `{"a":` + strings.Repeat("[", maxDepth+1) + strings.Repeat("]", maxDepth+1) + `}`,
		"very deep":        strings.Repeat(`{"a":`, 200000),
	} {
		if o, err := parseObject([]byte(in)); err == nil {
			t.Errorf("%s: accepted as %v", name, o)
		}
	}
}

// A payload written with members in any order and any white space gives the
// bytes of its sorted compact form.
func TestCompactSortedUndoesReordering(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := rapid.MapOf(rapid.StringMatching(`[a-zA-Z_-]{1,8}`), rapid.StringMatching(`[0-9a-zA-Z+/=_. -]{0,20}`)).Draw(t, "m")
		names := make([]string, 0, len(m))
		for k := range m {
			names = append(names, k)
		}
		slices.Sort(names)
		want := writeObject(names, m, ":", ",")
		r := rand.New(rand.NewSource(rapid.Int64().Draw(t, "seed")))
		r.Shuffle(len(names), func(i, j int) { names[i], names[j] = names[j], names[i] })
		o, err := parseObject([]byte(`{"z":` + writeObject(names, m, " : ", "\n,\t") + `}`))
		if err != nil {
			t.Fatal(err)
		}
		got, err := compactSorted(o["z"])
		if err != nil || string(got) != want {
			t.Fatalf("got %s, want %s (%v)", got, want, err)
		}
	})
}

func writeObject(names []string, m map[string]string, colon, comma string) string {
	var parts []string
	for _, k := range names {
		v, _ := json.Marshal(m[k])
		parts = append(parts, fmt.Sprintf("%q%s%s", k, colon, v))
	}
	return "{" + strings.Join(parts, comma) + "}"
}
