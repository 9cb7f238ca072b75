package pluginhost

import (
	"cmp"
	"slices"
)

// maxEdits bounds the edits of a request, of all redactors together.
const maxEdits = 1 << 20

// combine makes one list of the edits that all redactors found in all batches.
// found is ordered by redactor, so that a stable sort keeps the set's order
// among equals.
func (s *Set) combine(fields []Field, found [][]Edit) ([]Edit, error) {
	total := 0
	for i := range found {
		if total += len(found[i]); total > maxEdits {
			return nil, s.byName(found[i][0].Plugin).fail(ReasonLimit)
		}
	}
	edits := union(slices.Concat(found...))
	more, p, err := s.residual(fields, edits)
	if err != nil {
		return nil, s.byName(p).fail(ReasonLimit)
	}
	all := edits
	if len(more) > 0 {
		all = union(append(edits, more...))
	}
	s.countEdits(all, more)
	return all, nil
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
		last.End, last.Action = max(last.End, e.End), max(last.Action, e.Action)
		if size := e.End - e.Start; size > longest {
			longest = size
			last.Label, last.Plugin, last.Score = e.Label, e.Plugin, e.Score
		}
	}
	return out
}

func (s *Set) byName(name string) *plugin {
	for _, p := range s.plugins {
		if p.name == name {
			return p
		}
	}
	return s.plugins[0] // not reached: edits carry names of the set's plugins
}

func (s *Set) countEdits(all, residual []Edit) {
	if len(all) == 0 {
		return
	}
	type key struct{ plugin, label string }
	edits, more := make(map[key]uint64), make(map[key]uint64)
	for _, e := range all {
		edits[key{e.Plugin, e.Label}]++
	}
	for _, e := range residual {
		more[key{e.Plugin, e.Label}]++
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
