// Package sha256x2 hashes many messages, two at a time: how does sealing a segment not
// wait for SHA-256?
//
// The processor's SHA instructions take four times as long as it takes to start the next
// one, and each waits for the one before, so that one message alone leaves them idle half
// of the time. Two messages that have nothing to do with each other fill the gap. Where
// there are no such instructions [Available] says so, and the caller hashes with
// crypto/sha256.
//
// It is for whoever makes hashes. Whoever verifies them uses crypto/sha256, which is
// thereby a second implementation of each.
package sha256x2

import (
	"crypto/sha256"
	"encoding/binary"
)

// A State is what SHA-256 (FIPS 180-4) has after some blocks: the eight words, in the
// order in which the instructions take them: F, E, B, A, H, G, D, C.
type State [8]uint32

// Initial is the state before the first block.
var Initial = State{0x9b05688c, 0x510e527f, 0xbb67ae85, 0x6a09e667, 0x5be0cd19, 0x1f83d9ab, 0xa54ff53a, 0x3c6ef372}

const block = sha256.BlockSize

// MaxHead is the most bytes of a message's Head.
const MaxHead = 3*block - 1

// A Message is what is hashed: Head, of at most MaxHead bytes, and then Body. If Before is
// not nil they follow whole blocks, of Blocks times 64 bytes, that have led to that state.
type Message struct {
	Before     *State
	Blocks     uint64
	Head, Body []byte
}

var fast = available()

// Available says whether this machine can. If not, Sum must not be called.
func Available() bool { return fast }

// pads are ipad and opad of RFC 2104.
var pads = func() (p [2][block]byte) {
	for i := range block {
		p[0][i], p[1][i] = 0x36, 0x5c
	}
	return p
}()

// Keyed returns the states after the first blocks of HMAC (RFC 2104) under a key: inner is
// to be before the text, and outer before the hash of that. Each is of one block.
func Keyed(key *[32]byte) (inner, outer State) {
	p, q := pads[0], pads[1]
	le := binary.LittleEndian
	for i := 0; i < len(key); i += 8 {
		k := le.Uint64(key[i:])
		le.PutUint64(p[i:], k^le.Uint64(p[i:]))
		le.PutUint64(q[i:], k^le.Uint64(q[i:]))
	}
	inner, outer = Initial, Initial
	blocks(&inner, &outer, &p[0], &q[0], 1)
	return inner, outer
}

// A Hasher hashes messages, one set after the other. The zero value is ready. It keeps
// bytes of the last messages until Clear. It is used by one caller at a time.
type Hasher struct{ lanes [2]lane }

// Clear forgets the messages.
func (h *Hasher) Clear() { *h = Hasher{} }

// Sum puts the SHA-256 of each message into sums, which has as many. It allocates nothing.
func (h *Hasher) Sum(messages []Message, sums [][32]byte) {
	a, b := &h.lanes[0], &h.lanes[1]
	for next := 0; ; {
		for _, l := range []*lane{a, b} {
			if l.sum == nil && next < len(messages) {
				l.begin(&messages[next], &sums[next])
				next++
			}
		}
		n, m := a.ready(), b.ready()
		switch {
		case n > 0 && m > 0:
			n = min(n, m)
			blocks(&a.state, &b.state, &a.rest()[0], &b.rest()[0], n)
			a.did(n)
			b.did(n)
		case n > 0:
			a.alone(n)
		case m > 0:
			b.alone(m)
		default:
			return
		}
	}
}

// A lane has a message in pieces of whole blocks: its beginning, put together in memory of
// the lane's own; the middle, where it is; and the end with the padding.
type lane struct {
	state  State
	sum    *[sha256.Size]byte // nil if the lane has no message
	pieces [3][]byte          // without what is done
	piece  int
	head   [5 * block]byte
	end    [2 * block]byte
}

func (l *lane) begin(m *Message, sum *[sha256.Size]byte) {
	l.state, l.sum, l.piece = Initial, sum, 0
	if m.Before != nil {
		l.state = *m.Before
	}
	bits := 8 * (m.Blocks*block + uint64(len(m.Head)) + uint64(len(m.Body)))
	head, body := l.head[:copy(l.head[:MaxHead], m.Head)], m.Body
	if over := len(head) % block; over != 0 {
		n := min(block-over, len(body))
		head, body = append(head, body[:n]...), body[n:]
	}
	if len(head)%block != 0 {
		l.pieces = [3][]byte{pad(head, bits)} // there is no more of it
		return
	}
	whole := len(body) - len(body)%block
	l.pieces = [3][]byte{head, body[:whole], pad(append(l.end[:0], body[whole:]...), bits)}
}

// pad ends a message of so many bits, in the memory behind b.
func pad(b []byte, bits uint64) []byte {
	n := len(b)
	b = b[:(n+1+8+block-1)/block*block]
	clear(b[n:])
	b[n] = 0x80
	binary.BigEndian.PutUint64(b[len(b)-8:], bits)
	return b
}

func (l *lane) rest() []byte { return l.pieces[l.piece] }

// ready returns how many blocks of the message can be done at once, 0 if there is none.
func (l *lane) ready() int {
	if l.sum == nil {
		return 0
	}
	for len(l.rest()) == 0 {
		l.piece++ // the end is never empty before it is done
	}
	return len(l.rest()) / block
}

func (l *lane) did(n int) {
	l.pieces[l.piece] = l.rest()[n*block:]
	if len(l.rest()) > 0 || l.piece < len(l.pieces)-1 && len(l.pieces[len(l.pieces)-1]) > 0 {
		return
	}
	l.state.put(l.sum[:])
	l.sum = nil
}

// alone does n blocks with nothing beside them. The other half repeats it for nobody.
func (l *lane) alone(n int) {
	nobody := l.state
	at := &l.rest()[0]
	blocks(&l.state, &nobody, at, at, n)
	l.did(n)
}
