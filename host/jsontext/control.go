package jsontext

import (
	"bytes"
	"slices"
	"unicode/utf8"
)

const esc = 0x1b

// What a control sequence (ECMA-48) does to a text that is shown.
type control uint8

const (
	nothing control = iota // to how it is read: it sets fonts, or clears what is behind
	ends                   // a colour
	begins                 // one
	moves                  // what is behind it stands elsewhere
)

// maxParameters bounds what a sequence has before its last byte: real ones have a dozen.
const maxParameters = 64

// sequence returns the length of the control sequence that b begins with, 0 if it begins
// with none, and what it does. Those that hold text, such as titles and links, are none.
func sequence(b []byte) (n int, does control) {
	if len(b) < 3 || b[0] != esc {
		return 0, nothing
	}
	if b[1] == '(' || b[1] == ')' { // which characters there are
		if c := b[2]; c == 'B' || c == '0' || c == 'A' {
			return 3, nothing
		}
		return 0, nothing
	}
	if b[1] != '[' {
		return 0, nothing
	}
	end := 2
	for end < len(b) && end < maxParameters && '0' <= b[end] && b[end] <= '?' {
		end++
	}
	if end == len(b) || b[end]|0x20 < 'a' || b[end]|0x20 > 'z' {
		return 0, nothing
	}
	last := b[2+bytes.LastIndexByte(b[2:end], ';')+1 : end]
	switch {
	case b[end] == 'K':
		return end + 1, nothing
	case b[end] != 'm':
		return end + 1, moves
	case slices.Contains(endings, string(last)):
		return end + 1, ends
	}
	return end + 1, begins
}

// endings are the parameters that end a colour, or another look.
var endings = []string{"", "0", "00", "22", "23", "24", "25", "27", "28", "29", "39", "49"}

// sequences is sequence of as many as there are, one behind the other. They part what is
// around them if one of them moves, or if one colour ends and another begins: two words
// that are compared stand so.
func sequences(b []byte) (n int, parts bool) {
	ended := false
	for {
		size, does := sequence(b[n:])
		if size == 0 {
			return n, parts
		}
		parts = parts || does == moves || does == begins && ended
		ended = ended || does == ends
		n += size
	}
}

// wide returns the character of ASCII that the one of full width (U+FF01 to U+FF5E) at the
// start of b stands for, as texts in Chinese and Japanese have them, or 0. Quotation marks
// and the backslash stay: they are no JSON.
func wide(b []byte) rune {
	r, _ := utf8.DecodeRune(b)
	switch r -= 0xff00 - ' '; {
	case r <= ' ' || r > '~', r == '"', r == '\'', r == '\\', r == '`':
		return 0
	}
	return r
}

// A finder is at the next place of a byte in a text, or at its end.
type finder struct {
	b  byte
	at int
}

func (f *finder) seek(text []byte, from int) {
	if f.at >= from {
		return
	}
	if f.at = bytes.IndexByte(text[from:], f.b) + from; f.at < from {
		f.at = len(text)
	}
}

// leastZeros is how many zero bytes are at every other place at least where a text was UTF-16.
// Two may be around a list's element of one letter.
const leastZeros = 3

// ofUTF16 reports whether so many are with the one at a place, which is the last of so many in a row.
func ofUTF16(text []byte, at, row int) bool {
	for at += 2; row < leastZeros && at < len(text) && text[at] == 0; at += 2 {
		row++
	}
	return row >= leastZeros
}

// simplify makes the view as it is read: without control sequences, with characters of ASCII in
// the place of those of full width, and without the zero bytes at every other place of a text
// that was UTF-16 and was taken for UTF-8. Sequences that part what is around them leave the
// character that they begin with.
func (v *View) simplify() {
	esc, zero, ef := finder{esc, -1}, finder{0, -1}, finder{0xef, -1}
	esc.seek(v.Text, 0)
	zero.seek(v.Text, 0)
	ef.seek(v.Text, 0)
	next := min(esc.at, zero.at, ef.at)
	if next == len(v.Text) {
		return
	}
	// All is written where it was read from: the text gets no longer, and a change makes two
	// runs more at most, for which there is room before those that are read.
	room, n := 1, len(v.runs)
	for _, f := range []finder{esc, zero, ef} {
		room += 2 * bytes.Count(v.Text, []byte{f.b})
	}
	runs := slices.Grow(v.runs, room)[:room+n]
	copy(runs[room:], runs[:n])
	text, back, doubts := v.Text, runs[room:], v.doubts
	v.Text, v.runs, v.doubts, v.apart = v.Text[:0], runs[:0], v.doubts[:0], 0
	done, before, row := 0, -3, 0 // before is where the zero byte before is, the last of so many in a row
	keep := func(end int) {
		for ; len(doubts) > 0 && int(doubts[0]) < end; doubts = doubts[1:] {
			v.doubts = append(v.doubts, doubts[0]-int32(done-len(v.Text)))
		}
		v.copy(text, back, done, end)
		done = end
	}
	for next < len(text) {
		n, as := 0, rune(0) // how much is replaced, and by what
		switch next {
		case esc.at:
			var parts bool
			if n, parts = sequences(text[next:]); parts {
				as = rune(esc.b)
			}
		case ef.at:
			if as = wide(text[next:]); as != 0 {
				n = 3
			}
		default:
			if row++; next != before+2 {
				row = 1
			}
			if before = next; ofUTF16(text, next, row) {
				n = 1
			}
		}
		if n > 0 {
			keep(next)
			if done = next + n; as != 0 {
				v.char(as, rawRange(back, next, done))
			}
		}
		next += max(n, 1)
		esc.seek(text, next)
		zero.seek(text, next)
		ef.seek(text, next)
		next = min(esc.at, zero.at, ef.at)
	}
	keep(len(text))
}
