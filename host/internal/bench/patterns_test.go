package bench_test

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/veriproof/notary/host/pluginhost"
	"github.com/veriproof/notary/sdk/plugin/abi"
)

// BenchmarkPatterns takes 64 KiB in 64 texts, with 36 findings in all, through
// twenty patterns of a customer: in the plugin redact-patterns, with all that a
// batch costs, and in package regexp outside of any sandbox.
func BenchmarkPatterns(b *testing.B) {
	config, err := os.ReadFile(filepath.Join("..", "..", "..", "plugins", "redact-patterns", "testdata", "twenty.json"))
	if err != nil {
		b.Fatal(err)
	}
	plain := strings.Repeat("The agent asked about the shipment, and then it looked for the oldest entry in the queue. ", 12)[:1024]
	var fields []abi.Field
	for i := range 64 {
		text := plain
		if i%2 == 0 {
			text = plain[:500] + " ticket#48213 " + plain[514:]
		}
		if i%16 == 0 {
			text = text[:900] + " EMP-204417 " + text[912:]
		}
		fields = append(fields, abi.Field{Text: []byte(text)})
	}
	b.Run("redact-patterns", func(b *testing.B) {
		module, err := os.ReadFile(filepath.Join("..", "..", "..", "build", "plugins", "redact-patterns.wasm"))
		if err != nil {
			b.Fatalf("%v; run \"make plugins\" first", err)
		}
		p, err := pluginhost.NewProbe(context.Background(), pluginhost.Source{
			Name: "redact-patterns", Kind: abi.KindRedactor, Module: module, Config: config,
		})
		if err != nil {
			b.Fatal(err)
		}
		b.Cleanup(func() { _ = p.Close(context.Background()) })
		b.SetBytes(64 << 10)
		for b.Loop() {
			trial, err := p.Try(b.Context(), fields)
			if err != nil || len(trial.Edits) != 36 {
				b.Fatalf("%d edits, %v", len(trial.Edits), err)
			}
		}
	})
	b.Run("regexp", func(b *testing.B) {
		var c struct {
			Patterns []struct{ Label, Pattern string }
		}
		if err := json.Unmarshal(config, &c); err != nil {
			b.Fatal(err)
		}
		var all []*regexp.Regexp
		for _, p := range c.Patterns {
			all = append(all, regexp.MustCompile(p.Pattern))
		}
		b.SetBytes(64 << 10)
		for b.Loop() {
			found := 0
			for i := range fields {
				for _, re := range all {
					found += len(re.FindAllIndex(fields[i].Text, -1))
				}
			}
			if found != 36 {
				b.Fatalf("%d found", found)
			}
		}
	})
}
