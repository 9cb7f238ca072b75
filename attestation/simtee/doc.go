// Package simtee is a SIMULATED TEE: it is not hardware, and what it attests
// protects nobody. It makes its own AMD root, its own chip, its own signer of
// utility VMs and its own attestation service, and with these keys does the real
// cryptography, so that a notary's whole start-up and a relying party's whole
// verification run, unchanged, on any machine.
//
// # Warning
//
// A release binary must not contain this package. A command imports it behind
// the build tag "simtee" only, and tests of release binaries look for [Marker]
// or for symbols of this package. A relying party accepts a simulated notary
// only under a policy with a section "simulated" and only in a verifier that
// allows it. Besides, everything made here says what it is: the certificates'
// organisation, the report's family and image id, the CCE policy's text, a claim
// in each token.
//
// # What is real and what is not
//
// Real: the bytes of reports, certificates, endorsements, requests, answers and
// tokens, and every signature in them; the service issues a token only after it
// has verified all of them. Not real: the separation from the host. Whoever can
// read the process or its directory has all the keys.
//
// # State
//
// With [Options.Dir] keys and certificates are kept in one file there, so that a
// restarted simulator is the same hardware and the same service at the same
// address. Without, every TEE is new.
//
// A TEE is safe for concurrent use.
package simtee

// Marker is a text that is in a binary exactly if this package is linked into
// it. It stands in every CCE policy of a TEE.
const Marker = "veriproof-notary/SIMULATED-TEE/not-hardware/5f1c0a7e"

// Organization is the organisation (O) in the subject of every certificate that
// a simulated TEE makes. go-sev-guest demands AMD's and so refuses the chain even
// for those who would trust its root.
const Organization = "SIMULATED TEE, NOT HARDWARE"
