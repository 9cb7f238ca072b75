package challenge_test

import (
	"bytes"
	"context"
	"testing"

	"github.com/veriproof/notary/attestation"
	"github.com/veriproof/notary/attestation/challenge"
	"github.com/veriproof/notary/attestation/policy"
)

// That the fresh report is of the guest of the Evidence is shown by comparing it with
// a report that is true. A standing report that nobody verified could have been
// written to match, so then the question stays open, whatever else the policy
// requires.
func TestFreshReportNeedsATrueOneBesideIt(t *testing.T) {
	tee := newTEE(t)
	p := newPeer(tee)
	defer p.Close()
	if err := tee.Start(context.Background()); err != nil {
		t.Fatal(err)
	}
	defer tee.Close()
	reference, err := tee.Policy()
	if err != nil {
		t.Fatal(err)
	}
	reference.Require = []string{policy.PathMAA}
	for _, c := range []struct {
		name   string
		change func(*challenge.Document)
		want   attestation.Status
	}{
		{"as it is", nil, attestation.Pass},
		{"without a chain", func(d *challenge.Document) { d.VCEKChain = nil }, attestation.NotDone},
		{"forged to match, without a chain", func(d *challenge.Document) {
			d.Report, d.VCEKChain = bytes.Clone(d.Answer.Report), nil
			d.Report[0x50] ^= 1
		}, attestation.NotDone},
		{"no report", func(d *challenge.Document) { d.Report = nil }, attestation.NotDone},
	} {
		p.change = c.change
		proof, err := challenge.Fetch(context.Background(), p.URL)
		if err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		for _, k := range proof.Appraise(reference, challenge.Options{AllowSimulated: true}) {
			if k.Name == challenge.CheckReport && (k.Status != c.want || !k.Required) {
				t.Errorf("%s: %+v, want %s", c.name, k, c.want)
			}
		}
	}
}
