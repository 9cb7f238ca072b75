package dfa

import (
	"math"
	"regexp/syntax"
	"slices"
	"unicode"
	"unicode/utf8"
)

// A graph is the patterns of one group as a nondeterministic automaton over
// bytes. Its edges can be read in both directions: reversing a pattern is
// reversing its arrows.
type graph struct {
	nodes  int
	edges  []edge
	starts []uint16
	accept []accept
	// assertions is the union of the conditions of all edges: what a machine
	// has to know of the byte on the other side of a boundary.
	assertions syntax.EmptyOp
}

// An accept is the node at which a pattern has matched.
type accept struct {
	node    uint16
	pattern int
}

// An edge leads from one node to another: over one byte in [lo, hi], or without
// a byte if cond holds.
type edge struct {
	from, to uint16
	empty    bool
	cond     syntax.EmptyOp // of an empty edge; 0 always holds
	lo, hi   byte
	over     []uint8 // the classes of these bytes
}

// A tail is the last byte of UTF-8 sequences and what follows it: sequences that
// end alike share their nodes.
type tail struct {
	to     uint16
	lo, hi byte
}

// maxNodes bounds a graph.
const maxNodes = 1 << 14

// add makes the graph of one pattern part of g.
func (g *graph) add(pattern int, re *syntax.Regexp) error {
	prog, err := syntax.Compile(re.Simplify())
	if err != nil {
		return &Error{Pattern: pattern, Reason: "cannot be compiled: " + err.Error()}
	}
	if g.nodes+len(prog.Inst) > maxNodes {
		return &Error{Pattern: pattern, tooBig: true, Reason: "is too big: write smaller repetitions"}
	}
	base := g.nodes
	at := func(inst uint32) uint16 { return uint16(base + int(inst)) }
	g.nodes += len(prog.Inst)
	shared := map[tail]uint16{}
	for i := range prog.Inst {
		inst := &prog.Inst[i]
		from := at(uint32(i))
		switch inst.Op {
		case syntax.InstAlt, syntax.InstAltMatch:
			g.edges = append(g.edges, edge{from: from, to: at(inst.Out), empty: true}, edge{from: from, to: at(inst.Arg), empty: true})
		case syntax.InstCapture, syntax.InstNop:
			g.edges = append(g.edges, edge{from: from, to: at(inst.Out), empty: true})
		case syntax.InstEmptyWidth:
			cond := syntax.EmptyOp(inst.Arg)
			g.assertions |= cond
			g.edges = append(g.edges, edge{from: from, to: at(inst.Out), empty: true, cond: cond})
		case syntax.InstMatch:
			g.accept = append(g.accept, accept{from, pattern})
		case syntax.InstFail:
		default:
			for _, r := range runes(inst) {
				if err := g.sequence(pattern, from, at(inst.Out), r[0], r[1], shared); err != nil {
					return err
				}
			}
		}
	}
	g.starts = append(g.starts, at(uint32(prog.Start)))
	return nil
}

// runes returns the ranges of runes that an instruction accepts.
func runes(inst *syntax.Inst) [][2]rune {
	switch inst.Op {
	case syntax.InstRuneAny:
		return [][2]rune{{0, unicode.MaxRune}}
	case syntax.InstRuneAnyNotNL:
		return [][2]rune{{0, '\n' - 1}, {'\n' + 1, unicode.MaxRune}}
	}
	if len(inst.Rune) == 1 {
		first := inst.Rune[0]
		out := [][2]rune{{first, first}}
		if syntax.Flags(inst.Arg)&syntax.FoldCase != 0 {
			for r := unicode.SimpleFold(first); r != first; r = unicode.SimpleFold(r) {
				out = append(out, [2]rune{r, r})
			}
		}
		return out
	}
	var out [][2]rune
	for i := 0; i+1 < len(inst.Rune); i += 2 {
		out = append(out, [2]rune{inst.Rune[i], inst.Rune[i+1]})
	}
	return out
}

// sequence adds the ways from one node to another over the UTF-8 of the runes in
// [lo, hi]. It cuts the range until each byte of the encoding varies by itself.
func (g *graph) sequence(pattern int, from, to uint16, lo, hi rune, shared map[tail]uint16) error {
	if lo > hi {
		return nil
	}
	cut := func(last rune) error {
		if err := g.sequence(pattern, from, to, lo, last, shared); err != nil {
			return err
		}
		return g.sequence(pattern, from, to, last+1, hi, shared)
	}
	for _, last := range [...]rune{0x7f, 0x7ff, 0xd7ff, 0xdfff, 0xffff} {
		if lo <= last && last < hi {
			return cut(last)
		}
	}
	if lo >= 0xd800 && hi <= 0xdfff {
		return nil // surrogates have no UTF-8
	}
	size := utf8.RuneLen(lo)
	for i := 1; i < size; i++ {
		low := rune(1)<<(6*i) - 1
		if lo&^low == hi&^low {
			continue
		}
		if lo&low != 0 {
			return cut(lo | low)
		}
		if hi&low != low {
			return cut(hi&^low - 1)
		}
	}
	var first, last [utf8.UTFMax]byte
	utf8.EncodeRune(first[:], lo)
	utf8.EncodeRune(last[:], hi)
	for i := size - 1; i > 0; i-- {
		end := tail{to, first[i], last[i]}
		node, known := shared[end]
		if !known {
			if g.nodes == maxNodes {
				return &Error{Pattern: pattern, tooBig: true, Reason: "is too big: its classes of characters need too many states"}
			}
			node = uint16(g.nodes)
			g.nodes++
			shared[end] = node
			g.edges = append(g.edges, edge{from: node, to: to, lo: first[i], hi: last[i]})
		}
		to = node
	}
	g.edges = append(g.edges, edge{from: from, to: to, lo: first[0], hi: last[0]})
	return nil
}

// classes are sets of bytes that no edge and no assertion tells apart. Behind
// the last stands the end of the text.
type classes struct {
	of    [256]uint8 // by byte
	kinds []kind     // by class, and that of the end of the text
	// over is which classes an edge of these bytes leads over.
	over map[[2]byte][]uint8
}

// A kind is what an assertion can see of a byte.
type kind uint8

const (
	other kind = iota
	word
	newline
	textEnd // no byte: the text begins or ends here
	kindCount
)

func wordByte(b byte) bool {
	return b == '_' || b-'0' < 10 || b|0x20-'a' < 26 && b < 0x80
}

func (g *graph) classes() *classes {
	// Runs of bytes between the borders of edges and kinds,
	var cut [257]bool
	c := &classes{over: map[[2]byte][]uint8{}}
	for _, e := range g.edges {
		if !e.empty {
			cut[e.lo], cut[int(e.hi)+1] = true, true
			c.over[[2]byte{e.lo, e.hi}] = nil
		}
	}
	ranges := make([][2]byte, 0, len(c.over))
	for r := range c.over {
		ranges = append(ranges, r)
	}
	// of which those are one class that lie in the same edges.
	known := map[string]uint8{}
	var signature []byte
	for b := range 256 {
		k := g.see(byteKind(byte(b)))
		if b > 0 && !cut[b] && k == g.see(byteKind(byte(b-1))) {
			c.of[b] = c.of[b-1]
			continue
		}
		signature = append(signature[:0], byte(k))
		for _, r := range ranges {
			if r[0] <= byte(b) && byte(b) <= r[1] {
				signature = append(signature, r[0], r[1])
			}
		}
		class, ok := known[string(signature)]
		if !ok {
			class = uint8(len(c.kinds))
			known[string(signature)] = class
			c.kinds = append(c.kinds, k)
			for i := 1; i < len(signature); i += 2 {
				r := [2]byte{signature[i], signature[i+1]}
				c.over[r] = append(c.over[r], class)
			}
		}
		c.of[b] = class
	}
	c.kinds = append(c.kinds, g.see(textEnd))
	return c
}

// distinct returns the kinds that can be seen.
func (c *classes) distinct() []kind {
	var out []kind
	for k := range kindCount {
		if slices.Contains(c.kinds, k) {
			out = append(out, k)
		}
	}
	return out
}

// number returns the index of a kind in [classes.distinct].
func (c *classes) number(k kind) int { return slices.Index(c.distinct(), k) }

func byteKind(b byte) kind {
	switch {
	case wordByte(b):
		return word
	case b == '\n':
		return newline
	}
	return other
}

// see makes kinds equal that no assertion of the patterns tells apart, so that
// states are not told apart by them.
func (g *graph) see(k kind) kind {
	const boundary = syntax.EmptyWordBoundary | syntax.EmptyNoWordBoundary
	const lines = syntax.EmptyBeginLine | syntax.EmptyEndLine
	const text = syntax.EmptyBeginText | syntax.EmptyEndText
	switch {
	case k == word && g.assertions&boundary == 0,
		k == newline && g.assertions&lines == 0,
		k == textEnd && g.assertions&(lines|text) == 0:
		return other
	}
	return k
}

// holds returns which assertions hold between two bytes.
func holds(left, right kind) syntax.EmptyOp {
	var op syntax.EmptyOp
	if left == textEnd {
		op |= syntax.EmptyBeginText | syntax.EmptyBeginLine
	}
	if left == newline {
		op |= syntax.EmptyBeginLine
	}
	if right == textEnd {
		op |= syntax.EmptyEndText | syntax.EmptyEndLine
	}
	if right == newline {
		op |= syntax.EmptyEndLine
	}
	if (left == word) != (right == word) {
		return op | syntax.EmptyWordBoundary
	}
	return op | syntax.EmptyNoWordBoundary
}

// outgoing is the edges of a graph in one direction, by the node they leave.
type outgoing struct {
	first []uint32 // by node, where its edges begin; one more at the end
	edges []edge   // from is where they leave, to is where they lead
}

// direction orders the edges forwards or backwards.
func (g *graph) direction(c *classes, backwards bool) *outgoing {
	edges := slices.Clone(g.edges)
	for i := range edges {
		e := &edges[i]
		if backwards {
			e.from, e.to = e.to, e.from
		}
		if !e.empty {
			e.over = c.over[[2]byte{e.lo, e.hi}]
		}
	}
	slices.SortStableFunc(edges, func(a, b edge) int { return int(a.from) - int(b.from) })
	o := &outgoing{first: make([]uint32, g.nodes+1), edges: edges}
	for _, e := range edges {
		o.first[e.from+1]++
	}
	for i := range g.nodes {
		o.first[i+1] += o.first[i]
	}
	return o
}

func (o *outgoing) of(node uint16) []edge { return o.edges[o.first[node]:o.first[node+1]] }

// none is no pattern.
const none = math.MaxUint16
