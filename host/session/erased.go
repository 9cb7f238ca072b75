package session

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/veriproof/notary/host/archive"
	"github.com/veriproof/notary/host/journal"
	format "github.com/veriproof/notary/sdk/journal"
	"github.com/veriproof/notary/sdk/receipt"
)

// Copies of wrapped keys that were destroyed in their place.
type Copies struct {
	Found   []journal.Copy // what the storage itself tells of
	Unasked []string       // where there may be others: places that it cannot be asked about
}

// None says that there cannot be a copy.
func (c *Copies) None() bool { return len(c.Found) == 0 && len(c.Unasked) == 0 }

// TellErased asks storage for copies of the keys of erasures that were carried out, and
// returns when the journal has the outcome: partial, if there are or may be copies, and
// how many of which kind. After an error it may be called again, as may the erasures.
func (n *Notary) TellErased(ctx context.Context, done []Erasure) (Copies, error) {
	if n.opts.Copies == nil || len(done) == 0 {
		return Copies{}, nil
	}
	copies := n.opts.Copies(ctx)
	body := format.ErasedBody{Found: byKind(copies.Found), Unasked: uint64(len(copies.Unasked)), AtUnixNano: n.opts.Now().UnixNano()}
	orders := make([]format.EntryRef, len(done))
	for i := range done {
		orders[i] = format.EntryRef{Epoch: done[i].Epoch, Seq: done[i].Seq}
	}
	for some := range slices.Chunk(orders, format.MaxErased) {
		body.Orders = some
		if err := n.tellErased(ctx, body); err != nil {
			return Copies{}, fmt.Errorf("the keys are destroyed, but that the journal has it is not certain: %w", err)
		}
	}
	return copies, nil
}

func (n *Notary) tellErased(ctx context.Context, body format.ErasedBody) error {
	if err := body.Check(); err != nil {
		return err
	}
	done, err := n.lockErasing(ctx)
	if err != nil {
		return err
	}
	defer done()
	_, err = n.writeOrder(ctx, format.KindErased, receipt.PartID{}, body)
	return err
}

// byKind counts copies by kind: the texts are for who asked, and may have names.
func byKind(found []journal.Copy) []format.Copies {
	var out []format.Copies
	for _, c := range found {
		i, known := slices.BinarySearchFunc(out, c.Kind, func(o format.Copies, kind string) int { return cmp.Compare(o.Kind, kind) })
		if !known {
			out = slices.Insert(out, i, format.Copies{Kind: c.Kind})
		}
		out[i].Count += c.Count
	}
	return out
}

// erasureOf is what an archive has of a part's erasure.
func erasureOf(p *archive.Part) Erasure {
	return Erasure{Part: p.ID, Commitment: p.Erasure.Commitment, Epoch: p.Erasure.Epoch, Seq: p.Erasure.Seq, ByAge: p.Erasure.ByAge}
}
