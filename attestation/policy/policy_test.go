package policy

import (
	"errors"
	"os"
	"reflect"
	"strings"
	"testing"
	"time"

	"go.yaml.in/yaml/v4"

	"github.com/veriproof/notary/attestation/internal/snptest"
	"github.com/veriproof/notary/attestation/internal/uvmtest"
	"github.com/veriproof/notary/attestation/snp"
	"github.com/veriproof/notary/attestation/uvm"
)

// minimal is the least that a policy must say.
const minimal = `format: "1"
products: [Genoa]
host_data: [0ee2054606c2af7292607efd12f0745a4a97ca52c92005488ca1de54c4be349e]
uvm: {min_svn: 104}
`

func example(t testing.TB) []byte {
	t.Helper()
	b, err := os.ReadFile("testdata/example.yaml")
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestExampleFile(t *testing.T) {
	p, err := Parse(example(t))
	if err != nil {
		t.Fatal(err)
	}
	if p.Issuers[0].Issuer != "https://contoso.weu.attest.azure.net" || p.MaxAge != 24*time.Hour || p.UVM.MinSVN != 104 ||
		p.HostData[0].String() != "0ee2054606c2af7292607efd12f0745a4a97ca52c92005488ca1de54c4be349e" ||
		!p.Plugins["redact-pii"].Required || !p.Plugins["debug-dump"].Forbidden || p.Plugins["store-dir"].Required ||
		p.MinimumTCB[snp.Turin].Parts() != (snp.TCB{FMC: 1, Bootloader: 1, TEE: 1, SNP: 4, Microcode: 80}) || p.Versions[1] != "1.0.1" {
		t.Errorf("parsed is %+v", p)
	}
	if w := p.Warnings(); w != nil {
		t.Errorf("warnings %v", w)
	}
	a, err := p.Anchors(false)
	if err != nil || a.Simulated || len(a.Issuers) != 1 || !reflect.DeepEqual(a.UVMDIDs, []string{uvm.MicrosoftDID}) {
		t.Errorf("anchors %+v, %v", a, err)
	}
}

// TestExampleMentionsEachKey keeps the file with the comments complete.
func TestExampleMentionsEachKey(t *testing.T) {
	text := string(example(t))
	for key := range fields(reflect.TypeFor[Policy]()) {
		if key != "simulated" && !strings.Contains(text, "\n"+key+":") && !strings.Contains(text, "\n# "+key+":") {
			t.Errorf("testdata/example.yaml does not show the key %s", key)
		}
	}
}

func TestDefaults(t *testing.T) {
	p, err := Parse([]byte(minimal))
	if err != nil {
		t.Fatal(err)
	}
	if p.Mode != "enforce" || p.UVM.Feed != uvm.ContainerFeed || p.UVM.Issuer != uvm.MicrosoftDID || !reflect.DeepEqual(p.Require, []string{PathHardware}) {
		t.Errorf("defaults are %+v", p)
	}
	if p.MinimumTCB != nil || p.PluginSet != nil || p.Plugins != nil || p.Config != nil || p.ChipIDs != nil || p.Versions != nil || p.Log != nil {
		t.Errorf("what is not named is not nil: %+v", p)
	}
	if w := p.Warnings(); len(w) != 2 {
		t.Errorf("warnings %q", w)
	}
	p, err = Parse([]byte(minimal + "issuers: [{issuer: https://a.example, policy_hash: any}]\n"))
	if err != nil || !reflect.DeepEqual(p.Require, []string{PathHardware, PathMAA}) {
		t.Errorf("required with an issuer: %v, %v", p.Require, err)
	}
}

// What a policy leaves open although it looks closed is said in one line each.
func TestWarnings(t *testing.T) {
	hex32 := strings.Repeat("ab", 32)
	base := minimal + "minimum_tcb: {Genoa: {snp: 1}}\n"
	const anyConfig, noneRequired = "Plugin redact-pii is required with any configuration", "No plugin is required"
	for _, c := range []struct {
		name, yaml string
		want       []string
	}{
		{"required plugin without a configuration", "plugins: {redact-pii: {required: true, wasm: [HEX]}}", []string{anyConfig}},
		{"the set stands for configurations", "plugin_set: [HEX]\nplugins: {redact-pii: {required: true, wasm: [HEX]}}", nil},
		{"required plugin with one", "plugins: {redact-pii: {required: true, wasm: [HEX], config: [HEX]}}", nil},
		{"two plugins without", "plugins: {a: {required: true, wasm: [HEX]}, b: {required: true, wasm: [HEX]}, c: {wasm: [HEX]}}", []string{"Plugin a is", "Plugin b is"}},
		{"nothing required", "plugins: {redact-pii: {wasm: [HEX]}, x: {forbidden: true}}", []string{noneRequired}},
		{"nothing at all", "mode: enforce", []string{"any redaction code is accepted"}},
		{"no redactor is wanted", "mode: none", []string{"no redactor sees the data"}},
		{"any policy hash", "plugin_set: [HEX]\nissuers: [{issuer: 'https://a.example', policy_hash: any}]", []string{"https://a.example is accepted under any policy_hash"}},
		{"MAA alone", "plugin_set: [HEX]\nrequire: [maa]\nissuers: [{issuer: 'https://a.example', policy_hash: " + strings.Repeat("A", 43) + "}]", []string{"only the reported TCB"}},
	} {
		p, err := Parse([]byte(base + strings.ReplaceAll(c.yaml, "HEX", hex32) + "\n"))
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		w := p.Warnings()
		if len(w) != len(c.want) {
			t.Errorf("%s: %q, want %q", c.name, w, c.want)
			continue
		}
		for i, s := range w {
			if !strings.Contains(s, c.want[i]) || strings.ContainsAny(s, "\r\n") || !strings.HasSuffix(s, ".") {
				t.Errorf("%s: %q, want one line with %q", c.name, s, c.want[i])
			}
		}
	}
}

// An issuer needs no hash where its tokens decide nothing.
func TestPolicyHashWhereTokensAreNotRequired(t *testing.T) {
	if _, err := Parse([]byte(minimal + "require: [hardware]\nissuers: [{issuer: 'https://a.example'}]\n")); err != nil {
		t.Error(err)
	}
}

// A relying party that accepts Milan is told what that means.
func TestT01WarnsOnMilan(t *testing.T) {
	p, err := Parse([]byte(strings.Replace(minimal, "Genoa", "Genoa, Milan", 1)))
	if err != nil || !strings.Contains(strings.Join(p.Warnings(), " "), "arXiv 2605.12990") {
		t.Errorf("%v, %v", p.Warnings(), err)
	}
}

func TestParseRefuses(t *testing.T) {
	hex32 := strings.Repeat("ab", 32)
	cases := []struct{ name, yaml, want string }{
		{"empty", "", "no documents"},
		{"scalar", "policy", "line 1: want a mapping"},
		{"list", "- a", "line 1: want a mapping"},
		{"two documents", minimal + "---\n" + minimal, "multiple"},
		{"not YAML", "a: [", "line"},
		{"too large", "# " + strings.Repeat("x", MaxSize), "at most"},
		{"unknown key with a near one", minimal + "hostdata: [" + hex32 + "]\n", `line 5: unknown key "hostdata", did you mean "host_data"?`},
		{"unknown key in another case", minimal + "Mode: enforce\n", `line 5: unknown key "Mode", did you mean "mode"?`},
		{"unknown key with none near", minimal + "frobnicate: 1\n", `line 5: unknown key "frobnicate", known here: chip_ids, committed_firmware, config`},
		{"unknown key below", minimal + "log:\n  orgin: x\n", `line 6: unknown key "orgin", did you mean "origin"?`},
		{"unknown key in a list", minimal + "issuers:\n  - isuer: x\n", `line 6: unknown key "isuer", did you mean "issuer"?`},
		{"unknown key in a map", minimal + "plugins:\n  a:\n    wasn: []\n", `line 7: unknown key "wasn", did you mean "wasm"?`},
		{"repeated key", minimal + "mode: enforce\nmode: enforce\n", "line 6"},
		{"key without a value", minimal + "config:\n", "line 5: config has no value"},
		{"null", minimal + "config: ~\n", "line 5: config has no value"},
		{"empty list", minimal + "config: []\n", "line 5: config is empty"},
		{"null in a list", minimal + "config: [" + hex32 + ", ]\nversions: [null]\n", "line 6: an entry of versions has no value"},
		{"empty map", minimal + "plugins: {}\n", "line 5: plugins is empty"},
		{"alias", minimal + "config: &x [" + hex32 + "]\nrecipients: *x\n", "line 5: anchors and aliases"},
		{"merge key", minimal + "<<: {mode: shadow}\n", "line 5: a key must be a plain word"},
		{"tag", minimal + "mode: !!binary c2hhZG93\n", "line 5: tags such as !!binary"},
		{"tag on a list", minimal + "config: !x [" + hex32 + "]\n", "line 5: tags such as !x"},
		{"octal number", strings.Replace(minimal, "min_svn: 104", "min_svn: 0104", 1), "min_svn is \"0104\", want a decimal number"},
		{"octal number, newly", strings.Replace(minimal, "min_svn: 104", "min_svn: 0o150", 1), "want a decimal number"},
		{"number in hex", strings.Replace(minimal, "min_svn: 104", "min_svn: 0x68", 1), "want a decimal number"},
		{"number with an exponent", strings.Replace(minimal, "min_svn: 104", "min_svn: 1e2", 1), "want a decimal number"},
		{"number with an underscore", strings.Replace(minimal, "min_svn: 104", "min_svn: 1_04", 1), "want a decimal number"},
		{"least TCB in hex", minimal + "minimum_tcb: {Genoa: {snp: 0x17}}\n", "line 5: snp is \"0x17\", want a decimal number"},
		{"yes for true", minimal + "committed_firmware: yes\n", "line 5: committed_firmware is \"yes\", want true or false"},
		{"off for false", minimal + "plugins: {a: {wasm: [" + hex32 + "], required: off}}\n", "want true or false"},
		{"list for a word", minimal + "mode: [enforce]\n", "line 5"},
		{"word for a list", minimal + "config: " + hex32 + "\n", "line 5"},
		{"number too large", minimal + "minimum_tcb: {Genoa: {snp: 256}}\n", "line 5"},
		{"digest upper case", minimal + "config: [" + strings.Repeat("AB", 32) + "]\n", "line 5: \"ABABABABABABABABABAB\"… is not a SHA-256: want 64 characters of lower-case hex"},
		{"digest short", minimal + "config: [abab]\n", "want 64"},
		{"chip id short", minimal + "chip_ids: [abab]\n", "want 128"},
		{"no format", strings.Replace(minimal, `format: "1"`, "mode: enforce", 1), `want "1"`},
		{"format of the future", strings.Replace(minimal, `"1"`, `"2"`, 1), `want "1"`},
		{"no host_data", without("host_data"), "host_data is missing: any confidential container"},
		{"no products", without("products"), "products is missing"},
		{"SMT required", minimal + "platform: {smt: required}\n", "platform.smt is \"required\", want [\"forbidden\"]"},
		{"ECC forbidden", minimal + "platform: {ecc: forbidden}\n", "platform.ecc"},
		{"alias check forbidden", minimal + "platform: {alias_check: forbidden}\n", "platform.alias_check"},
		{"TSME wished for", minimal + "platform: {tsme: wished}\n", "platform.tsme"},
		{"AES-256-XTS forbidden", minimal + "guest_policy: {mem_aes256_xts: forbidden}\n", "guest_policy.mem_aes256_xts"},
		{"debug", minimal + "guest_policy: {debug: required}\n", `unknown key "debug"`},
		{"platform empty", minimal + "platform: {}\n", "platform is empty"},
		{"age on the hardware path alone", minimal + "max_age: 1h\n", "a report has no date"},
		{"platform on the MAA path alone", minimal + "issuers: [{issuer: https://a.example, policy_hash: any}]\nrequire: [maa]\nplatform: {ecc: required}\n", "only one on which it can be checked"},
		{"revocation on the MAA path alone", minimal + "issuers: [{issuer: https://a.example, policy_hash: any}]\nrequire: [maa]\nrevocation: {required: true}\n", "revocation is given"},
		{"revocation that demands nothing", minimal + "revocation: {required: false}\n", "revocation demands nothing"},
		{"revocation list", minimal + "revocation: {crls: [x]}\n", "revocation.crls[0]"},
		{"no UVM", without("uvm"), "uvm.min_svn is missing"},
		{"no minimum SVN", strings.Replace(minimal, "{min_svn: 104}", "{feed: x}", 1), "uvm.min_svn is missing"},
		{"negative SVN", strings.Replace(minimal, "104", "-1", 1), "line 4"},
		{"unknown product", strings.Replace(minimal, "Genoa", "Naples", 1), "known are Milan, Genoa, Turin"},
		{"product in another case", strings.Replace(minimal, "Genoa", "genoa", 1), "known are Milan, Genoa, Turin"},
		{"allow-all of confcom", strings.Replace(minimal, "0ee2054606c2af7292607efd12f0745a4a97ca52c92005488ca1de54c4be349e", "4f4448c67f3c8dfc8de8a5e37125d807dadcc41f06cf23f615dbd52eec777d10", 1), "confcom's debug mode"},
		{"allow-all of clean rooms", strings.Replace(minimal, "0ee2054606c2af7292607efd12f0745a4a97ca52c92005488ca1de54c4be349e", "73973b78d70cc68353426de188db5dfc57e5b766e399935fb73a61127ea26d20", 1), "allow-all CCE policy"},
		{"no minimum for a line", minimal + "minimum_tcb: {Turin: {snp: 1}}\n", "no entry for the accepted product line Genoa"},
		{"minimum for another line", minimal + "minimum_tcb: {Genoa: {snp: 1}, Turin: {snp: 1}}\n", "not in products"},
		{"FMC on Genoa", minimal + "minimum_tcb: {Genoa: {fmc: 1}}\n", "only Turin has"},
		{"UVM issuer", strings.Replace(minimal, "{min_svn", "{issuer: 'did:web:x', min_svn", 1), "uvm.issuer"},
		{"path unknown", minimal + "require: [tpm]\n", "require names"},
		{"path without issuers", minimal + "require: [maa]\n", "there are no issuers"},
		{"issuer with http", minimal + "issuers: [{issuer: 'http://a.example'}]\n", "want https://HOST"},
		{"issuer with a slash", minimal + "issuers: [{issuer: 'https://a.example/'}]\n", "want https://HOST"},
		{"issuer with a user", minimal + "issuers: [{issuer: 'https://u@a.example'}]\n", "want https://HOST"},
		{"issuer without a policy hash", minimal + "issuers: [{issuer: 'https://a.example'}]\n", "policy_hash of https://a.example is missing"},
		{"one issuer of two without a policy hash", minimal + "require: [maa]\nissuers: [{issuer: 'https://b.example', policy_hash: any}, {issuer: 'https://a.example'}]\n", "policy_hash of https://a.example is missing"},
		{"policy hash empty", minimal + "issuers: [{issuer: 'https://a.example', policy_hash: ''}]\n", "line 5: policy_hash is empty"},
		{"policy hash in another case", minimal + "issuers: [{issuer: 'https://a.example', policy_hash: Any}]\n", "or any"},
		{"mode empty", minimal + "mode: ''\n", "line 5: mode is empty"},
		{"word empty in a list", minimal + "versions: ['1.0', '']\n", "line 5: an entry of versions is empty"},
		{"path twice", minimal + "require: [hardware, hardware]\n", "require names \"hardware\" twice"},
		{"FMC on the MAA path alone", strings.Replace(minimal, "Genoa", "Turin", 1) + "issuers: [{issuer: https://a.example, policy_hash: any}]\nrequire: [maa]\nminimum_tcb: {Turin: {fmc: 1}}\n", "minimum_tcb.fmc is given"},
		{"age of nothing", minimal + "issuers: [{issuer: https://a.example, policy_hash: any}]\nmax_age: 0s\n", "max_age is 0s, want a positive duration"},
		{"age of nothing on the hardware path", minimal + "max_age: -0h\n", "max_age is 0s, want a positive duration"},
		{"issuer twice", minimal + "issuers: [{issuer: 'https://a.example', policy_hash: any}, {issuer: 'https://a.example', policy_hash: any}]\n", "twice"},
		{"policy hash in hex", minimal + "issuers: [{issuer: 'https://a.example', policy_hash: " + hex32 + "}]\n", "policy_hash"},
		{"key set", minimal + "issuers: [{issuer: 'https://a.example', jwks: '{}'}]\n", "jwks of https://a.example"},
		{"age without a unit", minimal + "max_age: 24\n", "line 5"},
		{"age negative", minimal + "max_age: -1h\n", "positive"},
		{"plugin name", minimal + "plugins: {Redact_PII: {wasm: [" + hex32 + "]}}\n", "want 1 to 40 of a-z 0-9 -"},
		{"plugin by name alone", minimal + "plugins: {redact-pii: {required: true}}\n", "a name alone does not identify code"},
		{"plugin forbidden and required", minimal + "plugins: {redact-pii: {required: true, forbidden: true}}\n", "cannot have other rules"},
		{"mode", minimal + "mode: off\n", `want "enforce", "shadow" or "none"`},
		{"version", minimal + "versions: ['1 0']\n", "versions has"},
		{"log without keys", minimal + "log: {origin: x}\n", "origin and keys"},
		{"log key without parts", minimal + "log: {origin: x, keys: [abc]}\n", "NAME+ID+KEY"},
		{"log key with another id", minimal + "log: {origin: x, keys: ['log+00000000+AQIDBA==']}\n", "does not fit"},
		{"private key of a log", minimal + "log: {origin: x, keys: ['PRIVATE+KEY+x+00000000+AAAA']}\n", "a private key, which is not repeated here, is not a verifier key"},
		{"log key not base64", minimal + "log: {origin: x, keys: ['log+00000000+*']}\n", "not base64"},
		{"simulated without anything", minimal + "simulated: {issuer: 'https://a.example'}\n", "ark_pem"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			p, err := Parse([]byte(c.yaml))
			if !errors.Is(err, ErrInvalid) || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%+v, %v\nwant %q", p, err, c.want)
			}
		})
	}
}

// without takes one line out of the minimal policy.
func without(key string) string {
	var b strings.Builder
	for line := range strings.Lines(minimal) {
		if !strings.HasPrefix(line, key) {
			b.WriteString(line)
		}
	}
	return b.String()
}

// jwks has one RSA key of 2048 bits.
const jwks = `{"keys":[{"kty":"RSA","alg":"RS256","use":"sig","kid":"k","e":"AQAB","n":"0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw"}]}`

func simulated() *Policy {
	chain := snptest.New("Genoa", 3)
	ark := string(chain.ChainPEM())
	ark = ark[strings.LastIndex(ark, "-----BEGIN"):]
	return &Policy{
		Format: Format, Products: []snp.Product{snp.Genoa}, HostData: []Digest{{1}}, UVM: UVM{MinSVN: 1},
		Simulated: &Simulated{ARK: ark, UVMDID: uvmtest.New(nil).DID(), Issuer: "https://127.0.0.1:8443", JWKS: jwks},
	}
}

func dump(t testing.TB, p *Policy) []byte {
	t.Helper()
	b, err := yaml.Dump(p)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// T09: simulated trust takes a word of the caller's, and replaces real trust.
func TestT09Simulated(t *testing.T) {
	p, err := Parse(dump(t, simulated()))
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(p.Require, []string{PathHardware, PathMAA}) || p.UVM.Issuer != "" || len(p.Warnings()) == 0 {
		t.Errorf("defaults are %+v", p)
	}
	if a, err := p.Anchors(false); !errors.Is(err, ErrSimulated) {
		t.Errorf("not allowed: %+v, %v", a, err)
	}
	a, err := p.Anchors(true)
	if err != nil || !a.Simulated || a.Issuers[0].Issuer != p.Simulated.Issuer || !reflect.DeepEqual(a.UVMDIDs, []string{p.Simulated.UVMDID}) {
		t.Fatalf("allowed: %+v, %v", a, err)
	}
	ark, err := p.Simulated.ark()
	if err != nil {
		t.Fatal(err)
	}
	if _, ok := a.Roots.Anchor(ark); !ok {
		t.Error("the simulator's root is not trusted")
	}
}

func TestSimulatedRefuses(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*Policy)
		want   string
	}{
		"issuers too":          {func(p *Policy) { p.Issuers = []Issuer{{Issuer: "https://a.example", PolicyHash: AnyPolicyHash}} }, "either for real or for simulated"},
		"UVM issuer too":       {func(p *Policy) { p.UVM.Issuer = uvm.MicrosoftDID }, "either for real or for simulated"},
		"no root":              {func(p *Policy) { p.Simulated.ARK = "x" }, "not one PEM certificate"},
		"two roots":            {func(p *Policy) { p.Simulated.ARK += p.Simulated.ARK }, "not one PEM certificate"},
		"root is junk":         {func(p *Policy) { p.Simulated.ARK = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n" }, "ark_pem"},
		"UVM issuer is no DID": {func(p *Policy) { p.Simulated.UVMDID = "did:web:x" }, "uvm_did"},
		"issuer":               {func(p *Policy) { p.Simulated.Issuer = "http://127.0.0.1" }, "want https://HOST"},
	} {
		p := simulated()
		c.change(p)
		if _, err := Parse(dump(t, p)); !errors.Is(err, ErrInvalid) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
	p := simulated()
	p.Simulated.JWKS = ""
	if _, err := Parse(dump(t, p)); err != nil {
		t.Errorf("keys that the verifier is given: %v", err)
	}
}

// What yaml.Dump writes of a policy means the same policy.
func TestRoundTrip(t *testing.T) {
	p, err := Parse(example(t))
	if err != nil {
		t.Fatal(err)
	}
	p.ChipIDs = []ChipID{{1, 2, 3}}
	again, err := Parse(dump(t, p))
	if err != nil || !reflect.DeepEqual(p, again) {
		t.Errorf("%+v, %v\nwant %+v", again, err, p)
	}
}

func TestDistance(t *testing.T) {
	for _, c := range []struct {
		a, b string
		want int
	}{{"", "", 0}, {"a", "", 1}, {"", "abc", 3}, {"kitten", "sitting", 3}, {"host_data", "hostdata", 1}, {"same", "same", 0}} {
		if got := distance(c.a, c.b); got != c.want {
			t.Errorf("%q, %q: %d, want %d", c.a, c.b, got, c.want)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add(example(f))
	f.Add([]byte(minimal))
	f.Add(dump(f, simulated()))
	f.Add([]byte("format: !!binary AA\nproducts: !x [Genoa]\n? [a]\n: b\n"))
	f.Add([]byte("a: &a [*a]\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		p, err := Parse(b)
		if err != nil {
			if !errors.Is(err, ErrInvalid) {
				t.Errorf("untyped error %v", err)
			}
			return
		}
		if len(p.HostData) == 0 || len(p.Products) == 0 || p.UVM.MinSVN == 0 || p.Mode == "" || len(p.Require) == 0 {
			t.Errorf("accepted %+v", p)
		}
		if _, err := p.Anchors(false); p.Simulated != nil && !errors.Is(err, ErrSimulated) {
			t.Errorf("simulated without leave: %v", err)
		}
		again, err := Parse(dump(t, p))
		if err != nil || !reflect.DeepEqual(p, again) {
			t.Errorf("round trip: %v", err)
		}
	})
}
