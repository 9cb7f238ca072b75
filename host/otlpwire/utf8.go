package otlpwire

import (
	"encoding/binary"
	"unicode/utf8"
)

// validUTF8 is utf8.Valid, faster over ASCII, which most text is for long stretches.
func validUTF8(b []byte) bool {
	const high = 0x8080808080808080
	for {
		for len(b) >= 32 && (binary.LittleEndian.Uint64(b)|binary.LittleEndian.Uint64(b[8:])|binary.LittleEndian.Uint64(b[16:])|binary.LittleEndian.Uint64(b[24:]))&high == 0 {
			b = b[32:]
		}
		if len(b) < 32 {
			return validTail(b)
		}
		// What is no ASCII is checked to the beginning of a character, and those of text are
		// not longer than four bytes.
		n := min(64, len(b))
		for k := 0; k < 3 && n < len(b) && !utf8.RuneStart(b[n]); k++ {
			n--
		}
		if !utf8.Valid(b[:n]) {
			return false
		}
		b = b[n:]
	}
}

// validTail is validUTF8 of less than 32 bytes: of words that overlap, where it can.
func validTail(b []byte) bool {
	const high = 0x8080808080808080
	n := len(b)
	switch {
	case n >= 16:
		if (binary.LittleEndian.Uint64(b)|binary.LittleEndian.Uint64(b[8:])|binary.LittleEndian.Uint64(b[n-16:])|binary.LittleEndian.Uint64(b[n-8:]))&high == 0 {
			return true
		}
	case n >= 8:
		if (binary.LittleEndian.Uint64(b)|binary.LittleEndian.Uint64(b[n-8:]))&high == 0 {
			return true
		}
	case n >= 4:
		if (binary.LittleEndian.Uint32(b)|binary.LittleEndian.Uint32(b[n-4:]))&(high>>32) == 0 {
			return true
		}
	}
	return utf8.Valid(b)
}
