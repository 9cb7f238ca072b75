package plugins_test

import (
	"bytes"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"

	"github.com/veriproof/notary/host/pluginhost"
	"github.com/veriproof/notary/host/plugintrial"
	"github.com/veriproof/notary/sdk/plugin/abi"
	"github.com/veriproof/notary/sdk/plugin/golden"
)

func vectors(t testing.TB, name string) []golden.Vector {
	t.Helper()
	f, err := os.Open(name + "/testdata/golden.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	v, err := golden.Read(f)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func manifest(t testing.TB, name string) *abi.Manifest {
	t.Helper()
	m, err := abi.ReadManifest(module(t, name))
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// try gives a redactor one text and checks the edits.
func try(t testing.TB, p *pluginhost.Probe, text, key []byte) pluginhost.Trial {
	t.Helper()
	out, err := p.Try(t.Context(), []abi.Field{{Text: text, Key: key}})
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range out.Edits {
		if e.Start > 0 && text[e.Start-1] == '\\' && bytes.IndexByte([]byte("nrtbf"), text[e.Start]) >= 0 {
			t.Fatalf("edit %+v takes the letter of an escape", e)
		}
	}
	return out
}

// TestRedactors tries the golden texts and the properties that every redactor
// must have, at the thresholds that are the default and with everything reported.
func TestRedactors(t *testing.T) {
	for _, name := range scanners {
		for _, config := range []string{"", `{"threshold":0}`} {
			trial, err := plugintrial.Open(t.Context(), module(t, name), []byte(config), pluginhost.Limits{})
			if err != nil {
				t.Fatal(err)
			}
			report, err := trial.Run(t.Context(), vectors(t, name), plugintrial.Options{})
			if err != nil {
				t.Fatal(err)
			}
			for _, p := range report.Properties {
				if p.Status() != "ok" {
					t.Errorf("%s with %q: %s: %s", name, config, p.Name, p.Detail())
				}
			}
			for _, m := range report.Misses {
				if config == "" {
					t.Errorf("%s, line %d, %s: %q: want %s, got %s", name, m.Line, m.Name, m.Text, m.Want, m.Got)
				}
			}
			if err := trial.Close(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// TestEveryLabel: each label of a manifest is found in a golden text, and the
// configuration switches off what it names and nothing else. Half of the labels are
// off at a time, by each bit of their numbers.
func TestEveryLabel(t *testing.T) {
	for _, name := range scanners {
		labels := manifest(t, name).Labels
		labels = labels[:len(labels)-1] // the last one, UNSEARCHED, is of no detector: TestDearTextIsMasked
		byLabel := map[string]golden.Vector{}
		for _, v := range vectors(t, name) {
			for _, s := range v.Spans {
				byLabel[s.Label] = v
			}
		}
		g := open(t, module(t, name))
		for bits := range 2 * 8 {
			off := func(label int) bool { return label>>(bits/2)&1 == bits%2 }
			config := `{"labels":{`
			for i, label := range labels {
				config += fmt.Sprintf(`%q:{"enabled":%v},`, label, !off(i))
			}
			if !g.configure(config[:len(config)-1] + "}}") {
				t.Fatalf("%s: refused: %s", name, config)
			}
			for i, label := range labels {
				v, ok := byLabel[label]
				if !ok {
					t.Fatalf("%s: no golden text has a %s", name, label)
				}
				found := slices.ContainsFunc(g.redact(v.Text, v.Key), func(e abi.Edit) bool { return int(e.Label) == i })
				if found == off(i) {
					t.Errorf("%s: %s is off: %v, is found: %v", name, label, off(i), found)
				}
			}
		}
	}
}

func TestRedactorConfig(t *testing.T) {
	const text = "ann@example.org 415-555-0132 eyJhIjoi.eyJh"
	g, labels := open(t, module(t, "redact-pii")), manifest(t, "redact-pii").Labels
	for name, c := range map[string]struct{ config, want string }{
		"default":            {``, "EMAIL PHONE"},
		"empty object":       {` {} `, "EMAIL PHONE"},
		"off":                {`{"labels":{"EMAIL":{"enabled":false}}}`, "PHONE"},
		"on":                 {`{"labels":{"EMAIL":{"enabled":true}}}`, "EMAIL PHONE"},
		"own threshold":      {`{ "labels" : { "PHONE" : { "threshold" : 760 } } }`, "EMAIL"},
		"all":                {`{"threshold":901}`, ""},
		"all but one":        {`{"labels":{"EMAIL":{"threshold":900}},"threshold":901}`, "EMAIL"},
		"off beats a number": {`{"labels":{"EMAIL":{"enabled":false,"threshold":0}}}`, "PHONE"},
	} {
		var got []string
		accepted := g.configure(c.config)
		for _, e := range g.redact(text, "") {
			got = append(got, labels[e.Label])
		}
		if !accepted || strings.Join(got, " ") != c.want {
			t.Errorf("%s: labels %v, want %v", name, got, c.want)
		}
	}
	for name, c := range map[string]string{
		"no object":        `[]`,
		"unknown key":      `{"thresholds":1}`,
		"unknown label":    `{"labels":{"MAIL":{}}}`,
		"label key":        `{"labels":{"EMAIL":{"enable":true}}}`,
		"too high":         `{"threshold":1001}`,
		"negative":         `{"labels":{"EMAIL":{"threshold":-1}}}`,
		"fraction":         `{"threshold":500.5}`,
		"text":             `{"labels":{"EMAIL":{"threshold":"high"}}}`,
		"number for bool":  `{"labels":{"EMAIL":{"enabled":1}}}`,
		"key twice":        `{"threshold":1,"threshold":2}`,
		"label twice":      `{"labels":{"EMAIL":{},"EMAIL":{"enabled":false}}}`,
		"behind":           `{}{}`,
		"not ended":        `{"labels":{"EMAIL":{}`,
		"comma":            `{"threshold":1,}`,
		"no comma":         `{"threshold":1 "labels":{}}`,
		"leading zero":     `{"threshold":0500}`,
		"begins in middle": `"threshold":1}`,
	} {
		if g.configure(c) {
			t.Errorf("%s: %q was accepted", name, c)
		}
	}
}

// TestPlantedInText puts golden texts between any words and wants the same
// findings: what stands around a value separated by spaces must not hide it.
func TestPlantedInText(t *testing.T) {
	for _, name := range scanners {
		p, labels := probe(t, name, nil), manifest(t, name).Labels
		all := slices.DeleteFunc(vectors(t, name), func(v golden.Vector) bool {
			return strings.Contains(v.Name, "window") || strings.Contains(v.Name, "cut off") || strings.Contains(v.Name, "whole text") || v.Key != ""
		})
		rapid.Check(t, func(rt *rapid.T) {
			v := rapid.SampledFrom(all).Draw(rt, "vector")
			before := rapid.StringMatching(`([a-z]{13} |— ){0,8}`).Draw(rt, "before")
			after := rapid.StringMatching(`( [a-z]{13}| —){0,8}`).Draw(rt, "after")
			text := before + v.Text + after
			edits := try(t, p, []byte(text), nil).Edits
			for i := range edits {
				edits[i].Start -= uint32(len(before))
				edits[i].End -= uint32(len(before))
				if int(edits[i].End) > len(v.Text) || int(edits[i].Start) > len(v.Text) {
					rt.Fatalf("an edit outside of the golden text in %q", text)
				}
			}
			if diff := v.Diff(edits, labels); diff != "" {
				rt.Fatalf("%q: %s", text, diff)
			}
		})
	}
}

// TestLongTokenOverWindows cuts a long token as the host cuts fields, into
// windows of 64 KiB that share 1 KiB, and wants every byte of it covered.
func TestLongTokenOverWindows(t *testing.T) {
	const window, overlap = 64 << 10, 1 << 10
	token := "eyJhbGciOiJSUzI1NiJ9.eyJ" + strings.Repeat("aZ09_-", 700) + "." + strings.Repeat("Qw3", 227)
	for _, name := range scanners {
		p := probe(t, name, nil)
		for _, at := range []int{window - 3000, window - 2000, window - 600, window - 100} {
			text := strings.Repeat(" ", at) + token + " end"
			covered := make([]bool, len(text))
			for from := 0; ; from += window - overlap {
				end := min(len(text), from+window)
				for _, e := range try(t, p, []byte(text[from:end]), nil).Edits {
					for i := e.Start; i < e.End; i++ {
						covered[from+int(i)] = true
					}
				}
				if end == len(text) {
					break
				}
			}
			if i := slices.Index(covered[at:at+len(token)], false); i >= 0 {
				t.Fatalf("%s: token at %d: byte %d is not covered", name, at, i)
			}
		}
	}
}

// TestBoundsBetweenCharacters: a value that is longer than a redactor looks is cut short where a
// character ends.
func TestBoundsBetweenCharacters(t *testing.T) {
	for _, name := range scanners {
		p := probe(t, name, []byte(`{"threshold":0}`))
		for _, before := range []string{"password=", "\"token\": \"", "https://a:", ""} {
			for n := range 8 {
				text := before + strings.Repeat("a", n) + "1" + strings.Repeat("é", 300) + "1x2é-" + strings.Repeat("€", 200) + "1@a.org\" "
				try(t, p, []byte(text), nil)
			}
		}
	}
}

// TestManyEdits: more edits than the reply has room for in the image are all told.
func TestManyEdits(t *testing.T) {
	p := probe(t, "redact-pii", nil)
	text := bytes.Repeat([]byte("a@b.co "), abi.MaxBatchText/7)
	if out := try(t, p, text, nil); len(out.Edits) != abi.MaxBatchText/7 {
		t.Errorf("%d edits of %d", len(out.Edits), abi.MaxBatchText/7)
	}
	if out := try(t, p, []byte("a@b.co"), nil); len(out.Edits) != 1 {
		t.Errorf("afterwards: %d edits", len(out.Edits))
	}
}

const (
	maxFuelPerByte = 1500 // of a text that is too short for its allowance to end; 64 KiB of it are two fifths of what a call may take
	fuelOfCall     = 100_000
)

// FuzzRedactors: no trap, edits in order, in bounds and on UTF-8 borders, whatever
// the text and key, and linear work.
func FuzzRedactors(f *testing.F) {
	var probes []*pluginhost.Probe
	for _, name := range scanners {
		for _, v := range vectors(f, name) {
			f.Add([]byte(v.Text), []byte(v.Key))
		}
		probes = append(probes, probe(f, name, []byte(`{"threshold":0}`)), probe(f, name, []byte(`{"threshold":1000}`)))
	}
	f.Fuzz(func(t *testing.T, text, key []byte) {
		if !utf8.Valid(text) || !utf8.Valid(key) || len(text) > abi.MaxBatchText {
			return
		}
		for _, p := range probes {
			out := try(t, p, text, key)
			if again := try(t, p, text, key); !slices.Equal(out.Edits, again.Edits) || out.Fuel != again.Fuel {
				t.Fatal("a second scan differs")
			}
			if limit := uint64(maxFuelPerByte*len(text)) + fuelOfCall; out.Fuel > limit {
				t.Fatalf("%d fuel for %d bytes", out.Fuel, len(text))
			}
		}
	})
}
