//go:build !race

package plugins_test

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"strings"
	"sync"

	"github.com/veriproof/notary/sdk/plugin/abi"
)

// usualTexts are what applications send, each as long as a batch and made up: sentences and
// JSON, and what is dense in numbers and codes. Their mean, each weighted the same, is the
// average that no text may exceed five times.
func usualTexts() map[string][]byte { return maps.Clone(madeUp()) }

var madeUp = sync.OnceValue(func() map[string][]byte {
	d := newDice(5)
	sentence := func() string {
		words := make([]string, 6+d.IntN(8))
		for i := range words {
			words[i] = d.word()
		}
		return strings.Join(words, " ") + pick(d, ". ", ". ", "? ", ": ", ", at 10:45. ", ", which took 12.5 ms. ")
	}
	when := func() string {
		return fmt.Sprintf("2026-%02d-%02dT%02d:%02d:%02d.%03dZ", 1+d.IntN(12), 1+d.IntN(28), d.IntN(24), d.IntN(60), d.IntN(60), d.IntN(1000))
	}
	mail := func() string { return d.word() + "." + d.word() + "@" + d.word() + pick(d, ".com", ".org", ".net") }
	ip := func() string {
		return fmt.Sprintf("%d.%d.%d.%d", 11+d.IntN(200), d.IntN(256), d.IntN(256), 1+d.IntN(254))
	}
	some := func(n int) []byte {
		b := make([]byte, n)
		for i := range b {
			b[i] = byte(d.IntN(256))
		}
		return b
	}
	object := func(v any) string {
		b, err := json.Marshal(v)
		if err != nil {
			panic(err)
		}
		return string(b) + "\n"
	}
	offset := 0
	kinds := map[string]func() string{
		"prose": sentence,
		"JSON": func() string {
			return object(map[string]any{
				"id": "chatcmpl-" + d.of(28, alnumChars), "created": 1700000000 + d.IntN(90000000), "model": d.word() + "-large-2026-08-01", "stream": false,
				"usage":    map[string]any{"prompt_tokens": d.IntN(900), "completion_tokens": d.IntN(400), "cost": float64(d.IntN(1000)) / 1e5},
				"messages": []any{map[string]any{"role": "user", "content": sentence() + sentence()}, map[string]any{"role": "assistant", "content": sentence(), "tool_calls": nil}},
			})
		},
		"chat": func() string {
			return fmt.Sprintf("[%s] %s: %s%s\n", when()[11:16], d.word(), sentence(), pick(d, "", "", "", "call me on "+d.lead(3)+"-"+d.lead(3)+"-"+d.of(4, digitChars), "it is "+mail(), "https://"+d.word()+".com/"+d.word()+"?id="+d.of(6, digitChars)))
		},
		"logs": func() string {
			return fmt.Sprintf("%s %s [%s] %s:%d request_id=%s user=%s status=%d took=%dms path=/v1/%s/%d\n", when(), pick(d, "INFO", "DEBUG", "WARN"), d.word(), ip(), 1024+d.IntN(60000), d.uuid(), d.word(), 200+d.IntN(300), d.IntN(900), d.word(), d.IntN(1e6))
		},
		"table of numbers": func() string {
			return fmt.Sprintf("| %d | %d | %.2f | %.3f | %s | %d |\n", d.IntN(100), d.IntN(10000), d.Float64()*1000, d.Float64(), when()[:10], d.IntN(10_000_000))
		},
		"CSV of customers": func() string {
			return fmt.Sprintf("%d,%s,%s,4%s,+44 20 %s %s,%s,%s\n", d.IntN(1e6), d.word(), mail(), d.of(15, digitChars), d.of(4, digitChars), d.of(4, digitChars), when()[:10], d.of(5, digitChars))
		},
		"stack trace": func() string {
			return fmt.Sprintf("  File \"/usr/lib/python3.12/site-packages/%s/%s.py\", line %d, in %s\n    %s = self.%s(%s, %d)\n\tat com.%s.%s.%s(%s.java:%d) ~[%s-%d.%d.%d.jar]\n",
				d.word(), d.word(), d.IntN(2000), d.word(), d.word(), d.word(), d.word(), d.IntN(10), d.word(), d.word(), d.word(), d.word(), d.IntN(2000), d.word(), d.IntN(9), d.IntN(20), d.IntN(9))
		},
		"hex dump":  func() string { return hex.Dump(some(256)) },
		"base64":    func() string { return base64.StdEncoding.EncodeToString(some(57)) + "\n" },
		"digests":   func() string { return hex.EncodeToString(some(32)) + "  " + d.word() + ".go\n" },
		"UUIDs":     func() string { return d.uuid() + "\n" },
		"addresses": func() string { return ip() + "\n" },
		"measurements": func() string {
			return object(map[string]any{"t": 1700000000000 + d.IntN(1e9), "v": []int{d.IntN(1000), d.IntN(1000), d.IntN(100000)}, "x": d.Float64()})
		},
		"diff": func() string {
			offset += 7
			return fmt.Sprintf("@@ -%d,%d +%d,%d @@ func %s(%s int) error {\n-\treturn %s[%d]\n+\tif %s(%d) == nil { return %s }\n index %s..%s 100644\n", offset, d.IntN(20), offset+3, d.IntN(20), d.word(), d.word(), d.word(), d.IntN(64), d.word(), d.IntN(64), d.word(), d.of(7, hexChars), d.of(7, hexChars))
		},
	}
	texts := map[string][]byte{}
	for _, what := range []string{"prose", "JSON", "chat", "logs", "table of numbers", "CSV of customers", "stack trace", "hex dump", "base64", "digests", "UUIDs", "addresses", "measurements", "diff"} {
		var b bytes.Buffer
		for b.Len() < abi.MaxBatchText {
			b.WriteString(kinds[what]())
		}
		texts[what] = b.Bytes()[:abi.MaxBatchText]
	}
	return texts
})
