package session

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"time"

	"github.com/veriproof/notary/host/archive"
	"github.com/veriproof/notary/host/journal"
	format "github.com/veriproof/notary/sdk/journal"
	"github.com/veriproof/notary/sdk/receipt"
)

// ErrHeld says that a session is under a legal hold: its keys are not destroyed.
var ErrHeld = errors.New("the session is under a legal hold")

// A Hold is one on a session, and where the journal has it.
type Hold struct {
	archive.Kept
	Entry format.EntryRef
}

// Hold keeps the keys of all parts that a session has in this epoch, those to come
// among them, until every hold on it is released. When it returns without an error, no
// key was ordered to be destroyed since, nor will be. A session that is held already is
// left as it is. What a tenant's handle does not lead to is ErrNotFound.
func (n *Notary) Hold(ctx context.Context, tenant, session string) (Hold, error) {
	kept, err := n.keptBy(tenant, session)
	if err != nil {
		return Hold{}, err
	}
	return n.hold(ctx, kept)
}

// HoldPart does the same for the session of a sealed part, in the part's epoch.
func (n *Notary) HoldPart(ctx context.Context, s Sealed) (Hold, error) {
	m, err := n.manifest(ctx, s)
	if err != nil {
		return Hold{}, err
	}
	return n.hold(ctx, archive.Kept{Epoch: m.Origin.Epoch, Handle: m.Handle})
}

func (n *Notary) keptBy(tenant, session string) (archive.Kept, error) {
	k := archive.Kept{Epoch: n.epoch, Handle: n.opts.Ring.Handle(tenant, []byte(session))}
	n.mu.Lock()
	defer n.mu.Unlock()
	if len(n.index[k.Handle]) == 0 && n.open[k.Handle] == nil {
		return k, ErrNotFound
	}
	return k, nil
}

func (n *Notary) hold(ctx context.Context, kept archive.Kept) (Hold, error) {
	done, err := n.lockErasing(ctx) // an order that is under way came first
	if err != nil {
		return Hold{}, err
	}
	defer done()
	if known := n.holdsOn(kept); len(known) > 0 {
		return Hold{kept, known[0]}, nil
	}
	h := Hold{Kept: kept, Entry: format.EntryRef{Epoch: n.epoch}}
	h.Entry.Seq, err = n.writeOrder(ctx, format.KindRetention, receipt.PartID{Handle: kept.Handle}, format.RetentionBody{
		Action: format.RetentionHold, Epoch: kept.Epoch, AtUnixNano: n.opts.Now().UnixNano(),
	})
	if err != nil {
		return Hold{}, err
	}
	n.learn(h.Kept, h.Entry)
	return h, nil
}

// Release ends all holds on a session of this epoch that this notary knows of, and
// returns them. One that is not held has none.
func (n *Notary) Release(ctx context.Context, tenant, session string) ([]Hold, error) {
	kept, err := n.keptBy(tenant, session)
	if err != nil {
		return nil, err
	}
	var released []Hold
	for _, ref := range n.holdsOn(kept) {
		h := Hold{kept, ref}
		if err := n.release(ctx, h); err != nil {
			return released, err
		}
		released = append(released, h)
	}
	return released, nil
}

// ReleaseHold ends one hold, which stands at the entry, in the journal of any epoch. It
// may be called again. An entry that is no hold is ErrNotFound.
func (n *Notary) ReleaseHold(ctx context.Context, at format.EntryRef) (Hold, error) {
	entry, err := archive.Entry(ctx, n.opts.Store, at.Epoch, at.Seq)
	switch {
	case errors.Is(err, journal.ErrNotFound), errors.Is(err, archive.ErrNotFound):
		return Hold{}, ErrNotFound
	case err != nil:
		return Hold{}, err
	case entry.Kind != format.KindRetention:
		return Hold{}, ErrNotFound
	}
	b, err := format.ParseRetention(entry.Body)
	if err != nil {
		return Hold{}, err
	}
	if b.Action != format.RetentionHold {
		return Hold{}, ErrNotFound
	}
	h := Hold{archive.Kept{Epoch: b.Epoch, Handle: entry.Handle}, at}
	return h, n.release(ctx, h)
}

func (n *Notary) release(ctx context.Context, h Hold) error {
	done, err := n.lockErasing(ctx)
	if err != nil {
		return err
	}
	defer done()
	n.mu.Lock()
	ended := archive.Release{Kept: h.Kept, Hold: h.Entry}
	released := n.released[ended]
	n.mu.Unlock()
	if released {
		return nil
	}
	if _, err = n.writeOrder(ctx, format.KindRetention, receipt.PartID{Handle: h.Handle}, format.RetentionBody{
		Action: format.RetentionRelease, Epoch: h.Epoch, Hold: &h.Entry, AtUnixNano: n.opts.Now().UnixNano(),
	}); err != nil {
		return err
	}
	n.mu.Lock()
	n.released[ended] = true
	n.mu.Unlock()
	return nil
}

func (n *Notary) held(k archive.Kept) bool { return len(n.holdsOn(k)) > 0 }

// holdsOn returns the holds on a session that this notary knows of.
func (n *Notary) holdsOn(k archive.Kept) []format.EntryRef {
	n.mu.Lock()
	defer n.mu.Unlock()
	var list []format.EntryRef
	for _, ref := range n.holds[k] {
		if !n.released[archive.Release{Kept: k, Hold: ref}] {
			list = append(list, ref)
		}
	}
	return list
}

func (n *Notary) learn(k archive.Kept, ref format.EntryRef) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if !slices.Contains(n.holds[k], ref) {
		n.holds[k] = append(n.holds[k], ref)
	}
}

// learnHolds takes over what a scan shows, be it of all epochs or of some.
func (n *Notary) learnHolds(found *archive.Archive) {
	for _, h := range found.AllHolds() {
		n.learn(h.Kept, h.Entry)
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, r := range found.Releases() {
		n.released[r] = true
	}
	for _, e := range found.Epochs {
		if e.Ended != 0 && e.Err == nil && e.Disbelief == nil {
			n.finished[e.ID] = true
		}
	}
}

// maxSweep is the longest time from one sweep to the next.
const maxSweep = 24 * time.Hour

// sweep is what a notary knows of its last look for parts that are too old.
type sweep struct {
	under atomic.Bool
	at    time.Time // of the last that was begun; owned by Tick
}

// goSweep looks for parts that have reached the age, in the background: soon after the
// start, and then now and then. It reads all of storage.
func (n *Notary) goSweep(now time.Time) {
	s := &n.sweep
	if !s.at.IsZero() && now.Sub(s.at) < min(maxSweep, n.opts.Retention/8) || !s.under.CompareAndSwap(false, true) {
		return
	}
	s.at = now
	n.tasks.Go(func() {
		defer s.under.Store(false)
		// Like the recovery of others, it ends when Close begins: the next start goes on.
		if err := n.sweepOnce(n.peers.ctx, now); err != nil && n.peers.ctx.Err() == nil {
			n.opts.Logger.Error("erasing what has reached the age of retention failed; the next look tries it again", "error", err)
		}
	})
}

// learnOthersHolds reads what other notaries hold now, if any share the storage: their
// epochs that had not ended when they were read last.
func (n *Notary) learnOthersHolds(ctx context.Context) error {
	if n.opts.Silence == 0 {
		return nil
	}
	heads, err := n.opts.Store.Epochs(ctx)
	if err != nil {
		return fmt.Errorf("look for holds: %w", err)
	}
	n.mu.Lock()
	heads = slices.DeleteFunc(heads, func(h journal.EpochHead) bool { return n.finished[h.Epoch] || n.epoch == h.Epoch })
	n.mu.Unlock()
	if len(heads) == 0 {
		return nil
	}
	found, err := n.scan(ctx, heads)
	if err != nil {
		return fmt.Errorf("look for holds: %w", err)
	}
	n.learnHolds(found)
	return nil
}

// scan reads the epochs of a storage, as others left them by now: all if heads is nil.
func (n *Notary) scan(ctx context.Context, heads []journal.EpochHead) (*archive.Archive, error) {
	return archive.Scan(ctx, n.opts.Store, archive.Options{Heads: heads, Believe: func(e *archive.Epoch) error {
		if e.ID == n.epoch {
			return nil
		}
		return n.opts.Appraise(e)
	}})
}

// sweepOnce erases the parts of all epochs that were sealed by a notary that is
// believed, so long ago, and are not held. If anything in storage does not hold
// together, a hold may be what is missing: then nothing is erased.
func (n *Notary) sweepOnce(ctx context.Context, now time.Time) error {
	found, err := n.scan(ctx, nil)
	if err != nil {
		return err
	}
	for _, e := range found.Epochs {
		if e.Err != nil {
			return fmt.Errorf("epoch %v does not hold together, and may have lost a hold; nothing is erased by age: %w", e.ID, e.Err)
		}
	}
	for _, l := range found.Lost() {
		return fmt.Errorf("entry %d of epoch %v is gone, and may have been a hold; nothing is erased by age", l.Next, l.Epoch)
	}
	n.learnHolds(found)
	var erased []Erasure
	var failed error
	for _, p := range found.Parts() {
		if p.Manifest == nil || p.Erasure != nil || now.Sub(time.Unix(0, p.Manifest.HostClock.SealedUnixNano)) < n.opts.Retention {
			continue
		}
		switch e, err := n.erasePart(ctx, Sealed{p.Commitment(), p.Manifest.SealedBy.Epoch, p.SealedSeq}, format.KindRetention); {
		case errors.Is(err, ErrHeld), errors.Is(err, errDone):
		case errors.Is(err, ErrClosing), ctx.Err() != nil:
			return err
		case err != nil: // of this part; what is ordered the next start carries out
			failed = err
		default:
			erased = append(erased, e)
		}
	}
	if len(erased) == 0 {
		return failed
	}
	_, err = n.TellErased(ctx, erased)
	n.stats.expired(len(erased))
	n.opts.Logger.Info("erased session parts that have reached the age of retention", "parts", len(erased))
	return cmp.Or(failed, err)
}
