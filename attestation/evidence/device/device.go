//go:build !js && !wasip1

// Package device collects Evidence from the SEV-SNP guest device of the kernel,
// without a sidecar in between: nothing but the kernel and the secure processor
// can then put itself between the notary and its report.
//
// # Where from
//
// The report comes through configfs-tsm (Linux 6.7 and later) or, where the
// kernel does not have it, through the ioctls of /dev/sev-guest; [Open] picks.
// Endorsements come from the security context directory of the container group
// and, where that has no certificates or stale ones, from the certificate table
// that the host hands out beside a report. Nothing is fetched.
//
// # Guarantees
//
// As for every [evidence.Source], what [Source.Collect] returns has passed
// [evidence.Evidence.Check]. The host fills the certificate table, so its size
// and offsets are checked before use. One request is under way at a time: the
// kernel would serialise them anyway, and a device that hangs must not gather
// waiting goroutines.
//
// # Apart from its parent
//
// The package links go-sev-guest, which registers flags with the standard
// library's flag.CommandLine and does not build for js/wasm. No verifier imports
// it. Programs should parse flag sets of their own; the flags' default values are
// what this package works with.
package device

import (
	"bytes"
	"context"
	"encoding/pem"
	"errors"
	"fmt"
	"time"

	"github.com/google/go-sev-guest/client"

	"github.com/veriproof/notary/attestation/evidence"
	"github.com/veriproof/notary/attestation/runtimedata"
	"github.com/veriproof/notary/attestation/snp"
)

const (
	// DefaultTimeout bounds one report. The ioctl's library waits two seconds
	// between two requests.
	DefaultTimeout = 30 * time.Second

	maxRuntimeData = 128 << 10
	// vmpl is the level that a report is asked for at: the highest, at which
	// containers on ACI run, and the only one that relying parties accept.
	vmpl = 0
)

// A Provider gives raw reports of 1184 bytes, with the certificate table of the
// GHCB specification behind it if the host has one. The providers of
// go-sev-guest's client are such.
type Provider interface {
	GetRawQuoteAtLevel(reportData [64]byte, vmpl uint) ([]byte, error)
}

// A Source collects Evidence from a guest device. It may be used by any number of
// goroutines.
type Source struct {
	// SecurityContextDir has the endorsements; see
	// [evidence.SecurityContextDir]. Empty: there is none.
	SecurityContextDir string
	// Timeout bounds one report, 0: DefaultTimeout.
	Timeout time.Duration

	provider Provider
	busy     chan struct{} // holds one token while a request is under way
}

// New returns a Source that asks p.
func New(p Provider) *Source { return &Source{provider: p, busy: make(chan struct{}, 1)} }

// Open returns a Source for this machine's guest device. The error wraps
// [evidence.ErrUnavailable] if there is none, or none that may be opened.
func Open() (*Source, error) {
	p, err := client.GetLeveledQuoteProvider()
	if err != nil {
		return nil, fmt.Errorf("%w: no SEV-SNP guest device: %w", evidence.ErrUnavailable, err)
	}
	return New(p), nil
}

// Collect asks for a fresh report over runtimeData, puts the endorsements to it
// and checks them. Errors wrap one of package evidence's reasons.
func (s *Source) Collect(ctx context.Context, runtimeData []byte) (*evidence.Evidence, error) {
	if len(runtimeData) == 0 || len(runtimeData) > maxRuntimeData {
		return nil, fmt.Errorf("%w: runtime data of %d bytes, want 1 to %d", evidence.ErrSource, len(runtimeData), maxRuntimeData)
	}
	e := &evidence.Evidence{}
	if s.SecurityContextDir != "" {
		var err error
		if e, err = evidence.ReadSecurityContext(s.SecurityContextDir); err != nil {
			return nil, err
		}
	}
	quote, err := s.quote(ctx, runtimedata.ReportData(runtimeData))
	if err != nil {
		return nil, err
	}
	if len(quote) < snp.ReportSize {
		return nil, fmt.Errorf("%w: the guest device gave %d bytes, a report has %d", evidence.ErrAnswer, len(quote), snp.ReportSize)
	}
	e.Report = bytes.Clone(quote[:snp.ReportSize])
	return endorse(e, quote[snp.ReportSize:], runtimeData)
}

// endorse completes and checks e. The directory's chain comes first; the host's
// table replaces one that is missing or does not belong to the report.
func endorse(e *evidence.Evidence, table, runtimeData []byte) (*evidence.Evidence, error) {
	if e.VCEKChain != nil {
		err := e.Check(runtimeData)
		if !errors.Is(err, evidence.ErrChain) {
			return checked(e, err)
		}
	}
	chain, err := chainOf(table)
	if err != nil {
		return nil, err
	}
	e.VCEKChain = chain
	return checked(e, e.Check(runtimeData))
}

func checked(e *evidence.Evidence, err error) (*evidence.Evidence, error) {
	if err != nil {
		return nil, err
	}
	return e, nil
}

// quote asks the device, which knows no contexts: the caller may leave before the
// device answers, and the next one waits until it has.
func (s *Source) quote(ctx context.Context, reportData [64]byte) ([]byte, error) {
	timeout := s.Timeout
	if timeout <= 0 {
		timeout = DefaultTimeout
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	select {
	case s.busy <- struct{}{}:
	case <-ctx.Done():
		return nil, fmt.Errorf("%w: the guest device is busy: %w", evidence.ErrUnavailable, ctx.Err())
	}
	type answer struct {
		quote []byte
		err   error
	}
	done := make(chan answer, 1)
	go func() {
		defer func() { <-s.busy }()
		q, err := s.ask(reportData)
		done <- answer{q, err}
	}()
	select {
	case a := <-done:
		if a.err != nil {
			return nil, fmt.Errorf("%w: guest device: %w", evidence.ErrUnavailable, a.err)
		}
		return a.quote, nil
	case <-ctx.Done():
		return nil, fmt.Errorf("%w: the guest device does not answer: %w", evidence.ErrUnavailable, ctx.Err())
	}
}

// ask turns a panic of the provider into an error. go-sev-guest adds offsets of
// the host's certificate table in 32 bits, so that a table can have it slice out
// of bounds.
func (s *Source) ask(reportData [64]byte) (quote []byte, err error) {
	defer func() {
		if recover() != nil {
			err = errors.New("its library cannot read the answer")
		}
	}()
	return s.provider.GetRawQuoteAtLevel(reportData, vmpl)
}

// chainOf returns the chain in a certificate table as PEM in the order VCEK, ASK,
// ARK.
func chainOf(table []byte) ([]byte, error) {
	entries, err := parseTable(table)
	if err != nil {
		return nil, fmt.Errorf("%w: certificate table: %w", evidence.ErrAnswer, err)
	}
	var text bytes.Buffer
	for _, id := range []guid{vcekGUID, askGUID, arkGUID} {
		der, ok := entries[id]
		if !ok {
			return nil, fmt.Errorf("%w: neither the security context directory nor the host's certificate table has a whole chain that fits the report", evidence.ErrChain)
		}
		if err := pem.Encode(&text, &pem.Block{Type: "CERTIFICATE", Bytes: der}); err != nil {
			return nil, err
		}
	}
	chain, err := snp.ParseChain(text.Bytes())
	if err != nil {
		return nil, fmt.Errorf("%w: %w", evidence.ErrChain, err)
	}
	return chain.PEM(), nil
}
