package pluginhost

import (
	"slices"

	"github.com/veriproof/notary/host/jsontext"
)

// views are what redactors get to see of fields with escapes. How such a view maps to
// its field is kept of the first only: it can take many times the memory of the text, and
// is needed again only where something was found.
type views struct {
	kept map[int]*jsontext.View // by field
	like *alike                 // which share a view
	most int                    // bytes of the longest text of a view
	room int                    // that is left for mappings
	last jsontext.View          // memory for the next
}

// keepViews bounds the mappings that are kept, in bytes.
const keepViews = 1 << 20

// show returns the fields with the escapes of JSON decoded and without what terminals do not
// show. Fields that have neither are as they were, and cost nothing; those that repeat another
// one share its view.
func show(fields []Field, like *alike, room *reservation) ([]Field, *views, error) {
	seen := &views{kept: make(map[int]*jsontext.View), like: like, room: keepViews}
	var escaped []int
	for i := range fields {
		if !like.repeats(i) && jsontext.Escaped(fields[i].Text) {
			escaped = append(escaped, i)
			seen.most = max(seen.most, len(fields[i].Text))
		}
	}
	if len(escaped) == 0 {
		return fields, seen, nil
	}
	if err := room.forViews(seen.most); err != nil {
		return nil, nil, err
	}
	fields = slices.Clone(fields)
	for _, i := range escaped {
		text := seen.open(i, fields[i].Text).Text
		for at := range like.all(i) {
			fields[at].Text = text
		}
	}
	return fields, seen, nil
}

// open opens the view of a field, which is good until the next is opened.
func (seen *views) open(field int, text []byte) *jsontext.View {
	v := &seen.last
	v.Open(text)
	if n := v.Memory(); n <= seen.room {
		kept := *v
		seen.kept[field], seen.last, seen.room = &kept, jsontext.View{}, seen.room-n
		return &kept
	}
	return v
}

// of returns the view of a field, which is good until the next call.
func (seen *views) of(field int, text []byte) *jsontext.View {
	if v := seen.kept[seen.like.first(field)]; v != nil {
		return v
	}
	seen.last.Open(text)
	return &seen.last
}

// complete has edits of what redactors saw that end at an escaped quote go on to the end of
// the value (jsontext.View.ValueEnd). They are in order, and those returned are again. What lies in a
// value of which the end is known ends no later: it is not looked for again, which would take the
// square of a text that is one value after the other, each in a string of the one before.
func (seen *views) complete(fields, shown []Field, edits []Edit) []Edit {
	var view *jsontext.View
	of, longer := -1, false
	field, reached := -1, 0 // what lies before is in a value that has become longer
	for i := range edits {
		e := &edits[i]
		if e.Field == field && e.End <= reached {
			continue
		}
		text := shown[e.Field].Text
		if len(text) == len(fields[e.Field].Text) || text[e.End-1] != '"' && (e.End == len(text) || text[e.End] != '"') {
			continue // nothing is escaped, or it does not end there
		}
		if e.Field != of {
			of, view = e.Field, seen.of(e.Field, fields[e.Field].Text)
		}
		if end := view.ValueEnd(e.End); end > e.End {
			e.End, longer = end, true
			field, reached = e.Field, end
		}
	}
	if longer {
		return union(edits)
	}
	return edits
}

// restore turns edits of what redactors saw into edits of the fields. One becomes
// several where it goes over the borders of JSON strings, and none where it covers
// nothing that a JSON text could do without, unless more than that is to go.
//
// The ranges of two edits may overlap, of a number, which goes as a whole, or of an escape
// that goes with what is behind it. Then the second has what the first has left. When there
// are maxEdits, a text that would have several more is replaced as a whole.
func (seen *views) restore(fields, shown []Field, edits []Edit) []Edit {
	var out []Edit
	var view *jsontext.View
	var ranges []jsontext.Range
	first := 0        // of this field, in out
	last, end := 0, 0 // the last range of this field: its edit in out, and where it ends
	for i, e := range edits {
		if i == 0 || e.Field != edits[i-1].Field {
			view = seen.of(e.Field, fields[e.Field].Text)
			first, end = len(out), 0
		}
		if e.Action == Token {
			e.Value = string(bareValue(shown[e.Field].Text[e.Start:e.End]))
		}
		if ranges = view.Back(ranges[:0], e.Start, e.End); len(ranges) == 0 && e.Action > Mask {
			out = append(out, e)
		}
		if n := len(out) - first + len(ranges); n > 1 && first+n > maxEdits {
			ranges = append(ranges[:0], jsontext.Range{End: len(fields[e.Field].Text), Quote: view.Whole()})
			for i := range out[first:] {
				e.Action = max(e.Action, out[first+i].Action)
			}
			out, end = out[:first], 0
		}
		for _, r := range ranges {
			if r.End <= end {
				out[last].Action = max(out[last].Action, e.Action)
				continue
			}
			e.Start, e.End, e.Quote = max(r.Start, end), r.End, r.Quote
			last, end = len(out), r.End
			out = append(out, e)
		}
	}
	return out
}
