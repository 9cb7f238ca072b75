package dfa_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/veriproof/notary/sdk/plugin/dfa"
)

// covered is the oracle: package regexp says of each substring, in its place,
// whether a pattern matches it.
func covered(t testing.TB, patterns []string, text string) []dfa.Span {
	t.Helper()
	runes := []rune(text)
	offset := make([]int, len(runes)+1)
	for i, r := range runes {
		offset[i+1] = offset[i] + len(string(r))
	}
	var spans []dfa.Span
	for p, pattern := range patterns {
		for i := range runes {
			for j := i + 1; j <= len(runes); j++ {
				re := regexp.MustCompile(fmt.Sprintf(`\A(?s:.{%d})(?:%s)(?s:.{%d})\z`, i, pattern, len(runes)-j))
				if re.MatchString(text) {
					spans = append(spans, dfa.Span{Start: offset[i], End: offset[j], Pattern: p})
				}
			}
		}
	}
	slices.SortFunc(spans, func(a, b dfa.Span) int { return a.Start - b.Start })
	var out []dfa.Span
	for _, s := range spans {
		if n := len(out); n > 0 && s.Start <= out[n-1].End {
			out[n-1].End = max(out[n-1].End, s.End)
			out[n-1].Pattern = min(out[n-1].Pattern, s.Pattern)
			continue
		}
		out = append(out, s)
	}
	return out
}

func compile(t testing.TB, patterns ...string) *dfa.Machine {
	t.Helper()
	m, err := dfa.Compile(patterns)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func TestScan(t *testing.T) {
	for _, c := range []struct {
		patterns, text string
		want           string // the text with what is covered in brackets
	}{
		{`EMP-\d{6}`, "of EMP-123456, EMP-12345 and EMP-1234567", "of [EMP-123456], EMP-12345 and [EMP-123456]7"},
		{`\bEMP-\d{6}\b`, "EMP-123456 xEMP-123456 EMP-1234567", "[EMP-123456] xEMP-123456 EMP-1234567"},
		{`abc cde`, "abcde", "[abcde]"},
		{`abcd c`, "abcd c abc", "[abcd] [c] ab[c]"},
		{`a.*b a`, "a--b--a", "[a--b]--[a]"},
		{`(?i)straße`, "STRASSE Straße straẞe", "STRASSE [Straße] [straẞe]"},
		{`\p{Greek}+`, "die Λόγοι!", "die [Λόγοι]!"},
		{`^x x$`, "x x x", "[x] x [x]"},
		{`(?m:^\d+$)`, "12\n3a\n45", "[12]\n3a\n[45]"},
		{`\d{4}`, "123456789", "[123456789]"},
		{`[^\x20]+@[^\x20]+`, "no @ but é@ü.", "no @ but [é@ü.]"},
		{`x`, "", ""},
		{`a+?`, "baaa", "b[aaa]"},
	} {
		patterns := strings.Fields(c.patterns)
		var got strings.Builder
		at := 0
		for _, s := range compile(t, patterns...).Scan([]byte(c.text)) {
			got.WriteString(c.text[at:s.Start] + "[" + c.text[s.Start:s.End] + "]")
			at = s.End
		}
		got.WriteString(c.text[at:])
		if got.String() != c.want {
			t.Errorf("%s in %q: %q, want %q", c.patterns, c.text, got.String(), c.want)
		}
		if !strings.Contains(c.patterns, `\p`) {
			if want := covered(t, patterns, c.text); !slices.Equal(compile(t, patterns...).Scan([]byte(c.text)), want) {
				t.Errorf("%s in %q: the oracle says %v", c.patterns, c.text, want)
			}
		}
	}
}

// TestPatternOfSpan: a span is named after the first pattern that ends in it.
func TestPatternOfSpan(t *testing.T) {
	got := compile(t, `never`, `cde`, `abc`).Scan([]byte("abcde abc"))
	if want := []dfa.Span{{0, 5, 1}, {6, 9, 2}}; !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
}

// random writes a pattern of the grammar that the machines have to get right.
func random(r *rand.Rand, depth int) string {
	if depth == 0 {
		return []string{"a", "b", "_", " ", "é", "[ab]", "[^a]", ".", `\w`, `\b`, `\B`, "^", "$", "(?m:^)", "(?m:$)"}[r.IntN(15)]
	}
	switch r.IntN(6) {
	case 0:
		return "(?:" + random(r, depth-1) + "|" + random(r, depth-1) + ")"
	case 1:
		return "(?:" + random(r, depth-1) + ")" + []string{"*", "+", "?", "{2}", "{1,3}", "*?"}[r.IntN(6)]
	default:
		return random(r, depth-1) + random(r, depth-1)
	}
}

// TestAgainstRegexp holds the machines to package regexp on random patterns and
// texts.
func TestAgainstRegexp(t *testing.T) {
	seed := uint64(1)
	r := rand.New(rand.NewPCG(seed, 2))
	alphabet := []rune("aab_ \né.")
	tried := 0
	for range 400 {
		patterns := make([]string, 1+r.IntN(3))
		for i := range patterns {
			patterns[i] = random(r, 1+r.IntN(3))
		}
		m, err := dfa.Compile(patterns)
		if err != nil {
			continue // most match the empty text
		}
		tried++
		for range 3 {
			text := make([]rune, r.IntN(9))
			for i := range text {
				text[i] = alphabet[r.IntN(len(alphabet))]
			}
			if got, want := m.Scan([]byte(string(text))), covered(t, patterns, string(text)); !slices.Equal(got, want) {
				t.Fatalf("%q in %q: %v, package regexp says %v", patterns, string(text), got, want)
			}
		}
	}
	if tried < 100 {
		t.Errorf("only %d sets of patterns were tried", tried)
	}
}

func TestRefused(t *testing.T) {
	var e *dfa.Error
	for pattern, reason := range map[string]string{
		`a*`:                                  "matches the empty text",
		`a|\b`:                                "matches the empty text",
		`a|$`:                                 "matches the empty text",
		`(`:                                   "is not RE2 syntax",
		`a(?=b)`:                              "is not RE2 syntax",
		`(a)\1`:                               "is not RE2 syntax",
		`a{1001}`:                             "is not RE2 syntax",
		`(?:\pL{100}){10}x`:                   "is too big",
		`a.{20}b`:                             "needs more than",
		strings.Repeat("a", dfa.MaxPattern+1): "has more than",
	} {
		_, err := dfa.Compile([]string{"fine", pattern})
		if !errors.As(err, &e) || e.Pattern != 1 || !strings.HasPrefix(e.Reason, reason) {
			t.Errorf("%.20q: %v, want pattern 1 that %s", pattern, err, reason)
		}
	}
	if _, err := dfa.Compile(nil); !errors.Is(err, dfa.ErrCount) {
		t.Error("no patterns were compiled")
	}
}

// TestGroups: patterns too big for one machine are read in several, and find what
// one would.
func TestGroups(t *testing.T) {
	patterns := []string{`a.{9}b`, `b.{9}c`, `c.{9}d`, `[ab].{9}d`, `de`}
	m := compile(t, patterns...)
	if m.Groups() < 2 {
		t.Fatalf("%d groups: the test needs bigger patterns", m.Groups())
	}
	r := rand.New(rand.NewPCG(3, 4))
	for range 40 {
		text := make([]byte, 30)
		for i := range text {
			text[i] = "abcde"[r.IntN(5)]
		}
		if got, want := m.Scan(text), covered(t, patterns, string(text)); !slices.Equal(got, want) {
			t.Fatalf("%s: %v, want %v", text, got, want)
		}
	}
}

// FuzzScan: whatever package regexp matches is covered, and every span has a match
// that package regexp confirms.
func FuzzScan(f *testing.F) {
	for _, p := range twenty {
		f.Add(p, "EMP-123456 of Dr. Meier: ticket#123, project falcon\nCHF 1.000,000")
	}
	f.Add(`a.*b|^\B.`, "aé\n b")
	f.Fuzz(func(t *testing.T, pattern, text string) {
		if len(pattern) > 60 || len(text) > 200 || !utf8.ValidString(text) {
			return
		}
		m, err := dfa.Compile([]string{pattern})
		re, stdErr := regexp.Compile(pattern)
		if err != nil {
			return
		}
		if stdErr != nil {
			t.Fatalf("%q compiles, but not in package regexp: %v", pattern, stdErr)
		}
		spans := slices.Clone(m.Scan([]byte(text)))
		re.Longest()
		found := re.FindAllStringIndex(text, -1)
		if (len(found) == 0) != (len(spans) == 0) {
			t.Fatalf("%q in %q: %v, package regexp finds %v", pattern, text, spans, found)
		}
		for _, at := range found {
			if !slices.ContainsFunc(spans, func(s dfa.Span) bool { return s.Start <= at[0] && at[1] <= s.End }) {
				t.Fatalf("%q in %q: %v does not cover %v", pattern, text, spans, at)
			}
		}
		last := -1
		for _, s := range spans {
			if s.Start <= last || s.End <= s.Start || s.End > len(text) || !utf8.RuneStart(text[s.Start]) || s.End < len(text) && !utf8.RuneStart(text[s.End]) {
				t.Fatalf("%q in %q: malformed %v", pattern, text, spans)
			}
			last = s.End
		}
	})
}
