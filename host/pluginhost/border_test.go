package pluginhost

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"math/rand"
	"strings"
	"testing"

	"github.com/veriproof/notary/sdk/plugin/abi"
)

func builtIns(t *testing.T) *Set {
	t.Helper()
	var sources []Source
	for _, name := range []string{"redact-pii", "redact-secrets"} {
		sources = append(sources, Source{Name: name, Kind: abi.KindRedactor, Module: builtInModule(t, name)})
	}
	s, err := Load(t.Context(), sources, Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close(context.Background()) })
	return s
}

// random returns n bytes in base64, in lines of so many characters.
func random(r *rand.Rand, n, line int) (lines []string) {
	b := make([]byte, n)
	r.Read(b)
	for text := base64.StdEncoding.EncodeToString(b); text != ""; {
		cut := min(line, len(text))
		lines, text = append(lines, text[:cut]), text[cut:]
	}
	return lines
}

// keysOfTest are private keys by their lines.
func keysOfTest() map[string][]string {
	r := rand.New(rand.NewSource(1))
	armoured := func(label string, body []string, headers ...string) []string {
		return append(append(append([]string{"-----BEGIN " + label + "-----"}, headers...), body...), "-----END "+label+"-----")
	}
	putty := append([]string{"PuTTY-User-Key-File-3: ssh-rsa", "Encryption: aes256-cbc", "Comment: of mine", "Public-Lines: 6"}, random(r, 279, 64)...)
	putty = append(append(putty, "Key-Derivation: Argon2id", "Argon2-Memory: 8192", "Argon2-Passes: 21", "Argon2-Parallelism: 1", "Argon2-Salt: 1b0ddf5b1b0ddf5b1b0ddf5b1b0ddf5b", "Private-Lines: 28"), random(r, 1340, 64)...)
	return map[string][]string{
		"RSA-2048":      armoured("PRIVATE KEY", random(r, 1218, 64)),
		"RSA-4096":      armoured("RSA PRIVATE KEY", random(r, 2349, 64)),
		"RSA-16384":     armoured("RSA PRIVATE KEY", random(r, 9400, 64)),
		"OpenSSH":       armoured("OPENSSH PRIVATE KEY", random(r, 1830, 70)),
		"encrypted":     armoured("RSA PRIVATE KEY", random(r, 1218, 64), "Proc-Type: 4,ENCRYPTED", "DEK-Info: AES-256-CBC,00112233445566778899AABBCCDDEEFF", ""),
		"encrypted (8)": armoured("ENCRYPTED PRIVATE KEY", random(r, 1300, 64)),
		"PGP":           armoured("PGP PRIVATE KEY BLOCK", append(random(r, 1800, 64), "=aB3d"), "Version: GnuPG v2", "Comment: mine -- https://mail.example/key", ""),
		"PuTTY":         append(putty, "Private-MAC: 6e1c0a3f6e1c0a3f6e1c0a3f6e1c0a3f6e1c0a3f6e1c0a3f6e1c0a3f6e1c0a3f"),
	}
}

// formsOfTest are the ways in which texts have lines.
var formsOfTest = map[string]func(lines []string) string{
	"as it is":        between("", "\n", "\n"),
	"CRLF":            between("", "\r\n", "\r\n"),
	"indented":        between("        ", "\n        ", "\n"),
	"far indented":    between(strings.Repeat(" ", 40), "\n"+strings.Repeat(" ", 40), "\n"),
	"tab":             between("\t", "\n\t", "\n"),
	"quoted":          between("> ", "\n> ", "\n"),
	"margin":          between("  | ", "\n  | ", "\n"),
	"shell comment":   between("# ", "\n# ", "\n"),
	"line comment":    between("// ", "\n// ", "\n"),
	"block comment":   between(" * ", "\n * ", "\n"),
	"diff":            between("+", "\n+", "\n"),
	"numbered":        between("12\t", "\n12\t", "\n"),
	"joined":          between(`"`, `\n" +`+"\n        \"", `"`),
	"spaces":          between("", " ", " "),
	"escapes":         between("", `\n`, `\n`),
	"escapes of both": between("", `\r\n`, `\r\n`),
	"in JSON": func(lines []string) string {
		b, err := json.Marshal(map[string]string{"private_key": between("", "\n", "\n")(lines)})
		if err != nil {
			panic(err)
		}
		return string(b)
	},
}

func between(before, between, behind string) func([]string) string {
	return func(lines []string) string { return before + strings.Join(lines, between) + behind }
}

// secretOf are the lines of a key that have to go: its header is none.
func secretOf(lines []string) []string { return lines[1 : len(lines)-1] }

// leaks returns a piece of 16 characters of the lines that stands in text, which are of base64.
func leaks(text string, lines []string) string {
	for _, line := range lines {
		for at := 0; at+16 <= len(line) && !strings.Contains(line, ": "); at += 16 {
			if piece := line[at : at+16]; strings.Contains(text, piece) {
				return piece
			}
		}
	}
	return ""
}

// TestPrivateKeysOverBorders: wherever the border of two windows lies in a private key, and
// however a text has its lines, the key is masked.
func TestPrivateKeysOverBorders(t *testing.T) {
	s := builtIns(t)
	phase := 0
	for name, lines := range keysOfTest() {
		for form, write := range formsOfTest {
			key := write(lines)
			step := (len(key) + 2*overlap) / 9
			phase += 131
			for back := phase % step; back < len(key)+2*overlap; back += step {
				at := window - back
				text := strings.Repeat("prose. ", at/7) + strings.Repeat(" ", at%7) + key + strings.Repeat(" prose.", 400)
				in := fields(text)
				edits, err := s.Redact(t.Context(), in)
				if err != nil {
					t.Fatal(err)
				}
				if piece := leaks(mask(in, edits)[0], secretOf(lines)); piece != "" {
					t.Errorf("%s, %s, at %d bytes before the border: %s is stored", name, form, back, piece)
					break
				}
			}
		}
	}
}

// TestKeysCutAnywhere: a text, or a window of one, can end within any line of a key.
func TestKeysCutAnywhere(t *testing.T) {
	s := builtIns(t)
	for name, lines := range keysOfTest() {
		key := formsOfTest["as it is"](lines)
		for end := range len(key) {
			if 400 < end && end < len(key)-400 {
				continue // body
			}
			if _, err := s.Redact(t.Context(), fields(key[:end])); err != nil {
				t.Errorf("%s, cut at %d of %d: %v", name, end, len(key), err)
			}
		}
	}
}

// TestTokensOverBorders: the same of what has no armour and is longer than the overlap.
func TestTokensOverBorders(t *testing.T) {
	s := builtIns(t)
	r := rand.New(rand.NewSource(2))
	part := func(n int) string {
		return strings.NewReplacer("+", "-", "/", "_", "=", "").Replace(random(r, n, 2*n)[0])
	}
	const header, encrypted = "eyJhbGciOiJSUzI1NiIsInR5cCI6IkpXVCJ9.", "eyJhbGciOiJSU0EtT0FFUCIsImVuYyI6IkEyNTZHQ00ifQ."
	armour := "-----BEGIN RSA PRIVATE KEY-----\n" + strings.Join(random(r, 1218, 64), "\n") + "\n-----END RSA PRIVATE KEY-----\n"
	for name, secret := range map[string]string{
		"JWT":           header + "eyJzdWIiOiIxMjM0NTY3ODkwIiwi" + part(3000) + "." + part(256),
		"JWE":           encrypted + part(384) + "." + part(12) + "." + part(12000) + "." + part(16),
		"named secret":  "client_secret: " + random(r, 1500, 2048)[0],
		"named token":   "Authorization: Bearer " + part(3000),
		"password":      `password: "` + random(r, 1500, 2048)[0] + `"`,
		"key in base64": "client-key-data: " + base64.StdEncoding.EncodeToString([]byte(armour)),
	} {
		text := func(before int) string {
			return strings.Repeat("prose. ", before/7) + strings.Repeat(" ", before%7) + secret + strings.Repeat(" prose.", 400)
		}
		for at := window - len(secret) - overlap; at < window+overlap; at += 397 {
			in := fields(text(at))
			edits, err := s.Redact(t.Context(), in)
			if err != nil {
				t.Fatal(err)
			}
			if piece := leaks(mask(in, edits)[0], []string{secret[strings.LastIndexAny(strings.TrimSuffix(secret, `"`), ` "`)+1:]}); piece != "" {
				t.Errorf("%s at %d bytes before the border: %s is stored", name, window-at, piece)
				break
			}
		}
	}
}

// TestNextWindow: where the window behind one begins.
func TestNextWindow(t *testing.T) {
	const begin, over = "-----BEGIN PRIVATE KEY-----\n", "-----END PRIVATE KEY-----\n"
	body := func(n int) string { return strings.Repeat("MIIEvQIBADANBgkq\n", n/17) }
	for _, c := range []struct {
		name  string
		text  string // up to the end of the window
		start int    // from there
	}{
		{"prose", "long ago " + strings.Repeat(" ", overlap), overlap},
		{"a word at the overlap", "long word" + strings.Repeat(" ", overlap-2), overlap + 2 + lastLine},
		{"a token", " " + strings.Repeat("x", 5000), 5000 + lastLine},
		{"an image", strings.Repeat("x", window), overlap},
		{"an open key", begin + body(5000), len(begin + body(5000))},
		{"a closed key", begin + body(2000) + over + strings.Repeat(" ", overlap), overlap},
		{"a key that closes at the border", begin + body(5000) + over, len(begin + body(5000) + over)},
		{"the last of two", begin + body(2000) + begin + body(3000), len(begin + body(3000))},
		{"a key that is too long", begin + body(40_000), overlap + 16 + lastLine},
		{"of PuTTY", "PuTTY-User-Key-File-2: " + body(5000), 23 + len(body(5000))},
	} {
		text := strings.Repeat(" ", window-min(window, len(c.text))) + c.text
		if got := len(text) - nextWindow([]byte(text+" and more"), len(text)); got < c.start-16 || got > c.start {
			t.Errorf("%s: %d bytes before the border, want %d", c.name, got, c.start)
		}
	}
}
