package plugins_test

import (
	"bytes"
	"encoding/json"
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

const (
	maxFuelPerByte = 2500 // 64 KiB of it are two thirds of what a call may take
	fuelOfCall     = 100_000
)

// worst are the inputs that are the worst for each detector, to be repeated: as
// many candidates as fit, each almost right, and runs that a careless look-ahead
// would read again and again.
var worst = []string{
	"a", "0", "7 ", "1-", "12.", "1.1.1.1 ", "4111 1111 1111 1112 ", "4-", "123-45-6780 ", "(212) 555-01", "+1 ", "+491 2 3 4 5 6 7 ",
	"@", "a@", "a@b.c", "a@b.com@", "a.b@c.", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa@", "://a:b@", "x:yyyyyyyyyyyyyyyyyyyyyyyyyy@",
	":", "::", "a:", "1:", "::1", "1::2:", "abcd:", "f:f:f:f:f:f:f:f:", "1:2:3:4:5:6:7:8.", "00:11:22:33:44:5 ",
	"eyJ", "eyJ.", "eyJ-", "eyJaaaaaaaaaa.", "eyJ1aaaaaaaaa.eyJaaaaaaaa.", "-", "--", "sk-", "xoxb-", "xoxb-.", "xapp-a", " sk-a1B2c3D4e5F6g7H8i9J0k1",
	"-----BEGIN ", "-----BEGIN PRIVATE KEY-----", "-----BEGIN PRIVATE KEY-----\nAAAA", "-----END PRIVATE KEY-----",
	"_", "ghp_", " ghp_1", "github_pat_", "/", "hooks.slack.com/services/1", "AKIA", "AKIAAKIAAKIAAKIAAKIA ",
	"GB11", "GB11 ", "DE11 1111 1111 ", "a1", "a1/", "a1+", "a.1", "aaaaaaaaaaaaaaaaaaaaaaaaaaaa.1", "phone 1 ", "phone id 1234567 ", "\\n1", "\\u0031", "x", "1x1 ", "é1", "é@",
	"ann at example dot ", " at a dot a", "(at)", "a(at)a(dot)", " dot ", "1990-01-01 ", "born 1 May 1990 ", "44051401358 ", "12.345.678-5 ", "123456789 ", "12345678901 ",
	"AB123456C ", "SW1A 1AA ", "passport A1234567 ", "1BoatSLRHtKNngkdXEeobR76b53LETtpyU ", "bc1qar0srrr7xfkvy5l643lydnw9re59gtzzwf5mdr ",
	"0x52908400098527886E0F7030069857D2E4169EE8 ", "=", "a=", "key=1 ", "password=a1 ", "token: a1b2c3d4e5f6 ", "\"key\":\"a1b2c3d4\",", "<a>1</a>", "secret ", "?", ";",
	"Bearer a1 ", "postgres://a:b@c/d ", "AccountKey=", "curl -u a:b ", "aB3$", "aB3dE5gH7jK9 ", "a1b2c3d4e5f60718293a4b5c6d7e8f90 ", "...1", "1=1=", "''1", "\"a1\"",
}

// commonTexts are prose and JSON as applications send them, made up.
func commonTexts(t testing.TB) map[string][]byte {
	t.Helper()
	d := newDice(5)
	sentence := func() string {
		words := make([]string, 6+d.IntN(8))
		for i := range words {
			words[i] = d.word()
		}
		return strings.Join(words, " ") + pick(d, ". ", ". ", "? ", ": ", ", at 10:45. ", ", which took 12.5 ms. ")
	}
	var prose, requests bytes.Buffer
	for prose.Len() < abi.MaxBatchText {
		prose.WriteString(sentence())
	}
	for requests.Len() < abi.MaxBatchText {
		err := json.NewEncoder(&requests).Encode(map[string]any{
			"id": "chatcmpl-" + d.of(28, alnumChars), "created": 1700000000 + d.IntN(90000000), "model": d.word() + "-large-2026-08-01", "stream": false,
			"usage":    map[string]any{"prompt_tokens": d.IntN(900), "completion_tokens": d.IntN(400), "cost": float64(d.IntN(1000)) / 1e5},
			"messages": []any{map[string]any{"role": "user", "content": sentence() + sentence()}, map[string]any{"role": "assistant", "content": sentence(), "tool_calls": nil}},
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return map[string][]byte{"common prose": prose.Bytes(), "common JSON": requests.Bytes()}
}

// TestWorkIsLinear counts the fuel of 1 MiB of each of these, in the batches of
// 64 KiB that the host makes, of what is behind a long head, and of common texts.
// None takes over five times what they take on average, and none grows faster than
// its length.
func TestWorkIsLinear(t *testing.T) {
	heads := map[string]string{
		"end lines behind base64":   strings.Repeat("QUJD", 1<<11) + strings.Repeat("-----END PRIVATE KEY-----\n", 1<<12),
		"begin lines without end":   strings.Repeat("-----BEGIN RSA PRIVATE KEY-----\n", 1<<10) + strings.Repeat("a", 1<<15),
		"begin lines, words behind": strings.Repeat("-----BEGIN PRIVATE KEY-----words ", 1<<12),
		"dots behind a long run":    strings.Repeat("a", 1<<15) + strings.Repeat(".eyJaaaaaaaaaa", 1<<11),
		"one run of digits":         strings.Repeat("1 ", 1<<15) + "x",
	}
	for _, name := range scanners {
		for _, config := range []string{"", `{"threshold":0}`, `{"threshold":1000}`} {
			p := probe(t, name, []byte(config))
			cost := map[string]float64{} // fuel per byte
			measure := func(what string, text []byte) {
				text = text[:min(len(text), abi.MaxBatchText)]
				for !utf8.Valid(text) {
					text = text[:len(text)-1]
				}
				half := text[:len(text)/2]
				for !utf8.Valid(half) {
					half = half[:len(half)-1]
				}
				out, err := p.Try(t.Context(), []abi.Field{{Text: text}})
				if err != nil {
					t.Errorf("%s with %q: %q: %v", name, config, what, err)
				}
				halfway, _ := p.Try(t.Context(), []abi.Field{{Text: half}})
				whole, part := out.Fuel, halfway.Fuel
				cost[what] = float64(whole) / float64(len(text))
				if whole > 5*part/2+fuelOfCall && heads[what] == "" {
					t.Errorf("%s: %q: fuel %d, and %d for half of it", name, what, whole, part)
				}
			}
			for _, unit := range worst {
				measure(unit, bytes.Repeat([]byte(unit), abi.MaxBatchText/len(unit)))
			}
			for what, text := range heads {
				measure(what, []byte(text))
			}
			common := commonTexts(t)
			for what, text := range common {
				measure(what, text)
			}
			sum, most, usual := 0.0, 0.0, 0.0
			for what, c := range cost {
				sum, most = sum+c, max(most, c)
				if common[what] != nil {
					usual = max(usual, c)
				}
			}
			average := sum / float64(len(cost))
			t.Logf("%s with %q: the worst takes %.0f fuel a byte, %.1f times the average and %.0f times a common text", name, config, most, most/average, most/usual)
			for what, c := range cost {
				if c > 5*average || c > maxFuelPerByte {
					t.Errorf("%s with %q: %q: %.0f fuel a byte; the average is %.0f", name, config, what, c, average)
				}
			}
		}
	}
}
