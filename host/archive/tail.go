package archive

import (
	"context"
	"fmt"
	"slices"

	"github.com/veriproof/notary/host/journal"
	format "github.com/veriproof/notary/sdk/journal"
)

// Bounds of what is read behind an epoch's end. Every notary that dies while it recovers
// leaves a fence there, and one that is started again and again may leave many.
const (
	maxTail      = 64      // chunks that are no fences
	maxFences    = 1 << 16 // fences
	maxFenceSize = 4 << 10 // bytes; a fence has a few hundred
)

// tail judges what is behind the first gap of an epoch, or behind its fence. Where
// groups are written several at a time that can be groups that were under way when
// their notary died, and further fences; everything else is damage.
//
// A fence behind a fence stands at the first place that is free. Places are taken for
// good, so whoever aims at one by an older look than another's finds it taken, or is
// the only one.
//
// If the group that was not there has got there by now, it is returned, to be read like
// any other: a database may go on with what a notary sent before it died.
func (s *scanner) tail(ctx context.Context, e *Epoch, r *format.Reader, lastChunk uint64) (journal.Chunk, error) {
	next, _ := r.Head()
	fenced := r.Ended() == format.KindFence
	chunks, err := s.behind(ctx, e, next, lastChunk)
	switch {
	case err != nil || e.Err != nil:
		return journal.Chunk{}, err
	case len(chunks) == 0:
		e.Err = fmt.Errorf("%w: no entry %d in storage", format.ErrChain, next)
		return journal.Chunk{}, nil
	case !fenced && chunks[0].FirstSeq == next:
		return chunks[0], nil
	}
	s.judgeTail(e, r, chunks)
	return journal.Chunk{}, nil
}

// judgeTail takes over what stands behind an epoch's end: further fences, and the groups
// that were under way. How many that were is not asked of the store that is read: it was
// the writer's adapter that knew, and a peer may have another. Who takes away one of the
// last groups gains nothing by the most that it can be: he could cut off the end.
func (s *scanner) judgeTail(e *Epoch, r *format.Reader, chunks []journal.Chunk) {
	next, _ := r.Head()
	fenced := r.Ended() == format.KindFence
	free, end := next, next
	under := 1 // the group that is not there, or in whose place the fence is
	for _, c := range chunks {
		if fenced && c.FirstSeq == free && isFence(c) {
			entries, err := entriesOf(c)
			if _, e.Err = s.entries(e, r, nil, entries); e.Err == nil {
				e.Err = err
			}
			if e.Err != nil {
				return
			}
			free, _ = r.Head()
			continue
		}
		last, ok := e.orphan(c)
		if under++; c.FirstSeq > end && len(e.Orphans) > 0 {
			under++ // one before it is not there, either
		}
		if !ok || under > journal.MaxInFlight {
			e.Orphans = nil
			e.Err = fmt.Errorf("%w: no entry %d in storage, or behind it what does not follow", format.ErrChain, next)
			return
		}
		e.Orphans = append(e.Orphans, Range{c.FirstSeq, last})
		end = last + 1
		if fenced && c.FirstSeq == free {
			free = end
		}
	}
	e.Free = free
}

// behind returns the chunks from a seq on, in order.
func (s *scanner) behind(ctx context.Context, e *Epoch, from, lastChunk uint64) ([]journal.Chunk, error) {
	var chunks []journal.Chunk
	others, fences := 0, 0
	for at := lastChunk; at >= from; {
		c, err := s.get(ctx, e, at)
		if err != nil {
			return nil, err
		}
		if c.Entries == nil || c.FirstSeq < from {
			break
		}
		if isFence(c) {
			fences++
		} else {
			others++
		}
		if chunks = append(chunks, c); others > maxTail || fences > maxFences {
			e.Err = fmt.Errorf("%w: no entry %d in storage", format.ErrChain, from)
			break
		}
		if c.FirstSeq == 0 {
			break
		}
		at = c.FirstSeq - 1
	}
	slices.Reverse(chunks)
	return chunks, nil
}

func isFence(c journal.Chunk) bool {
	if len(c.Entries) > maxFenceSize {
		return false
	}
	entry, _, err := format.Decode(c.Entries)
	return err == nil && entry.Kind == format.KindFence
}

// orphan says whether a chunk is a group that the epoch's notary signed, and where it
// ends. What it was to follow is not there.
func (e *Epoch) orphan(c journal.Chunk) (last uint64, ok bool) {
	list, err := e.signed(c)
	if err != nil || slices.ContainsFunc(list, func(x *format.Entry) bool { return x.Kind == format.KindFence || x.Kind == format.KindEpoch }) {
		return 0, false
	}
	return list[len(list)-1].Seq, true
}
