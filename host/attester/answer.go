package attester

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"

	"github.com/veriproof/notary/attestation/challenge"
	"github.com/veriproof/notary/attestation/snp"
)

// Answer answers a relying party's challenge: with a fresh report that binds the
// nonce, and with a signature over it and over exporter, which is
// [challenge.Exporter] of the connection that the challenge came on.
//
// Reports for challenges are made one after the other, since the secure processor
// takes one request at a time, and never shared between two nonces. A renewal does
// not wait in that line. Errors are a [*StaleError] before the first attestation,
// ctx's error, [challenge.ErrNonce], [ErrNotOurs], or those of the source.
//
// The signing key is no oracle: besides the nonce, of 16 to 64 bytes, nothing of
// what is signed is the caller's choice, and the domain is used for nothing else.
func (a *Attester) Answer(ctx context.Context, nonce []byte, exporter [challenge.ExporterSize]byte) (*challenge.Answer, error) {
	if err := challenge.CheckNonce(nonce); err != nil {
		return nil, err
	}
	att := a.Current()
	if att == nil {
		return nil, &StaleError{}
	}
	select {
	case a.asking <- struct{}{}:
		defer func() { <-a.asking }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	ev, err := a.opts.Source.Collect(ctx, challenge.Message(nonce, att.RuntimeData))
	if err != nil {
		return nil, fmt.Errorf("report for a challenge: %w", err)
	}
	if ev == nil {
		return nil, errors.New("report for a challenge: the evidence source gave nothing")
	}
	if err := checkFresh(att, ev.Report, challenge.ReportData(nonce, att.RuntimeData)); err != nil {
		return nil, fmt.Errorf("report for a challenge: %w", err)
	}
	return &challenge.Answer{
		Nonce: bytes.Clone(nonce), Report: bytes.Clone(ev.Report), VCEKChain: bytes.Clone(ev.VCEKChain),
		Possession: ed25519.Sign(a.keys.Signing, challenge.Possession(nonce, att.RuntimeData, exporter)),
	}, nil
}

// checkFresh refuses a report that no relying party would accept beside the
// Evidence: the source has changed, and an error here says so to the operator.
func checkFresh(att *Attestation, fresh []byte, want [64]byte) error {
	r, err := snp.Parse(fresh)
	if err != nil {
		return err
	}
	own, err := snp.Parse(att.Evidence.Report)
	if err != nil {
		return err
	}
	switch {
	case r.ReportData != want:
		return fmt.Errorf("%w: REPORT_DATA is %x, want %x", ErrNotOurs, r.ReportData[:32], want[:32])
	case r.ReportID != own.ReportID:
		return fmt.Errorf("%w: report id is %x, that of the current attestation %x", ErrNotOurs, r.ReportID, own.ReportID)
	}
	return nil
}
