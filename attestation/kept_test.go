package attestation

import (
	"strings"
	"testing"
	"time"

	"github.com/veriproof/notary/attestation/policy"
	"github.com/veriproof/notary/attestation/uvm"
)

// TestKeptKeys: of the key sets that were kept, those count that were fetched last
// before the token was issued, and first after: not what the issuer had given up by
// then, or had not yet.
func TestKeptKeys(t *testing.T) {
	w := newWorld(t)
	w.claims = func(c map[string]any) { delete(c, "x-ms-simulated") }
	in := w.input(t) // the token is of "issuer", under "right", issued at "issued"
	right, wrong := w.jwks(), otherKeys(w)
	kept := func(name string, hours int, jwks []byte) KeptKeySet {
		return KeptKeySet{name, issued.Add(time.Duration(hours) * time.Hour), jwks}
	}
	for name, x := range map[string]struct {
		kept []KeptKeySet
		want Status
	}{
		"long before":                 {[]KeptKeySet{kept(issuer, -9000, right)}, Pass},
		"long after":                  {[]KeptKeySet{kept(issuer, 9000, right)}, Pass},
		"at that time":                {[]KeptKeySet{kept(issuer, 0, right), kept(issuer, -1, wrong)}, Pass},
		"replaced afterwards":         {[]KeptKeySet{kept(issuer, 2, wrong), kept(issuer, -2, right)}, Pass},
		"new between two fetches":     {[]KeptKeySet{kept(issuer, -2, wrong), kept(issuer, 2, right), kept(issuer, 3, wrong)}, Pass},
		"given up by then":            {[]KeptKeySet{kept(issuer, -3, right), kept(issuer, -2, wrong)}, Fail},
		"given up, as two sets say":   {[]KeptKeySet{kept(issuer, -3, right), kept(issuer, -2, wrong), kept(issuer, 2, wrong)}, Fail},
		"not yet the issuer's":        {[]KeptKeySet{kept(issuer, 1, wrong), kept(issuer, 2, right)}, Fail},
		"of another issuer":           {[]KeptKeySet{kept("https://b.example", -1, right)}, NotDone},
		"beside another issuer's":     {[]KeptKeySet{kept("https://b.example", 0, wrong), kept(issuer, -1, right)}, Pass},
		"one that cannot be read":     {[]KeptKeySet{kept(issuer, -1, []byte("x"))}, Fail},
		"beside one that is no set":   {[]KeptKeySet{kept(issuer, -1, []byte("x")), kept(issuer, 1, right)}, Pass},
		"none":                        {nil, NotDone},
		"the last of the same minute": {[]KeptKeySet{kept(issuer, -1, wrong), kept(issuer, -1, right)}, Pass},
	} {
		p := *w.policy
		p.Simulated, p.UVM.Issuer, p.Issuers = nil, uvm.MicrosoftDID, []policy.Issuer{{Issuer: issuer}, {Issuer: "https://b.example"}}
		in.KeptKeys = x.kept
		got := byName(Appraise(&p, in))["maa.token"]
		if got.Status != x.want || (x.want == Pass) != strings.Contains(got.Anchor, "key set kept since") {
			t.Errorf("%s: %+v", name, got)
		}
	}
	// A pin is not widened by what was kept, and a set that is given counts beside it.
	p := *w.policy
	p.Simulated, p.UVM.Issuer, p.Issuers = nil, uvm.MicrosoftDID, []policy.Issuer{{Issuer: issuer, JWKS: string(wrong)}}
	in.KeptKeys = []KeptKeySet{kept(issuer, 0, right)}
	if got := byName(Appraise(&p, in))["maa.token"]; got.Status != Fail {
		t.Errorf("a pin is widened: %+v", got)
	}
	p.Issuers[0].JWKS, in.TrustedJWKS = "", wrong
	if got := byName(Appraise(&p, in))["maa.token"]; got.Status != Pass {
		t.Errorf("kept beside given: %+v", got)
	}
	// Nor does a key set that came with the Evidence become an anchor by any of it.
	in.TrustedJWKS, in.KeptKeys, in.BundledJWKS = nil, []KeptKeySet{kept(issuer, 0, wrong)}, right
	if got := byName(Appraise(&p, in))["maa.token"]; got.Status != Fail {
		t.Errorf("a bundled key set is an anchor: %+v", got)
	}
}
