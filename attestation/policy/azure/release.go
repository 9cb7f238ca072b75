package azure

import (
	"encoding/json"
	"errors"
	"fmt"

	"github.com/veriproof/notary/attestation/maa"
	"github.com/veriproof/notary/attestation/policy"
)

// maxAlternatives bounds a release policy: where a relying party accepts several values
// of several things, each combination is an alternative of its own.
const maxAlternatives = 64

type releasePolicy struct {
	Version string        `json:"version"`
	AnyOf   []alternative `json:"anyOf"`
}

type alternative struct {
	Authority string  `json:"authority"`
	AllOf     []equal `json:"allOf"`
}

type equal struct {
	Claim  string `json:"claim"`
	Equals any    `json:"equals"`
}

// ReleasePolicy writes a key release policy, version 1.0.0, of Key Vault and Managed HSM:
// a key is released to a guest with a token of an accepted instance that names an accepted
// plugin set and HOST_DATA, of a utility VM of the accepted feed.
func ReleasePolicy(p *policy.Policy) (*Text, error) {
	list, err := demands(p)
	if err != nil {
		return nil, err
	}
	authorities := issuers(p)
	if len(authorities) == 0 {
		return nil, errors.New("the policy accepts no MAA issuer, and a key is released to tokens only")
	}
	combinations := [][]equal{nil}
	for _, d := range list {
		var next [][]equal
		for _, before := range combinations {
			for _, v := range d.values {
				next = append(next, append(before[:len(before):len(before)], equal{d.inToken(), v}))
			}
		}
		if combinations = next; len(combinations)*len(authorities) > maxAlternatives {
			return nil, fmt.Errorf("the policy accepts more than %d combinations, and a release policy has to name each: make one for fewer values", maxAlternatives)
		}
	}
	out := releasePolicy{Version: "1.0.0"}
	for _, is := range authorities {
		for _, c := range combinations {
			out.AnyOf = append(out.AnyOf, alternative{is.Issuer, append(common(p, is), c...)})
		}
	}
	text, err := json.MarshalIndent(out, "", "  ")
	if err != nil {
		return nil, err
	}
	return &Text{Text: append(text, '\n'), Omitted: append([]string{
		fmt.Sprintf("uvm.min_svn (%d): only \"equals\" is documented to work, and an SVN is a least one.", p.UVM.MinSVN),
	}, omitted(p)...)}, nil
}

// common is what every alternative of an instance asks. Truths are strings: so the
// grammar has them.
func common(p *policy.Policy, is policy.Issuer) []equal {
	list := []equal{
		{"x-ms-attestation-type", "sevsnpvm"},
		{"x-ms-compliance-status", maa.CompliantUVM},
		{"x-ms-sevsnpvm-is-debuggable", "false"},
		{"x-ms-sevsnpvm-migration-allowed", "false"},
		{"x-ms-sevsnpvm-vmpl", 0},
		{"x-ms-sevsnpvm-uvm-endorsement-headers.feed", p.UVM.Feed},
		{"x-ms-sevsnpvm-uvm-endorsement-headers.iss", uvmIssuer(p)},
	}
	if is.PolicyHash != "" && is.PolicyHash != policy.AnyPolicyHash {
		list = append(list, equal{"x-ms-policy-hash", is.PolicyHash})
	}
	return list
}

// inToken names a demand's claim; dots walk objects.
func (d *demand) inToken() string {
	name := d.claim
	if name == "" {
		name = "x-ms-runtime.notary"
		for _, step := range d.path {
			name += "." + step
		}
	}
	return name
}
