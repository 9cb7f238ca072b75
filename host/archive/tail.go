package archive

import (
	"context"
	"fmt"
	"slices"

	"github.com/veriproof/notary/host/journal"
	format "github.com/veriproof/notary/sdk/journal"
)

// maxTail bounds the chunks behind an epoch's end.
const maxTail = 64

// tail judges what is behind the first gap of an epoch, or behind its fence. Where
// groups are written several at a time that can be groups that were under way when
// their notary died, and further fences; everything else is damage.
//
// A fence behind a fence stands at the first place that is free. Places are taken for
// good, so whoever aims at one by an older look than another's finds it taken, or is
// the only one.
func (s *scanner) tail(ctx context.Context, e *Epoch, r *format.Reader, lastChunk uint64) error {
	next, _ := r.Head()
	fenced := r.Ended() == format.KindFence
	chunks, err := s.behind(ctx, e, next, lastChunk)
	switch {
	case err != nil || e.Err != nil:
		return err
	case len(chunks) == 0 || !fenced && chunks[0].FirstSeq == next:
		e.Err = fmt.Errorf("%w: no entry %d in storage", format.ErrChain, next)
		return nil
	}
	free, end := next, next
	under := 1 // the group that is not there, or in whose place the fence is
	for _, c := range chunks {
		if fenced && c.FirstSeq == free && isFence(c) {
			if _, e.Err = s.chunk(e, r, nil, c); e.Err != nil {
				return nil
			}
			free, _ = r.Head()
			continue
		}
		last, ok := e.orphan(c)
		if under++; c.FirstSeq > end && len(e.Orphans) > 0 {
			under++ // one before it is not there, either
		}
		if !ok || under > journal.InFlight(s.a.store) {
			e.Orphans = nil
			e.Err = fmt.Errorf("%w: no entry %d in storage, or behind it what does not follow", format.ErrChain, next)
			return nil
		}
		e.Orphans = append(e.Orphans, Range{c.FirstSeq, last})
		end = last + 1
		if fenced && c.FirstSeq == free {
			free = end
		}
	}
	e.Free = free
	return nil
}

// behind returns the chunks from a seq on, in order.
func (s *scanner) behind(ctx context.Context, e *Epoch, from, lastChunk uint64) ([]journal.Chunk, error) {
	var chunks []journal.Chunk
	for at := lastChunk; at >= from; {
		c, err := s.get(ctx, e, at)
		if err != nil {
			return nil, err
		}
		if c.Entries == nil || c.FirstSeq < from {
			break
		}
		if chunks = append(chunks, c); len(chunks) > maxTail {
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
	entry, _, err := format.Decode(c.Entries)
	return err == nil && entry.Kind == format.KindFence
}

// orphan says whether a chunk is a group that the epoch's notary signed, and where it
// ends. What it was to follow is not there.
func (e *Epoch) orphan(c journal.Chunk) (last uint64, ok bool) {
	var before *format.Entry
	for rest := []byte(c.Entries); len(rest) > 0; {
		entry, after, err := format.Decode(rest)
		switch {
		case err != nil, entry.Epoch != e.ID, entry.Kind == format.KindFence, entry.Kind == format.KindEpoch:
			return 0, false
		case before == nil && entry.Seq != c.FirstSeq:
			return 0, false
		case before != nil && (entry.Seq != before.Seq+1 || entry.Header.Chain(before.Chain) != entry.Chain):
			return 0, false
		}
		before, rest = entry, after
	}
	if before == nil || before.Signature == nil || e.Key == nil {
		return 0, false
	}
	p := format.Position{Epoch: e.ID, Seq: before.Seq, Chain: before.Chain, Signature: before.Signature}
	return before.Seq, p.Verify(e.Key) == nil
}
