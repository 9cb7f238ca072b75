package snp

import (
	"fmt"
	"slices"
)

// ReferenceValues are what a relying party accepts (RFC 9334 section 2.3).
//
// In every list nil means "not looked at" and an empty list "nothing is
// acceptable": a list that lost its elements on the way must not turn into a
// check that passes. Debugging, migration, reserved policy bits and a VMPL other
// than 0 are never accepted.
type ReferenceValues struct {
	// Products are the acceptable product lines. Leave Milan out where it
	// matters: its root seed is public (arXiv 2605.12990).
	Products []Product
	// MinimumTCB is the least TCB per product line; the reported, the committed
	// and the launch TCB must all reach it. If the map is not nil, a product line
	// that is not in it is refused.
	MinimumTCB map[Product]TCB
	// MinimumGuestSVN is the least GUEST_SVN.
	MinimumGuestSVN uint32
	// MinimumABI is the least firmware ABI in the guest policy, major in the high
	// byte: 0x0037 is 0.55. Zero accepts all.
	MinimumABI uint16
	// RequirePolicy and ForbidPolicy are masks of guest policy bits that must be
	// one or zero.
	RequirePolicy, ForbidPolicy GuestPolicy
	// RequirePlatform and ForbidPlatform are the same for the platform info:
	// floors and ceilings, which of a bit's two values is the safe one differs.
	RequirePlatform, ForbidPlatform PlatformInfo
	// RequireCommitted refuses provisional firmware: a current TCB or firmware
	// version that is not the committed one, so that the host can still roll it
	// back. Much genuine hardware at Azure runs provisional firmware.
	RequireCommitted bool
	// HostData are the acceptable HOST_DATA values; on ACI SHA-256(CCE policy).
	HostData [][32]byte
	// ReportData, if not nil, is the one acceptable REPORT_DATA.
	ReportData *[64]byte
	// Measurements are the acceptable launch measurements.
	Measurements [][48]byte
	// ChipIDs are the acceptable chips.
	ChipIDs [][64]byte
}

// A Refusal says which Reference Value a report does not meet.
type Refusal struct {
	// Field is a stable name: "product", "debug", "migration", "policy-bits",
	// "abi", "vmpl", "guest-svn", "platform", "provisional", "reported-tcb",
	// "committed-tcb", "launch-tcb", "host-data", "report-data", "measurement"
	// or "chip-id".
	Field string
	// Detail is the reason in words, with both values.
	Detail string
}

func (e *Refusal) Error() string { return "SNP report is not acceptable: " + e.Detail }

// refusals collects Refusal values.
type refusals []error

func (l *refusals) check(ok bool, field, format string, args ...any) {
	if !ok {
		*l = append(*l, &Refusal{Field: field, Detail: fmt.Sprintf(format, args...)})
	}
}

// Appraise compares a report with the relying party's Reference Values and
// returns one *Refusal for each that it does not meet, in a fixed order; none
// means acceptable. It assumes that Verify has passed. The chain is needed for
// version 2, where only the VCEK names the product line; it may be nil else.
func Appraise(r *Report, c *Chain, rv ReferenceValues) []error {
	var l refusals
	appraiseLaunch(&l, r, rv)
	appraisePlatform(&l, r, c, rv)
	l.check(rv.HostData == nil || slices.Contains(rv.HostData, r.HostData),
		"host-data", "HOST_DATA is %x, which is not among the %d accepted", r.HostData, len(rv.HostData))
	if rv.ReportData != nil {
		l.check(r.ReportData == *rv.ReportData, "report-data", "REPORT_DATA is %x, want %x", r.ReportData, *rv.ReportData)
	}
	l.check(rv.Measurements == nil || slices.Contains(rv.Measurements, r.Measurement),
		"measurement", "launch measurement is %x, which is not among the %d accepted", r.Measurement, len(rv.Measurements))
	l.check(rv.ChipIDs == nil || slices.Contains(rv.ChipIDs, r.ChipID),
		"chip-id", "CHIP_ID is %x, which is not among the %d accepted", r.ChipID, len(rv.ChipIDs))
	return l
}

// appraiseLaunch looks at how the guest was launched and who asked.
func appraiseLaunch(l *refusals, r *Report, rv ReferenceValues) {
	p := r.Policy
	l.check(!p.Debug(), "debug", "guest policy 0x%x allows debugging: the host can read the guest's memory", uint64(p))
	l.check(!p.MigrateMA(), "migration", "guest policy 0x%x allows a migration agent", uint64(p))
	l.check(p.wellFormed(), "policy-bits", "guest policy 0x%x has reserved bits that are not as the specification demands", uint64(p))
	missing, excess := rv.RequirePolicy&^p, rv.ForbidPolicy&p
	l.check(missing|excess == 0, "policy-bits", "guest policy 0x%x%s", uint64(p), bitFault(policyBits, uint64(missing), uint64(excess)))
	l.check(uint16(p) >= rv.MinimumABI, "abi", "guest policy allows firmware ABI %d.%d, the least accepted is %d.%d",
		p.ABIMajor(), p.ABIMinor(), rv.MinimumABI>>8, rv.MinimumABI&0xff)
	l.check(r.VMPL == 0, "vmpl", "report was asked for from VMPL %d, want 0", r.VMPL)
	l.check(r.GuestSVN >= rv.MinimumGuestSVN, "guest-svn", "GUEST_SVN is %d, the least accepted is %d", r.GuestSVN, rv.MinimumGuestSVN)
}

// appraisePlatform looks at the hardware and its firmware.
func appraisePlatform(l *refusals, r *Report, c *Chain, rv ReferenceValues) {
	missing, excess := rv.RequirePlatform&^r.PlatformInfo, rv.ForbidPlatform&r.PlatformInfo
	l.check(missing|excess == 0, "platform", "platform info 0x%x%s", uint64(r.PlatformInfo), bitFault(platformBits, uint64(missing), uint64(excess)))
	l.check(!rv.RequireCommitted || !r.Provisional(), "provisional",
		"firmware is provisional: current is %s with TCB 0x%016x, committed is %s with 0x%016x",
		r.Current, uint64(r.CurrentTCB), r.Committed, uint64(r.CommittedTCB))
	line, err := ProductOf(r, c)
	if err != nil {
		l.check(rv.Products == nil && rv.MinimumTCB == nil, "product", "product line is not known: %v", err)
		return
	}
	l.check(rv.Products == nil || slices.Contains(rv.Products, line), "product", "product line %s is not among the accepted %v", line, rv.Products)
	if rv.MinimumTCB == nil {
		return
	}
	least, ok := rv.MinimumTCB[line]
	if !ok {
		l.check(false, "reported-tcb", "no minimum TCB is given for product line %s", line)
		return
	}
	for _, t := range []struct {
		field, name string
		v           TCBVersion
	}{
		{"reported-tcb", "reported", r.ReportedTCB},
		{"committed-tcb", "committed", r.CommittedTCB},
		{"launch-tcb", "launch", r.LaunchTCB},
	} {
		got := t.v.Decode(line)
		l.check(got.AtLeast(least), t.field, "%s TCB is %s, the least accepted is %s", t.name, got, least)
	}
}
