package plugins_test

import (
	"bytes"
	"context"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/veriproof/notary/host/config"
	"github.com/veriproof/notary/host/pluginhost"
	"github.com/veriproof/notary/host/plugintrial"
	"github.com/veriproof/notary/sdk/plugin/abi"
	"github.com/veriproof/notary/sdk/plugin/plugintest"
)

func probe(t testing.TB, name string, config []byte) *pluginhost.Probe {
	t.Helper()
	p, err := pluginhost.NewProbe(t.Context(), pluginhost.Source{
		Name: name, Kind: abi.KindRedactor, Module: module(t, name), Config: config,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.Close(context.Background()) })
	return p
}

func read(t *testing.T, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestPatternIsTold: an operator who has a pattern wrong is told which, by the code that the module gives.
func TestPatternIsTold(t *testing.T) {
	for settings, want := range map[string]string{
		`{"patterns":[{"pattern":"a"},{"pattern":"b"},{"pattern":"(?<=x)c"}]}`: "code 1003;",
		`{"patterns":[{"pattern":"a*"}]}`:                                      "code 1001;",
		`{"patterns":[{"pattern":"a"},{"pattern":".{100}x"}]}`:                 "code 1002;",
		`{"patterns":[]}`: "code 1;",
		`{"patterns":[{"pattern":"a","label":"NOPE"}]}`: "code 1;",
	} {
		_, err := pluginhost.NewProbe(t.Context(), pluginhost.Source{Name: "redact-patterns", Kind: abi.KindRedactor, Module: module(t, "redact-patterns"), Config: []byte(settings)})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", settings, err, want)
		}
	}
}

// TestExampleSettings: the configuration that explains every key has settings that its redactors take.
func TestExampleSettings(t *testing.T) {
	c, err := config.Load("../host/config/testdata/notary.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range c.Plugins {
		if p.Kind == "redactor" && p.Settings != "" {
			probe(t, p.Name, []byte(p.Settings))
		}
	}
}

// TestPatternsInWasm runs the golden file of redact-patterns through the module, and what every
// redactor has to bear.
func TestPatternsInWasm(t *testing.T) {
	p := probe(t, "redact-patterns", read(t, "redact-patterns/testdata/config.json"))
	manifest, err := abi.ReadManifest(module(t, "redact-patterns"))
	if err != nil {
		t.Fatal(err)
	}
	vectors, err := plugintest.ReadVectors(bytes.NewReader(read(t, "redact-patterns/testdata/golden.jsonl")))
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range vectors {
		trial, err := p.Try(t.Context(), []abi.Field{v.Field()})
		if err != nil {
			t.Fatalf("%s: %v", v.Name, err)
		}
		if diff := v.Diff(trial.Edits, manifest.Labels); diff != "" {
			t.Errorf("%s: %s", v.Name, diff)
		}
	}
	trial, err := plugintrial.Open(t.Context(), module(t, "redact-patterns"), read(t, "redact-patterns/testdata/config.json"), pluginhost.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	defer trial.Close(context.Background())
	report, err := trial.Run(t.Context(), nil, plugintrial.Options{})
	if err != nil || !report.OK() {
		t.Errorf("%+v, %v", report, err)
	}
}

// TestPatternsAreLinear: twenty patterns are compiled and used within the default
// limits, in an instance that is not thrown away, and a text of 64 KiB that is
// nothing but matches takes no more than thirty times the fuel of prose, where a
// scan that is not linear would take thousands. Fuel is counted, so this holds on any
// machine.
func TestPatternsAreLinear(t *testing.T) {
	p := probe(t, "redact-patterns", read(t, "redact-patterns/testdata/twenty.json"))
	fuel := func(text string) uint64 {
		full := bytes.Repeat([]byte(text), abi.MaxBatchText/len(text))
		trial, err := p.Try(t.Context(), []abi.Field{{Text: full}})
		if err != nil {
			t.Fatalf("%q: %v", text, err)
		}
		if trial.Discarded {
			t.Errorf("%q: the instance was thrown away", text)
		}
		return trial.Fuel
	}
	prose := fuel("The answer of the tool had 14 rows, none of which was newer than Monday, so it wrote a summary. ")
	for _, text := range []string{
		"a", "-", "0", "a.corp.example.co", "a-", "EMP-12345", "EMP-123456 ", "Dr. M", "Dr. Meier,", "/home/a", "project ", "EUR 1.000", "EUR 1.000.", "VIN ABC",
		"policy no. 12345 ", "\U0001F600", "é",
	} {
		if f := fuel(text); f > 30*prose {
			t.Errorf("%q repeated takes %d units, prose %d", text, f, prose)
		}
	}
}

// TestFieldsInWasm: redact-fields decides in the module by what stands beside a field.
func TestFieldsInWasm(t *testing.T) {
	p := probe(t, "redact-fields", []byte(`{"rules":[
		{"keys":["public.*"],"action":"allow"},
		{"when":{"key":"tier","values":["free"]},"action":"drop"}],"otherwise":"deny"}`))
	trial, err := p.Try(t.Context(), []abi.Field{
		{Key: []byte("public.a"), Text: []byte("a"), Group: 1},
		{Key: []byte("tier"), Text: []byte("free"), Group: 1},
		{Key: []byte("tier"), Text: []byte("paid"), Group: 2},
	})
	if err != nil {
		t.Fatal(err)
	}
	want := []abi.Edit{{Field: 1, End: 4, Label: 1, Score: 1000}, {Field: 2, End: 4, Label: 0, Score: 1000}}
	if !slices.Equal(trial.Edits, want) {
		t.Errorf("%v, want %v", trial.Edits, want)
	}
}
