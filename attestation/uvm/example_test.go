package uvm_test

import (
	"fmt"
	"log"

	"github.com/veriproof/notary/attestation/internal/uvmtest"
	"github.com/veriproof/notary/attestation/uvm"
)

// A relying party verifies an endorsement and then appraises what it says. With
// the zero Options Microsoft's issuer is the trusted one; here it is a test's.
func Example() {
	signer := uvmtest.New(nil)
	measurement := [48]byte{1, 2, 3} // from a verified report
	endorsement := signer.Sign(signer.CWT(uvm.ContainerFeed, 104, measurement))

	e, err := uvm.Verify(endorsement, uvm.Options{TrustedDIDs: []string{signer.DID()}})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(e.Feed == uvm.ContainerFeed, e.SVN >= 104, e.Measurement == measurement)
	// Output: true true true
}
