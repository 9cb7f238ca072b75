package policy

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/veriproof/notary/attestation/evidence"
	"github.com/veriproof/notary/attestation/maa"
	"github.com/veriproof/notary/attestation/runtimedata"
	"github.com/veriproof/notary/attestation/snp"
	"github.com/veriproof/notary/attestation/uvm"
)

// Observed is what a notary showed, for FromEvidence to make a first policy of.
type Observed struct {
	// RuntimeData, required: the exact bytes.
	RuntimeData []byte
	// Evidence, required but for its CCEPolicy: report, chain and endorsement.
	Evidence evidence.Evidence
	// At is the time at which certificates are judged; required.
	At time.Time
	// Claims of a token that the caller has verified, or nil: then the policy
	// does not ask for the MAA path.
	Claims *maa.Claims
	// JWKS is the key set, obtained from the issuer itself, that the policy is to
	// pin for verification without a network. Nil pins none.
	JWKS []byte
	// Simulated, if not nil, are the anchors of a simulator, which then replace
	// AMD's, Microsoft's and the issuer's.
	Simulated *Simulated
}

// FromEvidence returns a first policy: it accepts this notary on this kind of
// hardware, and nothing else. It refuses Evidence that is not true, for a policy
// that pins an invention would accept it for ever.
//
// That the Evidence is true does not make the notary the right one: HOST_DATA and
// the digests of plugins, configuration and recipients are pinned as they were
// seen, and whoever uses the policy must first compare them with what the
// operator published. Policy.YAML writes the policy with comments that say
// so.
func FromEvidence(o Observed) (*Policy, error) {
	report, chain, endorsement, err := o.verify()
	if err != nil {
		return nil, fmt.Errorf("policy from evidence: %w", err)
	}
	data, err := runtimedata.Parse(o.RuntimeData)
	if err != nil {
		return nil, fmt.Errorf("policy from evidence: %w", err)
	}
	line, err := snp.ProductOf(report, chain)
	if err != nil {
		return nil, fmt.Errorf("policy from evidence: %w", err)
	}
	p := &Policy{
		Format:     Format,
		Products:   []snp.Product{line},
		MinimumTCB: map[snp.Product]TCB{line: leastTCB(report, line)},
		HostData:   []Digest{report.HostData},
		UVM:        UVM{Feed: endorsement.Feed, MinSVN: endorsement.SVN},
		Simulated:  o.Simulated,
	}
	if o.Simulated == nil {
		p.UVM.Issuer = endorsement.Issuer
		p.pinIssuer(o.Claims, o.JWKS)
	}
	if line == snp.Milan {
		p.ChipIDs = []ChipID{report.ChipID}
	}
	if err := p.pinNotary(data.Notary); err != nil {
		return nil, fmt.Errorf("policy from evidence: %w", err)
	}
	p.setDefaults()
	if err := p.check(); err != nil {
		return nil, fmt.Errorf("policy from evidence: %w", err)
	}
	return p, nil
}

// verify asks whether what was observed is true, under the anchors that the
// policy will have.
func (o *Observed) verify() (*snp.Report, *snp.Chain, *uvm.Endorsement, error) {
	if o.At.IsZero() {
		return nil, nil, nil, errors.New("no time is given (Observed.At)")
	}
	if err := o.Evidence.Check(o.RuntimeData); err != nil {
		return nil, nil, nil, err
	}
	roots, dids := snp.AMDRoots(), []string{uvm.MicrosoftDID}
	if o.Simulated != nil {
		ark, err := o.Simulated.ark()
		if err != nil {
			return nil, nil, nil, err
		}
		roots, dids = snp.Roots{}.With(ark), []string{o.Simulated.UVMDID}
	}
	report, err := snp.Parse(o.Evidence.Report)
	if err != nil {
		return nil, nil, nil, err
	}
	chain, err := snp.ParseChain(o.Evidence.VCEKChain)
	if err != nil {
		return nil, nil, nil, err
	}
	if err := snp.Verify(report, chain, roots, o.At); err != nil {
		return nil, nil, nil, err
	}
	endorsement, err := uvm.Verify(o.Evidence.UVM, uvm.Options{TrustedDIDs: dids})
	if err != nil {
		return nil, nil, nil, err
	}
	if endorsement.Measurement != report.Measurement {
		return nil, nil, nil, errors.New("the UVM endorsement is about another launch measurement than the report's")
	}
	return report, chain, endorsement, errors.Join(append(snp.Appraise(report, chain, snp.ReferenceValues{}), o.checkClaims(report))...)
}

// checkClaims refuses a token about another guest.
func (o *Observed) checkClaims(r *snp.Report) error {
	c := o.Claims
	if c == nil {
		return nil
	}
	if c.ReportData != r.ReportData || c.HostData != r.HostData || c.LaunchMeasurement != r.Measurement {
		return errors.New("the token and the report are about different guests")
	}
	if c.PolicyHash == AnyPolicyHash {
		// The policy would pin the word and thereby nothing.
		return fmt.Errorf("the token's policy hash is %q, which is no hash", c.PolicyHash)
	}
	if c.Simulated != (o.Simulated != nil) {
		return fmt.Errorf("the token says simulated: %t, the anchors say %t", c.Simulated, o.Simulated != nil)
	}
	return nil
}

// leastTCB is the least of the three TCBs that a policy compares, part by part.
func leastTCB(r *snp.Report, line snp.Product) TCB {
	t := r.ReportedTCB.Decode(line)
	for _, v := range []snp.TCBVersion{r.CommittedTCB, r.LaunchTCB} {
		d := v.Decode(line)
		t = snp.TCB{
			FMC: min(t.FMC, d.FMC), Bootloader: min(t.Bootloader, d.Bootloader), TEE: min(t.TEE, d.TEE),
			SNP: min(t.SNP, d.SNP), Microcode: min(t.Microcode, d.Microcode),
		}
	}
	return TCB{FMC: t.FMC, Bootloader: t.Bootloader, TEE: t.TEE, SNP: t.SNP, Microcode: t.Microcode}
}

func (p *Policy) pinIssuer(c *maa.Claims, jwks []byte) {
	if c != nil {
		p.Issuers = []Issuer{{Issuer: c.Issuer, PolicyHash: c.PolicyHash, JWKS: string(jwks)}}
	}
}

// pinNotary pins what the notary says about itself. The mode is demanded and not
// copied: a notary in another mode does not redact, and a policy must not come to
// accept that by having seen it.
func (p *Policy) pinNotary(n runtimedata.Notary) error {
	pin := func(dst *[]Digest, hex string) error {
		*dst = make([]Digest, 1)
		return (*dst)[0].UnmarshalText([]byte(hex))
	}
	p.Mode, p.Versions = runtimedata.ModeEnforce, []string{n.Version}
	errs := []error{pin(&p.PluginSet, n.PluginSet), pin(&p.Config, n.Config), pin(&p.Recipients, n.Recipients)}
	for name, plugin := range n.Plugins {
		rule := Plugin{Required: plugin.Kind == runtimedata.KindRedactor}
		errs = append(errs, pin(&rule.Wasm, plugin.Wasm), pin(&rule.Config, plugin.Config))
		if p.Plugins == nil {
			p.Plugins = make(map[string]Plugin, len(n.Plugins))
		}
		p.Plugins[name] = rule
	}
	return errors.Join(slices.DeleteFunc(errs, func(err error) bool { return err == nil })...)
}
