package main

import (
	"fmt"

	"github.com/veriproof/notary/attestation/policy"
	"github.com/veriproof/notary/attestation/policy/azure"
)

// policyAzure writes a policy in a language of Azure, and says what it leaves out.
func policyAzure(a *app, name, out string, make func(*policy.Policy) (*azure.Text, error)) error {
	p, err := readPolicy(name)
	if err != nil {
		return err
	}
	a.warn(p)
	text, err := make(p)
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	if err := a.output(out, text.Text); err != nil {
		return err
	}
	for _, o := range text.Omitted {
		fmt.Fprintf(a.stderr, "notary: warning: not asked by it: %s\n", o)
	}
	return nil
}

// policyMAA also says under which policy_hash the instance's tokens will come.
func policyMAA(p *policy.Policy) (*azure.Text, error) {
	text, err := azure.MAAPolicy(p)
	if err == nil {
		text.Omitted = append(text.Omitted, "Tokens under this policy have the policy_hash "+azure.PolicyHash(text.Text)+", which relying parties then pin.")
	}
	return text, err
}
