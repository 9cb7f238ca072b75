// Package merkle grows the RFC 6962 section 2.1 hash tree of a session part,
// leaf by leaf.
//
// # Two forms of one tree
//
// An open part needs only the head of what it has so far, and a notary holds
// many open parts at once. [Edge] is that form: the roots of the complete
// subtrees along the right edge, one for each bit set in the size, so a part
// of a million leaves costs under a kilobyte. Whoever opens single leaves (a
// bundle, a selective disclosure) has read all leaf hashes back from the
// journal and needs their inclusion paths. [Tree] is that form: it keeps the
// hash of every complete subtree, 64 bytes a leaf, and answers a path with
// O(log n) hashing.
//
// Both take leaf hashes, never leaf data, and give the same root. Checking a
// path is a verifier's business and lives in package sdk/receipt, which also
// defines the node hash.
//
// The zero value of either type is an empty tree, ready to use. Neither is
// safe for concurrent use: a part's lock guards its tree.
package merkle

import (
	"crypto/sha256"
	"errors"
	"fmt"

	"github.com/veriproof/notary/sdk/receipt"
)

// ErrIndex says that a path was asked for a leaf that the tree does not have.
var ErrIndex = errors.New("no such leaf")

// An Edge is a tree of which only the right edge is kept: enough to append and
// to give the root, not to give paths.
type Edge struct {
	size uint64
	// nodes[k] is the root of the complete subtree of 2^k leaves that ends the
	// tree at that height; it is valid only where bit k of size is set.
	nodes []receipt.Hash
}

// Append adds one leaf, given by its RFC 6962 leaf hash, at index Size.
func (e *Edge) Append(leaf receipt.Hash) {
	k := 0
	for ; e.size>>k&1 == 1; k++ {
		leaf = receipt.NodeHash(e.nodes[k], leaf)
	}
	if k == len(e.nodes) {
		e.nodes = append(e.nodes, leaf)
	} else {
		e.nodes[k] = leaf
	}
	e.size++
}

// Size returns the number of leaves.
func (e *Edge) Size() uint64 { return e.size }

// Root returns the tree head: SHA-256 of nothing for the empty tree, the leaf
// hash itself for a tree of one leaf.
func (e *Edge) Root() receipt.Hash {
	return fold(e.size, func(k int) receipt.Hash { return e.nodes[k] })
}

// A Tree keeps the hash of every complete subtree, and so gives the inclusion
// path of any leaf.
type Tree struct {
	// levels[k][i] is the root of the complete subtree over the leaves
	// [i<<k, (i+1)<<k); levels[0] holds the leaf hashes. No level is empty.
	levels [][]receipt.Hash
}

// Append adds one leaf, given by its RFC 6962 leaf hash, at index Size.
func (t *Tree) Append(leaf receipt.Hash) {
	for k := 0; ; k++ {
		if k == len(t.levels) {
			t.levels = append(t.levels, nil)
		}
		level := append(t.levels[k], leaf)
		t.levels[k] = level
		if len(level)%2 == 1 {
			return
		}
		leaf = receipt.NodeHash(level[len(level)-2], leaf)
	}
}

// Size returns the number of leaves.
func (t *Tree) Size() uint64 {
	if len(t.levels) == 0 {
		return 0
	}
	return uint64(len(t.levels[0]))
}

// Root returns the tree head: SHA-256 of nothing for the empty tree, the leaf
// hash itself for a tree of one leaf.
func (t *Tree) Root() receipt.Hash {
	return fold(t.Size(), func(k int) receipt.Hash { return t.levels[k][len(t.levels[k])-1] })
}

// Path returns the inclusion path of the leaf at index in the tree as it is
// now: the sibling hashes of RFC 6962 section 2.1.1, lowest first. It is empty
// in a tree of one leaf. An index that is not below Size is [ErrIndex].
func (t *Tree) Path(index uint64) ([]receipt.Hash, error) {
	if index >= t.Size() {
		return nil, fmt.Errorf("inclusion path of leaf %d in a tree of %d: %w", index, t.Size(), ErrIndex)
	}
	path := make([]receipt.Hash, 0, len(t.levels))
	// ragged is the root of the leaves beyond the last complete subtree of the
	// level, if there are any: the one node of a level that Append has not made,
	// since it changes as the tree grows.
	var ragged *receipt.Hash
	for _, level := range t.levels {
		switch sibling := index ^ 1; {
		case sibling < uint64(len(level)):
			path = append(path, level[sibling])
		case sibling == uint64(len(level)) && ragged != nil:
			path = append(path, *ragged)
		}
		ragged = raise(level, ragged)
		index >>= 1
	}
	return path, nil
}

// raise carries the ragged node of one level to the next. An unpaired complete
// subtree joins it; RFC 6962 never pairs a node with itself, so an unpaired
// node with nothing to its right goes up as it is.
func raise(level []receipt.Hash, ragged *receipt.Hash) *receipt.Hash {
	if len(level)%2 == 0 {
		return ragged
	}
	node := level[len(level)-1]
	if ragged != nil {
		node = receipt.NodeHash(node, *ragged)
	}
	return &node
}

// fold joins the complete subtrees of a tree of size leaves, smallest (and
// rightmost) first. subtree gives the one of 2^k leaves.
func fold(size uint64, subtree func(k int) receipt.Hash) receipt.Hash {
	if size == 0 {
		return sha256.Sum256(nil)
	}
	k := 0
	for size>>k&1 == 0 {
		k++
	}
	root := subtree(k)
	for k++; size>>k != 0; k++ {
		if size>>k&1 == 1 {
			root = receipt.NodeHash(subtree(k), root)
		}
	}
	return root
}
