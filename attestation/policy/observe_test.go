package policy

import (
	"bytes"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/veriproof/notary/attestation/evidence"
	"github.com/veriproof/notary/attestation/internal/snptest"
	"github.com/veriproof/notary/attestation/internal/uvmtest"
	"github.com/veriproof/notary/attestation/maa"
	"github.com/veriproof/notary/attestation/runtimedata"
	"github.com/veriproof/notary/attestation/snp"
	"github.com/veriproof/notary/attestation/uvm"
)

var observedAt = time.Date(2026, 4, 1, 0, 0, 0, 0, time.UTC)

// observed is what a notary on hardware of the test's own shows.
func observed(t testing.TB, line string, report func([]byte)) Observed {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	d := func(s string) string { return Digest(sha256.Sum256([]byte(s))).String() }
	plugin := func(name, kind string) runtimedata.Plugin {
		return runtimedata.Plugin{Config: d(name + "config"), Kind: kind, Limits: d("limits"), Order: "1", Wasm: d(name)}
	}
	data, err := runtimedata.RuntimeData{
		Keys: []runtimedata.JWK{runtimedata.RSAKey(&key.PublicKey)},
		Notary: runtimedata.Notary{
			Config: d("config"), Epoch: strings.Repeat("0f", 16), Format: "1", Mode: "shadow", PluginSet: d("set"),
			Plugins:    map[string]runtimedata.Plugin{"redact-pii": plugin("pii", runtimedata.KindRedactor), "store-dir": plugin("store", runtimedata.KindStorage)},
			Recipients: d("recipients"), SigningKey: base64.RawURLEncoding.EncodeToString(make([]byte, 32)), TLSSPKI: d("spki"), Version: "1.2.3",
		},
	}.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	p, s := snptest.New(line, 3), uvmtest.New(nil)
	cce := []byte("package policy\n")
	raw := p.Report(func(b []byte) {
		rd, hd := runtimedata.ReportData(data), sha256.Sum256(cce)
		copy(b[0x050:], rd[:])
		copy(b[0x0C0:], hd[:])
		if report != nil {
			report(b)
		}
	})
	return Observed{
		RuntimeData: data, At: observedAt,
		Evidence: evidence.Evidence{
			Report: raw, VCEKChain: p.ChainPEM(), UVM: s.Sign(s.CWT(uvm.ContainerFeed, 104, [48]byte(raw[0x090:]))), CCEPolicy: cce,
		},
		Simulated: &Simulated{
			ARK:    string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: p.Certs[2].Raw})),
			UVMDID: s.DID(), Issuer: "https://127.0.0.1:8443", JWKS: jwks,
		},
	}
}

func TestFromEvidence(t *testing.T) {
	// The committed SNP firmware is older than the reported one.
	o := observed(t, "Genoa", func(b []byte) { b[0x1E6] = 20 })
	p, err := FromEvidence(o)
	if err != nil {
		t.Fatal(err)
	}
	want := &Policy{
		Format: "1", Require: []string{PathHardware, PathMAA}, Products: []snp.Product{snp.Genoa},
		MinimumTCB: map[snp.Product]TCB{snp.Genoa: {Bootloader: 4, TEE: 1, SNP: 20, Microcode: 219}},
		HostData:   []Digest{sha256.Sum256(o.Evidence.CCEPolicy)}, UVM: UVM{Feed: uvm.ContainerFeed, MinSVN: 104},
		PluginSet: []Digest{sha256.Sum256([]byte("set"))}, Config: []Digest{sha256.Sum256([]byte("config"))},
		Recipients: []Digest{sha256.Sum256([]byte("recipients"))}, Mode: "enforce", Versions: []string{"1.2.3"},
		Plugins: map[string]Plugin{
			"redact-pii": {Wasm: []Digest{sha256.Sum256([]byte("pii"))}, Config: []Digest{sha256.Sum256([]byte("piiconfig"))}, Required: true},
			"store-dir":  {Wasm: []Digest{sha256.Sum256([]byte("store"))}, Config: []Digest{sha256.Sum256([]byte("storeconfig"))}},
		},
		Simulated: o.Simulated,
	}
	if !reflect.DeepEqual(p, want) {
		t.Errorf("%+v\nwant %+v", p, want)
	}
	roundTrip(t, p)
}

// roundTrip demands that the commented file means the policy, and comments each key.
func roundTrip(t *testing.T, p *Policy) string {
	t.Helper()
	b, err := p.YAML()
	if err != nil {
		t.Fatal(err)
	}
	again, err := Parse(b)
	if err != nil || !reflect.DeepEqual(p, again) {
		t.Errorf("%v\n%s", err, b)
	}
	text := string(b)
	last := ""
	for line := range strings.Lines(text) {
		if strings.TrimSpace(line) != "" && line[0] != ' ' && line[0] != '#' && line[0] != '-' && !strings.HasPrefix(last, "#") {
			t.Errorf("no comment before %q", line)
		}
		last = line
	}
	return text
}

func TestYAMLOfTheExample(t *testing.T) {
	p, err := Parse(example(t))
	if err != nil {
		t.Fatal(err)
	}
	p.ChipIDs, p.CommittedFirmware = []ChipID{{1}}, true
	p.Revocation = &Revocation{CRLs: []string{string(pem.EncodeToMemory(&pem.Block{Type: "X509 CRL", Bytes: snptest.New("Genoa", 3).CRL(observedAt, nil)}))}}
	p.Issuers[0].JWKS = jwks
	roundTrip(t, p)
	for key := range fields(reflect.TypeFor[Policy]()) {
		if comments[key] == "" {
			t.Errorf("the key %s has no comment", key)
		}
	}
}

// T01: on Milan the first policy warns and pins the chip.
func TestT01FromEvidenceOnMilan(t *testing.T) {
	p, err := FromEvidence(observed(t, "Milan", nil))
	if err != nil || len(p.ChipIDs) != 1 {
		t.Fatalf("%+v, %v", p, err)
	}
	if text := roundTrip(t, p); !strings.Contains(text, "WARNING: Milan's root seed is public (arXiv 2605.12990)") {
		t.Errorf("no warning in\n%s", text)
	}
	if e := strings.Join(p.Explain(), "\n"); !strings.Contains(e, "Warning: Product line Milan is accepted") {
		t.Errorf("no warning in\n%s", e)
	}
}

func TestFromEvidenceWithAToken(t *testing.T) {
	o := observed(t, "Genoa", nil)
	r, err := snp.Parse(o.Evidence.Report)
	if err != nil {
		t.Fatal(err)
	}
	o.Claims = &maa.Claims{
		Issuer: "https://contoso.weu.attest.azure.net", PolicyHash: maa.DefaultPolicyHash, Simulated: true,
		ReportData: r.ReportData, HostData: r.HostData, LaunchMeasurement: r.Measurement,
	}
	if _, err := FromEvidence(o); err != nil {
		t.Errorf("simulated token: %v", err)
	}
	var p Policy
	p.pinIssuer(o.Claims, []byte(jwks))
	if want := []Issuer{{Issuer: o.Claims.Issuer, PolicyHash: maa.DefaultPolicyHash, JWKS: jwks}}; !reflect.DeepEqual(p.Issuers, want) {
		t.Errorf("issuers %+v", p.Issuers)
	}
}

// A policy is never made of what is not true or never acceptable.
func TestFromEvidenceRefuses(t *testing.T) {
	good := observed(t, "Genoa", nil)
	for name, c := range map[string]struct {
		report func([]byte)
		change func(*Observed)
		want   string
	}{
		"AMD's roots are none of the test's":    {nil, func(o *Observed) { o.Simulated = nil }, "not a trusted root"},
		"no time":                               {nil, func(o *Observed) { o.At = time.Time{} }, "Observed.At"},
		"certificates expired":                  {nil, func(o *Observed) { o.At = snptest.NotAfter.AddDate(0, 0, 1) }, "not valid"},
		"other runtime data":                    {nil, func(o *Observed) { o.RuntimeData = []byte("{}") }, "not over this runtime data"},
		"report damaged":                        {nil, func(o *Observed) { o.Evidence.Report[0x90] ^= 1 }, "does not verify"},
		"no endorsement":                        {nil, func(o *Observed) { o.Evidence.UVM = nil }, "UVM endorsement"},
		"endorsement of another signer":         {nil, func(o *Observed) { o.Evidence.UVM = observed(t, "Genoa", nil).Evidence.UVM }, "not trusted"},
		"endorsement of another measurement":    {func(b []byte) { b[0x90] ^= 1 }, func(o *Observed) { o.Simulated.UVMDID, o.Evidence.UVM = good.Simulated.UVMDID, good.Evidence.UVM }, "another launch measurement"},
		"debug":                                 {func(b []byte) { b[0x0A] |= 8 }, nil, "debugging"},
		"allow-all container policy":            {func(b []byte) { d := allowAllDigest(t); copy(b[0xC0:], d[:]) }, func(o *Observed) { o.Evidence.CCEPolicy = nil }, "host may run anything"},
		"token about another guest":             {nil, func(o *Observed) { o.Claims = &maa.Claims{Simulated: true} }, "different guests"},
		"token under a policy of any hash":      {nil, func(o *Observed) { o.Claims = claimsOf(t, o); o.Claims.PolicyHash = AnyPolicyHash }, "policy hash"},
		"real token with a simulator's anchors": {nil, func(o *Observed) { o.Claims = claimsOf(t, o) }, "simulated: false"},
	} {
		o := observed(t, "Genoa", c.report)
		if c.change != nil {
			c.change(&o)
		}
		if p, err := FromEvidence(o); p != nil || err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
	if _, err := FromEvidence(Observed{At: observedAt}); !errors.Is(err, evidence.ErrReport) {
		t.Errorf("nothing: %v", err)
	}
}

func claimsOf(t testing.TB, o *Observed) *maa.Claims {
	t.Helper()
	r, err := snp.Parse(o.Evidence.Report)
	if err != nil {
		t.Fatal(err)
	}
	return &maa.Claims{ReportData: r.ReportData, HostData: r.HostData, LaunchMeasurement: r.Measurement}
}

func allowAllDigest(t testing.TB) (d Digest) {
	t.Helper()
	for hex := range allowAll {
		if err := d.UnmarshalText([]byte(hex)); err != nil {
			t.Fatal(err)
		}
	}
	return d
}

func TestExplain(t *testing.T) {
	p, err := Parse(example(t))
	if err != nil {
		t.Fatal(err)
	}
	text := strings.Join(p.Explain(), "\n")
	for _, want := range []string{
		"Both paths must pass", "https://contoso.weu.attest.azure.net", "must not be older than 24h0m0s", "one of [Genoa Turin]",
		"On Turin the reported, committed and launch TCB must each be at least fmc=1", "0ee2054606c2af72", "Not looked at: which chip",
		"platform.alias_check is required", "guest_policy.cxl is forbidden", "SVN of at least 104", "Plugin debug-dump must not be loaded",
		"Plugin redact-pii must be loaded", "Plugin store-dir may be loaded", "A plugin without a rule is refused", "The mode must be enforce",
		"one of [1.0.0 1.0.1]", "log.contoso.example/notary", "Not looked at: revocation",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("does not say %q:\n%s", want, text)
		}
	}
	bare, err := Parse([]byte(minimal))
	if err != nil {
		t.Fatal(err)
	}
	if n := bytes.Count([]byte(strings.Join(bare.Explain(), "\n")), []byte("Not looked at: ")); n != 9 {
		t.Errorf("of a minimal policy %d things are not looked at:\n%s", n, strings.Join(bare.Explain(), "\n"))
	}
}
