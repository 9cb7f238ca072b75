package abi

import (
	"errors"
	"strconv"
)

// ErrFormat is what every error of this package is: bytes, or values to be
// encoded, that do not make a message, manifest or module of this ABI.
var ErrFormat = errors.New("abi: malformed")

// A formatError says what is malformed. It is built without package fmt, which
// would add a fifth to the size of every Go guest.
type formatError string

func (e formatError) Error() string        { return "abi: " + string(e) }
func (e formatError) Is(target error) bool { return target == ErrFormat }

func malformed(what string) error { return formatError(what) }

// dec writes a number in decimal. Lengths and counts only: text of a message
// never gets into an error.
func dec[T ~int | ~uint16 | ~uint32 | ~uint64](n T) string {
	return strconv.FormatUint(uint64(n), 10)
}
