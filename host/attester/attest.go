package attester

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"time"

	"github.com/veriproof/notary/attestation/evidence"
	"github.com/veriproof/notary/attestation/maa"
	"github.com/veriproof/notary/attestation/runtimedata"
	"github.com/veriproof/notary/attestation/snp"
	"github.com/veriproof/notary/attestation/uvm"
)

// stepTimeout bounds a step that waits for somebody else: a sidecar that never
// answers must end in an error that can be read, not in silence.
const stepTimeout = 3 * time.Minute

// A run is one attestation in progress.
type run struct {
	*Attester
	att    *Attestation
	report *snp.Report
	chain  *snp.Chain
	keys   *maa.KeySet

	verified time.Time
	at       time.Duration
}

// Attest obtains an attestation and makes it the current one. After each step it
// calls tell, which may be nil, from its own goroutine. The first step that fails
// ends the attestation with a [*StepError], and the current attestation stays as
// it was.
func (a *Attester) Attest(ctx context.Context, tell func(Step)) (*Attestation, error) {
	a.attesting.Lock()
	defer a.attesting.Unlock()
	r, err := a.attest(ctx, tell)
	if err != nil {
		return nil, err
	}
	a.publish(r.att, r.verified, r.at)
	return r.att, nil
}

// attest goes through the steps. There is no way around one of them: the list
// is fixed, and each needs what the one before it left.
func (a *Attester) attest(ctx context.Context, tell func(Step)) (*run, error) {
	if tell == nil {
		tell = func(Step) {}
	}
	r := &run{Attester: a, att: new(Attestation)}
	for _, step := range []struct {
		name string
		do   func(context.Context) (string, error)
	}{
		{StepRuntimeData, r.runtimeData},
		{StepEvidence, r.evidence},
		{StepReport, r.checkReport},
		{StepEndorsement, r.checkEndorsement},
		{StepHostData, r.checkHostData},
		{StepToken, r.token},
		{StepIssuerKeys, r.issuerKeys},
		{StepVerify, r.verify},
	} {
		began := a.mono()
		detail, err := within(ctx, step.do)
		s := Step{Name: step.name, Detail: detail, Took: a.mono() - began}
		if err != nil {
			s.Detail, s.Err = "", &StepError{Step: step.name, Err: err}
		}
		tell(s)
		if err != nil {
			return nil, s.Err
		}
	}
	return r, nil
}

func within(ctx context.Context, do func(context.Context) (string, error)) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, stepTimeout)
	defer cancel()
	if err := ctx.Err(); err != nil {
		return "", err
	}
	return do(ctx)
}

func (r *run) runtimeData(context.Context) (string, error) {
	b, err := r.claims.RuntimeData(r.Attester.keys)
	if err != nil {
		return "", err
	}
	r.att.RuntimeData = b
	return fmt.Sprintf("%d bytes, SHA-256 %x, plugins: %d", len(b), runtimedata.Digest(b), len(r.claims.Plugins)), nil
}

func (r *run) evidence(ctx context.Context) (string, error) {
	ev, err := r.opts.Source.Collect(ctx, r.att.RuntimeData)
	if err != nil {
		return "", err
	}
	if ev == nil {
		return "", errors.New("the evidence source gave nothing")
	}
	// A copy, for the source may keep and reuse its own.
	r.att.Evidence = evidence.Evidence{
		Report:    bytes.Clone(ev.Report),
		VCEKChain: bytes.Clone(ev.VCEKChain),
		UVM:       bytes.Clone(ev.UVM),
		CCEPolicy: bytes.Clone(ev.CCEPolicy),
	}
	return fmt.Sprintf("report %d bytes, certificate chain %d, UVM endorsement %d, container policy %d",
		len(ev.Report), len(ev.VCEKChain), len(ev.UVM), len(ev.CCEPolicy)), nil
}

// checkReport asks whether the report is about this notary, true and from a
// guest that may be trusted with plaintext. The source has looked too, but which
// roots count is decided here.
func (r *run) checkReport(context.Context) (string, error) {
	report, err := snp.Parse(r.att.Evidence.Report)
	if err != nil {
		return "", err
	}
	want := runtimedata.ReportData(r.att.RuntimeData)
	if report.ReportData != want {
		return "", fmt.Errorf("%w: REPORT_DATA is %x, want %x: the report was made for somebody else or for an earlier start", ErrNotOurs, report.ReportData[:32], want[:32])
	}
	chain, err := snp.ParseChain(r.att.Evidence.VCEKChain)
	if err != nil {
		return "", err
	}
	if err := snp.Verify(report, chain, r.opts.Roots, r.now()); err != nil {
		return "", err
	}
	if refused := snp.Appraise(report, chain, snp.ReferenceValues{ReportData: &want}); len(refused) > 0 {
		return "", fmt.Errorf("%w: %w", ErrUnacceptable, errors.Join(refused...))
	}
	line, err := snp.ProductOf(report, chain)
	if err != nil {
		return "", err
	}
	anchor, _ := r.opts.Roots.Anchor(chain.ARK)
	r.report, r.chain = report, chain
	return fmt.Sprintf("%s, report version %d, TCB %s, REPORT_DATA is ours, signed under %s",
		line, report.Version, report.ReportedTCB.Decode(line), anchor), nil
}

func (r *run) checkEndorsement(context.Context) (string, error) {
	e, err := uvm.Verify(r.att.Evidence.UVM, r.opts.UVM)
	if err != nil {
		return "", err
	}
	if e.Feed != r.opts.UVMFeed {
		return "", fmt.Errorf("%w: UVM feed is %.80q, want %q", ErrUnacceptable, e.Feed, r.opts.UVMFeed)
	}
	if e.SVN < r.opts.MinimumUVMSVN {
		return "", fmt.Errorf("%w: UVM has SVN %d, the least accepted is %d", ErrUnacceptable, e.SVN, r.opts.MinimumUVMSVN)
	}
	if e.Measurement != r.report.Measurement {
		return "", fmt.Errorf("%w: launch measurement is %x, the UVM endorsement is about %x", ErrNotOurs, r.report.Measurement, e.Measurement)
	}
	return fmt.Sprintf("%s SVN %d endorses the launch measurement", e.Feed, e.SVN), nil
}

// checkHostData demands the container policy that identifies the notary's own
// code. Without its text a relying party on the path without MAA could not see
// what HOST_DATA stands for.
func (r *run) checkHostData(context.Context) (string, error) {
	policy := r.att.Evidence.CCEPolicy
	if len(policy) == 0 {
		return "", fmt.Errorf("%w: the container policy is missing: the notary needs the group's security context directory", ErrUnacceptable)
	}
	if sum := sha256.Sum256(policy); sum != r.report.HostData {
		return "", fmt.Errorf("%w: HOST_DATA is %x, the container policy at hand has SHA-256 %x", ErrNotOurs, r.report.HostData, sum)
	}
	return fmt.Sprintf("HOST_DATA is %x, the SHA-256 of the container policy", r.report.HostData), nil
}

func (r *run) token(ctx context.Context) (string, error) {
	ev := r.att.Evidence
	token, err := r.opts.MAA.Attest(ctx, maa.Request{
		Report: ev.Report, VCEKChain: ev.VCEKChain, UVM: ev.UVM, RuntimeData: r.att.RuntimeData,
	})
	if err != nil {
		return "", err
	}
	r.att.Token = token
	return fmt.Sprintf("%d bytes from %s", len(token), r.opts.MAA.URL), nil
}

// issuerKeys fetches the keys each time, so that a rotation at MAA needs no
// restart here; the token itself names no place to fetch from.
func (r *run) issuerKeys(ctx context.Context) (string, error) {
	jwks, err := r.opts.MAA.FetchKeys(ctx)
	if err != nil {
		return "", err
	}
	keys, err := maa.ParseKeySet(jwks)
	if err != nil {
		return "", err
	}
	r.att.JWKS, r.keys = jwks, keys
	return fmt.Sprintf("%d signing keys of %s", len(keys.KeyIDs()), r.opts.Issuer), nil
}
