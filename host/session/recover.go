package session

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/veriproof/notary/host/archive"
	"github.com/veriproof/notary/host/journal"
	format "github.com/veriproof/notary/sdk/journal"
	"github.com/veriproof/notary/sdk/receipt"
)

// ErrAlive says that an epoch that was taken for dead has written. Two notaries
// can share storage only if both know of it (Options.Silence).
var ErrAlive = errors.New("another notary is writing to this storage")

// heedSharing keeps a notary that does not share its storage from ending those that do:
// it waits until they have been silent for as long as they hold one another for dead, and
// if one writes in that time it is ErrAlive, before anything was written.
func heedSharing(ctx context.Context, o Options, found *archive.Archive) error {
	sharing, longest := make(map[receipt.Epoch]bool), time.Duration(0)
	for _, e := range found.Epochs {
		if e.Ended != 0 || e.Err != nil || e.Disbelief != nil || slices.Contains(o.Alive, e.ID) {
			continue
		}
		silence := o.Shares(e)
		if o.Silence > 0 {
			if silence != o.Silence {
				o.Logger.Warn("a notary that has not ended says other things about sharing this storage; the one that waits for less ends the other when that is idle",
					"epoch", e.ID.String(), "silence", silence, "own", o.Silence)
			}
			continue
		}
		if silence > 0 {
			sharing[e.ID], longest = true, max(longest, silence)
		}
	}
	if len(sharing) == 0 {
		return nil
	}
	o.Logger.Info("notaries that share this storage have not ended; this one, which does not share it, waits to see whether they live", "notaries", len(sharing), "wait", longest)
	first, err := o.Store.Epochs(ctx)
	if err != nil {
		return fmt.Errorf("list epochs in storage: %w", err)
	}
	for began := time.Now(); time.Since(began) < longest; {
		if err := pause(ctx, longest/16); err != nil {
			return err
		}
		heads, err := o.Store.Epochs(ctx)
		if err != nil {
			return fmt.Errorf("list epochs in storage: %w", err)
		}
		for _, h := range heads {
			if !slices.Contains(first, h) && (sharing[h.Epoch] || found.Epoch(h.Epoch) == nil) {
				return fmt.Errorf("%w: epoch %x has just written, and this one is not to share the storage", ErrAlive, h.Epoch)
			}
		}
	}
	return nil
}

// maxSealing bounds the manifests under way for other epochs.
const maxSealing = 64

// recover judges epochs. It ends those that have not ended, seals the parts that
// dead notaries left open, and has the log prove what has no proof yet. Secrets of
// the old epochs are not needed, and gone. Those that are lost end before what is
// known of them.
func (n *Notary) recover(ctx context.Context, found *archive.Archive, lost []archive.Lost, judged func(*archive.Epoch) bool) error {
	left := make(map[receipt.Epoch]bool) // as they are
	for _, l := range lost {
		left[l.Epoch] = true
		n.damaged(l.Epoch, "storage has been rolled back, or entries were taken from the end of an epoch; it is left as it is, and an audit tells what else is missing",
			"first_missing", l.Next, "last_known", l.Known, "known_by", l.By.String())
	}
	var epochs, mine []*archive.Epoch // that are judged; whose open parts this notary seals
	for _, e := range found.Epochs {
		if !judged(e) {
			continue
		}
		epochs = append(epochs, e)
		switch {
		case e.Err != nil:
			// What is signed there still counts, and nothing more is written
			// to it: what does not hold together is for an auditor to judge.
			left[e.ID] = true
			n.damaged(e.ID, "an epoch in storage does not hold together; it is left as it is", "error", e.Err)
			continue
		case e.Disbelief != nil:
			left[e.ID] = true
			n.damaged(e.ID, "an epoch in storage is not by a notary that this one believes; it is left as it is, and what it says of others does not count", "error", e.Disbelief)
			continue
		case e.Ended != 0:
			continue
		case left[e.ID]:
			// A fence would stand where an entry was that may yet be found again.
			continue
		}
		for _, strange := range e.Strange {
			n.opts.Logger.Error("somebody without a right to has fenced an epoch; it is fenced again", "epoch", e.ID.String(), "error", strange)
		}
		took, err := n.takeOver(ctx, e)
		if err != nil {
			return err
		}
		if took {
			mine = append(mine, e)
		}
	}
	// Not before, since who recovered an epoch may himself have been ended just now.
	for _, e := range epochs {
		if left[e.ID] || e.Ended == 0 || slices.Contains(mine, e) {
			continue
		}
		took := heir(e) == n.epoch // by a fence whose outcome was unknown
		if !took && orphaned(found, e) {
			var err error
			if took, err = n.takeOver(ctx, e); err != nil {
				return err
			}
		}
		if took {
			mine = append(mine, e)
		}
	}
	if err := n.sealAll(ctx, found, mine); err != nil {
		return err
	}
	n.learnHolds(found)
	n.resumeErasures(found)
	for _, e := range epochs {
		if left[e.ID] || e.Ended != 0 && (heir(e) == n.epoch || !inherited(found, e)) {
			n.tasks.Go(func() { n.resumeEpoch(found, e) })
		}
	}
	return nil
}

// damaged tells, once, of an epoch that is left as it is.
func (n *Notary) damaged(epoch receipt.Epoch, what string, args ...any) {
	n.mu.Lock()
	told := n.told[epoch]
	n.told[epoch] = true
	n.mu.Unlock()
	if !told {
		n.stats.damaged()
		n.opts.Logger.Error(what, append([]any{"epoch", epoch.String()}, args...)...)
	}
}

// heir is who is to finish what an epoch left: the last to fence it, or, if it closed
// by itself, nobody.
func heir(e *archive.Epoch) receipt.Epoch {
	if len(e.Recoverers) == 0 {
		return receipt.Epoch{}
	}
	return e.Recoverers[len(e.Recoverers)-1]
}

// inherited says that somebody who has not ended is to finish what an epoch left.
func inherited(found *archive.Archive, e *archive.Epoch) bool {
	h := found.Epoch(heir(e))
	return h != nil && h.Ended == 0
}

// orphaned says that an epoch left parts open which its heir can no longer seal, since
// he has ended, too. Whoever takes over fences the epoch again, behind him: so again
// exactly one does.
func orphaned(found *archive.Archive, e *archive.Epoch) bool {
	return len(e.Recoverers) > 0 && !inherited(found, e) && len(found.Unsealed(e.ID)) > 0
}

// takeOver fences an epoch. It reports false if another notary was first, or the epoch
// itself, with an entry.
func (n *Notary) takeOver(ctx context.Context, e *archive.Epoch) (bool, error) {
	err := n.fence(ctx, e)
	switch {
	case err == nil:
		return true, nil
	case n.opts.Silence == 0 && errors.Is(err, journal.ErrFenced):
		return false, fmt.Errorf("%w: epoch %v went on at seq %d; stop it, or give each notary storage of its own", ErrAlive, e.ID, e.Free)
	case n.opts.Silence == 0:
		return false, fmt.Errorf("fence epoch %v: %w", e.ID, err)
	case errors.Is(err, journal.ErrFenced):
		n.opts.Logger.Info("another notary recovers an epoch, or it lives", "epoch", e.ID.String(), "seq", e.Free)
	default:
		n.opts.Logger.Warn("an epoch could not be fenced; it will be tried again", "epoch", e.ID.String(), "error", err)
	}
	return false, nil
}

// fence ends epoch e by an entry at its next seq, which is that of its first gap. The unique key makes exactly
// one fence win, and makes the next write of a notary that only slept lose.
func (n *Notary) fence(ctx context.Context, e *archive.Epoch) error {
	body, err := format.EncodeBody(format.FenceBody{By: n.epoch, RuntimeData: n.opts.Origin.RuntimeData})
	if err != nil {
		return err
	}
	entry := &format.Entry{Header: format.Header{
		Epoch: e.ID, Seq: e.Free, Kind: format.KindFence, Body: sha256.Sum256(body),
	}, Body: body}
	entry.Chain = entry.Header.Chain(e.Chain)
	entry.Signature = format.SignPosition(n.opts.Key, e.ID, entry.Seq, entry.Chain)
	g := journal.Group{
		Epoch: e.ID, FirstSeq: e.Free, Entries: []journal.Sealed{entry.Append(nil)},
		Heads: []journal.EntryHead{{Kind: uint8(format.KindFence)}},
	}
	if err := journal.Write(ctx, n.opts.Store, g, n.opts.Journal); err != nil {
		return err
	}
	if e.Ended == 0 {
		e.Ended, e.EndSeq, e.EndChain = format.KindFence, entry.Seq, entry.Chain
	}
	e.Next, e.Free, e.Chain, e.Recoverers = entry.Seq+1, entry.Seq+1, entry.Chain, append(e.Recoverers, n.epoch)
	n.stats.fenced()
	n.opts.Logger.Info("fenced the epoch of a notary that did not close", "epoch", e.ID.String(), "seq", entry.Seq, "groups_behind", len(e.Orphans))
	return nil
}

// sealAll seals what epochs left open, many parts at a time: their manifests share
// commits.
func (n *Notary) sealAll(ctx context.Context, found *archive.Archive, epochs []*archive.Epoch) error {
	var g errgroup.Group
	g.SetLimit(maxSealing)
	for _, e := range epochs {
		for _, p := range found.Unsealed(e.ID) {
			g.Go(func() error { return n.sealFor(ctx, e, p) })
		}
	}
	return g.Wait()
}

// sealFor issues the manifest of a part that another epoch left open.
func (n *Notary) sealFor(ctx context.Context, e *archive.Epoch, p *archive.Part) error {
	set, err := hex.DecodeString(e.RuntimeData.Notary.PluginSet)
	if err != nil || len(set) != 32 {
		return fmt.Errorf("epoch %v: plugin set in its runtime data is malformed", e.ID)
	}
	m := &receipt.Manifest{
		V: "1",
		Origin: receipt.Origin{
			Epoch: e.ID, RuntimeData: sha256.Sum256(e.Body.RuntimeData),
			PluginSet: receipt.Hash(set), Mode: e.RuntimeData.Notary.Mode,
		},
		Handle: p.ID.Handle, Part: p.ID.Part, Leaves: p.Leaves, Root: p.Root, DEKCommitment: p.DEKCommitment,
		FirstSeq: p.FirstSeq, LastSeq: p.LastSeq,
		HostClock: receipt.HostClock{OpenedUnixNano: e.Body.OpenedUnixNano, SealedUnixNano: max(n.opts.Now().UnixNano(), e.Body.OpenedUnixNano)},
		Reason:    receipt.ReasonRecovered,
	}
	commitment, err := n.issue(ctx, m)
	if err != nil {
		return fmt.Errorf("seal a part of epoch %v: %w", e.ID, err)
	}
	n.stats.sealed(receipt.ReasonRecovered)
	n.goProve(commitment, p.ID)
	return nil
}

// resumeEpoch proves an epoch's receipts, and its end only when they are all in
// the log: a receipt that the log has behind the end of the epoch that signed it
// is not valid, since whoever stole the key later could have made it.
func (n *Notary) resumeEpoch(found *archive.Archive, e *archive.Epoch) {
	var receipts errgroup.Group
	for _, p := range e.Manifests {
		if c := p.Commitment(); !hasProof(found, c) {
			receipts.Go(func() error { return n.settle(c, p.ID) })
		}
	}
	if receipts.Wait() != nil || e.Ended == 0 || e.Err != nil || e.Disbelief != nil {
		return
	}
	if c := format.CloseCommitment(e.ID, e.EndSeq, e.EndChain); !hasProof(found, c) {
		_ = n.settle(c, receipt.PartID{}) // said in the log
	}
}

func hasProof(found *archive.Archive, c receipt.Hash) bool {
	_, ok := found.Proof(c)
	return ok
}

func (n *Notary) goProve(commitment receipt.Hash, part receipt.PartID) {
	n.tasks.Go(func() { _ = n.settle(commitment, part) }) // said in the log
}

// settle has a commitment proved, and counts it. It fails only when the notary
// ends first.
func (n *Notary) settle(commitment receipt.Hash, part receipt.PartID) error {
	defer n.stats.proving()()
	if _, err := n.prove(n.background, commitment, part); err != nil {
		if n.background.Err() == nil {
			n.opts.Logger.Error("a commitment has no log proof; the next start resumes it", "error", err)
		}
		return err
	}
	n.stats.proved()
	return nil
}
