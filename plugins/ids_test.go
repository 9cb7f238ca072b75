//go:build !race

package plugins_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/veriproof/notary/sdk/plugin/abi"
)

// secretiveIDs are texts of letters, digits, '-' and '_' with something in them: one for each reason why a redactor does not
// pass over what looks like an id.
var secretiveIDs = []struct{ redactor, label, key, text string }{
	{"redact-pii", "SLACK_TOKEN", "id", "xoxb-123456789012-a1b2c3d4e5f6"},
	{"redact-pii", "PHONE", "phone", "212-555-0123"},
	{"redact-pii", "PASSPORT", "passport", "A1234567"},
	{"redact-pii", "PASSPORT", "passport", "A1234567-b"},
	{"redact-pii", "DATE_OF_BIRTH", "dob", "12th-mar-85"},
	{"redact-pii", "DATE_OF_BIRTH", "dob", "04mar1980"},
	{"redact-pii", "CARD", "card", "550e8400-e29b-41d4-a71c-501800000009"},
	{"redact-pii", "PASSPORT", "passport", "12345678-e29b-41d4-a71c-50180000000a"},
	{"redact-pii", "SSN", "id", "078-05-1121"},
	{"redact-pii", "FI_HETU", "id", "131052-308T"},
	{"redact-pii", "PHONE", "phone", "2125550123x45"},
	{"redact-pii", "CN_RIC", "id", "11010519491231002x"},
	{"redact-pii", "IBAN", "iban", "de89370400440532013000"},
	{"redact-pii", "MAC", "id", "1a-2b-3c-4d-5e-6f"},
	{"redact-pii", "CRYPTO_ADDRESS", "id", "1111111111111111111114oLvT2"},
	{"redact-pii", "CRYPTO_ADDRESS", "id", "3J98t1WpEZ73CNmQviecrnyiWrnqRhWNLy"},
	{"redact-pii", "CRYPTO_ADDRESS", "xrp", "rHb9CJAWyB4rj91VRWn96DkukG4bwd"},
	{"redact-pii", "ES_NIF", "nie", "x1847362w"},
	{"redact-pii", "ES_NIF", "dni", "48271635v"},
	{"redact-pii", "ES_NIF", "nie", "x-1847362-w"},
	{"redact-pii", "ES_NIF", "dni", "48271635-v"},
	{"redact-secrets", "HUGGINGFACE_TOKEN", "id", "hf_aB3dE5gH7jK9mN2pQ4rS6tU8vW1xYz"},
	{"redact-secrets", "HUGGINGFACE_TOKEN", "id", "build-hf_aB3dE5gH7jK9mN2pQ4rS6tU8vW1xYz"},
	{"redact-secrets", "SECRET", "id", "acme_live_4fK9mQ2xZ7pL1vB8nR3t"},
	{"redact-secrets", "SECRET", "api_key", "4f9a2c7e1b8d3f6a5c0e9b7d2f4a8c1e"},
	{"redact-secrets", "MAILCHIMP_KEY", "id", "4f9a2c7e1b8d3f6a5c0e9b7d2f4a8c1e-us21"},
}

func TestIDsThatHoldSomething(t *testing.T) {
	for _, name := range scanners {
		p, labels := probe(t, name, nil), manifest(t, name).Labels
		for _, id := range secretiveIDs {
			if id.redactor != name {
				continue
			}
			edits := try(t, p, []byte(id.text), []byte(id.key)).Edits
			if len(edits) != 1 || labels[edits[0].Label] != id.label {
				t.Errorf("%s: %q under %q: %v, want %s", name, id.text, id.key, edits, id.label)
			}
		}
	}
}

// TestIDsAsInText: an id holds what it would hold in a longer text. Most are passed over by their form, which only a text
// has that is an id and nothing else; a line break behind one makes it such a text no more, and changes nothing that is in it.
func TestIDsAsInText(t *testing.T) {
	pieces := []string{"mar", "Dec", "1985", "12", "31", "th", "x", "de89", "DE89", "ac96", "1B", "bc1q", "tb1", "r", "sk-", "ghp_", "xoxb-", "A3T", "ey", "sk_", "live_", "api_", "tok_", "key-", "hf_", "-us21", "--"}
	for _, id := range secretiveIDs {
		pieces = append(pieces, id.text, id.text[:len(id.text)/2], id.text[len(id.text)/2:])
	}
	keys := []string{"", "id", "request.id", "phone", "passport", "dob", "card", "ssn", "iban", "nie", "dni", "xrp wallet", "zip", "bank account number", "identity", "mac address"}
	for _, name := range scanners {
		for _, config := range []string{"", `{"threshold":0}`} {
			p := probe(t, name, []byte(config))
			rapid.Check(t, func(rt *rapid.T) {
				d := newDice(rapid.Uint64().Draw(rt, "seed"))
				var fields []abi.Field
				for range 200 {
					text := d.id(pieces)
					key := []byte(pick(d, keys...))
					fields = append(fields, abi.Field{Text: []byte(text), Key: key}, abi.Field{Text: []byte(text + "\n"), Key: key})
				}
				out, err := p.Try(t.Context(), fields)
				if err != nil {
					rt.Fatal(err)
				}
				found := byField(out.Edits, len(fields))
				for i := 0; i < len(fields); i += 2 {
					if !slices.Equal(found[i], found[i+1]) {
						rt.Fatalf("%s with %q: %q under %q: %v, with a line break %v", name, config, fields[i].Text, fields[i].Key, found[i], found[i+1])
					}
				}
			})
		}
	}
}

// id returns letters, digits, '-' and '_', among them a small letter: a text that is digits and nothing else may be a card's number
// for that alone.
func (d dice) id(pieces []string) string {
	part := func(n int) string { return d.of(n, pick(d, digitChars, hexChars, hexChars, hexChars)) }
	if d.IntN(4) == 0 {
		return fmt.Sprintf("%s-%s-%s-%s-%s", d.of(7, hexChars)+"a", part(4), part(4), part(4), part(12))
	}
	text := ""
	for range 1 + d.IntN(5) {
		text += pick(d, part(1+d.IntN(12)), d.of(1+d.IntN(20), hexChars), d.of(1+d.IntN(33), alnumChars), d.of(1+d.IntN(6), lowerChars), d.of(1+d.IntN(6), upperChars), pick(d, pieces...)) + pick(d, "-", "-", "_", "")
	}
	text = text[:min(len(text), 44)]
	if !strings.ContainsAny(text, lowerChars) {
		return text + "z"
	}
	return text
}
