package main

import (
	"os"
	"testing"

	"github.com/veriproof/notary/sdk/plugin/abi"
	"github.com/veriproof/notary/sdk/plugin/plugintest"
	"github.com/veriproof/notary/sdk/plugin/redactor"
)

func settings(t *testing.T) []byte {
	t.Helper()
	b, err := os.ReadFile("config.json")
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestGolden(t *testing.T) { plugintest.Golden(t, spec(), settings(t), "golden.jsonl") }

func TestProperties(t *testing.T) {
	plugintest.Properties(t, spec(), settings(t), []string{"MRN 20441715", "mrn:47110816", "\\nMRN", "00001236"}, true)
}

// TestConfiguration: what the operator writes is taken as it was meant, or refused.
func TestConfiguration(t *testing.T) {
	for text, ok := range map[string]bool{
		"": true, `{}`: true, `{"check_digit":false}`: true, `{"keys":["a","b"]}`: true,
		`{"check_digits":false}`: false, `{"keys":"a"}`: false, `{"check_digit":0}`: false,
	} {
		if _, err := redactor.New(spec(), []byte(text)); (err == nil) != ok {
			t.Errorf("configuration %q: error %v", text, err)
		}
	}
}

// TestWithoutCheckDigit: a hospital whose numbers have none says so.
func TestWithoutCheckDigit(t *testing.T) {
	in, err := redactor.New(spec(), []byte(`{"check_digit":false}`))
	if err != nil {
		t.Fatal(err)
	}
	edits, err := in.Redact([]abi.Field{{Text: []byte("MRN 20441716")}})
	if err != nil || len(edits) != 1 || edits[0].Score != unchecked {
		t.Errorf("%v, %v", edits, err)
	}
}
