package ingest

import (
	"context"
	"errors"
	"fmt"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/veriproof/notary/host/otlpwire"
)

// An Error tells the sender what became of his export. Make one with
// [Invalid], [TooLarge], [Denied], [Unavailable] or [Exhausted].
type Error struct {
	Code codes.Code
	// Reason becomes the text of the status. It has to be a constant of the
	// program, or of its limits: nothing of a request, a plugin or a key may stand in it.
	Reason string
	// RetryAfter is when the sender shall try again; zero leaves the time, or
	// for RESOURCE_EXHAUSTED the whole retry, out.
	RetryAfter time.Duration
	// Cause is for the host's own log and is never sent.
	Cause error
}

func (e *Error) Error() string {
	if e.Cause == nil {
		return e.Reason
	}
	return fmt.Sprintf("%s: %v", e.Reason, e.Cause)
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Cause }

// Retry reports whether the sender shall send the same export again, by the
// rules of OTLP (specification 1.11, "Failures").
func (e *Error) Retry() bool {
	switch e.Code {
	case codes.Canceled, codes.DeadlineExceeded, codes.Aborted, codes.OutOfRange, codes.Unavailable, codes.DataLoss:
		return true
	case codes.ResourceExhausted:
		return e.RetryAfter > 0
	}
	return false
}

// Invalid is a request that will never be taken, however often it is sent.
func Invalid(reason string, cause error) *Error {
	return &Error{Code: codes.InvalidArgument, Reason: reason, Cause: cause}
}

// TooLarge is a request over a limit of size. It is not to be sent again.
func TooLarge(reason string, cause error) *Error {
	return &Error{Code: codes.ResourceExhausted, Reason: reason, Cause: cause}
}

// Denied is a sender that may not do this.
func Denied(reason string, cause error) *Error {
	return &Error{Code: codes.PermissionDenied, Reason: reason, Cause: cause}
}

// Unavailable is a request that was not taken, or whose outcome is unknown. It
// is to be sent again, after the given time if that is not zero.
func Unavailable(reason string, after time.Duration, cause error) *Error {
	return &Error{Code: codes.Unavailable, Reason: reason, RetryAfter: after, Cause: cause}
}

// Exhausted is a request for which there is no room now. It is to be sent again
// after the given time, which is at least a millisecond.
func Exhausted(reason string, after time.Duration, cause error) *Error {
	return &Error{Code: codes.ResourceExhausted, Reason: reason, RetryAfter: max(after, time.Millisecond), Cause: cause}
}

// classify gives every error of an export its place in OTLP. What it does not
// know is retryable: the notary has not taken the records, or does not know.
func classify(err error) *Error {
	var own *Error
	var wire *otlpwire.Error
	switch {
	case errors.As(err, &own) && own.Code != codes.OK:
		return own
	case errors.As(err, &wire) && wire.Limit():
		return TooLarge(wire.Error(), err)
	case errors.As(err, &wire):
		return Invalid(wire.Error(), err)
	case errors.Is(err, context.Canceled):
		return &Error{Code: codes.Canceled, Reason: "the sender gave up; the outcome is unknown", Cause: err}
	case errors.Is(err, context.DeadlineExceeded):
		return &Error{Code: codes.DeadlineExceeded, Reason: "not done in time; the outcome is unknown", Cause: err}
	}
	return Unavailable("not taken, or the outcome is unknown: send it again", 0, err)
}

// status returns what goes over the wire.
func (e *Error) status() *status.Status {
	s := status.New(e.Code, e.Reason)
	if e.RetryAfter <= 0 || !e.Retry() {
		return s
	}
	detailed, err := s.WithDetails(&errdetails.RetryInfo{RetryDelay: durationpb.New(e.RetryAfter)})
	if err != nil {
		return s
	}
	return detailed
}
