// Command appraise is a relying party: it challenges a notary, appraises its
// Evidence by a policy, and writes the notary's TLS certificate only if the
// notary is acceptable. See README.md.
package main

import (
	"context"
	"encoding/pem"
	"flag"
	"fmt"
	"io"
	"os"

	"github.com/veriproof/notary/attestation"
	"github.com/veriproof/notary/attestation/challenge"
	"github.com/veriproof/notary/attestation/policy"
)

type options struct {
	control, policy, jwks, issuer, out string
	simulated                          bool
}

func main() {
	var o options
	flag.StringVar(&o.control, "control", "https://127.0.0.1:8443", "URL of the notary's control interface")
	flag.StringVar(&o.policy, "policy", "policy.yaml", "your Reference Values")
	flag.StringVar(&o.jwks, "jwks", "", "key set of the MAA instance, if the policy pins none")
	flag.StringVar(&o.issuer, "issuer", "", "whose keys these are, if the policy has several issuers without pinned keys")
	flag.StringVar(&o.out, "o", "notary.pem", "where the notary's certificate goes")
	flag.BoolVar(&o.simulated, "simulated", false, "accept a policy that trusts a simulator (development only)")
	flag.Parse()
	if err := run(context.Background(), o, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "appraise: error:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, o options, out io.Writer) error {
	text, err := os.ReadFile(o.policy)
	if err != nil {
		return err
	}
	p, err := policy.Parse(text)
	if err != nil {
		return err
	}
	accept := challenge.Options{AllowSimulated: o.simulated, TrustedIssuer: o.issuer}
	if o.jwks != "" {
		if accept.TrustedJWKS, err = os.ReadFile(o.jwks); err != nil {
			return err
		}
	}
	// A fresh report over our nonce, and a proof that the peer of this connection
	// has the keys that the hardware names.
	proof, err := challenge.Fetch(ctx, o.control)
	if err != nil {
		return err
	}
	// Whose hardware, and which code: that is for the policy.
	checks := proof.Appraise(p, accept)
	for _, c := range checks {
		fmt.Fprintf(out, "%-8s  %-20s  %s\n", c.Status, c.Name, c.Detail)
	}
	if v := attestation.Verdict(checks); v != attestation.Verified {
		return fmt.Errorf("the notary is not acceptable: %s", v)
	}
	// Fetch has compared the first certificate with the attested key, so that one
	// is written and nothing that may stand behind it.
	certificate, _ := pem.Decode([]byte(proof.TLSCertificate))
	return os.WriteFile(o.out, pem.EncodeToMemory(certificate), 0o644)
}
