package archive

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/veriproof/notary/host/journal"
	format "github.com/veriproof/notary/sdk/journal"
	"github.com/veriproof/notary/sdk/receipt"
)

// This file is about the entries that belong to no session, and that a lookup needs to
// open or prove what one has: wrap keys, Evidence, how epochs ended.

// frame looks for the last entry up to a seq that belongs to no session and is of a kind
// that is wanted.
func (l *lookup) frame(ctx context.Context, e *Epoch, upTo uint64, wanted func(format.Kind) bool) (at journal.Place, ok bool, err error) {
	// Such entries are few where much is written, and next to each other where little is.
	for span := uint64(1 << 12); ; span *= 8 {
		from := upTo - min(upTo, span-1)
		list, err := l.places(ctx, journal.Place{Epoch: e.ID, Seq: from}, func(p journal.Place) bool { return p.Epoch == e.ID && p.Seq <= upTo })
		if err != nil {
			return at, false, err
		}
		for _, p := range slices.Backward(list) {
			if wanted(format.Kind(p.Kind)) {
				return p, true, nil
			}
		}
		if from == 0 {
			return at, false, nil
		}
		upTo = from - 1
	}
}

// entry reads one entry that frame has found, and the chain value before it.
func (l *lookup) entry(ctx context.Context, at journal.Place) (*format.Entry, receipt.Hash, error) {
	e, g, err := l.group(ctx, at)
	if err != nil {
		return nil, receipt.Hash{}, err
	}
	i := at.Seq - g.entries[0].Seq
	entry, before := g.entries[i], g.before
	if entry.Kind != format.Kind(at.Kind) || entry.Handle != (receipt.Handle{}) {
		return nil, before, fmt.Errorf("%w: entry %d of epoch %v is of another kind", ErrLookup, at.Seq, e.ID)
	}
	if i > 0 {
		before = g.entries[i-1].Chain
	}
	return entry, before, nil
}

// takeAt reads one entry that frame has found, and takes over what it says.
func (l *lookup) takeAt(ctx context.Context, at journal.Place) (*format.Entry, error) {
	entry, before, err := l.entry(ctx, at)
	if err != nil {
		return nil, err
	}
	e := l.a.byID[at.Epoch]
	e.Chain = before
	if err := l.s.take(e, entry); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrLookup, err)
	}
	return entry, nil
}

// wrapKeys finds the wrap keys of the parts that have a key. That of a part is in force, or
// was a moment ago, when the part's first segment is written.
func (l *lookup) wrapKeys(ctx context.Context, o LookupOptions) error {
	for _, p := range l.a.parts {
		if !o.matters(p) {
			continue
		}
		e := l.a.byID[p.ID.Epoch]
		wrapped, err := l.a.store.Key(ctx, p.key())
		if errors.Is(err, journal.ErrNotFound) {
			continue // erased, or complete tells
		}
		if err != nil {
			return err
		}
		number, err := format.WrapNumber(wrapped)
		if err != nil {
			return fmt.Errorf("%w: %w", ErrLookup, err)
		}
		upTo := p.FirstSeq
		for i := 0; i < maxKeys && e.WrapKeys[number].Sealed == nil; i++ {
			at, ok, err := l.frame(ctx, e, upTo, func(k format.Kind) bool { return k == format.KindWrapKey })
			if err != nil {
				return err
			}
			if !ok || at.Seq == 0 {
				break
			}
			if _, err := l.takeAt(ctx, at); err != nil {
				return err
			}
			upTo = at.Seq - 1
		}
		if e.WrapKeys[number].Sealed == nil {
			return fmt.Errorf("%w: wrap key %d of epoch %v", ErrLookup, number, e.ID)
		}
	}
	return nil
}

// evidence finds what was in force when the receipts were written, and how the epochs
// that wrote them have ended.
func (l *lookup) evidence(ctx context.Context) error {
	sealers := make(map[*Epoch]bool)
	for _, r := range l.s.receipts {
		sealers[r.by] = true
		at, ok, err := l.frame(ctx, r.by, r.seq, func(k format.Kind) bool { return k == format.KindEvidence })
		if err != nil {
			return err
		}
		if !ok || slices.ContainsFunc(r.by.Evidence, func(x Renewal) bool { return x.Seq == at.Seq }) {
			continue // that of entry 0, or known
		}
		if _, err := l.takeAt(ctx, at); err != nil {
			return err
		}
	}
	for e := range sealers {
		slices.SortFunc(e.Evidence, func(x, y Renewal) int { return cmp.Compare(x.Seq, y.Seq) })
		if err := l.end(ctx, e); err != nil {
			return err
		}
	}
	return nil
}

// end finds how an epoch has ended, if it has. Behind a close there are only proofs and
// perhaps fences; behind a fence fences, and what does not count.
func (l *lookup) end(ctx context.Context, e *Epoch) error {
	end := func(k format.Kind) bool { return k != format.KindProof }
	c, err := l.a.store.Get(ctx, e.ID, math.MaxInt64)
	if err != nil {
		return fmt.Errorf("%w: the end of epoch %v: %w", ErrLookup, e.ID, err)
	}
	list, err := entriesOf(c)
	if err != nil || len(list) == 0 {
		return fmt.Errorf("%w: the end of epoch %v: %w", ErrLookup, e.ID, cmp.Or(err, ErrNotFound))
	}
	at, ok, err := l.frame(ctx, e, list[len(list)-1].Seq, end)
	if err != nil {
		return err
	}
	fence := journal.Place{}
	for ok && format.Kind(at.Kind) == format.KindFence && at.Seq > 0 {
		fence = at
		if at, ok, err = l.frame(ctx, e, at.Seq-1, end); err != nil {
			return err
		}
	}
	switch {
	case !ok:
		return fmt.Errorf("%w: it does not know epoch %v", ErrLookup, e.ID)
	case format.Kind(at.Kind) == format.KindClose:
		entry, err := l.takeAt(ctx, at)
		if err != nil {
			return err
		}
		return l.endProof(ctx, e, entry, journal.Place{Epoch: e.ID, Seq: at.Seq})
	case fence.Seq > 0:
		return l.fenced(ctx, e, fence)
	}
	_, _, err = l.entry(ctx, at) // it counts, so that no end is before it
	return err
}

// fenced takes over the fence that ended an epoch. It stands behind what its notary
// wrote, by itself, and is signed by its author.
func (l *lookup) fenced(ctx context.Context, e *Epoch, at journal.Place) error {
	before, err := l.signed(ctx, e, at.Seq-1)
	if err != nil {
		return err
	}
	entry, err := Entry(ctx, l.a.store, e.ID, at.Seq)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrLookup, err)
	}
	e.Chain = before[len(before)-1].Chain
	if entry.Kind != format.KindFence || entry.Header.Chain(e.Chain) != entry.Chain {
		return fmt.Errorf("%w: entry %d of epoch %v is not the fence that ends it", ErrLookup, at.Seq, e.ID)
	}
	if err := l.s.take(e, entry); err != nil {
		return fmt.Errorf("%w: %w", ErrLookup, err)
	}
	by := e.fences[0].fence.By
	if _, err := l.epoch(ctx, by); err != nil {
		return err
	}
	return l.endProof(ctx, e, entry, journal.Place{Epoch: by})
}

// endProof finds the log proof of an epoch's end, among the first that belong to no
// session from a place on.
func (l *lookup) endProof(ctx context.Context, e *Epoch, end *format.Entry, from journal.Place) error {
	want := format.CloseCommitment(e.ID, end.Seq, end.Chain)
	proofs := 0
	list, err := l.places(ctx, from, func(p journal.Place) bool {
		if format.Kind(p.Kind) == format.KindProof {
			proofs++
		}
		return p.Epoch == from.Epoch && proofs <= maxProofs
	})
	if err != nil {
		return err
	}
	for _, at := range list {
		if format.Kind(at.Kind) != format.KindProof {
			continue
		}
		if _, err := l.takeAt(ctx, at); err != nil {
			return err
		}
		if l.s.proofs[len(l.s.proofs)-1].Commitment == want {
			return nil
		}
	}
	return fmt.Errorf("%w: the log proof of the end of epoch %v", ErrLookup, e.ID)
}
