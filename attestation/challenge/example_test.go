package challenge_test

import (
	"context"
	"fmt"

	"github.com/veriproof/notary/attestation"
	"github.com/veriproof/notary/attestation/challenge"
	"github.com/veriproof/notary/attestation/policy"
	"github.com/veriproof/notary/attestation/simtee"
)

// A relying party decides whether to trust the notary at an address. AllowSimulated
// is for this example, which has no hardware.
func Example() {
	tee, err := simtee.New(simtee.Options{TestKeys: true})
	fatal(err)
	fatal(tee.Start(context.Background()))
	defer tee.Close()
	reference, err := tee.PolicyYAML()
	fatal(err)
	notary := newPeer(tee)
	defer notary.Close()

	p, err := policy.Parse(reference) // what you accept
	if err != nil {
		fmt.Println(err)
		return
	}
	p.Require = []string{policy.PathHardware} // this notary shows no MAA token
	proof, err := challenge.Fetch(context.Background(), notary.URL)
	if err != nil {
		fmt.Println(err)
		return
	}
	checks := proof.Appraise(p, challenge.Options{AllowSimulated: true})
	fmt.Println(attestation.Verdict(checks))
	for _, c := range checks[len(checks)-2:] {
		fmt.Println(c.Status, c.Name)
	}
	// proof.TLSConfig() now connects to this notary and to nobody else.

	// Output:
	// verified
	// pass challenge.report
	// pass challenge.possession
}
