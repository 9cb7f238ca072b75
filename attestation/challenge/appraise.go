package challenge

import (
	"crypto/tls"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/veriproof/notary/attestation"
	"github.com/veriproof/notary/attestation/evidence"
	"github.com/veriproof/notary/attestation/policy"
	"github.com/veriproof/notary/attestation/runtimedata"
	"github.com/veriproof/notary/attestation/snp"
)

// A Proof is a Document whose answer to a challenge has been verified.
type Proof struct {
	Document
	At time.Time // when it was verified
}

// Options are what the relying party adds to its policy.
type Options struct {
	// TrustedJWKS is a key set that the caller trusts, see [attestation.Input].
	TrustedJWKS []byte
	// TrustedIssuer says whose it is, see [attestation.Input].
	TrustedIssuer string
	// CRLs are revocation lists of AMD, see [attestation.Input].
	CRLs [][]byte
	// AllowSimulated permits a policy that trusts simulated hardware.
	AllowSimulated bool
}

// The checks that Appraise has beside those of [attestation.Appraise]: the fresh
// report is true, acceptable and of the same guest as the Evidence; and the peer of
// the connection had the keys.
const (
	CheckReport     = "challenge.report"
	CheckPossession = "challenge.possession"
)

// Appraise compares Evidence and fresh report with the relying party's policy, as
// of the time of the exchange. The result is the list of [attestation.Appraise]
// with [CheckReport] and [CheckPossession] behind it; hand it to
// [attestation.Verdict].
func (p *Proof) Appraise(pol *policy.Policy, o Options) []attestation.Check {
	in := p.Input()
	in.At, in.TrustedJWKS, in.TrustedIssuer = p.At, o.TrustedJWKS, o.TrustedIssuer
	in.CRLs, in.AllowSimulated = o.CRLs, o.AllowSimulated
	checks := attestation.Appraise(pol, in)
	standing := slices.ContainsFunc(checks, func(c attestation.Check) bool {
		return c.Name == "snp.verify" && c.Status == attestation.Pass
	})
	return append(checks, p.appraiseFresh(pol, in, standing), attestation.Check{
		Name: CheckPossession, Required: true, Status: attestation.Pass,
		Detail: fmt.Sprintf("the peer answered a fresh nonce at %s with the keys of the runtime data", p.At.UTC().Format(time.RFC3339)),
	})
}

// appraiseFresh holds the fresh report to what the policy asks of reports. Its
// REPORT_DATA has been compared before. It is of the Evidence's guest only by comparison
// with a standing report that is true: another one can be written to match.
func (p *Proof) appraiseFresh(pol *policy.Policy, in attestation.Input, standing bool) attestation.Check {
	c := attestation.Check{Name: CheckReport, Required: true, Status: attestation.NotDone, Detail: "the fresh report is not verified"}
	ofEvidence := in.Evidence.Report
	in = attestation.Input{
		Evidence: evidence.Evidence{Report: p.Answer.Report, VCEKChain: p.Answer.VCEKChain},
		At:       in.At, CRLs: in.CRLs, AllowSimulated: in.AllowSimulated,
	}
	for _, f := range attestation.Appraise(pol, in) {
		switch {
		case !strings.HasPrefix(f.Name, "snp."):
		case f.Status == attestation.Fail:
			c.Status, c.Class, c.Detail = attestation.Fail, f.Class, f.Name+": "+f.Detail
			return c
		case f.Name == "snp.verify" && f.Status == attestation.Pass:
			c.Status, c.Anchor = attestation.Pass, f.Anchor
			c.Detail = "made for this nonce by the guest of the Evidence"
		}
	}
	if c.Status != attestation.Pass {
		return c
	}
	if !standing {
		c.Status, c.Anchor, c.Detail = attestation.NotDone, "", "the Evidence's own report is not verified, so nothing says that the fresh one is of the same guest"
	} else if err := sameGuest(ofEvidence, p.Answer.Report); err != nil {
		c.Status, c.Class, c.Anchor, c.Detail = attestation.Fail, attestation.ClassFalse, "", err.Error()
	}
	return c
}

// sameGuest compares what does not change during a guest's life. The report id is
// the firmware's name for one launched guest.
func sameGuest(standing, fresh []byte) error {
	a, err := snp.Parse(standing)
	if err != nil {
		return fmt.Errorf("the Evidence's own report: %w", err)
	}
	b, err := snp.Parse(fresh)
	if err != nil {
		return err
	}
	if a.ReportID != b.ReportID || a.ChipID != b.ChipID || a.Measurement != b.Measurement || a.HostData != b.HostData {
		return fmt.Errorf("the fresh report is of another guest (report id %x) than the Evidence (%x)", b.ReportID[:8], a.ReportID[:8])
	}
	return nil
}

// TLSConfig returns a client configuration for connections to this notary: TLS 1.3
// to the key that the runtime data names, and nothing else counts. Trust it only
// after a verdict of verified, and no longer than the token's validity.
func (p *Proof) TLSConfig() *tls.Config {
	spki := ""
	if rd, err := runtimedata.Parse(p.RuntimeData); err == nil {
		spki = rd.Notary.TLSSPKI
	}
	return &tls.Config{
		MinVersion: tls.VersionTLS13,
		// The attested key takes the place of an authority and a name.
		InsecureSkipVerify: true,
		VerifyConnection: func(s tls.ConnectionState) error {
			return samePeer(&s, spki)
		},
	}
}
