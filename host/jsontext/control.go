package jsontext

import (
	"bytes"
	"slices"
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

// unseen are the bytes with which begins what is left out.
const unseen = "\x00\x1b"

// leaveOutControls takes control sequences out of the view, and the zero bytes at every other
// place of a text that was UTF-16 and was taken for UTF-8. Sequences that part what is
// around them leave the character that they begin with.
func (v *View) leaveOutControls() {
	if bytes.IndexByte(v.Text, esc) < 0 && bytes.IndexByte(v.Text, 0) < 0 {
		return // as nearly always, which IndexAny takes far longer to find out
	}
	next := bytes.IndexAny(v.Text, unseen)
	// All is written where it was read from: the text gets no longer, and what is left out makes
	// two runs more at most, for which there is room before those that are read.
	room, n := 2*(bytes.Count(v.Text, []byte{esc})+bytes.Count(v.Text, []byte{0}))+1, len(v.runs)
	runs := slices.Grow(v.runs, room)[:room+n]
	copy(runs[room:], runs[:n])
	text, back, doubts := v.Text, runs[room:], v.doubts
	v.Text, v.runs, v.doubts, v.apart = v.Text[:0], runs[:0], v.doubts[:0], 0
	done, zero := 0, -1 // zero is where the zero byte before is
	keep := func(end int) {
		for ; len(doubts) > 0 && int(doubts[0]) < end; doubts = doubts[1:] {
			v.doubts = append(v.doubts, doubts[0]-int32(done-len(v.Text)))
		}
		v.copy(text, back, done, end)
	}
	for more := 0; more >= 0; next += more {
		n, parts := 0, false
		if text[next] == esc {
			n, parts = sequences(text[next:])
		} else {
			if next == zero+2 || next+2 < len(text) && text[next+2] == 0 {
				n = 1
			}
			zero = next
		}
		if n > 0 {
			keep(next)
			if done = next + n; parts {
				v.char(esc, rawRange(back, next, done))
			}
		}
		next += max(n, 1)
		more = bytes.IndexAny(text[next:], unseen)
	}
	keep(len(text))
}
