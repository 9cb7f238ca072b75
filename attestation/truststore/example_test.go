package truststore_test

import (
	"fmt"
	"os"

	"github.com/veriproof/notary/attestation"
	"github.com/veriproof/notary/attestation/truststore"
)

// A relying party keeps an instance's keys while they are served, and appraises later
// what was signed then.
func Example() {
	dir, err := os.MkdirTemp("", "trust")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	s, err := truststore.Create(dir)
	if err != nil {
		fmt.Println(err)
		return
	}
	if _, err := s.KeepKeys("https://contoso.weu.attest.azure.net", keys(1), noon); err != nil {
		fmt.Println(err)
		return
	}
	in := attestation.Input{KeptKeys: s.KeySets(), CRLs: s.CRLs()}
	fmt.Println(len(in.KeptKeys), "key set of", in.KeptKeys[0].Issuer)
	// Output: 1 key set of https://contoso.weu.attest.azure.net
}
