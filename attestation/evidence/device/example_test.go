//go:build linux

package device_test

import (
	"context"
	"fmt"
	"log"

	"github.com/veriproof/notary/attestation/evidence"
	"github.com/veriproof/notary/attestation/evidence/device"
)

// Without a sidecar: the report from the guest device, the endorsements from the
// directory that ACI mounts.
func Example() {
	src, err := device.Open()
	if err != nil {
		log.Fatal(err) // not on a confidential machine
	}
	src.SecurityContextDir = evidence.SecurityContextDir()
	e, err := src.Collect(context.Background(), []byte(`{"keys":[]}`))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(len(e.Report), "bytes of report")
}
