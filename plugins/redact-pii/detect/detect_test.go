package detect

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"

	"github.com/veriproof/notary/sdk/plugin/config"
	"github.com/veriproof/notary/sdk/plugin/plugintest"
)

func Example() {
	text := []byte("Mail ann@example.org, or call 415-555-0132.")
	New().Scan(text, nil, func(f Finding) {
		fmt.Println(f.Label, string(text[f.Start:f.End]))
	})
	// Output:
	// EMAIL ann@example.org
	// PHONE 415-555-0132
}

func scan(d *Detector, text, key []byte) []Finding {
	var out []Finding
	d.Scan(text, key, func(f Finding) { out = append(out, f) })
	return out
}

// everything reports findings of any score.
func everything() *Detector {
	d := New()
	d.setAll(0)
	return d
}

func vectors(t testing.TB) []plugintest.Vector {
	t.Helper()
	f, err := os.Open("../testdata/golden.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	v, err := plugintest.ReadVectors(f)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// checkFindings checks the guarantees of the package comment.
func checkFindings(t interface{ Fatalf(string, ...any) }, text []byte, found []Finding) {
	last := 0
	for _, f := range found {
		if f.Start < last || f.End <= f.Start || f.End > len(text) {
			t.Fatalf("finding %+v in %d bytes, the one before ends at %d", f, len(text), last)
		}
		if f.Label.String() == "" || f.Score > MaxScore {
			t.Fatalf("finding %+v has no label or an impossible score", f)
		}
		if utf8.Valid(text) && !(border(text, f.Start) && border(text, f.End)) {
			t.Fatalf("finding %+v cuts a UTF-8 sequence", f)
		}
		if f.Start > 0 && text[f.Start-1] == '\\' && bytes.IndexByte([]byte("nrtbf"), text[f.Start]) >= 0 {
			t.Fatalf("finding %+v takes the letter of an escape", f)
		}
		last = f.End
	}
}

func border(text []byte, i int) bool { return i == len(text) || utf8.RuneStart(text[i]) }

func FuzzScan(f *testing.F) {
	for _, v := range vectors(f) {
		f.Add([]byte(v.Text), []byte(v.Key))
	}
	d := everything()
	f.Fuzz(func(t *testing.T, text, key []byte) {
		before := slices.Clone(text)
		found := scan(d, text, key)
		checkFindings(t, text, found)
		if !slices.Equal(found, scan(d, text, key)) || !bytes.Equal(before, text) {
			t.Fatal("a second scan differs, or the text was changed")
		}
		if w := workOf(text, key); w > maxWork(len(text)) {
			t.Fatalf("%d steps for %d bytes", w, len(text))
		}
	})
}

// TestPlantedInText puts golden texts between any words and wants the same
// findings: what stands around a value separated by spaces must not hide it.
func TestPlantedInText(t *testing.T) {
	all := vectors(t)
	rapid.Check(t, func(t *rapid.T) {
		v := rapid.SampledFrom(all).Draw(t, "vector")
		before := rapid.StringMatching(`([a-z]{13} |— ){0,8}`).Draw(t, "before")
		after := rapid.StringMatching(`( [a-z]{13}| —){0,8}`).Draw(t, "after")
		if strings.Contains(v.Name, "before the window") || strings.Contains(v.Name, "cut off") || v.Key != "" {
			return
		}
		text := before + v.Text + after
		found := scan(New(), []byte(text), []byte(v.Key))
		checkFindings(t, []byte(text), found)
		if len(found) != len(v.Spans) {
			t.Fatalf("found %d, want %d in %q", len(found), len(v.Spans), text)
		}
		for i, f := range found {
			if text[f.Start:f.End] != v.Spans[i].Text {
				t.Fatalf("found %q, want %q", text[f.Start:f.End], v.Spans[i].Text)
			}
		}
	})
}

// TestLongTokenOverWindows cuts a long token as the host cuts fields, into
// windows of 64 KiB that share 1 KiB, and wants every byte of it covered.
func TestLongTokenOverWindows(t *testing.T) {
	const window, overlap = 64 << 10, 1 << 10
	token := "eyJhbGciOiJSUzI1NiJ9.eyJ" + strings.Repeat("aZ09_-", 700) + "." + strings.Repeat("Qw3", 227)
	for _, at := range []int{window - 3000, window - 2000, window - 600, window - 100} {
		text := strings.Repeat(" ", at) + token + " end"
		covered := make([]bool, len(text))
		for from := 0; ; from += window - overlap {
			end := min(len(text), from+window)
			for _, f := range scan(New(), []byte(text[from:end]), nil) {
				for i := f.Start; i < f.End; i++ {
					covered[from+i] = true
				}
			}
			if end == len(text) {
				break
			}
		}
		for i := range token {
			if !covered[at+i] {
				t.Fatalf("token at %d: byte %d is not covered", at, i)
			}
		}
	}
}

func TestConfigure(t *testing.T) {
	text := []byte("ann@example.org 415-555-0132 eyJhIjoi.eyJh")
	for name, c := range map[string]struct {
		config string
		want   []Label
	}{
		"default":            {``, []Label{Email, Phone}},
		"empty object":       {` {} `, []Label{Email, Phone}},
		"off":                {`{"labels":{"EMAIL":{"enabled":false}}}`, []Label{Phone}},
		"on":                 {`{"labels":{"EMAIL":{"enabled":true}}}`, []Label{Email, Phone}},
		"own threshold":      {`{"labels":{"PHONE":{"threshold":760}}}`, []Label{Email}},
		"all":                {`{"threshold":901}`, nil},
		"all but one":        {`{"labels":{"EMAIL":{"threshold":900}},"threshold":901}`, []Label{Email}},
		"off beats a number": {`{"labels":{"EMAIL":{"enabled":false,"threshold":0}}}`, []Label{Phone}},
	} {
		d, err := Configure([]byte(c.config))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		var got []Label
		for _, f := range scan(d, text, nil) {
			got = append(got, f.Label)
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%s: labels %v, want %v", name, got, c.want)
		}
	}
}

func TestConfigureRefuses(t *testing.T) {
	for name, c := range map[string]string{
		"no object":     `[]`,
		"unknown key":   `{"thresholds":1}`,
		"unknown label": `{"labels":{"MAIL":{}}}`,
		"label key":     `{"labels":{"EMAIL":{"enable":true}}}`,
		"too high":      `{"threshold":1001}`,
		"negative":      `{"labels":{"EMAIL":{"threshold":-1}}}`,
		"text":          `{"labels":{"EMAIL":{"threshold":"high"}}}`,
		"behind":        `{}{}`,
	} {
		if _, err := Configure([]byte(c)); !errors.Is(err, config.ErrConfig) {
			t.Errorf("%s: error %v, want ErrConfig", name, err)
		}
	}
}

// TestGitHubChecksum checks the CRC-32 of a token that the format's
// publication gives as its example.
func TestGitHubChecksum(t *testing.T) {
	body := "zQWBuTSOoRi4A9spHcVY5ncnsDkxkJ0mLq17"
	if !githubChecked([]byte(body)) {
		t.Error("the published example fails its checksum")
	}
	if githubChecked([]byte("a" + body[1:])) {
		t.Error("a changed token passes its checksum")
	}
}
