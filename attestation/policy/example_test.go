package policy_test

import (
	"fmt"

	"github.com/veriproof/notary/attestation/policy"
)

// A policy says which containers, hardware and utility VMs are acceptable, and
// a slip of the pen is an error and no open door.
func Example() {
	const file = `format: "1"
products: [Genoa, Turin]
host_data:
  - 0ee2054606c2af7292607efd12f0745a4a97ca52c92005488ca1de54c4be349e
uvm: {min_svn: 104}
plugins:
  redact-pii:
    requird: true
`
	_, err := policy.Parse([]byte(file))
	fmt.Println(err)
	// Output: invalid policy: line 8: unknown key "requird", did you mean "required"?
}
