package golden_test

import (
	"fmt"
	"reflect"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/veriproof/notary/sdk/plugin/abi"
	"github.com/veriproof/notary/sdk/plugin/golden"
)

func ExampleRead() {
	v, err := golden.Read(strings.NewReader(`{"name":"one","text":"a*b","spans":[{"label":"STAR","text":"*"}]}` + "\n"))
	fmt.Println(len(v), v[0].Spans, err)
	fmt.Println(v[0].Diff([]abi.Edit{{Start: 1, End: 3}}, []string{"STAR"}))
	// Output:
	// 1 [{STAR *}] <nil>
	// found [STAR *b], want [STAR *]
}

// TestReadIsStrict: a typing error in a golden file is an error with its line,
// also behind empty lines.
func TestReadIsStrict(t *testing.T) {
	for name, text := range map[string]string{
		"unknown key": `{"text":"a","span":[]}`,
		"no json":     `a`,
		"too long":    `{"text":"` + strings.Repeat("a", golden.MaxLine) + `"}`,
	} {
		if _, err := golden.Read(strings.NewReader("\n" + `{"text":"ok","spans":[]}` + "\n\n" + text)); err == nil || !strings.Contains(err.Error(), "line 4") {
			t.Errorf("%s: error %v, want one with line 4", name, err)
		}
	}
}

// TestDiff: a vector that does not hold is told, whatever is wrong with it.
func TestDiff(t *testing.T) {
	star := golden.Span{Label: "STAR", Text: "*"}
	at := func(start, end uint32, label uint16) abi.Edit { return abi.Edit{Start: start, End: end, Label: label} }
	for name, c := range map[string]struct {
		v     golden.Vector
		edits []abi.Edit
		same  bool
	}{
		"right":       {golden.Vector{Text: "a*b*", Spans: []golden.Span{star, star}}, []abi.Edit{at(1, 2, 0), at(3, 4, 0)}, true},
		"none":        {golden.Vector{Text: "ab"}, nil, true},
		"too few":     {golden.Vector{Text: "a*b*", Spans: []golden.Span{star}}, []abi.Edit{at(1, 2, 0), at(3, 4, 0)}, false},
		"too many":    {golden.Vector{Text: "a*", Spans: []golden.Span{star, star}}, []abi.Edit{at(1, 2, 0)}, false},
		"other label": {golden.Vector{Text: "a*", Spans: []golden.Span{star}}, []abi.Edit{at(1, 2, 1)}, false},
		"other text":  {golden.Vector{Text: "a*", Spans: []golden.Span{star}}, []abi.Edit{at(0, 2, 0)}, false},
	} {
		if diff := c.v.Diff(c.edits, []string{"STAR", "MOON"}); (diff == "") != c.same {
			t.Errorf("%s: difference %q", name, diff)
		}
	}
}

// TestMalformedRequests: the reference decoder refuses each, and each is another one.
func TestMalformedRequests(t *testing.T) {
	seen := map[string]bool{}
	for _, m := range golden.MalformedRequests() {
		if fields, err := abi.DecodeRequest(m.Bytes, nil); err == nil {
			t.Errorf("%s: decoded as %d fields", m.Name, len(fields))
		}
		if seen[m.Name] || seen[string(m.Bytes)] {
			t.Errorf("%s stands twice", m.Name)
		}
		seen[m.Name], seen[string(m.Bytes)] = true, true
	}
	if len(seen) < 30 {
		t.Errorf("only %d", len(seen)/2)
	}
}

// TestBatches: batches are always the same, are what a host may send, and hold
// the extremes that the package promises.
func TestBatches(t *testing.T) {
	seeds := []string{"B-204417", "é"}
	all := golden.Batches(seeds)
	if !reflect.DeepEqual(all, golden.Batches(seeds)) {
		t.Error("the same seeds give other batches")
	}
	whole, empty, full := 0, 0, 0
	for _, b := range all {
		bytes := 0
		for _, f := range b.Fields {
			if !utf8.Valid(f.Text) || !utf8.Valid(f.Key) {
				t.Fatalf("%s: not UTF-8", b.Name)
			}
			bytes += len(f.Text)
			if strings.Contains(string(f.Text), seeds[0]) {
				whole++
			}
		}
		switch {
		case bytes == 0:
			empty++
		case bytes > abi.MaxBatchText:
			t.Errorf("%s: %d bytes of text", b.Name, bytes)
		case bytes > abi.MaxBatchText-4:
			full++
		}
	}
	if len(all) < 200 || whole < 50 || empty < 2 || full < 10 {
		t.Errorf("%d batches, %d fields with a whole seed, %d without text, %d full", len(all), whole, empty, full)
	}
	if p := golden.Prose(1000); len(p) != 1000 || !utf8.Valid(p) {
		t.Error("prose has another length, or is no text")
	}
}
