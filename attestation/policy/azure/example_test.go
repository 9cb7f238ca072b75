package azure_test

import (
	"encoding/json"
	"fmt"

	"github.com/veriproof/notary/attestation/policy"
	"github.com/veriproof/notary/attestation/policy/azure"
)

// A customer lets Key Vault release a key to notaries with one plugin set, and to nobody
// else.
func ExampleReleasePolicy() {
	p, err := policy.Parse([]byte(`
format: "1"
issuers: [{issuer: https://contoso.weu.attest.azure.net, policy_hash: any}]
products: [Genoa]
host_data: [0ee2054606c2af7292607efd12f0745a4a97ca52c92005488ca1de54c4be349e]
uvm: {min_svn: 104}
plugin_set: [b4f0a9cbe2d6e17c2b4b0d4fd7e2a7f0a5f3c1f9a9b7f6f1de27c8f0b1a2c3d4]
`))
	if err != nil {
		fmt.Println(err)
		return
	}
	release, err := azure.ReleasePolicy(p)
	if err != nil {
		fmt.Println(err)
		return
	}
	var text struct {
		AnyOf []struct {
			AllOf []struct{ Claim string }
		}
	}
	err = json.Unmarshal(release.Text, &text)
	for _, c := range text.AnyOf[0].AllOf[7:] {
		fmt.Println(c.Claim)
	}
	fmt.Println(err)
	// Output:
	// x-ms-sevsnpvm-hostdata
	// x-ms-runtime.notary.mode
	// x-ms-runtime.notary.plugin_set
	// <nil>
}
