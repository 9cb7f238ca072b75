package plugintest

import (
	"fmt"
	"strings"
	"testing"

	"github.com/veriproof/notary/sdk/plugin/abi"
	"github.com/veriproof/notary/sdk/plugin/redactor"
	"github.com/veriproof/notary/sdk/plugin/storage"
)

var stars = redactor.Spec{
	Labels: []string{"STAR"},
	Configure: func([]byte) (redactor.Redactor, error) {
		return redactor.EachField(func(f *abi.Field, found redactor.Found) {
			for i, c := range f.Text {
				if c == '*' {
					found(i, i+1, 0, 1)
				}
			}
		}), nil
	},
}

func ExampleReadVectors() {
	v, err := ReadVectors(strings.NewReader(`{"name":"one","text":"a*b","spans":[{"label":"STAR","text":"*"}]}` + "\n"))
	fmt.Println(len(v), v[0].Spans, err)
	// Output: 1 [{STAR *}] <nil>
}

// TestVectorTellsDifferences: a vector that does not hold is reported, whatever
// is wrong with it.
func TestVectorTellsDifferences(t *testing.T) {
	in, err := redactor.New(stars, nil)
	if err != nil {
		t.Fatal(err)
	}
	star := Span{"STAR", "*"}
	for name, c := range map[string]struct {
		v    Vector
		same bool
	}{
		"right":       {Vector{Text: "a*b*", Spans: []Span{star, star}}, true},
		"none":        {Vector{Text: "ab"}, true},
		"too few":     {Vector{Text: "a*b*", Spans: []Span{star}}, false},
		"too many":    {Vector{Text: "a*", Spans: []Span{star, star}}, false},
		"other label": {Vector{Text: "a*", Spans: []Span{{"MOON", "*"}}}, false},
		"other text":  {Vector{Text: "a*", Spans: []Span{{"STAR", "a*"}}}, false},
	} {
		if diff := c.v.run(in, stars.Labels); (diff == "") != c.same {
			t.Errorf("%s: difference %q", name, diff)
		}
	}
}

func TestReadVectorsIsStrict(t *testing.T) {
	for name, text := range map[string]string{
		"unknown key": `{"text":"a","span":[]}`,
		"no json":     `a`,
		"too long":    `{"text":"` + strings.Repeat("a", maxLine) + `"}`,
	} {
		if _, err := ReadVectors(strings.NewReader(text)); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

func TestProperties(t *testing.T) { Properties(t, stars, nil, []string{"*", "a**b"}, true) }

// TestHostListing compares pages of every size that is allowed, both ways.
func TestHostListing(t *testing.T) {
	h := NewHost()
	for _, k := range []string{"a-1", "a-2", "a-3", "b"} {
		if err := h.Put([]byte(k), nil, false); err != nil {
			t.Fatal(err)
		}
	}
	out := make([]byte, abi.MaxBlobKey+1)
	for _, c := range []struct {
		prefix, cursor string
		descending     bool
		want           string
	}{
		{"", "", false, "a-1 a-2 a-3 b"},
		{"a-", "", false, "a-1 a-2 a-3"},
		{"a-", "a-1", false, "a-2 a-3"},
		{"a-", "", true, "a-3 a-2 a-1"},
		{"a-", "a-3", true, "a-2 a-1"},
		{"a-", "a-3-", true, "a-3 a-2 a-1"},
		{"c", "", false, ""},
	} {
		n, err := h.List([]byte(c.prefix), []byte(c.cursor), c.descending, out)
		if err != nil {
			t.Fatal(err)
		}
		var keys []string
		for key, rest := storage.FirstKey(out[:n]); key != nil; key, rest = storage.FirstKey(rest) {
			keys = append(keys, string(key))
		}
		if got := strings.Join(keys, " "); got != c.want {
			t.Errorf("prefix %q, cursor %q, descending %v: %q, want %q", c.prefix, c.cursor, c.descending, got, c.want)
		}
	}
	if _, err := h.List(nil, nil, false, out[:abi.MaxBlobKey]); err == nil {
		t.Error("a buffer that may not hold one key was accepted")
	}
}
