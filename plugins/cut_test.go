//go:build !race

package plugins_test

import (
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/veriproof/notary/sdk/plugin/abi"
)

// TestCutOff: a text may end anywhere, as whoever cuts it to a length makes it. Of each text that is known
// here, and of some that are longer than it looks, every beginning is judged, with edits that lie in it: the host
// refuses a request for one that does not.
func TestCutOff(t *testing.T) {
	texts := knownTexts(t)
	for _, name := range scanners {
		for _, config := range []string{"", `{"threshold":0}`} {
			p := probe(t, name, []byte(config))
			for _, text := range texts[name] {
				var batch []abi.Field
				for n := range len(text) + 1 {
					batch = append(batch, abi.Field{Text: []byte(text[:n])})
				}
				for len(batch) > 0 { // as many at a time as 64 KiB hold
					n, size := 0, 0
					for n < len(batch) && n < 256 && size+len(batch[n].Text) < abi.MaxBatchText {
						size += len(batch[n].Text)
						n++
					}
					if n == 0 {
						break // one that is longer
					}
					if _, err := p.Try(t.Context(), batch[:n]); err != nil {
						t.Fatalf("%s with %q, beginnings of %.200q of %d to %d bytes: %v", name, config, text, len(batch[0].Text), len(batch[n-1].Text), err)
					}
					batch = batch[n:]
				}
			}
		}
	}
}

// knownTexts are the texts that are known here, by redactor.
func knownTexts(t *testing.T) map[string][]string {
	t.Helper()
	long := strings.Repeat("A", 260)
	texts := map[string][]string{
		"redact-secrets": {
			"SCRAM-SHA-256$" + long, "SCRAM-SHA-256$10000:" + long, "SCRAM-SHA-256$4096:" + long[:24] + "$" + long[:44] + ":" + long[:44] + "=",
			"sqlplus kim/" + long, "password=" + long, "https://a:" + long, "$2b$12$" + long, strings.Repeat("0aA1", 9) + "-----END PRIVATE KEY-----",
			"Server=db;Database=app;Uid=kim;Pwd=velvetharbour;",
		},
		"redact-pii": {"CVV: 123 4", "security code is 1234", "Kennzeichen: B-MW 1538", "Anna\nT: 030 5550 1987 | x"},
	}
	for _, v := range []string{"redact-pii", "redact-secrets"} {
		for _, g := range vectors(t, v) {
			texts[v] = append(texts[v], g.Text)
		}
	}
	d := newDice(33)
	for _, form := range secretForms {
		texts["redact-secrets"] = append(texts["redact-secrets"], unmarked(d.fill(form)))
	}
	for _, form := range append(computed(d), forms...) {
		texts["redact-pii"] = append(texts["redact-pii"], unmarked(form.text))
	}
	return texts
}

// byField returns the edits of each of n fields, without its number, so that those of two can be compared.
func byField(edits []abi.Edit, n int) [][]abi.Edit {
	by := make([][]abi.Edit, n)
	for _, e := range edits {
		field := e.Field
		e.Field = 0
		by[field] = append(by[field], e)
	}
	return by
}

// TestNeighbours: what is found in a text is the same whatever text begins or ends where it does: those that
// follow one another in a batch, at multiples of 16 bytes, are read as vectors, of both at a time.
func TestNeighbours(t *testing.T) {
	texts := knownTexts(t)
	apart := abi.Field{Text: make([]byte, 32)} // zeros, which are behind the last text, too
	for _, name := range scanners {
		p := probe(t, name, nil)
		var together, alone []abi.Field
		compare := func() {
			var found [2][][]abi.Edit
			for i, batch := range [][]abi.Field{together, alone} {
				out, err := p.Try(t.Context(), batch)
				if err != nil {
					t.Fatal(err)
				}
				for k, edits := range byField(out.Edits, len(batch)) {
					if f := batch[k]; len(f.Text) != len(apart.Text) || &f.Text[0] != &apart.Text[0] {
						found[i] = append(found[i], edits)
					}
				}
			}
			for k := range found[0] {
				if f := alone[1+2*k]; !slices.Equal(found[0][k], found[1][k]) {
					t.Errorf("%s: %q: %v beside another text, %v alone", name, f.Text, found[0][k], found[1][k])
				}
			}
			together, alone = nil, nil
		}
		size := 0
		for _, text := range texts[name] {
			for n := range len(text) {
				if !utf8.RuneStart(text[n]) || len(text) > 200 {
					continue
				}
				head := strings.Repeat(" ", (16-n%16)%16) + text[:n]
				for _, tail := range []string{text[n:], "1"} {
					if head == "" {
						continue
					}
					a, b := abi.Field{Text: []byte(head)}, abi.Field{Text: []byte(tail)}
					together, alone = append(together, apart, a, b), append(alone, apart, a, apart, b)
					if size += len(head) + len(tail) + 3*len(apart.Text); size > abi.MaxBatchText-1024 {
						compare()
						size = 0
					}
				}
			}
		}
		compare()
	}
}

// TestEscapesStay: the escape of a line's end or of a tab, which JSON in a text has, is masked whole or not at all,
// wherever it stands in a text that is known here: an edit that took its letter would leave no JSON.
func TestEscapesStay(t *testing.T) {
	texts := knownTexts(t)
	for _, name := range scanners {
		p := probe(t, name, []byte(`{"threshold":0}`))
		var batch []abi.Field
		size := 0
		try := func() {
			out, err := p.Try(t.Context(), batch)
			if err != nil {
				t.Fatal(err)
			}
			for _, e := range out.Edits {
				text := batch[e.Field].Text
				for _, border := range []uint32{e.Start, e.End} {
					if border > 0 && int(border) < len(text) && text[border-1] == '\\' && strings.IndexByte("nrtbf", text[border]) >= 0 && (border < 2 || text[border-2] != '\\') {
						t.Errorf("%s: %q: the edit from %d to %d takes one half of an escape", name, text, e.Start, e.End)
						break
					}
				}
			}
			batch, size = nil, 0
		}
		for _, text := range texts[name] {
			for n := range len(text) {
				if !utf8.RuneStart(text[n]) || len(text) > 200 {
					continue
				}
				for _, escape := range []string{`\n`, `\t`, `\`} { // the last makes one of what is there
					b := []byte(text[:n] + escape + text[n:])
					if batch = append(batch, abi.Field{Text: b}); size+len(b) > abi.MaxBatchText-1024 {
						try()
					}
					size += len(b)
				}
			}
		}
		try()
	}
}

func unmarked(text string) string { return strings.NewReplacer("«", "", "»", "").Replace(text) }
