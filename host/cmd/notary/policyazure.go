package main

import (
	"fmt"

	"github.com/veriproof/notary/attestation/policy"
	"github.com/veriproof/notary/attestation/policy/azure"
)

// policyAzure writes a policy in a language of Azure, and says what it leaves out.
// The note of it, if not nil, is said of the text that was written.
func policyAzure(a *app, name, out string, make func(*policy.Policy) (*azure.Text, error), note func(*azure.Text) string) error {
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
	if note != nil {
		fmt.Fprintf(a.stderr, "notary: note: %s\n", note(text))
	}
	return nil
}

// maaNote says under which policy_hash the instance's tokens will come.
func maaNote(text *azure.Text) string {
	return "tokens under this policy have the policy_hash " + azure.PolicyHash(text.Text) + ", which relying parties then pin"
}
