package session

import "encoding/binary"

// A markSet says of the marks of a part by which of its appends each came. The zero value
// is empty.
//
// It is a hash table with open addressing, and a mark is its own hash: one place in memory
// is looked at for most marks, where a map has two. Memory is what a lookup consists of: a
// part's table is seldom in a cache. Senders cannot choose places, since the key of marks
// is secret. Nothing in it is a pointer, so the collector does not read it.
type markSet struct {
	slots []markSlot // a power of two, at most two thirds of which are taken
	taken int
}

type markSlot struct {
	mark mark
	by   uint32 // one more than the number of the append, and perhaps owes; 0 in a free slot
}

// notSeen is the number of no append: each has a mark in memory at least.
const notSeen = owes - 2

// owes is set while a record has been queued that ends sessions, which has not been done.
const owes = 1 << 31

const leastSlots = 16

// inPage is less than a page of memory has of slots. Of pages that nothing was written to the
// kernel has one for all; if they are looked at first, each is copied when it is written to,
// and all processors are interrupted to be told.
const inPage = 128

// slot returns where a mark is, or is to be. There is a free slot.
func (s *markSet) slot(m *mark) *markSlot {
	last := uint64(len(s.slots) - 1)
	for i := binary.LittleEndian.Uint64(m[:]) & last; ; i = (i + 1) & last {
		if at := &s.slots[i]; at.by == 0 || at.mark == *m {
			return at
		}
	}
}

// by returns the number of the append, or notSeen.
func (s *markSet) by(m *mark) uint32 {
	if s.taken == 0 {
		return notSeen
	}
	if at := s.slot(m); at.by != 0 {
		return at.by&^owes - 1
	}
	return notSeen
}

// add notes a mark, unless it has been seen, and reports whether it did. There has to be
// room.
func (s *markSet) add(m *mark, by uint32) bool {
	at := s.slot(m)
	if at.by == 0 {
		at.mark, s.taken = *m, s.taken+1
	} else if at.by != notSeen+1 {
		return false
	}
	at.by = by + 1
	return true
}

// forget makes a mark not seen. Its slot stays taken, since others may lie behind it.
func (s *markSet) forget(m *mark) {
	if at := s.slot(m); at.by != 0 {
		at.by = notSeen + 1
	}
}

// owe says that a mark that was added is of a record that ends sessions.
func (s *markSet) owe(m *mark) { s.slot(m).by |= owes }

// settle reports whether that is still to be done, and says that it is done now.
func (s *markSet) settle(m *mark) bool {
	if s.taken == 0 {
		return false
	}
	at := s.slot(m)
	owed := at.by&owes != 0
	at.by &^= owes
	return owed
}

// room makes room for n marks more.
func (s *markSet) room(n int) {
	size := max(len(s.slots), leastSlots)
	for 3*(s.taken+n) > 2*size {
		size *= 2
	}
	if size == len(s.slots) {
		return
	}
	before := s.slots
	s.slots, s.taken = make([]markSlot, size), 0
	for i := 0; i < size; i += inPage {
		s.slots[i].by = 0
	}
	for i := range before {
		if b := &before[i]; b.by != 0 && b.by != notSeen+1 {
			*s.slot(&b.mark), s.taken = *b, s.taken+1
		}
	}
}
