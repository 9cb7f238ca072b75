package attestation

import (
	"errors"
	"fmt"
	"slices"

	"github.com/veriproof/notary/attestation/snp"
)

// checkRevocation looks into the lists of the policy and the caller's. None of
// them is ever fetched, so without a list the question stays open.
func (a *appraisal) checkRevocation() {
	const name = "snp.revocation"
	lists, err := a.revocationLists()
	if err != nil {
		a.fail(name, ClassFalse, "%v", err)
		return
	}
	list, err := snp.CheckRevocation(a.chain, lists, a.in.At)
	switch asked := a.p.Revocation != nil && a.p.Revocation.Required; {
	case errors.Is(err, snp.ErrNoCRL) && asked:
		a.skip(name, "the policy requires a revocation list: %v", err)
	case errors.Is(err, snp.ErrNoCRL):
		a.waive(name, "%v", err)
	case err != nil:
		a.fail(name, classOf(err), "%v", err)
	default:
		a.pass(name, "neither ASK nor ARK is in the list of %s, to be replaced by %s", stamp(list.ThisUpdate()), stamp(list.NextUpdate()))
		a.checks[name].Anchor = a.checks["snp.verify"].Anchor
	}
}

func (a *appraisal) revocationLists() ([]*snp.CRL, error) {
	texts := slices.Clone(a.in.CRLs)
	if a.p.Revocation != nil {
		for _, text := range a.p.Revocation.CRLs {
			texts = append(texts, []byte(text))
		}
	}
	lists := make([]*snp.CRL, 0, len(texts))
	for i, b := range texts {
		l, err := snp.ParseCRL(b)
		if err != nil {
			return nil, fmt.Errorf("revocation list %d of %d: %w", i+1, len(texts), err)
		}
		lists = append(lists, l)
	}
	return lists, nil
}
