package attestation

import (
	"encoding/base64"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

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

// TestKeptKeyThatLeaked: whoever gets hold of a key that an issuer has given up can
// write into a token whatever chooses its key set, and still signs nothing of today.
func TestKeptKeyThatLeaked(t *testing.T) {
	w := newWorld(t)
	const long = 9000 * time.Hour
	kept := []KeptKeySet{{issuer, issued.Add(-long), w.jwks()}, {issuer, issued.Add(-time.Hour), otherKeys(w)}}
	before := issued.Add(-long + time.Hour).Unix()
	for name, x := range map[string]struct {
		claims func(c map[string]any)
		behind string // the last member of the payload
	}{
		"honest about its time":               {func(map[string]any) {}, ""},
		"issued in the key's time, for years": {func(c map[string]any) { c["iat"], c["nbf"] = before, before }, ""},
		"without a time of issue":             {func(c map[string]any) { delete(c, "iat") }, ""},
		"a time of issue that is no number":   {func(c map[string]any) { c["iat"] = "x" }, ""},
		"another spelling of its time":        {func(map[string]any) {}, fmt.Sprintf(`,"IAT":%d}`, before)},
	} {
		w.claims = func(c map[string]any) { delete(c, "x-ms-simulated"); x.claims(c) }
		in := w.input(t)
		if x.behind != "" {
			in.Token = w.resigned(t, in.Token, x.behind)
		}
		p := *w.policy
		p.Simulated, p.UVM.Issuer, p.Issuers = nil, uvm.MicrosoftDID, []policy.Issuer{{Issuer: issuer}}
		in.KeptKeys = kept
		if got := byName(Appraise(&p, in))["maa.token"]; got.Status != Fail {
			t.Errorf("%s: %+v", name, got)
		}
	}
}

// resigned puts a member behind the others of a token's payload.
func (w *world) resigned(t *testing.T, token, behind string) string {
	t.Helper()
	parts := strings.Split(token, ".")
	payload, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		t.Fatal(err)
	}
	parts[1] = base64.RawURLEncoding.EncodeToString([]byte(strings.TrimSuffix(string(payload), "}") + behind))
	signature, err := jwt.SigningMethodRS256.Sign(parts[0]+"."+parts[1], w.maaKey)
	if err != nil {
		t.Fatal(err)
	}
	return parts[0] + "." + parts[1] + "." + base64.RawURLEncoding.EncodeToString(signature)
}
