package attester

import (
	"errors"
	"fmt"
	"time"
)

// Names of the steps of an attestation, in their order.
const (
	StepRuntimeData = "runtime data"    // the claims and keys have their exact encoding
	StepEvidence    = "evidence"        // the source gives report, chain, endorsement and policy
	StepReport      = "report"          // the report is ours and true under the trusted roots
	StepEndorsement = "uvm endorsement" // the utility VM's measurement is endorsed
	StepHostData    = "host data"       // HOST_DATA is the digest of the container policy
	StepToken       = "maa token"       // MAA answers with a token
	StepIssuerKeys  = "issuer keys"     // the issuer's keys are fetched from the issuer
	StepVerify      = "verification"    // the token convinces a relying party
)

// A StepError says at which step an attestation failed, and why.
type StepError struct {
	Step string // one of the Step constants
	Err  error
}

func (e *StepError) Error() string { return fmt.Sprintf("attestation, step %s: %v", e.Step, e.Err) }

// Unwrap returns the reason.
func (e *StepError) Unwrap() error { return e.Err }

// Reasons of this package. Those of evidence, snp, uvm and maa come wrapped as
// they are.
var (
	// ErrOptions: New was called without something that it needs.
	ErrOptions = errors.New("invalid attester options")
	// ErrNotOurs: the Evidence or the token is true, but about other runtime
	// data, or about another guest.
	ErrNotOurs = errors.New("not about this notary")
	// ErrUnacceptable: what is attested would not be accepted by a relying
	// party.
	ErrUnacceptable = errors.New("not acceptable to a relying party")
	// ErrSimulated: a simulated TEE in a notary that does not allow it.
	ErrSimulated = errors.New("simulated attestation, but this build or configuration wants real hardware")
)

// A StaleError says that the notary has no attestation that is valid now and
// must not take new data. It ends by itself when a renewal succeeds, so senders
// may try again.
type StaleError struct {
	NotAfter time.Time // expiry of the last token; zero if there never was one
	Cause    error     // why the last attempt at renewal failed; nil if none did
}

func (e *StaleError) Error() string {
	s := "not yet attested"
	if !e.NotAfter.IsZero() {
		s = "attestation token ends at " + e.NotAfter.UTC().Format(time.RFC3339) + " and could not be renewed in time"
	}
	if e.Cause != nil {
		s += ": " + e.Cause.Error()
	}
	return s
}

// Unwrap returns the cause.
func (e *StaleError) Unwrap() error { return e.Cause }
