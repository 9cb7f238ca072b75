package attestation

import (
	"crypto/sha256"
	"errors"
	"slices"
	"strings"

	"github.com/veriproof/notary/attestation/policy"
	"github.com/veriproof/notary/attestation/runtimedata"
	"github.com/veriproof/notary/attestation/snp"
	"github.com/veriproof/notary/attestation/uvm"
)

// hardwarePath checks the raw Evidence without believing MAA.
func (a *appraisal) hardwarePath() {
	a.verifyReport()
	if a.report == nil {
		a.skipRest("snp.", "the report is not verified")
	} else {
		a.appraiseReport()
	}
	a.checkEndorsement()
	a.checkCCEPolicy()
}

func (a *appraisal) verifyReport() {
	ev := &a.in.Evidence
	if len(ev.Report) == 0 {
		a.skip("snp.report", "no SNP report is given")
		return
	}
	r, err := snp.Parse(ev.Report)
	if err != nil {
		a.fail("snp.report", ClassFalse, "%v", err)
		return
	}
	a.pass("snp.report", "version %d, %s", r.Version, reportProduct(r))
	if len(ev.VCEKChain) == 0 {
		a.skip("snp.verify", "no certificate chain is given")
		return
	}
	c, err := snp.ParseChain(ev.VCEKChain)
	if err == nil {
		err = snp.Verify(r, c, a.anchors.Roots, a.in.At)
	}
	if err != nil {
		a.fail("snp.verify", classOf(err), "%v", err)
		return
	}
	a.report, a.chain = r, c
	a.pass("snp.verify", "signed by the VCEK of chip %x… under %s", r.ChipID[:8], c.ARK.Subject.CommonName)
	anchor, _ := a.anchors.Roots.Anchor(c.ARK)
	a.checks["snp.verify"].Anchor = a.anchorName(anchor)
}

func reportProduct(r *snp.Report) string {
	if p := r.Product(); p != "" {
		return string(p)
	}
	return "product line not named"
}

// refusalChecks maps the fields of snp.Refusal to checks.
var refusalChecks = map[string]string{
	"report-data": "snp.runtime-data", "debug": "snp.debug", "migration": "snp.migration", "vmpl": "snp.vmpl",
	"policy-bits": "snp.guest-policy", "platform": "snp.platform", "provisional": "snp.firmware", "product": "snp.product",
	"reported-tcb": "snp.tcb", "committed-tcb": "snp.tcb", "launch-tcb": "snp.tcb", "chip-id": "snp.chip-id",
}

// appraiseReport translates the policy into Reference Values and the refusals
// into checks.
func (a *appraisal) appraiseReport() {
	r := a.report
	a.pass("snp.debug", "guest policy 0x%x", uint64(r.Policy))
	a.pass("snp.migration", "guest policy 0x%x", uint64(r.Policy))
	a.pass("snp.guest-policy", "guest policy %s", r.Policy)
	a.pass("snp.platform", "platform info %s", r.PlatformInfo)
	a.pass("snp.firmware", "version %s is committed", r.Current)
	a.pass("snp.vmpl", "VMPL %d", r.VMPL)
	line, _ := snp.ProductOf(r, a.chain)
	a.pass("snp.product", "%s", line)
	a.pass("snp.tcb", "%s", r.ReportedTCB.Decode(line))
	a.pass("snp.chip-id", "%x…", r.ChipID[:8])
	a.pass("snp.runtime-data", "REPORT_DATA is the digest of the runtime data")
	a.checkHostData("snp.host-data", r.HostData)
	a.checkRevocation()

	rv := a.referenceValues()
	reasons := map[string][]string{}
	for _, err := range snp.Appraise(r, a.chain, rv) {
		var refusal *snp.Refusal
		if !errors.As(err, &refusal) || refusalChecks[refusal.Field] == "" {
			reasons["snp.guest-policy"] = append(reasons["snp.guest-policy"], err.Error())
			continue
		}
		name := refusalChecks[refusal.Field]
		reasons[name] = append(reasons[name], refusal.Detail)
	}
	for name, list := range reasons {
		a.fail(name, ClassUnacceptable, "%s", strings.Join(list, "; "))
	}
	a.waiveUnasked(rv)
	a.bound = a.bound || a.checks["snp.runtime-data"].Status == Pass
}

// referenceValues leaves out HOST_DATA and the measurement, which have checks
// of their own.
func (a *appraisal) referenceValues() snp.ReferenceValues {
	rv := snp.ReferenceValues{Products: append([]snp.Product{}, a.p.Products...), RequireCommitted: a.p.CommittedFirmware}
	rv.RequirePlatform, rv.ForbidPlatform = a.p.Platform.Masks()
	rv.RequirePolicy, rv.ForbidPolicy = a.p.GuestPolicy.Masks()
	if a.p.MinimumTCB != nil {
		rv.MinimumTCB = make(map[snp.Product]snp.TCB, len(a.p.MinimumTCB))
		for line, t := range a.p.MinimumTCB {
			rv.MinimumTCB[line] = t.Parts()
		}
	}
	if a.p.ChipIDs != nil {
		rv.ChipIDs = make([][64]byte, len(a.p.ChipIDs))
		for i, id := range a.p.ChipIDs {
			rv.ChipIDs[i] = id
		}
	}
	if a.data != nil {
		want := runtimedata.ReportData(a.in.RuntimeData)
		rv.ReportData = &want
	}
	return rv
}

// waiveUnasked takes back the passes of checks that had nothing to compare with.
func (a *appraisal) waiveUnasked(rv snp.ReferenceValues) {
	undo := func(name string) { a.checks[name].Status = NotDone }
	if rv.MinimumTCB == nil {
		undo("snp.tcb")
		a.waive("snp.tcb", "the policy gives no minimum_tcb")
	}
	if rv.RequirePlatform|rv.ForbidPlatform == 0 {
		undo("snp.platform")
		a.waive("snp.platform", "the policy demands nothing of the platform, whose info is %s", a.report.PlatformInfo)
	}
	if !rv.RequireCommitted {
		undo("snp.firmware")
		a.waive("snp.firmware", "the policy does not ask for committed_firmware; provisional: %t", a.report.Provisional())
	}
	if rv.ChipIDs == nil {
		undo("snp.chip-id")
		a.waive("snp.chip-id", "the policy gives no chip_ids")
	}
	if rv.ReportData == nil {
		undo("snp.runtime-data")
		a.skip("snp.runtime-data", "there is no well-formed runtime data to compare with")
	}
}

func (a *appraisal) checkEndorsement() {
	if len(a.in.Evidence.UVM) == 0 {
		a.skipRest("uvm.", "no UVM endorsement is given")
		return
	}
	// Not beside a report that anybody can make: the chain of an endorsement costs
	// public key operations, and what it endorses would have nothing to hold to.
	if a.report == nil {
		a.skipRest("uvm.", "the report is not verified")
		return
	}
	e, err := uvm.Verify(a.in.Evidence.UVM, a.uvmOptions())
	if err != nil {
		a.fail("uvm.signature", classOf(err), "%v", err)
		a.skipRest("uvm.", "the UVM endorsement is not verified")
		return
	}
	a.pass("uvm.signature", "signed %s, form %s", e.SignedAt.Format("2006-01-02"), e.Form)
	a.checks["uvm.signature"].Anchor = a.anchorName(e.Issuer)
	a.accept(e.Feed == a.p.UVM.Feed, "uvm.feed", "feed is %.80q, the policy wants %q", e.Feed, a.p.UVM.Feed)
	a.accept(e.SVN >= a.p.UVM.MinSVN, "uvm.svn", "SVN is %d, the least accepted is %d", e.SVN, a.p.UVM.MinSVN)
	a.accept(e.Measurement == a.report.Measurement, "uvm.measurement",
		"endorsed is %x, the report has %x", e.Measurement, a.report.Measurement)
}

// checkCCEPolicy ties the container policy's text to HOST_DATA.
func (a *appraisal) checkCCEPolicy() {
	text := a.in.Evidence.CCEPolicy
	switch sum := sha256.Sum256(text); {
	case len(text) == 0:
		a.skip("cce.policy", "no CCE policy is given")
	case a.report == nil:
		a.skip("cce.policy", "the report is not verified")
	case sum != a.report.HostData:
		a.fail("cce.policy", ClassFalse, "SHA-256 of the CCE policy is %x, HOST_DATA is %x", sum, a.report.HostData)
	default:
		a.pass("cce.policy", "%d bytes with the SHA-256 %x", len(text), sum)
	}
}

// contains reports whether a hex digest of the runtime data is in the list.
func contains(list []policy.Digest, hexDigest string) bool {
	return slices.ContainsFunc(list, func(d policy.Digest) bool { return d.String() == hexDigest })
}
