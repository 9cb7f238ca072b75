package plugins_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/veriproof/notary/host/pluginhost"
)

// dear is a text of n bytes that takes more than its allowance if it is long.
func dear(name string, n int) string {
	unit := map[string]string{"redact-pii": "7--9_9--5_4--5A--9_", "redact-secrets": " a:8/0="}[name]
	return strings.Repeat(unit, n/len(unit))
}

// TestDearJSON: a megabyte of JSON that is dear in each of its windows stays JSON, and nothing of the dear strings
// is left behind where the allowance of a window ends.
func TestDearJSON(t *testing.T) {
	for _, name := range scanners {
		text := []byte(`{"role":"user","parts":["` + strings.Repeat(dear(name, 4<<10)+`","`, 250) + `end"]}`)
		edits, err := probe(t, name, nil).Set().Redact(t.Context(), []pluginhost.Field{{Text: text}})
		if err != nil {
			t.Fatal(err)
		}
		var out []byte
		last, masked := 0, 0
		for _, e := range edits {
			out = append(append(out, text[last:e.Start]...), e.Quote+"["+e.Label+"]"+e.Quote...)
			if last = e.End; e.Label == "UNSEARCHED" {
				masked += e.End - e.Start
			}
		}
		out = append(out, text[last:]...)
		if !json.Valid(out) {
			t.Errorf("%s: what is left is no JSON: %.200q", name, out)
		}
		if masked < len(text)/4 {
			t.Errorf("%s: %d of %d bytes are masked as unsearched", name, masked, len(text))
		}
	}
}
