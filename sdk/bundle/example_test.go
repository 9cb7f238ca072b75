package bundle_test

import (
	"fmt"
	"log"
	"os"

	"github.com/veriproof/notary/attestation/policy"
	"github.com/veriproof/notary/sdk/bundle"
)

// An auditor verifies a bundle against the policy of the house, without any
// network.
func Example() {
	rules, err := os.ReadFile("policy.yaml")
	if err != nil {
		log.Fatal(err)
	}
	p, err := policy.Parse(rules)
	if err != nil {
		log.Fatal(err)
	}
	data, err := os.ReadFile("session.bundle")
	if err != nil {
		log.Fatal(err)
	}
	result, err := bundle.Verify(data, p, bundle.Options{})
	if err != nil {
		log.Fatal(err)
	}
	for _, c := range result.Checks {
		fmt.Printf("%-8s  %-20s  %s\n", c.Status, c.Name, c.Detail)
	}
	fmt.Println(result.Verdict)
}

// Parts are packed in one order and one encoding.
func ExampleBundle_Encode() {
	b := &bundle.Bundle{
		Sealer:  bundle.Attestation{RuntimeData: []byte("{}"), Config: []byte("format: 1\n")},
		Receipt: []byte("header.payload.signature"),
	}
	data, err := b.Encode()
	if err != nil {
		log.Fatal(err)
	}
	again, err := bundle.Parse(data)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(len(data), string(again.Receipt))
	data[100] ^= 1
	_, err = bundle.Parse(data)
	fmt.Println(err)
	// Output:
	// 855 header.payload.signature
	// malformed bundle: file 1, at byte 0: header is not in the one encoding, or its checksum is another
}
