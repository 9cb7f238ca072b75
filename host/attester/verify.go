package attester

import (
	"bytes"
	"context"
	"fmt"
	"time"

	"github.com/veriproof/notary/attestation/maa"
)

// verify judges the token as a relying party would, and a little more: it knows
// the report that the token must be about.
func (r *run) verify(context.Context) (string, error) {
	r.verified, r.at = r.now(), r.mono()
	c, err := maa.VerifyToken(r.att.Token, r.keys, maa.TokenOptions{
		Issuer: r.opts.Issuer, At: r.verified, Leeway: tokenLeeway,
	})
	if err != nil {
		return "", err
	}
	if err := r.sameGuest(c); err != nil {
		return "", err
	}
	if err := r.acceptable(c); err != nil {
		return "", err
	}
	// A token that starts inside the margin would make the notary stale at once.
	if end := c.Expiry.Add(-r.opts.Margin); !r.verified.Before(end) {
		return "", fmt.Errorf("%w: it ends at %s, which leaves less than the margin of %v", maa.ErrExpired, stamp(c.Expiry), r.opts.Margin)
	}
	r.att.Claims, r.att.NotAfter = c, c.Expiry
	simulated := ""
	if c.Simulated {
		simulated = "SIMULATED, "
	}
	return fmt.Sprintf("%sissued by %s, key %s, valid until %s", simulated, c.Issuer, c.KeyID, stamp(c.Expiry)), nil
}

// sameGuest holds the token against the runtime data and the report. MAA issues
// tokens without runtime data and over any old report, so nothing of this follows
// from the token being true.
func (r *run) sameGuest(c *maa.Claims) error {
	switch {
	case c.RuntimeRaw == nil:
		return fmt.Errorf("%w: the token has no runtime data", ErrNotOurs)
	case !bytes.Equal(c.RuntimeRaw, r.att.RuntimeData):
		return fmt.Errorf("%w: the token carries other runtime data", ErrNotOurs)
	case c.ReportData != r.report.ReportData:
		return fmt.Errorf("%w: the token is about REPORT_DATA %x, ours is %x", ErrNotOurs, c.ReportData[:32], r.report.ReportData[:32])
	case c.HostData != r.report.HostData:
		return fmt.Errorf("%w: the token is about HOST_DATA %x, ours is %x", ErrNotOurs, c.HostData, r.report.HostData)
	case c.LaunchMeasurement != r.report.Measurement:
		return fmt.Errorf("%w: the token is about launch measurement %x, ours is %x", ErrNotOurs, c.LaunchMeasurement, r.report.Measurement)
	case c.ReportID != r.report.ReportID:
		return fmt.Errorf("%w: the token is about report id %x, ours is %x", ErrNotOurs, c.ReportID, r.report.ReportID)
	}
	return nil
}

func (r *run) acceptable(c *maa.Claims) error {
	switch {
	case c.Simulated && !r.opts.AllowSimulated:
		return ErrSimulated
	case c.Debuggable:
		return fmt.Errorf("%w: the token says that the host can debug the guest", ErrUnacceptable)
	case c.MigrationAllowed:
		return fmt.Errorf("%w: the token says that the guest can be migrated", ErrUnacceptable)
	case c.VMPL != 0:
		return fmt.Errorf("%w: the token is about VMPL %d, want 0", ErrUnacceptable, c.VMPL)
	case c.ComplianceStatus != maa.CompliantUVM:
		return fmt.Errorf("%w: compliance status is %.60q, want %q: MAA did not verify the utility VM", ErrUnacceptable, c.ComplianceStatus, maa.CompliantUVM)
	case c.UVM == nil || c.UVM.LaunchMeasurement != c.LaunchMeasurement:
		return fmt.Errorf("%w: the token's UVM endorsement is not about its launch measurement", ErrUnacceptable)
	case r.opts.PolicyHash != "" && c.PolicyHash != r.opts.PolicyHash:
		return fmt.Errorf("%w: policy hash of the issuer is %.60q, want %q", ErrUnacceptable, c.PolicyHash, r.opts.PolicyHash)
	}
	return nil
}

func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339) }
