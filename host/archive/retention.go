package archive

import (
	"cmp"
	"slices"

	format "github.com/veriproof/notary/sdk/journal"
	"github.com/veriproof/notary/sdk/receipt"
)

// Kept is what a hold is on: the parts that a session has in an epoch.
type Kept struct {
	Epoch  receipt.Epoch
	Handle receipt.Handle
}

// A Hold says that the keys of a session are not to be destroyed.
type Hold struct {
	Kept
	Entry      format.EntryRef // where it stands, and what a release names
	AtUnixNano int64           // the host's clock
}

// A Release ends the hold that stands at an entry, if that is on the same session.
type Release struct {
	Kept
	Hold format.EntryRef
}

// A pendingRelease counts if the epoch that wrote it is believed.
type pendingRelease struct {
	Release
	by receipt.Epoch
}

// retention takes note of a retention entry.
func (s *scanner) retention(e *Epoch, entry *format.Entry) error {
	b, err := format.ParseRetention(entry.Body)
	if err != nil {
		return err
	}
	kept := Kept{b.Epoch, entry.Handle}
	switch b.Action {
	case format.RetentionErase:
		s.erasures = append(s.erasures, pendingErasure{
			part: receipt.PartID{Epoch: b.Epoch, Handle: entry.Handle, Part: entry.Part},
			Erasure: Erasure{
				ErasureBody: format.ErasureBody{Epoch: b.Epoch, WrappedDEK: b.WrappedDEK, Commitment: b.Commitment, OrderedUnixNano: b.AtUnixNano},
				Epoch:       e.ID, Seq: entry.Seq, ByAge: true,
			},
		})
	case format.RetentionHold:
		s.holds = append(s.holds, Hold{kept, format.EntryRef{Epoch: e.ID, Seq: entry.Seq}, b.AtUnixNano})
	case format.RetentionRelease:
		s.releases = append(s.releases, pendingRelease{Release{kept, *b.Hold}, e.ID})
	}
	return nil
}

// hold finds the holds that no believed epoch has released. A hold itself counts
// whoever wrote it, since it destroys nothing: otherwise a notary that no longer
// believes the one before it would erase what that one was told to keep.
func (s *scanner) hold() {
	released := make(map[Release]bool)
	for _, r := range s.releases {
		if s.a.byID[r.by].Disbelief == nil {
			released[r.Release] = true
			s.a.released = append(s.a.released, r.Release)
		}
	}
	s.a.holds = make(map[Kept][]Hold)
	for _, h := range s.holds {
		if !released[Release{h.Kept, h.Entry}] {
			s.a.holds[h.Kept] = append(s.a.holds[h.Kept], h)
		}
	}
}

// Holds returns the holds on the session of a part. It has none if nobody asked for
// one, or all were released.
func (a *Archive) Holds(p *Part) []Hold { return a.holds[Kept{p.ID.Epoch, p.ID.Handle}] }

// Releases returns those of believed epochs, also of holds in epochs that were not read.
func (a *Archive) Releases() []Release { return a.released }

// AllHolds returns the holds on any session, in the order of where they stand.
func (a *Archive) AllHolds() []Hold {
	var all []Hold
	for _, list := range a.holds {
		all = append(all, list...)
	}
	slices.SortFunc(all, func(x, y Hold) int {
		return cmp.Or(slices.Compare(x.Entry.Epoch[:], y.Entry.Epoch[:]), cmp.Compare(x.Entry.Seq, y.Entry.Seq))
	})
	return all
}
