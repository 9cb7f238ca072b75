package show

import (
	"strings"
	"testing"

	"github.com/veriproof/notary/attestation/snp"
)

// Names that a guest or a stranger's instance chooses are never explained as what
// the hardware says.
func TestNamesDoNotBorrowMeanings(t *testing.T) {
	d, err := Describe(tokenOf(`{"alg":"RS256","kid":"k","typ":"JWT","hostdata":"00"}`, `{
		"alg": "x", "hostdata": "0ee2", "is-debuggable": false, "x-ms-runtime.notary.mode": "enforce", "x-ms-other": {"hostdata": "0ee2"},
		"x-ms-isolation-tee": {"x-ms-sevsnpvm-hostdata": "0ee2", "x-ms-runtime": {"keys": []}},
		"x-ms-runtime": {"hostdata": "0ee2", "is-debuggable": false, "iss": "https://a.example", "x-ms-sevsnpvm-hostdata": "0ee2",
			"notary.mode": "enforce", "keys": [{"kid": "k", "hostdata": "0ee2"}], "notary": {"mode": "enforce", "hostdata": "0ee2"}}}`))
	if err != nil {
		t.Fatal(err)
	}
	got := fields(d)
	for name, want := range map[string]string{
		"alg":                                       "is not known here", // the claim, which comes behind the header
		"hostdata":                                  "is not known here",
		"is-debuggable":                             "is not known here",
		`"x-ms-runtime.notary.mode"`:                "is not known here",
		"x-ms-other.hostdata":                       "is not known here",
		"x-ms-runtime.hostdata":                     "the guest's own word",
		"x-ms-runtime.is-debuggable":                "the guest's own word",
		"x-ms-runtime.iss":                          "the guest's own word",
		"x-ms-runtime.x-ms-sevsnpvm-hostdata":       "the guest's own word",
		`x-ms-runtime."notary.mode"`:                "the guest's own word",
		"x-ms-runtime.notary.hostdata":              "the guest's own word",
		"x-ms-runtime.keys[0].hostdata":             "the guest's own word",
		"x-ms-runtime.keys[0].kid":                  "of a public key",
		"x-ms-runtime.notary.mode":                  "what cannot be redacted is refused",
		"x-ms-isolation-tee.x-ms-sevsnpvm-hostdata": "AN AZURE CVM",
		"x-ms-isolation-tee.x-ms-runtime.keys":      "AN AZURE CVM",
	} {
		if f, has := got[name]; !has || !strings.Contains(f.Meaning, want) {
			t.Errorf("%s: %+v, want %q", name, f, want)
		}
	}
	for name, f := range got {
		if f.Meaning == "" {
			t.Errorf("%s is not explained", name)
		}
	}
}

// Anybody's runtime data is told from a key set, and not taken for a notary's.
func TestRuntimeDataOfOthers(t *testing.T) {
	for name, text := range map[string]string{
		"key release": `{"keys":[{"e":"AQAB","key_ops":["encrypt"],"kid":"k","kty":"RSA","n":"AQ"}]}`,
		"by use":      `{"keys":[{"e":"AQAB","use":"enc","kid":"k","kty":"RSA","n":"AQ"}]}`,
		"Azure CVM":   `{"keys":[{"kid":"HCLAkPub","key_ops":["sign"],"kty":"RSA"},{"kid":"HCLEkPub","key_ops":["encrypt"],"kty":"RSA"}],"vm-configuration":{"secure-boot":true}}`,
	} {
		d, err := Describe([]byte(text))
		if err != nil || d.Kind != RuntimeData {
			t.Errorf("%s: %+v, %v", name, d, err)
			continue
		}
		got := fields(d)
		if !strings.Contains(got["form"].Meaning, "not a notary's") || got["keys[0].kid"].Value == "" {
			t.Errorf("%s: %+v", name, got)
		}
	}
}

// A text that happens to be as long as a report is none.
func TestTextAsLongAsAReport(t *testing.T) {
	pad := func(text, more string) []byte {
		return []byte(text + strings.Repeat(more, snp.ReportSize-len(text)))
	}
	payload := `{"iss":"` + strings.Repeat("a", 400) + `"}`
	long := tokenOf(header, payload)
	for len(long) < snp.ReportSize {
		payload = `{"iss":"a` + payload[8:]
		long = tokenOf(header, payload)
	}
	for kind, b := range map[Kind][]byte{
		CCEPolicy: pad("package policy\n", "#"), RuntimeData: pad(runtime, " "), KeySet: pad(keys, " "), Token: long,
	} {
		if len(b) != snp.ReportSize {
			t.Logf("%s has %d bytes", kind, len(b))
		}
		if got, _, err := Detect(b); err != nil || got != kind {
			t.Errorf("%s: %s, %v", kind, got, err)
		}
	}
	if got, _, err := Detect(samples(t)[Report]); err != nil || got != Report {
		t.Errorf("a report: %s, %v", got, err)
	}
}

// The endorsement's header is explained too: algorithm, certificates, what is
// beside the signature.
func TestEndorsementsHeader(t *testing.T) {
	d, err := Describe(samples(t)[Endorsement])
	if err != nil {
		t.Fatal(err)
	}
	got := fields(d)
	for name, want := range map[string]string{"algorithm": "ES384", "usage": "1.3.6.1.4.1.311.76.59.1.2", "parameter 15": "signed", "parameter 33": "signed"} {
		if f := got[name]; !strings.Contains(f.Value, want) || f.Meaning == "" {
			t.Errorf("%s: %+v, want %q", name, f, want)
		}
	}
	titles := ""
	for _, s := range d.Sections {
		titles += s.Title + "\n"
	}
	for _, want := range []string{"leaf", "root"} {
		if !strings.Contains(titles, want) {
			t.Errorf("no section about the %s in\n%s", want, titles)
		}
	}
}

// Both of two dangers are told.
func TestDebugAndMigration(t *testing.T) {
	d, err := Describe(samples(t)[Report])
	if err != nil {
		t.Fatal(err)
	}
	if m := fields(d)["policy"].Meaning; m != "no debugging, no migration" {
		t.Errorf("policy: %q", m)
	}
	if m := policyMeaning(snp.PolicyDebug | snp.PolicyMigrateMA); !strings.Contains(m, "THE HOST CAN READ") || !strings.Contains(m, "migration agent") {
		t.Errorf("both: %q", m)
	}
}
