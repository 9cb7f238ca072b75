package snp_test

import (
	"encoding/pem"
	"fmt"
	"log"
	"time"

	"github.com/google/go-sev-guest/verify/testdata"
	"github.com/google/go-sev-guest/verify/trust"

	"github.com/veriproof/notary/attestation/snp"
)

// A report is first verified and then appraised. This one is true, and it
// comes from a guest that its host can debug.
func Example() {
	vcek := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: testdata.VcekBytes})
	report, err := snp.Parse(testdata.AttestationBytes)
	if err != nil {
		log.Fatal(err)
	}
	chain, err := snp.ParseChain(append(vcek, trust.AskArkMilanVcekBytes...))
	if err != nil {
		log.Fatal(err)
	}
	at := time.Date(2023, 6, 1, 0, 0, 0, 0, time.UTC)
	fmt.Println("verify:", snp.Verify(report, chain, snp.AMDRoots(), at))
	for _, err := range snp.Appraise(report, chain, snp.ReferenceValues{Products: []snp.Product{snp.Genoa, snp.Turin}}) {
		fmt.Println("appraise:", err)
	}
	// Output:
	// verify: <nil>
	// appraise: SNP report is not acceptable: guest policy 0xb0000 allows debugging: the host can read the guest's memory
	// appraise: SNP report is not acceptable: product line Milan is not among the accepted [Genoa Turin]
}
