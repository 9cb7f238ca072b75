package pluginhost

import (
	"math/bits"
	"math/rand/v2"
)

// sums are hashes of the beginnings of a text, from one place on and as far as they were asked for:
// of two of them comes that of any part, however long (Karp and Rabin 1987), so that to compare
// thousands of bytes at each place of a text takes a few steps a place. They are polynomials, at a
// place that no sender knows.
type sums struct {
	at     uint64
	powers [bits.UintSize]uint64 // of it, by the logarithm of the exponent
	text   []byte
	from   int      // where in the text the first of the beginnings ends
	list   []uint64 // of one byte more each
}

const (
	prime    = 1<<61 - 1
	keepSums = 4 * maxResidual
)

func newSums() *sums {
	s := &sums{at: 1<<32 + rand.Uint64N(prime-1<<32), list: make([]uint64, 1, keepSums)}
	s.powers[0] = s.at
	for i := range s.powers[1:] {
		s.powers[i+1] = timesPlus(s.powers[i], s.powers[i], 0)
	}
	return s
}

// timesPlus returns a*b+c modulo the prime, of numbers below it.
func timesPlus(a, b, c uint64) uint64 {
	high, low := bits.Mul64(a, b)
	n := (high<<3 | low>>61) + low&prime + c
	n = n>>61 + n&prime
	if n >= prime {
		n -= prime
	}
	return n
}

// of begins with another text.
func (s *sums) of(text []byte) { s.text, s.from, s.list = text, 0, s.list[:1] }

// part returns the hash of so many bytes at i, a power of two and at most maxResidual. No place is
// further back than that behind another one.
func (s *sums) part(i, n int) uint64 {
	if i-s.from >= len(s.list) {
		s.from, s.list = i, s.list[:1] // what lies between was not asked for
	} else if i+n-s.from >= keepSums {
		from := max(s.from, i-maxResidual)
		s.from, s.list = from, s.list[:copy(s.list, s.list[from-s.from:])]
	}
	for last := len(s.list) - 1; last < i+n-s.from; last++ {
		s.list = append(s.list, timesPlus(s.list[last], s.at, uint64(s.text[s.from+last])+1))
	}
	before := timesPlus(s.list[i-s.from], s.powers[bits.Len(uint(n))-1], 0)
	return timesPlus(1, s.list[i+n-s.from], prime-before)
}
