package journal

import (
	"encoding/binary"
	"fmt"
	"math/bits"
	"slices"
	"sync"

	"github.com/veriproof/notary/sdk/receipt"
)

// A Content is the plaintext of a segment.
type Content struct {
	Tenant  string
	Session []byte
	Records []receipt.Record
}

// Plaintext layout, integers in big endian, frame(b) = u32 length || b:
//
//	u32 content length || content || zero padding
//	content = frame(tenant) || frame(session) || u32 n contexts, each a frame
//	       || u32 n records, each: kind (1) || u32 resource || u32 scope || frame(edits) || frame(record)
//
// resource and scope are indices into the contexts.

// encode appends the content, with its length, to b.
func (c *Content) encode(b []byte, t *contexts) []byte {
	size := 4 + 4 + len(c.Tenant) + 4 + len(c.Session) + 8
	for i := range c.Records {
		t.add(&c.Records[i])
		size += 1 + 4 + 4 + 4 + len(c.Records[i].Edits) + 4 + len(c.Records[i].Bytes)
	}
	for _, x := range t.bytes {
		size += 4 + len(x)
	}
	b = slices.Grow(b, padded(size))
	head := len(b)
	b = append(b, 0, 0, 0, 0)
	b = frame(b, c.Tenant)
	b = frame(b, c.Session)
	b = binary.BigEndian.AppendUint32(b, uint32(len(t.bytes)))
	for _, x := range t.bytes {
		b = frame(b, x)
	}
	b = binary.BigEndian.AppendUint32(b, uint32(len(c.Records)))
	for i := range c.Records {
		r, at := &c.Records[i], t.of[i]
		b = append(b, byte(r.Kind))
		b = binary.BigEndian.AppendUint32(b, at.resource)
		b = binary.BigEndian.AppendUint32(b, at.scope)
		b = frame(b, r.Edits)
		b = frame(b, r.Bytes)
	}
	binary.BigEndian.PutUint32(b[head:], uint32(len(b)-head-4))
	return b
}

// pad is encode with the padding behind it.
func (c *Content) pad(b []byte, t *contexts) []byte {
	head := len(b)
	b = c.encode(b, t)
	n := len(b)
	b = b[:head+padded(n-head)]
	clear(b[n:])
	return b
}

// padded rounds a length up by the Padmé scheme (Nikitin et al., "Reducing
// Metadata Leakage from Encrypted Files and Communication with PURBs", PoPETs
// 2019, section 4): at most 12 % more, and the length tells only O(log log n)
// bits. The least length is 256 bytes.
func padded(n int) int {
	if n <= 256 {
		return 256
	}
	e := bits.Len(uint(n)) - 1
	s := bits.Len(uint(e))
	mask := 1<<(e-s) - 1
	return (n + mask) &^ mask
}

// contexts numbers the distinct contexts of a segment, and hashes each once: tens of
// thousands of records may share one of a megabyte, and a sender decides both numbers.
// Two of them are the same if their hashes are. The zero value is empty.
type contexts struct {
	of     []place  // by record
	bytes  [][]byte // by number
	hashes []receipt.Hash

	seen   map[memory]uint32
	byHash map[receipt.Hash]uint32
	last   place // of the record before: nearly always that of the next
	lastAt [2]memory
}

// A place has the numbers of a record's contexts.
type place struct{ resource, scope uint32 }

// A memory tells slices apart by where they lie.
type memory struct {
	first  *byte
	length int
}

func memoryOf(b []byte) memory {
	if len(b) == 0 {
		return memory{}
	}
	return memory{&b[0], len(b)}
}

func (t *contexts) add(r *receipt.Record) {
	at := [2]memory{memoryOf(r.Resource), memoryOf(r.Scope)}
	if len(t.of) == 0 || at != t.lastAt {
		t.last, t.lastAt = place{t.number(r.Resource, at[0]), t.number(r.Scope, at[1])}, at
	}
	t.of = append(t.of, t.last)
}

func (t *contexts) number(b []byte, at memory) uint32 {
	if n, ok := t.seen[at]; ok {
		return n
	}
	if t.seen == nil {
		t.seen, t.byHash = make(map[memory]uint32), make(map[receipt.Hash]uint32)
	}
	h := sha256Sum(b)
	n, ok := t.byHash[h]
	if !ok {
		n = uint32(len(t.bytes))
		t.byHash[h], t.bytes, t.hashes = n, append(t.bytes, b), append(t.hashes, h)
	}
	t.seen[at] = n
	return n
}

// reset empties t and keeps its memory.
func (t *contexts) reset() {
	clear(t.bytes)
	clear(t.seen)
	clear(t.byHash)
	*t = contexts{of: t.of[:0], bytes: t.bytes[:0], hashes: t.hashes[:0], seen: t.seen, byHash: t.byHash}
}

// A sealing is the memory that sealing a segment takes: the plaintext, which is wiped
// before another uses it, and is apart from what storage gets at any time.
type sealing struct {
	plain      []byte
	contexts   contexts
	nonce, aad []byte
}

// keepPlain bounds the plaintexts whose memory is kept, and keepRecords their records.
const (
	keepPlain   = 1 << 20
	keepRecords = 1 << 12
)

var sealings = sync.Pool{New: func() any { return new(sealing) }}

func (s *sealing) free() {
	clear(s.plain)
	if cap(s.plain) > keepPlain || len(s.contexts.of) > keepRecords {
		return
	}
	s.plain = s.plain[:0]
	s.contexts.reset()
	sealings.Put(s)
}

func parseContent(b []byte) (*Content, error) {
	p := parser{b: b}
	p.b = p.take(int(p.uint32()))
	c := &Content{Tenant: string(p.frame()), Session: p.frame()}
	contexts := make([][]byte, p.count(4))
	for i := range contexts {
		contexts[i] = p.frame()
	}
	c.Records = make([]receipt.Record, p.count(17))
	for i := range c.Records {
		r := &c.Records[i]
		r.Kind = receipt.Kind(p.byte())
		resource, scope := p.uint32(), p.uint32()
		if p.bad || resource >= uint32(len(contexts)) || scope >= uint32(len(contexts)) {
			return nil, fmt.Errorf("%w: record %d is malformed", ErrSegment, i)
		}
		r.Resource, r.Scope = contexts[resource], contexts[scope]
		r.Edits, r.Bytes = p.frame(), p.frame()
	}
	if p.bad || len(p.b) != 0 {
		return nil, fmt.Errorf("%w: content is malformed", ErrSegment)
	}
	return c, nil
}

// A parser reads bounded fields; after the first that does not fit, bad is set
// and everything reads as empty.
type parser struct {
	b   []byte
	bad bool
}

func (p *parser) take(n int) []byte {
	if n < 0 || n > len(p.b) {
		p.bad, p.b = true, nil
		return nil
	}
	f := p.b[:n:n]
	p.b = p.b[n:]
	return f
}

func (p *parser) byte() byte {
	if f := p.take(1); f != nil {
		return f[0]
	}
	return 0
}

func (p *parser) uint32() uint32 {
	if f := p.take(4); f != nil {
		return binary.BigEndian.Uint32(f)
	}
	return 0
}

func (p *parser) frame() []byte { return p.take(int(p.uint32())) }

// count reads a number of items of at least size bytes each, which bounds what
// a lying count can make us allocate.
func (p *parser) count(size int) int {
	n := p.uint32() // compared as unsigned: int has 32 bits on some platforms
	if uint64(n) > uint64(len(p.b)/size) {
		p.bad, p.b = true, nil
		return 0
	}
	return int(n)
}

func frame[T string | []byte](b []byte, f T) []byte {
	b = binary.BigEndian.AppendUint32(b, uint32(len(f)))
	return append(b, f...)
}
