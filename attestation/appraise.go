package attestation

import (
	"errors"
	"fmt"
	"slices"

	"github.com/veriproof/notary/attestation/maa"
	"github.com/veriproof/notary/attestation/policy"
	"github.com/veriproof/notary/attestation/runtimedata"
	"github.com/veriproof/notary/attestation/snp"
	"github.com/veriproof/notary/attestation/uvm"
)

// checkNames is the order of the result; the package comment explains each.
var checkNames = []string{
	"policy", "runtime-data",
	"maa.token", "maa.policy-hash", "maa.compliance", "maa.runtime-data", "maa.debug", "maa.migration",
	"maa.vmpl", "maa.host-data", "maa.uvm", "maa.platform", "maa.age", "maa.same-report",
	"snp.report", "snp.verify", "snp.runtime-data", "snp.debug", "snp.migration", "snp.vmpl",
	"snp.guest-policy", "snp.platform", "snp.firmware", "snp.revocation", "snp.product", "snp.tcb", "snp.host-data", "snp.chip-id",
	"uvm.signature", "uvm.feed", "uvm.svn", "uvm.measurement", "cce.policy",
	"notary.plugin-set", "notary.plugins", "notary.config", "notary.recipients", "notary.mode", "notary.version",
}

// hardwareChecks are the checks of the hardware path besides those named snp.
var hardwareChecks = []string{"uvm.signature", "uvm.feed", "uvm.svn", "uvm.measurement"}

// Appraise compares what is known about a notary with the relying party's policy
// and returns every check of the package comment's table, in its order. Hand the
// list to Verdict.
func Appraise(p *policy.Policy, in Input) []Check {
	a := &appraisal{p: p, in: in, checks: make(map[string]*Check, len(checkNames))}
	for _, name := range checkNames {
		a.checks[name] = &Check{Name: name, Status: NotDone, Required: required(p, name)}
	}
	a.run()
	out := make([]Check, len(checkNames))
	for i, name := range checkNames {
		out[i] = *a.checks[name]
		if out[i].Detail == "" {
			out[i].Detail = a.skipped
		}
	}
	return out
}

// required says what must pass by the policy's paths. What the policy gives no
// Reference Value for stops being required where that is found out.
func required(p *policy.Policy, name string) bool {
	if p == nil {
		return true
	}
	switch prefix := name[:3]; {
	case name == "maa.same-report":
		return slices.Contains(p.Require, policy.PathMAA) && slices.Contains(p.Require, policy.PathHardware)
	case prefix == "maa":
		return slices.Contains(p.Require, policy.PathMAA)
	case prefix == "snp" || slices.Contains(hardwareChecks, name):
		return slices.Contains(p.Require, policy.PathHardware)
	case name == "cce.policy":
		// The policy's host_data already pins the digest; the text adds that
		// one can read what it stands for.
		return false
	}
	return true
}

// appraisal is one run. A field that is nil has not been shown to be true, and
// nothing may rest on it.
type appraisal struct {
	p       *policy.Policy
	in      Input
	checks  map[string]*Check
	skipped string // why the checks without a reason of their own are not done

	anchors *policy.Anchors
	data    *runtimedata.RuntimeData // well formed; bound only if bound is set
	claims  *maa.Claims              // of a token that verifies
	report  *snp.Report              // that verifies
	chain   *snp.Chain
	bound   bool // a true token or report binds the runtime data
}

func (a *appraisal) pass(name, format string, args ...any) {
	c := a.checks[name]
	c.Status, c.Detail = Pass, fmt.Sprintf(format, args...)
}

func (a *appraisal) fail(name string, class Class, format string, args ...any) {
	c := a.checks[name]
	c.Status, c.Class, c.Detail = Fail, class, fmt.Sprintf(format, args...)
}

// skip leaves a check not done for want of Evidence.
func (a *appraisal) skip(name, format string, args ...any) {
	a.checks[name].Detail = fmt.Sprintf(format, args...)
}

// waive leaves a check not done because the policy does not ask.
func (a *appraisal) waive(name, format string, args ...any) {
	a.skip(name, format, args...)
	a.checks[name].Required = false
}

// accept passes the check or fails it as unacceptable.
func (a *appraisal) accept(ok bool, name, format string, args ...any) {
	if ok {
		a.pass(name, format, args...)
	} else {
		a.fail(name, ClassUnacceptable, format, args...)
	}
}

// skipRest gives a reason to those of the prefix that have none yet.
func (a *appraisal) skipRest(prefix, format string, args ...any) {
	for name, c := range a.checks {
		if len(name) >= len(prefix) && name[:len(prefix)] == prefix && c.Status == NotDone && c.Detail == "" {
			a.skip(name, format, args...)
		}
	}
}

func (a *appraisal) run() {
	if !a.usePolicy() {
		a.skipped = "the policy cannot be used"
		return
	}
	a.readRuntimeData()
	a.hardwarePath()
	a.maaPath()
	a.notaryClaims()
}

func (a *appraisal) usePolicy() bool {
	if a.p == nil {
		a.fail("policy", ClassUnacceptable, "there is no policy")
		return false
	}
	if a.in.At.IsZero() {
		a.fail("policy", ClassUnacceptable, "no time of appraisal is given (Input.At)")
		return false
	}
	anchors, err := a.p.Anchors(a.in.AllowSimulated)
	if err != nil {
		a.fail("policy", ClassUnacceptable, "%v", err)
		return false
	}
	a.anchors = anchors
	if anchors.Simulated {
		a.pass("policy", "SIMULATED: the policy trusts a simulator's keys, a verdict says nothing about real hardware")
	} else {
		a.pass("policy", "paths that must pass: %v", a.p.Require)
	}
	return true
}

func (a *appraisal) readRuntimeData() {
	if len(a.in.RuntimeData) == 0 {
		a.skip("runtime-data", "no runtime data is given")
		return
	}
	d, err := runtimedata.Parse(a.in.RuntimeData)
	if err != nil {
		a.fail("runtime-data", ClassFalse, "%v", err)
		return
	}
	a.data = d
	a.pass("runtime-data", "epoch %s, version %s, %d plugins", d.Notary.Epoch, d.Notary.Version, len(d.Notary.Plugins))
}

// checkHostData looks for HOST_DATA in the policy's list. The known allow-all
// policies are refused even if listed: under them HOST_DATA identifies no code.
func (a *appraisal) checkHostData(name string, got [32]byte) {
	if what, bad := policy.AllowAll(got); bad {
		a.fail(name, ClassUnacceptable, "HOST_DATA is %x, %s: the host may run anything under it", got, what)
		return
	}
	a.accept(slices.Contains(a.p.HostData, policy.Digest(got)), name,
		"HOST_DATA is %x, the policy accepts %d values", got, len(a.p.HostData))
}

// simulated marks the names of anchors that are not real.
func (a *appraisal) anchorName(name string) string {
	if a.anchors.Simulated {
		return "SIMULATED " + name
	}
	return name
}

// uvmOptions trusts the policy's DIDs, never the library's default.
func (a *appraisal) uvmOptions() uvm.Options {
	return uvm.Options{TrustedDIDs: append([]string{}, a.anchors.UVMDIDs...)}
}

// classOf sorts an error of the verifying packages.
func classOf(err error) Class {
	switch {
	case errors.Is(err, snp.ErrRevoked):
		return ClassRevoked
	case errors.Is(err, snp.ErrValidity), errors.Is(err, snp.ErrCRLStale), errors.Is(err, maa.ErrExpired), errors.Is(err, maa.ErrNotYetValid):
		return ClassStale
	case errors.Is(err, maa.ErrIssuer), errors.Is(err, maa.ErrNotSNP), errors.Is(err, uvm.ErrIssuer), errors.Is(err, snp.ErrUntrustedRoot), errors.Is(err, snp.ErrVLEK):
		return ClassUnacceptable
	}
	return ClassFalse
}
