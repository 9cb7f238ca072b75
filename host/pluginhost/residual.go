package pluginhost

import "errors"

// Bounds of the residual scan, in bytes.
const (
	minResidual = 6       // shorter values would hit everywhere by chance
	maxResidual = 4 << 10 // longer values are whole documents and not searched for
	// maxPatterns bounds the sum of the lengths of different values in one
	// request, and by that the automaton's memory to some 20 MiB.
	maxPatterns = 1 << 20
)

var errTooMany = errors.New("too many values")

// residual returns the places where a value that was reported once stands
// again, outside or across the borders of the edits. A detector may know a
// value by its surroundings ("password: …") and miss it where they lack.
//
// On an error it returns the name of the plugin whose value was one too many.
func (s *Set) residual(fields []Field, edits []Edit) (out []Edit, plugin string, err error) {
	var a *automaton // of most requests, none
	total := 0
	for i, e := range edits {
		n := e.End - e.Start
		if n < minResidual || n > maxResidual {
			continue
		}
		if a == nil {
			a = newAutomaton()
		}
		if a.insert(fields[e.Field].Text[e.Start:e.End], int32(i)) {
			if total += n; total > maxPatterns {
				return nil, e.Plugin, errTooMany
			}
		}
	}
	if total == 0 {
		return nil, "", nil
	}
	a.link()
	at := 0 // the first edit that may cover a hit
	for f := range fields {
		if out, at = a.scan(fields[f].Text, f, edits, at, out); len(out) > maxEdits {
			return nil, out[0].Plugin, errTooMany
		}
	}
	return out, "", nil
}

// An automaton finds all occurrences of many values in one pass (Aho and
// Corasick 1975), so that the scan's time does not depend on what a sender
// makes the redactors report. Where no value has begun it need not look at each
// byte: from the last two of as many as the shortest value has, it knows how far
// the next one is at least (Wu and Manber 1994).
type automaton struct {
	nodes []node
	root  [256]int32 // children of the root

	values [][]byte     // that were inserted
	least  int          // the length of the shortest of them, but at most maxWindow
	skip   [skips]uint8 // by skipOf, in bytes
}

const (
	skips     = 1 << 12
	maxWindow = 64 // what is longer gains nothing: a skip saves a look at each byte but one
)

// skipOf is where the skip of two neighbouring bytes stands. Different ones may share it:
// the least counts.
func skipOf(b, c byte) uint { return (uint(b)<<5 ^ uint(c)) % skips }

type node struct {
	child, sibling int32 // 0 = none
	fail           int32
	out            int32 // longest value that ends here: node of it, 0 = none
	depth          int32
	edit           int32 // of the value that ends in this node, if terminal
	b              byte
	terminal       bool
}

func newAutomaton() *automaton { return &automaton{nodes: make([]node, 1, 64), least: maxWindow} }

// next returns the child of n under c, or 0.
func (a *automaton) next(n int32, c byte) int32 {
	if n == 0 {
		return a.root[c]
	}
	for k := a.nodes[n].child; k != 0; k = a.nodes[k].sibling {
		if a.nodes[k].b == c {
			return k
		}
	}
	return 0
}

// insert adds a value and reports whether it is new.
func (a *automaton) insert(value []byte, edit int32) bool {
	n := int32(0)
	for _, c := range value {
		k := a.next(n, c)
		if k == 0 {
			k = int32(len(a.nodes))
			a.nodes = append(a.nodes, node{b: c, depth: a.nodes[n].depth + 1})
			if n == 0 {
				a.root[c] = k
			} else {
				a.nodes[k].sibling, a.nodes[n].child = a.nodes[n].child, k
			}
		}
		n = k
	}
	if a.nodes[n].terminal {
		return false
	}
	a.nodes[n].terminal, a.nodes[n].edit = true, edit
	a.least, a.values = min(a.least, len(value)), append(a.values, value)
	return true
}

// link sets the failure links, breadth first, and the skips.
func (a *automaton) link() {
	for i := range a.skip {
		a.skip[i] = uint8(a.least - 1)
	}
	for _, v := range a.values {
		for i := 1; i < a.least; i++ {
			s := &a.skip[skipOf(v[i-1], v[i])]
			*s = min(*s, uint8(a.least-1-i))
		}
	}
	queue := make([]int32, 0, len(a.nodes))
	for _, k := range a.root {
		if k != 0 {
			queue = append(queue, k)
		}
	}
	for i := 0; i < len(queue); i++ {
		n := queue[i]
		a.nodes[n].out = a.nodes[a.nodes[n].fail].out
		if a.nodes[n].terminal {
			a.nodes[n].out = n
		}
		for k := a.nodes[n].child; k != 0; k = a.nodes[k].sibling {
			a.nodes[k].fail = a.step(a.nodes[n].fail, a.nodes[k].b)
			queue = append(queue, k)
		}
	}
}

// step follows c from node n, over failure links where needed.
func (a *automaton) step(n int32, c byte) int32 {
	for {
		if k := a.next(n, c); k != 0 || n == 0 {
			return k
		}
		n = a.nodes[n].fail
	}
}

// leap returns the next place, from one where no value has begun, at which one may begin,
// or the text's length.
func (a *automaton) leap(text []byte, i int) int {
	for last := i + a.least - 1; last < len(text); {
		if by := int(a.skip[skipOf(text[last-1], text[last])]); by > 0 {
			last += by
			continue
		}
		if i = last - a.least + 1; a.root[text[i]] != 0 {
			return i
		}
		last++
	}
	return len(text)
}

// scan appends the hits in one field that no edit covers whole, the longest
// at each end. at is the first edit of this field or of a later one.
func (a *automaton) scan(text []byte, field int, edits []Edit, at int, out []Edit) ([]Edit, int) {
	n := int32(0)
	for i := 0; i < len(text); i++ {
		if n == 0 {
			if i = a.leap(text, i); i == len(text) {
				break
			}
		}
		n = a.step(n, text[i])
		hit := a.nodes[n].out
		if hit == 0 {
			continue
		}
		end := i + 1
		start := end - int(a.nodes[hit].depth)
		for at < len(edits) && edits[at].Field == field && edits[at].End < end {
			at++
		}
		if at < len(edits) && edits[at].Field == field && edits[at].Start <= start {
			continue
		}
		if last := len(out) - 1; last >= 0 && out[last].Field == field && start < out[last].End {
			// One edit for a run of hits, or "aaaa…" would give one a byte.
			out[last].Start, out[last].End = min(out[last].Start, start), end
			continue
		}
		e := edits[a.nodes[hit].edit]
		e.Field, e.Start, e.End = field, start, end
		out = append(out, e)
	}
	for at < len(edits) && edits[at].Field <= field {
		at++
	}
	return out, at
}
