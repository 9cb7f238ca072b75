package session

import (
	"testing"

	"pgregory.net/rapid"
)

// TestMarkSet holds it against a map, with marks of which many have the same place and
// some are of zeros.
func TestMarkSet(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var s markSet
		known, owed := make(map[mark]uint32), make(map[mark]bool)
		draw := rapid.Custom(func(t *rapid.T) (m mark) {
			m[0] = rapid.SampledFrom([]byte{0, 1, 14, 15, 255}).Draw(t, "place")
			m[15] = rapid.Byte().Draw(t, "mark")
			return m
		})
		for by := range uint32(rapid.IntRange(1, 40).Draw(t, "appends")) {
			marks := rapid.SliceOfN(draw, 0, 20).Draw(t, "marks")
			s.room(len(marks))
			var fresh []mark
			for i := range marks {
				_, was := known[marks[i]]
				if s.add(&marks[i], by) == was {
					t.Fatalf("%x: known %v", marks[i], was)
				}
				if !was {
					known[marks[i]] = by
					if owed[marks[i]] = rapid.Bool().Draw(t, "ends"); owed[marks[i]] {
						s.owe(&marks[i])
					}
					fresh = append(fresh, marks[i])
				}
			}
			if rapid.Bool().Draw(t, "refused") {
				for i := range fresh {
					s.forget(&fresh[i])
					delete(known, fresh[i])
					delete(owed, fresh[i])
				}
			}
			for _, m := range append(marks, mark{}, draw.Draw(t, "other")) {
				want, is := known[m]
				if !is {
					want = notSeen
				}
				if got := s.by(&m); got != want {
					t.Fatalf("%x: by %d, want %d", m, got, want)
				}
			}
			for i := range marks {
				if rapid.Bool().Draw(t, "settled") {
					if got := s.settle(&marks[i]); got != owed[marks[i]] {
						t.Fatalf("%x: settled %v, want %v", marks[i], got, owed[marks[i]])
					}
					delete(owed, marks[i])
				}
			}
			if 3*s.taken > 2*len(s.slots) {
				t.Fatalf("%d of %d slots are taken", s.taken, len(s.slots))
			}
		}
	})
}
