package jsontext

import (
	"bytes"
	"slices"
	"sort"
	"unicode/utf8"
)

// maxLevels bounds how deep JSON in strings of JSON is opened. Each level doubles
// the backslashes of the one inside, so that real texts have two or three.
const maxLevels = 8

// A View is a text as those see it who read it in the end: with its escapes
// decoded, so that \u0040 hides no e-mail address and \n4111 is a line break before
// a number. What is found in a view is then replaced in the text itself.
//
// What terminals show as nothing, colours above all, is left out, so that a token is not
// joined to the end of a sequence before it, and is whole where part of it is coloured. So
// are the zero bytes of UTF-16 that was taken for UTF-8. Characters of ASCII that are as wide
// as Chinese ones are shown as what they are.
//
// A text that is a JSON object, array or string is decoded as such, names and values
// alike, and so is JSON inside of its strings. In any other text, such as JSON that
// was cut off, whatever looks like an escape is decoded, and so it is in a string of
// JSON that holds such a text. Reading too much into it only costs the neighbouring
// escape; see Back.
//
// A View keeps references to the text that it was opened on.
type View struct {
	Text []byte // what to search; the text itself if nothing in it is escaped

	raw    []byte
	runs   []run // of Text, in order; none if Text is raw
	cells  []cell
	doubts []int32 // in JSON, where in Text escapes are of which the letter may be one, in order
	apart  int     // runs up to here are not extended: strings have theirs for themselves
	exact  bool    // it is JSON, and cells are known
	opened bool    // it is known whether it is JSON
}

// A run maps n bytes at an offset of a decoded text to rawN bytes of the raw one. If
// the numbers are equal the bytes are, too; else the run is one escaped character.
type run struct{ at, n, raw, rawN int32 }

func (r run) verbatim() bool { return r.n == r.rawN }

// A cell is a range of a JSON text that may be replaced: what is in a string, or a
// number or word, which becomes a string with these quotes.
type cell struct {
	lo, hi int32
	quote  string
}

// A Range is a part of a text that is to be replaced. The replacement has to be put
// between Quote and Quote, which is empty inside of strings.
type Range struct {
	Start, End int
	Quote      string
}

// Open makes v the view of a text of valid UTF-8.
func (v *View) Open(text []byte) {
	v.Text, v.raw = text, text
	v.runs, v.cells, v.doubts = v.runs[:0], v.cells[:0], v.doubts[:0]
	v.apart, v.exact, v.opened = 0, false, false
	if !Escaped(text) {
		return
	}
	v.Text = make([]byte, 0, len(text))
	v.opened = true
	if v.exact = isDocument(text); v.exact {
		v.document(text, nil, 0)
	} else {
		v.loose(text, nil)
	}
	v.simplify()
}

// Escaped reports whether the view of a text may be another text.
func Escaped(text []byte) bool {
	return bytes.IndexByte(text, '\\') >= 0 || bytes.IndexByte(text, esc) >= 0 || bytes.IndexByte(text, 0) >= 0 || bytes.IndexByte(text, 0xef) >= 0
}

// isDocument reports whether a text is a JSON object, array or string. A number or
// a word by itself is as well no JSON.
func isDocument(text []byte) bool { return MayBeDocument(text) && Check(text) == nil }

// MayBeDocument reports whether a text begins like a JSON object, array or string.
func MayBeDocument(text []byte) bool {
	for _, c := range text {
		switch c {
		case ' ', '\t', '\n', '\r':
			continue
		case '{', '[', '"':
			return true
		}
		return false
	}
	return false
}

// document decodes a JSON text at a level. back maps its offsets to raw ones; nil is
// the identity.
func (v *View) document(text []byte, back []run, level int) {
	var l Lexer
	l.Reset(text)
	done := 0
	for {
		t, err := l.Next()
		if err != nil || t.Kind == End { // it has been checked: there is no error
			v.copy(text, back, done, len(text))
			return
		}
		switch t.Kind {
		case Name, String:
			v.copy(text, back, done, t.Start+1)
			v.str(text, back, t.Start+1, t.End-1, level)
			done = t.End - 1
		case Number, True, False, Null:
			at := rawRange(back, t.Start, t.End)
			v.cells = append(v.cells, cell{at.raw, at.raw + at.rawN, quotes[level]})
		}
	}
}

// quotes are how a string begins and ends in JSON at a level.
var quotes = func() (q [maxLevels + 1]string) {
	b := []byte{'"'}
	for i := range q {
		q[i] = string(b)
		var next []byte
		for _, c := range b {
			next = append(next, '\\')
			next = append(next, c)
		}
		b = next
	}
	return q
}()

// str decodes what is between the quotes of a string.
func (v *View) str(text []byte, back []run, lo, hi, level int) {
	start, runs := len(v.Text), len(v.runs)
	v.apart = runs
	loose := false // there is a backslash in what the string stands for
	for at := lo; at < hi; {
		n := bytes.IndexByte(text[at:hi], '\\')
		if n < 0 {
			n = hi - at
		}
		v.copy(text, back, at, at+n)
		if at += n; at < hi {
			r, n := unescape(text[at:hi])
			loose = loose || r == '\\'
			v.char(r, rawRange(back, at, at+n))
			at += n
		}
	}
	document := level < maxLevels && isDocument(v.Text[start:])
	if document || loose {
		inner, decoded := bytes.Clone(v.Text[start:]), slices.Clone(v.runs[runs:])
		for i := range decoded {
			decoded[i].at -= int32(start)
		}
		v.Text, v.runs, v.apart = v.Text[:start], v.runs[:runs], runs
		if document {
			v.document(inner, decoded, level+1)
			return
		}
		v.loose(inner, decoded)
	}
	if lo < hi {
		at := rawRange(back, lo, hi)
		v.cells = append(v.cells, cell{at.raw, at.raw + at.rawN, ""})
	}
}

// copy appends a part of a text as it is.
func (v *View) copy(text []byte, back []run, lo, hi int) {
	if lo == hi {
		return
	}
	if back == nil {
		v.run(run{int32(len(v.Text)), int32(hi - lo), int32(lo), int32(hi - lo)})
		v.Text = append(v.Text, text[lo:hi]...)
		return
	}
	for i := find(back, lo); i < len(back) && int(back[i].at) < hi; i++ {
		part, at := back[i], int32(len(v.Text))
		if part.verbatim() {
			skip := max(int32(lo)-part.at, 0)
			n := min(part.at+part.n, int32(hi)) - part.at - skip
			part = run{at, n, part.raw + skip, n}
		}
		part.at = at
		v.run(part)
		v.Text = append(v.Text, text[max(int(back[i].at), lo):min(int(back[i].at+back[i].n), hi)]...)
	}
}

// char appends one decoded character.
func (v *View) char(r rune, at run) {
	at.at, at.n = int32(len(v.Text)), int32(utf8.RuneLen(r))
	v.Text = utf8.AppendRune(v.Text, r)
	v.run(at)
}

func (v *View) run(r run) {
	if last := len(v.runs) - 1; last >= v.apart && r.verbatim() && v.runs[last].verbatim() && v.runs[last].raw+v.runs[last].n == r.raw {
		v.runs[last].n += r.n
		v.runs[last].rawN += r.n
		return
	}
	v.runs = append(v.runs, r)
}

// find returns the index of the run that holds an offset.
func find(runs []run, at int) int {
	return sort.Search(len(runs), func(i int) bool { return int(runs[i].at+runs[i].n) > at })
}

// rawRange returns the raw range of a range of a decoded text that is not empty.
func rawRange(runs []run, lo, hi int) run {
	if runs == nil {
		return run{raw: int32(lo), rawN: int32(hi - lo)}
	}
	first, last := runs[find(runs, lo)], runs[find(runs, hi-1)]
	start, end := first.raw, last.raw+last.rawN
	if first.verbatim() {
		start += int32(lo) - first.at
	}
	if last.verbatim() {
		end = last.raw + int32(hi) - last.at
	}
	return run{raw: start, rawN: end - start}
}

// loose decodes what looks like an escape: backslashes, as many as there are, and
// what follows them. back maps its offsets to raw ones; nil is the identity.
//
// In a string of JSON a backslash before n, r or t is the character itself, such as
// one of a password, until a quote shows that there may be strings in that string.
// Read as a line break it would end the password there.
func (v *View) loose(text []byte, back []run) {
	quote := 0
	if back != nil {
		if quote = bytes.IndexByte(text, '"'); quote < 0 {
			quote = len(text)
		}
	}
	for at := 0; at < len(text); {
		n := bytes.IndexByte(text[at:], '\\')
		if n < 0 {
			n = len(text) - at
		}
		v.copy(text, back, at, at+n)
		if at += n; at == len(text) {
			return
		}
		n = 0
		for at+n < len(text) && text[at+n] == '\\' {
			n++
		}
		if r, size := looseEscape(text[at+n-1:]); size > 0 && (at > quote || !letter(text[at+n])) {
			if back != nil && letter(text[at+n]) {
				v.doubts = append(v.doubts, int32(len(v.Text)))
			}
			v.char(r, rawRange(back, at, at+n-1+size))
			at += n - 1 + size
			continue
		}
		v.copy(text, back, at, at+n)
		at += n
	}
}

// looseEscape decodes the escape that b begins with. \b and \f are left: nobody
// writes them, and much else begins so. Beside the escapes of JSON there are bytes in
// hexadecimal, and the ways to spell what control sequences begin with.
func looseEscape(b []byte) (r rune, n int) {
	switch {
	case len(b) >= 4 && b[1] == 'x':
		if r, ok := hexDigits(b[2:4]); ok {
			return r, 4
		}
		return 0, 0
	case bytes.HasPrefix(b, []byte(`\e[`)):
		return esc, 2
	case bytes.HasPrefix(b, []byte(`\033[`)):
		return esc, 4
	}
	if escape(b) == 0 || b[1] == 'b' || b[1] == 'f' {
		return 0, 0
	}
	return unescape(b)
}

// Back returns which parts of the raw text to replace so that a range of the view,
// on borders of characters and not empty, is gone: whole escapes, and in JSON the
// contents of strings, numbers and words, but not what holds them together, so that
// JSON stays JSON. There may be none, if the range has nothing but that. JSON that
// is to go as a whole becomes one string.
//
// Where an escape was decoded because it looks like one, and it is just before the
// range, it goes with it, since its letter may have been one: in C:\nick it is the n of
// nick.
func (v *View) Back(dst []Range, start, end int) []Range {
	if !v.opened {
		v.opened = true
		if v.exact = isDocument(v.raw); v.exact {
			v.Text = make([]byte, 0, len(v.raw))
			v.document(v.raw, nil, 0)
			v.Text, v.runs = v.raw, v.runs[:0]
		}
	}
	at := run{raw: int32(start), rawN: int32(end - start)}
	before := at.raw // where the range begins, if a doubtful escape goes with it
	if len(v.runs) > 0 {
		at = rawRange(v.runs, start, end)
		before = at.raw
		if i := find(v.runs, start); start > 0 && int(v.runs[i].at) == start && v.doubtful(v.runs[i-1]) {
			before = v.runs[i-1].raw
		}
	}
	lo, hi := at.raw, at.raw+at.rawN
	switch {
	case !v.exact:
		return append(dst, Range{int(before), int(hi), ""})
	case start == 0 && end == len(v.Text): // not each of a thousand strings
		return append(dst, Range{0, len(v.raw), `"`})
	}
	for i := sort.Search(len(v.cells), func(i int) bool { return v.cells[i].hi > lo }); i < len(v.cells) && v.cells[i].lo < hi; i++ {
		c := v.cells[i]
		if c.quote == "" {
			c.lo, c.hi = max(c.lo, before), min(c.hi, hi)
		}
		dst = append(dst, Range{int(c.lo), int(c.hi), c.quote})
	}
	return dst
}

// doubtful reports whether a run is an escape of which the letter may be one.
func (v *View) doubtful(r run) bool {
	if v.exact {
		_, found := slices.BinarySearch(v.doubts, r.at)
		return found
	}
	return !r.verbatim() && letter(v.raw[r.raw+r.rawN-1])
}

// letter reports whether an escape that ends with c may be a backslash and a letter.
func letter(c byte) bool { return c == 'n' || c == 'r' || c == 't' }
