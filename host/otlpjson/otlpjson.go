// Package otlpjson turns an OTLP/JSON request into the wire bytes that the same
// request has in protobuf, so that there is one walk, one redaction and one record
// format whatever a sender speaks.
//
// The rules are those of OTLP 1.11: names in lowerCamelCase, identifiers in
// hexadecimal, enums as numbers, 64-bit integers as strings or numbers, unknown
// members ignored. As in protobuf's own JSON form, null is an absent member, bytes
// are base64 of either alphabet, and floating-point numbers may be the strings NaN,
// Infinity and -Infinity. What is not so is refused, and so is a member that occurs
// twice: which of the two a reader takes differs. That a request has members of its own
// that are unknown an unknown field says in the wire form, without what is in them.
//
// # Cost
//
// A request is lexed once and written as it is read. No message is built in memory
// and the wire bytes are fewer than the text's, so that no text is a memory bomb;
// nesting is bounded like that of the wire form.
//
// All errors are [*otlpwire.Error], and never hold bytes of the request.
package otlpjson

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"unicode/utf8"

	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/veriproof/notary/host/jsontext"
	"github.com/veriproof/notary/host/otlpwire"
)

// ErrValue says that a member's value is not of its type, or out of range.
var ErrValue = errors.New("value does not fit the field")

// ErrSyntax says that a request is not JSON, or not an object.
var ErrSyntax = errors.New("request is not a JSON object")

var errShort = fmt.Errorf("%w: it ends early", ErrSyntax)

// AppendWire appends a request's wire bytes to dst. It does not look at limits but
// that of nesting: the wire bytes go through otlpwire like all others. With an error it
// returns what it had written, which is text of the sender, for the caller to clear.
func AppendWire(dst, text []byte, sig otlpwire.Signal) ([]byte, error) {
	dst, _, err := AppendWireInSteps(dst, text, sig, func() {})
	return dst, err
}

// step is how much text is read between two calls of yield: some 0.2 ms of dense JSON.
const step = 16 << 10

// AppendWireInSteps is AppendWire which calls yield after each 16 KiB of text or so, for
// others to work: a long text of many values takes a hundred milliseconds. Snake tells whether it
// ignored, at any depth, members that have their names in protobuf, such as trace_id: OTLP has them
// ignored, but nobody writes them so to be.
func AppendWireInSteps(dst, text []byte, sig otlpwire.Signal, yield func()) (wire []byte, snake bool, err error) {
	root := roots[sig]
	if root == nil {
		return dst, false, &otlpwire.Error{Err: otlpwire.ErrSignal, Place: sig.String()}
	}
	if !utf8.Valid(text) {
		return dst, false, &otlpwire.Error{Err: otlpwire.ErrUTF8, Place: sig.String()}
	}
	t := transcoder{text: text, out: dst, place: sig.String(), yield: yield}
	t.lex.Reset(text)
	err = t.request(root)
	return t.out, t.snake, err
}

// A transcoder writes wire bytes as it reads JSON.
type transcoder struct {
	text  []byte
	lex   jsontext.Lexer
	out   []byte
	depth int    // of submessages
	place string // of the message at hand
	yield func()
	due   int  // the place in the text from which it is to be called
	said  bool // that the request has unknown members
	snake bool // there was a member with the name of a field in protobuf
}

// unknown stands for all unknown members of a request, as an empty field with a number that
// protobuf keeps for its implementations: no version of OTLP will have it.
var unknown = binary.AppendUvarint(nil, 19000<<3|2)

func (t *transcoder) refuse(err error, at int) error {
	return &otlpwire.Error{Err: err, Place: t.place, Offset: at}
}

func (t *transcoder) next() (jsontext.Token, error) {
	tok, err := t.lex.Next()
	if err == nil {
		if tok.Start >= t.due {
			t.yield()
			t.due = tok.Start + step
		}
		return tok, nil
	}
	why, at := ErrSyntax, 0
	if errors.Is(err, jsontext.ErrDepth) {
		why = otlpwire.ErrTooDeep
	}
	var where *jsontext.Error
	if errors.As(err, &where) {
		at = where.Offset
	}
	if why == ErrSyntax && t.short(at) {
		why, at = errShort, len(t.text)
	}
	return tok, t.refuse(why, at)
}

// short reports whether the text ends before the JSON does, which is the case if what begins at
// the place of an error is no token yet and nothing follows.
func (t *transcoder) short(at int) bool {
	rest := t.text[at:]
	switch {
	case t.lex.Depth() == 0:
		return len(bytes.TrimSpace(t.text)) == 0
	case len(rest) == 0:
		return true
	case rest[0] != '"':
		return bytes.HasPrefix([]byte("true"), rest) || bytes.HasPrefix([]byte("false"), rest) || bytes.HasPrefix([]byte("null"), rest) ||
			len(bytes.Trim(rest, "+-.0123456789Ee")) == 0
	}
	for i := 1; i < len(rest); i++ {
		switch c := rest[i]; {
		case c == '"' || c < 0x20:
			return false
		case c == '\\':
			i++
		}
	}
	return true
}

// skip passes the rest of the value that begins with tok.
func (t *transcoder) skip(tok jsontext.Token) error {
	if tok.Kind != jsontext.BeginObject && tok.Kind != jsontext.BeginArray {
		return nil
	}
	for outside := t.lex.Depth() - 1; t.lex.Depth() > outside; {
		if _, err := t.next(); err != nil {
			return err
		}
	}
	return nil
}

func (t *transcoder) request(root *message) error {
	tok, err := t.next()
	if err != nil {
		return err
	}
	if tok.Kind != jsontext.BeginObject {
		return t.refuse(ErrSyntax, tok.Start)
	}
	if err := t.members(root); err != nil {
		return err
	}
	_, err = t.next() // nothing may follow
	return err
}

// members writes the members of an object that has been opened, and closes it.
func (t *transcoder) members(m *message) error {
	var seen uint32
	outer := t.place
	defer func() { t.place = outer }()
	t.place = m.name
	for {
		name, err := t.next()
		if err != nil {
			return err
		}
		if name.Kind == jsontext.EndObject {
			return nil
		}
		value, err := t.next()
		if err != nil {
			return err
		}
		f := t.field(m, name)
		switch {
		case f == nil:
			if t.depth == 0 && !t.said {
				t.out, t.said = append(append(t.out, unknown...), 0), true
			}
			t.snake = t.snake || value.Kind != jsontext.Null && m.snake[string(t.text[name.Start+1:name.End-1])]
			err = t.skip(value)
		case seen&(1<<f.number) != 0:
			err = t.refuse(otlpwire.ErrDuplicate, name.Start)
		case value.Kind == jsontext.Null:
		case f.list:
			err = t.list(f, value)
		default:
			err = t.value(f, value)
		}
		if err != nil {
			return err
		}
		if f != nil {
			seen |= 1 << f.number
		}
	}
}

// field returns the field that a name means, nil if it is none of ours.
func (t *transcoder) field(m *message, name jsontext.Token) *field {
	raw := t.text[name.Start+1 : name.End-1]
	switch {
	case !slices.Contains(raw, '\\'):
		return m.fields[string(raw)]
	case len(raw) > 6*maxName: // six bytes a character
		return nil
	}
	return m.fields[string(jsontext.AppendString(nil, t.text[name.Start:name.End]))]
}

func (t *transcoder) list(f *field, tok jsontext.Token) error {
	if tok.Kind != jsontext.BeginArray {
		return t.refuse(ErrValue, tok.Start)
	}
	for {
		tok, err := t.next()
		if err != nil {
			return err
		}
		if tok.Kind == jsontext.EndArray {
			return nil
		}
		if err := t.value(f, tok); err != nil {
			return err
		}
	}
}

func (t *transcoder) value(f *field, tok jsontext.Token) error {
	if f.sub != nil {
		return t.message(f, tok)
	}
	start := len(t.out)
	t.out = binary.AppendUvarint(t.out, f.tag)
	zero, err := t.scalar(f, tok)
	if zero && !f.list && !f.presence {
		t.out = t.out[:start] // proto3 does not write it
	}
	return err
}

// message writes a submessage behind its length. Room is left for a length of one
// byte, and the submessage moves if it needs more.
func (t *transcoder) message(f *field, tok jsontext.Token) error {
	if tok.Kind != jsontext.BeginObject {
		return t.refuse(ErrValue, tok.Start)
	}
	if t.depth == otlpwire.MaxDepth {
		return t.refuse(otlpwire.ErrTooDeep, tok.Start)
	}
	t.depth++
	t.out = append(binary.AppendUvarint(t.out, f.tag), 0)
	start := len(t.out)
	if err := t.members(f.sub); err != nil {
		return err
	}
	t.depth--
	var head [binary.MaxVarintLen64]byte
	n := binary.PutUvarint(head[:], uint64(len(t.out)-start))
	t.out = slices.Insert(t.out, start, head[1:n]...)
	t.out[start-1] = head[0]
	return nil
}

// scalar writes a value without its tag, and reports whether it is the default.
func (t *transcoder) scalar(f *field, tok jsontext.Token) (zero bool, err error) {
	switch f.kind {
	case protoreflect.StringKind, protoreflect.BytesKind:
		return t.bytes(f, tok)
	case protoreflect.BoolKind:
		if tok.Kind != jsontext.True && tok.Kind != jsontext.False {
			return false, t.refuse(ErrValue, tok.Start)
		}
		t.out = append(t.out, 0)
		if tok.Kind == jsontext.True {
			t.out[len(t.out)-1] = 1
		}
		return tok.Kind == jsontext.False, nil
	case protoreflect.DoubleKind:
		v, err := t.float(tok)
		t.out = binary.LittleEndian.AppendUint64(t.out, math.Float64bits(v))
		return math.Float64bits(v) == 0, err
	}
	v, err := t.integer(f, tok)
	switch f.kind {
	case protoreflect.Fixed64Kind:
		t.out = binary.LittleEndian.AppendUint64(t.out, v)
	case protoreflect.Fixed32Kind:
		t.out = binary.LittleEndian.AppendUint32(t.out, uint32(v))
	default:
		t.out = binary.AppendUvarint(t.out, v)
	}
	return v == 0, err
}

// bytes writes a string, identifier or bytes value behind its length.
func (t *transcoder) bytes(f *field, tok jsontext.Token) (zero bool, err error) {
	if tok.Kind != jsontext.String {
		return false, t.refuse(ErrValue, tok.Start)
	}
	start := len(t.out)
	t.out = jsontext.AppendString(t.out, t.text[tok.Start:tok.End])
	content := t.out[start:]
	switch {
	case f.id:
		n, err := hex.Decode(content, content)
		if err != nil || n != 0 && n != f.size {
			return false, t.refuse(otlpwire.ErrIDLength, tok.Start)
		}
		content = content[:n]
	case f.kind == protoreflect.BytesKind:
		n, ok := decodeBase64(content)
		if !ok {
			return false, t.refuse(ErrValue, tok.Start)
		}
		content = content[:n]
	}
	var head [binary.MaxVarintLen64]byte
	n := binary.PutUvarint(head[:], uint64(len(content)))
	t.out = slices.Insert(t.out[:start+len(content)], start, head[:n]...)
	return len(content) == 0, nil
}

// decodeBase64 decodes in place, either alphabet, with or without padding.
func decodeBase64(b []byte) (n int, ok bool) {
	body := b
	for range 2 {
		if len(body) > 0 && body[len(body)-1] == '=' {
			body = body[:len(body)-1]
		}
	}
	if len(body) != len(b) && len(b)%4 != 0 {
		return 0, false
	}
	for i, c := range body {
		switch c {
		case '-':
			body[i] = '+'
		case '_':
			body[i] = '/'
		case '\r', '\n': // the decoder would pass over them
			return 0, false
		}
	}
	n, err := base64.RawStdEncoding.Decode(b, body)
	return n, err == nil
}

// digits returns a number's text, in quotes or without: the parsers of strconv know
// more forms than JSON does.
func (t *transcoder) digits(tok jsontext.Token) ([]byte, bool) {
	switch tok.Kind {
	case jsontext.Number:
		return t.text[tok.Start:tok.End], true
	case jsontext.String:
		s := t.text[tok.Start+1 : tok.End-1]
		return s, jsontext.Check(s) == nil
	}
	return nil, false
}

func (t *transcoder) float(tok jsontext.Token) (float64, error) {
	switch string(t.text[tok.Start:tok.End]) {
	case `"NaN"`:
		return math.NaN(), nil
	case `"Infinity"`:
		return math.Inf(1), nil
	case `"-Infinity"`:
		return math.Inf(-1), nil
	}
	s, ok := t.digits(tok)
	v, err := strconv.ParseFloat(string(s), 64)
	if err != nil || !ok {
		return 0, t.refuse(ErrValue, tok.Start)
	}
	return v, nil
}

// integer returns a number of the field's type, as the 64 bits that a varint has.
func (t *transcoder) integer(f *field, tok jsontext.Token) (uint64, error) {
	s, ok := t.digits(tok)
	if f.kind == protoreflect.EnumKind && tok.Kind != jsontext.Number {
		ok = false
	}
	if !ok {
		return 0, t.refuse(ErrValue, tok.Start)
	}
	v, err := f.parse(s)
	if err != nil {
		if s, ok = whole(s); ok {
			v, err = f.parse(s)
		}
	}
	if err != nil {
		return 0, t.refuse(ErrValue, tok.Start)
	}
	return v, nil
}

// parse reads decimal digits.
func (f *field) parse(s []byte) (uint64, error) {
	if f.signed {
		n, err := strconv.ParseInt(string(s), 10, f.size)
		return uint64(n), err
	}
	return strconv.ParseUint(string(s), 10, f.size)
}

// mostDigits is how many a number of 64 bits has at most.
const mostDigits = 20

// whole returns the digits of an integer that is written as another number, such as 2.0 or
// 1.7e+18: languages with one type of number write times so. No digit gets lost, as in a
// float64 it would.
func whole(s []byte) ([]byte, bool) {
	exponent := 0
	if at := bytes.IndexAny(s, "eE"); at >= 0 {
		n, err := strconv.Atoi(string(s[at+1:]))
		if err != nil {
			return nil, false
		}
		s, exponent = s[:at], n
	}
	digits, negative := bytes.CutPrefix(s, []byte("-"))
	if before, after, ok := bytes.Cut(digits, []byte(".")); ok {
		digits, exponent = slices.Concat(before, after), exponent-len(after)
	}
	digits = bytes.TrimLeft(digits, "0")
	if len(digits) == 0 {
		return []byte("0"), true
	}
	for exponent < 0 && digits[len(digits)-1] == '0' {
		digits, exponent = digits[:len(digits)-1], exponent+1
	}
	if exponent < 0 || exponent > mostDigits || len(digits)+exponent > mostDigits {
		return nil, false
	}
	digits = append(slices.Clip(digits), bytes.Repeat([]byte("0"), exponent)...)
	if negative {
		digits = append([]byte("-"), digits...)
	}
	return digits, true
}
