package session

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/veriproof/notary/host/archive"
	"github.com/veriproof/notary/host/journal"
	format "github.com/veriproof/notary/sdk/journal"
	"github.com/veriproof/notary/sdk/receipt"
)

// An Erasure says where the journal orders that the wrapped key of a session part is
// destroyed.
type Erasure struct {
	Part       receipt.PartID
	Commitment receipt.Hash // of the part: it stays verifiable
	Epoch      receipt.Epoch
	Seq        uint64
	ByAge      bool // nobody asked for it: the part had reached Options.Retention
}

// A Sealed names a sealed part: by its commitment, which binds the order to what the
// operator means, and by the place of its manifest entry, where the part is found.
type Sealed struct {
	Commitment receipt.Hash
	Epoch      receipt.Epoch // that wrote the manifest
	Seq        uint64
}

// An ErasureLock is held by the one erasure under way: an adapter reads an object of keys
// and replaces it, so that two at once could undo each other. It takes one token.
type ErasureLock chan struct{}

// NewErasureLock makes one for the notaries of a process on one storage.
func NewErasureLock() ErasureLock { return make(ErasureLock, 1) }

// Erase ends a session and destroys the wrapped keys of all parts that it has in this
// epoch. What a tenant's handle does not lead to is ErrNotFound, and of a session that
// is held nothing is ended or destroyed: ErrHeld.
func (n *Notary) Erase(ctx context.Context, tenant, session string) ([]Erasure, error) {
	if err := n.learnOthersHolds(ctx); err != nil {
		return nil, err
	}
	if n.held(archive.Kept{Epoch: n.epoch, Handle: n.opts.Ring.Handle(tenant, []byte(session))}) {
		return nil, ErrHeld
	}
	if err := n.EndSession(ctx, tenant, session); err != nil {
		return nil, err
	}
	parts, err := n.Parts(ctx, tenant, session)
	if err != nil {
		return nil, err
	}
	var erased []Erasure
	for _, p := range parts {
		if p.Manifest == nil {
			return erased, ErrState // a sender went on in the meantime
		}
		e, err := n.erasePart(ctx, Sealed{p.Commitment, n.epoch, p.manifestSeq}, format.KindErasure)
		if err != nil {
			return erased, err
		}
		erased = append(erased, e)
	}
	return erased, nil
}

// ErasePart destroys the wrapped key of a sealed part, of this epoch or another in the
// storage. The order is durable and signed before the key is touched: whoever stops in
// between leaves what the next start completes, and never a key that is gone without
// anybody's word. It may be called again, after any error and after success. A part
// whose session is held is ErrHeld; in a storage that is shared, holds that other
// notaries took are read before.
//
// Leaves, root, receipt and log proof stay as they are.
func (n *Notary) ErasePart(ctx context.Context, s Sealed) (Erasure, error) {
	if err := n.learnOthersHolds(ctx); err != nil {
		return Erasure{}, err
	}
	return n.erasePart(ctx, s, format.KindErasure)
}

// lockErasing returns when no erasure is under way and none begins until done is called,
// unless the notary is being stopped: nothing may follow the close entry.
func (n *Notary) lockErasing(ctx context.Context) (done func(), err error) {
	n.mu.Lock()
	if n.closing {
		n.mu.Unlock()
		return nil, ErrClosing
	}
	n.exports.Add(1)
	n.mu.Unlock()
	select {
	case n.opts.Erasing <- struct{}{}:
		return func() { <-n.opts.Erasing; n.exports.Done() }, nil
	case <-ctx.Done():
		n.exports.Done()
		return nil, ctx.Err()
	}
}

// erasePart erases by an entry of the kind: by an operator's order, or by age.
func (n *Notary) erasePart(ctx context.Context, s Sealed, kind format.Kind) (Erasure, error) {
	done, err := n.lockErasing(ctx)
	if err != nil {
		return Erasure{}, err
	}
	defer done()
	m, err := n.manifest(ctx, s)
	if err != nil {
		return Erasure{}, err
	}
	part := receipt.PartID{Epoch: m.Origin.Epoch, Handle: m.Handle, Part: m.Part}
	n.mu.Lock()
	e, ordered := n.erased[part]
	n.mu.Unlock()
	if !ordered { // what was ordered before a hold is carried out
		if kind == format.KindRetention && n.opts.Silence > 0 {
			if gone, err := n.destroyed(ctx, part, m.FirstSeq); err != nil || gone {
				return Erasure{}, cmp.Or(err, errDone)
			}
		}
		if n.held(archive.Kept{Epoch: part.Epoch, Handle: part.Handle}) {
			return Erasure{}, ErrHeld
		}
		if e, err = n.orderErasure(ctx, s.Commitment, part, m, kind); err != nil {
			return Erasure{}, err
		}
	}
	return e, n.destroy(ctx, part, m.FirstSeq)
}

// errDone says that another notary has just destroyed a key.
var errDone = errors.New("another notary has destroyed the key")

// destroyed says whether storage has no key of a part.
func (n *Notary) destroyed(ctx context.Context, part receipt.PartID, near uint64) (bool, error) {
	_, err := n.opts.Store.Key(ctx, journal.KeyID{Epoch: part.Epoch, Handle: part.Handle, Part: part.Part, Near: near})
	if errors.Is(err, journal.ErrNotFound) {
		return true, nil
	}
	return false, err
}

// manifest reads what is to be erased. That it is the manifest which the commitment
// was made of is all that has to be known of it.
func (n *Notary) manifest(ctx context.Context, s Sealed) (*receipt.Manifest, error) {
	entry, err := archive.Entry(ctx, n.opts.Store, s.Epoch, s.Seq)
	switch {
	case errors.Is(err, journal.ErrNotFound), errors.Is(err, archive.ErrNotFound):
		return nil, ErrNotFound
	case err != nil:
		return nil, err
	case entry.Kind != format.KindManifest:
		return nil, ErrNotFound
	}
	raw, m, err := receipt.Read(string(entry.Body))
	if err != nil {
		return nil, err
	}
	if receipt.Commitment(raw) != s.Commitment {
		return nil, ErrNotFound
	}
	return m, nil
}

// orderErasure makes the entry that orders an erasure durable.
func (n *Notary) orderErasure(ctx context.Context, commitment receipt.Hash, part receipt.PartID, m *receipt.Manifest, kind format.Kind) (Erasure, error) {
	first, err := archive.Entry(ctx, n.opts.Store, part.Epoch, m.FirstSeq)
	if err != nil {
		return Erasure{}, err
	}
	segment, err := format.ParseSegment(first.Body)
	if err != nil {
		return Erasure{}, err
	}
	if first.Kind != format.KindSegment || first.Handle != part.Handle || first.Part != part.Part || segment.DEKCommitment != m.DEKCommitment {
		return Erasure{}, fmt.Errorf("%w: entry %d of epoch %v is not the first segment of the part", receipt.ErrManifest, m.FirstSeq, part.Epoch)
	}
	now := n.opts.Now().UnixNano()
	var order any = format.ErasureBody{Epoch: part.Epoch, WrappedDEK: segment.WrappedDEK, Commitment: commitment, OrderedUnixNano: now}
	if kind == format.KindRetention {
		order = format.RetentionBody{
			Action: format.RetentionErase, Epoch: part.Epoch, WrappedDEK: segment.WrappedDEK, Commitment: commitment, AtUnixNano: now,
		}
	}
	e := Erasure{Part: part, Commitment: commitment, Epoch: n.epoch, ByAge: kind == format.KindRetention}
	if e.Seq, err = n.writeOrder(ctx, kind, part, order); err != nil {
		return Erasure{}, err
	}
	n.mu.Lock()
	n.erased[part] = e
	n.mu.Unlock()
	return e, nil
}

// writeOrder makes an entry about a session part durable, and returns its seq.
func (n *Notary) writeOrder(ctx context.Context, kind format.Kind, part receipt.PartID, order any) (uint64, error) {
	body, err := format.EncodeBody(order)
	if err != nil {
		return 0, err
	}
	pending, err := n.appendPatiently(ctx, []journal.Draft{{Kind: kind, Handle: part.Handle, Part: part.Part, Body: body}}, nil)
	if err != nil {
		return 0, err
	}
	if _, err := pending.Wait(ctx); err != nil {
		return 0, err
	}
	n.dirty.set()
	seq, _ := pending.Seqs()
	return seq, nil
}

// destroy makes storage forget a wrapped key, and asks it whether it did. A key that is
// gone already is as good. It is called by who holds the ErasureLock.
func (n *Notary) destroy(ctx context.Context, part receipt.PartID, near uint64) error {
	id := journal.KeyID{Epoch: part.Epoch, Handle: part.Handle, Part: part.Part, Near: near}
	if err := n.opts.Store.EraseKey(ctx, id); err != nil && !errors.Is(err, journal.ErrNotFound) {
		return fmt.Errorf("the erasure is ordered in the journal, but storage did not take it: %w", err)
	}
	switch _, err := n.opts.Store.Key(ctx, id); {
	case errors.Is(err, journal.ErrNotFound):
		return nil
	case err != nil:
		return fmt.Errorf("the erasure is ordered in the journal, but whether storage did it is unknown: %w", err)
	}
	return errors.New("the erasure is ordered in the journal, but storage still has the key")
}

// resumeErasures takes over what believed epochs ordered, and destroys the keys that
// are there all the same: their notary stopped in between, or somebody restored a
// backup.
func (n *Notary) resumeErasures(found *archive.Archive) {
	ordered := slices.DeleteFunc(found.Parts(), func(p *archive.Part) bool { return p.Erasure == nil })
	n.mu.Lock()
	for _, p := range ordered {
		n.erased[p.ID] = erasureOf(p)
	}
	n.mu.Unlock()
	if len(ordered) == 0 {
		return
	}
	n.tasks.Go(func() {
		var done []Erasure
		for _, p := range ordered {
			again, err := n.destroyAgain(n.background, p)
			switch {
			case err == nil && (again || p.Erasure.Outcome == nil):
				done = append(done, erasureOf(p))
			case err != nil && n.background.Err() == nil:
				n.opts.Logger.Error("the key of an erased session part could not be destroyed; the next start tries it again", "epoch", p.ID.Epoch.String(), "error", err)
			}
		}
		if _, err := n.TellErased(n.background, done); err != nil && n.background.Err() == nil {
			n.opts.Logger.Warn("the journal does not have the outcome of erasures; the next start tells it", "error", err)
		}
	})
}

// destroyAgain destroys a key that is there although it was ordered to be destroyed, and
// says whether it was.
func (n *Notary) destroyAgain(ctx context.Context, p *archive.Part) (again bool, err error) {
	select {
	case n.opts.Erasing <- struct{}{}:
		defer func() { <-n.opts.Erasing }()
	case <-ctx.Done():
		return false, ctx.Err()
	}
	_, err = n.opts.Store.Key(ctx, journal.KeyID{Epoch: p.ID.Epoch, Handle: p.ID.Handle, Part: p.ID.Part, Near: p.FirstSeq})
	if errors.Is(err, journal.ErrNotFound) {
		return false, nil
	}
	n.opts.Logger.Warn("an erased session part still had its key, or storage could not say that it is gone; it is destroyed again", "epoch", p.ID.Epoch.String())
	return true, n.destroy(ctx, p.ID, p.FirstSeq)
}
