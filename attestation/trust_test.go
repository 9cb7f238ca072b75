package attestation

import (
	"slices"
	"strings"
	"testing"

	"github.com/veriproof/notary/attestation/evidence"
	"github.com/veriproof/notary/attestation/policy"
	"github.com/veriproof/notary/attestation/snp"
	"github.com/veriproof/notary/attestation/uvm"
)

// A key set from the caller stands in for one that the policy does not pin. It
// neither widens a pin, nor do the keys of one issuer vouch for another.
func TestTrustedKeysAreOfOneIssuer(t *testing.T) {
	w := newWorld(t)
	w.claims = func(c map[string]any) { delete(c, "x-ms-simulated") }
	in := w.input(t) // the token is of "issuer", under "right"
	const b, c = "https://b.example", "https://c.example"
	right, wrong := string(w.jwks()), string(otherKeys(w))
	pinned := func(name, jwks string) policy.Issuer { return policy.Issuer{Issuer: name, JWKS: jwks} }
	open := func(name string) policy.Issuer { return policy.Issuer{Issuer: name} }
	for _, x := range []struct {
		name         string
		issuers      []policy.Issuer
		given, named string
		want         Status
		says         string // in the detail or the anchor
	}{
		{"a pin is not widened", []policy.Issuer{pinned(issuer, wrong)}, right, "", Fail, "the policy pins the keys of all its issuers"},
		{"nor by name", []policy.Issuer{pinned(issuer, wrong)}, right, issuer, Fail, "the policy pins the keys of " + issuer},
		{"keys of b do not vouch for a pinned issuer", []policy.Issuer{pinned(issuer, wrong), open(b)}, right, "", Fail, ""},
		{"nor b's by name", []policy.Issuer{pinned(issuer, wrong), open(b)}, right, b, Fail, ""},
		{"b's pin does not vouch for others", []policy.Issuer{open(issuer), pinned(b, right)}, "", "", NotDone, "no trusted JWKS for " + issuer},
		{"the pin decides", []policy.Issuer{pinned(issuer, right)}, wrong, "", Pass, "pinned in the policy"},
		{"the pin decides beside others", []policy.Issuer{open(b), pinned(issuer, right), open(c)}, wrong, "", Pass, "pinned in the policy"},
		{"the one without a pin", []policy.Issuer{pinned(b, wrong), open(issuer)}, right, "", Pass, "given to the verifier"},
		{"two without a pin", []policy.Issuer{open(issuer), open(b)}, right, "", NotDone, "TrustedIssuer"},
		{"two without a pin, one named", []policy.Issuer{open(b), open(issuer)}, right, issuer, Pass, "given to the verifier"},
		{"two without a pin, the other named", []policy.Issuer{open(b), open(issuer)}, right, b, NotDone, "no trusted JWKS for " + issuer},
		{"a stranger named", []policy.Issuer{open(issuer)}, right, c, NotDone, "which the policy does not accept"},
		{"an issuer named without its keys", []policy.Issuer{open(issuer)}, "", issuer, NotDone, "no trusted JWKS for " + issuer},
	} {
		p := *w.policy
		p.Simulated, p.UVM.Issuer, p.Issuers = nil, uvm.MicrosoftDID, x.issuers
		in.TrustedJWKS, in.TrustedIssuer = []byte(x.given), x.named
		got := byName(Appraise(&p, in))["maa.token"]
		if got.Status != x.want || !strings.Contains(got.Detail+got.Anchor, x.says) {
			t.Errorf("%s: %+v", x.name, got)
		}
	}
}

// An endorsement costs public key operations under certificates that anybody can
// send, so it is looked at only beside a report that is true.
func TestEndorsementWaitsForTheReport(t *testing.T) {
	w := newWorld(t)
	in := w.input(t)
	in.Evidence.Report[0x50] ^= 1
	in.Evidence.UVM = []byte("not looked at")
	checks := Appraise(w.policy, in)
	if got := failed(checks); !slices.Equal(got, []string{"snp.verify"}) {
		t.Errorf("failed are %v", got)
	}
	for _, name := range []string{"uvm.signature", "uvm.feed", "uvm.svn", "uvm.measurement"} {
		if c := byName(checks)[name]; c.Status != NotDone || !c.Required || c.Detail != "the report is not verified" {
			t.Errorf("%+v", c)
		}
	}
}

// Only a written "any" waives the hash of the issuer's policy; a Policy made
// without Parse that says nothing does not.
func TestPolicyHashIsDemanded(t *testing.T) {
	w := newWorld(t)
	w.claims = func(c map[string]any) { delete(c, "x-ms-simulated") }
	in := w.input(t)
	p := *w.policy
	p.Simulated, p.UVM.Issuer = nil, uvm.MicrosoftDID
	for hash, required := range map[string]bool{"": true, policy.AnyPolicyHash: false} {
		p.Issuers = []policy.Issuer{{Issuer: issuer, JWKS: string(w.jwks()), PolicyHash: hash}}
		if c := byName(Appraise(&p, in))["maa.policy-hash"]; c.Status != NotDone || c.Required != required || !strings.Contains(c.Detail, "9NY0VnTQ") {
			t.Errorf("%q: %+v", hash, c)
		}
	}
}

// A token tells the reported TCB only, and that without the FMC. What it cannot
// tell passes on the hardware path or not at all.
func TestTokenTellsHalfOfTheTCB(t *testing.T) {
	w := newWorld(t)
	w.claims = func(c map[string]any) { c["x-ms-sevsnpvm-chip-family"] = "Turin" }
	in := w.input(t)
	in.Evidence = evidence.Evidence{}
	w.policy.Products = []snp.Product{snp.Turin}
	least := policy.TCB{Bootloader: 4, TEE: 1, SNP: 24, Microcode: 219}
	for _, x := range []struct {
		fmc     uint8
		require []string
		want    Status
		says    string
	}{
		{0, []string{policy.PathMAA}, Pass, "neither the committed nor the launch TCB"},
		{1, []string{policy.PathMAA}, NotDone, "require the hardware path"},
		{1, []string{policy.PathMAA, policy.PathHardware}, Pass, "nor the FMC"},
	} {
		least.FMC = x.fmc
		w.policy.MinimumTCB, w.policy.Require = map[snp.Product]policy.TCB{snp.Turin: least}, x.require
		if c := byName(Appraise(w.policy, in))["maa.platform"]; c.Status != x.want || !c.Required || !strings.Contains(c.Detail, x.says) {
			t.Errorf("FMC %d, require %v: %+v", x.fmc, x.require, c)
		}
	}
}
