//go:build !race

package plugins_test

import (
	"bytes"
	"context"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/veriproof/notary/host/pluginhost"
	"github.com/veriproof/notary/sdk/plugin/abi"
	"github.com/veriproof/notary/sdk/plugin/golden"
)

// searched is how long a text may be and is judged to its end whatever it says.
const searched = 384

// unsearched is the number of the label for what was not judged, which is the last one.
func unsearched(t testing.TB, name string) uint16 {
	t.Helper()
	labels := manifest(t, name).Labels
	if labels[len(labels)-1] != "UNSEARCHED" {
		t.Fatalf("%s: the last label is %s", name, labels[len(labels)-1])
	}
	return uint16(len(labels) - 1)
}

// TestUsualTextsAreSearched: none of the texts here, as people and tools write them, takes all of its allowance, even if it
// is dense, and nothing short does.
func TestUsualTextsAreSearched(t *testing.T) {
	for _, name := range scanners {
		label := unsearched(t, name)
		for _, config := range []string{"", `{"threshold":0}`, `{"threshold":1000}`} {
			p := probe(t, name, []byte(config))
			masks := func(text []byte) bool {
				return slices.ContainsFunc(try(t, p, text, nil).Edits, func(e abi.Edit) bool { return e.Label == label })
			}
			for what, text := range denseTexts(t) {
				if masks(text) {
					t.Errorf("%s with %q: %s is masked as unsearched", name, config, what)
				}
			}
			for _, unit := range worst {
				if masks([]byte(strings.Repeat(unit, searched/len(unit)))) {
					t.Errorf("%s with %q: %q, repeated to %d bytes, is masked as unsearched", name, config, unit, searched)
				}
			}
		}
	}
}

// TestKeysAreSearched: a file of nothing but keys is dear, since each is judged, and the more so where the
// configuration makes none a finding. It is searched to its end, whichever keys they are.
func TestKeysAreSearched(t *testing.T) {
	const name = "redact-secrets"
	p, label, d := probe(t, name, []byte(`{"threshold":1000}`)), unsearched(t, name), newDice(77)
	for file := range 100 {
		var b bytes.Buffer
		for b.Len() < abi.MaxBatchText {
			b.WriteString("sk-proj-" + d.of(48, alnumChars) + "\n")
		}
		for _, e := range try(t, p, b.Bytes()[:abi.MaxBatchText], nil).Edits {
			if e.Label == label {
				t.Errorf("file %d is masked as unsearched from byte %d on", file, e.Start)
			}
		}
	}
}

// TestDearTextIsMasked: what was found before the allowance of a text was spent stays, all that is not judged is
// masked, and no configuration changes that.
func TestDearTextIsMasked(t *testing.T) {
	first := map[string]string{"redact-pii": "ann@example.org", "redact-secrets": "ghp_1a2B3c4D5e6F7g8H9i0J1k2L3m4N5o6P7q8R"}
	for _, name := range scanners {
		label := unsearched(t, name)
		text := first[name] + " " + dear(name, abi.MaxBatchText-200) + " — " + first[name]
		for _, config := range []string{"", `{"threshold":1000}`} {
			edits := try(t, probe(t, name, []byte(config)), []byte(text), nil).Edits
			last := edits[len(edits)-1]
			if last.Label != label || int(last.End) != len(text) || last.Score != 1000 {
				t.Errorf("%s with %q: the last of %d edits is %+v, want label %d to %d", name, config, len(edits), last, label, len(text))
			}
			if config == "" && (edits[0].Label == label || text[edits[0].Start:edits[0].End] != first[name]) {
				t.Errorf("%s: the first edit is %+v, not what stands there", name, edits[0])
			}
		}
		g := open(t, module(t, name))
		for _, config := range []string{`{"labels":{"UNSEARCHED":{"enabled":false}}}`, `{"labels":{"UNSEARCHED":{"threshold":1000}}}`} {
			if g.configure(config) {
				t.Errorf("%s: %s was accepted", name, config)
			}
		}
	}
}

// TestPlantedInDearText puts golden texts anywhere into a text that takes more than its allowance: whether they
// are found or masked, every byte of what has to go goes.
func TestPlantedInDearText(t *testing.T) {
	for _, name := range scanners {
		p := probe(t, name, nil)
		all := slices.DeleteFunc(vectors(t, name), func(v golden.Vector) bool {
			return strings.Contains(v.Name, "window") || strings.Contains(v.Name, "cut off") || strings.Contains(v.Name, "whole text") || v.Key != ""
		})
		const apart = " lorem ipsum dolor sit amet consetetur sadipscing elitr sed diam nonumy eirmod "
		rapid.Check(t, func(rt *rapid.T) {
			v := rapid.SampledFrom(all).Draw(rt, "vector")
			before := dear(name, rapid.IntRange(0, 48<<10).Draw(rt, "before")) + apart
			text := before + v.Text + apart + dear(name, 12<<10)
			covered := make([]bool, len(text))
			for _, e := range try(t, p, []byte(text), nil).Edits {
				for i := e.Start; i < e.End; i++ {
					covered[i] = true
				}
			}
			from := 0
			for _, s := range v.Spans {
				at := from + strings.Index(v.Text[from:], s.Text)
				from = at + len(s.Text)
				if i := slices.Index(covered[len(before)+at:len(before)+from], false); i >= 0 {
					rt.Fatalf("%s behind %d bytes: byte %d of %q is not covered", name, len(before), i, s.Text)
				}
			}
		})
	}
}

// TestAllowanceIsOfOneText: what a redactor knows from texts before in a batch, such as what names say, does not
// change where the allowance of a text ends, nor does what stands next to the text in memory.
func TestAllowanceIsOfOneText(t *testing.T) {
	for _, name := range scanners {
		p := probe(t, name, nil)
		rapid.Check(t, func(rt *rapid.T) {
			units := rapid.SliceOfN(rapid.SampledFrom(worst), 1, 4).Draw(rt, "units")
			unit := strings.Join(units, rapid.SampledFrom([]string{"", " ", `","`, `":"`}).Draw(rt, "between"))
			next := rapid.SampledFrom([]string{",", `"`, " ", "-", "=", "1", "#", "%", `\`, "a"}).Draw(rt, "next")
			if alone, among := aloneAndAmong(t.Context(), rt, p, unit, next); !slices.Equal(alone, among) {
				rt.Fatalf("%s: %d edits of a text alone, %d behind others", name, len(alone), len(among))
			}
		})
	}
	for _, c := range []struct{ unit, next string }{
		{" a:8/0=,@eaPW=", ","},             // a comma before the space with which the text begins is no argument's
		{"0: =b.sas4as: =b.sas4a4as7", " "}, // the digit with which the text begins does not stand between a name and its value
	} {
		if alone, among := aloneAndAmong(t.Context(), t, probe(t, "redact-secrets", nil), c.unit, c.next); !slices.Equal(alone, among) {
			t.Errorf("%q: %d edits of a text alone, %d behind %q", c.unit, len(alone), len(among), c.next)
		}
	}
}

// aloneAndAmong returns the edits of a unit, repeated, alone and behind others, of which the last ends with next
// where the text begins.
func aloneAndAmong(ctx context.Context, t rapid.TB, p *pluginhost.Probe, unit, next string) (alone, among []abi.Edit) {
	t.Helper()
	text := bytes.ToValidUTF8([]byte(strings.Repeat(unit, 1+(24<<10)/len(unit))), nil)
	fields := []abi.Field{{Text: []byte(unit)}, {Text: bytes.ToValidUTF8(text[:4<<10], nil)}, {Text: []byte(strings.Repeat("x", 15) + next)}, {Text: text}}
	for i, batch := range [][]abi.Field{fields[3:], fields} {
		out, err := p.Try(ctx, batch)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range out.Edits {
			if int(e.Field) == len(batch)-1 {
				e.Field = 0
				if i == 0 {
					alone = append(alone, e)
				} else {
					among = append(among, e)
				}
			}
		}
	}
	return alone, among
}
