//go:build !race

package plugins_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/veriproof/notary/host/pluginhost"
	"github.com/veriproof/notary/sdk/plugin/abi"
)

// A finder is a redactor that is asked for one text at a time.
type finder struct {
	t      *testing.T
	set    *pluginhost.Set
	labels map[string]int
}

func newFinder(t *testing.T, names ...string) *finder {
	t.Helper()
	var sources []pluginhost.Source
	for _, name := range names {
		sources = append(sources, pluginhost.Source{Name: name, Kind: abi.KindRedactor, Module: module(t, name)})
	}
	s, err := pluginhost.Load(t.Context(), sources, pluginhost.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close(t.Context()) })
	return &finder{t, s, map[string]int{}}
}

// find returns the edits of a text.
func (f *finder) find(text string) []pluginhost.Edit {
	f.t.Helper()
	edits, err := f.set.Redact(f.t.Context(), []pluginhost.Field{{Text: []byte(text)}})
	if err != nil {
		f.t.Fatal(err)
	}
	for _, e := range edits {
		f.labels[e.Label]++
	}
	return edits
}

// corpus decodes the lines of a file under NOTARY_DATA, none without it.
func corpus[T any](t *testing.T, path ...string) []T {
	t.Helper()
	var out []T
	dir := os.Getenv("NOTARY_DATA")
	if dir == "" {
		return nil
	}
	f, err := os.Open(filepath.Join(append([]string{dir}, path...)...))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	sc := bufio.NewScanner(f)
	sc.Buffer(nil, 64<<20)
	for sc.Scan() {
		var v T
		if err := json.Unmarshal(sc.Bytes(), &v); err != nil {
			t.Fatal(err)
		}
		out = append(out, v)
	}
	if err := sc.Err(); err != nil {
		t.Fatal(err)
	}
	return out
}

// percent is a share, 0 of nothing.
func percent(n, of int) float64 { return 100 * float64(n) / float64(max(1, of)) }

// TestCorpusSecrets measures redact-secrets on texts that hold a secret and on
// texts that look like it and do not. The rules were tuned on the even lines.
func TestCorpusSecrets(t *testing.T) {
	type line struct{ Kind, Rule, Text string }
	f := newFinder(t, "redact-secrets")
	show := os.Getenv("NOTARY_CORPUS_SHOW")
	hits, all := map[string][2]int{}, map[string][2]int{}
	byRule := map[string][2]int{}
	lines := corpus[line](t, "secrets", "gitleaks_vectors.jsonl")
	must := map[string]bool{} // texts that hold a secret; some must not match another rule, but hold it all the same
	for _, l := range lines {
		must[l.Text] = must[l.Text] || l.Kind == "tp"
	}
	apart := 0
	for i, l := range lines {
		if l.Kind == "fp" && must[l.Text] {
			apart++
			continue
		}
		found := f.find(l.Text)
		h, a := hits[l.Kind], all[l.Kind]
		a[i%2]++
		n := byRule[l.Kind+" "+l.Rule]
		n[1]++
		if len(found) > 0 {
			h[i%2]++
			n[0]++
		}
		byRule[l.Kind+" "+l.Rule] = n
		hits[l.Kind], all[l.Kind] = h, a
		if show != "" && i%2 == 0 && (l.Kind == "fp") == (len(found) > 0) {
			what := ""
			for _, e := range found {
				what += " " + e.Label + "=" + l.Text[e.Start:e.End]
			}
			fmt.Printf("%s %s %.300q %s\n", l.Kind, l.Rule, l.Text, what)
		}
	}
	if len(all) == 0 {
		return
	}
	t.Logf("secrets: %d texts that one rule must not match and another one must are counted as the latter only", apart)
	for half, name := range []string{"tuned on", "held out"} {
		recall, wrong := percent(hits["tp"][half], all["tp"][half]), percent(hits["fp"][half], all["fp"][half])
		t.Logf("secrets, half %s: %.1f %% of %d that must match, %.1f %% of %d that must not", name, recall, all["tp"][half], wrong, all["fp"][half])
		if recall < 90 || wrong > 5 {
			t.Errorf("half %s: want 90 and 5", name)
		}
	}
	for _, r := range slices.Sorted(keys(byRule)) {
		if n := byRule[r]; show == "rules" && r[0] == 't' && n[0] < n[1] {
			t.Logf("%s: %d of %d", r, n[0], n[1])
		}
	}
}

func keys[V any](m map[string]V) func(func(string) bool) {
	return func(yield func(string) bool) {
		for k := range m {
			if !yield(k) {
				return
			}
		}
	}
}

// piiLabels are the labels of the corpus that patterns can decide, and ours.
// Its national ids have the form of a social security number.
var piiLabels = map[string][]string{
	"EMAIL": {"EMAIL"}, "PHONENUMBER": {"PHONE"}, "SSN": {"SSN"}, "NATIONALID": {"SSN"}, "IBAN": {"IBAN"}, "CREDITCARDNUMBER": {"CARD"},
}

// wordLabels are those that words beside them decide, as far as there are any;
// they are reported, and count for nothing.
var wordLabels = map[string][]string{
	"DATEOFBIRTH": {"DATE_OF_BIRTH"}, "TAXNUM": {"US_EIN"}, "PASSPORTID": {"PASSPORT"}, "DRIVERLICENSENUM": {"DRIVER_LICENSE"},
	"LICENSEPLATENUM": {"LICENSE_PLATE"}, "IDCARDNUM": {"ID_CARD"}, "ZIP": {"POSTAL_CODE"}, "PASSWORD": nil, "SECURITYTOKEN": nil,
	"FIRSTNAME": nil, "SURNAME": nil, "CITY": nil, "STREET": nil, "BUILDINGNUM": nil, "STATE": nil, "COUNTRY": nil, "USERNAME": nil,
}

// TestCorpusPII measures redact-pii on labelled sentences.
func TestCorpusPII(t *testing.T) {
	type sample struct {
		Text     string
		Entities []struct {
			Start, End int
			Label      string
		}
	}
	f := newFinder(t, "redact-pii")
	show := os.Getenv("NOTARY_CORPUS_SHOW") != ""
	hits, missed, wrong := 0, 0, 0
	byLabel := map[string][2]int{}
	samples := corpus[sample](t, "pii", "samples.jsonl")
	for _, s := range samples {
		found := f.find(s.Text)
		right := make([]bool, len(found))
		for _, e := range s.Entities {
			ours, decided := piiLabels[e.Label]
			if !decided {
				ours = wordLabels[e.Label]
			}
			at := slices.IndexFunc(found, func(g pluginhost.Edit) bool {
				return g.Start == e.Start && g.End == e.End && slices.Contains(ours, g.Label)
			})
			n := byLabel[e.Label]
			n[1]++
			if at >= 0 {
				right[at] = true
				n[0]++
			}
			byLabel[e.Label] = n
			switch {
			case decided && at >= 0:
				hits++
			case decided:
				missed++
				if show {
					fmt.Printf("missed %s %q in %q\n", e.Label, s.Text[e.Start:e.End], s.Text)
				}
			}
		}
		for i, g := range found {
			if !right[i] {
				wrong++
				if show {
					fmt.Printf("wrong %s %q in %q\n", g.Label, s.Text[g.Start:g.End], s.Text)
				}
			}
		}
	}
	if len(samples) == 0 {
		return
	}
	recall, precision := percent(hits, hits+missed), percent(hits, hits+wrong)
	t.Logf("pii: recall %.1f %%, precision %.1f %% (%d found, %d missed, %d wrong)", recall, precision, hits, missed, wrong)
	for _, l := range slices.Sorted(keys(byLabel)) {
		t.Logf("pii, %s: %d of %d", l, byLabel[l][0], byLabel[l][1])
	}
	if recall < 95 || precision < 95 {
		t.Error("want 95 and 95")
	}
}

// TestCorpusExchanges measures how much of real requests and responses, nearly
// free of personal data, would be masked.
func TestCorpusExchanges(t *testing.T) {
	type exchange struct{ Request, Response string }
	show := os.Getenv("NOTARY_CORPUS_SHOW") != ""
	for _, name := range scanners {
		f := newFinder(t, name)
		total, masked := 0, 0
		for _, x := range corpus[exchange](t, "otlp", "exchanges.jsonl") {
			for _, text := range []string{x.Request, x.Response} {
				total += len(text)
				for _, e := range f.find(text) {
					masked += e.End - e.Start
					if show {
						fmt.Printf("%s %d %q in %.90q\n", e.Label, e.Score, text[e.Start:e.End], text[max(0, e.Start-40):min(len(text), e.End+20)])
					}
				}
			}
		}
		if total == 0 {
			return
		}
		t.Logf("exchanges, %s: %d of %d bytes masked, %.3f %%, %v", name, masked, total, percent(masked, total), f.labels)
		if masked*1000 > total {
			t.Errorf("%s: more than one byte in a thousand", name)
		}
	}
}

// TestCorpusSplits measures for how many texts it depends on the request what is masked: a value that is known by its
// surroundings in one text is masked in all texts of a request. With fifty in a request no byte is kept that goes from
// a text alone.
func TestCorpusSplits(t *testing.T) {
	const together = 50
	type line struct{ Text, Request, Response string }
	var texts []string
	for _, name := range scanners {
		for _, v := range vectors(t, name) {
			texts = append(texts, v.Text)
		}
	}
	for _, path := range [][]string{{"secrets", "gitleaks_vectors.jsonl"}, {"pii", "samples.jsonl"}, {"otlp", "exchanges.jsonl"}} {
		for _, l := range corpus[line](t, path...) {
			texts = append(texts, l.Text, l.Request, l.Response)
		}
	}
	texts = slices.DeleteFunc(texts, func(s string) bool { return s == "" })
	f := newFinder(t, scanners...)
	masked := func(text string, edits []pluginhost.Edit) []bool {
		goes := make([]bool, len(text))
		for _, e := range edits {
			for i := e.Start; i < e.End; i++ {
				goes[i] = true
			}
		}
		return goes
	}
	other := 0
	for request := range slices.Chunk(texts, together) {
		fields := make([]pluginhost.Field, len(request))
		for i, text := range request {
			fields[i].Text = []byte(text)
		}
		all, err := f.set.Redact(t.Context(), fields)
		if err != nil {
			t.Fatal(err)
		}
		for i, text := range request {
			alone := masked(text, f.find(text))
			beside := masked(text, slices.DeleteFunc(slices.Clone(all), func(e pluginhost.Edit) bool { return e.Field != i }))
			if !slices.Equal(alone, beside) {
				other++
			}
			for at := range alone {
				if alone[at] && !beside[at] {
					t.Errorf("byte %d of %.200q goes from it alone, and not beside others", at, text)
					break
				}
			}
		}
	}
	t.Logf("splits: of %d texts %d are masked otherwise in a request of %d than alone", len(texts), other, together)
}
