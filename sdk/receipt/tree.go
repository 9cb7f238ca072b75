package receipt

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"math/bits"
)

// LeafHash is the RFC 6962 section 2.1 hash of a leaf: SHA-256(0x00 || data).
func LeafHash(data []byte) Hash {
	h := sha256.New()
	h.Write([]byte{0})
	h.Write(data)
	return Hash(h.Sum(nil))
}

// NodeHash is the RFC 6962 section 2.1 hash of an inner node:
// SHA-256(0x01 || left || right).
func NodeHash(left, right Hash) Hash {
	var b [65]byte
	b[0] = 1
	copy(b[1:], left[:])
	copy(b[33:], right[:])
	return sha256.Sum256(b[:])
}

// Root is the RFC 6962 tree head over leaf hashes. The head of no leaves is
// SHA-256 of nothing. It takes the hashes of a whole part; package host/merkle
// grows a tree leaf by leaf.
func Root(leaves []Hash) Hash {
	switch len(leaves) {
	case 0:
		return sha256.Sum256(nil)
	case 1:
		return leaves[0]
	}
	k := 1 << (bits.Len(uint(len(leaves)-1)) - 1)
	return NodeHash(Root(leaves[:k]), Root(leaves[k:]))
}

// ErrPath says that an inclusion path has the wrong number of hashes for its
// index and tree size.
var ErrPath = errors.New("inclusion path does not fit the tree")

// RootFromPath computes the tree head that an inclusion path (RFC 6962 section
// 2.1.1, lowest sibling first) leads to. The path's length is checked against
// index and size before anything is hashed: a path with a hash too many or too
// few is an error and never a root.
func RootFromPath(leaf Hash, index, size uint64, path []Hash) (Hash, error) {
	if index >= size {
		return Hash{}, fmt.Errorf("%w: index %d in a tree of %d leaves", ErrPath, index, size)
	}
	// Below the level where index and the last leaf part, every level has a
	// sibling; above it only those where index is a right child.
	inner := bits.Len64(index ^ (size - 1))
	border := bits.OnesCount64(index >> inner)
	if len(path) != inner+border {
		return Hash{}, fmt.Errorf("%w: %d hashes for index %d of %d, want %d", ErrPath, len(path), index, size, inner+border)
	}
	for i, sibling := range path {
		if i >= inner || index>>i&1 == 1 {
			leaf = NodeHash(sibling, leaf)
		} else {
			leaf = NodeHash(leaf, sibling)
		}
	}
	return leaf, nil
}
