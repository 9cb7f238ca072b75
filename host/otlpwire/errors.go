package otlpwire

import (
	"errors"
	"fmt"
)

// Reasons to refuse a request, to be compared with errors.Is.
var (
	ErrTooLarge  = errors.New("request too large")
	ErrTooMany   = errors.New("more elements than limits.messages and limits.records allow")
	ErrTooDeep   = errors.New("nested deeper than limits.depth allows")
	ErrTruncated = errors.New("field cut off")
	ErrLength    = errors.New("length prefix beyond the enclosing message")
	ErrVarint    = errors.New("varint longer than ten bytes")
	ErrTag       = errors.New("field number out of range")
	ErrGroup     = errors.New("group wire type")
	ErrWireType  = errors.New("wire type does not fit the field")
	ErrUTF8      = errors.New("invalid UTF-8 in a string")
	ErrDuplicate = errors.New("singular field occurs twice")
	ErrIDLength  = errors.New("identifier of a wrong length")
	ErrSignal    = errors.New("unknown signal")
)

// An Error says why a request was refused. It names the place in the proto
// schema and the offset in the wire bytes and holds nothing of the request, so
// that it may go into a status message or a log.
type Error struct {
	Err    error  // one of the reasons above
	Place  string // proto place, such as "span.attributes"
	Offset int    // byte offset in the request
}

func (e *Error) Error() string {
	if e.Offset == 0 && errors.Is(e.Err, ErrTooLarge) { // no byte is it, but what stands there as a whole
		return fmt.Sprintf("otlp %s: %v", e.Place, e.Err)
	}
	return fmt.Sprintf("otlp %s: %v at byte %d", e.Place, e.Err, e.Offset)
}

// Unwrap returns the reason.
func (e *Error) Unwrap() error { return e.Err }

// Limit reports whether the request was refused for its size, number of
// elements or depth, and not because it is malformed.
func (e *Error) Limit() bool {
	return errors.Is(e.Err, ErrTooLarge) || errors.Is(e.Err, ErrTooMany) || errors.Is(e.Err, ErrTooDeep)
}

// An EditError says which edit Splice refused. An edit that does not fit its
// text means that the caller has mixed up requests, so nothing is written.
type EditError struct {
	Index  int // index of the edit
	Reason string
}

func (e *EditError) Error() string {
	return fmt.Sprintf("edit %d: %s", e.Index, e.Reason)
}
