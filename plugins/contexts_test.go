//go:build !race

package plugins_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/veriproof/notary/sdk/plugin/abi"
)

// contexts are what people and programs have around a value (%s).
var contexts = []string{
	"%s", "<v>%s</v>", "(%s)", "[%s]", "'%s'", "`%s`", "*%s*", "“%s”", "%s→", "~%s", "=%s",
	`{"a":"%s"}`, `{\"a\":\"%s\",\"b\":2}`, `\n%s\n`, "k=%s&b=1", "k=%s;b=1", "u=k%3D%s%26b", "to:%s", "no.%s",
	"it is %s.", "it is %s, and", "see %s?", "%s!", "1. %s", "- %s", "a\t%s\tb", "x|%s|y", "10.5\n%s\n12",
	"b'%s'", "x(N'%s')", "[31m%s[0m", "%s؟", "%s،و", "на %sи", "[0;38;5;208m%s[m", "u=a%0A%s%0D%0A", "q=%C3%A9%s%C3%A9",
	"%s 12/27", "%s 123 ok", "%s 5551234", "12 %s 34", "10 %s", "id 12345 %s", "2024-05-01 %s", "2024-05-01T10:00:00Z %s 200",
}

// TestEveryContext: a value that its form or its check tells is found whole in each context, whatever
// stands beside it, and other numbers above all.
func TestEveryContext(t *testing.T) {
	p := probe(t, "redact-pii", nil)
	d := newDice(20)
	printed := func(digits, separator string, sizes ...int) string {
		var g []string
		for _, n := range sizes {
			g, digits = append(g, digits[:n]), digits[n:]
		}
		return strings.Join(g, separator)
	}
	kinds := []struct {
		name  string
		value func() string
	}{
		{"card", func() string { return luhn("4" + d.of(14, digitChars)) }},
		{"card in groups", func() string { return printed(luhn("4"+d.of(14, digitChars)), " ", 4, 4, 4, 4) }},
		{"card with hyphens", func() string { return printed(luhn("5"+d.of(1, "12345")+d.of(13, digitChars)), "-", 4, 4, 4, 4) }},
		{"card of fifteen digits", func() string { return printed(luhn("37"+d.of(12, digitChars)), " ", 4, 6, 5) }},
		{"SSN", func() string {
			return d.of(3, "12345") + "-" + d.of(2, "12345678") + "-" + d.of(4, "12345678")
		}},
		{"telephone number", func() string { return "+49" + d.of(10, "23456789") }},
		{"telephone number in groups", func() string { return "+1 " + d.of(3, "2345") + "-" + d.of(3, "2345") + "-" + d.of(4, "0123456789") }},
		{"IP address", func() string {
			return fmt.Sprintf("%d.%d.%d.%d", 20+d.IntN(80), 10+d.IntN(200), 10+d.IntN(200), 10+d.IntN(200))
		}},
		{"hardware address", func() string { return printed(d.of(12, "0123456789abcdef"), ":", 2, 2, 2, 2, 2, 2) }},
		{"hardware address with hyphens", func() string { return printed(d.of(12, "0123456789ABCDEF"), "-", 2, 2, 2, 2, 2, 2) }},
		{"e-mail address", func() string { return d.word() + "." + d.word() + "@" + d.word() + ".org" }},
	}
	for _, kind := range kinds {
		for _, context := range contexts {
			missed, example := 0, ""
			for range 20 {
				value := kind.value()
				text := strings.Replace(context, "%s", value, 1)
				start := strings.Index(text, value)
				rest := start // edits ascend
				for _, e := range try(t, p, []byte(text), nil).Edits {
					if int(e.Start) <= rest {
						rest = max(rest, int(e.End))
					}
				}
				if rest < start+len(value) {
					missed, example = missed+1, text
				}
			}
			if missed > 0 {
				t.Errorf("%s in %q: %d of 20 are missed, as %q", kind.name, context, missed, example)
			}
		}
	}
}

// TestJoined: signs that join numbers to names, as in the rows of grep, paths, names of files and the fields of
// X12, HL7 and forms, keep nothing from being found that is known by its check or form, nor a token.
func TestJoined(t *testing.T) {
	for _, c := range []struct {
		redactor         string
		values, contexts []string
	}{
		{"redact-pii", []string{"4539578763621486", "4539 5787 6362 1486", "536-22-8741"}, []string{
			"Card #%s", "#%s", "/users/%s", "1/%s", "https://api.example.org/v1/cards/%s/charge?x=1", "12:%s", "app/config.env:12:%s", "card_%s", "scan_%s.pdf", "card-%s",
			"NM1*IL*1*%s*x", "PID|1||%s^^^USSSA", "q=card+%s+exp", "%s.json", "12:%s/x",
		}},
		{"redact-pii", []string{"+491701234567"}, []string{"#%s", "tel/%s", "12:%s", "app/config.env:12:%s", "a*%s*x", "/%s/x"}},
		{"redact-secrets", []string{"AKIAQ7XNP3Y5W2JKLM4R", "ghp_9aB3dE5fG7hI1jK2lM4nO6pQ8rS0tU2vW4xY", "glpat-x8Kd92Jf7sLqP3xZ5vB1"}, []string{
			"-%s", "--%s", "<!--%s-->", "key-%s", "my-key-%s", "12-%s", "app/config.env-12-%s", "v1.2.3-%s", "12:%s", "/%s/x", "#%s", "[31m%s[39m", "[1;31m%s[m",
		}},
	} {
		p := probe(t, c.redactor, nil)
		for _, value := range c.values {
			for _, context := range c.contexts {
				text := strings.Replace(context, "%s", value, 1)
				if got := found(try(t, p, []byte(text), nil).Edits, []byte(text)); !strings.Contains(got, value) || len(got) > len(value)+2 {
					t.Errorf("%s: in %q %q is found", c.redactor, text, got)
				}
			}
		}
	}
	p := probe(t, "redact-pii", nil)
	for _, text := range []string{"#123", "issue #4539", "a/1234567", "12:30:45", "1:4539578763621487", "x_1234567890", "3*4539578763621487", "550e8400-e29b-41d4-a716-446655440000"} {
		if got := found(try(t, p, []byte(text), nil).Edits, []byte(text)); got != "" {
			t.Errorf("in %q %q is found", text, got)
		}
	}
}

// TestKeysNameSecrets: the key of an attribute is the name of a secret that is the whole text, as a name before
// it in the text would be, whatever comes before or after the field in a batch.
func TestKeysNameSecrets(t *testing.T) {
	p := probe(t, "redact-secrets", nil)
	secrets := []string{"Tr0ub4dor3xyz", " Tr0ub4dor3xyz\n", `"Tr0ub4dor3xyz"`, `["Tr0ub4dor3xyz"]`}
	var fields []abi.Field
	var want []string
	add := func(key, text, secret string) {
		fields, want = append(fields, abi.Field{Key: []byte(key), Text: []byte(text)}), append(want, secret)
	}
	for _, key := range []string{
		"password", "db.password", "DB_PASSWORD", "userPassword", "app.settings.credentials.password", "http.request.header.x-api-key",
		"http.request.header.authorization", "client_secret", "access_token", "rpc.grpc.request.metadata.x-auth-token", "aws.secret_access_key",
	} {
		for _, text := range secrets {
			add(key, text, "Tr0ub4dor3xyz")
		}
	}
	add("password", "hunter2", "hunter2")
	add("password", "correcthorse", "correcthorse") // no byte of it tells anything
	add("secret", "9f86d081884c7d659a2feaa0c55ad015", "9f86d081884c7d659a2feaa0c55ad015")
	for _, key := range []string{
		"", "gen_ai.request.model", "session.id", "gen_ai.usage.token_type", "user.password_status", "csrf.token", "public_key", "secret.name",
		"token_url", "llm.tokenizer", "thetoken.of.all.things.that.are.somewhere", "tokenizationalized.as.it.was.before",
	} {
		add(key, "Tr0ub4dor3xyz", "")
	}
	for _, text := range []string{"required", "${DB_PASSWORD}", "https://idp.example.org/token", "a sentence about the password", "x", ""} {
		add("password", text, "")
	}
	for i, f := range fields {
		if got := found(try(t, p, f.Text, f.Key).Edits, f.Text); got != want[i] {
			t.Errorf("%q under %q: found %q, want %q", f.Text, f.Key, got, want[i])
		}
	}
	d := newDice(21)
	for range 20 { // all in one batch, in any order
		order := d.Perm(len(fields))
		batch := make([]abi.Field, len(fields))
		for to, from := range order {
			batch[to] = fields[from]
		}
		out, err := p.Try(t.Context(), batch)
		if err != nil {
			t.Fatal(err)
		}
		for to, from := range order {
			edits := slices.DeleteFunc(slices.Clone(out.Edits), func(e abi.Edit) bool { return int(e.Field) != to })
			if got := found(edits, batch[to].Text); got != want[from] {
				t.Errorf("%q under %q in a batch: found %q, want %q", batch[to].Text, batch[to].Key, got, want[from])
			}
		}
	}
}

// TestElementsAreApart: of an array of arguments, what names a secret in its own element is heard.
func TestElementsAreApart(t *testing.T) {
	p := probe(t, "redact-secrets", nil)
	for text, want := range map[string]string{"--password Tr0ub4dor3xyz": "Tr0ub4dor3xyz", "--password=Tr0ub4dor3xyz": "Tr0ub4dor3xyz", "Tr0ub4dor3xyz": ""} {
		if got := found(try(t, p, []byte(text), []byte("process.command_args")).Edits, []byte(text)); got != want {
			t.Errorf("in %q %q is found", text, got)
		}
	}
}

// found returns what edits of a text cover.
func found(edits []abi.Edit, text []byte) (all string) {
	for _, e := range edits {
		all += string(text[e.Start:e.End])
	}
	return all
}
