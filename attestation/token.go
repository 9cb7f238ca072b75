package attestation

import (
	"bytes"
	"errors"
	"fmt"
	"time"

	"github.com/veriproof/notary/attestation/maa"
	"github.com/veriproof/notary/attestation/policy"
	"github.com/veriproof/notary/attestation/runtimedata"
	"github.com/veriproof/notary/attestation/snp"
)

// maaPath checks the token and what MAA says in it.
func (a *appraisal) maaPath() {
	issuer := a.verifyToken()
	if a.claims == nil {
		a.skipRest("maa.", "the token is not verified")
		return
	}
	c := a.claims
	a.checkIssuerPolicy(issuer, c)
	a.accept(c.ComplianceStatus == maa.CompliantUVM, "maa.compliance",
		"compliance status is %.40q, want %q", c.ComplianceStatus, maa.CompliantUVM)
	a.checkTokenRuntimeData(c)
	a.accept(!c.Debuggable, "maa.debug", "debuggable: %t", c.Debuggable)
	a.accept(!c.MigrationAllowed, "maa.migration", "migration allowed: %t", c.MigrationAllowed)
	a.accept(c.VMPL == 0, "maa.vmpl", "VMPL %d, want 0", c.VMPL)
	a.checkHostData("maa.host-data", c.HostData)
	a.checkTokenUVM(c)
	a.checkTokenPlatform(c)
	a.checkAge(c)
	a.checkSameReport(c)
}

// verifyToken tries the trusted key sets and sets claims if the token is true
// under one of them.
func (a *appraisal) verifyToken() policy.Issuer {
	sources, unused := a.keySources()
	if unused != "" {
		unused = " (" + unused + ")"
	}
	switch {
	case len(a.anchors.Issuers) == 0:
		a.skip("maa.token", "the policy accepts no MAA issuer")
		return policy.Issuer{}
	case a.in.Token == "":
		a.skip("maa.token", "no MAA token is given")
		return policy.Issuer{}
	}
	if of, missing := a.withoutKeys(sources); missing {
		a.skip("maa.token", "no trusted JWKS for %s: pin one in the policy or give one to the verifier%s%s", of, unused, a.bundledNote())
		return policy.Issuer{}
	}
	if len(sources) == 0 {
		a.skip("maa.token", "no trusted JWKS: pin one in the policy or give one to the verifier%s%s", unused, a.bundledNote())
		return policy.Issuer{}
	}
	var failure error
	for _, s := range sources {
		claims, err := a.verifyWith(s)
		if err == nil {
			a.acceptToken(claims, s)
			return s.issuer
		}
		failure = worse(failure, err)
	}
	a.fail("maa.token", classOf(failure), "%v%s", failure, unused)
	return policy.Issuer{}
}

func (a *appraisal) verifyWith(s keySource) (*maa.Claims, error) {
	keys, err := maa.ParseKeySet(s.jwks)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", s.origin, err)
	}
	claims, err := maa.VerifyToken(a.in.Token, keys, maa.TokenOptions{Issuer: s.issuer.Issuer, At: a.in.At, Leeway: maa.MaxLeeway})
	if err != nil {
		return nil, err
	}
	if claims.Simulated && !a.anchors.Simulated {
		return nil, errors.New("token says that it is SIMULATED, but the policy is for real hardware")
	}
	if err := s.check(claims, a.in.At); err != nil {
		return nil, err
	}
	return claims, nil
}

// worse picks the error to show. "Another issuer" and "unknown key" are what
// every key set but the right one gives, so anything else says more.
func worse(old, err error) error {
	if old == nil || errors.Is(old, maa.ErrIssuer) || errors.Is(old, maa.ErrUnknownKey) && !errors.Is(err, maa.ErrIssuer) {
		return err
	}
	return old
}

func (a *appraisal) acceptToken(c *maa.Claims, s keySource) {
	a.claims = c
	a.pass("maa.token", "issued by %s at %s, valid to %s", c.Issuer, stamp(c.IssuedAt), stamp(c.Expiry))
	a.checks["maa.token"].Anchor = a.anchorName(fmt.Sprintf("%s for %s, key %s", s.origin, c.Issuer, c.KeyID))
}

// bundledNote tells whether the token at least agrees with the key set that
// came with it. Anybody can make such a pair, so it is a remark and no check.
func (a *appraisal) bundledNote() string {
	if len(a.in.BundledJWKS) == 0 {
		return ""
	}
	for _, is := range a.anchors.Issuers {
		if _, err := a.verifyWith(keySource{issuer: is, jwks: a.in.BundledJWKS, origin: "bundled key set"}); err == nil {
			return " (the token agrees with the key set bundled with it, which proves nothing)"
		}
	}
	return " (the token does not even agree with the key set bundled with it)"
}

func (a *appraisal) checkIssuerPolicy(is policy.Issuer, c *maa.Claims) {
	switch is.PolicyHash {
	case policy.AnyPolicyHash:
		a.waive("maa.policy-hash", "the policy accepts any policy_hash of %s; the token has %.60q", is.Issuer, c.PolicyHash)
		return
	case "": // which Parse refuses if the path is required
		a.skip("maa.policy-hash", "the policy gives no policy_hash for %s; the token has %.60q", is.Issuer, c.PolicyHash)
		return
	}
	a.accept(c.PolicyHash == is.PolicyHash, "maa.policy-hash", "policy hash is %.60q, pinned is %q", c.PolicyHash, is.PolicyHash)
}

// checkTokenRuntimeData re-hashes what MAA delivers. MAA issues tokens without
// runtime data too, so its absence is a failure.
func (a *appraisal) checkTokenRuntimeData(c *maa.Claims) {
	const name = "maa.runtime-data"
	switch {
	case c.RuntimeRaw == nil:
		a.fail(name, ClassUnacceptable, "the token has no runtime data")
	case runtimedata.ReportData(c.RuntimeRaw) != c.ReportData:
		a.fail(name, ClassFalse, "the token's runtime data does not hash to its report data")
	case a.data == nil:
		a.skip(name, "there is no well-formed runtime data to compare with")
	case !bytes.Equal(c.RuntimeRaw, a.in.RuntimeData):
		a.fail(name, ClassFalse, "the token is about other runtime data")
	default:
		a.pass(name, "the token binds the runtime data")
		a.bound = true
	}
}

func (a *appraisal) checkTokenUVM(c *maa.Claims) {
	u := c.UVM
	switch {
	case u == nil:
		a.fail("maa.uvm", ClassUnacceptable, "the token has no UVM endorsement: MAA did not identify the utility VM")
	case u.LaunchMeasurement != c.LaunchMeasurement:
		a.fail("maa.uvm", ClassFalse, "endorsed measurement is %x, the report's is %x", u.LaunchMeasurement, c.LaunchMeasurement)
	default:
		known := false
		for _, did := range a.anchors.UVMDIDs {
			known = known || u.Issuer == did
		}
		a.accept(known && u.Feed == a.p.UVM.Feed && u.SVN >= a.p.UVM.MinSVN, "maa.uvm",
			"feed %.80q, SVN %d of at least %d, issuer %.120q", u.Feed, u.SVN, a.p.UVM.MinSVN, u.Issuer)
	}
}

// checkTokenPlatform looks at product line, TCB and chip. Older tokens tell
// neither line nor chip; then the hardware path has to, and if it must pass
// anyway this check need not.
func (a *appraisal) checkTokenPlatform(c *maa.Claims) {
	const name = "maa.platform"
	hardware := required(a.p, "snp.verify")
	line, known := snp.ParseProduct(c.ChipFamily)
	if c.ChipFamily == "" || a.p.ChipIDs != nil && c.ChipID == nil {
		a.skip(name, "the token does not tell the product line or chip")
		a.checks[name].Required = a.checks[name].Required && !hardware
		return
	}
	if !known || !a.productAccepted(line) {
		a.fail(name, ClassUnacceptable, "product line %.20q is not among the accepted %v", c.ChipFamily, a.p.Products)
		return
	}
	if a.p.ChipIDs != nil && !a.chipAccepted(c.ChipID) {
		a.fail(name, ClassUnacceptable, "chip %x is not among the %d accepted", c.ChipID, len(a.p.ChipIDs))
		return
	}
	a.checkTokenTCB(line, c)
}

// checkTokenTCB compares what a token tells: the reported TCB without the FMC. The
// committed and the launch TCB are for the hardware path, and so is the FMC, without
// which a demand for one stays open.
func (a *appraisal) checkTokenTCB(line snp.Product, c *maa.Claims) {
	const name = "maa.platform"
	got := snp.TCB{Bootloader: c.Bootloader, TEE: c.TEE, SNP: c.SNP, Microcode: c.Microcode}
	least := a.p.MinimumTCB[line].Parts()
	least.FMC = 0
	enough := got.AtLeast(least)
	if fmc := a.p.MinimumTCB[line].FMC; enough && fmc != 0 && !required(a.p, "snp.verify") {
		a.skip(name, "the policy demands FMC %d, which a token does not tell: require the hardware path for it", fmc)
		return
	}
	a.accept(enough, name, "%s, reported TCB %s, the least accepted is %s; a token tells neither the committed nor the launch TCB, nor the FMC", line, got, least)
}

func (a *appraisal) productAccepted(line snp.Product) bool {
	for _, p := range a.p.Products {
		if p == line {
			return true
		}
	}
	return false
}

func (a *appraisal) chipAccepted(id []byte) bool {
	for _, c := range a.p.ChipIDs {
		if bytes.Equal(c[:], id) {
			return true
		}
	}
	return false
}

func (a *appraisal) checkAge(c *maa.Claims) {
	if a.p.MaxAge == 0 {
		a.waive("maa.age", "the policy gives no max_age")
		return
	}
	age := a.in.At.Sub(c.IssuedAt).Truncate(time.Second)
	if age > a.p.MaxAge {
		a.fail("maa.age", ClassStale, "token is %s old, at most %s is accepted", age, a.p.MaxAge)
		return
	}
	a.pass("maa.age", "token is %s old, at most %s is accepted", age, a.p.MaxAge)
}

// checkSameReport compares the two paths. Each binds the runtime data by itself,
// so a difference does not break either; but two halves that are not of one
// guest were put together by somebody.
func (a *appraisal) checkSameReport(c *maa.Claims) {
	const name = "maa.same-report"
	r := a.report
	if r == nil {
		a.skip(name, "the report is not verified")
		return
	}
	same := c.ReportID == r.ReportID && c.ReportData == r.ReportData && c.HostData == r.HostData &&
		c.LaunchMeasurement == r.Measurement
	if !same {
		a.fail(name, ClassFalse, "token and report differ in report id, report data, HOST_DATA or measurement")
		return
	}
	a.pass(name, "report id %x…", r.ReportID[:8])
}

func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339) }
