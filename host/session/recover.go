package session

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"

	"golang.org/x/sync/errgroup"

	"github.com/veriproof/notary/host/archive"
	"github.com/veriproof/notary/host/journal"
	format "github.com/veriproof/notary/sdk/journal"
	"github.com/veriproof/notary/sdk/receipt"
)

// ErrAlive says that an epoch that was taken for dead has written. Two notaries
// cannot share storage that is meant for one.
var ErrAlive = errors.New("another notary is writing to this storage")

// recover ends every epoch that has not ended, seals the parts that were left
// open, and has the log prove what has no proof yet. Secrets of the old epochs
// are not needed, and gone.
func (n *Notary) recover(ctx context.Context, found *archive.Archive) error {
	lost := make(map[receipt.Epoch]bool)
	for _, l := range found.Lost() {
		lost[l.Epoch] = true
		n.stats.damaged()
		n.opts.Logger.Error("storage has been rolled back, or entries were taken from the end of an epoch; it is left as it is, and an audit tells what else is missing",
			"epoch", l.Epoch.String(), "first_missing", l.Next, "last_known", l.Known, "known_by", l.By.String())
	}
	mine := make(map[receipt.Epoch]bool) // epochs whose open parts this notary seals
	for _, e := range found.Epochs {
		switch {
		case slices.Contains(n.opts.Alive, e.ID):
			continue
		case e.Err != nil:
			// What is signed there still counts, and nothing more is written
			// to it: what does not hold together is for an auditor to judge.
			n.stats.damaged()
			n.opts.Logger.Error("an epoch in storage does not hold together; it is left as it is", "epoch", e.ID.String(), "error", e.Err)
			continue
		case e.Disbelief != nil:
			n.stats.damaged()
			n.opts.Logger.Error("an epoch in storage is not by a notary that this one believes; it is left as it is, and what it says of others does not count", "epoch", e.ID.String(), "error", e.Disbelief)
			continue
		case e.Ended != 0:
			continue
		case lost[e.ID]:
			// A fence would stand where an entry was that may yet be found again.
			continue
		}
		for _, strange := range e.Strange {
			n.opts.Logger.Error("somebody without a right to has fenced an epoch; it is fenced again", "epoch", e.ID.String(), "error", strange)
		}
		if err := n.fence(ctx, e); err != nil {
			return err
		}
		mine[e.ID] = true
	}
	// Whoever fences a recoverer inherits what that one had to recover.
	for again := true; again; {
		again = false
		for _, e := range found.Epochs {
			if !mine[e.ID] && e.Err == nil && e.Disbelief == nil && e.Fence != nil && mine[e.Fence.By] {
				mine[e.ID], again = true, true
			}
		}
	}
	for _, p := range found.Parts() {
		if p.Manifest != nil || !mine[p.ID.Epoch] {
			continue
		}
		if err := n.sealFor(ctx, found.Epoch(p.ID.Epoch), p); err != nil {
			return err
		}
	}
	n.resumeErasures(found)
	n.resume(found)
	return nil
}

// fence ends epoch e by an entry at its next seq. The unique key makes exactly
// one fence win, and makes the next write of a notary that only slept lose.
func (n *Notary) fence(ctx context.Context, e *archive.Epoch) error {
	body, err := format.EncodeBody(format.FenceBody{By: n.epoch, RuntimeData: n.opts.Origin.RuntimeData})
	if err != nil {
		return err
	}
	entry := &format.Entry{Header: format.Header{
		Epoch: e.ID, Seq: e.Next, Kind: format.KindFence, Body: sha256.Sum256(body),
	}, Body: body}
	entry.Chain = entry.Header.Chain(e.Chain)
	entry.Signature = format.SignPosition(n.opts.Key, e.ID, entry.Seq, entry.Chain)
	g := journal.Group{
		Epoch: e.ID, FirstSeq: e.Next, Entries: []journal.Sealed{entry.Append(nil)},
		Heads: []journal.EntryHead{{Kind: uint8(format.KindFence)}},
	}
	if err := journal.Write(ctx, n.opts.Store, g, n.opts.Journal); err != nil {
		if errors.Is(err, journal.ErrFenced) {
			return fmt.Errorf("%w: epoch %v went on at seq %d; stop it, or give each notary storage of its own", ErrAlive, e.ID, e.Next)
		}
		return fmt.Errorf("fence epoch %v: %w", e.ID, err)
	}
	e.Ended, e.EndSeq, e.EndChain = format.KindFence, entry.Seq, entry.Chain
	n.stats.fenced()
	n.opts.Logger.Info("fenced the epoch of a notary that did not close", "epoch", e.ID.String(), "seq", entry.Seq)
	return nil
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
	commitment, _, err := n.issue(ctx, m)
	if err != nil {
		return fmt.Errorf("seal a part of epoch %v: %w", e.ID, err)
	}
	n.stats.sealed(receipt.ReasonRecovered)
	n.goProve(commitment, p.ID)
	return nil
}

// resume proves what earlier epochs committed to without living to see the
// proof.
func (n *Notary) resume(found *archive.Archive) {
	for _, e := range found.Epochs {
		if !slices.Contains(n.opts.Alive, e.ID) {
			n.tasks.Go(func() { n.resumeEpoch(found, e) })
		}
	}
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
	if _, err := n.prove(n.background, commitment, part); err != nil {
		if n.background.Err() == nil {
			n.opts.Logger.Error("a commitment has no log proof; the next start resumes it", "error", err)
		}
		return err
	}
	n.stats.proved()
	return nil
}
