package config

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v4"

	"github.com/veriproof/notary/attestation/evidence"
	"github.com/veriproof/notary/attestation/maa"
	"github.com/veriproof/notary/attestation/uvm"
	"github.com/veriproof/notary/host/journal"
	"github.com/veriproof/notary/host/otlpwire"
)

// minimal is what a file has to say.
const minimal = `version: 1
attestation: {maa_url: "https://maa.example.org"}
plugins:
  - {name: r, kind: redactor, wasm: r.wasm, sha256: 0000000000000000000000000000000000000000000000000000000000000001}
  - {name: s, kind: storage, wasm: s.wasm, sha256: 0000000000000000000000000000000000000000000000000000000000000002}
recipients: [{file: key.pem}]
tenants: [{name: t, api_key_hashes: [0000000000000000000000000000000000000000000000000000000000000003]}]
log: {origin: example.org/log}
`

const examplePath = "testdata/notary.yaml"

func parseOK(t testing.TB, text string) *Config {
	t.Helper()
	c, err := Parse("notary.yaml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func example(t testing.TB) (*Config, []byte) {
	t.Helper()
	c, err := Load(examplePath)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := os.ReadFile(examplePath)
	if err != nil {
		t.Fatal(err)
	}
	return c, raw
}

func TestDefaults(t *testing.T) {
	c := parseOK(t, minimal)
	want := defaults()
	want.Version = 1
	want.Attestation.MAAURL, want.Attestation.Issuer = "https://maa.example.org", "https://maa.example.org"
	want.Plugins = []Plugin{
		{Name: "r", Kind: KindRedactor, Wasm: "r.wasm", SHA256: Digest{31: 1}},
		{Name: "s", Kind: KindStorage, Wasm: "s.wasm", SHA256: Digest{31: 2}},
	}
	want.Recipients = []Recipient{{File: "key.pem"}}
	want.Tenants = []Tenant{{Name: "t", APIKeyHashes: []Digest{{31: 3}}}}
	want.Log.Origin = "example.org/log"
	want.own("notary.yaml", []byte(minimal))
	if d := cmp.Diff(want, c, cmp.AllowUnexported(Config{})); d != "" {
		t.Error(d)
	}
}

// TestDefaultsAgree: a default that the file documents is the one that the
// package concerned would take, were nothing said.
func TestDefaultsAgree(t *testing.T) {
	for _, tt := range []struct {
		name      string
		got, want any
	}{
		{"sidecar_url", DefaultSidecarURL, evidence.DefaultURL},
		{"api_version", DefaultAPIVersion, maa.DefaultAPIVersion},
		{"uvm.feed", DefaultUVMFeed, uvm.ContainerFeed},
		{"request_bytes", DefaultRequestBytes, otlpwire.DefaultBytes},
		{"messages", DefaultMessages, otlpwire.DefaultMessages},
		{"records", DefaultRecords, otlpwire.DefaultRecords},
		{"depth", DefaultDepth, otlpwire.MaxDepth},
		{"group_bytes", DefaultGroupBytes, journal.DefaultGroupBytes},
		{"unknown_limit", DefaultUnknownLimit, journal.DefaultUnknownLimit},
	} {
		if tt.got != tt.want {
			t.Errorf("%s: default %v, its package has %v", tt.name, tt.got, tt.want)
		}
	}
}

// TestPartOfASection: what a section leaves out keeps its default.
func TestPartOfASection(t *testing.T) {
	c := parseOK(t, minimal+"sessions: {idle: 90s}\nlisten: {tls_names: [n.example.org]}\n")
	if c.Sessions.Idle != Duration(90*time.Second) || c.Sessions.MaxAge != Duration(DefaultMaxAge) {
		t.Errorf("sessions %+v", c.Sessions)
	}
	if len(c.Listen.TLSNames) != 1 || c.Listen.OTLP != DefaultOTLP {
		t.Errorf("listen %+v", c.Listen)
	}
}

// keys returns the keys of all values that a Config can have.
func keys(t reflect.Type, key string) []string {
	switch {
	case t.Kind() == reflect.Struct && !isText(t):
		var out []string
		for i := range t.NumField() {
			if f := t.Field(i); f.IsExported() {
				out = append(out, keys(f.Type, join(key, f.Tag.Get("yaml")))...)
			}
		}
		return out
	case t.Kind() == reflect.Slice:
		return keys(t.Elem(), key+"[]")
	}
	return []string{key}
}

// TestT07EveryFieldIsAKey: each field has a key of its own in the form that
// operators see, and only the three that describe the file have none.
func TestT07EveryFieldIsAKey(t *testing.T) {
	form := regexp.MustCompile(`^[a-z][a-z0-9_]*$`)
	var check func(reflect.Type)
	check = func(typ reflect.Type) {
		for typ.Kind() == reflect.Slice {
			typ = typ.Elem()
		}
		if typ.Kind() != reflect.Struct || isText(typ) {
			return
		}
		seen := map[string]bool{}
		for i := range typ.NumField() {
			f := typ.Field(i)
			if !f.IsExported() {
				if typ != reflect.TypeFor[Config]() || !slices.Contains([]string{"name", "raw", "digest"}, f.Name) {
					t.Errorf("%v.%s is not from the file", typ, f.Name)
				}
				continue
			}
			k := f.Tag.Get("yaml")
			if !form.MatchString(k) || seen[k] || string(f.Tag) != fmt.Sprintf("yaml:%q", k) {
				t.Errorf("%v.%s has the tag %q", typ, f.Name, f.Tag)
			}
			seen[k] = true
			check(f.Type)
		}
	}
	check(reflect.TypeFor[Config]())
}

// TestExampleShowsEverything: the example has a value for every field, and
// explains every key.
func TestExampleShowsEverything(t *testing.T) {
	_, raw := example(t)
	var doc yaml.Node
	if err := yaml.Load(raw, &doc); err != nil {
		t.Fatal(err)
	}
	undocumented := map[string]bool{}
	uncommented(doc.Content[0], "", undocumented)
	for _, k := range keys(reflect.TypeFor[Config](), "") {
		if _, shown := undocumented[strings.TrimSuffix(k, "[]")]; !shown {
			t.Errorf("the example does not show %s", k)
		}
	}
	for k, missing := range undocumented {
		if missing {
			t.Errorf("the example does not explain %s", k)
		}
	}
}

// uncommented notes for every key whether all its occurrences lack a comment.
func uncommented(n *yaml.Node, path string, missing map[string]bool) {
	switch n.Kind {
	case yaml.SequenceNode:
		for _, c := range n.Content {
			uncommented(c, path+"[]", missing)
		}
	case yaml.MappingNode:
		for i := 0; i+1 < len(n.Content); i += 2 {
			key, p := n.Content[i], join(path, n.Content[i].Value)
			// The comment above the first key of a list entry belongs to the entry.
			comment := key.HeadComment + key.LineComment
			if i == 0 {
				comment += n.HeadComment
			}
			before, seen := missing[p]
			missing[p] = comment == "" && (before || !seen)
			uncommented(n.Content[i+1], p, missing)
		}
	}
}

// TestExampleDefaults: where the example does not say otherwise, what it shows
// is the default.
func TestExampleDefaults(t *testing.T) {
	c, _ := example(t)
	want := defaults()
	for name, same := range map[string]bool{
		"mode":                    c.Mode == want.Mode,
		"listen.otlp":             c.Listen.OTLP == want.Listen.OTLP,
		"listen.control":          c.Listen.Control == want.Listen.Control,
		"listen.tls_names":        slices.Equal(c.Listen.TLSNames, want.Listen.TLSNames),
		"attestation.source":      c.Attestation.Source == want.Attestation.Source,
		"attestation.sidecar_url": c.Attestation.SidecarURL == want.Attestation.SidecarURL,
		"attestation.issuer":      c.Attestation.Issuer == c.Attestation.MAAURL,
		"attestation.api_version": c.Attestation.APIVersion == want.Attestation.APIVersion,
		"attestation.margin":      c.Attestation.Margin == want.Attestation.Margin,
		"attestation.uvm.feed":    c.Attestation.UVM.Feed == want.Attestation.UVM.Feed,
		"storage.dir":             c.Storage.Dir == want.Storage.Dir,
		"storage.silence":         c.Storage.Silence == want.Storage.Silence,
		"storage.missing":         c.Storage.Missing == want.Storage.Missing,
		"storage.postgres.port":   c.Storage.Postgres.Port == want.Storage.Postgres.Port,
		"storage.postgres but for what has none": c.Storage.Postgres.Timeout == want.Storage.Postgres.Timeout &&
			c.Storage.Postgres.Schema == want.Storage.Postgres.Schema && c.Storage.Postgres.Connections == want.Storage.Postgres.Connections,
		"storage.endpoints' numbers": time.Duration(c.Storage.Endpoints[0].Timeout) == DefaultRequestTimeout &&
			c.Storage.Endpoints[0].Connections == DefaultConnections && c.Storage.Endpoints[1].IdentityURL == DefaultIdentityURL,
		"limits":   c.Limits == want.Limits,
		"journal":  c.Journal == want.Journal,
		"log.dir":  c.Log.Dir == want.Log.Dir,
		"log.kind": c.Log.Kind == want.Log.Kind,
		"sessions but for its keys": cmp.Equal(c.Sessions, Sessions{
			Linger: want.Sessions.Linger, Idle: want.Sessions.Idle, MaxAge: want.Sessions.MaxAge, MaxBytes: want.Sessions.MaxBytes, Memory: want.Sessions.Memory, Keys: c.Sessions.Keys,
		}),
	} {
		if !same {
			t.Errorf("the example says that %s is the default, and it is not", name)
		}
	}
}

// TestT07OnlyTheFileCounts is T07: the configuration is a function of the bytes
// that are hashed. It parses under an environment that sets every key in every
// spelling that an overlay would use, and looks for a way to the environment
// in the source.
func TestT07OnlyTheFileCounts(t *testing.T) {
	before, raw := example(t)
	clean := regexp.MustCompile(`[^a-z0-9]+`)
	for _, k := range keys(reflect.TypeFor[Config](), "") {
		name := strings.ToUpper(strings.Trim(clean.ReplaceAllString(k, "_"), "_"))
		for _, prefix := range []string{"", "NOTARY_", "VERIPROOF_", "OTEL_"} {
			t.Setenv(prefix+name, "7")
		}
	}
	after, err := Parse(examplePath, raw)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(before, after, cmp.AllowUnexported(Config{})); d != "" {
		t.Error(d)
	}
	if before.Digest() != sha256.Sum256(raw) || !bytes.Equal(before.Raw(), raw) {
		t.Error("the digest is not that of the file's bytes")
	}
}

func TestT07SourceHasNoWayToTheEnvironment(t *testing.T) {
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	forbidden := []string{"Getenv", "LookupEnv", "Environ", "ExpandEnv", "Expand", "UserHomeDir", "UserConfigDir", "Args"}
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		f, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(f, func(n ast.Node) bool {
			if s, ok := n.(*ast.SelectorExpr); ok && slices.Contains(forbidden, s.Sel.Name) {
				t.Errorf("%s uses %s", name, s.Sel.Name)
			}
			return true
		})
	}
}

// TestT07EveryByteIsMeasured: also one that changes nothing for the notary.
func TestT07EveryByteIsMeasured(t *testing.T) {
	a, b := parseOK(t, minimal), parseOK(t, minimal+"# a comment\n")
	if a.Digest() == b.Digest() {
		t.Error("a comment does not change the digest")
	}
	raw := a.Raw()
	raw[0] = 'x'
	if a.Raw()[0] == 'x' {
		t.Error("Raw gives its own bytes away")
	}
}

func TestPaths(t *testing.T) {
	c, err := Parse("/etc/notary/notary.yaml", []byte(minimal))
	if err != nil {
		t.Fatal(err)
	}
	for in, want := range map[string]string{
		"a/b.wasm": "/etc/notary/a/b.wasm", "../x": "/etc/x", "/abs": "/abs", "": "",
	} {
		if got := c.Path(in); got != want {
			t.Errorf("Path(%q) = %q, want %q", in, got, want)
		}
	}
	if c.Name() != "/etc/notary/notary.yaml" {
		t.Errorf("Name %q", c.Name())
	}
}

func TestLoad(t *testing.T) {
	dir := t.TempDir()
	if _, err := Load(filepath.Join(dir, "absent.yaml")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("absent file: %v", err)
	}
	if _, err := Load(dir); err == nil {
		t.Error("a directory is a configuration")
	}
	big := filepath.Join(dir, "big.yaml")
	if err := os.WriteFile(big, append([]byte(minimal), bytes.Repeat([]byte("#\n"), MaxSize/2)...), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Load(big); err == nil || !strings.Contains(err.Error(), "more than 1048576 bytes") {
		t.Errorf("big file: %v", err)
	}
}
