// Package config reads a plugin's configuration: strict JSON without
// reflection, small enough for a guest.
//
// A configuration is measured and decides what is redacted or stored, so
// nothing in it may be ignored: an unknown key, a key that stands twice, a
// number out of range, or anything behind the object is an error. Errors say
// what is wrong and at which byte, never what a value is.
//
// The encoding is that of RFC 8259 with integers only. A [Reader] is used by one
// goroutine; [Read] keeps nothing of the text.
package config

import (
	"errors"
	"strconv"
	"unicode/utf16"
	"unicode/utf8"
)

// Bounds of a configuration.
const (
	// MaxSize is the greatest length in bytes.
	MaxSize = 1 << 20
	// MaxDepth is the greatest number of objects and arrays within each other.
	MaxDepth = 16
	// MaxKeys is the greatest number of keys of one object.
	MaxKeys = 4096
)

// ErrConfig is what every error of this package is.
var ErrConfig = errors.New("config: malformed")

type configError string

func (e configError) Error() string        { return "config: " + string(e) }
func (e configError) Is(target error) bool { return target == ErrConfig }

// A Reader stands at a value of a configuration. Each of its methods reads one
// value. After the first error they return zero values and call nothing, and
// [Read] returns that error.
type Reader struct {
	text  []byte
	at    int
	depth int
	err   error
}

// Read reads a configuration, a JSON object, and calls member for each of its
// keys; member reads the value with one method of the Reader, or calls
// [Reader.Unknown]. A text that is empty or only white space is an empty object.
func Read(text []byte, member func(r *Reader, key string)) error {
	r := &Reader{text: text}
	if len(text) > MaxSize {
		return configError("more than " + strconv.Itoa(MaxSize) + " bytes")
	}
	if r.space(); r.at == len(text) {
		return nil
	}
	r.Object(func(key string) { member(r, key) })
	if r.space(); r.err == nil && r.at < len(text) {
		r.Fail("something stands behind the object")
	}
	return r.err
}

// Fail records an error at the present place, unless there is one.
func (r *Reader) Fail(what string) {
	if r.err == nil {
		r.err = configError(what + ", at byte " + strconv.Itoa(r.at))
	}
}

// Unknown records that key means nothing here. A key is not secret: it stands
// in the error, so that a typing error is seen.
func (r *Reader) Unknown(key string) {
	if len(key) > 64 {
		key = key[:64]
	}
	r.Fail("unknown key " + strconv.QuoteToASCII(key))
}

// Object reads an object and calls member for each key.
func (r *Reader) Object(member func(key string)) {
	seen := make(map[string]bool)
	r.sequence('{', '}', func() {
		key := r.Text()
		if seen[key] {
			r.Fail("a key stands twice")
		}
		if seen[key] = true; len(seen) > MaxKeys {
			r.Fail("too many keys")
		}
		if r.space(); !r.take(':') {
			r.Fail("no colon behind a key")
		}
		if before := r.at; r.err == nil {
			if member(key); r.err == nil && r.at == before {
				r.Fail("value was not read")
			}
		}
	})
}

// List reads an array and calls element once for each of its elements, which
// has to read it.
func (r *Reader) List(element func()) {
	r.sequence('[', ']', func() {
		if before := r.at; r.err == nil {
			if element(); r.err == nil && r.at == before {
				r.Fail("value was not read")
			}
		}
	})
}

func (r *Reader) sequence(open, end byte, one func()) {
	if r.space(); !r.take(open) {
		r.Fail("no '" + string(rune(open)) + "'")
		return
	}
	if r.depth++; r.depth > MaxDepth {
		r.Fail("too deep")
	}
	for first := true; r.err == nil; first = false {
		if r.space(); first && r.take(end) {
			break
		}
		if one(); r.err != nil {
			return
		}
		if r.space(); r.take(end) {
			break
		}
		if !r.take(',') {
			r.Fail("neither comma nor '" + string(rune(end)) + "'")
		}
		if r.space(); r.next() == end {
			r.Fail("comma before '" + string(rune(end)) + "'")
		}
	}
	r.depth--
}

// Bool reads true or false.
func (r *Reader) Bool() bool {
	r.space()
	for _, w := range [...]string{"true", "false"} {
		if r.err == nil && len(r.text)-r.at >= len(w) && string(r.text[r.at:r.at+len(w)]) == w {
			r.at += len(w)
			return w == "true"
		}
	}
	r.Fail("neither true nor false")
	return false
}

// Int reads a whole number from least to most.
func (r *Reader) Int(least, most int) int {
	r.space()
	start := r.at
	r.take('-')
	for r.next() >= '0' && r.next() <= '9' {
		r.at++
	}
	digits := string(r.text[start:r.at])
	v, err := strconv.Atoi(digits)
	switch c := r.next(); {
	case err != nil, strconv.Itoa(v) != digits, c == '.', c == 'e', c == 'E':
		r.Fail("no whole number")
	case v < least || v > most:
		r.Fail("number is not in " + strconv.Itoa(least) + " to " + strconv.Itoa(most))
	}
	if r.err != nil {
		return 0
	}
	return v
}

// Text reads a string.
func (r *Reader) Text() string {
	if r.space(); !r.take('"') {
		r.Fail("no string")
		return ""
	}
	var out []byte
	for r.err == nil {
		c := r.next()
		switch {
		case r.at >= len(r.text) || c < 0x20:
			r.Fail("string does not end")
		case c == '"':
			r.at++
			if !utf8.Valid(out) {
				r.Fail("string is not UTF-8")
			}
			return string(out)
		case c == '\\':
			r.at++
			out = r.escape(out)
		default:
			out = append(out, c)
			r.at++
		}
	}
	return ""
}

func (r *Reader) escape(out []byte) []byte {
	const names, meanings = `"\/bfnrt`, "\"\\/\b\f\n\r\t"
	c := r.next()
	for i := range len(names) {
		if c == names[i] {
			r.at++
			return append(out, meanings[i])
		}
	}
	if c != 'u' {
		r.Fail("unknown escape")
		return out
	}
	v := r.hex4()
	if utf16.IsSurrogate(v) {
		if !r.take('\\') || r.next() != 'u' {
			r.Fail("half a surrogate pair")
			return out
		}
		if v = utf16.DecodeRune(v, r.hex4()); v == utf8.RuneError {
			r.Fail("half a surrogate pair")
		}
	}
	return utf8.AppendRune(out, v)
}

// hex4 reads u and four hexadecimal digits.
func (r *Reader) hex4() rune {
	if len(r.text)-r.at < 5 {
		r.Fail("escape does not end")
		return 0
	}
	v, err := strconv.ParseUint(string(r.text[r.at+1:r.at+5]), 16, 16)
	if err != nil {
		r.Fail("escape without four hexadecimal digits")
	}
	r.at += 5
	return rune(v)
}

func (r *Reader) next() byte {
	if r.err != nil || r.at >= len(r.text) {
		return 0
	}
	return r.text[r.at]
}

func (r *Reader) take(c byte) bool {
	if r.err != nil || r.at >= len(r.text) || r.text[r.at] != c {
		return false
	}
	r.at++
	return true
}

func (r *Reader) space() {
	for r.err == nil && r.at < len(r.text) {
		switch r.text[r.at] {
		case ' ', '\t', '\n', '\r':
			r.at++
		default:
			return
		}
	}
}
