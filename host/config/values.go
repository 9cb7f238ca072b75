package config

import (
	"encoding/hex"
	"errors"
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// Duration is a length of time, in the file such as "90s", "15m", "24h" or, in whole
// days of 24 hours, "400d".
type Duration time.Duration

// String returns the form that the file has.
func (d Duration) String() string { return time.Duration(d).String() }

// MarshalText returns the form that the file has.
func (d Duration) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// UnmarshalText reads a number with its unit.
func (d *Duration) UnmarshalText(b []byte) error {
	if text, ok := strings.CutSuffix(string(b), "d"); ok {
		if n, err := strconv.ParseUint(text, 10, 16); err == nil && strconv.FormatUint(n, 10) == text {
			*d = Duration(time.Duration(n) * 24 * time.Hour)
			return nil
		}
	}
	v, err := time.ParseDuration(string(b))
	switch {
	case err == nil:
	case wholeDays.MatchString(string(b)) && b[0] == '-':
		return fmt.Errorf("%.40q is negative: a duration is 0 or more", b)
	case wholeDays.MatchString(string(b)):
		return fmt.Errorf("%.40q is too large: a duration has at most %dd", b, math.MaxUint16)
	default:
		return fmt.Errorf(`%.40q is not a duration: write a number and its unit, such as "90s", "15m", "24h" or "400d"`, b)
	}
	*d = Duration(v)
	return nil
}

// Size is a number of bytes, in the file such as "64MiB", or the plain number.
type Size int64

// units from the greatest, so that String finds the shortest form; their
// suffixes do not end in one another but for "B".
var units = []struct {
	suffix string
	bytes  Size
}{{"GiB", 1 << 30}, {"MiB", 1 << 20}, {"KiB", 1 << 10}, {"B", 1}}

// String returns the form that the file has.
func (s Size) String() string {
	for _, u := range units {
		if s != 0 && s%u.bytes == 0 {
			return strconv.FormatInt(int64(s/u.bytes), 10) + u.suffix
		}
	}
	return "0"
}

// MarshalText returns the form that the file has.
func (s Size) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText reads a whole number with a binary unit or none.
func (s *Size) UnmarshalText(b []byte) error {
	text, unit := string(b), Size(1)
	for _, u := range units {
		if number, ok := strings.CutSuffix(text, u.suffix); ok {
			text, unit = number, u.bytes
			break
		}
	}
	n, err := strconv.ParseUint(text, 10, 63)
	if _, negative := strconv.ParseUint(strings.TrimPrefix(text, "-"), 10, 63); err != nil && negative == nil {
		return fmt.Errorf("%.40q is negative: a size is 0 or more", b)
	}
	switch {
	case errors.Is(err, strconv.ErrRange), err == nil && n > math.MaxInt64/uint64(unit):
		return fmt.Errorf("%.40q is too large: a size is at most %dGiB", b, math.MaxInt64/units[0].bytes)
	case err != nil:
		return fmt.Errorf(`%.40q is not a size: write a whole number of bytes, or with a unit such as "512KiB", "64MiB" or "1GiB"`, b)
	}
	*s = Size(n) * unit
	return nil
}

// Digest is a SHA-256, in the file 64 characters of lower-case hex.
type Digest [32]byte

// String returns the form that the file has.
func (d Digest) String() string { return hex.EncodeToString(d[:]) }

// MarshalText returns the form that the file has.
func (d Digest) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// UnmarshalText reads exactly 64 characters of lower-case hex. The error never
// repeats the text, which may be a key that should have been hashed.
func (d *Digest) UnmarshalText(b []byte) error {
	var v Digest
	if len(b) == hex.EncodedLen(len(v)) {
		if _, err := hex.Decode(v[:], b); err == nil && v.String() == string(b) {
			*d = v
			return nil
		}
	}
	return fmt.Errorf("not a SHA-256: want %d characters of lower-case hex", hex.EncodedLen(len(v)))
}

// Lost is a range of entries that are known to be lost, in the file "EPOCH 5-9", by seq in
// the journal of an epoch, or "LOG 12-19", by index in a log. "5" is one entry. Of an epoch
// "5-" has no end; of a log "0-" is all of it, when it has been left for another one.
type Lost struct {
	// Where is an epoch's id in lower-case hex, or a log's name, "+" and the hash of its
	// key, as its verifier key begins.
	Where       string
	First, Last uint64
}

// String returns the form that the file has.
func (l Lost) String() string {
	span := strconv.FormatUint(l.First, 10)
	switch {
	case l.Last == math.MaxUint64:
		span += "-"
	case l.Last != l.First:
		span += "-" + strconv.FormatUint(l.Last, 10)
	}
	return l.Where + " " + span
}

// MarshalText returns the form that the file has.
func (l Lost) MarshalText() ([]byte, error) { return []byte(l.String()), nil }

// UnmarshalText reads the form that String returns, and no other.
func (l *Lost) UnmarshalText(b []byte) error {
	where, span, _ := strings.Cut(string(b), " ")
	first, last, ranged := strings.Cut(span, "-")
	v := Lost{Where: where}
	var err error
	v.First, err = strconv.ParseUint(first, 10, 64)
	switch {
	case err != nil || !ranged:
		v.Last = v.First
	case last == "":
		v.Last = math.MaxUint64
	default:
		v.Last, err = strconv.ParseUint(last, 10, 64)
	}
	log := logForm.MatchString(where)
	if err != nil || !log && !epochForm.MatchString(where) || v.First > v.Last || v.String() != string(b) || log && ranged && last == "" && v.First > 0 {
		return errors.New(`not a range of lost entries: write "EPOCH 5-9", or "5-" to its end, with the epoch's 32 characters of hex, or "LOG 12-19" with the name+hash that the log's key begins with`)
	}
	*l = v
	return nil
}

var (
	wholeDays = regexp.MustCompile(`^-?[1-9][0-9]*d$`)
	epochForm = regexp.MustCompile(`^[0-9a-f]{32}$`)
	logForm   = regexp.MustCompile(`^[^ +]+\+[0-9a-f]{8}$`)
)
