package bundle

import (
	"errors"
	"fmt"
	"time"

	"github.com/veriproof/notary/sdk/journal"
	"github.com/veriproof/notary/sdk/receipt"
)

// EncodeEnd returns the part that shows how an epoch's journal ended: the chain
// value before the close or fence entry, then the entry as it stands in the
// journal. The value before is there because the entry's signature is over chain
// values only: without it, the signature of any position would pass for that of
// an entry that somebody made up.
func EncodeEnd(before receipt.Hash, e *journal.Entry) []byte {
	return e.Append(append(make([]byte, 0, 512), before[:]...))
}

// decodeEnd reads what EncodeEnd writes, and nothing else. It checks the chain
// value and no signature.
func decodeEnd(b []byte) (*journal.Entry, error) {
	if len(b) < len(receipt.Hash{}) {
		return nil, fmt.Errorf("%d bytes are no chain value and entry", len(b))
	}
	before := receipt.Hash(b[:len(receipt.Hash{})])
	e, rest, err := journal.Decode(b[len(before):])
	switch {
	case err != nil:
		return nil, err
	case len(rest) > 0:
		return nil, fmt.Errorf("%d bytes follow the entry", len(rest))
	case e.Kind != journal.KindClose && e.Kind != journal.KindFence:
		return nil, fmt.Errorf("an epoch ends by close or fence, this is a %v entry", e.Kind)
	case e.Signature == nil:
		return nil, errors.New("the entry is not signed")
	case e.Body == nil:
		return nil, errors.New("the entry's body was retired")
	case e.Header.Chain(before) != e.Chain:
		return nil, errors.New("the entry's chain value does not follow from the one before and its header")
	}
	return e, nil
}

// checkOrder compares places in the log: a receipt that came into it after its
// epoch had ended was made with a stolen key.
func (v *verification) checkOrder() {
	const name = "log.order"
	switch {
	case v.index == nil:
		v.notDone(name, false, "the receipt's place in the log is not proved")
	case v.b.EpochEnd == nil:
		v.notDone(name, false, "the epoch has not ended, or its end is not in the bundle")
	default:
		kind, index, err := v.epochEnd()
		switch {
		case err != nil:
			v.fail(name, "%v", err)
		case *v.index >= index:
			v.fail(name, "the commitment is entry %d of the log, after that of the epoch's %v, entry %d: the receipt is not valid", *v.index, kind, index)
		case !v.endCosigned():
			v.notDone(name, false, "entry %d of the log, before the epoch's %v, entry %d; but too few of the policy's witnesses have cosigned the tree that shows the latter", *v.index, kind, index)
		case kind == journal.KindFence:
			v.notDone(name, false, "the epoch was ended by another notary's fence, whose Evidence is not in the bundle; an audit of the journal checks it")
		default:
			v.pass(name, "entry %d of the log, before the close that the epoch's key signed, entry %d; that no earlier end stands in the log is for an audit", *v.index, index)
		}
		v.result.Checks[len(v.result.Checks)-1].Required = false
	}
}

// epochEnd returns what kind of entry ended the sealing epoch, and where the log
// has it.
func (v *verification) epochEnd() (journal.Kind, uint64, error) {
	e, err := decodeEnd(v.b.EpochEnd)
	if err != nil {
		return 0, 0, fmt.Errorf("epoch-end.entry: %w", err)
	}
	switch {
	case e.Epoch != v.m.SealedBy.Epoch:
		return 0, 0, fmt.Errorf("epoch-end.entry ends epoch %v, the receipt was sealed by %v", e.Epoch, v.m.SealedBy.Epoch)
	case !v.recovered() && e.Seq <= v.m.LastSeq:
		return 0, 0, fmt.Errorf("epoch-end.entry has seq %d, the records of the receipt reach to %d", e.Seq, v.m.LastSeq)
	}
	if err := v.endSays(e); err != nil {
		return 0, 0, fmt.Errorf("epoch-end.entry: %w", err)
	}
	index, err := receipt.VerifyProof(v.b.EpochEndProof, journal.CloseCommitment(e.Epoch, e.Seq, e.Chain), v.logKeys())
	return e.Kind, index, err
}

// endCosigned says whether the tree that shows the epoch's end is one that the policy's
// witnesses know, if it names any: a log could make another one for this bundle.
func (v *verification) endCosigned() bool {
	names, _, err := v.cosigners(v.b.EpochEndProof, time.Time{})
	return err == nil && len(names) >= v.p.Log.Quorum
}

// endSays checks the body. A close must be by the epoch's key and account for
// the receipt; by whom a fence is, only its author's Evidence shows.
func (v *verification) endSays(e *journal.Entry) error {
	if e.Kind == journal.KindFence {
		return journal.ParseBody(e.Body, new(journal.FenceBody))
	}
	p := journal.Position{Epoch: e.Epoch, Seq: e.Seq, Chain: e.Chain, Signature: e.Signature}
	if err := p.Verify(v.signingKey()); err != nil {
		return err
	}
	var end journal.CloseBody
	if err := journal.ParseBody(e.Body, &end); err != nil {
		return err
	}
	switch {
	case end.Manifests <= v.m.Seq:
		return fmt.Errorf("the epoch closed after %d manifests, the receipt is number %d", end.Manifests, v.m.Seq)
	case end.Manifests == v.m.Seq+1 && end.Last != *v.result.Commitment:
		return fmt.Errorf("the epoch closed with the commitment %v, that of this receipt, its last, is %v", end.Last, *v.result.Commitment)
	}
	return nil
}
