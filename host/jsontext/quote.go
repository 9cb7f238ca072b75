package jsontext

import (
	"bytes"
	"sort"
)

// ValueEnd returns where a value of the view ends of which a part was found that ends at
// end. Who sees a view cannot tell a quote in a string from the one that ends it, and takes
// a value to end at the first: so if there is a quote at the end of what was found which is
// escaped more often than the one before it, it is part of the string that the one before
// has opened, and so is what follows up to that string's end. Else it is end.
//
// In JSON a string's end is known. In other texts it is the next quote that is escaped no
// more often than the one that opened it, a line break of which that is true, or the end.
func (v *View) ValueEnd(end int) int {
	quote := end
	if v.Text[end-1] == '"' {
		quote--
	}
	if len(v.runs) == 0 || quote == len(v.Text) || v.Text[quote] != '"' {
		return end
	}
	opening := bytes.LastIndexByte(v.Text[:quote], '"')
	if opening < 0 {
		return end
	}
	limit := len(v.Text)
	if v.exact {
		at := rawRange(v.runs, quote, quote+1).raw
		c := sort.Search(len(v.cells), func(i int) bool { return v.cells[i].hi > at })
		if c == len(v.cells) || v.cells[c].lo > at {
			return end // it is a string's own
		}
		limit = v.ofRaw(v.cells[c].hi)
		if rawRange(v.runs, opening, opening+1).raw < v.cells[c].lo {
			return limit
		}
	}
	outer := v.escaped(opening)
	if v.escaped(quote) <= outer {
		return end
	}
	for i := quote + 1; i < limit; i++ {
		if c := v.Text[i]; (c == '"' || c == '\n') && v.escaped(i) <= outer {
			return i
		}
	}
	return limit
}

// escaped returns by how many backslashes the character at an offset of the view is
// escaped: the more, the deeper lies the string that it is in.
func (v *View) escaped(at int) int {
	r := v.runs[find(v.runs, at)]
	if r.verbatim() {
		return 0
	}
	return bytes.Count(v.raw[r.raw:r.raw+r.rawN], []byte{'\\'})
}

// ofRaw returns the offset in the view of one of the raw text.
func (v *View) ofRaw(at int32) int {
	i := sort.Search(len(v.runs), func(i int) bool { return v.runs[i].raw+v.runs[i].rawN > at })
	if i == len(v.runs) {
		return len(v.Text)
	}
	if r := v.runs[i]; r.verbatim() {
		return int(r.at + at - r.raw)
	}
	return int(v.runs[i].at)
}
