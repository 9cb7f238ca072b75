package main

import (
	"os"
	"testing"

	"github.com/veriproof/notary/sdk/plugin/abi"
	"github.com/veriproof/notary/sdk/plugin/plugintest"
	"github.com/veriproof/notary/sdk/plugin/redactor"
)

const golden = "testdata/golden.jsonl"

func TestGolden(t *testing.T) { plugintest.Golden(t, spec(), nil, golden) }

func TestProperties(t *testing.T) {
	f, err := os.Open(golden)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	vectors, err := plugintest.ReadVectors(f)
	if err != nil {
		t.Fatal(err)
	}
	seeds := make([]string, len(vectors))
	for i, v := range vectors {
		seeds[i] = v.Text
	}
	plugintest.Properties(t, spec(), []byte(`{"threshold":0}`), seeds, true)
}

// TestNoGarbage shows that a batch costs no allocation but the decoding of the
// reply, which is the host's.
func TestNoGarbage(t *testing.T) {
	r, err := configure(nil)
	if err != nil {
		t.Fatal(err)
	}
	fields := []abi.Field{{Text: []byte("write to ann@example.org or 415-555-0132"), Key: []byte("gen_ai.prompt")}}
	var edits redactor.Edits
	if n := testing.AllocsPerRun(100, func() {
		edits.Reset()
		if err := r.Redact(fields, &edits); err != nil {
			t.Fatal(err)
		}
	}); n != 0 {
		t.Errorf("%v allocations per batch, want 0", n)
	}
}

func TestBadConfigIsRefused(t *testing.T) {
	if _, err := redactor.New(spec(), []byte(`{"treshold":1}`)); err == nil {
		t.Error("a typing error in the configuration was accepted")
	}
}
