package sha256x2

import (
	"crypto/sha256"
	"encoding/binary"
)

// Twins makes HMAC-SHA-256 (RFC 2104) of two messages at a time under one key, again and
// again, of which the last eight bytes change. The two messages are laid out once, with
// their padding, and are never looked at by a [Hasher], which takes as long for so short a
// message as the hash of a block does. It is used by one caller at a time.
type Twins struct {
	keyed  [2]State // inner and outer
	texts  [2][2 * block]byte
	blocks int
	last   [2]int         // where the last eight bytes of each begin
	hashes [2][block]byte // what the outer hash is of
}

// MaxTwin is the most bytes of a message.
const MaxTwin = 2*block - 9

// Set begins with a key and messages, of 8 to MaxTwin bytes, that fill equally many blocks.
func (t *Twins) Set(key *[32]byte, messages [2][]byte) {
	t.keyed[0], t.keyed[1] = Keyed(key)
	for i, m := range messages {
		n := copy(t.texts[i][:MaxTwin], m)
		t.last[i] = n - 8
		t.blocks = len(pad(t.texts[i][:n], 8*uint64(block+n))) / block
		pad(t.hashes[i][:sha256.Size], 8*(block+sha256.Size))
	}
}

// Sum puts the MACs of the two messages that end with n, big endian.
func (t *Twins) Sum(n uint64, first, second *[sha256.Size]byte) {
	for i := range t.texts {
		binary.BigEndian.PutUint64(t.texts[i][t.last[i]:], n)
	}
	a, b := t.keyed[0], t.keyed[0]
	blocks(&a, &b, &t.texts[0][0], &t.texts[1][0], t.blocks)
	a.put(t.hashes[0][:])
	b.put(t.hashes[1][:])
	a, b = t.keyed[1], t.keyed[1]
	blocks(&a, &b, &t.hashes[0][0], &t.hashes[1][0], 1)
	a.put(first[:])
	b.put(second[:])
}

// put writes the hash that the state is.
func (s *State) put(sum []byte) {
	for i, at := range [8]int{3, 2, 7, 6, 1, 0, 5, 4} { // A to H
		binary.BigEndian.PutUint32(sum[4*i:], s[at])
	}
}
