package pluginhost

import (
	"bytes"
	"slices"

	"github.com/veriproof/notary/host/jsontext"
)

// views are what redactors get to see of fields with escapes, by field.
type views map[int]*jsontext.View

// decode returns the fields with the escapes of JSON decoded. Fields without a
// backslash are as they were, and cost nothing.
func decode(fields []Field) ([]Field, views) {
	var seen views
	for i := range fields {
		if bytes.IndexByte(fields[i].Text, '\\') < 0 {
			continue
		}
		if seen == nil {
			seen, fields = make(views), slices.Clone(fields)
		}
		v := new(jsontext.View)
		v.Open(fields[i].Text)
		seen[i], fields[i].Text = v, v.Text
	}
	return fields, seen
}

// restore turns edits of what redactors saw into edits of the fields. One becomes
// several where it goes over the borders of JSON strings, and none where it covers
// nothing that a JSON text could do without, unless more than that is to go.
//
// The ranges of two edits may overlap, of a number, which goes as a whole, or of an escape
// that goes with what is behind it. Then the second has what the first has left.
func (seen views) restore(fields, shown []Field, edits []Edit) []Edit {
	var out []Edit
	var view *jsontext.View
	var ranges []jsontext.Range
	last, end := 0, 0 // the last range of this field: its edit in out, and where it ends
	for i, e := range edits {
		if i == 0 || e.Field != edits[i-1].Field {
			if view = seen[e.Field]; view == nil {
				view = new(jsontext.View)
				view.Open(fields[e.Field].Text)
			}
			end = 0
		}
		if e.Action == Token {
			e.Value = string(shown[e.Field].Text[e.Start:e.End])
		}
		if ranges = view.Back(ranges[:0], e.Start, e.End); len(ranges) == 0 && e.Action > Mask {
			out = append(out, e)
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
