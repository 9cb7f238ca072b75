package azure_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/veriproof/notary/attestation/evidence"
	"github.com/veriproof/notary/attestation/maa"
	"github.com/veriproof/notary/attestation/policy"
	"github.com/veriproof/notary/attestation/policy/azure"
	"github.com/veriproof/notary/attestation/runtimedata"
	"github.com/veriproof/notary/attestation/simtee"
)

var update = flag.Bool("update", false, "write testdata anew")

func example(t *testing.T) *policy.Policy {
	t.Helper()
	text, err := os.ReadFile("../testdata/example.yaml")
	if err != nil {
		t.Fatal(err)
	}
	p, err := policy.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func both(t *testing.T, p *policy.Policy) (maaText, release *azure.Text) {
	t.Helper()
	maaText, err := azure.MAAPolicy(p)
	if err != nil {
		t.Fatal(err)
	}
	release, err = azure.ReleasePolicy(p)
	if err != nil {
		t.Fatal(err)
	}
	return maaText, release
}

// TestFiles: the files in testdata are what the annotated policy makes, and keep to the
// grammars.
func TestFiles(t *testing.T) {
	text, release := both(t, example(t))
	for name, got := range map[string][]byte{"maa-policy.txt": text.Text, "release-policy.json": release.Text} {
		path := filepath.Join("testdata", name)
		if *update {
			if err := os.WriteFile(path, got, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(path)
		if err != nil || !bytes.Equal(got, want) {
			t.Errorf("%s: %v, now\n%s", name, err, got)
		}
	}
	if _, err := parseMAA(string(text.Text)); err != nil {
		t.Errorf("MAA policy: %v", err)
	}
	if _, err := parseRelease(release.Text); err != nil {
		t.Errorf("release policy: %v", err)
	}
	for _, o := range append(text.Omitted, release.Omitted...) {
		if !strings.HasSuffix(o, ".") {
			t.Errorf("omitted: %q", o)
		}
	}
}

// TestGrammar: the readers of these tests refuse what is not of the grammar.
func TestGrammar(t *testing.T) {
	text, release := both(t, example(t))
	for _, change := range [][2]string{
		{"1.2", "1.1"},
		{"=> permit", "permit"},
		{"issuancerules", "issuance"},
		{"&&", "and"},
		{"permit()", "deny()"},
		{`value==false`, `value=false`},
		{"};", "}"},
		{"add(type", "issue(type"},
	} {
		changed := strings.Replace(string(text.Text), change[0], change[1], 1)
		if _, err := parseMAA(changed); err == nil || changed == string(text.Text) {
			t.Errorf("%q for %q is read", change[1], change[0])
		}
	}
	for _, change := range [][2]string{
		{"1.0.0", "1.0.1"}, {`"equals"`, `"like"`}, {"allOf", "allof_"}, {"https://", "http://"}, {`"sevsnpvm"`, "true"}, {`"sevsnpvm"`, `["sevsnpvm"]`},
	} {
		changed := strings.Replace(string(release.Text), change[0], change[1], 1)
		if _, err := parseRelease([]byte(changed)); err == nil || changed == string(release.Text) {
			t.Errorf("%q for %q is read", change[1], change[0])
		}
	}
}

// TestAccepted holds both policies against tokens of the simulated MAA: of the notary that
// the relying party accepts, and of others. A token that lacks a claim is none of the
// accepted ones.
func TestAccepted(t *testing.T) {
	tee, err := simtee.New(simtee.Options{TestKeys: true})
	if err != nil {
		t.Fatal(err)
	}
	if err := tee.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	defer tee.Close()
	data := runtimeData(t)
	accepted, err := tee.Policy(digest(t, data.Notary.PluginSet), policy.Digest{7})
	if err != nil {
		t.Fatal(err)
	}
	redactor := data.Notary.Plugins["redact-pii"]
	accepted.Mode, accepted.UVM.Feed = "enforce", "ContainerPlat-AMD-UVM"
	accepted.Plugins = map[string]policy.Plugin{"redact-pii": {
		Required: true, Wasm: []policy.Digest{{1}, digest(t, redactor.Wasm)}, Config: []policy.Digest{digest(t, redactor.Config)},
	}}
	text, release := both(t, accepted)
	m, err1 := parseMAA(string(text.Text))
	r, err2 := parseRelease(release.Text)
	if err1 != nil || err2 != nil {
		t.Fatal(err1, err2)
	}

	for name, c := range map[string]struct {
		data   func(d *runtimedata.RuntimeData)
		report func(raw []byte)
		claims func(c map[string]any)
		want   bool
		maa    bool // what MAA would say, if that is not the same
	}{
		"the notary":       {want: true},
		"other plugin set": {data: func(d *runtimedata.RuntimeData) { d.Notary.PluginSet = hex(9) }},
		"other redactor": {data: func(d *runtimedata.RuntimeData) {
			d.Notary.Plugins["redact-pii"] = runtimedata.Plugin{Config: redactor.Config, Kind: "redactor", Limits: hex(1), Order: "1", Wasm: hex(9)}
		}},
		"redactor configured otherwise": {data: func(d *runtimedata.RuntimeData) {
			d.Notary.Plugins["redact-pii"] = runtimedata.Plugin{Config: hex(9), Kind: "redactor", Limits: hex(1), Order: "1", Wasm: redactor.Wasm}
		}},
		"no redactor": {data: func(d *runtimedata.RuntimeData) { delete(d.Notary.Plugins, "redact-pii") }},
		"shadow mode": {data: func(d *runtimedata.RuntimeData) { d.Notary.Mode = "shadow" }},
		"mode none": {data: func(d *runtimedata.RuntimeData) {
			d.Notary.Mode = "none"
			delete(d.Notary.Plugins, "redact-pii")
		}},
		"other image":     {claims: func(c map[string]any) { c["x-ms-sevsnpvm-hostdata"] = hex(9) }},
		"other VMPL":      {report: func(raw []byte) { raw[0x30] = 1 }},
		"debugged":        {report: func(raw []byte) { raw[0x08+2] |= 1 << 3 }}, // policy bit 19
		"can migrate":     {report: func(raw []byte) { raw[0x08+2] |= 1 << 2 }}, // bit 18
		"no runtime data": {claims: func(c map[string]any) { delete(c, "x-ms-runtime") }},
		"in an array": {claims: func(c map[string]any) {
			c["x-ms-runtime"] = map[string]any{"notary": []any{c["x-ms-runtime"].(map[string]any)["notary"]}}
		}},
		"client's own claim": {claims: func(c map[string]any) {
			delete(c, "x-ms-runtime")
			c["notary-plugin-set"], c["accepted-plugin-set"] = data.Notary.PluginSet, true
		}},
		"other instance":        {claims: func(c map[string]any) { c["iss"] = "https://b.example" }, maa: true},
		"other issuer's policy": {claims: func(c map[string]any) { c["x-ms-policy-hash"] = "x" }, maa: true},
		"no utility VM":         {claims: func(c map[string]any) { delete(c, "x-ms-compliance-status") }, maa: true},
		"other utility VM": {claims: func(c map[string]any) {
			c["x-ms-sevsnpvm-uvm-endorsement-headers"] = map[string]any{"feed": "other", "iss": tee.UVMDID()}
		}, maa: true},
	} {
		t.Run(name, func(t *testing.T) {
			d := runtimeData(t)
			if c.data != nil {
				c.data(d)
			}
			tee.SetFaults(simtee.Faults{Report: c.report, Claims: c.claims})
			token := tokenOf(t, tee, d)
			if got := r.releases(token); got != c.want {
				t.Errorf("a key is released: %t", got)
			}
			permitted, issued, err := m.evaluate(token)
			if err != nil || permitted != (c.want || c.maa) {
				t.Errorf("a token is given: %t, %v", permitted, err)
			}
			if c.want && (issued["notary-plugin-set"] != data.Notary.PluginSet || issued["notary-mode"] != "enforce") {
				t.Errorf("issued: %v", issued)
			}
		})
	}
}

// TestNoPlugins: a policy that any redaction code meets is not written for Azure.
func TestNoPlugins(t *testing.T) {
	for name, change := range map[string]func(p *policy.Policy){
		"none":     func(p *policy.Policy) { p.Plugins = nil },
		"optional": func(p *policy.Policy) { p.Plugins = map[string]policy.Plugin{"x": {Wasm: []policy.Digest{{1}}}} },
	} {
		p := example(t)
		p.PluginSet = nil
		change(p)
		_, err1 := azure.MAAPolicy(p)
		_, err2 := azure.ReleasePolicy(p)
		if !errors.Is(err1, azure.ErrNoPlugins) || !errors.Is(err2, azure.ErrNoPlugins) {
			t.Errorf("%s: %v, %v", name, err1, err2)
		}
	}
	p := example(t)
	p.PluginSet = make([]policy.Digest, 65)
	if _, err := azure.ReleasePolicy(p); err == nil || !strings.Contains(err.Error(), "more than 64 combinations") {
		t.Errorf("65 plugin sets: %v", err)
	}
	p = example(t)
	p.Issuers = nil
	if _, err := azure.ReleasePolicy(p); err == nil {
		t.Error("a key is released without an instance")
	}
	p = example(t)
	p.Versions = []string{`1"]`}
	if _, err := azure.MAAPolicy(p); err == nil {
		t.Error("a value leaves its string")
	}
}

// TestOmitted: whatever of a policy is not asked is told.
func TestOmitted(t *testing.T) {
	text, release := both(t, example(t))
	all := strings.Join(append(text.Omitted, release.Omitted...), "\n")
	for _, key := range []string{"products", "minimum_tcb", "platform", "guest_policy", "max_age", "log", "min_svn", "debug-dump", "store-dir", "Plugins without a rule"} {
		if !strings.Contains(all, key) {
			t.Errorf("%s is not told", key)
		}
	}
}

// TestPolicyHash: base64url of the SHA-256 of base64url of the text, here "YQ".
func TestPolicyHash(t *testing.T) {
	if got := azure.PolicyHash([]byte("a")); got != "8NX4mu6PSkhiPRwDQxEypr9eDikZbovdJHvQcNTjFLA" {
		t.Error(got)
	}
}

func runtimeData(t *testing.T) *runtimedata.RuntimeData {
	t.Helper()
	vectors, err := os.ReadFile("../../runtimedata/testdata/vectors.json")
	if err != nil {
		t.Fatal(err)
	}
	var v struct {
		Valid []struct {
			RuntimeData string `json:"runtime_data"`
		} `json:"valid"`
	}
	if err := json.Unmarshal(vectors, &v); err != nil {
		t.Fatal(err)
	}
	for _, one := range v.Valid {
		d, err := runtimedata.Parse([]byte(one.RuntimeData))
		if err == nil && d.Notary.Mode == "enforce" && slices.Contains(slices.Collect(maps.Keys(d.Notary.Plugins)), "redact-pii") {
			return d
		}
	}
	t.Fatal("no vector of runtime data has a plugin redact-pii")
	return nil
}

func hex(first byte) string { return policy.Digest{first}.String() }

func digest(t *testing.T, text string) (d policy.Digest) {
	t.Helper()
	if err := d.UnmarshalText([]byte(text)); err != nil {
		t.Fatal(err)
	}
	return d
}

// tokenOf has the simulator attest runtime data and returns the token's claims, which the
// faults may have changed.
func tokenOf(t *testing.T, tee *simtee.TEE, d *runtimedata.RuntimeData) map[string]any {
	t.Helper()
	data, err := d.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := tee.WriteSecurityContext(dir); err != nil {
		t.Fatal(err)
	}
	source := evidence.Sidecar{URL: tee.SidecarURL(), SecurityContextDir: dir}
	e, err := source.Collect(context.Background(), data)
	if err != nil {
		t.Fatal(err)
	}
	client := maa.Client{URL: tee.MAAURL(), HTTP: tee.MAAHTTPClient()}
	token, err := client.Attest(context.Background(), maa.Request{Report: e.Report, VCEKChain: e.VCEKChain, UVM: e.UVM, RuntimeData: data})
	if err != nil {
		t.Fatal(err)
	}
	_, payload, err := maa.Decode(token)
	if err != nil {
		t.Fatal(err)
	}
	claims := map[string]any{}
	decoder := json.NewDecoder(bytes.NewReader(payload))
	decoder.UseNumber()
	if err := decoder.Decode(&claims); err != nil {
		t.Fatal(err)
	}
	return claims
}
