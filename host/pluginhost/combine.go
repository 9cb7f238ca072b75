package pluginhost

import (
	"cmp"
	"context"
	"iter"
	"slices"
)

// combine makes one list of the edits that all redactors found in all batches. They come
// ordered by redactor, so that a stable sort keeps the set's order among equals. complete
// makes edits longer that have only part of a value. What repeats another field has no
// edits, and those of the other count for it, too.
func (s *Set) combine(ctx context.Context, fields []Field, like *alike, reports iter.Seq[Edit], complete func([]Edit) []Edit) ([]Edit, error) {
	list := editList{like: like, most: maxEdits}
	for e := range reports {
		list.add(e)
	}
	edits := complete(union(list.edits))
	values := func(yield func(Edit) bool) {
		for e := range reports {
			if !yield(e) {
				return
			}
		}
		for i := 0; i < len(edits) && list.gap == 0; i++ { // completed ones, and overlapping ones, which are longer together
			if !yield(edits[i]) {
				return
			}
		}
	}
	more, err := s.residual(ctx, fields, like, edits, values)
	if err != nil {
		return nil, err
	}
	all := edits
	if len(more) > 0 {
		all = union(append(edits, more...))
	}
	s.countEdits(like, all, more)
	return all, nil
}

const (
	// maxEdits is how many edits of a request stay as they were reported, of all redactors
	// together: an edit takes half a KiB until it is stored, and a request of 16 MiB can
	// have millions. Of more, neighbours become one.
	maxEdits = 1 << 16
	// leastGap is how much of a text may lie between such neighbours, at first.
	leastGap = 32
	maxGap   = 1 << 20 // the longest text that redactors are given
)

// An editList has at most so many edits, and one for each field. Beyond, edits of a field
// become one with what lies between them, if that is no longer than a gap that grows:
// rather than refuse a request, which would be lost, more of it is masked. What an edit
// covers stays covered, and what comes of the same edits in the same order is the same.
type editList struct {
	like    *alike // fields for which edits count together
	most    int
	edits   []Edit
	count   int // of them
	gap     int // 0 as long as everything has room
	longest int // of those that became the last
}

func (l *editList) add(e Edit) {
	l.put(e)
	for l.count > l.most && l.gap < maxGap {
		l.gap = max(leastGap, 4*l.gap)
		edits := l.edits
		l.edits, l.count = edits[:0], 0
		for _, e := range edits {
			l.put(e)
		}
	}
}

func (l *editList) put(e Edit) {
	if l.gap == 0 || !l.extends(e) {
		l.edits, l.longest, l.count = append(l.edits, e), e.End-e.Start, l.count+l.like.count(e.Field)
	}
}

// extends makes e a part of the last edit, if it stands near enough behind it.
func (l *editList) extends(e Edit) bool {
	n := len(l.edits) - 1
	if n < 0 {
		return false
	}
	last := &l.edits[n]
	if last.Field != e.Field || last.Plugin != e.Plugin || e.Start < last.Start || e.Start > last.End+l.gap {
		return false
	}
	last.End = max(last.End, e.End)
	l.longest = last.outweigh(&e, l.longest)
	return true
}

// outweigh gives an edit what another one that becomes a part of it has more: the greater
// action, and the name, if it is longer than the longest. It returns the longest then.
func (e *Edit) outweigh(part *Edit, longest int) int {
	e.Action = max(e.Action, part.Action)
	if size := part.End - part.Start; size > longest {
		e.Label, e.Plugin, e.Score = part.Label, part.Plugin, part.Score
		return size
	}
	return longest
}

// union sorts edits by field and start and merges those that overlap. The
// merged edit covers all of them: dropping the shorter would leave its
// remainder in clear. Its label is that of the longest; its action the greatest,
// so that no label's rule is weaker for what another redactor finds.
func union(edits []Edit) []Edit {
	slices.SortStableFunc(edits, func(a, b Edit) int {
		return cmp.Or(cmp.Compare(a.Field, b.Field), cmp.Compare(a.Start, b.Start))
	})
	out := edits[:0]
	longest := 0 // length of the longest edit in the last of out
	for _, e := range edits {
		n := len(out) - 1
		if n < 0 || out[n].Field != e.Field || out[n].End <= e.Start {
			out, longest = append(out, e), e.End-e.Start
			continue
		}
		last := &out[n]
		last.End = max(last.End, e.End)
		longest = last.outweigh(&e, longest)
	}
	return out
}

func (s *Set) countEdits(like *alike, all, residual []Edit) {
	if len(all) == 0 {
		return
	}
	type key struct{ plugin, label string }
	edits, more := make(map[key]uint64), make(map[key]uint64)
	for _, e := range all {
		edits[key{e.Plugin, e.Label}] += uint64(like.count(e.Field))
	}
	for _, e := range residual {
		more[key{e.Plugin, e.Label}] += uint64(like.count(e.Field))
	}
	for _, p := range s.redactors {
		p.count(func(c *Counters) {
			for k, n := range edits {
				if k.plugin == p.name {
					add(&c.Edits, k.label, n)
				}
			}
			for k, n := range more {
				if k.plugin == p.name {
					add(&c.Residual, k.label, n)
				}
			}
		})
	}
}
