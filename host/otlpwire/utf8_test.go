package otlpwire

import (
	"math/rand/v2"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"
)

// TestValidUTF8: it says what package utf8 says, whatever stands where and however long
// the text is.
func TestValidUTF8(t *testing.T) {
	pieces := []string{
		"a", "plain text of some length, longer than a word of the machine", "\x00", "\x7f", "é", "€", "😀", "\u07ff", "\uffff", "\U0010ffff",
		"\x80", "\xc0\xaf", "\xe0\x80\x80", "\xed\xa0\x80", "\xf0\x80\x80\x80", "\xf4\x90\x80\x80", "\xff", "\xe2\x82", "\xf0\x9f\x98", "\xc3",
	}
	for at := range 140 {
		for _, piece := range pieces {
			for _, behind := range []int{0, 1, 3, 31, 64} {
				b := append(make([]byte, at), piece...)
				b = append(b, make([]byte, behind)...)
				if got, want := validUTF8(b), utf8.Valid(b); got != want {
					t.Fatalf("%q at %d of %d bytes: %v, want %v", piece, at, len(b), got, want)
				}
			}
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		random := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 1))
		some := pieces
		if rapid.Bool().Draw(t, "valid") {
			some = pieces[:10]
		}
		var b []byte
		for range rapid.IntRange(0, 200).Draw(t, "pieces") {
			b = append(b, some[random.IntN(len(some))]...)
		}
		if got, want := validUTF8(b), utf8.Valid(b); got != want {
			t.Fatalf("%q: %v, want %v", b, got, want)
		}
	})
}
