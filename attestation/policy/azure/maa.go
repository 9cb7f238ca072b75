package azure

import (
	"errors"
	"fmt"
	"strings"

	"github.com/veriproof/notary/attestation/policy"
)

// The issuers of claims inside a policy. What a client adds to its request has a third
// one, and counts for nothing here.
const (
	ofService = `issuer=="AttestationService"`
	ofPolicy  = `issuer=="AttestationPolicy"`
)

// MAAPolicy writes the attestation policy, version 1.2, of an instance for SevSnpVm: it
// gives no token to a guest that can be debugged or migrated, that does not run at VMPL 0,
// whose HOST_DATA is not accepted, or whose runtime data does not name an accepted plugin
// set. The claims notary-* of its tokens repeat what it has found.
func MAAPolicy(p *policy.Policy) (*Text, error) {
	list, err := demands(p)
	if err != nil {
		return nil, err
	}
	var b strings.Builder
	b.WriteString("version=1.2;\nconfigurationrules{\n};\nauthorizationrules{\n")
	permit := []string{
		condition("x-ms-attestation-type", ofService, `"sevsnpvm"`),
		condition("x-ms-sevsnpvm-is-debuggable", ofService, "false"),
		condition("x-ms-sevsnpvm-migration-allowed", ofService, "false"),
		condition("x-ms-sevsnpvm-vmpl", ofService, "0"),
	}
	for _, d := range list {
		claim, issuer := d.claim, ofService
		if claim == "" {
			claim, issuer = "notary-"+d.name, ofPolicy
			fmt.Fprintf(&b, "  c:[type==\"x-ms-runtime\", %s] => add(type=\"%s\", value=JsonToClaimValue(JmesPath(c.value, \"%s\")));\n", ofService, claim, jmesPath(d.path))
		}
		for _, v := range d.values {
			if strings.ContainsAny(v, "\"\\\n") {
				return nil, errors.New(d.name + ": a value has a character that a policy would have to escape")
			}
			fmt.Fprintf(&b, "  %s => add(type=\"accepted-%s\", value=true);\n", condition(claim, issuer, `"`+v+`"`), d.name)
		}
		permit = append(permit, condition("accepted-"+d.name, ofPolicy, "true"))
	}
	fmt.Fprintf(&b, "  %s => permit();\n};\nissuancerules{\n", strings.Join(permit, " &&\n  "))
	for _, d := range list {
		if d.claim == "" {
			fmt.Fprintf(&b, "  c:[type==\"notary-%s\", %s] => issue(claim=c);\n", d.name, ofPolicy)
		}
	}
	b.WriteString("};\n")
	return &Text{Text: []byte(b.String()), Omitted: append([]string{
		"uvm: MAA verifies Microsoft's endorsement and says so in the token, where relying parties have to look for it, its feed and its SVN.",
	}, omitted(p)...)}, nil
}

func condition(claim, issuer, value string) string {
	return fmt.Sprintf("[type==\"%s\", %s, value==%s]", claim, issuer, value)
}

// jmesPath walks from the runtime data. Names of plugins have dashes, so each is quoted,
// with the quotes escaped as in any string of a policy.
func jmesPath(path []string) string {
	out := "notary"
	for _, name := range path {
		out += `.\"` + name + `\"`
	}
	return out
}
