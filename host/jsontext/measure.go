package jsontext

import "unsafe"

// Memory returns how many bytes v holds to map what is found back to the text: not Text,
// and not what [View.Back] adds for a text without escapes.
func (v *View) Memory() int {
	return cap(v.runs)*int(unsafe.Sizeof(run{})) + cap(v.cells)*int(unsafe.Sizeof(cell{})) + cap(v.doubts)*int(unsafe.Sizeof(v.doubts[0]))
}

// Whole returns what has to stand before and behind what replaces all of the text, as the
// Quote of a Range. [View.Back] has been called.
func (v *View) Whole() string {
	if v.exact {
		return `"`
	}
	return ""
}
