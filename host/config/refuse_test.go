package config

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/veriproof/notary/sdk/journal"
)

// refuse parses and wants an *Error with exactly these lines.
func refuse(t *testing.T, text string, want ...string) {
	t.Helper()
	c, err := Parse("notary.yaml", []byte(text))
	var e *Error
	if c != nil || !errors.As(err, &e) {
		t.Fatalf("Parse = %v, %v, want an *Error", c, err)
	}
	got := strings.Split(e.Error(), "\n")
	if len(got) != len(want) {
		t.Errorf("got %d problems, want %d:\n%s", len(got), len(want), e)
		return
	}
	for i := range want {
		if got[i] != want[i] {
			t.Errorf("problem %d:\n got %s\nwant %s", i+1, got[i], want[i])
		}
	}
}

// edit replaces one part of the minimal file, which must be there.
func edit(t *testing.T, old, with string) string {
	t.Helper()
	if strings.Count(minimal, old) != 1 {
		t.Fatalf("%q is not in the file once", old)
	}
	return strings.Replace(minimal, old, with, 1)
}

const noRedactor = "have no redactor; add one of kind redactor, or write mode: none to have everything stored as it was sent, and say so"

// withoutRedactor is the minimal file without its redactor, and one line shorter.
func withoutRedactor(t *testing.T) string {
	t.Helper()
	return edit(t, "  - {name: r, kind: redactor, wasm: r.wasm, sha256: 0000000000000000000000000000000000000000000000000000000000000001}\n", "")
}

// TestModes: a mode, and whether there is a redactor, say the same.
func TestModes(t *testing.T) {
	for _, tt := range []struct {
		text, mode string
	}{
		{minimal, ModeEnforce},
		{minimal + "mode: enforce\n", ModeEnforce},
		{minimal + "mode: shadow\n", ModeShadow},
		{withoutRedactor(t) + "mode: none\n", ModeNone},
	} {
		if c, err := Parse("notary.yaml", []byte(tt.text)); err != nil || c.Mode != tt.mode {
			t.Errorf("%v, want mode %s of\n%s", err, tt.mode, tt.text)
		}
	}
	refuse(t, withoutRedactor(t), "notary.yaml:3: plugins: "+noRedactor)
	refuse(t, withoutRedactor(t)+"mode: enforce\n", "notary.yaml:3: plugins: "+noRedactor)
}

// TestShape: what an operator mistypes, and what a YAML file could hide.
func TestShape(t *testing.T) {
	const unknownTop = "attestation, journal, limits, listen, log, mode, operators, plugins, recipients, redaction, registry, retention, senders, sessions, storage, tenants, version"
	tests := []struct{ name, text, want string }{
		{"misspelt key", minimal + "sesions: {idle: 5m}\n", `notary.yaml:9: unknown key "sesions"; did you mean "sessions"?`},
		{"misspelt key below", minimal + "sessions:\n  max_byte: 1MiB\n", `notary.yaml:10: sessions: unknown key "max_byte"; did you mean "max_bytes"?`},
		{"swapped letters", minimal + "mdoe: enforce\n", `notary.yaml:9: unknown key "mdoe"; did you mean "mode"?`},
		{"upper case", minimal + "Mode: enforce\n", `notary.yaml:9: unknown key "Mode"; did you mean "mode"?`},
		{"key from elsewhere", minimal + "database: x\n", `notary.yaml:9: unknown key "database"; known here: ` + unknownTop},
		{"key twice", minimal + "mode: enforce\nmode: enforce\n", `notary.yaml:10: key "mode" is given twice, first on line 9`},
		{"no value", minimal + "mode:\n", "notary.yaml:9: mode: has no value; give one, or remove the key to have the default"},
		{"null", minimal + "sessions: {idle: null}\n", "notary.yaml:9: sessions.idle: has no value; give one, or remove the key to have the default"},
		{"anchor", minimal + "mode: &a enforce\n", "notary.yaml:9: mode: anchors and aliases are not allowed; write the value out"},
		{"alias", "mode: &a enforce\nlog: {dir: *a}\n", "notary.yaml:1: mode: anchors and aliases are not allowed; write the value out\nnotary.yaml:2: log.dir: anchors and aliases are not allowed; write the value out"},
		{"merge key", minimal + "sessions: {<<: {idle: 5m}}\n", "notary.yaml:9: sessions: a key must be a plain word"},
		{"tag", minimal + "mode: !!binary ZW5mb3JjZQ==\n", "notary.yaml:9: mode: explicit tags are not allowed; write the plain value"},
		{"octal number", edit(t, `"https://maa.example.org"}`, `"https://maa.example.org", uvm: {minimum_svn: 0104}}`), `notary.yaml:2: attestation.uvm.minimum_svn: "0104" is not a decimal number; write it with the digits 0 to 9 and no 0 in front`},
		{"number in hex", minimal + "limits: {depth: 0x20}\n", `notary.yaml:9: limits.depth: "0x20" is not a decimal number; write it with the digits 0 to 9 and no 0 in front`},
		{"yes for true", minimal + "listen: {open_metrics: yes}\n", `notary.yaml:9: listen.open_metrics: "yes" is not a truth; write true or false`},
		{"list for a value", minimal + "mode: [enforce]\n", "notary.yaml:9: mode: want a single value"},
		{"value for a list", minimal + "operators: me\n", `notary.yaml:9: operators: want a list; begin each entry with "- "`},
		{"value for a section", minimal + "storage: data\n", "notary.yaml:9: storage: want keys and their values; known here: dir, postgres, endpoints, shared, silence, missing, lost"},
		{"list for a digest", edit(t, "sha256: 0000000000000000000000000000000000000000000000000000000000000001", "sha256: [1]"), "notary.yaml:4: plugins[0].sha256: want a single value"},
		{"no keys at all", "- a\n", "notary.yaml:1: want keys and their values; see the example configuration"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) { refuse(t, tt.text, strings.Split(tt.want, "\n")...) })
	}
}

// TestNotAFile: the words are the YAML library's, or few; the refusal is ours.
func TestNotAFile(t *testing.T) {
	for name, text := range map[string]string{
		"empty":           "",
		"comment only":    "# nothing\n",
		"two documents":   minimal + "---\nmode: enforce\n",
		"open bracket":    minimal + "storage: {dir: x\n",
		"tab indentation": minimal + "storage:\n\tdir: x\n",
		"tab in a list":   minimal + "operators:\n\t- x\n",
		"tab after a key": minimal + "storage:\n  dir: x\n\tlost: []\n",
		"not UTF-8":       minimal + "# \xff\n",
		"NUL":             minimal + "# \x00\n",
		"too long":        minimal + strings.Repeat("#\n", MaxSize/2),
		"number for text": minimal + "limits: {messages: many}\n",
		"part of a score": minimal + "redaction: {labels: [{label: EMAIL, threshold: 0.5}]}\n",
		"fraction":        minimal + "limits: {messages: 1000.5}\n",
		"negative SVN":    edit(t, `{maa_url: "https://maa.example.org"}`, `{maa_url: "https://maa.example.org", uvm: {minimum_svn: -1}}`),
		"word for a flag": minimal + "listen: {open_metrics: maybe}\n",
	} {
		c, err := Parse("notary.yaml", []byte(text))
		var e *Error
		if c != nil || !errors.As(err, &e) || len(e.Problems) == 0 || e.Problems[0].Text == "" {
			t.Errorf("%s: %v, %v, want an *Error", name, c, err)
			continue
		}
		if got := e.Problems[0].Hint == "indent with spaces: YAML takes no tabs"; got != strings.HasPrefix(name, "tab ") {
			t.Errorf("%s: hint %q", name, e.Problems[0].Hint)
		}
	}
}

// sizeForm is what a number of bytes has to be.
const sizeForm = `is not a size: write a whole number of bytes, or with a unit such as "512KiB", "64MiB" or "1GiB"`

// lostForm is what a range of lost entries has to be.
const lostForm = `not a range of lost entries: write "EPOCH 5-9", or "5-" to its end, with the epoch's 32 characters of hex, or "LOG 12-19" with the name+hash that the log's key begins with`

func TestValues(t *testing.T) {
	const b64 = "0000000000000000000000000000000000000000000000000000000000000003"
	tests := []struct{ name, text, want string }{
		{"version", edit(t, "version: 1", "version: 2"), "notary.yaml:1: version: is 2, this notary reads version 1; write version: 1"},
		{"no version", edit(t, "version: 1\n", ""), "notary.yaml: version: is 0, this notary reads version 1; write version: 1"},
		{"mode", minimal + "mode: monitor\n", `notary.yaml:9: mode: "monitor" is not known; use enforce or shadow or none`},
		{"mode none with a redactor", minimal + "mode: none\n", "notary.yaml:9: mode: is none, and plugins have 1 of kind redactor; remove them, or write mode: enforce; mode: shadow runs them without editing"},
		{"shadow without a redactor", withoutRedactor(t) + "mode: shadow\n", "notary.yaml:3: plugins: " + noRedactor},
		{"mode none with rules", withoutRedactor(t) + "mode: none\nredaction: {labels: [{label: EMAIL}]}\n", "notary.yaml:9: redaction: has rules, and in mode none nothing is redacted; remove them, or name a redactor and write mode: enforce"},
		{"mode none with a double run", withoutRedactor(t) + "mode: none\nredaction: {double_run: true}\n", "notary.yaml:9: redaction: has rules, and in mode none nothing is redacted; remove them, or name a redactor and write mode: enforce"},
		{"address", minimal + "listen: {otlp: 4317}\n", `notary.yaml:9: listen.otlp: "4317" is not an address; write host:port, such as "0.0.0.0:4317"`},
		{"port", minimal + "listen: {otlp: \"[::1]:70000\"}\n", `notary.yaml:9: listen.otlp: "[::1]:70000" is not an address; write host:port, such as "0.0.0.0:4317"`},
		{"same address", minimal + "listen: {otlp: 127.0.0.1:8443}\n", "notary.yaml:9: listen.control: is the address of listen.otlp; give each its own port"},
		{"same address for both of OTLP", minimal + "listen: {otlp: 127.0.0.1:4318}\n", "notary.yaml:9: listen.otlp_http: is the address of listen.otlp; give each its own port"},
		{"same address for HTTP", minimal + "listen: {otlp_http: 127.0.0.1:8443}\n", "notary.yaml:9: listen.control: is the address of listen.otlp_http; give each its own port"},
		{"same port", minimal + "listen: {otlp: \"0.0.0.0:8443\"}\n", "notary.yaml:9: listen.control: has the port of listen.otlp, and one of them takes it on every address; give each its own port"},
		{"TLS name", minimal + "listen: {tls_names: [\"a b\"]}\n", `notary.yaml:9: listen.tls_names[0]: "a b" is neither a DNS name nor an IP address`},
		{"no TLS name", minimal + "listen: {tls_names: []}\n", "notary.yaml:9: listen.tls_names: is missing; list the names that senders connect to"},
		{"no provider", edit(t, "attestation: {maa_url: \"https://maa.example.org\"}\n", ""), "notary.yaml: attestation.maa_url: is missing; write the attestation provider, such as https://NAME.REGION.attest.azure.net"},
		{"provider over http", edit(t, "https://maa.example.org", "http://maa.example.org"), `notary.yaml:2: attestation.maa_url: "http://maa.example.org" is not a provider; write "https://host" or "https://host:port", without a path`},
		{"provider with a slash", edit(t, "https://maa.example.org", "https://maa.example.org/"), `notary.yaml:2: attestation.maa_url: "https://maa.example.org/" is not a provider; write "https://host" or "https://host:port", without a path`},
		{"source unknown", edit(t, "{maa_url", "{source: tpm, maa_url"), `notary.yaml:2: attestation.source: "tpm" is not known; use sidecar or device`},
		{"sidecar elsewhere", edit(t, "{maa_url", "{sidecar_url: \"http://10.0.0.1:8081\", maa_url"), `notary.yaml:2: attestation.sidecar_url: "http://10.0.0.1:8081" is not an http URL on the loopback interface; write such as "http://127.0.0.1:8081"`},
		{"API version", edit(t, "{maa_url", "{api_version: latest, maa_url"), `notary.yaml:2: attestation.api_version: "latest" is not an API version; write a date, such as "2025-06-01"`},
		{"policy hash", edit(t, "{maa_url", "{policy_hash: xx, maa_url"), "notary.yaml:2: attestation.policy_hash: is not an x-ms-policy-hash; copy the claim as it stands in a token, 43 characters of base64url"},
		{"margin", edit(t, "{maa_url", "{margin: 1s, maa_url"), "notary.yaml:2: attestation.margin: is 1s; use 30s to 4h0m0s"},
		{"plugin name", edit(t, "name: r,", "name: R,"), `notary.yaml:4: plugins[0].name: "R" is not a plugin name; use 1 to 40 of a-z, 0-9 and the hyphen`},
		{"plugin without digest", edit(t, ", sha256: 0000000000000000000000000000000000000000000000000000000000000001", ""), "notary.yaml:4: plugins[0].sha256: is missing; run `notary plugin measure` on the module you mean"},
		{"plugin by tag", edit(t, "wasm: r.wasm", `wasm: "oci://registry.example/r:latest"`), `notary.yaml:4: plugins[0].wasm: "oci://registry.example/r:latest" is not an OCI reference; write oci://REGISTRY/REPOSITORY@sha256:DIGEST, by digest and without a tag`},
		{"shared directory", minimal + "storage: {shared: true}\n", "notary.yaml:9: storage.shared: needs a database or a service; name one in storage.postgres or storage.endpoints; a directory is one notary's"},
		{"too little silence", minimal + "storage: {silence: 1s}\n", "notary.yaml:9: storage.silence: is 1s; use 5s to 1h0m0s"},
		{"what is missing", minimal + "storage: {missing: ignore}\n", "notary.yaml:9: storage.missing: \"ignore\" is not known; use refuse or require or tell"},
		{"lost without a range", minimal + "storage: {lost: [a.example/log+0a1b2c3d]}\n", "notary.yaml:9: storage.lost[0]: " + lostForm},
		{"lost backwards", minimal + "storage: {lost: [a.example/log+0a1b2c3d 9-2]}\n", "notary.yaml:9: storage.lost[0]: " + lostForm},
		{"lost to come", minimal + "storage: {lost: [a.example/log+0a1b2c3d 5-]}\n", "notary.yaml:9: storage.lost[0]: " + lostForm},
		{"lost of no log", minimal + "storage: {lost: [a.example/log 5-7]}\n", "notary.yaml:9: storage.lost[0]: " + lostForm},
		{"lost of no epoch", minimal + "storage: {lost: [4F0c 5-]}\n", "notary.yaml:9: storage.lost[0]: " + lostForm},
		{"database without a host", minimal + "storage: {postgres: {user: notary, database: d}}\n", "notary.yaml:9: storage.postgres.host: is missing; give the server's name, or the directory of its Unix socket"},
		{"endpoint's URL with a token", minimal + "storage: {endpoints: [{name: a, url: 'https://h/p?sig=geheim', auth: none}]}\n", "notary.yaml:9: storage.endpoints[0].url: has a user, a query, a fragment or an escape; write https://HOST/PATH; the credential goes into secret_file"},
		{"endpoint without TLS", minimal + "storage: {endpoints: [{name: a, url: 'http://example.org/p', auth: none, insecure: true}]}\n", "notary.yaml:9: storage.endpoints[0].url: is without TLS; write https; for a service on the loopback interface, add insecure: true"},
		{"endpoint on loopback, not said", minimal + "storage: {endpoints: [{name: a, url: 'http://127.0.0.1:1/p', auth: none}]}\n", "notary.yaml:9: storage.endpoints[0].url: is without TLS; write https; for a service on the loopback interface, add insecure: true"},
		{"insecure with TLS", minimal + "storage: {endpoints: [{name: a, url: 'https://h/p', auth: none, insecure: true}]}\n", "notary.yaml:9: storage.endpoints[0].url: has TLS, and insecure is set; remove insecure: TLS is always verified; ca names an authority of your own"},
		{"endpoint's credential", minimal + "storage: {endpoints: [{name: a, url: 'https://h/p', auth: sas}]}\n", "notary.yaml:9: storage.endpoints[0].secret_file: is missing; give the path of the file with the credential"},
		{"credential of no use", minimal + "storage: {endpoints: [{name: a, url: 'https://h/p', auth: none, secret_file: f}]}\n", "notary.yaml:9: storage.endpoints[0].secret_file: is of no use with auth: none; remove it, or use sas, bearer or aws_sigv4"},
		{"identity of no use", minimal + "storage: {endpoints: [{name: a, url: 'https://h/p', auth: none, client_id: c}]}\n", "notary.yaml:9: storage.endpoints[0].auth: makes no use of identity_url and client_id; remove them, or use managed_identity"},
		{"identity service elsewhere", minimal + "storage: {endpoints: [{name: a, url: 'https://h/p', auth: managed_identity, identity_url: 'http://example.org/t'}]}\n", "notary.yaml:9: storage.endpoints[0].identity_url: is not an http URL at a link-local or loopback address; remove the key to have " + DefaultIdentityURL + ""},
		{"endpoint's auth", minimal + "storage: {endpoints: [{name: a, url: 'https://h/p', auth: password}]}\n", "notary.yaml:9: storage.endpoints[0].auth: \"password\" is not known; use none or sas or bearer or managed_identity or aws_sigv4"},
		{"signature for no region", minimal + "storage: {endpoints: [{name: a, url: 'https://h/p', auth: aws_sigv4, secret_file: f}]}\n", "notary.yaml:9: storage.endpoints[0].region: \"\" is not a region; write the one of the bucket, such as eu-central-1"},
		{"region of no use", minimal + "storage: {endpoints: [{name: a, url: 'https://h/p', auth: none, region: eu}]}\n", "notary.yaml:9: storage.endpoints[0].region: is of no use with auth: none; remove it, or use aws_sigv4"},
		{"endpoint twice", minimal + "storage: {endpoints: [{name: a, url: 'https://h/p', auth: none}, {name: a, url: 'https://h/q', auth: none}]}\n", "notary.yaml:9: storage.endpoints[1].name: has the same name as storage.endpoints[0].name; remove one of them"},
		{"database's schema", minimal + "storage: {postgres: {host: a, database: b, user: c, schema: Public}}\n", "notary.yaml:9: storage.postgres.schema: \"Public\" is not a schema's name; use lower case letters, digits and underscores"},
		{"registry CA", minimal + "registry: {ca: x}\n", "notary.yaml:9: registry.ca: has no PEM certificate; give one, or remove the key to have the system's roots"},
		{"plugin twice", edit(t, "{name: s,", "{name: r,"), "notary.yaml:5: plugins[1].name: has the same name as plugins[0].name; remove one of them"},
		{"plugin memory", edit(t, "wasm: r.wasm", "wasm: r.wasm, limits: {memory: 100KB}"), `notary.yaml:4: plugins[0].limits.memory: "100KB" ` + sizeForm},
		{"plugin pages", edit(t, "wasm: r.wasm", "wasm: r.wasm, limits: {memory: 100KiB}"), "notary.yaml:4: plugins[0].limits.memory: is 100KiB; use a multiple of 64KiB up to 4GiB"},
		{"config and settings", edit(t, "wasm: r.wasm", "wasm: r.wasm, config: a, settings: b"), "notary.yaml:4: plugins[0].settings: stands beside config; give one of them"},
		{"kind misspelt", edit(t, "kind: redactor", "kind: redactr"), `notary.yaml:4: plugins[0].kind: "redactr" is not known; use redactor or storage`},
		{"kind of the storage misspelt", edit(t, "kind: storage", "kind: storag"), `notary.yaml:5: plugins[1].kind: "storag" is not known; use redactor or storage`},
		{"size in a unit of its own", minimal + "limits: {in_flight: 100TiB}\n", `notary.yaml:9: limits.in_flight: "100TiB" ` + sizeForm},
		{"size too large", minimal + "limits: {in_flight: 999999999999GiB}\n", `notary.yaml:9: limits.in_flight: "999999999999GiB" is too large: a size is at most 8589934591GiB`},
		{"size of too many digits", minimal + "limits: {in_flight: 9223372036854775808}\n", `notary.yaml:9: limits.in_flight: "9223372036854775808" is too large: a size is at most 8589934591GiB`},
		{"size negative", minimal + "limits: {in_flight: -1}\n", `notary.yaml:9: limits.in_flight: "-1" is negative: a size is 0 or more`},
		{"duration without a unit", minimal + "retention: {sessions: 400}\n", `notary.yaml:9: retention.sessions: "400" is not a duration: write a number and its unit, such as "90s", "15m", "24h" or "400d"`},
		{"duration too large", minimal + "retention: {sessions: 99999999d}\n", `notary.yaml:9: retention.sessions: "99999999d" is too large: a duration has at most 65535d`},
		{"duration negative", minimal + "retention: {sessions: -1d}\n", `notary.yaml:9: retention.sessions: "-1d" is negative: a duration is 0 or more`},
		{"key in place of its hash", edit(t, "[0000000000000000000000000000000000000000000000000000000000000003]", "[vp_live_DontShowThisKey]"), "notary.yaml:7: tenants[0].api_key_hashes[0]: not a SHA-256: want 64 characters of lower-case hex; write the hash, not the key: `notary keygen --api-key` makes a key and shows both"},
		{"token in place of its hash", minimal + "operators: [{name: o, roles: [auditor], token_hash: DontShowThis}]\n", "notary.yaml:9: operators[0].token_hash: not a SHA-256: want 64 characters of lower-case hex; write the hash, not the token: `notary keygen --operator-token` makes a token and shows both"},
		{"digest cut off", edit(t, "sha256: 0000000000000000000000000000000000000000000000000000000000000001", "sha256: abcd"), "notary.yaml:4: plugins[0].sha256: not a SHA-256: want 64 characters of lower-case hex; run `notary plugin measure` on the module you mean"},
		{"no redactor", edit(t, "kind: redactor", "kind: storage"), "notary.yaml:3: plugins: " + noRedactor + "\nnotary.yaml:3: plugins: have 2 storage adapters; name exactly one of kind storage"},
		{"no storage", edit(t, "kind: storage", "kind: redactor"), "notary.yaml:3: plugins: have 0 storage adapters; name exactly one of kind storage"},
		{"label in small letters", minimal + "redaction: {labels: [{label: Email}]}\n", `notary.yaml:9: redaction.labels[0].label: "Email" is not a label; write it as the redactor's manifest has it ("notary plugin inspect"), or "*" for all others`},
		{"rule without label", minimal + "redaction: {labels: [{action: mask}]}\n", `notary.yaml:9: redaction.labels[0].label: "" is not a label; write it as the redactor's manifest has it ("notary plugin inspect"), or "*" for all others`},
		{"two rules for a label", minimal + "redaction:\n  labels:\n    - {label: EMAIL}\n    - {label: EMAIL, action: token}\n", "notary.yaml:12: redaction.labels[1].label: has the same label as redaction.labels[0].label; remove one of them"},
		{"action", minimal + "redaction:\n  labels:\n    - {label: \"*\", action: drop}\n", `notary.yaml:11: redaction.labels[0].action: "drop" is not known; use mask or token or drop_field or drop_record`},
		{"threshold", minimal + "redaction: {labels: [{label: EMAIL, threshold: 1001}]}\n", "notary.yaml:9: redaction.labels[0].threshold: is 1001; use 0 to 1000"},
		{"negative threshold", minimal + "redaction: {labels: [{label: EMAIL, threshold: -1}]}\n", "notary.yaml:9: redaction.labels[0].threshold: is -1; use 0 to 1000"},
		{"no recipients", edit(t, "recipients: [{file: key.pem}]\n", ""), "notary.yaml: recipients: is missing; run `notary keygen -o recipient.pem` and name the public key here"},
		{"recipient by both", edit(t, "{file: key.pem}", "{file: key.pem, pem: x}"), "notary.yaml:6: recipients[0]: wants exactly one of file and pem"},
		{"recipient by neither", edit(t, "[{file: key.pem}]", "[{}]"), "notary.yaml:6: recipients[0]: wants exactly one of file and pem"},
		{"recipient twice", edit(t, "[{file: key.pem}]", "[{file: key.pem}, {file: key.pem}]"), "notary.yaml:6: recipients[1]: has the same key as recipients[0]; remove one of them"},
		{"no tenants", edit(t, "tenants: [{name: t, api_key_hashes: ["+b64+"]}]\n", ""), "notary.yaml: tenants: is missing; name at least one sender with the hash of its API key"},
		{"one key, two tenants", edit(t, "["+b64+"]}]", "["+b64+"]}, {name: u, api_key_hashes: ["+b64+"]}]"), "notary.yaml:7: tenants[1].api_key_hashes[0]: has the same hash as tenants[0].api_key_hashes[0]; remove one of them"},
		{"certificate name, nobody signs", edit(t, "["+b64+"]}]", "["+b64+"], certificate_names: [a.example]}]"), "notary.yaml:7: tenants[0].certificate_names: mean nothing, since nobody signs them; set senders.client_ca, or remove them"},
		{"token subject, nobody signs", edit(t, "api_key_hashes: ["+b64+"]", "token_subjects: [a]"), "notary.yaml:7: tenants[0].token_subjects: mean nothing, since nobody signs them; set senders.tokens, or remove them"},
		{"no certificate", minimal + "senders: {client_ca: x}\n", "notary.yaml:9: senders.client_ca: has no PEM certificate; paste the certificate with its BEGIN and END lines"},
		{"half of the tokens", minimal + "senders: {tokens: {issuer: i}}\n", "notary.yaml:9: senders.tokens.audience: is missing; write the aud that tokens for this notary have\nnotary.yaml:9: senders.tokens.jwks: is missing; paste the issuer's key set"},
		{"no key set", minimal + "senders: {tokens: {issuer: i, audience: a, jwks: \"{}\"}}\n", "notary.yaml:9: senders.tokens.jwks: is not a key set: invalid key set: want a list \"keys\" of at most 256; paste the JSON that the issuer serves as its jwks_uri"},
		{"operator", minimal + "operators: [{name: o, roles: [root], token_hash: " + b64 + "}]\n", `notary.yaml:9: operators[0].roles[0]: "root" is not known; use operator or auditor or metrics`},
		{"operator without token", minimal + "operators: [{name: o, roles: [auditor]}]\n", "notary.yaml:9: operators[0].token_hash: is missing; run `notary keygen --operator-token` for one and its hash"},
		{"operator without role", minimal + "operators: [{name: o, token_hash: " + b64 + "}]\n", "notary.yaml:9: operators[0].roles: is missing; use operator, auditor or metrics"},
		{"linger", minimal + "sessions: {linger: 2m}\n", "notary.yaml:9: sessions.linger: is 2m0s; use 0s to 1m0s"},
		{"idle", minimal + "sessions: {idle: 0s}\n", "notary.yaml:9: sessions.idle: is 0s; use 1s to 24h0m0s"},
		{"session keys", minimal + "sessions: {keys: [a, a]}\n", "notary.yaml:9: sessions.keys[1]: has the same name as sessions.keys[0]; remove one of them"},
		{"memory for sessions", minimal + "sessions: {memory: 64MiB}\n", "notary.yaml:9: sessions.memory: is too little for the sessions of one request; say at least 268435456, 4KiB for each of limits.records, or lower these"},
		{"depth", minimal + "limits: {depth: 65}\n", "notary.yaml:9: limits.depth: is 65; use 16 to 64"},
		{"in flight", minimal + "limits: {in_flight: 1MiB}\n", "notary.yaml:9: limits.in_flight: is 1MiB, less than one request of 16MiB; raise it, or lower limits.request_bytes"},
		{"checkpoint", minimal + "journal: {checkpoint: 500ms}\n", "notary.yaml:9: journal.checkpoint: is 500ms; use 1s to 1h0m0s"},
		{"log kind", edit(t, "{origin: example.org/log}", "{origin: example.org/log, kind: rekor}"), `notary.yaml:8: log.kind: "rekor" is not known; use tessera-posix or tessera-mysql or endpoint`},
		{"endpoint without anything", edit(t, "{origin: example.org/log}", `{origin: example.org/log, kind: endpoint}`), `notary.yaml:8: log.endpoint.url: is missing; give the base of the log's HTTP interface
notary.yaml:8: log.endpoint.key: is missing; give the log's verifier key, NAME+ID+KEY, from who runs it`},
		{"endpoint in the clear, another log's", edit(t, "{origin: example.org/log}", `{origin: example.org/log, kind: endpoint, endpoint: {url: "http://log.example.org", key: "example.org/notary-log+de937dc9+ASAhIiMkJSYnKCkqKywtLi8wMTIzNDU2Nzg5Ojs8PT4/", tiles: "https://u@log.example.org/"}}`), `notary.yaml:8: log.endpoint.url: "http://log.example.org" is not safe on a network; use https; http is for the loopback interface
notary.yaml:8: log.endpoint.tiles: "https://u@log.example.org/" is not a URL without user, query and fragment; write such as https://log.example.org/
notary.yaml:8: log.endpoint.key: is that of the log "example.org/notary-log"; set log.origin to the log's name`},
		{"private key of a log", edit(t, "{origin: example.org/log}", `{origin: example.org/log, endpoint: {url: "https://log.example.org", key: "PRIVATE+KEY+example.org/log+dbec1499+AbKf4Hy1x8yzZ1C9wHSGbLr01L9eya00SHtVoSXS48XV"}}`), `notary.yaml:8: log.endpoint.key: a private key, which is not repeated here, is not a verifier key; copy NAME+ID+KEY from who runs the log`},
		{"no key of a log", edit(t, "{origin: example.org/log}", `{origin: example.org/log, endpoint: {url: "https://log.example.org", key: x}}`), `notary.yaml:8: log.endpoint.key: "x" is not a verifier key; copy NAME+ID+KEY from who runs the log`},
		{"database without anything", edit(t, "{origin: example.org/log}", `{origin: example.org/log, kind: tessera-mysql}`), `notary.yaml:8: log.mysql.host: is missing; give the server's name, or the path of its Unix socket
notary.yaml:8: log.mysql.database: is missing; give the database's name
notary.yaml:8: log.mysql.user: is missing; give the account that the notary connects as`},
		{"database with bad numbers", edit(t, "{origin: example.org/log}", `{origin: example.org/log, mysql: {host: h, database: d, user: u, port: 0, timeout: 1ms, connections: 1}}`), `notary.yaml:8: log.mysql.port: is 0; use 1 to 65535
notary.yaml:8: log.mysql.timeout: is 1ms; use 1s to 5m0s
notary.yaml:8: log.mysql.connections: is 1; use 2 to 100`},
		{"database with witnesses", edit(t, "{origin: example.org/log}", `{origin: example.org/log, kind: tessera-mysql, mysql: {host: h, database: d, user: u}, quorum: 1, witnesses: [{key: "witness.auditor.example+11d27c80+BEBBQkNERUZHSElKS0xNTk9QUVJTVFVWV1hZWltcXV5f", url: "https://w.example/"}]}`), `notary.yaml:8: log.witnesses: are not asked by a log in a database; use a log behind "notary log serve", which asks them, or remove them`},
		{"quorum of nobody", edit(t, "{origin: example.org/log}", `{origin: example.org/log, quorum: 1}`), `notary.yaml:8: log.quorum: is of nobody; list log.witnesses, or remove it`},
		{"no quorum", edit(t, "{origin: example.org/log}", `{origin: example.org/log, witnesses: [{key: "witness.auditor.example+11d27c80+BEBBQkNERUZHSElKS0xNTk9QUVJTVFVWV1hZWltcXV5f", url: "https://w.example/"}]}`), `notary.yaml:8: log.quorum: is 0; use 1 to 1`},
		{"witness twice", edit(t, "{origin: example.org/log}", `{origin: example.org/log, quorum: 1, witnesses: [{key: "witness.auditor.example+11d27c80+BEBBQkNERUZHSElKS0xNTk9QUVJTVFVWV1hZWltcXV5f", url: "https://w.example/"}, {key: "witness.auditor.example+11d27c80+BEBBQkNERUZHSElKS0xNTk9QUVJTVFVWV1hZWltcXV5f", url: "https://w.example/"}]}`), `notary.yaml:8: log.witnesses[1].key: has the same key as log.witnesses[0].key; remove one of them
notary.yaml:8: log.witnesses[1].url: has the same URL as log.witnesses[0].url; remove one of them`},
		{"log's key as a witness", edit(t, "{origin: example.org/log}", `{origin: example.org/log, quorum: 1, witnesses: [{key: "example.org/notary-log+de937dc9+ASAhIiMkJSYnKCkqKywtLi8wMTIzNDU2Nzg5Ojs8PT4/", url: "https://w.example/"}]}`), `notary.yaml:8: log.witnesses[0].key: "example.org/notary-log+de937dc9+ASAhIiMkJSYnKCkqKywtLi8wMTIzNDU2Nzg5Ojs8PT4/" is not a witness's verifier key; copy NAME+ID+KEY for Ed25519 cosignatures from who runs it`},
		{"log's key as a witness under another name", edit(t, "{origin: example.org/log}", `{origin: example.org/log, kind: endpoint, endpoint: {url: "https://l.example", key: "example.org/log+aa9f7504+ASAhIiMkJSYnKCkqKywtLi8wMTIzNDU2Nzg5Ojs8PT4/", credential_file: c}, quorum: 1, witnesses: [{key: "friend.example+79ea5cf7+BCAhIiMkJSYnKCkqKywtLi8wMTIzNDU2Nzg5Ojs8PT4/"}]}`), `notary.yaml:8: log.witnesses[0].key: is the log's own; name others: a log is no witness of itself`},
		{"witness under two names", edit(t, "{origin: example.org/log}", `{origin: example.org/log, quorum: 1, witnesses: [{key: "witness.auditor.example+11d27c80+BEBBQkNERUZHSElKS0xNTk9QUVJTVFVWV1hZWltcXV5f", url: "https://w.example/"}, {key: "other.example+2d67528c+BEBBQkNERUZHSElKS0xNTk9QUVJTVFVWV1hZWltcXV5f", url: "https://v.example/"}]}`), `notary.yaml:8: log.witnesses[1].key: has the same key as log.witnesses[0].key; remove one of them`},
		{"witness without a place", edit(t, "{origin: example.org/log}", `{origin: example.org/log, quorum: 1, witnesses: [{key: "witness.auditor.example+11d27c80+BEBBQkNERUZHSElKS0xNTk9QUVJTVFVWV1hZWltcXV5f"}]}`), `notary.yaml:8: log.witnesses[0].url: is missing; give the URL at which the witness answers`},
		{"log's authority", edit(t, "{origin: example.org/log}", `{origin: example.org/log, ca: x}`), `notary.yaml:8: log.ca: has no PEM certificate; give one, or remove the key to have the system's roots`},
		{"no origin", edit(t, "log: {origin: example.org/log}\n", ""), `notary.yaml: log.origin: is missing; name the log for ever, such as "example.org/notary-log"`},
		{"origin", edit(t, "{origin: example.org/log}", "{origin: my log}"), `notary.yaml:8: log.origin: "my log" is not a log name; use 1 to 200 visible ASCII characters without plus`},
		{"one directory", edit(t, "{origin: example.org/log}", "{origin: example.org/log, dir: ./data/store/}"), "notary.yaml: storage.dir: is the directory of the log; give each its own"},
		{"log inside storage", edit(t, "{origin: example.org/log}", "{origin: example.org/log, dir: data/store/log}"), "notary.yaml: storage.dir: holds the directory of the log; give each its own"},
		{"storage inside log", minimal + "storage: {dir: data/log/tree/store}\n", "notary.yaml:9: storage.dir: lies in the directory of the log; give each its own"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			refuse(t, tt.text, strings.Split(tt.want, "\n")...)
		})
	}
}

// TestEverythingAtOnce: one run tells all, in the order of the lines.
func TestEverythingAtOnce(t *testing.T) {
	refuse(t, edit(t, "https://maa.example.org", "ftp://x")+"mode: off\nsessions:\n  idle: 0s\n  max_age: 1ms\n",
		`notary.yaml:2: attestation.maa_url: "ftp://x" is not a provider; write "https://host" or "https://host:port", without a path`,
		`notary.yaml:9: mode: "off" is not known; use enforce or shadow or none`,
		"notary.yaml:11: sessions.idle: is 0s; use 1s to 24h0m0s",
		"notary.yaml:12: sessions.max_age: is 1ms; use 1s to 744h0m0s",
	)
}

// TestManyProblems: a file full of nonsense is not answered in kind.
func TestManyProblems(t *testing.T) {
	var text strings.Builder
	for i := range 2000 {
		fmt.Fprintf(&text, "nonsense%d: 1\n", i)
	}
	_, err := Parse("notary.yaml", []byte(text.String()))
	var e *Error
	if !errors.As(err, &e) || len(e.Problems) != maxProblems {
		t.Errorf("%d problems, want %d", len(e.Problems), maxProblems)
	}
}

// TestKeyInPlaceOfItsHash: an API key that somebody pasted instead of its hash
// must not travel on in an error message.
func TestKeyInPlaceOfItsHash(t *testing.T) {
	const key = "vp_live_DontShowThisKey"
	_, err := Parse("notary.yaml", []byte(edit(t, "[0000000000000000000000000000000000000000000000000000000000000003]", "["+key+"]")))
	if err == nil || strings.Contains(err.Error(), "DontShow") {
		t.Errorf("error %v, want one without the key", err)
	}
	if err != nil && !strings.Contains(err.Error(), "notary.yaml:7: ") {
		t.Errorf("error %v has no line", err)
	}
}

func TestSizeAndDuration(t *testing.T) {
	for text, want := range map[string]Size{
		"0": 0, "1": 1, "17B": 17, "64KiB": 64 << 10, "1MiB": 1 << 20, "8GiB": 8 << 30, "9223372036854775807": 1<<63 - 1,
	} {
		var s, again Size
		if err := s.UnmarshalText([]byte(text)); err != nil || s != want {
			t.Errorf("%s = %d, %v, want %d", text, s, err, want)
		}
		if b, err := s.MarshalText(); err != nil || again.UnmarshalText(b) != nil || again != s {
			t.Errorf("%s does not survive its own text %s", text, b)
		}
	}
	for _, text := range []string{"", "B", "-1", "1.5MiB", "64 MiB", "64MB", "64m", "0x10", "+1", "1_000", "9223372036854775808", "8589934592GiB"} {
		var s Size
		if err := s.UnmarshalText([]byte(text)); err == nil {
			t.Errorf("%q is a size of %d", text, s)
		}
	}
	for _, text := range []string{"", "15", "15 m", "d", "01d", "-1d", "1.5d", "65536d", "1d1h", "m"} {
		var d Duration
		if err := d.UnmarshalText([]byte(text)); err == nil {
			t.Errorf("%q is a duration of %v", text, d)
		}
	}
}

func TestRecipients(t *testing.T) {
	dir := t.TempDir()
	var pems []string
	for i := range 2 {
		id, err := journal.GenerateIdentity()
		if err != nil {
			t.Fatal(err)
		}
		pems = append(pems, string(id.Recipient().PEM()))
		if err := os.WriteFile(filepath.Join(dir, fmt.Sprintf("%d.pem", i)), []byte(pems[i]), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	inline := func(s string) string { return fmt.Sprintf("{pem: %q}", s) }
	read := func(list string) ([32]byte, error) {
		c, err := Parse(filepath.Join(dir, "notary.yaml"), []byte(edit(t, "[{file: key.pem}]", "["+list+"]")))
		if err != nil {
			t.Fatal(err)
		}
		keys, err := c.ReadRecipients()
		return RecipientsDigest(keys), err
	}
	want, err := read("{file: 0.pem}, {file: 1.pem}")
	if err != nil {
		t.Fatal(err)
	}
	for _, list := range []string{"{file: 1.pem}, {file: 0.pem}", inline(pems[0]) + ", {file: 1.pem}", inline(pems[1]) + "," + inline(pems[0])} {
		if got, err := read(list); err != nil || got != want {
			t.Errorf("%.40s: digest %x, %v, want %x: order and form must not matter", list, got, err, want)
		}
	}
	if one, err := read("{file: 0.pem}"); err != nil || one == want {
		t.Errorf("one recipient of two has the same digest (%v)", err)
	}
	for _, list := range []string{"{file: absent.pem}", "{file: 0.pem}, " + inline(pems[0]), inline("x"), inline(pems[0] + pems[1]), "{file: .}"} {
		if _, err := read(list); err == nil || !strings.Contains(err.Error(), "recipients") {
			t.Errorf("%.60s: %v, want a refusal", list, err)
		}
	}
}

func TestReadPlugin(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{"r.wasm": "module", "r.json": "config"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	c, err := Parse(filepath.Join(dir, "notary.yaml"), []byte(minimal))
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		p              Plugin
		module, config string
		ok             bool
	}{
		{Plugin{Wasm: "r.wasm"}, "module", "", true},
		{Plugin{Wasm: "r.wasm", Config: "r.json"}, "module", "config", true},
		{Plugin{Wasm: "r.wasm", Settings: "inline"}, "module", "inline", true},
		{Plugin{Wasm: "s.wasm"}, "", "", false},
		{Plugin{Wasm: "r.wasm", Config: "s.json"}, "", "", false},
	} {
		module, config, err := c.ReadPlugin(t.Context(), &tt.p)
		if string(module) != tt.module || string(config) != tt.config || (err == nil) != tt.ok {
			t.Errorf("%+v: %q, %q, %v", tt.p, module, config, err)
		}
	}
}

// FuzzParse: no input panics; what is accepted is accepted again from its own
// bytes, and what is refused says why, with a line of the file.
func FuzzParse(f *testing.F) {
	raw, err := os.ReadFile(examplePath)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(string(raw))
	f.Add(minimal)
	for _, s := range []string{"", "a: &a [*a]", "? {a: b}\n: c", "plugins: [{}, [], x]", "{<<: {}}", "version: !!int 1", "\ufeffversion: 1", "limits: {in_flight: 99999999999999999999}"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		c, err := Parse("f", []byte(text))
		if err == nil {
			again, err := Parse("f", c.Raw())
			if err != nil || again.Digest() != c.Digest() {
				t.Fatalf("accepted once: %v", err)
			}
			return
		}
		var e *Error
		if !errors.As(err, &e) || len(e.Problems) == 0 || c != nil {
			t.Fatalf("%v is not an *Error with problems", err)
		}
		for _, p := range e.Problems {
			if p.Text == "" || p.Line < 0 || p.Line > strings.Count(text, "\n")+strings.Count(text, "\r")+2 {
				t.Fatalf("problem %+v", p)
			}
		}
	})
}
