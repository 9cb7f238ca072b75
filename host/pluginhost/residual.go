package pluginhost

import (
	"bytes"
	"context"
	"iter"
)

// Bounds of the residual scan, in bytes.
const (
	minResidual = 6       // shorter values would hit everywhere by chance
	maxResidual = 4 << 10 // longer values are whole documents and not searched for
	// maxPatterns bounds the sum of the lengths of different values that are looked for at a
	// time, and by that the automaton's memory to some 60 MiB.
	maxPatterns = 1 << 20
)

// residual returns the places where a value that was reported once stands
// again, outside or across the borders of the edits. A detector may know a
// value by its surroundings ("password: …") and miss it where they lack.
//
// A value inside of another one that was reported is looked for, too. Of more values than
// there is room for, some are looked for after the others.
func (s *Set) residual(ctx context.Context, fields []Field, like *alike, edits []Edit, values iter.Seq[Edit]) ([]Edit, error) {
	out := editList{like: like, most: maxEdits}
	var a *automaton // of most requests, none
	total := 0
	look := func() error {
		a.link()
		at := 0 // the first edit that may cover a hit
		for f := range fields {
			if like.repeats(f) {
				continue
			}
			if ctx.Err() != nil {
				return context.Cause(ctx)
			}
			at = a.scan(fields[f].Text, f, edits, at, &out)
		}
		return nil
	}
	for e := range values {
		for _, text := range toLookFor(fields[e.Field].Text[e.Start:e.End]) {
			if len(text) == 0 {
				continue
			}
			if total+len(text) > maxPatterns {
				if err := look(); err != nil {
					return nil, err
				}
				a, total = nil, 0
			}
			if a == nil {
				a = newAutomaton()
			}
			if a.insert(text, e) {
				total += len(text)
			}
		}
	}
	if total == 0 {
		return nil, nil
	}
	err := look()
	return out.edits, err
}

// toLookFor returns what to look for when this value was reported: the value, and the
// secret in it. Either may be empty.
func toLookFor(value []byte) (texts [2][]byte) {
	if len(value) < minResidual || len(value) > maxResidual {
		return texts
	}
	texts[0] = value
	if secret := secretPart(value); len(secret) >= minResidual {
		texts[1] = secret
	}
	return texts
}

// secretPart returns what follows the name in a value such as admin:hunter2x or
// password="hunter2x", which a redactor reports as one: the secret may stand alone
// elsewhere. Addresses, dates and times, which are numbers between colons, have none.
func secretPart(value []byte) []byte {
	at := bytes.IndexAny(value, ":=")
	if at < 1 || isNumbers(value) {
		return nil
	}
	return bytes.Trim(value[at+1:], " \t\"'")
}

// isNumbers reports whether there is nothing in a value but groups of up to four
// hexadecimal digits and what separates them.
func isNumbers(value []byte) bool {
	digits := 0
	for _, c := range value {
		switch {
		case c == ':' || c == '.' || c == '-' || c == '/' || c == ' ':
			digits = 0
		case '0' <= c && c <= '9' || 'a' <= c|0x20 && c|0x20 <= 'f':
			if digits++; digits > 4 {
				return false
			}
		default:
			return false
		}
	}
	return true
}

// An automaton finds all occurrences of many values in one pass (Aho and
// Corasick 1975), so that the scan's time does not depend on what a sender
// makes the redactors report. Where no value has begun it need not look at each
// byte: from the last two of as many as the shortest value has, it knows how far
// the next one is at least (Wu and Manber 1994).
type automaton struct {
	nodes []node
	root  [256]int32 // children of the root

	values []value      // that were inserted
	least  int          // the length of the shortest of them, but at most maxWindow
	skip   [skips]uint8 // by skipOf, in bytes
}

const (
	skips     = 1 << 12
	maxWindow = 64 // what is longer gains nothing: a skip saves a look at each byte but one
)

// A value is a text that was reported, and as what.
type value struct {
	text          []byte
	label, plugin string
	score         uint16
	action        Action
}

// skipOf is where the skip of two neighbouring bytes stands. Different ones may share it:
// the least counts.
func skipOf(b, c byte) uint { return (uint(b)<<5 ^ uint(c)) % skips }

type node struct {
	child, sibling int32 // 0 = none
	fail           int32
	out            int32 // longest value that ends here: node of it, 0 = none
	depth          int32
	value          int32 // that ends in this node, if terminal
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

// insert adds the text of an edit and reports whether it is new. One that was reported
// several times has the greatest action of all.
func (a *automaton) insert(text []byte, e Edit) bool {
	n := int32(0)
	for _, c := range text {
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
		known := &a.values[a.nodes[n].value]
		known.action = max(known.action, e.Action)
		return false
	}
	a.nodes[n].terminal, a.nodes[n].value = true, int32(len(a.values))
	a.least, a.values = min(a.least, len(text)), append(a.values, value{text, e.Label, e.Plugin, e.Score, e.Action})
	return true
}

// link sets the failure links, breadth first, and the skips.
func (a *automaton) link() {
	for i := range a.skip {
		a.skip[i] = uint8(a.least - 1)
	}
	for i := range a.values {
		v := a.values[i].text
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

// scan adds the hits in one field that no edit covers whole, the longest at each end. at
// is the first edit of this field or of a later one; the next is returned.
func (a *automaton) scan(text []byte, field int, edits []Edit, at int, out *editList) int {
	n := int32(0)
	first := len(out.edits) // of this field
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
		v := &a.values[a.nodes[hit].value]
		if n := len(out.edits) - 1; n >= first && start < out.edits[n].End {
			// One edit for a run of hits, or "aaaa…" would give one a byte.
			last := &out.edits[n]
			last.Start, last.End, last.Action = min(last.Start, start), max(last.End, end), max(last.Action, v.action)
			continue
		}
		out.add(Edit{Field: field, Start: start, End: end, Label: v.label, Plugin: v.plugin, Score: v.score, Action: v.action})
		first = min(first, len(out.edits)-1) // it may have become shorter
	}
	for at < len(edits) && edits[at].Field <= field {
		at++
	}
	return at
}
