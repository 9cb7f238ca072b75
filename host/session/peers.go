package session

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"sync/atomic"
	"time"

	"github.com/veriproof/notary/host/archive"
	"github.com/veriproof/notary/host/journal"
	format "github.com/veriproof/notary/sdk/journal"
	"github.com/veriproof/notary/sdk/receipt"
)

// peers is what a notary knows of the other epochs in a storage that it shares. It
// belongs to the one look that is under way.
//
// Whether an epoch is dead is decided by what storage shows and by the looker's own
// clock; that it is wrongly held for dead costs it its life, and nobody a record.
type peers struct {
	looking  atomic.Bool
	ctx      context.Context // ends when Close begins: others finish what is not done
	stop     context.CancelFunc
	lookTime time.Time // of the last look that was begun; owned by Tick
	looked   time.Time // when storage last answered; zero if it did not
	epochs   map[receipt.Epoch]*peer
}

// A peer is another epoch.
type peer struct {
	chunk uint64    // where its head was seen
	since time.Time // when it was first seen there
	known uint64    // the last entry that was there when this notary began
	// judged means that nothing is to be done unless the head moves, or the heir ends.
	judged bool
	ended  bool // it writes no more
	heir   receipt.Epoch
	// settled means that nothing is left to do, ever.
	settled bool
}

// begin takes note of what a start found, and returns which epochs are judged at once:
// those that have ended, unless somebody who may live is to finish them, and those
// that are not believed, dead or not.
func (p *peers) begin(found *archive.Archive) (judged func(*archive.Epoch) bool) {
	p.epochs = make(map[receipt.Epoch]*peer)
	for _, e := range found.Epochs {
		p.epoch(e.ID).ended = e.Ended != 0
		if e.Disbelief != nil {
			continue
		}
		for _, h := range e.Body.Heads {
			other := p.epoch(h.Epoch)
			other.known = max(other.known, h.Seq)
		}
	}
	return func(e *archive.Epoch) bool {
		return e.Ended != 0 && !inherited(found, e) || e.Disbelief != nil
	}
}

// conclude takes note of what became of the epochs that were judged.
func (p *peers) conclude(found *archive.Archive, lost []archive.Lost, judged func(*archive.Epoch) bool, by receipt.Epoch, now time.Time) {
	for _, e := range found.Epochs {
		if !judged(e) {
			continue
		}
		at := p.epoch(e.ID)
		at.ended, at.judged, at.heir = e.Ended != 0, true, receipt.Epoch{}
		switch {
		case e.Err != nil, e.Disbelief != nil, slices.ContainsFunc(lost, func(l archive.Lost) bool { return l.Epoch == e.ID }):
			// It is left as it is.
		case heir(e) == by:
			at.settled = true
		case e.Ended == 0, orphaned(found, e):
			at.judged, at.since = false, now // the fence did not get there
		case inherited(found, e):
			at.heir = heir(e)
		default:
			at.settled = true
		}
	}
}

func (p *peers) epoch(id receipt.Epoch) *peer {
	if p.epochs[id] == nil {
		p.epochs[id] = new(peer)
	}
	return p.epochs[id]
}

// goLook looks after the others in the background, one look at a time.
func (n *Notary) goLook(now time.Time) {
	p := &n.peers
	if now.Sub(p.lookTime) < n.opts.Silence/3 || !p.looking.CompareAndSwap(false, true) {
		return
	}
	p.lookTime = now
	n.tasks.Go(func() {
		defer p.looking.Store(false)
		if err := n.look(p.ctx); err != nil && p.ctx.Err() == nil {
			n.opts.Logger.Warn("looking after the other notaries failed; it will be tried again", "error", err)
		}
	})
}

// look finds out which epochs have been silent for too long, and recovers them.
func (n *Notary) look(ctx context.Context) error {
	p := &n.peers
	asked := n.opts.Now()
	heads, err := n.opts.Store.Epochs(ctx)
	answered := n.opts.Now()
	if err != nil {
		p.looked = time.Time{}
		return fmt.Errorf("list epochs in storage: %w", err)
	}
	// Who could not look, because storage did not answer or he was paused himself,
	// cannot say that others were silent in the meantime: it begins anew.
	blind := p.looked.IsZero() || asked.Sub(p.looked) > n.opts.Silence*2/3
	p.looked = answered
	silent, live := make(map[receipt.Epoch]bool), 0
	for _, h := range heads {
		e := p.epoch(h.Epoch)
		if h.Epoch == n.epoch || e.settled {
			continue
		}
		if e.since.IsZero() || h.LastChunk != e.chunk {
			*e = peer{chunk: h.LastChunk, since: answered, known: e.known, ended: e.ended}
		} else if blind {
			e.since = answered
		}
		switch due := !e.judged || e.heir != (receipt.Epoch{}) && p.epoch(e.heir).ended; {
		case due && asked.Sub(e.since) >= n.opts.Silence:
			silent[h.Epoch] = true
		case !e.ended && !e.judged:
			live++
		}
	}
	n.stats.peers(live)
	if len(silent) == 0 {
		return nil
	}
	return n.bury(ctx, heads, silent)
}

// bury recovers epochs that have been silent, or finds that others did.
func (n *Notary) bury(ctx context.Context, heads []journal.EpochHead, silent map[receipt.Epoch]bool) error {
	p := &n.peers
	found, err := n.examine(ctx, heads, silent)
	if err != nil {
		return err
	}
	var lost []archive.Lost
	for _, e := range found.Epochs {
		if known := p.epoch(e.ID).known; silent[e.ID] && e.Err == nil && e.Next <= known {
			lost = append(lost, archive.Lost{Epoch: e.ID, Next: e.Next, Known: known, By: n.epoch})
		}
	}
	judged := func(e *archive.Epoch) bool { return silent[e.ID] }
	// A part that is left now is left to who takes over, once this epoch has ended.
	err = n.recover(ctx, found, lost, judged)
	p.conclude(found, lost, judged, n.epoch, n.opts.Now())
	return err
}

// examine scans silent epochs, and of others as much as it takes to judge them: those
// whose parts a silent one has sealed, or ordered to erase; the first entries of who has
// fenced an epoch, to know whether he is believed, and all that he wrote if he has
// ended or is this notary, to know what he has sealed of a silent one.
func (n *Notary) examine(ctx context.Context, heads []journal.EpochHead, silent map[receipt.Epoch]bool) (*archive.Archive, error) {
	last := make(map[receipt.Epoch]uint64, len(heads))
	for _, h := range heads {
		last[h.Epoch] = h.LastChunk
	}
	read := make(map[receipt.Epoch]uint64) // up to which chunk
	for e := range silent {
		read[e] = last[e]
	}
	for {
		var list []journal.EpochHead
		for e, chunk := range read {
			list = append(list, journal.EpochHead{Epoch: e, LastChunk: chunk})
		}
		slices.SortFunc(list, func(a, b journal.EpochHead) int { return bytes.Compare(a.Epoch[:], b.Epoch[:]) })
		more := false
		want := func(e receipt.Epoch, all bool) {
			end, there := last[e]
			if !all {
				end = 0
			}
			if have, ok := read[e]; there && (!ok || have < end) {
				read[e], more = end, true
			}
		}
		found, err := archive.Scan(ctx, n.opts.Store, archive.Options{
			Heads: list, Believe: n.opts.Appraise,
			Visit: func(by *archive.Epoch, entry *format.Entry) {
				if of, ok := concerns(entry); ok && silent[by.ID] {
					want(of, true)
				}
			},
		})
		if err != nil {
			return nil, err
		}
		for _, e := range found.Epochs {
			authors := e.FencedBy()
			for i, by := range authors {
				ended := i < len(authors)-1 || n.peers.epoch(by).ended // or nobody could have fenced it behind him
				want(by, silent[e.ID] && (by == n.epoch || ended))
			}
		}
		if !more {
			return found, nil
		}
	}
}

// concerns returns the epoch, perhaps another one, whose part an entry is about.
func concerns(e *format.Entry) (receipt.Epoch, bool) {
	switch e.Kind {
	case format.KindManifest:
		_, m, err := receipt.Read(string(e.Body))
		if err != nil {
			return receipt.Epoch{}, false
		}
		return m.Origin.Epoch, true
	case format.KindErasure:
		var b format.ErasureBody
		err := format.ParseBody(e.Body, &b)
		return b.Epoch, err == nil
	case format.KindRetention:
		b, err := format.ParseRetention(e.Body)
		if err != nil || b.Action != format.RetentionErase {
			return receipt.Epoch{}, false
		}
		return b.Epoch, true
	}
	return receipt.Epoch{}, false
}
