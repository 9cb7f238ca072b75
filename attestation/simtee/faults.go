package simtee

import "time"

// Faults make a TEE misbehave, for tests of those who depend on it.
type Faults struct {
	// NotHardware has the sidecar answer as the stock one does outside of an
	// SNP machine: 200 with an invented report of version 1 and no signature.
	NotHardware bool
	// SidecarDown has the sidecar refuse attestation with 403 and its two JSON
	// objects.
	SidecarDown bool
	// MAADown has the attestation service answer 503 to everything.
	MAADown bool
	// TokenLifetime, if not 0, is the lifetime of the next tokens; a negative
	// one gives tokens that have expired.
	TokenLifetime time.Duration
	// Report changes a report before it is signed, so that the signature is
	// good and the content is not.
	Report func(raw []byte)
	// Claims changes the claims of a token before it is signed.
	Claims func(claims map[string]any)
}

// SetFaults replaces the faults; the zero value ends all of them.
func (t *TEE) SetFaults(f Faults) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.faults = f
}

func (t *TEE) currentFaults() Faults {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.faults
}
