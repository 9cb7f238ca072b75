package pluginhost

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"hash/maphash"
	"math/bits"
	"slices"
)

// An index finds the longest of many values that a place of a text begins with. What that
// takes at most depends neither on how many there are nor on what they say, since a sender
// decides both, and on the longest by its logarithm: a length is searched for bit by bit, the
// highest first, and a value is in a hash table by those of its beginnings that this goes
// through on the way to its own length (Waldvogel et al. 1997). Each entry knows the longest
// value that is a beginning of it, so that there is no way back.
//
// Where no value begins it need not look at each byte: from the last two of as many as
// the shortest value has, it knows how far the next one is at least (Wu and Manber 1994).
type index struct {
	seed    maphash.Seed
	values  []value
	known   map[uint64]int32 // by hash, while values are inserted
	entries int              // that they take

	sums   *sums    // of the text that is looked at, if the hash of a long part has to be known
	slots  []entry  // a power of two, at most half of which are taken
	taken  []uint64 // a set of their hashes: most that are asked for are none, and this is small enough to be near
	top    int      // the greatest power of two that is a length
	filter []uint64 // a set of the first minResidual bytes of values, by hash
	tails  []uint64 // a set of as many at the end of beginnings in slots that end in a long part
	least  int      // the length of the shortest of them, but at most maxWindow
	most   int      // that of the longest
	action Action   // the greatest
	skip   [skips]uint8
}

const (
	skips     = 1 << 12
	maxWindow = 64  // what is longer gains nothing: a skip saves a look at each byte but one
	maxPart   = 256 // of what is longer the bytes are not gone through at each place
)

// A value is a text that was reported, and as what.
type value struct {
	text          []byte
	label, plugin string
	score         uint16
	action        Action
}

// An entry is a beginning of a value.
type entry struct {
	hash uint64 // 0 in a free slot
	best int32  // the longest value that it begins with, counted from 1; 0 if there is none
}

func newIndex() *index {
	return &index{seed: maphash.MakeSeed(), known: make(map[uint64]int32), least: maxWindow, action: Token}
}

// entriesOf returns how many entries a value takes at most.
func entriesOf(text []byte) int { return bits.OnesCount(uint(len(text))) }

// extend returns the hash of a beginning that is longer by a part, of n bytes at i of the text
// that is looked at, from its own.
func (x *index) extend(hash uint64, text []byte, i, n int) uint64 {
	var part uint64
	if n > maxPart {
		part = x.sums.part(i, n)
	} else {
		part = maphash.Bytes(x.seed, text[i:i+n])
	}
	return max(bits.RotateLeft64(hash*spread, 29)^part, 1)
}

// look begins with another text.
func (x *index) look(text []byte) {
	if x.sums != nil {
		x.sums.of(text)
	}
}

// spread has each bit of a number be in the upper ones of the product.
const spread = 0x9e3779b97f4a7c15

// insert adds the text of an edit. One that was reported several times has the greatest
// action of all.
func (x *index) insert(text []byte, e Edit) {
	x.action = max(x.action, e.Action)
	h := maphash.Bytes(x.seed, text)
	if i, ok := x.known[h]; ok && bytes.Equal(x.values[i].text, text) {
		x.values[i].action = max(x.values[i].action, e.Action)
		return
	}
	x.known[h] = int32(len(x.values))
	x.values = append(x.values, value{text, e.Label, e.Plugin, e.Score, e.Action})
	x.entries += entriesOf(text)
	x.least, x.most = min(x.least, len(text)), max(x.most, len(text))
}

// build makes the tables. Shorter values come first: what is a beginning of others is there
// before them.
func (x *index) build() {
	x.known, x.top = nil, 1<<(bits.Len(uint(x.most))-1)
	if x.top > maxPart {
		x.sums = newSums()
	}
	slices.SortFunc(x.values, func(v, w value) int { return cmp.Compare(len(v.text), len(w.text)) })
	x.slots = make([]entry, 2<<bits.Len(uint(x.entries)))
	x.taken = make([]uint64, max(1, len(x.slots)/16)) // four bits for each slot
	x.filter = make([]uint64, 4<<bits.Len(uint(len(x.values))/16))
	x.tails = make([]uint64, len(x.filter))
	for i := range x.skip {
		x.skip[i] = uint8(x.least - 1)
	}
	for i := range x.values {
		v := &x.values[i]
		for i := 1; i < x.least; i++ {
			s := &x.skip[skipOf(v.text[i-1], v.text[i])]
			*s = min(*s, uint8(x.least-1-i))
		}
		word, bit := x.mark(v.text)
		x.filter[word] |= bit
		x.look(v.text)
		if shorter := x.longest(v.text, 0); shorter != nil { // which a hit of this is one of, too
			v.action = max(v.action, shorter.action)
		}
		l, h := 0, uint64(0)
		for bit := x.top; bit > 0; bit >>= 1 {
			if len(v.text)&bit == 0 {
				continue
			}
			l, h = l+bit, x.extend(h, v.text, l, bit)
			if bit > maxPart {
				word, bit := x.mark(v.text[l-minResidual:])
				x.tails[word] |= bit
			}
			word, bit := x.placeOf(h)
			x.taken[word] |= bit
			switch e := x.slot(h); {
			case l == len(v.text):
				*e = entry{h, int32(i) + 1}
			case e.hash == 0:
				*e = entry{h, x.best(v.text[:l], 0)}
			}
		}
	}
}

// placeOf returns where in taken a hash stands.
func (x *index) placeOf(hash uint64) (word int, bit uint64) {
	return int(hash>>26) & (len(x.taken) - 1), 1 << (hash >> 58)
}

// slot returns where an entry is, or is to be.
func (x *index) slot(hash uint64) *entry {
	last := uint64(len(x.slots) - 1)
	for i := hash & last; ; i = (i + 1) & last {
		if e := &x.slots[i]; e.hash == 0 || e.hash == hash {
			return e
		}
	}
}

// best returns the longest value that a text goes on with at i, counted from 1, or 0.
func (x *index) best(text []byte, i int) (best int32) {
	h := uint64(0)
	for bit := x.top; bit > 0; bit >>= 1 {
		if i+bit > len(text) || bit > maxPart && !x.mayEnd(text[i+bit-minResidual:]) {
			continue
		}
		longer := x.extend(h, text, i, bit)
		if word, set := x.placeOf(longer); x.taken[word]&set == 0 {
			continue
		}
		if e := x.slot(longer); e.hash != 0 {
			i, h, best = i+bit, longer, e.best
		}
	}
	return best
}

// mayEnd reports whether a long part of a beginning may end with the first bytes of a text. In
// most texts none does, and no sums are asked for.
func (x *index) mayEnd(text []byte) bool {
	word, bit := x.mark(text)
	return x.tails[word]&bit != 0
}

// longest returns the longest value that a text goes on with at i, or nil. Long ones are told by
// their hash: to compare them at each place would take as long as to hash them there.
func (x *index) longest(text []byte, i int) *value {
	n := x.best(text, i)
	if n == 0 {
		return nil
	}
	if v := &x.values[n-1]; len(v.text) > maxPart || bytes.HasPrefix(text[i:], v.text) {
		return v
	}
	return nil
}

// mark returns where in the filter, or in tails, the first bytes of a text stand.
func (x *index) mark(text []byte) (word int, bit uint64) {
	h := (uint64(binary.LittleEndian.Uint32(text)) | uint64(binary.LittleEndian.Uint16(text[4:]))<<32) * spread
	return int(h>>32) & (len(x.filter) - 1), 1 << (h >> 58)
}

// skipOf is where the skip of two neighbouring bytes stands. Different ones may share it:
// the least counts.
func skipOf(b, c byte) uint { return (uint(b)<<5 ^ uint(c)) % skips }

// leap returns the next place at which a value may begin, or the text's length.
func (x *index) leap(text []byte, i int) int {
	for last := i + x.least - 1; last < len(text); {
		if by := int(x.skip[skipOf(text[last-1], text[last])]); by > 0 {
			last += by
			continue
		}
		i = last - x.least + 1
		if word, bit := x.mark(text[i:]); x.filter[word]&bit != 0 {
			return i
		}
		last++
	}
	return len(text)
}

// scan adds the hits in one field that no edit covers whole, the longest at each place; one that does
// has the action of what it covers, if that is greater. at is the first edit of this field or of a later
// one; the next is returned. Inside of an edit no value is looked for that ends there in any case: of many
// findings most of a text is covered, and is gone through once for each index.
func (x *index) scan(text []byte, field int, edits []Edit, at int, out *editList) int {
	x.look(text)
	first := len(out.edits) // of this field
	for i := x.leap(text, 0); i < len(text); i = x.leap(text, i+1) {
		for at < len(edits) && edits[at].Field == field && edits[at].End <= i {
			at++
		}
		var over *Edit // what begins here
		if at < len(edits) && edits[at].Field == field && edits[at].Start <= i {
			over = &edits[at]
		}
		if over != nil && i+x.most <= over.End && x.action <= over.Action {
			i = over.End - x.most
			continue
		}
		v := x.longest(text, i)
		if v == nil {
			continue
		}
		end := i + len(v.text)
		if over != nil && end <= over.End {
			over.Action = max(over.Action, v.action)
			continue
		}
		if n := len(out.edits) - 1; n >= first && i < out.edits[n].End {
			// One edit for a run of hits, or "aaaa…" would give one a byte.
			last := &out.edits[n]
			last.End, last.Action = max(last.End, end), max(last.Action, v.action)
			continue
		}
		out.add(Edit{Field: field, Start: i, End: end, Label: v.label, Plugin: v.plugin, Score: v.score, Action: v.action})
		first = min(first, len(out.edits)-1) // it may have become shorter
	}
	for at < len(edits) && edits[at].Field <= field {
		at++
	}
	return at
}
