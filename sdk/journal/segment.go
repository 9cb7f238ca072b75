package journal

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math/bits"

	"github.com/veriproof/notary/attestation/transcript"
	"github.com/veriproof/notary/sdk/receipt"
)

// A Segment is the body of a segment entry: the records of one session from one
// export request. Its leaf hashes are in clear (salted, they tell nothing), so
// that a restarted notary and an auditor rebuild every root without any secret,
// also after an erasure.
//
// Encoding, integers in big endian:
//
//	format (1, value 1) || DEK commitment (32) || SHA-256(wrapped DEK) (32) || u32 n || n leaf hashes (32 each) || ciphertext
type Segment struct {
	DEKCommitment receipt.Hash
	WrappedDEK    receipt.Hash // SHA-256 of the wrapped DEK
	Leaves        []receipt.Hash
	Ciphertext    []byte

	// room is the memory before a ciphertext that was sealed here, for the rest of the
	// body, so that nothing is copied.
	room []byte
}

// MaxLeaves bounds the records of one segment.
const MaxLeaves = 1 << 20

const segmentPrefix = 1 + 32 + 32 + 4

// ErrSegment says that a segment is malformed or does not open.
var ErrSegment = errors.New("segment does not open")

// Encode returns the segment's body bytes. They are made in place, if the segment was
// sealed here: whoever changes them changes the segment.
func (s *Segment) Encode() []byte {
	head := segmentPrefix + 32*len(s.Leaves)
	inPlace := len(s.room) == head && cap(s.room) >= head+len(s.Ciphertext) && len(s.Ciphertext) > 0 && &s.room[:head+1][head] == &s.Ciphertext[0]
	b := s.room[:0]
	if !inPlace {
		b = make([]byte, 0, head+len(s.Ciphertext))
	}
	b = append(b, formatV1)
	b = append(b, s.DEKCommitment[:]...)
	b = append(b, s.WrappedDEK[:]...)
	b = binary.BigEndian.AppendUint32(b, uint32(len(s.Leaves)))
	for i := range s.Leaves {
		b = append(b, s.Leaves[i][:]...)
	}
	if inPlace {
		return b[: head+len(s.Ciphertext) : head+len(s.Ciphertext)]
	}
	return append(b, s.Ciphertext...)
}

// ParseSegment reads a segment's body. The ciphertext points into b.
func ParseSegment(b []byte) (*Segment, error) {
	if len(b) < segmentPrefix || b[0] != formatV1 {
		return nil, fmt.Errorf("%w: malformed body of %d bytes", ErrSegment, len(b))
	}
	s := &Segment{DEKCommitment: receipt.Hash(b[1:33]), WrappedDEK: receipt.Hash(b[33:65])}
	n := binary.BigEndian.Uint32(b[65:])
	b = b[segmentPrefix:]
	if n == 0 || n > MaxLeaves || int(n) > len(b)/32 {
		return nil, fmt.Errorf("%w: %d leaves in %d bytes", ErrSegment, n, len(b))
	}
	s.Leaves = make([]receipt.Hash, n)
	for i := range s.Leaves {
		s.Leaves[i], b = receipt.Hash(b[:32]), b[32:]
	}
	s.Ciphertext = b
	return s, nil
}

// A Content is the plaintext of a segment.
type Content struct {
	Tenant  string
	Session []byte
	Records []receipt.Record
}

// segmentAAD binds a ciphertext to its place: moved to another epoch, session,
// part or number, it does not open.
func segmentAAD(id receipt.PartID, number uint64) []byte {
	return partTuple("veriproof-notary/segment/v1", id).Uint64(number).Encode()
}

// segmentNonce is u32 0 || u64 segment number, big endian. The key is the
// part's own and a number is never used twice, so no nonce repeats.
func segmentNonce(number uint64) []byte {
	return be64(make([]byte, 4, 12), number)
}

// SealSegment hashes and encrypts the records of one segment. A number must
// never be used twice with the same keys: the caller takes it under the part's
// lock.
func (k *PartKeys) SealSegment(number uint64, wrappedDEK receipt.Hash, c *Content) *Segment {
	s := &Segment{DEKCommitment: k.Commitment, WrappedDEK: wrappedDEK, Leaves: make([]receipt.Hash, len(c.Records))}
	contexts, m := make(contextHashes), k.leaves()
	for i := range c.Records {
		r := &c.Records[i]
		s.Leaves[i] = r.ContextLeafHash(m.value(saltDomain, number, uint32(i)), receipt.EditCommitment(m.value(editKeyDomain, number, uint32(i)), r.Edits),
			contexts.of(r.Resource), contexts.of(r.Scope))
	}
	head := segmentPrefix + 32*len(s.Leaves)
	room := c.pad(contexts, head)
	plain := room[head:]
	s.room = room[:head]
	s.Ciphertext = k.segment.Seal(plain[:0], segmentNonce(number), plain, segmentAAD(k.ID, number))
	return s
}

// OpenSegment decrypts a segment and checks that its leaf hashes are those of
// the records.
func (k *PartKeys) OpenSegment(number uint64, s *Segment) (*Content, error) {
	if s.DEKCommitment != k.Commitment {
		return nil, fmt.Errorf("%w: segment %d is committed to another key", ErrSegment, number)
	}
	plain, err := k.segment.Open(nil, segmentNonce(number), s.Ciphertext, segmentAAD(k.ID, number))
	if err != nil {
		return nil, fmt.Errorf("%w: segment %d was changed or moved, or the key is another", ErrSegment, number)
	}
	c, err := parseContent(plain)
	if err != nil {
		return nil, err
	}
	if len(c.Records) != len(s.Leaves) {
		return nil, fmt.Errorf("%w: segment %d has %d records and %d leaves", ErrSegment, number, len(c.Records), len(s.Leaves))
	}
	contexts, m := make(contextHashes), k.leaves()
	for i := range c.Records {
		r := &c.Records[i]
		if r.ContextLeafHash(m.value(saltDomain, number, uint32(i)), receipt.EditCommitment(m.value(editKeyDomain, number, uint32(i)), r.Edits),
			contexts.of(r.Resource), contexts.of(r.Scope)) != s.Leaves[i] {
			return nil, fmt.Errorf("%w: record %d of segment %d is not the one its leaf commits to", ErrSegment, i, number)
		}
	}
	return c, nil
}

// Plaintext layout, integers in big endian, frame(b) = u32 length || b:
//
//	u32 content length || content || zero padding
//	content = frame(tenant) || frame(session) || u32 n contexts, each a frame
//	       || u32 n records, each: kind (1) || u32 resource || u32 scope || frame(edits) || frame(record)
//
// resource and scope are indices into the contexts.

// encode lays the content out behind so many bytes for its caller.
func (c *Content) encode(hashes contextHashes, head int) []byte {
	size := 4 + 4 + len(c.Tenant) + 4 + len(c.Session) + 8
	index := make(map[receipt.Hash]uint32)
	var contexts [][]byte
	intern := func(b []byte) uint32 {
		h := hashes.of(b)
		at, ok := index[h]
		if !ok {
			at = uint32(len(contexts))
			index[h], contexts = at, append(contexts, b)
			size += 4 + len(b)
		}
		return at
	}
	type place struct{ resource, scope uint32 }
	places := make([]place, len(c.Records))
	for i := range c.Records {
		r := &c.Records[i]
		places[i] = place{intern(r.Resource), intern(r.Scope)}
		size += 1 + 4 + 4 + 4 + len(r.Edits) + 4 + len(r.Bytes)
	}
	b := make([]byte, head+4, head+padded(size)+16)
	b = frame(b, []byte(c.Tenant))
	b = frame(b, c.Session)
	b = binary.BigEndian.AppendUint32(b, uint32(len(contexts)))
	for _, x := range contexts {
		b = frame(b, x)
	}
	b = binary.BigEndian.AppendUint32(b, uint32(len(c.Records)))
	for i := range c.Records {
		r := &c.Records[i]
		b = append(b, byte(r.Kind))
		b = binary.BigEndian.AppendUint32(b, places[i].resource)
		b = binary.BigEndian.AppendUint32(b, places[i].scope)
		b = frame(b, r.Edits)
		b = frame(b, r.Bytes)
	}
	binary.BigEndian.PutUint32(b[head:], uint32(len(b)-head-4))
	return b
}

func (c *Content) pad(hashes contextHashes, head int) []byte {
	b := c.encode(hashes, head)
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

func frame(b, f []byte) []byte {
	b = binary.BigEndian.AppendUint32(b, uint32(len(f)))
	return append(b, f...)
}

func be64(b []byte, n uint64) []byte { return binary.BigEndian.AppendUint64(b, n) }
func readBE64(b []byte) uint64       { return binary.BigEndian.Uint64(b) }

// contextHashes remembers the hash of each context by where it lies in memory:
// tens of thousands of records may share one of a megabyte, and a sender decides
// both numbers.
type contextHashes map[contextRef]receipt.Hash

type contextRef struct {
	first  *byte
	length int
}

func (h contextHashes) of(context []byte) receipt.Hash {
	var ref contextRef
	if len(context) > 0 {
		ref = contextRef{&context[0], len(context)}
	}
	sum, ok := h[ref]
	if !ok {
		sum = sha256Sum(context)
		h[ref] = sum
	}
	return sum
}

// CloseCommitment is what goes to the log when an epoch ends, by a close or a
// fence entry at seq with this chain value.
func CloseCommitment(epoch receipt.Epoch, seq uint64, chain receipt.Hash) receipt.Hash {
	return transcript.New("veriproof-notary/close-commitment/v1").Bytes(epoch[:]).Uint64(seq).Bytes(chain[:]).Sum()
}

// CheckpointCommitment is what goes to the log about a chain that grows. The
// 32 random bytes stay in the checkpoint entry, so that the log tells nothing.
func CheckpointCommitment(epoch receipt.Epoch, seq uint64, chain receipt.Hash, random [32]byte) receipt.Hash {
	return transcript.New("veriproof-notary/checkpoint/v1").Bytes(epoch[:]).Uint64(seq).Bytes(chain[:]).Bytes(random[:]).Sum()
}
