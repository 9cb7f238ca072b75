package jsontext

import (
	"encoding/binary"
	"unicode/utf16"
	"unicode/utf8"
)

// A Kind says what a token is.
type Kind uint8

// Kinds of tokens.
const (
	End Kind = iota // of the text
	BeginObject
	EndObject
	BeginArray
	EndArray
	Name // of an object's member, with its quotes
	String
	Number
	True
	False
	Null
)

// A Token is a range of the text. Names and strings include their quotes.
type Token struct {
	Kind       Kind
	Start, End int
}

// state is what may come next.
type state uint8

const (
	wantValue state = iota
	wantValueOrEnd
	wantName
	wantNameOrEnd
	wantCommaOrEnd
	wantNothing
)

// A Lexer gives the tokens of one JSON value.
type Lexer struct {
	buf     []byte
	pos     int
	depth   int
	state   state
	objects [MaxDepth / 64]uint64 // bit n: what is open at depth n is an object
}

// Reset makes the lexer begin with a text.
func (l *Lexer) Reset(text []byte) { *l = Lexer{buf: text} }

// Depth returns how many objects and arrays are open.
func (l *Lexer) Depth() int { return l.depth }

// Next returns the next token, of kind [End] when the value is complete and nothing
// follows it. Its errors are [*Error].
func (l *Lexer) Next() (Token, error) {
	l.space()
	if l.state == wantCommaOrEnd && l.peek() == ',' {
		l.pos++
		l.space()
		l.state = wantValue
		if l.inObject() {
			l.state = wantName
		}
	}
	at, c := l.pos, l.peek()
	switch {
	case l.state == wantNothing:
		if at == len(l.buf) {
			return Token{End, at, at}, nil
		}
		return l.refuse(at)
	case c == '}' && l.depth > 0 && l.inObject() && (l.state == wantNameOrEnd || l.state == wantCommaOrEnd):
		return l.leave(EndObject)
	case c == ']' && l.depth > 0 && !l.inObject() && (l.state == wantValueOrEnd || l.state == wantCommaOrEnd):
		return l.leave(EndArray)
	case l.state == wantName || l.state == wantNameOrEnd:
		return l.name()
	case l.state == wantCommaOrEnd:
		return l.refuse(at)
	}
	return l.value(c)
}

func (l *Lexer) value(c byte) (Token, error) {
	switch {
	case c == '{':
		return l.enter(BeginObject)
	case c == '[':
		return l.enter(BeginArray)
	case c == '"':
		return l.took(String, l.str())
	case c == '-' || '0' <= c && c <= '9':
		return l.took(Number, l.number())
	case c == 't':
		return l.took(True, l.word("true"))
	case c == 'f':
		return l.took(False, l.word("false"))
	case c == 'n':
		return l.took(Null, l.word("null"))
	}
	return l.refuse(l.pos)
}

func (l *Lexer) refuse(at int) (Token, error) { return Token{}, &Error{ErrSyntax, at} }

func (l *Lexer) peek() byte {
	if l.pos < len(l.buf) {
		return l.buf[l.pos]
	}
	return 0
}

func (l *Lexer) space() {
	for l.pos < len(l.buf) {
		switch l.buf[l.pos] {
		case ' ', '\t', '\n', '\r':
			l.pos++
		default:
			return
		}
	}
}

func (l *Lexer) inObject() bool {
	return l.depth > 0 && l.objects[(l.depth-1)/64]>>((l.depth-1)%64)&1 == 1
}

func (l *Lexer) enter(k Kind) (Token, error) {
	if l.depth == MaxDepth {
		return Token{}, &Error{ErrDepth, l.pos}
	}
	word, bit := &l.objects[l.depth/64], uint64(1)<<(l.depth%64)
	*word &^= bit
	l.state = wantValueOrEnd
	if k == BeginObject {
		*word |= bit
		l.state = wantNameOrEnd
	}
	l.depth++
	l.pos++
	return Token{k, l.pos - 1, l.pos}, nil
}

func (l *Lexer) leave(k Kind) (Token, error) {
	l.depth--
	l.pos++
	l.closed()
	return Token{k, l.pos - 1, l.pos}, nil
}

// closed says what follows a complete value.
func (l *Lexer) closed() {
	l.state = wantCommaOrEnd
	if l.depth == 0 {
		l.state = wantNothing
	}
}

// took returns the scalar that ends at end, or refuses it if end is -1.
func (l *Lexer) took(k Kind, end int) (Token, error) {
	if end < 0 {
		return l.refuse(l.pos)
	}
	t := Token{k, l.pos, end}
	l.pos = end
	l.closed()
	return t, nil
}

func (l *Lexer) name() (Token, error) {
	end := -1
	if l.peek() == '"' {
		end = l.str()
	}
	if end < 0 {
		return l.refuse(l.pos)
	}
	t := Token{Name, l.pos, end}
	l.pos = end
	l.space()
	if l.peek() != ':' {
		return l.refuse(l.pos)
	}
	l.pos++
	l.state = wantValue
	return t, nil
}

// str returns the end of the string that begins at pos.
func (l *Lexer) str() int {
	for i := l.pos + 1; i < len(l.buf); i++ {
		for i+8 <= len(l.buf) && plain(binary.LittleEndian.Uint64(l.buf[i:])) {
			i += 8
		}
		if i == len(l.buf) {
			break
		}
		switch c := l.buf[i]; {
		case c == '"':
			return i + 1
		case c < 0x20:
			return -1
		case c == '\\':
			n := escape(l.buf[i:])
			if n == 0 {
				return -1
			}
			i += n - 1
		}
	}
	return -1
}

// plain reports whether none of eight bytes is a quote, a backslash or a control
// character. It may say no where there is none.
func plain(w uint64) bool {
	const ones, tops = 0x0101010101010101, 0x8080808080808080
	below := func(w, n uint64) uint64 { return (w - ones*n) &^ w } // top bits where a byte is below n
	return (below(w^ones*'"', 1)|below(w^ones*'\\', 1)|below(w, 0x20))&tops == 0
}

// escape returns the length of the escape at the start of b, 0 if it is none.
func escape(b []byte) int {
	if len(b) < 2 {
		return 0
	}
	switch b[1] {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return 2
	case 'u':
		if _, ok := hex4(b[2:]); ok {
			return 6
		}
	}
	return 0
}

// hex4 reads four hexadecimal digits.
func hex4(b []byte) (r rune, ok bool) {
	if len(b) < 4 {
		return 0, false
	}
	return hexDigits(b[:4])
}

func hexDigits(b []byte) (r rune, ok bool) {
	for _, c := range b {
		switch {
		case '0' <= c && c <= '9':
			c -= '0'
		case 'a' <= c && c <= 'f':
			c -= 'a' - 10
		case 'A' <= c && c <= 'F':
			c -= 'A' - 10
		default:
			return 0, false
		}
		r = r<<4 | rune(c)
	}
	return r, true
}

func (l *Lexer) word(w string) int {
	end := l.pos + len(w)
	if end > len(l.buf) || string(l.buf[l.pos:end]) != w {
		return -1
	}
	return end
}

// number returns the end of the number that begins at pos.
func (l *Lexer) number() int {
	i := l.pos
	if l.buf[i] == '-' {
		i++
	}
	whole := l.digits(i)
	if whole == i || l.buf[i] == '0' && whole > i+1 {
		return -1
	}
	i = whole
	if i < len(l.buf) && l.buf[i] == '.' {
		frac := l.digits(i + 1)
		if frac == i+1 {
			return -1
		}
		i = frac
	}
	if i < len(l.buf) && (l.buf[i] == 'e' || l.buf[i] == 'E') {
		i++
		if i < len(l.buf) && (l.buf[i] == '+' || l.buf[i] == '-') {
			i++
		}
		exp := l.digits(i)
		if exp == i {
			return -1
		}
		i = exp
	}
	return i
}

func (l *Lexer) digits(i int) int {
	for i < len(l.buf) && '0' <= l.buf[i] && l.buf[i] <= '9' {
		i++
	}
	return i
}

// AppendString appends the value of a name or string, which the lexer has given,
// without its quotes: escapes decoded, lone surrogates replaced by U+FFFD.
func AppendString(dst, quoted []byte) []byte {
	for raw := quoted[1 : len(quoted)-1]; len(raw) > 0; {
		n := 0
		for n < len(raw) && raw[n] != '\\' {
			n++
		}
		dst, raw = append(dst, raw[:n]...), raw[n:]
		if len(raw) > 0 {
			var r rune
			r, n = unescape(raw)
			dst, raw = utf8.AppendRune(dst, r), raw[n:]
		}
	}
	return dst
}

// unescape returns the character of the escape at the start of b, and the escape's
// length, which is that of two escapes for a pair of surrogates.
func unescape(b []byte) (r rune, n int) {
	switch b[1] {
	case 'b':
		return '\b', 2
	case 'f':
		return '\f', 2
	case 'n':
		return '\n', 2
	case 'r':
		return '\r', 2
	case 't':
		return '\t', 2
	case 'u':
	default:
		return rune(b[1]), 2
	}
	r, _ = hex4(b[2:])
	if !utf16.IsSurrogate(r) {
		return r, 6
	}
	if len(b) >= 12 && b[6] == '\\' && b[7] == 'u' {
		if low, ok := hex4(b[8:]); ok {
			if pair := utf16.DecodeRune(r, low); pair != utf8.RuneError {
				return pair, 12
			}
		}
	}
	return utf8.RuneError, 6
}

// Check lexes a whole text: nil if it is one JSON value in UTF-8.
func Check(text []byte) error {
	if !utf8.Valid(text) {
		return &Error{ErrUTF8, validPrefix(text)}
	}
	var l Lexer
	for l.Reset(text); ; {
		if t, err := l.Next(); err != nil || t.Kind == End {
			return err
		}
	}
}

func validPrefix(text []byte) (at int) {
	for at < len(text) {
		r, n := utf8.DecodeRune(text[at:])
		if r == utf8.RuneError && n == 1 {
			break
		}
		at += n
	}
	return at
}
