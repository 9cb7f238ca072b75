package dfa

import (
	"slices"
)

// hit marks a transition before which a pattern has matched; the rest of a table
// entry is the next state.
const hit = 1 << 15

// A table is a deterministic machine. Its first states are idle: no match is
// under way in them.
type table struct {
	next  []uint16 // by state*width + class
	width int
	class [256]uint8
	end   int // the class of the end of the text
	idle  uint16
	// initial is the idle state behind a byte of a kind.
	initial [kindCount]uint16
}

// stride is how many bytes skim takes at once.
const stride = 8

// skim reads on from an idle state for as long as no match ends. It returns the last place at
// the border of a stride where no match was under way, and the state there, or
// the end of the text if all of it was read and nothing has matched.
//
// This loop is where a scan spends its time, and those of rest and run come next. They are
// functions of their own, without calls, so that a compiler for WebAssembly keeps
// everything in locals.
func (t *table) skim(text []byte, i int, state uint16) (int, uint16) {
	next, width, class, idle := t.next, t.width, &t.class, t.idle
	at, then := i, state
	for len(text)-i >= stride {
		b := (*[stride]byte)(text[i:])
		e := next[int(state)*width+int(class[b[0]])]
		seen := e
		e = next[int(e&^hit)*width+int(class[b[1]])]
		seen |= e
		e = next[int(e&^hit)*width+int(class[b[2]])]
		seen |= e
		e = next[int(e&^hit)*width+int(class[b[3]])]
		seen |= e
		e = next[int(e&^hit)*width+int(class[b[4]])]
		seen |= e
		e = next[int(e&^hit)*width+int(class[b[5]])]
		seen |= e
		e = next[int(e&^hit)*width+int(class[b[6]])]
		seen |= e
		e = next[int(e&^hit)*width+int(class[b[7]])]
		if seen |= e; seen&hit != 0 {
			return at, then
		}
		i += stride
		if state = e; state < idle {
			at, then = i, state
		}
	}
	return at, then
}

// rest reads on while no match is under way. It returns where one may have
// begun, or the text ended, and the state behind the byte before.
func (t *table) rest(text []byte, i int, state uint16) (int, uint16) {
	next, width, class, idle := t.next, t.width, &t.class, t.idle
	for i < len(text) && state < idle {
		state = next[int(state)*width+int(class[text[i]])]
		i++
	}
	return i, state
}

// run reads on while a match is under way. It returns where none is, or the
// text ended, and whether one has ended before.
func (t *table) run(text []byte, i int, state uint16) (int, uint16, uint16) {
	next, width, class, idle := t.next, t.width, &t.class, t.idle
	var seen uint16
	for i < len(text) && state >= idle {
		e := next[int(state)*width+int(class[text[i]])]
		i++
		seen |= e
		state = e &^ hit
	}
	return i, state, seen
}

// trace writes down the states of a backward machine at each boundary of a text,
// from its end to its beginning.
func (t *table) trace(text []byte, state uint16, trail []uint16) {
	next, width, class := t.next, t.width, &t.class
	i := len(text)
	trail[i] = state
	for i--; i > 0; i-- {
		state = next[int(state)*width+int(class[text[i]])]
		trail[i] = state
	}
}

// A builder determines one machine of a graph, in one direction.
type builder struct {
	graph     *graph
	ways      *outgoing
	classes   *classes
	backwards bool
	most      int // states

	// injected are the nodes at which something may begin at every boundary.
	injected []uint16

	known map[string]uint16
	keys  []string   // by state
	rows  [][]uint16 // by state
	spare []uint16   // for further rows

	// Of the idle states, by the kind of the byte behind: their targets by class,
	// and their rows.
	fresh    [kindCount][][]uint16
	freshRow [kindCount][]uint16

	// Of the state that is being determined.
	mark    []uint32 // by node: the round it was last seen in
	round   uint32
	closure []uint16
	buckets [][]uint16 // by class
	touched []uint8    // classes
	key     []byte
}

func newBuilder(g *graph, c *classes, backwards bool, most int) *builder {
	b := &builder{
		graph: g, classes: c, backwards: backwards, most: most, ways: g.direction(c, backwards),
		known: map[string]uint16{}, mark: make([]uint32, g.nodes), buckets: make([][]uint16, len(c.kinds)),
	}
	if b.injected = g.starts; backwards {
		b.injected = nil
		for _, a := range g.accept {
			b.injected = append(b.injected, a.node)
		}
	}
	return b
}

// rowsAtOnce is how many rows are allocated together: few enough that what is
// too much is little, in a guest whose memory never shrinks.
const rowsAtOnce = 64

// state returns the number of the state with these nodes, behind a byte of this kind.
// It has false if that would be one state too many.
func (b *builder) state(behind kind, nodes []uint16) (uint16, bool) {
	b.key = append(b.key[:0], byte(behind))
	for _, n := range nodes {
		b.key = append(b.key, byte(n), byte(n>>8))
	}
	if s, ok := b.known[string(b.key)]; ok {
		return s, true
	}
	if len(b.keys) == b.most {
		return 0, false
	}
	s := uint16(len(b.keys))
	key := string(b.key)
	b.known[key] = s
	b.keys = append(b.keys, key)
	return s, true
}

// kernel returns what a state is made of: the nodes to which the last byte led.
func (b *builder) kernel(state uint16, into []uint16) (kind, []uint16) {
	key := b.keys[state]
	for i := 1; i < len(key); i += 2 {
		into = append(into, uint16(key[i])|uint16(key[i+1])<<8)
	}
	return kind(key[0]), into
}

// close computes which nodes are reached without a byte from some nodes, at a
// boundary between bytes of two kinds.
func (b *builder) close(nodes []uint16, behind, ahead kind) []uint16 {
	left, right := behind, ahead
	if b.backwards {
		left, right = ahead, behind
	}
	hold := holds(left, right)
	b.round++
	b.closure = b.closure[:0]
	for _, n := range nodes {
		b.reach(n)
	}
	for i := 0; i < len(b.closure); i++ {
		edges := b.ways.of(b.closure[i])
		for j := range edges {
			if edges[j].empty && edges[j].cond&^hold == 0 {
				b.reach(edges[j].to)
			}
		}
	}
	return b.closure
}

func (b *builder) reach(n uint16) {
	if b.mark[n] != b.round {
		b.mark[n] = b.round
		b.closure = append(b.closure, n)
	}
}

// determine makes all states that can be reached from the idle ones. It has false
// if they are too many.
func (b *builder) determine() bool {
	for _, k := range b.classes.kinds {
		if _, ok := b.state(k, nil); !ok {
			return false
		}
	}
	idle := len(b.keys)
	var kernel []uint16
	for s := 0; s < len(b.keys); s++ {
		var behind kind
		behind, kernel = b.kernel(uint16(s), kernel[:0])
		from := kernel
		if s < idle {
			from = b.injected
		}
		if !b.transitions(from, behind, s < idle) {
			return false
		}
	}
	return true
}

// transitions determines the row of one state. What begins at a boundary does not
// depend on what came before but for the kind of the last byte: rows differ from those of the
// idle states where an edge of the kernel leads, and only there.
func (b *builder) transitions(from []uint16, behind kind, idle bool) bool {
	width := len(b.classes.kinds)
	if len(b.spare) < width {
		b.spare = make([]uint16, rowsAtOnce*width)
	}
	row := b.spare[:width:width]
	b.spare = b.spare[width:]
	b.rows = append(b.rows, row)
	if idle {
		b.fresh[behind], b.freshRow[behind] = make([][]uint16, width), row
	}
	fresh := b.fresh[behind]
	copy(row, b.freshRow[behind])
	var done [kindCount]bool
	for _, ahead := range b.classes.kinds {
		if done[ahead] {
			continue
		}
		done[ahead] = true
		b.touched = b.touched[:0]
		for _, n := range b.close(from, behind, ahead) {
			edges := b.ways.of(n)
			for i := range edges {
				for _, c := range edges[i].over {
					if b.classes.kinds[c] != ahead {
						continue
					}
					if len(b.buckets[c]) == 0 {
						b.touched = append(b.touched, c)
						b.buckets[c] = append(b.buckets[c], fresh[c]...)
					}
					b.buckets[c] = append(b.buckets[c], edges[i].to)
				}
			}
		}
		matched := !b.backwards && b.accepts() != none
		for _, c := range b.touched {
			slices.Sort(b.buckets[c])
			targets := slices.Compact(b.buckets[c])
			s, ok := b.state(ahead, targets)
			if !ok {
				return false
			}
			if idle {
				fresh[c] = slices.Clone(targets)
			}
			row[c] = s
			b.buckets[c] = b.buckets[c][:0]
		}
		for c, k := range b.classes.kinds {
			if idle && len(fresh[c]) == 0 && k == ahead {
				row[c], _ = b.state(ahead, nil)
			}
			if matched && k == ahead {
				row[c] |= hit
			}
		}
	}
	return true
}

// accepts returns the first pattern that the present closure has matched, or none.
func (b *builder) accepts() uint16 {
	first := uint16(none)
	for _, a := range b.graph.accept {
		if b.mark[a.node] == b.round {
			first = min(first, uint16(a.pattern))
		}
	}
	return first
}

// table lays the machine out. Classes that no state tells apart become one.
func (b *builder) table() table {
	width, states := len(b.classes.kinds), len(b.keys)
	var t table
	column := make([]uint8, width) // by class
	var distinct []int             // classes
	for c := range width {
		i := slices.IndexFunc(distinct, func(d int) bool {
			for s := range states {
				if b.rows[s][c] != b.rows[s][d] {
					return false
				}
			}
			return true
		})
		if i < 0 {
			i = len(distinct)
			distinct = append(distinct, c)
		}
		column[c] = uint8(i)
	}
	t.width = len(distinct)
	t.next = make([]uint16, states*t.width)
	for s := range states {
		for i, c := range distinct {
			t.next[s*t.width+i] = b.rows[s][c]
		}
	}
	for c := range t.class {
		t.class[c] = column[b.classes.of[c]]
	}
	t.end = int(column[width-1])
	for s := range states {
		if len(b.keys[s]) > 1 {
			break
		}
		t.idle++
		t.initial[b.keys[s][0]] = uint16(s)
	}
	return t
}
