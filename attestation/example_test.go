package attestation_test

import (
	"fmt"
	"log"
	"time"

	"github.com/veriproof/notary/attestation"
	"github.com/veriproof/notary/attestation/policy"
)

// A relying party appraises what a notary shows. This one shows nothing, so
// nothing is verified: what is absent is not-done and never a pass.
func Example() {
	p, err := policy.Parse([]byte(`format: "1"
issuers: [{issuer: "https://contoso.weu.attest.azure.net", policy_hash: 9NY0VnTQ-IiBriBplVUpFbczcDaEBUwsiFYAzHu_gco}]
products: [Genoa, Turin]
host_data: [0ee2054606c2af7292607efd12f0745a4a97ca52c92005488ca1de54c4be349e]
uvm: {min_svn: 104}
`))
	if err != nil {
		log.Fatal(err)
	}
	in := attestation.Input{ // as received from the notary
		At: time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC),
	}
	checks := attestation.Appraise(p, in)
	for _, c := range checks[:4] {
		fmt.Printf("%-16s %-8s %s\n", c.Name, c.Status, c.Detail)
	}
	fmt.Println(attestation.Verdict(checks))
	// Output:
	// policy           pass     paths that must pass: [hardware maa]
	// runtime-data     not-done no runtime data is given
	// maa.token        not-done no MAA token is given
	// maa.policy-hash  not-done the token is not verified
	// incomplete
}
