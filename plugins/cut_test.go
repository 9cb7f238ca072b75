package plugins_test

import (
	"strings"
	"testing"

	"github.com/veriproof/notary/sdk/plugin/abi"
)

// TestCutOff: a text may end anywhere, as whoever cuts it to a length makes it. Of each text that is known
// here, and of some that are longer than it looks, every beginning is judged, with edits that lie in it: the host
// refuses a request for one that does not.
func TestCutOff(t *testing.T) {
	long := strings.Repeat("A", 260)
	texts := map[string][]string{
		"redact-secrets": {
			"SCRAM-SHA-256$" + long, "SCRAM-SHA-256$10000:" + long, "SCRAM-SHA-256$4096:" + long[:24] + "$" + long[:44] + ":" + long[:44] + "=",
			"sqlplus kim/" + long, "password=" + long, "https://a:" + long, "$2b$12$" + long,
		},
		"redact-pii": {"CVV: 123 4", "security code is 1234"},
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

func unmarked(text string) string { return strings.NewReplacer("«", "", "»", "").Replace(text) }
