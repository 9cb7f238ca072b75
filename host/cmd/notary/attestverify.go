package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/veriproof/notary/attestation"
	"github.com/veriproof/notary/attestation/evidence"
	"github.com/veriproof/notary/attestation/policy"
	"github.com/veriproof/notary/attestation/runtimedata"
	"github.com/veriproof/notary/attestation/snp"
	"github.com/veriproof/notary/attestation/uvm"
)

const attestVerifyUsage = `usage: notary attest verify --report FILE --certs FILE [OPTIONS]
       notary attest verify [OPTIONS] DIR|BUNDLE|EVIDENCE.json

Verifies SEV-SNP Evidence, offline. The parts are single files; or a directory made
by "notary attest fetch", an evidence bundle, or a saved answer of /v1/evidence.

Without a policy the question is whether the Evidence is true: AMD's signatures on
the report, Microsoft's on the utility VM, and each part about the same guest. The
verdict is then "genuine" (status 0) and never "verified", since it says nothing
about whose code runs there. With a policy it is whether the Evidence is that of a
notary which the policy accepts, and the runtime data must be there; --evidence-only
leaves out all that rests on it.

OPTIONS
  --report FILE         attestation report: 1184 bytes, or their hex or base64
  --certs FILE          VCEK, ASK and ARK as PEM, or Azure's THIM JSON
  --uvm FILE            endorsement of the utility VM (COSE_Sign1)
  --cce-policy FILE     container policy (Rego), whose SHA-256 is HOST_DATA
  --runtime-data FILE   the exact bytes whose SHA-256 is REPORT_DATA
  --token FILE          MAA token
  --policy FILE         Reference Values, see "notary policy"; its former name
                        --policy-file is still taken
  --evidence-only       with a policy: compare only hardware, utility VM and HOST_DATA
  --jwks FILE           key set of the MAA instance that you trust, if the policy pins
                        none; one that comes with the Evidence is never trusted
  --issuer URL          whose keys these are, if the policy has several issuers
                        without pinned keys
  --trust DIR           key sets and revocation lists kept by "notary trust keep"
  --crl FILE            revocation list of AMD, DER or PEM (repeatable)
  --at TIME             appraise as of this time (RFC 3339); the default is now
  --json                print the result as JSON: {"verdict", "exit_status", "at", "notes",
                        "checks"}; the verdict is "verified" or, without a policy,
                        "genuine", else "failed" or "incomplete"

A file of the security context directory of a container on ACI is taken as it is:
base64 is taken off.

EXAMPLES
  notary attest verify --report report.bin --certs vcek-chain.pem
  notary attest verify --report report.hex --certs $UVM_SECURITY_CONTEXT_DIR/host-amd-cert-base64 \
    --uvm $UVM_SECURITY_CONTEXT_DIR/reference-info-base64
  notary attest verify --policy policy.yaml --at 2026-04-01T00:00:00Z evidence
  notary attest verify --policy policy.yaml --json evidence | jq .verdict

` + verifyingStatus

// verifyOptions are the flags of attest verify.
type verifyOptions struct {
	files              map[string]*string // by flag
	policyFile, at     string
	keys               trustedKeys
	kept               keptFlags
	evidenceOnly, json bool
}

func attestVerify(_ context.Context, a *app, args []string) error {
	f := a.flags("attest verify", attestVerifyUsage)
	o := verifyOptions{files: map[string]*string{}}
	for _, name := range []string{"report", "certs", "uvm", "cce-policy", "runtime-data", "token"} {
		o.files[name] = f.String(name, "", "")
	}
	f.policy(&o.policyFile)
	o.keys.flags(f)
	f.StringVar(&o.at, "at", "", "")
	f.BoolVar(&o.evidenceOnly, "evidence-only", false, "")
	f.BoolVar(&o.json, "json", false, "")
	o.kept.flags(f)
	rest, err := parse(f, args, 0, 1)
	if err != nil {
		return err
	}
	p, err := o.parts(rest)
	if err != nil {
		return err
	}
	in, err := o.input(p)
	if err != nil {
		return err
	}
	if o.policyFile == "" {
		return a.report(verifyTruth(in).withoutPolicy(), o.json)
	}
	pol, err := readPolicy(o.policyFile)
	if err != nil {
		return err
	}
	if o.evidenceOnly {
		return a.report(appraiseEvidence(pol, in), o.json)
	}
	r := newAppraised(in.At, attestation.Appraise(pol, in))
	if r.Verdict == attestation.Incomplete && len(in.RuntimeData) == 0 {
		r.Notes = append(r.Notes, "without runtime data nothing ties this Evidence to a notary's keys: give --runtime-data, or ask for less with --evidence-only")
	}
	return a.report(r, o.json)
}

// parts reads the directory or bundle, and what single files replace in it.
func (o *verifyOptions) parts(rest []string) (*parts, error) {
	p := new(parts)
	if len(rest) == 1 {
		var err error
		if p, err = readParts(rest[0]); err != nil {
			return nil, err
		}
	}
	exact := func(b []byte) ([]byte, error) { return b, nil }
	unwrapped := func(b []byte) ([]byte, error) { return decoded(b), nil }
	for name, s := range map[string]struct {
		slot *[]byte
		read func([]byte) ([]byte, error)
	}{
		"report": {&p.Report, unwrapped}, "certs": {&p.VCEKChain, chainOf}, "uvm": {&p.UVM, unwrapped},
		"cce-policy": {&p.CCEPolicy, unwrapped}, "runtime-data": {&p.runtimeData, exact}, "token": {&p.token, exact},
	} {
		file := *o.files[name]
		if file == "" {
			continue
		}
		b, err := readFile(file, maxPart)
		if err == nil {
			*s.slot, err = s.read(b)
		}
		if err != nil {
			return nil, fmt.Errorf("--%s: %w", name, err)
		}
	}
	if len(p.Report) == 0 || len(p.VCEKChain) == 0 {
		return nil, usageError("attest verify: a report and its certificates are needed: --report and --certs, or a directory or bundle with them")
	}
	return p, nil
}

func (o *verifyOptions) input(p *parts) (attestation.Input, error) {
	in := p.input()
	in.AllowSimulated = simulatedAllowed
	var err error
	if in.At, err = timeFlag("attest verify", o.at); err != nil {
		return in, err
	}
	in.TrustedIssuer = o.keys.issuer
	if in.TrustedJWKS, err = o.keys.read("attest verify"); err != nil {
		return in, err
	}
	if in.KeptKeys, in.CRLs, err = o.kept.read(); err != nil {
		return in, err
	}
	if o.policyFile == "" && (o.keys.file != "" || len(in.Token) > 0 && *o.files["token"] != "") {
		return in, hinted(errors.New("attest verify: a token is judged by a policy's issuers"), "add --policy, or use \"notary attest token\"")
	}
	if o.policyFile == "" && o.evidenceOnly {
		return in, usageError("attest verify: --evidence-only is about a policy; without --policy nothing else is asked")
	}
	return in, nil
}

// appraiseEvidence compares the hardware path alone with a policy. What the policy
// says about the notary stays visible as not asked.
func appraiseEvidence(p *policy.Policy, in attestation.Input) *appraised {
	hardware := *p
	hardware.Require = []string{policy.PathHardware}
	in.RuntimeData, in.Token = nil, ""
	checks := attestation.Appraise(&hardware, in)
	for i := range checks {
		if c := &checks[i]; c.Name == "runtime-data" || c.Name == "snp.runtime-data" || strings.HasPrefix(c.Name, "notary.") {
			c.Required = false
		}
	}
	return newAppraised(in.At, checks, "only hardware, utility VM and HOST_DATA were compared: this Evidence is not tied to anybody's keys")
}

// verifyTruth asks whether Evidence is true, with AMD's and Microsoft's keys as the
// anchors. It appraises under a policy that accepts what the report says, and then
// takes back what only that policy said.
func verifyTruth(in attestation.Input) *appraised {
	p := &policy.Policy{
		Format: policy.Format, Require: []string{policy.PathHardware}, Mode: runtimedata.ModeEnforce,
		Products: []snp.Product{snp.Milan, snp.Genoa, snp.Turin},
		UVM:      policy.UVM{Issuer: uvm.MicrosoftDID, Feed: uvm.ContainerFeed, MinSVN: 1},
	}
	raw := in.RuntimeData
	if _, err := runtimedata.Parse(raw); err != nil {
		in.RuntimeData = nil // somebody else's, or none: it is bytes with a hash
	}
	in.Token = ""
	said := observed(in.Evidence)
	var checks []attestation.Check
	verified := false
	for _, c := range attestation.Appraise(p, in) {
		detail, told := said[c.Name]
		switch {
		case told:
			c = unasked(c.Name, detail)
		case slices.Contains(policyOnly, c.Name), strings.HasPrefix(c.Name, "maa."), strings.HasPrefix(c.Name, "notary."):
			continue
		case c.Name == "runtime-data" && in.RuntimeData == nil:
			c = unasked(c.Name, "no runtime data of a notary is given")
		case strings.HasPrefix(c.Name, "uvm.") && len(in.Evidence.UVM) == 0:
			c.Required = false
		}
		verified = verified || c.Name == "snp.verify" && c.Status == attestation.Pass
		if c.Name == "snp.runtime-data" && in.RuntimeData == nil {
			c = bindsBytes(c, in.Evidence.Report, raw, verified)
		}
		checks = append(checks, c)
	}
	return newAppraised(in.At, checks, truthNotes(in.Evidence.Report)...)
}

// policyOnly are the checks that say nothing without a policy.
var policyOnly = []string{"snp.platform", "snp.firmware", "snp.tcb", "snp.chip-id"}

// observed says what a policy would be asked about, by the name of the check.
func observed(ev evidence.Evidence) map[string]string {
	said := map[string]string{
		"policy":      "no policy is given: whether this is acceptable is not asked",
		"snp.product": "not asked", "snp.host-data": "not asked", "uvm.feed": "not asked", "uvm.svn": "not asked",
	}
	if r, err := snp.Parse(ev.Report); err == nil {
		said["snp.host-data"] = fmt.Sprintf("HOST_DATA is %x", r.HostData)
		if line := r.Product(); line != "" {
			said["snp.product"] = string(line)
		}
	}
	if e, err := uvm.Parse(ev.UVM); err == nil {
		said["uvm.feed"], said["uvm.svn"] = fmt.Sprintf("feed is %.80q", e.Feed), fmt.Sprintf("SVN is %d", e.SVN)
	}
	return said
}

func unasked(name, detail string) attestation.Check {
	return attestation.Check{Name: name, Status: attestation.NotDone, Detail: detail}
}

// bindsBytes compares REPORT_DATA with the digest of runtime data in any format.
func bindsBytes(c attestation.Check, report, data []byte, verified bool) attestation.Check {
	c.Required = len(data) > 0
	r, err := snp.Parse(report)
	want := runtimedata.ReportData(data)
	switch {
	case !c.Required:
		c.Status, c.Detail = attestation.NotDone, "no runtime data is given"
	case err != nil || !verified:
		c.Status, c.Detail = attestation.NotDone, "the report is not verified"
	case bytes.Equal(r.ReportData[:], want[:]):
		c.Status, c.Detail = attestation.Pass, "REPORT_DATA is the SHA-256 of the runtime data, then zeros"
	default:
		c.Status, c.Class = attestation.Fail, attestation.ClassFalse
		c.Detail = fmt.Sprintf("REPORT_DATA is %x, the runtime data has the SHA-256 %x", r.ReportData[:32], want[:32])
	}
	return c
}

// truthNotes says what is true and yet no good.
func truthNotes(report []byte) []string {
	notes := []string{"nothing was compared with a policy: even true Evidence can be of anybody's code"}
	r, err := snp.Parse(report)
	if err != nil {
		return notes
	}
	if name, bad := policy.AllowAll(r.HostData); bad {
		notes = append(notes, "HOST_DATA is "+name+": the host may run anything in this guest; a policy is never allowed to accept it")
	}
	if r.Product() == snp.Milan {
		notes = append(notes, "Milan's root seed is public (arXiv 2605.12990): software alone can forge such a report")
	}
	return notes
}
