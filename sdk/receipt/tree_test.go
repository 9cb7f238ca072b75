package receipt_test

import (
	"encoding/base64"
	"encoding/json"
	"math/bits"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/mod/sumdb/tlog"
	"pgregory.net/rapid"

	"github.com/veriproof/notary/sdk/receipt"
)

// path is the inclusion path by the definition of RFC 6962 section 2.1.1,
// lowest sibling first.
func path(leaves []receipt.Hash, i int) []receipt.Hash {
	if len(leaves) <= 1 {
		return nil
	}
	k := 1 << (bits.Len(uint(len(leaves)-1)) - 1)
	if i < k {
		return append(path(leaves[:k], i), receipt.Root(leaves[k:]))
	}
	return append(path(leaves[k:], i-k), receipt.Root(leaves[:k]))
}

func logOf(t testing.TB, n int) *testLog {
	l := new(testLog)
	l.fill(t, n)
	return l
}

func leafHashes(l *testLog) []receipt.Hash {
	leaves := make([]receipt.Hash, l.size)
	for i := range leaves {
		leaves[i] = receipt.Hash(l.hashes[tlog.StoredHashIndex(0, int64(i))])
	}
	return leaves
}

// TestTreeDifferential: roots and paths are those of x/mod, for every leaf of
// every small tree.
func TestTreeDifferential(t *testing.T) {
	for size := range 34 {
		l := logOf(t, size)
		leaves := leafHashes(l)
		root := receipt.Root(leaves)
		if size > 0 && root != receipt.Hash(l.root(t)) {
			t.Fatalf("root of %d leaves differs from tlog", size)
		}
		for i := range size {
			proof, err := tlog.ProveRecord(int64(size), int64(i), l)
			if err != nil {
				t.Fatal(err)
			}
			hashes := make([]receipt.Hash, len(proof))
			for j := range proof {
				hashes[j] = receipt.Hash(proof[j])
			}
			got, err := receipt.RootFromPath(leaves[i], uint64(i), uint64(size), hashes)
			if err != nil || got != root {
				t.Fatalf("leaf %d of %d: root %v, %v; want %v", i, size, got, err, root)
			}
		}
	}
}

// agree checks that RootFromPath leads to root exactly if tlog accepts.
func agree(t interface{ Fatalf(string, ...any) }, leaf receipt.Hash, index, size uint64, hashes []receipt.Hash, root receipt.Hash) {
	proof := make(tlog.RecordProof, len(hashes))
	for i := range hashes {
		proof[i] = tlog.Hash(hashes[i])
	}
	got, err := receipt.RootFromPath(leaf, index, size, hashes)
	ours := err == nil && got == root
	theirs := tlog.CheckRecord(proof, int64(size), tlog.Hash(root), int64(index), tlog.Hash(leaf)) == nil
	if ours != theirs {
		t.Fatalf("index %d, size %d, %d hashes: accepted %v (%v), tlog %v", index, size, len(hashes), ours, err, theirs)
	}
}

// TestPathMutations (T38): whatever is changed about a proof, ours and tlog's
// verdicts agree, on true proofs, on other sizes and indices, on longer, shorter
// and changed paths.
func TestPathMutations(t *testing.T) {
	l := logOf(t, 64)
	all := leafHashes(l)
	rapid.Check(t, func(t *rapid.T) {
		size := rapid.IntRange(1, len(all)).Draw(t, "size")
		index := rapid.IntRange(0, size-1).Draw(t, "index")
		hashes := append([]receipt.Hash(nil), path(all[:size], index)...)
		switch rapid.IntRange(0, 3).Draw(t, "mutation") {
		case 1:
			hashes = append(hashes, all[0])
		case 2:
			hashes = hashes[:max(0, len(hashes)-1)]
		case 3:
			if len(hashes) > 0 {
				hashes[rapid.IntRange(0, len(hashes)-1).Draw(t, "hash")][0] ^= 1
			}
		}
		claimedIndex := max(0, index+rapid.IntRange(-1, 1).Draw(t, "index off by"))
		claimedSize := size + rapid.IntRange(-1, 1).Draw(t, "size off by")
		agree(t, all[index], uint64(claimedIndex), uint64(claimedSize), hashes, receipt.Root(all[:size]))
	})
}

func FuzzPath(f *testing.F) {
	l := logOf(f, 40)
	leaves := leafHashes(l)
	for _, i := range []int{0, 1, 31, 32, 39} {
		var flat []byte
		for _, h := range path(leaves, i) {
			flat = append(flat, h[:]...)
		}
		f.Add(leaves[i][:], uint64(i), uint64(40), flat)
	}
	root := receipt.Root(leaves)
	f.Fuzz(func(t *testing.T, leaf []byte, index, size uint64, flat []byte) {
		var h receipt.Hash
		copy(h[:], leaf)
		var hashes []receipt.Hash
		for ; len(flat) >= 32; flat = flat[32:] {
			hashes = append(hashes, receipt.Hash(flat[:32]))
		}
		if got, err := receipt.RootFromPath(h, index, size, hashes); err == nil {
			agree(t, h, index>>1, size>>1|1, hashes, got) // within tlog's int64
		}
		agree(t, h, index>>1, size>>1, hashes, root)
	})
}

// A merkleVector has the form of transparency-dev/merkle's test data.
type merkleVector struct {
	LeafIdx, TreeSize uint64
	Root, LeafHash    []byte
	Proof             [][]byte
	Desc              string
	WantErr           bool
}

// merkleVectors are the built-in cases and, where NOTARY_DATA names the
// development data, all inclusion vectors of transparency-dev/merkle.
func merkleVectors(t *testing.T) map[string]merkleVector {
	leaves := fixedLeaves(7)
	root, six := receipt.Root(leaves), receipt.Root(leaves[:6])
	flat := func(h []receipt.Hash) (out [][]byte) {
		for i := range h {
			out = append(out, h[i][:])
		}
		return out
	}
	good := flat(path(leaves, 6))
	node := receipt.NodeHash(leaves[0], leaves[1])
	duplicated := receipt.Root(append(leaves[:7:7], leaves[6]))
	vectors := map[string]merkleVector{
		"last of seven":       {6, 7, root[:], leaves[6][:], good, "", false},
		"empty tree":          {0, 0, root[:], leaves[0][:], nil, "", true},
		"index at size":       {7, 7, root[:], leaves[6][:], good, "", true},
		"one hash too many":   {6, 7, root[:], leaves[6][:], append(good[:len(good):len(good)], leaves[0][:]), "", true},
		"one hash too few":    {6, 7, root[:], leaves[6][:], good[:len(good)-1], "", true},
		"path of other tree":  {5, 6, six[:], leaves[5][:], flat(path(leaves, 5)), "", true},
		"node as leaf":        {0, 7, root[:], node[:], flat(path(leaves, 0))[1:], "", true},
		"odd leaf duplicated": {7, 8, root[:], leaves[6][:], flat(path(append(leaves[:7:7], leaves[6]), 7)), "", true},
		"duplicate's own tree": {
			7, 8, duplicated[:], leaves[6][:],
			flat(path(append(leaves[:7:7], leaves[6]), 7)), "", false,
		},
		"huge index and size": {1<<63 + 1, 1<<64 - 1, root[:], leaves[0][:], good, "", true},
	}
	dir := os.Getenv("NOTARY_DATA")
	if dir == "" {
		return vectors
	}
	files, err := filepath.Glob(filepath.Join(dir, "crypto", "merkle", "testdata", "inclusion", "*", "*.json"))
	if err != nil || len(files) == 0 {
		t.Fatalf("NOTARY_DATA is set but has no Merkle vectors (%v)", err)
	}
	for _, name := range files {
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		var v merkleVector
		if err := json.Unmarshal(b, &v); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		vectors[filepath.Join(filepath.Base(filepath.Dir(name)), filepath.Base(name))] = v
	}
	return vectors
}

func TestMerkleVectors(t *testing.T) {
	for name, v := range merkleVectors(t) {
		t.Run(name, func(t *testing.T) {
			accepted := len(v.Root) == 32 && len(v.LeafHash) == 32
			var hashes []receipt.Hash
			for _, h := range v.Proof {
				if accepted = accepted && len(h) == 32; accepted {
					hashes = append(hashes, receipt.Hash(h))
				}
			}
			if accepted {
				root, err := receipt.RootFromPath(receipt.Hash(v.LeafHash), v.LeafIdx, v.TreeSize, hashes)
				accepted = err == nil && root == receipt.Hash(v.Root)
			}
			if accepted == v.WantErr {
				t.Errorf("accepted %v: %s, root %s", accepted, v.Desc, base64.StdEncoding.EncodeToString(v.Root))
			}
		})
	}
}

// TestLeafIsNoNode: the prefixes of RFC 6962 keep an inner node from passing
// for a leaf with the node's children as its data.
func TestLeafIsNoNode(t *testing.T) {
	leaves := fixedLeaves(2)
	if receipt.LeafHash(append(leaves[0][:], leaves[1][:]...)) == receipt.NodeHash(leaves[0], leaves[1]) {
		t.Error("a leaf of two hashes has the hash of their node")
	}
}
