package challenge_test

import (
	"context"
	"crypto/tls"
	"fmt"

	"github.com/veriproof/notary/attestation"
	"github.com/veriproof/notary/attestation/challenge"
	"github.com/veriproof/notary/attestation/policy"
	"github.com/veriproof/notary/attestation/simtee"
)

// trust returns the TLS configuration for connections to the notary at url, if the
// policy accepts it. This is all that a relying party has to write.
func trust(ctx context.Context, policyYAML []byte, url string, o challenge.Options) (*tls.Config, error) {
	p, err := policy.Parse(policyYAML)
	if err != nil {
		return nil, err
	}
	proof, err := challenge.Fetch(ctx, url)
	if err != nil {
		return nil, err
	}
	if checks := proof.Appraise(p, o); attestation.Verdict(checks) != attestation.Verified {
		return nil, fmt.Errorf("the notary is not acceptable: %v", checks)
	}
	return proof.TLSConfig(), nil
}

// A relying party decides whether to trust the notary at an address. AllowSimulated
// is for this example, which has no hardware.
func Example() {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	tee, err := simtee.New(simtee.Options{TestKeys: true})
	fatal(err)
	fatal(tee.Start(ctx))
	defer tee.Close()
	reference, err := tee.Policy()
	fatal(err)
	reference.Require = []string{policy.PathHardware} // this notary shows no MAA token
	policyYAML, err := simtee.MarshalPolicy(reference)
	fatal(err)
	notary := newPeer(tee)
	defer notary.Close()

	config, err := trust(ctx, policyYAML, notary.URL, challenge.Options{AllowSimulated: true})
	if err != nil {
		fmt.Println(err)
		return
	}
	conn, err := tls.Dial("tcp", notary.Listener.Addr().String(), config)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer conn.Close()
	fmt.Println("connected to the attested key")

	_, err = trust(ctx, policyYAML, notary.URL, challenge.Options{})
	fmt.Println("without simulation:", err != nil)
	// Output:
	// connected to the attested key
	// without simulation: true
}
