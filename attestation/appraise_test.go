package attestation

import (
	"bytes"
	"encoding/json"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/veriproof/notary/attestation/evidence"
	"github.com/veriproof/notary/attestation/internal/snptest"
	"github.com/veriproof/notary/attestation/internal/uvmtest"
	"github.com/veriproof/notary/attestation/policy"
	"github.com/veriproof/notary/attestation/runtimedata"
	"github.com/veriproof/notary/attestation/snp"
	"github.com/veriproof/notary/attestation/uvm"
)

func TestGoodNotary(t *testing.T) {
	w := newWorld(t)
	in := w.input(t)
	checks := Appraise(w.policy, in)
	for _, c := range checks {
		if c.Status != Pass || c.Detail == "" || c.Class != "" {
			t.Errorf("%+v", c)
		}
		if c.Required != (c.Name != "cce.policy") {
			t.Errorf("%s: required is %v", c.Name, c.Required)
		}
	}
	if v := Verdict(checks); v != Verified {
		t.Errorf("verdict is %s", v)
	}
	for _, name := range []string{"maa.token", "snp.verify", "uvm.signature"} {
		if a := byName(checks)[name].Anchor; !strings.HasPrefix(a, "SIMULATED ") {
			t.Errorf("%s rests on %q", name, a)
		}
	}
	if !reflect.DeepEqual(checks, Appraise(w.policy, in)) {
		t.Error("a second run gives another list")
	}
}

// TestNamesAreDocumented compares the order of results with the package comment.
func TestNamesAreDocumented(t *testing.T) {
	src, err := os.ReadFile("attestation.go")
	if err != nil {
		t.Fatal(err)
	}
	_, table, _ := strings.Cut(string(src), "// # Checks")
	table, _, _ = strings.Cut(table, "// # What a verdict")
	var documented []string
	for line := range strings.Lines(table) {
		if row, ok := strings.CutPrefix(line, "//\t"); ok {
			documented = append(documented, strings.Fields(row)[0])
		}
	}
	if !reflect.DeepEqual(documented, checkNames) {
		t.Errorf("documented are\n%v\nresults have\n%v", documented, checkNames)
	}
	var got []string
	for _, c := range Appraise(nil, Input{}) {
		got = append(got, c.Name)
	}
	if !reflect.DeepEqual(got, checkNames) {
		t.Errorf("an empty input gives %v", got)
	}
}

// TestAttacks: each change makes exactly the checks fail that are about it.
func TestAttacks(t *testing.T) {
	set := func(off int, v ...byte) func(*world) {
		return func(w *world) { w.report = func(b []byte) { copy(b[off:], v) } }
	}
	claim := func(name string, v any) func(*world) {
		return func(w *world) {
			w.claims = func(c map[string]any) {
				if v == nil {
					delete(c, name)
				} else {
					c[name] = v
				}
			}
		}
	}
	snpClaim := func(name string, v any) func(*world) { return claim("x-ms-sevsnpvm-"+name, v) }
	refs := func(f func(*policy.Policy)) func(*world) { return func(w *world) { f(w.policy) } }
	shows := func(f func(*Input)) func(*Input) { return f }
	cases := []struct {
		name  string
		world func(*world)
		input func(*Input)
		fails []string
		class Class
	}{
		// T01 to T05: the hardware.
		{name: "T01 product line", world: refs(func(p *policy.Policy) {
			p.Products, p.MinimumTCB = []snp.Product{snp.Turin}, map[snp.Product]policy.TCB{snp.Turin: {}}
		}), fails: []string{"maa.platform", "snp.product", "snp.tcb"}, class: ClassUnacceptable},
		{name: "T01 chip", world: refs(func(p *policy.Policy) { p.ChipIDs = []policy.ChipID{{1}} }), fails: []string{"maa.platform", "snp.chip-id"}, class: ClassUnacceptable},
		{name: "T02 debug", world: set(0x0A, 0x0b), fails: []string{"snp.debug"}, class: ClassUnacceptable},
		{name: "T02 debug in the token", world: snpClaim("is-debuggable", true), fails: []string{"maa.debug"}, class: ClassUnacceptable},
		{name: "T02 migration", world: set(0x0A, 0x07), fails: []string{"snp.migration"}, class: ClassUnacceptable},
		{name: "T02 migration in the token", world: snpClaim("migration-allowed", true), fails: []string{"maa.migration"}, class: ClassUnacceptable},
		{name: "T02 VMPL", world: set(0x30, 2), fails: []string{"snp.vmpl"}, class: ClassUnacceptable},
		{name: "T02 VMPL in the token", world: snpClaim("vmpl", 1), fails: []string{"maa.vmpl"}, class: ClassUnacceptable},
		{name: "T02 reserved policy bits", world: set(0x0F, 1), fails: []string{"snp.guest-policy"}, class: ClassUnacceptable},
		{name: "T03 TCB", world: refs(func(p *policy.Policy) { p.MinimumTCB[snp.Genoa] = policy.TCB{Microcode: 220} }), fails: []string{"maa.platform", "snp.tcb"}, class: ClassUnacceptable},
		{name: "T03 committed TCB", world: set(0x1E0, 3), fails: []string{"snp.firmware", "snp.tcb"}, class: ClassUnacceptable},
		{name: "T03 self-reported TCB", world: set(0x187, 255), fails: []string{"snp.verify"}, class: ClassFalse},
		{name: "T04 SVN", world: refs(func(p *policy.Policy) { p.UVM.MinSVN = 105 }), fails: []string{"maa.uvm", "uvm.svn"}, class: ClassUnacceptable},
		{name: "T04 feed", world: refs(func(p *policy.Policy) { p.UVM.Feed = "ConfAKS-AMD-UVM" }), fails: []string{"maa.uvm", "uvm.feed"}, class: ClassUnacceptable},
		{name: "T04 issuer", world: func(w *world) { w.policy.Simulated.UVMDID = uvmtest.New(nil).DID() }, fails: []string{"maa.uvm", "uvm.signature"}, class: ClassUnacceptable},
		{name: "T04 another measurement", world: func(w *world) { w.endorsement = w.signer.Sign(w.signer.CWT(uvm.ContainerFeed, 104, [48]byte{1})) }, fails: []string{"uvm.measurement"}, class: ClassUnacceptable},
		{name: "T04 endorsement damaged", input: shows(func(in *Input) { in.Evidence.UVM[len(in.Evidence.UVM)-1] ^= 1 }), fails: []string{"uvm.signature"}, class: ClassFalse},
		{name: "T04 endorsement in the token", world: claim("x-ms-compliance-status", "azure-compliant-cvm"), fails: []string{"maa.compliance"}, class: ClassUnacceptable},
		{name: "T05 HOST_DATA", world: refs(func(p *policy.Policy) { p.HostData = []policy.Digest{{1}} }), fails: []string{"maa.host-data", "snp.host-data"}, class: ClassUnacceptable},
		{name: "T05 CCE policy", input: shows(func(in *Input) { in.Evidence.CCEPolicy = append(bytes.Clone(in.Evidence.CCEPolicy), ' ') }), fails: []string{"cce.policy"}, class: ClassFalse},
		{name: "T06 Evidence of another notary", input: shows(func(in *Input) { in.RuntimeData = bytes.Replace(in.RuntimeData, []byte(`1.0.0`), []byte(`1.0.1`), 1) }), fails: []string{"maa.runtime-data", "snp.runtime-data"}},
		{name: "T09 simulated without leave", input: shows(func(in *Input) { in.AllowSimulated = false }), fails: []string{"policy"}, class: ClassUnacceptable},
		{name: "report of version 1", input: shows(func(in *Input) { in.Evidence.Report[0] = 1 }), fails: []string{"snp.report"}, class: ClassFalse},
		{name: "report damaged", input: shows(func(in *Input) { in.Evidence.Report[0x50] ^= 1 }), fails: []string{"snp.verify"}, class: ClassFalse},
		{name: "chain of another chip", input: shows(func(in *Input) { in.Evidence.VCEKChain = snptest.New("Genoa", 3).ChainPEM() }), fails: []string{"snp.verify"}, class: ClassUnacceptable},
		{name: "no chain at all", input: shows(func(in *Input) { in.Evidence.VCEKChain = []byte("chain") }), fails: []string{"snp.verify"}, class: ClassFalse},
		{name: "certificates expired", input: shows(func(in *Input) { in.At = snptest.NotAfter.Add(time.Hour) }), fails: []string{"maa.token", "snp.verify"}, class: ClassStale},
		{name: "runtime data damaged", input: shows(func(in *Input) { in.RuntimeData = append(in.RuntimeData, '\n') }), fails: []string{"runtime-data"}, class: ClassFalse},
		{name: "AES-256-XTS demanded", world: refs(func(p *policy.Policy) { p.GuestPolicy.MemAES256XTS = policy.Required }), fails: []string{"snp.guest-policy"}, class: ClassUnacceptable},
		{name: "SMT forbidden in the guest", world: refs(func(p *policy.Policy) { p.GuestPolicy.SMT = policy.Forbidden }), fails: []string{"snp.guest-policy"}, class: ClassUnacceptable},
		{name: "SMT forbidden on the platform", world: refs(func(p *policy.Policy) { p.Platform.SMT = policy.Forbidden }), fails: []string{"snp.platform"}, class: ClassUnacceptable},
		{name: "TSME required", world: refs(func(p *policy.Policy) { p.Platform.TSME = policy.Required }), fails: []string{"snp.platform"}, class: ClassUnacceptable},
		{name: "ECC off", world: set(0x40, 0x21), fails: []string{"snp.platform"}, class: ClassUnacceptable},
		{name: "provisional firmware", world: set(0x1E8, 40), fails: []string{"snp.firmware"}, class: ClassUnacceptable},
		{name: "ASK revoked", input: shows(func(in *Input) { in.CRLs = [][]byte{makers().platform.CRL(now, nil, snptest.ASKSerial)} }), fails: []string{"snp.revocation"}, class: ClassRevoked},
		{name: "revocation list stale", world: refs(func(p *policy.Policy) { p.Revocation.CRLs = nil }), input: shows(func(in *Input) {
			in.CRLs = [][]byte{makers().platform.CRL(now.Add(-time.Second), nil)}
		}), fails: []string{"snp.revocation"}, class: ClassStale},
		{name: "revocation list of somebody else", input: shows(func(in *Input) {
			b := bytes.Clone(makers().platform.CRL(snptest.NotAfter, nil))
			b[len(b)-1] ^= 1
			in.CRLs = [][]byte{b}
		}), fails: []string{"snp.revocation"}, class: ClassFalse},
		{name: "revocation list is none", input: shows(func(in *Input) { in.CRLs = [][]byte{{}} }), fails: []string{"snp.revocation"}, class: ClassFalse},
		{name: "VLEK", world: set(0x48, 1<<2), fails: []string{"snp.verify"}, class: ClassUnacceptable},
		// T20 to T25: the token.
		{name: "T20 token damaged", input: shows(func(in *Input) { in.Token = in.Token[:len(in.Token)-4] + "AAAA" }), fails: []string{"maa.token"}, class: ClassFalse},
		{name: "T21 key set by URL", world: func(w *world) { w.policy.Simulated.JWKS = string(otherKeys(w)) }, fails: []string{"maa.token"}, class: ClassFalse},
		{name: "T22 issuer", world: claim("iss", "https://evil.example"), fails: []string{"maa.token"}},
		{name: "T22 policy hash", world: claim("x-ms-policy-hash", strings.Repeat("A", 43)), fails: []string{"maa.policy-hash"}, class: ClassUnacceptable},
		{name: "T22 policy hash missing", world: claim("x-ms-policy-hash", nil), fails: []string{"maa.policy-hash"}, class: ClassUnacceptable},
		{name: "T23 expired", input: shows(func(in *Input) { in.At = issued.Add(9 * time.Hour) }), fails: []string{"maa.token"}, class: ClassStale},
		{name: "T23 not yet valid", input: shows(func(in *Input) { in.At = issued.Add(-time.Hour) }), fails: []string{"maa.token"}, class: ClassStale},
		{name: "T23 too old for the policy", world: refs(func(p *policy.Policy) { p.MaxAge = 59 * time.Minute }), fails: []string{"maa.age"}, class: ClassStale},
		{name: "token without runtime data", world: claim("x-ms-runtime", nil), fails: []string{"maa.runtime-data"}, class: ClassUnacceptable},
		{name: "token with other runtime data", world: claim("x-ms-runtime", map[string]any{"keys": []any{}}), fails: []string{"maa.runtime-data"}, class: ClassFalse},
		{name: "token without compliance status", world: claim("x-ms-compliance-status", nil), fails: []string{"maa.compliance"}, class: ClassUnacceptable},
		{name: "token without endorsement", world: func(w *world) {
			w.claims = func(c map[string]any) {
				delete(c, "x-ms-sevsnpvm-uvm-endorsement")
				delete(c, "x-ms-sevsnpvm-uvm-endorsement-headers")
			}
		}, fails: []string{"maa.uvm"}, class: ClassUnacceptable},
		{name: "token with another measurement endorsed", world: snpClaim("uvm-endorsement", map[string]any{
			"x-ms-sevsnpvm-guestsvn": "104", "x-ms-sevsnpvm-launchmeasurement": strings.Repeat("00", 48),
		}), fails: []string{"maa.uvm"}, class: ClassFalse},
		{name: "token about another guest", world: snpClaim("reportid", strings.Repeat("00", 32)), fails: []string{"maa.same-report"}, class: ClassFalse},
		{name: "token of another line", world: snpClaim("chip-family", "Milan"), fails: []string{"maa.platform"}, class: ClassUnacceptable},
		// What the runtime data says.
		{name: "plugin set", world: refs(func(p *policy.Policy) { p.PluginSet = []policy.Digest{{1}} }), fails: []string{"notary.plugin-set"}, class: ClassUnacceptable},
		{name: "plugin's module", world: refs(func(p *policy.Policy) { p.Plugins["redact-pii"] = policy.Plugin{Wasm: []policy.Digest{{1}}} }), fails: []string{"notary.plugins"}, class: ClassUnacceptable},
		{name: "plugin's configuration", world: refs(func(p *policy.Policy) {
			p.Plugins["redact-pii"] = policy.Plugin{Wasm: []policy.Digest{digest("redact-pii")}, Config: []policy.Digest{{1}}}
		}), fails: []string{"notary.plugins"}, class: ClassUnacceptable},
		{name: "plugin required and missing", world: refs(func(p *policy.Policy) {
			p.Plugins["redact-more"] = policy.Plugin{Wasm: []policy.Digest{{1}}, Required: true}
		}), fails: []string{"notary.plugins"}, class: ClassUnacceptable},
		{name: "plugin forbidden and loaded", world: refs(func(p *policy.Policy) { p.Plugins["store-dir"] = policy.Plugin{Forbidden: true} }), fails: []string{"notary.plugins"}, class: ClassUnacceptable},
		{name: "plugin without a rule and no set", world: refs(func(p *policy.Policy) { p.PluginSet = nil }), fails: []string{"notary.plugins"}, class: ClassUnacceptable},
		{name: "config", world: refs(func(p *policy.Policy) { p.Config = []policy.Digest{{1}} }), fails: []string{"notary.config"}, class: ClassUnacceptable},
		{name: "recipients", world: refs(func(p *policy.Policy) { p.Recipients = []policy.Digest{{1}} }), fails: []string{"notary.recipients"}, class: ClassUnacceptable},
		{name: "shadow mode", world: func(w *world) { w.data.Notary.Mode = runtimedata.ModeShadow }, fails: []string{"notary.mode"}, class: ClassUnacceptable},
		{name: "mode none", world: func(w *world) { w.data.Notary.Mode = runtimedata.ModeNone }, fails: []string{"notary.mode"}, class: ClassUnacceptable},
		{name: "mode none is demanded", world: refs(func(p *policy.Policy) { p.Mode = runtimedata.ModeNone }), fails: []string{"notary.mode"}, class: ClassUnacceptable},
		{name: "mode none is demanded, and it is shadow", world: func(w *world) { w.policy.Mode, w.data.Notary.Mode = runtimedata.ModeNone, runtimedata.ModeShadow }, fails: []string{"notary.mode"}, class: ClassUnacceptable},
		{name: "version", world: refs(func(p *policy.Policy) { p.Versions = []string{"2.0.0"} }), fails: []string{"notary.version"}, class: ClassUnacceptable},
		{name: "no time", input: shows(func(in *Input) { in.At = time.Time{} }), fails: []string{"policy"}, class: ClassUnacceptable},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t)
			if c.world != nil {
				c.world(w)
			}
			in := w.input(t)
			if c.input != nil {
				c.input(&in)
			}
			checks := Appraise(w.policy, in)
			if got := failed(checks); !reflect.DeepEqual(got, c.fails) {
				t.Errorf("failed are %v, want %v", got, c.fails)
			}
			for _, k := range checks {
				if k.Status == Fail && (k.Class == "" || c.class != "" && k.Class != c.class || k.Detail == "") || k.Status != Fail && k.Class != "" {
					t.Errorf("%+v, want class %q", k, c.class)
				}
				if k.Detail == "" {
					t.Errorf("%s has no detail", k.Name)
				}
			}
			if v := Verdict(checks); v != Failed {
				t.Errorf("verdict is %s", v)
			}
		})
	}
}

// otherKeys is a key set with a kid that the token's header names, but not its key.
func otherKeys(w *world) []byte {
	o := *w
	o.maaKey = makers().other
	return o.jwks()
}

// TestAbsentParts: what is not shown is not-done with a reason, what hangs on it
// too, and the verdict is incomplete.
func TestAbsentParts(t *testing.T) {
	cases := []struct {
		name    string
		input   func(*Input)
		notDone []string // prefixes; every other check passes
		want    Outcome
	}{
		{"runtime data", func(in *Input) { in.RuntimeData = nil }, []string{"runtime-data", "maa.runtime-data", "snp.runtime-data", "notary."}, Incomplete},
		{"token", func(in *Input) { in.Token = "" }, []string{"maa."}, Incomplete},
		{"report", func(in *Input) { in.Evidence.Report = nil }, []string{"snp.", "maa.same-report", "uvm.", "cce.policy"}, Incomplete},
		{"chain", func(in *Input) { in.Evidence.VCEKChain = nil }, []string{"snp.verify", "snp.runtime", "snp.debug", "snp.m", "snp.v", "snp.g", "snp.f", "snp.rev", "snp.p", "snp.t", "snp.h", "snp.c", "maa.same-report", "uvm.", "cce.policy"}, Incomplete},
		{"endorsement", func(in *Input) { in.Evidence.UVM = nil }, []string{"uvm."}, Incomplete},
		{"revocation list", func(in *Input) { in.CRLs = nil }, nil, Verified},
		{"CCE policy", func(in *Input) { in.Evidence.CCEPolicy = nil }, []string{"cce.policy"}, Verified},
		{"all", func(in *Input) { *in = Input{At: in.At, AllowSimulated: true} }, []string{"runtime-data", "maa.", "snp.", "uvm.", "cce.", "notary."}, Incomplete},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t)
			in := w.input(t)
			c.input(&in)
			checks := Appraise(w.policy, in)
			for _, k := range checks {
				want := Pass
				if slices.ContainsFunc(c.notDone, func(p string) bool { return strings.HasPrefix(k.Name, p) }) {
					want = NotDone
				}
				if k.Status != want || k.Detail == "" {
					t.Errorf("%+v, want %s", k, want)
				}
			}
			if v := Verdict(checks); v != c.want {
				t.Errorf("verdict is %s, want %s", v, c.want)
			}
		})
	}
}

// Nothing that the runtime data says counts before hardware or MAA binds it.
func TestUnboundClaims(t *testing.T) {
	w := newWorld(t)
	in := w.input(t)
	in.Token, in.Evidence = "", evidence.Evidence{}
	for _, c := range Appraise(w.policy, in) {
		if strings.HasPrefix(c.Name, "notary.") && c.Status != NotDone {
			t.Errorf("%+v", c)
		}
	}
}

// T25: a key set that comes with the token is no anchor, whatever it says.
func TestT25KeySets(t *testing.T) {
	for _, c := range []struct {
		name                     string
		pinned, trusted, bundled bool
		want                     Status
		detail                   string
	}{
		{name: "none", want: NotDone, detail: "no trusted JWKS"},
		{name: "bundled", bundled: true, want: NotDone, detail: "proves nothing"},
		{name: "trusted", trusted: true, want: Pass},
		{name: "pinned", pinned: true, want: Pass},
		{name: "trusted and bundled", trusted: true, bundled: true, want: Pass},
	} {
		w := newWorld(t)
		in := w.input(t)
		keys := w.jwks()
		if !c.pinned {
			w.policy.Simulated.JWKS = ""
		}
		if c.trusted {
			in.TrustedJWKS = keys
		}
		if c.bundled {
			in.BundledJWKS = keys
		}
		checks := Appraise(w.policy, in)
		if got := byName(checks)["maa.token"]; got.Status != c.want || !strings.Contains(got.Detail, c.detail) {
			t.Errorf("%s: %+v", c.name, got)
		}
		if v := Verdict(checks); (v == Verified) != (c.want == Pass) {
			t.Errorf("%s: verdict is %s", c.name, v)
		}
	}
	w := newWorld(t)
	in := w.input(t)
	w.policy.Simulated.JWKS, in.BundledJWKS = "", otherKeys(w)
	if got := byName(Appraise(w.policy, in))["maa.token"]; got.Status != NotDone || !strings.Contains(got.Detail, "does not even agree") {
		t.Errorf("bundled keys of somebody else: %+v", got)
	}
	in.TrustedJWKS, w.policy.Simulated.JWKS = []byte("{"), ""
	if got := byName(Appraise(w.policy, in))["maa.token"]; got.Status != Fail {
		t.Errorf("a key set that is none: %+v", got)
	}
}

// A policy for real hardware accepts neither simulated keys nor a token that says
// it is simulated, even under a key that it trusts.
func TestT09RealPolicyRefusesSimulation(t *testing.T) {
	w := newWorld(t)
	in := w.input(t)
	p := w.policy
	p.Issuers = []policy.Issuer{{Issuer: issuer, JWKS: string(w.jwks())}}
	p.Simulated, p.UVM.Issuer = nil, uvm.MicrosoftDID
	checks := Appraise(p, in)
	if got, want := failed(checks), []string{"maa.token", "snp.verify"}; !reflect.DeepEqual(got, want) {
		t.Errorf("failed are %v, want %v", got, want)
	}
	if c := byName(checks)["maa.token"]; !strings.Contains(c.Detail, "SIMULATED") {
		t.Errorf("%+v", c)
	}
}

// Older tokens name neither line nor chip. Then the hardware path must.
func TestOlderToken(t *testing.T) {
	w := newWorld(t)
	w.claims = func(c map[string]any) {
		delete(c, "x-ms-sevsnpvm-chip-family")
		delete(c, "x-ms-sevsnpvm-chipid")
	}
	in := w.input(t)
	if v := Verdict(Appraise(w.policy, in)); v != Verified {
		t.Errorf("with the hardware path the verdict is %s", v)
	}
	w.policy.Require = []string{policy.PathMAA}
	if v := Verdict(Appraise(w.policy, in)); v != Incomplete {
		t.Errorf("without the hardware path the verdict is %s", v)
	}
}

// Each path suffices if the policy says so.
func TestOnePath(t *testing.T) {
	w := newWorld(t)
	in := w.input(t)
	w.policy.Require = []string{policy.PathHardware}
	noToken := in
	noToken.Token = ""
	if v := Verdict(Appraise(w.policy, noToken)); v != Verified {
		t.Errorf("hardware path: %s", v)
	}
	w.policy.Require = []string{policy.PathMAA}
	noEvidence := in
	noEvidence.Evidence = evidence.Evidence{}
	if v := Verdict(Appraise(w.policy, noEvidence)); v != Verified {
		t.Errorf("MAA path: %s", v)
	}
	// What is not required still must not be false.
	in.Evidence.Report[0x50] ^= 1
	if v := Verdict(Appraise(w.policy, in)); v != Failed {
		t.Errorf("MAA path with a forged report: %s", v)
	}
}

// What a policy does not name is not-done and not required.
func TestSilentPolicy(t *testing.T) {
	w := newWorld(t)
	p := w.policy
	p.Platform, p.GuestPolicy, p.CommittedFirmware, p.Revocation = nil, nil, false, nil
	p.MinimumTCB, p.ChipIDs, p.PluginSet, p.Plugins, p.Config, p.Recipients, p.Versions, p.MaxAge = nil, nil, nil, nil, nil, nil, nil, 0
	p.Simulated.PolicyHash = ""
	checks := Appraise(p, w.input(t))
	var silent []string
	for _, c := range checks {
		if c.Status == NotDone && !c.Required {
			silent = append(silent, c.Name)
		}
	}
	want := []string{
		"maa.policy-hash", "maa.age", "snp.platform", "snp.firmware", "snp.revocation", "snp.tcb", "snp.chip-id", "notary.plugin-set", "notary.plugins",
		"notary.config", "notary.recipients", "notary.version",
	}
	if !reflect.DeepEqual(silent, want) || Verdict(checks) != Verified {
		t.Errorf("%s, silent are %v, want %v", Verdict(checks), silent, want)
	}
}

// A Policy that no parser has seen fails closed.
func TestPolicyWithoutParse(t *testing.T) {
	w := newWorld(t)
	in := w.input(t)
	for name, p := range map[string]*policy.Policy{"nil": nil, "empty": {}, "simulated only": {Simulated: w.policy.Simulated}} {
		if v := Verdict(Appraise(p, in)); v != Failed {
			t.Errorf("%s: %s", name, v)
		}
	}
}

// Known allow-all policies are refused by name, even if a policy lists them.
func TestAllowAll(t *testing.T) {
	w := newWorld(t)
	var hostData policy.Digest
	if err := hostData.UnmarshalText([]byte("4f4448c67f3c8dfc8de8a5e37125d807dadcc41f06cf23f615dbd52eec777d10")); err != nil {
		t.Fatal(err)
	}
	w.policy.HostData = []policy.Digest{hostData}
	w.report = func(b []byte) { copy(b[0x0C0:], hostData[:]) }
	in := w.input(t)
	in.Evidence.CCEPolicy = nil
	checks := Appraise(w.policy, in)
	if got, want := failed(checks), []string{"maa.host-data", "snp.host-data"}; !reflect.DeepEqual(got, want) {
		t.Errorf("failed are %v, want %v", got, want)
	}
	if d := byName(checks)["snp.host-data"].Detail; !strings.Contains(d, "confcom") {
		t.Errorf("detail is %q", d)
	}
}

func TestInputIsNotChanged(t *testing.T) {
	w := newWorld(t)
	in := w.input(t)
	before, err := json.Marshal(in)
	if err != nil {
		t.Fatal(err)
	}
	policyBefore, err := json.Marshal(w.policy)
	if err != nil {
		t.Fatal(err)
	}
	Appraise(w.policy, in)
	after, _ := json.Marshal(in)
	policyAfter, _ := json.Marshal(w.policy)
	if !bytes.Equal(before, after) || !bytes.Equal(policyBefore, policyAfter) {
		t.Error("Appraise changed what it was given")
	}
}

func TestVerdict(t *testing.T) {
	pass, fail := Check{Status: Pass, Required: true}, Check{Status: Fail, Required: true}
	open, spare := Check{Status: NotDone, Required: true}, Check{Status: NotDone}
	for _, c := range []struct {
		checks []Check
		want   Outcome
	}{
		{nil, Incomplete},
		{[]Check{{Status: Pass}}, Incomplete},
		{[]Check{pass}, Verified},
		{[]Check{pass, spare}, Verified},
		{[]Check{pass, open}, Incomplete},
		{[]Check{pass, {Status: Fail}}, Failed},
		{[]Check{open, fail}, Failed},
		{[]Check{pass, {Status: "passed", Required: true}}, Incomplete},
		{[]Check{pass, {}}, Incomplete},
	} {
		if got := Verdict(c.checks); got != c.want {
			t.Errorf("%+v: %s, want %s", c.checks, got, c.want)
		}
	}
}

func BenchmarkAppraise(b *testing.B) {
	w := newWorld(b)
	in := w.input(b)
	for b.Loop() {
		if Verdict(Appraise(w.policy, in)) != Verified {
			b.Fatal("not verified")
		}
	}
}
