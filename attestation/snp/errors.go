package snp

import (
	"errors"
	"fmt"
)

// Errors of Parse, ParseChain and Verify: the Evidence is malformed or not true.
var (
	// ErrFormat: the bytes are not a report or not a certificate chain.
	ErrFormat = errors.New("malformed SNP evidence")
	// ErrNoSignature: the signature is all zeros, as in the report that
	// Azure's sidecar invents outside of an SNP machine.
	ErrNoSignature = errors.New("SNP report has no signature: it does not come from AMD hardware")
	// ErrSigner: the report was not signed by a VCEK with ECDSA P-384.
	ErrSigner = errors.New("SNP report is not signed by a VCEK with ECDSA P-384")
	// ErrVLEK: signed by a VLEK, or under AMD's chain for them. Besides
	// ErrSigner or ErrChain.
	ErrVLEK = errors.New("VLEK is not supported: it is one key for all chips of a cloud provider, held by the provider, so it does not say which chip signed; Azure's container groups use VCEKs")
	// ErrUntrustedRoot: the ARK is not among the trusted roots.
	ErrUntrustedRoot = errors.New("ARK is not a trusted root")
	// ErrChain: a certificate is not signed by its issuer or is not what its
	// place in the chain demands.
	ErrChain = errors.New("AMD certificate chain does not verify")
	// ErrValidity: a certificate is not valid at the time of interest.
	ErrValidity = errors.New("AMD certificate is not valid at that time")
	// ErrBinding: the VCEK is genuine, but for another chip, TCB or product
	// than the report claims.
	ErrBinding = errors.New("VCEK does not belong to the SNP report")
	// ErrSignature: the VCEK did not sign these bytes.
	ErrSignature = errors.New("signature of the SNP report does not verify")
)

// A VersionError says that a report has a version whose layout is not known
// here. Version 1 is what Azure's sidecar answers, with invented values, when it
// runs outside of an SNP machine.
type VersionError struct{ Version uint32 }

func (e *VersionError) Error() string {
	if e.Version == 1 {
		return "SNP report has version 1: the sidecar runs outside of an SNP machine and made it up"
	}
	return fmt.Sprintf("SNP report has version %d, known are 2, 3 and 5", e.Version)
}
