package dfa

import (
	"runtime"
	"strconv"
)

// A group is the machines of patterns that are read together.
type group struct {
	forward, backward table
	see               [256]kind // what the patterns' assertions see of a byte
	seeEnd            kind      // and of the end of the text

	// Of each state of the forward machine: the nodes to which the last byte led
	// (kernels[from[s]:from[s+1]]), and, if it can be the end of a match, the first
	// pattern that has matched if a byte of some kind follows.
	kernels []uint16
	from    []uint32
	matched []*[kindCount]uint16

	// Of each state of the backward machine: the nodes from which a match can still
	// be completed, as bits. That depends on the kind of the byte before the
	// boundary, so there is a set for each kind that can be seen, and for each
	// state of the forward machine, which knows the byte, the number of the set.
	live  []uint64
	words int // of one set
	sets  int // of one state
	set   []uint8

	trail []uint16 // the backward machine's states in a cluster
}

func newGroup(g *graph) (*group, error) {
	c := g.classes()
	forward := newBuilder(g, c, false, maxStates)
	for left := range kindCount {
		for right := range kindCount {
			forward.close(forward.injected, left, right)
			if p := forward.accepts(); p != none {
				return nil, &Error{Pattern: int(p), Reason: "matches the empty text"}
			}
		}
	}
	tooBig := &Error{
		Pattern: g.accept[0].pattern, tooBig: true,
		Reason: "needs more than " + strconv.Itoa(maxStates) + " states: shorten repetitions of wide classes",
	}
	if !forward.determine() {
		return nil, tooBig
	}
	made := &group{forward: forward.table(), seeEnd: g.see(textEnd)}
	for b := range made.see {
		made.see[b] = g.see(byteKind(byte(b)))
	}
	made.describe(forward)
	// A guest's memory never shrinks, and all of it is put back after each batch:
	// what the first machine took serves the second.
	forward = nil
	runtime.GC()
	backward := newBuilder(g, c, true, maxStates)
	if !backward.determine() {
		return nil, tooBig
	}
	made.backward = backward.table()
	made.describeLive(backward)
	made.trail = make([]uint16, 1<<12)
	return made, nil
}

// describe keeps what a cluster needs to know of the forward machine's states.
func (g *group) describe(b *builder) {
	for s := range len(b.keys) {
		var behind kind
		g.from = append(g.from, uint32(len(g.kernels)))
		behind, g.kernels = b.kernel(uint16(s), g.kernels)
		g.set = append(g.set, uint8(b.classes.number(behind)))
		var matched [kindCount]uint16
		some := uint16(none)
		for ahead := range matched {
			b.close(g.kernels[g.from[s]:], behind, kind(ahead))
			matched[ahead] = b.accepts()
			some = min(some, matched[ahead])
		}
		g.matched = append(g.matched, nil)
		if some != none {
			g.matched[s] = &matched
		}
	}
	g.from = append(g.from, uint32(len(g.kernels)))
}

func (g *group) describeLive(b *builder) {
	g.words = (b.graph.nodes + 63) / 64
	kinds := b.classes.distinct()
	g.sets = len(kinds)
	g.live = make([]uint64, len(b.keys)*g.sets*g.words)
	var kernel []uint16
	for s := range len(b.keys) {
		var behind kind
		behind, kernel = b.kernel(uint16(s), kernel[:0])
		kernel = append(kernel, b.injected...)
		for i, ahead := range kinds {
			set := g.live[(s*g.sets+i)*g.words:]
			for _, n := range b.close(kernel, behind, ahead) {
				set[n/64] |= 1 << (n % 64)
			}
		}
	}
}

// scan appends what the group's patterns cover of the text.
func (g *group) scan(text []byte, spans []Span) []Span {
	t := &g.forward
	skim, state := true, t.initial[g.seeEnd]
	for i := 0; i < len(text); {
		if skim {
			// What is skimmed and has a match is read again, once.
			i, state = t.skim(text, i, state)
			skim = false
		}
		if i, state = t.rest(text, i, state); state < t.idle {
			break
		}
		start := i - 1
		var seen uint16
		if i, state, seen = t.run(text, i, state); state >= t.idle {
			seen |= t.next[int(state)*t.width+t.end]
		}
		if seen&hit != 0 {
			spans = g.cluster(text, start, i, spans)
			skim = true
		}
	}
	return spans
}

// cluster appends what is covered of text[start:end]. No match is under way at
// either border.
func (g *group) cluster(text []byte, start, end int, spans []Span) []Span {
	if need := end - start + 1; cap(g.trail) < need {
		g.trail = make([]uint16, need)
	}
	// Backwards: at each boundary, what can still be completed.
	trail := g.trail[:end-start+1]
	g.backward.trace(text[start:end], g.backward.initial[g.kindAt(text, end)], trail)
	// Forwards: is what came, and what can be completed, the same match?
	f := &g.forward
	state := f.initial[g.kindAt(text, start-1)]
	open := -1
	pattern := uint16(none)
	for i, b := range text[start:end] {
		state = f.next[int(state)*f.width+int(f.class[b])] &^ hit
		set := g.live[(int(trail[i+1])*g.sets+int(g.set[state]))*g.words:]
		met := false
		for _, n := range g.kernels[g.from[state]:g.from[state+1]] {
			if set[n>>6]>>(n&63)&1 != 0 {
				met = true
				break
			}
		}
		switch {
		case met:
			if open < 0 {
				open = start + i
			}
			if m := g.matched[state]; m != nil {
				pattern = min(pattern, m[g.kindAt(text, start+i+1)])
			}
		case open >= 0:
			spans = append(spans, Span{open, start + i, int(pattern)})
			open, pattern = -1, none
		}
	}
	if open >= 0 {
		spans = append(spans, Span{open, end, int(pattern)})
	}
	return spans
}

// kindAt returns what assertions see at a position, which may lie outside.
func (g *group) kindAt(text []byte, i int) kind {
	if i < 0 || i >= len(text) {
		return g.seeEnd
	}
	return g.see[text[i]]
}
