// Package jsontext takes JSON text apart as bytes: is this JSON, and where in it
// are the names, strings and numbers?
//
// A [Lexer] gives the tokens of one JSON value (RFC 8259) with their offsets. It
// allocates nothing, does not recurse, and refuses what two parsers may read
// differently: comments, trailing commas, control characters, numbers such as 01,
// invalid UTF-8, and anything after the value. Names that occur twice in an object
// are for its user to refuse, who knows what they mean.
//
// A lone surrogate (\ud800 without its other half) is JSON, but no text. Its value
// is U+FFFD, as for most parsers, so that a sender who cut a string in the middle of
// an emoji does not lose the whole request.
package jsontext

import (
	"errors"
	"fmt"
)

// MaxDepth bounds the nesting of objects and arrays.
const MaxDepth = 256

// Reasons to refuse a text, to be compared with errors.Is.
var (
	ErrSyntax = errors.New("not JSON")
	ErrDepth  = errors.New("JSON nested too deep")
	ErrUTF8   = errors.New("JSON that is not UTF-8")
)

// An Error says where a text is not JSON. It holds nothing of the text.
type Error struct {
	Err    error // one of the reasons above
	Offset int
}

func (e *Error) Error() string { return fmt.Sprintf("%v at byte %d", e.Err, e.Offset) }

// Unwrap returns the reason.
func (e *Error) Unwrap() error { return e.Err }
