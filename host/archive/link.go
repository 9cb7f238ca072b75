package archive

import (
	"cmp"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"

	format "github.com/veriproof/notary/sdk/journal"
	"github.com/veriproof/notary/sdk/receipt"
)

func (e *Epoch) finish(x *ending) {
	e.Ended, e.EndSeq, e.EndChain = x.entry.Kind, x.entry.Seq, x.entry.Chain
	if x.entry.Signature != nil {
		e.End = x.shown
	}
}

// ErrFence says that a fence is by somebody who had no right to.
var ErrFence = errors.New("fence is not by a notary that is believed")

// link checks what spans epochs: fences and proofs, and then receipts, of which
// those that matter most come first.
func (s *scanner) link() {
	for _, e := range s.a.Epochs {
		s.fence(e)
	}
	for _, p := range s.proofs {
		if s.a.byID[p.Epoch].Disbelief != nil {
			continue
		}
		if known, ok := s.a.proofs[p.Commitment]; !ok || p.Index < known.Index {
			s.a.proofs[p.Commitment] = p
		}
	}
	slices.SortStableFunc(s.receipts, func(a, b pendingReceipt) int { return cmp.Compare(s.rank(&a), s.rank(&b)) })
	for i := range s.receipts {
		r := &s.receipts[i]
		if r.by.Disbelief != nil {
			continue
		}
		if err := s.receipt(r); err != nil && r.by.Err == nil {
			r.by.Err = fmt.Errorf("entry %d: %w", r.seq, err)
		}
	}
	s.erase()
	s.hold()
	for _, e := range s.a.Epochs {
		slices.SortFunc(e.Manifests, func(p, q *Part) int { return cmp.Compare(p.SealedSeq, q.SealedSeq) })
	}
}

// erase links the orders of believed epochs to their parts, and to the orders what became
// of them. One that names another key than the part's segments orders nothing.
func (s *scanner) erase() {
	latest := make(map[format.EntryRef]*Outcome)
	for _, o := range s.outcomes {
		if s.a.byID[o.Epoch].Disbelief != nil {
			continue
		}
		for _, ref := range o.Orders {
			if before := latest[ref]; before == nil || before.AtUnixNano <= o.AtUnixNano {
				latest[ref] = o
			}
		}
	}
	for i := range s.erasures {
		x := &s.erasures[i]
		p := s.a.parts[x.part]
		if p != nil && p.Erasure == nil && s.a.byID[x.Erasure.Epoch].Disbelief == nil && x.WrappedDEK == p.WrappedDEK {
			p.Erasure = &x.Erasure
			p.Erasure.Outcome = latest[format.EntryRef{Epoch: x.Erasure.Epoch, Seq: x.Seq}]
		}
	}
}

// fence finds the fences of an epoch that count, of which the first ends it. One
// behind a close adds nothing: the epoch had ended by itself.
func (s *scanner) fence(e *Epoch) {
	for i := range e.fences {
		f := &e.fences[i]
		if err := s.author(e, f); err != nil {
			e.Strange = append(e.Strange, err)
			continue
		}
		if e.Ended == 0 {
			e.Fence = &f.fence
			e.finish(f)
		}
		if e.Ended == format.KindFence {
			e.Recoverers = append(e.Recoverers, f.fence.By)
		}
	}
}

// FencedBy returns the authors of all fences of the epoch, those that do not count
// among them.
func (e *Epoch) FencedBy() []receipt.Epoch {
	var by []receipt.Epoch
	for i := range e.fences {
		by = append(by, e.fences[i].fence.By)
	}
	return by
}

func (s *scanner) author(e *Epoch, f *ending) error {
	author := s.a.byID[f.fence.By]
	switch {
	case author == nil || author.Key == nil:
		return fmt.Errorf("%w: its author %v is not in storage", ErrFence, f.fence.By)
	case author.Disbelief != nil:
		return fmt.Errorf("%w: author %v: %w", ErrFence, f.fence.By, author.Disbelief)
	case sha256.Sum256(author.Body.RuntimeData) != f.fence.RuntimeData:
		return fmt.Errorf("%w: author %v has other runtime data than it names", ErrFence, f.fence.By)
	}
	p := format.Position{Epoch: e.ID, Seq: f.entry.Seq, Chain: f.entry.Chain, Signature: f.entry.Signature}
	if err := p.Verify(author.Key); err != nil {
		return fmt.Errorf("%w: %w", ErrFence, err)
	}
	return nil
}

// rank orders the receipts about one part: that of the epoch which received the
// records comes before that of one which fenced it, and both before any
// other. A second receipt is held against its own author.
func (s *scanner) rank(r *pendingReceipt) int {
	_, m, err := receipt.Read(r.jws)
	if err != nil {
		return 3
	}
	origin := s.a.byID[m.Origin.Epoch]
	switch {
	case m.Origin.Epoch == r.by.ID:
		return 0
	case origin != nil && slices.Contains(origin.Recoverers, r.by.ID):
		return 1
	}
	return 2
}

func (s *scanner) receipt(r *pendingReceipt) error {
	raw, m, err := receipt.Verify(r.jws, r.by.Key)
	if err != nil {
		return err
	}
	p := s.a.parts[receipt.PartID{Epoch: m.Origin.Epoch, Handle: m.Handle, Part: m.Part}]
	// Damage to what an epoch recovered is no fault of that epoch's.
	if origin := s.a.byID[m.Origin.Epoch]; m.Origin.Epoch != r.by.ID && (origin == nil || origin.Err != nil) {
		return nil
	}
	switch {
	case m.SealedBy.Epoch != r.by.ID:
		return fmt.Errorf("%w: manifest of another epoch", receipt.ErrManifest)
	case p == nil:
		return fmt.Errorf("%w: manifest of a session part that storage does not hold", receipt.ErrManifest)
	case m.Leaves != p.Leaves || m.Root != p.Root || m.DEKCommitment != p.DEKCommitment || m.FirstSeq != p.FirstSeq || m.LastSeq != p.LastSeq:
		return fmt.Errorf("%w: manifest and stored segments differ", receipt.ErrManifest)
	case p.Manifest != nil:
		return fmt.Errorf("%w: second manifest of a session part", receipt.ErrManifest)
	}
	p.Receipt, p.Manifest, p.ManifestBytes, p.SealedSeq = r.jws, m, raw, r.seq
	r.by.Manifests = append(r.by.Manifests, p)
	return nil
}

// A Lost end is one of an epoch that a later epoch knew further than storage has
// it: storage was rolled back, or the end was taken away.
type Lost struct {
	Epoch receipt.Epoch
	Next  uint64 // the first entry that is not there
	Known uint64 // the last that is known to have been
	By    receipt.Epoch
}

// Lost holds every epoch in storage against what entry 0 of each epoch that is
// believed says about it. An epoch that is not there at all is not listed: whole
// epochs may have been moved elsewhere.
func (a *Archive) Lost() []Lost {
	worst := make(map[receipt.Epoch]Lost)
	for _, by := range a.Epochs {
		if by.Disbelief != nil || by.Next == 0 {
			continue
		}
		for _, h := range by.Body.Heads {
			e := a.byID[h.Epoch]
			if l, known := worst[h.Epoch]; e != nil && h.Seq >= e.Next && (!known || h.Seq > l.Known) {
				worst[h.Epoch] = Lost{h.Epoch, e.Next, h.Seq, by.ID}
			}
		}
	}
	var out []Lost
	for _, e := range a.Epochs {
		if l, ok := worst[e.ID]; ok {
			out = append(out, l)
		}
	}
	return out
}
