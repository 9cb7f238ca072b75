package main

import (
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/veriproof/notary/sdk/plugin/abi"
	"github.com/veriproof/notary/sdk/plugin/config"
	"github.com/veriproof/notary/sdk/plugin/dfa"
	"github.com/veriproof/notary/sdk/plugin/plugintest"
	"github.com/veriproof/notary/sdk/plugin/redactor"
)

func settings(t *testing.T) []byte {
	t.Helper()
	text, err := os.ReadFile("testdata/config.json")
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func TestGolden(t *testing.T) {
	plugintest.Golden(t, spec(), settings(t), "testdata/golden.jsonl")
}

func TestProperties(t *testing.T) {
	plugintest.Properties(t, spec(), settings(t), []string{"EMP-204417", "project osprey", "Ω4", `pin is 1\n`, `a.corp.example.com`}, true)
}

// TestEscapes: whatever a pattern covers, half an escape is never left.
func TestEscapes(t *testing.T) {
	for _, c := range []struct{ pattern, text, want string }{
		{`n+`, `a\nn`, `a[\nn]`},
		{`n+`, `a\\nn`, `a\\[nn]`},
		{`e9`, `caf\u00e9 x`, `caf[\u00e9] x`},
		{`x.u0`, `x\u0041`, `[x\u0041]`},
		{`a\\`, `a\`, `[a\]`},
		{`a\\`, `a\"b`, `[a\"]b`},
		{`a\\`, `a\é`, `[a\]é`},
		{`u00`, `\u00zz`, `\[u00]zz`},
	} {
		text := strings.ReplaceAll(strings.ReplaceAll(c.pattern, `\`, `\\`), `"`, `\"`)
		in, err := redactor.New(spec(), []byte(`{"patterns":[{"pattern":"`+text+`"}]}`))
		if err != nil {
			t.Fatal(err)
		}
		edits, err := in.Redact([]abi.Field{{Text: []byte(c.text)}})
		if err != nil {
			t.Fatal(err)
		}
		got, at := "", 0
		for _, e := range edits {
			got += c.text[at:e.Start] + "[" + c.text[e.Start:e.End] + "]"
			at = int(e.End)
		}
		if got += c.text[at:]; got != c.want {
			t.Errorf("%s in %s: %s, want %s", c.pattern, c.text, got, c.want)
		}
	}
}

func TestRefusedConfigurations(t *testing.T) {
	for text, want := range map[string]error{
		``:                                errNone,
		`{"patterns":[]}`:                 errNone,
		`{"pattern":[]}`:                  config.ErrConfig,
		`{"patterns":[{"label":"CODE"}]}`: config.ErrConfig,
		`{"patterns":[{"pattern":"a","label":"BADGE"}]}`:                                            config.ErrConfig,
		`{"patterns":[{"pattern":"a","score":0}]}`:                                                  config.ErrConfig,
		`{"patterns":[{"pattern":"a","scores":1}]}`:                                                 config.ErrConfig,
		`{"patterns":[` + strings.Repeat(`{"pattern":"a"},`, dfa.MaxPatterns) + `{"pattern":"a"}]}`: config.ErrConfig,
	} {
		if _, err := configure([]byte(text)); !errors.Is(err, want) {
			t.Errorf("%.60s: %v, want %v", text, err, want)
		}
	}
	var e *dfa.Error
	if _, err := configure([]byte(`{"patterns":[{"pattern":"a"},{"pattern":"b*"}]}`)); !errors.As(err, &e) || e.Pattern != 1 {
		t.Errorf("a pattern that matches the empty text: %v", err)
	}
}
