//go:build !race

// What is here is searched by one goroutine: the race detector would make it take ten times as long, and has nothing to tell.

package pluginhost

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// TestLongResidual: of values up to the longest that are looked for, which begin with one another and
// repeat within themselves, each place is masked that a search for each of them finds, and no other one.
func TestLongResidual(t *testing.T) {
	s := load(t, Options{}, redactor("a", noEdits))
	rapid.Check(t, func(t *rapid.T) {
		period := rapid.StringOfN(rapid.SampledFrom([]rune("ab")), 1, 40, -1).Draw(t, "period")
		text := func(label string) []byte {
			b := []byte(strings.Repeat(period, 1+12_000/len(period)))
			for range rapid.IntRange(0, 6).Draw(t, label) { // where it does not repeat
				b[rapid.IntRange(0, len(b)-1).Draw(t, label)] = 'c'
			}
			return b
		}
		in := []Field{{Text: text("f0")}, {Text: text("f1")}}
		var edits []Edit
		for range rapid.IntRange(1, 4).Draw(t, "values") {
			size := rapid.SampledFrom([]int{6, 100, maxPart, maxPart + 1, 2*maxPart - 1, 2 * maxPart, 1000, 2500, maxResidual - 1, maxResidual, maxResidual + 1}).Draw(t, "size")
			start := rapid.IntRange(0, 7_000).Draw(t, "start")
			edits = append(edits, Edit{Start: start, End: start + size, Plugin: "a"})
		}
		masked := func(edits []Edit) (m [2][]bool) {
			for f := range m {
				m[f] = make([]bool, len(in[f].Text))
			}
			for _, e := range edits {
				for i := e.Start; i < e.End; i++ {
					m[e.Field][i] = true
				}
			}
			return m
		}
		want := slices.Clone(edits)
		for _, e := range slices.Concat(edits, union(slices.Clone(edits))) {
			for _, value := range toLookFor(in[0].Text[e.Start:e.End]) {
				for f := range in {
					for i := 0; len(value) > 0; i++ {
						next := bytes.Index(in[f].Text[i:], value)
						if next < 0 {
							break
						}
						i += next
						want = append(want, Edit{Field: f, Start: i, End: i + len(value)})
					}
				}
			}
		}
		all, err := s.combine(t.Context(), in, nil, slices.Values(edits), asTheyAre)
		if err != nil {
			t.Fatal(err)
		}
		wanted := masked(union(want))
		for f, m := range masked(all) {
			if !slices.Equal(m, wanted[f]) {
				t.Fatalf("field %d: other places are masked than %v", f, want)
			}
		}
	})
}

// TestLongValueInRuns: a value of 4 KiB of one letter, as redact-fields reports a text that goes by its key, does not
// have each place of other runs of the letter take as long as it has bytes. It was five times what a short value takes.
func TestLongValueInRuns(t *testing.T) {
	s := load(t, Options{}, redactor("a", noEdits))
	run := bytes.Repeat([]byte("a"), 1<<20)
	search := func(size int) func() {
		return func() {
			all, err := s.combine(t.Context(), []Field{{Text: run[:size]}, {Text: run}}, nil, slices.Values([]Edit{{End: size, Plugin: "a"}}), asTheyAre)
			if err != nil || len(all) != 2 || all[1].End != len(run) {
				t.Fatalf("%d edits, %v", len(all), err)
			}
		}
	}
	takesAtMost(t, 3, search(maxResidual-1), search(maxPart-1))
}

// TestManyShortValues: what many findings of a few bytes take grows with the text, though they are looked for
// some ten thousand at a time: what an edit covers whole is not gone through again. It was fourteen times as much
// for four times the text, 16 s for 10 MiB of few letters, of which each place looks like the beginning of a value.
func TestManyShortValues(t *testing.T) {
	s := load(t, Options{}, redactor("a", noEdits))
	search := func(texts int) func() {
		in, edits := madeFindings(texts, 1<<19, 2, 31, 32)
		return func() {
			all, err := s.combine(t.Context(), in, nil, slices.Values(edits), asTheyAre)
			if err != nil || len(all) != texts || all[0].End < len(in[0].Text)-1 {
				t.Fatalf("%d edits of %d, %v", len(all), len(edits), err)
			}
		}
	}
	takesAtMost(t, 6, search(20), search(5)) // four times the text, with as many values
}

// TestActionOfWhatIsCovered: a value within a longer finding is dropped there as it is elsewhere.
func TestActionOfWhatIsCovered(t *testing.T) {
	s := load(t, Options{}, redactor("a", noEdits))
	in := fields("it is secret-one", "all of: secret-one, and more", "all of: secret-two, and more")
	edits := []Edit{
		{Field: 0, Start: 6, End: 16, Plugin: "a", Label: "SECRET", Action: DropRecord},
		{Field: 1, Start: 0, End: 28, Plugin: "a", Label: "UNSEARCHED"},
		{Field: 2, Start: 0, End: 28, Plugin: "a", Label: "UNSEARCHED"},
	}
	all, err := s.combine(t.Context(), in, nil, slices.Values(edits), asTheyAre)
	if err != nil || len(all) != 3 || all[1].Action != DropRecord || all[1].Label != "UNSEARCHED" || all[2].Action != Mask {
		t.Errorf("%+v, %v", all, err)
	}
}
