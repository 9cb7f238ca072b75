package journal

import (
	"bytes"
	"encoding/binary"
	"sync"

	"github.com/veriproof/notary/attestation/transcript"
	"github.com/veriproof/notary/sdk/journal/internal/sha256x2"
	"github.com/veriproof/notary/sdk/receipt"
)

// twoAtOnce says whether hashes are made two at a time. Tests turn it off.
var twoAtOnce = sha256x2.Available()

// sealedLeaves returns the leaf hashes of records that are being sealed. They are those of
// leafHashes, which whoever opens a segment holds them against, and take half of the
// time: nothing in one record's hashes waits for another's.
func (k *PartKeys) sealedLeaves(number uint64, c *Content, t *contexts) []receipt.Hash {
	if !twoAtOnce {
		return k.leafHashes(number, c, t)
	}
	w := leafWorks.Get().(*leafWork)
	defer w.free()
	leaves := make([]receipt.Hash, len(c.Records))
	w.key(&k.salt, number)
	for first := 0; first < len(leaves); first += leavesAtOnce {
		last := min(first+leavesAtOnce, len(leaves))
		w.hash(leaves[first:last], uint32(first), c.Records[first:last], t.of[first:last], t.hashes)
	}
	return leaves
}

// leavesAtOnce is of how many records the work is in memory that stays near.
const leavesAtOnce = 16

// A leafWork has the memory for the hashes of some leaves, step by step. What it holds
// tells salts, keys and the beginning of records.
type leafWork struct {
	hasher   sha256x2.Hasher
	salting  [2]sha256x2.State // of the part's salt key: inner and outer
	fields   [2][]byte         // what salts and edit keys are MACs of, but for the index
	room     [2][64]byte       // for fields
	list     []byte            // the edit list of the record before
	listed   []byte            // and what its commitment is the MAC of
	messages [2 * leavesAtOnce]sha256x2.Message
	sums     [2 * leavesAtOnce][32]byte // salt and edit key of each; then others
	salts    [leavesAtOnce]receipt.Hash
	texts    [2 * leavesAtOnce][64]byte
	keyed    [leavesAtOnce][2]sha256x2.State
	heads    [leavesAtOnce][receipt.LeafHead]byte
}

var leafWorks = sync.Pool{New: func() any { return new(leafWork) }}

func (w *leafWork) free() {
	*w = leafWork{}
	leafWorks.Put(w)
}

// key begins a segment.
func (w *leafWork) key(salt *[32]byte, segment uint64) {
	w.salting[0], w.salting[1] = sha256x2.Keyed(salt)
	for i, domain := range [2]string{saltDomain, editKeyDomain} {
		w.fields[i] = append(w.room[i][:0], transcript.New(domain).Uint64(segment).Uint64(0).Encode()...)
	}
}

// hash computes the leaves of records that follow one another, the first of which has this
// index.
func (w *leafWork) hash(leaves []receipt.Hash, index uint32, records []receipt.Record, of []place, contexts []receipt.Hash) {
	n := len(records)
	both := w.messages[:2*n]
	for i := range records {
		for j := range 2 {
			m := append(w.texts[2*i+j][:0], w.fields[j]...)
			binary.BigEndian.PutUint64(m[len(m)-8:], uint64(index)+uint64(i))
			both[2*i+j] = sha256x2.Message{Before: &w.salting[0], Blocks: 1, Head: m}
		}
	}
	w.hasher.Sum(both, w.sums[:2*n])
	w.outer(both, func(int) *sha256x2.State { return &w.salting[1] })

	one := w.messages[:n]
	for i := range records {
		w.salts[i] = w.sums[2*i]
		w.keyed[i][0], w.keyed[i][1] = sha256x2.Keyed(&w.sums[2*i+1])
		one[i] = sha256x2.Message{Before: &w.keyed[i][0], Blocks: 1, Body: w.editList(records[i].Edits)}
	}
	w.hasher.Sum(one, w.sums[:n])
	w.outer(one, func(i int) *sha256x2.State { return &w.keyed[i][1] })

	for i := range records {
		r, at := &records[i], of[i]
		w.heads[i] = r.LeafHead(w.salts[i], w.sums[i], contexts[at.resource], contexts[at.scope])
		one[i] = sha256x2.Message{Head: w.heads[i][:], Body: r.Bytes}
	}
	w.hasher.Sum(one, w.sums[:n])
	for i := range leaves {
		leaves[i] = w.sums[i]
	}
}

// outer does the second hash of HMAC over what the first one gave.
func (w *leafWork) outer(messages []sha256x2.Message, keyed func(i int) *sha256x2.State) {
	for i := range messages {
		messages[i] = sha256x2.Message{Before: keyed(i), Blocks: 1, Head: append(w.texts[i][:0], w.sums[i][:]...)}
	}
	w.hasher.Sum(messages, w.sums[:len(messages)])
}

// editList returns what an edit commitment is the MAC of. Most lists are empty.
func (w *leafWork) editList(encoded []byte) []byte {
	if w.listed == nil || !bytes.Equal(encoded, w.list) {
		w.list, w.listed = encoded, receipt.EditList(encoded)
	}
	return w.listed
}
