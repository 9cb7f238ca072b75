package detect

import (
	"strings"
	"testing"
)

// BenchmarkScan reports the throughput on the three texts that matter: prose
// without findings, JSON of a chat, and digits, the densest in candidates.
func BenchmarkScan(b *testing.B) {
	for name, text := range map[string]string{
		"prose": "The committee met on Tuesday and agreed that the plan should go ahead as it stands. ",
		"chat": `{"id":"chatcmpl-9f8a7b6c5d4e","object":"chat.completion","created":1764499724,"choices":[{"index":0,` +
			`"message":{"role":"assistant","content":"You can write to jane.doe@example.com or call (212) 555-0143."}}]} `,
		"digits": "1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 ",
		"hex":    "5f2b9c1e-77aa-4b0d-9e3f-0c1d2e3f4a5b 4bf92f3577b34da6a3ce929d0e0e4736 ",
	} {
		b.Run(name, func(b *testing.B) {
			in := []byte(strings.Repeat(text, 64<<10/len(text)))
			d, n := New(), 0
			emit := func(Finding) { n++ }
			b.SetBytes(int64(len(in)))
			b.ReportAllocs()
			for b.Loop() {
				d.Scan(in, nil, emit)
			}
		})
	}
}
