//go:build !race

package plugins_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/veriproof/notary/host/pluginhost"
)

// listForms are lists and tables of what has a digit or an operator at every few bytes, as the forms of their
// items: dice fill in what differs.
var listForms = []string{
	"0x{4 hex}, ", "\t0x{4 hex}, 0x{4 hex},\n", "\t{1 digit}: 0x{4 hex},\n", "/* {2 digit} */ 0x{8 hex},",
	"\"item{3 digit}\",", "\"{word}{2 digit}\", ", "\"{word}-{1 digit}\": \"{word}{1 digit}\",\n",
	"l-{1 digit}.{2 digit},{1 digit}.{1 digit}c{1 digit}.{2 digit}-{1 digit},", "M{2 digit}.{1 digit},{2 digit}.{1 digit}L{2 digit},{2 digit}z",
	"-0.{8 digit}e-0{1 digit},", "{1 digit}.{6 digit}e-0{1 digit}, ", "-0.0{7 digit},",
	"G1 X{2 digit}.{3 digit} Y{2 digit}.{3 digit} E{1 digit}.{5 digit}\n",
	"{word}{1 digit}={word}{1 digit};", "w{1 digit}=x{1 digit}\n", "U+{4 hex} ",
	"f {3 digit}/{3 digit}/{3 digit} {3 digit}/{3 digit}/{3 digit}\n", "v {1 digit}.{4 digit} -{1 digit}.{4 digit} {1 digit}.{4 digit}\n",
	"  mov x{1 digit}, #0x{4 hex}\n", "{8 hex} <{word}+0x{2 hex}>\n", "#define REG_{word} 0x{8 hex}\n",
	// addresses, times and numbers of things, a line each
	"id {8 digit}\n", "http://81.2.69.142:8080\n", "http://localhost:3000/\n", "redis://localhost:6379/0\n", "redis://cache-{1 digit}:6379/1\n", "kafka-{1 digit}:9092,", "\"10.2.3.{2 digit}:80\", ", "08:15:{2 digit}\n", "9:{2 digit}am\n", "08:00:{2 digit} Vendor\n", "SM-G991B/DS\n", "+31 6 {8 digit}\n",
	".1.3.6.1.2.1.{1 digit}.{2 digit}.{1 digit}.0 = INTEGER: {2 digit}\n", "password = FUN_{8 hex}(param_{1 digit})\n", "{word}/{word}:1.{2 digit}.3\n", "{2 hex}:{2 hex}:{2 hex}\n", "API_PASSWORD=${API_PASSWORD}, ",
	// signs that passwords have beside digits and capitals
	"http://intra/List.aspx?ID={2 digit}&Source=P{2 digit}\n", "2024-05-01 12:00:{2 digit} GET /View.aspx?Id={2 digit}&Cat=A{2 digit} 200\n", "https://e.com/s?q={1 digit}bjSC&page={1 digit}&Sort=Asc\n", "<td>A{3 digit}</td><td>B{2 digit}</td>", "Item{2 digit}<br>Ref{2 digit}<br>",
	"In Q{1 digit}&Q1 R&D{1 digit} rose. ", "Item{2 digit} is A{1 digit}&BEK. ", "name is X&Y{1 digit}", "Foo{2 digit}&Hn{1 digit}DPN\n", "Foo&Bar{4 digit}\n", "password=A{1 digit}x|B{1 digit}y\n", "Map<K{2 digit},V{1 digit}<TfT>>;",
	"{1 digit},{1 digit},{1 digit};", "var {word}{1 digit}=function(e,t){return e[{1 digit}]+t.{word}};",
}

// listTexts are such lists, of a length each.
func listTexts(n int) map[string][]byte {
	texts, d := map[string][]byte{}, newDice(4)
	for _, form := range listForms {
		var b strings.Builder
		for b.Len() < n {
			b.WriteString(filled(d, form))
		}
		texts[fmt.Sprintf("%q, %d bytes of it", form, n)] = []byte(b.String()[:n])
	}
	return texts
}

// filled replaces what is in braces and says of what kind of characters, and leaves other braces.
func filled(d dice, form string) string {
	for _, kind := range []string{"{word}", "{1 digit}", "{2 digit}", "{3 digit}", "{4 digit}", "{5 digit}", "{6 digit}", "{7 digit}", "{8 digit}", "{2 hex}", "{4 hex}", "{8 hex}"} {
		for strings.Contains(form, kind) {
			form = strings.Replace(form, kind, d.fill(kind), 1)
		}
	}
	return form
}

// TestDenseListsAreSearched: none of these lists and tables takes all of its allowance, from short to longer than a window.
func TestDenseListsAreSearched(t *testing.T) {
	texts := map[string][]byte{} // made once: that takes longer than to search them
	for _, size := range []int{4 << 10, 16 << 10, 60 << 10, 250 << 10} {
		maps.Copy(texts, listTexts(size))
	}
	for _, name := range scanners {
		for _, config := range []string{"", `{"threshold":0}`, `{"threshold":1000}`} {
			p := probe(t, name, []byte(config))
			for what, text := range texts {
				edits, err := p.Set().Redact(t.Context(), []pluginhost.Field{{Text: text}})
				if err != nil {
					t.Fatal(err)
				}
				if slices.ContainsFunc(edits, func(e pluginhost.Edit) bool { return e.Label == "UNSEARCHED" }) {
					t.Errorf("%s with %q: %s are masked as unsearched", name, config, what)
				}
			}
		}
	}
}
