// Package evidence fetches what an Attester has to show (RFC 9334): an SNP
// report over its runtime data, and the endorsements that belong to it.
//
// # Sources
//
// A [Source] is a place where Evidence comes from. [Sidecar] is Azure's
// attestation sidecar in a confidential container group, together with the
// directory of endorsements that ACI mounts into every container. Package device
// below this one asks the guest device itself, without a sidecar.
//
// # Guarantees
//
// A Source hands out Evidence only after [Evidence.Check]: signed by real
// hardware and not by nobody, over the given runtime data, with a certificate
// chain that fits the report, and with the CCE policy that the report's
// HOST_DATA names. Whose root the chain ends in, and whether any of it is
// acceptable, is for the verifier; so is a simulated TEE.
//
// Answers are bounded before they are held, in bytes and in time. Nothing that
// a source sends gets into an error text but its own printable, shortened error
// message.
//
// The types are plain data. A Sidecar may be used by any number of goroutines.
package evidence

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"time"

	"github.com/veriproof/notary/attestation/runtimedata"
	"github.com/veriproof/notary/attestation/snp"
)

// Evidence is a report with its endorsements, each in its native format.
type Evidence struct {
	Report    []byte // SNP attestation report, 1184 bytes
	VCEKChain []byte // PEM: VCEK, ASK, ARK
	UVM       []byte // COSE_Sign1 endorsement of the utility VM; nil if the source has none
	CCEPolicy []byte // Rego text of the container group's policy; nil if the source has none
}

// A Source is a place where Evidence comes from. Collect returns Evidence whose
// report has REPORT_DATA = SHA-256(runtimeData) followed by 32 zero bytes, and
// which has passed [Evidence.Check].
type Source interface {
	Collect(ctx context.Context, runtimeData []byte) (*Evidence, error)
}

// Reasons for which Evidence is refused. Test with [errors.Is].
var (
	// ErrUnavailable: the source did not answer, or not in time. Worth trying again.
	ErrUnavailable = errors.New("evidence source is unavailable")
	// ErrAnswer: the source's answer is not in the documented form.
	ErrAnswer = errors.New("malformed answer of the evidence source")
	// ErrTooLarge: the source sent more than such Evidence can have.
	ErrTooLarge = errors.New("answer of the evidence source is too large")
	// ErrNotHardware: the report is the one that the sidecar makes up outside
	// of an SNP machine: version 1, or without a signature.
	ErrNotHardware = errors.New("report does not come from SEV-SNP hardware")
	// ErrReport: the report cannot be read otherwise.
	ErrReport = errors.New("malformed SNP report")
	// ErrReportData: the report is over somebody else's runtime data.
	ErrReportData = errors.New("report is not over this runtime data")
	// ErrChain: the certificate chain is not the one of the key that signed
	// the report.
	ErrChain = errors.New("certificate chain does not belong to the report")
	// ErrCCEPolicy: the CCE policy is not the one in the report's HOST_DATA.
	ErrCCEPolicy = errors.New("CCE policy does not belong to the report")
	// ErrSource: the source is configured in a way that cannot work.
	ErrSource = errors.New("invalid evidence source")
)

// Check reports whether the parts belong together and to runtimeData. It trusts
// the chain's own root, so it finds mistakes and stale certificates; it does not
// prove that the root is AMD's.
func (e *Evidence) Check(runtimeData []byte) error {
	report, err := parseReport(e.Report)
	if err != nil {
		return err
	}
	if want := runtimedata.ReportData(runtimeData); report.ReportData != want {
		return fmt.Errorf("%w: REPORT_DATA is %x, want %x", ErrReportData, report.ReportData, want)
	}
	chain, err := snp.ParseChain(e.VCEKChain)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrChain, err)
	}
	if err := snp.Verify(report, chain, snp.Roots{}.With(chain.ARK), validAt(chain)); err != nil {
		return fmt.Errorf("%w: %w", ErrChain, err)
	}
	if e.CCEPolicy == nil {
		return nil
	}
	if got := sha256.Sum256(e.CCEPolicy); got != report.HostData {
		return fmt.Errorf("%w: its SHA-256 is %x, HOST_DATA is %x", ErrCCEPolicy, got, report.HostData)
	}
	return nil
}

func parseReport(b []byte) (*snp.Report, error) {
	report, err := snp.Parse(b)
	var version *snp.VersionError
	switch {
	case err == nil:
		return report, nil
	case errors.As(err, &version) && version.Version <= 1, errors.Is(err, snp.ErrNoSignature):
		return nil, fmt.Errorf("%w: %w", ErrNotHardware, err)
	}
	return nil, fmt.Errorf("%w: %w", ErrReport, err)
}

// validAt returns the first moment at which all three certificates are valid.
// Whether they still are depends on a clock that belongs to the host, and is the
// verifier's question.
func validAt(c *snp.Chain) time.Time {
	at := c.VCEK.NotBefore
	for _, t := range []time.Time{c.ASK.NotBefore, c.ARK.NotBefore} {
		if t.After(at) {
			at = t
		}
	}
	return at
}
