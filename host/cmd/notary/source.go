package main

import (
	"fmt"

	"github.com/veriproof/notary/attestation/evidence"
	"github.com/veriproof/notary/attestation/evidence/device"
	"github.com/veriproof/notary/host/config"
)

// evidenceSource is where this notary's Evidence comes from. Whichever it is, the
// attester holds what it gives against AMD's roots and the runtime data.
func evidenceSource(a *config.Attestation, securityContext string) (evidence.Source, error) {
	if a.Source != config.SourceDevice {
		return &evidence.Sidecar{URL: a.SidecarURL, SecurityContextDir: securityContext}, nil
	}
	s, err := device.Open()
	if err != nil {
		return nil, hinted(fmt.Errorf("attestation.source: %w", err),
			"give the container /dev/sev-guest or configfs-tsm, or set attestation.source to sidecar")
	}
	s.SecurityContextDir = securityContext
	return s, nil
}
