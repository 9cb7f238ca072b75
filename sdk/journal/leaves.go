package journal

import (
	"bytes"
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
	salting  sha256x2.Twins // salts and edit keys, but for the index
	list     []byte         // the edit list of the record before; the empty one at first
	listed   []byte         // and what its commitment is the MAC of
	messages [leavesAtOnce]sha256x2.Message
	sums     [leavesAtOnce][32]byte
	salts    [leavesAtOnce][32]byte
	texts    [leavesAtOnce][32]byte
	keyed    [leavesAtOnce][2]sha256x2.State
	heads    [leavesAtOnce][receipt.LeafHead]byte
}

var (
	noEdits    = receipt.EncodeEdits(nil)
	noEditList = receipt.EditList(noEdits)
	leafWorks  = sync.Pool{New: func() any { return &leafWork{list: noEdits, listed: noEditList} }}
)

func (w *leafWork) free() {
	*w = leafWork{list: noEdits, listed: noEditList}
	leafWorks.Put(w)
}

// key begins a segment.
func (w *leafWork) key(salt *[32]byte, segment uint64) {
	w.salting.Set(salt, [2][]byte{
		transcript.New(saltDomain).Uint64(segment).Uint64(0).Encode(),
		transcript.New(editKeyDomain).Uint64(segment).Uint64(0).Encode(),
	})
}

// hash computes the leaves of records that follow one another, the first of which has this
// index.
func (w *leafWork) hash(leaves []receipt.Hash, index uint32, records []receipt.Record, of []place, contexts []receipt.Hash) {
	n := len(records)
	one := w.messages[:n]
	for i := range records {
		var editKey [32]byte
		w.salting.Sum(uint64(index)+uint64(i), &w.salts[i], &editKey)
		w.keyed[i][0], w.keyed[i][1] = sha256x2.Keyed(&editKey)
		one[i] = sha256x2.Message{Before: &w.keyed[i][0], Blocks: 1, Body: w.editList(records[i].Edits)}
	}
	w.hasher.Sum(one, w.sums[:n])
	for i := range one { // the second hash of HMAC, over what the first one gave
		one[i] = sha256x2.Message{Before: &w.keyed[i][1], Blocks: 1, Head: append(w.texts[i][:0], w.sums[i][:]...)}
	}
	w.hasher.Sum(one, w.sums[:n])
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

// editList returns what an edit commitment is the MAC of. Most lists are empty.
func (w *leafWork) editList(encoded []byte) []byte {
	if !bytes.Equal(encoded, w.list) {
		w.list, w.listed = encoded, receipt.EditList(encoded)
	}
	return w.listed
}
