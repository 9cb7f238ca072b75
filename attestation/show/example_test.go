package show_test

import (
	"fmt"
	"log"

	"github.com/google/go-sev-guest/verify/testdata"

	"github.com/veriproof/notary/attestation/show"
)

// A file of unknown kind is explained in words.
func Example() {
	d, err := show.Describe(testdata.AttestationBytes)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(d.Kind, "-", d.Note)
	for _, f := range d.Sections[0].Fields[4:6] {
		fmt.Printf("%s %s\n    %s\n", f.Name, f.Value, f.Meaning)
	}
	// Output:
	// snp-report - An attestation report of AMD SEV-SNP hardware. Shown as it stands; nothing is verified.
	// policy 0xb0000, ABI 0.0: SMT, debugging
	//     THE HOST CAN READ AND CHANGE THE GUEST'S MEMORY (debugging is allowed)
	// vmpl 0
	//     asked for at the highest privilege level
}
