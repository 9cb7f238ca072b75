package pluginhost

import (
	"bytes"
	"context"
	"iter"
)

// Bounds of the residual scan, in bytes.
const (
	minResidual = 6       // shorter values would hit everywhere by chance
	maxResidual = 4 << 10 // longer values are whole documents and not searched for
	// maxEntries bounds the entries of different values that are looked for at a time, and by
	// that the index's memory to some 40 MiB.
	maxEntries = 1 << 18
)

// residual returns the places where a value that was reported once stands
// again, outside or across the borders of the edits. A detector may know a
// value by its surroundings ("password: …") and miss it where they lack.
//
// A value inside of another one that was reported is looked for, too. Of more values than
// there is room for, some are looked for after the others.
func (s *Set) residual(ctx context.Context, fields []Field, like *alike, edits []Edit, values iter.Seq[Edit]) ([]Edit, error) {
	out := editList{like: like, most: maxEdits}
	var x *index // of most requests, none
	look := func() error {
		x.build()
		at := 0 // the first edit that may cover a hit
		for f := range fields {
			if like.repeats(f) {
				continue
			}
			if ctx.Err() != nil {
				return context.Cause(ctx)
			}
			at = x.scan(fields[f].Text, f, edits, at, &out)
		}
		return nil
	}
	for e := range values {
		for _, text := range toLookFor(fields[e.Field].Text[e.Start:e.End]) {
			if len(text) == 0 {
				continue
			}
			if x != nil && x.entries+entriesOf(text) > maxEntries {
				if err := look(); err != nil {
					return nil, err
				}
				x = nil
			}
			if x == nil {
				x = newIndex()
			}
			x.insert(text, e)
		}
	}
	if x == nil {
		return nil, nil
	}
	err := look()
	return out.edits, err
}

// toLookFor returns what to look for when this value was reported: the value, itself without what is
// around it, and the secret in that. Each may be empty.
func toLookFor(value []byte) (texts [3][]byte) {
	if len(value) < minResidual || len(value) > maxResidual {
		return texts
	}
	texts[0] = value
	bare := bareValue(value)
	if n := len(bare); n >= minResidual && n < len(value) {
		texts[1] = bare
	}
	if secret := secretPart(bare); len(secret) >= minResidual {
		texts[2] = secret
	}
	return texts
}

// bareValue returns a value without what belongs to the text around it, where a redactor cannot tell: a sign
// before it, and what closes something where nothing is opened in it, as of {"password":84736251}.
func bareValue(value []byte) []byte {
	if isNumbers(value) {
		return value
	}
	bare := bytes.TrimLeft(value, ":=")
	if !bytes.ContainsAny(bare, "{[(<") {
		bare = bytes.TrimRight(bare, "}])>")
	}
	if len(bare) == 0 {
		return value
	}
	return bare
}

// secretPart returns what follows the name in a value such as admin:hunter2x or
// password="hunter2x", which a redactor reports as one: the secret may stand alone
// elsewhere. Addresses, dates and times, which are numbers between colons, have none.
func secretPart(value []byte) []byte {
	at := bytes.IndexAny(value, ":=")
	if at < 1 || isNumbers(value) {
		return nil
	}
	return bytes.Trim(value[at+1:], " \t\"'")
}

// isNumbers reports whether there is nothing in a value but groups of up to four
// hexadecimal digits and what separates them.
func isNumbers(value []byte) bool {
	digits := 0
	for _, c := range value {
		switch {
		case c == ':' || c == '.' || c == '-' || c == '/' || c == ' ':
			digits = 0
		case '0' <= c && c <= '9' || 'a' <= c|0x20 && c|0x20 <= 'f':
			if digits++; digits > 4 {
				return false
			}
		default:
			return false
		}
	}
	return true
}
