package pluginhost

import (
	"bytes"
	"hash/maphash"
	"iter"
	"math/bits"
	"slices"
	"sync"
)

// alike says which fields of one request are alike: of the same text, key, role and format.
// A redactor whose context is the field ([abi.ContextField]) is given the first of them,
// and what it finds in it stands in each. Names and short values make most fields, and
// nearly all of them stand in every span.
//
// Of nil, which is for redactors that look at more, no field repeats another one.
type alike struct {
	fields []kin
	slots  []slot // a hash table, which is empty between requests
	used   int    // of the slots
}

// A kin is a field among those that are like it.
type kin struct {
	first int32 // the first of them
	next  int32 // of the list that begins with the first and has no order; 0 at its end
	count int32 // of the first: how many there are
}

type slot struct {
	field int32  // the first of its kind, counted from 1; 0 is an empty slot
	tag   uint32 // of its hash
}

var alikes = sync.Pool{New: func() any { return new(alike) }}

// keepAlike bounds the fields for which a pool keeps memory.
const keepAlike = 1 << 15

const (
	maxProbes = 32 // a field that finds its like no sooner stays by itself: the table is linear whatever is in it
	wholeHash = 96 // bytes of the longest text that is hashed whole, and of three pieces of others, by a third each
)

// compare finds the fields that are alike, nearly all of them. The hash is of a seed of this
// call's own: no sender can make texts for it, nor learn anything of another's.
func compare(fields []Field) *alike {
	a := alikes.Get().(*alike)
	a.fields = slices.Grow(a.fields[:0], len(fields))[:len(fields)]
	a.used = 1 << bits.Len(uint(len(fields)+len(fields)/2)) // a third of them stays empty
	if len(a.slots) < a.used {
		a.slots = make([]slot, a.used)
	}
	slots, mask := a.slots[:a.used], uint64(a.used-1)
	seed := maphash.MakeSeed()
	for i := range fields {
		f := &fields[i]
		a.fields[i] = kin{first: int32(i), count: 1}
		if len(f.Text) == 0 {
			continue // nobody is given it
		}
		h := f.hash(seed)
		for probe := range uint64(maxProbes) {
			s := &slots[(h+probe)&mask]
			if s.field == 0 {
				*s = slot{int32(i) + 1, uint32(h >> 32)}
				break
			}
			if s.tag == uint32(h>>32) && f.like(&fields[s.field-1]) {
				a.join(s.field-1, int32(i))
				break
			}
		}
	}
	return a
}

// hash is that of the key and of so much of the text as tells different ones apart, mostly.
func (f *Field) hash(seed maphash.Seed) uint64 {
	var h uint64
	if n := len(f.Text); n <= wholeHash {
		h = maphash.Bytes(seed, f.Text)
	} else {
		const part = wholeHash / 3
		for _, at := range [...]int{0, (n - part) / 2, n - part} {
			h = bits.RotateLeft64(h, 23) ^ maphash.Bytes(seed, f.Text[at:at+part])
		}
		h += uint64(n)
	}
	if len(f.Key) > 0 {
		h = bits.RotateLeft64(h, 23) ^ maphash.Bytes(seed, f.Key)
	}
	return h
}

// like reports whether a redactor whose context is the field can tell two of them apart.
func (f *Field) like(o *Field) bool {
	return f.Role == o.Role && f.Format == o.Format && bytes.Equal(f.Text, o.Text) && bytes.Equal(f.Key, o.Key)
}

func (a *alike) join(first, i int32) {
	f := &a.fields[first]
	a.fields[i].first, a.fields[i].next = first, f.next
	f.next, f.count = i, f.count+1
}

// free gives the memory back.
func (a *alike) free() {
	if a == nil {
		return
	}
	clear(a.slots[:a.used])
	if cap(a.fields) > keepAlike {
		*a = alike{}
	}
	alikes.Put(a)
}

// first returns the first field that is like this one.
func (a *alike) first(field int) int {
	if a == nil {
		return field
	}
	return int(a.fields[field].first)
}

// repeats reports whether a field is like one before it.
func (a *alike) repeats(field int) bool { return a.first(field) != field }

// count returns how many fields are like a first one.
func (a *alike) count(first int) int {
	if a == nil {
		return 1
	}
	return int(a.fields[first].count)
}

// all yields a first field and those that are like it.
func (a *alike) all(first int) iter.Seq[int] {
	return func(yield func(int) bool) {
		if !yield(first) || a == nil {
			return
		}
		for at := a.fields[first].next; at != 0 && yield(int(at)); at = a.fields[at].next {
		}
	}
}

// total returns how many edits those of the first fields stand for.
func (a *alike) total(edits []Edit) int {
	if a == nil {
		return len(edits)
	}
	n := 0
	for i := range edits {
		n += a.count(edits[i].Field)
	}
	return n
}

// spread gives each field the edits of the first that is like it. They are sorted by field,
// and those returned are again.
func (a *alike) spread(edits []Edit) []Edit {
	total := a.total(edits)
	if total == len(edits) {
		return edits
	}
	out := make([]Edit, 0, total)
	for from, to := 0, 0; from < len(edits); from = to {
		first := edits[from].Field
		for to < len(edits) && edits[to].Field == first {
			to++
		}
		for field := range a.all(first) {
			for _, e := range edits[from:to] {
				e.Field = field
				out = append(out, e)
			}
		}
	}
	slices.SortStableFunc(out, func(x, y Edit) int { return x.Field - y.Field })
	return out
}
