package stream

import (
	"cmp"
	"encoding/binary"
	"encoding/hex"
	"math"
	"slices"
	"strings"
)

// A stream is what is known of one.
type stream struct {
	key      string
	seed     uint32
	segments []*segment // by first number
	// owned: this process appends, knows the end by itself, and what stands before it
	// is durable.
	owned bool
	// failed: a write to the last segment had an unknown outcome.
	failed bool
}

// numberDigits is the length of a number in a file's name.
const numberDigits = 16

func fileName(key string, first uint64) string {
	b := append(append([]byte(nil), key...), '_')
	return string(hex.AppendEncode(b, binary.BigEndian.AppendUint64(nil, first)))
}

// parseFileName is the inverse of fileName; ok is false for any other file.
func parseFileName(name string) (key string, first uint64, ok bool) {
	key, digits, ok := strings.Cut(name, "_")
	if !ok || !validKey(key) || len(digits) != numberDigits || strings.ToLower(digits) != digits {
		return "", 0, false
	}
	b, err := hex.DecodeString(digits)
	if err != nil {
		return "", 0, false
	}
	return key, binary.BigEndian.Uint64(b), true
}

// validKey is the rule of package abi for keys of objects, but that it may not be
// known here.
func validKey(key string) bool {
	if key == "" || len(key) > 120 {
		return false
	}
	for i := range len(key) {
		c := key[i]
		alnum := c >= 'a' && c <= 'z' || c >= '0' && c <= '9'
		if !alnum && (c != '.' && c != '-' || i == 0 || i == len(key)-1) {
			return false
		}
	}
	return true
}

// set takes over which segments there are.
func (s *stream) set(firsts []uint64) {
	slices.Sort(firsts)
	s.segments = nil
	for _, first := range firsts {
		s.segments = append(s.segments, &segment{stream: s, first: first})
	}
}

// limit is the number from which on a segment's frames do not count.
func (s *stream) limit(i int) uint64 {
	if i+1 < len(s.segments) {
		return s.segments[i+1].first
	}
	return math.MaxUint64
}

// at returns the index of the segment that a number lies in, or -1.
func (s *stream) at(number uint64) int {
	i, ok := slices.BinarySearchFunc(s.segments, number, func(g *segment, n uint64) int { return cmp.Compare(g.first, n) })
	if ok {
		return i
	}
	return i - 1
}

// tail is the last segment, or nil.
func (s *stream) tail() *segment {
	if len(s.segments) == 0 {
		return nil
	}
	return s.segments[len(s.segments)-1]
}
