package attestation

import (
	"testing"
	"time"

	"github.com/veriproof/notary/attestation/internal/snptest"
)

// TestExitStatus is the table of the exit statuses.
func TestExitStatus(t *testing.T) {
	pass, open := Check{Status: Pass, Required: true}, Check{Status: NotDone, Required: true}
	fail := func(c Class) Check { return Check{Status: Fail, Required: true, Class: c} }
	optional := fail(ClassStale)
	optional.Required = false
	for _, c := range []struct {
		name   string
		checks []Check
		want   int
	}{
		{"verified", []Check{pass, {Status: NotDone}}, 0},
		{"false", []Check{pass, fail(ClassFalse)}, 2},
		{"unacceptable", []Check{pass, fail(ClassUnacceptable)}, 3},
		{"stale", []Check{pass, fail(ClassStale)}, 4},
		{"revoked", []Check{pass, fail(ClassRevoked)}, 4},
		{"optional and stale", []Check{pass, optional}, 4},
		{"incomplete", []Check{pass, open}, 5},
		{"nothing", nil, 5},
		{"nothing required", []Check{{Status: Pass}}, 5},
		{"unknown status", []Check{pass, {Status: "passed", Required: true}}, 5},
		{"failed before incomplete", []Check{open, fail(ClassStale)}, 4},
		{"false before all", []Check{fail(ClassStale), fail(ClassUnacceptable), fail(ClassRevoked), fail(ClassFalse)}, 2},
		{"unacceptable before stale", []Check{fail(ClassStale), fail(ClassUnacceptable), fail(ClassRevoked)}, 3},
		{"no class", []Check{fail(""), fail(ClassStale)}, 2},
		{"unknown class", []Check{fail("odd"), fail(ClassUnacceptable)}, 2},
	} {
		if got := ExitStatus(c.checks); got != c.want {
			t.Errorf("%s: %d, want %d", c.name, got, c.want)
		}
	}
}

// One notary, and what befalls it: each status comes from a real appraisal.
func TestExitStatusOfAppraisals(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(*world, *Input)
		want   int
	}{
		{"good", func(*world, *Input) {}, ExitVerified},
		{"report damaged", func(_ *world, in *Input) { in.Evidence.Report[0x50] ^= 1 }, ExitFalse},
		{"UVM too old", func(w *world, _ *Input) { w.policy.UVM.MinSVN++ }, ExitUnacceptable},
		{"token expired", func(_ *world, in *Input) { in.At = issued.Add(24 * time.Hour) }, ExitStale},
		{"ASK revoked", func(_ *world, in *Input) {
			in.CRLs = [][]byte{makers().platform.CRL(snptest.NotAfter, nil, snptest.ASKSerial)}
		}, ExitStale},
		{"no token", func(_ *world, in *Input) { in.Token = "" }, ExitIncomplete},
	} {
		w := newWorld(t)
		in := w.input(t)
		c.change(w, &in)
		if got := ExitStatus(Appraise(w.policy, in)); got != c.want {
			t.Errorf("%s: %d, want %d", c.name, got, c.want)
		}
	}
}
