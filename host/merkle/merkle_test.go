package merkle

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/veriproof/notary/sdk/receipt"
	"golang.org/x/mod/sumdb/tlog"
	"pgregory.net/rapid"
)

// oracle is the same tree kept by golang.org/x/mod/sumdb/tlog.
type oracle struct {
	size   int64
	hashes []tlog.Hash
}

func (o *oracle) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	out := make([]tlog.Hash, len(indexes))
	for i, x := range indexes {
		out[i] = o.hashes[x]
	}
	return out, nil
}

func (o *oracle) append(t rapid.TB, leaf receipt.Hash) {
	hashes, err := tlog.StoredHashesForRecordHash(o.size, tlog.Hash(leaf), o)
	if err != nil {
		t.Fatal(err)
	}
	o.hashes = append(o.hashes, hashes...)
	o.size++
}

func (o *oracle) root(t rapid.TB) receipt.Hash {
	h, err := tlog.TreeHash(o.size, o)
	if err != nil {
		t.Fatal(err)
	}
	return receipt.Hash(h)
}

func (o *oracle) path(t rapid.TB, index uint64) []receipt.Hash {
	p, err := tlog.ProveRecord(o.size, int64(index), o)
	if err != nil {
		t.Fatal(err)
	}
	out := make([]receipt.Hash, len(p))
	for i, h := range p {
		out[i] = receipt.Hash(h)
	}
	return out
}

func leaf(i uint64) receipt.Hash {
	return receipt.LeafHash(binary.BigEndian.AppendUint64(nil, i))
}

// same reports the first way in which the tree, its edge and the oracle differ.
func same(t rapid.TB, tree *Tree, edge *Edge, o *oracle) {
	want := receipt.Hash(sha256.Sum256(nil)) // tlog has no root for the empty tree
	if o.size > 0 {
		want = o.root(t)
	}
	if got := tree.Root(); got != want {
		t.Fatalf("size %d: Tree.Root = %v, want %v", o.size, got, want)
	}
	if got := edge.Root(); got != want {
		t.Fatalf("size %d: Edge.Root = %v, want %v", o.size, got, want)
	}
	if tree.Size() != uint64(o.size) || edge.Size() != uint64(o.size) {
		t.Fatalf("sizes %d and %d, want %d", tree.Size(), edge.Size(), o.size)
	}
}

func samePath(t rapid.TB, tree *Tree, o *oracle, index uint64, l receipt.Hash) {
	path, err := tree.Path(index)
	if err != nil {
		t.Fatal(err)
	}
	want := o.path(t, index)
	if len(path) != len(want) {
		t.Fatalf("path of %d in %d has %d hashes, want %d", index, o.size, len(path), len(want))
	}
	for i := range path {
		if path[i] != want[i] {
			t.Fatalf("path of %d in %d differs at %d", index, o.size, i)
		}
	}
	root, err := receipt.RootFromPath(l, index, tree.Size(), path)
	if err != nil || root != tree.Root() {
		t.Fatalf("path of %d in %d leads to %v, %v", index, o.size, root, err)
	}
}

// TestEveryPathOfEverySmallTree walks all shapes of the right edge up to 130
// leaves, across three powers of two.
func TestEveryPathOfEverySmallTree(t *testing.T) {
	var tree Tree
	var edge Edge
	var o oracle
	same(t, &tree, &edge, &o)
	for n := range uint64(130) {
		l := leaf(n)
		tree.Append(l)
		edge.Append(l)
		o.append(t, l)
		same(t, &tree, &edge, &o)
		for i := range n + 1 {
			samePath(t, &tree, &o, i, leaf(i))
		}
	}
}

// TestRFC6962Vectors pins the tree over the eight inputs that implementations
// of RFC 6962 share, so that an error common to us and the oracle would show.
func TestRFC6962Vectors(t *testing.T) {
	inputs := []string{"", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"}
	roots := []string{
		"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
		"6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
		"fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
		"aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
		"d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
		"4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
		"76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
		"ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
		"5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
	}
	var tree Tree
	var edge Edge
	for i, want := range roots {
		if tree.Root().String() != want || edge.Root().String() != want {
			t.Errorf("root of %d leaves = %v and %v, want %s", i, tree.Root(), edge.Root(), want)
		}
		if i < len(inputs) {
			data, err := hex.DecodeString(inputs[i])
			if err != nil {
				t.Fatal(err)
			}
			tree.Append(receipt.LeafHash(data))
			edge.Append(receipt.LeafHash(data))
		}
	}
}

func TestPathBeyondTheTree(t *testing.T) {
	var tree Tree
	for n := range uint64(5) {
		for _, index := range []uint64{n, n + 1, 1 << 40, 1<<64 - 1} {
			if path, err := tree.Path(index); !errors.Is(err, ErrIndex) || path != nil {
				t.Errorf("Path(%d) in %d leaves = %v, %v, want ErrIndex", index, n, path, err)
			}
		}
		tree.Append(leaf(n))
	}
}

// TestDuplicateOddLeaf is CVE-2012-2459: where odd nodes are paired with
// themselves, a list and the list with its tail repeated have one root.
func TestDuplicateOddLeaf(t *testing.T) {
	var a, b Tree
	for i := range uint64(3) {
		a.Append(leaf(i))
		b.Append(leaf(i))
	}
	b.Append(leaf(2))
	if a.Root() == b.Root() {
		t.Error("repeating the last leaf does not change the root")
	}
}

// TestNodeIsNoLeaf is leaf and node confusion: an inner node offered as a leaf
// of a smaller tree must not give the root.
func TestNodeIsNoLeaf(t *testing.T) {
	var tree Tree
	for i := range uint64(4) {
		tree.Append(leaf(i))
	}
	path, err := tree.Path(0)
	if err != nil {
		t.Fatal(err)
	}
	l, r := leaf(0), leaf(1)
	forged := receipt.LeafHash(append(l[:], r[:]...))
	if root, err := receipt.RootFromPath(forged, 0, 2, path[1:]); err == nil && root == tree.Root() {
		t.Error("two leaves joined pass as one leaf")
	}
}

// TestBigTreesAgree draws sizes around which the shape of the right edge
// changes, and compares paths to the oracle.
func TestBigTreesAgree(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		size := rapid.Uint64Range(1, 600).Draw(t, "size")
		first := rapid.Uint64().Draw(t, "first")
		var tree Tree
		var edge Edge
		var o oracle
		for i := range size {
			l := leaf(first + i)
			tree.Append(l)
			edge.Append(l)
			o.append(t, l)
		}
		same(t, &tree, &edge, &o)
		for range 8 {
			i := rapid.Uint64Range(0, size-1).Draw(t, "index")
			samePath(t, &tree, &o, i, leaf(first+i))
		}
	})
}

// vector is one file of the inclusion vectors that transparency-dev/merkle
// publishes.
type vector struct {
	LeafIdx, TreeSize uint64
	Root, LeafHash    []byte
	Proof             [][]byte
	Desc              string
	WantErr           bool
}

// ownVectors makes one good path and every way of bending it that T38 and T41
// name: wrong index, wrong size, wrong length at either end, wrong leaf.
func ownVectors(t *testing.T) map[string]vector {
	var tree Tree
	for i := range uint64(11) {
		tree.Append(leaf(i))
	}
	path, err := tree.Path(6)
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]vector{}
	add := func(name string, wantErr bool, bend func(*vector)) {
		root, l := tree.Root(), leaf(6)
		v := vector{LeafIdx: 6, TreeSize: 11, Root: root[:], LeafHash: l[:], Desc: name, WantErr: wantErr}
		for _, h := range path {
			v.Proof = append(v.Proof, h[:])
		}
		bend(&v)
		out["own/"+name] = v
	}
	add("as made", false, func(*vector) {})
	add("index + 1", true, func(v *vector) { v.LeafIdx++ })
	add("index - 1", true, func(v *vector) { v.LeafIdx-- })
	add("index = size", true, func(v *vector) { v.LeafIdx = v.TreeSize })
	add("index huge", true, func(v *vector) { v.LeafIdx = 1<<64 - 1 })
	add("size halved", true, func(v *vector) { v.TreeSize /= 2 })
	add("size doubled", true, func(v *vector) { v.TreeSize *= 2 })
	add("size 0", true, func(v *vector) { v.TreeSize = 0 })
	add("path empty", true, func(v *vector) { v.Proof = nil })
	add("path cut at the end", true, func(v *vector) { v.Proof = v.Proof[:len(v.Proof)-1] })
	add("path cut at the start", true, func(v *vector) { v.Proof = v.Proof[1:] })
	add("path and root", true, func(v *vector) { v.Proof = append(v.Proof, v.Root) })
	add("leaf and path", true, func(v *vector) { v.Proof = append([][]byte{v.LeafHash}, v.Proof...) })
	add("path swapped", true, func(v *vector) { v.Proof[0], v.Proof[1] = v.Proof[1], v.Proof[0] })
	add("root as leaf of one", true, func(v *vector) { v.LeafIdx, v.TreeSize, v.Proof = 0, 1, nil })
	return out
}

// vectors returns our own rows, and the published ones too when NOTARY_DATA
// names the shared data directory.
func vectors(t *testing.T) map[string]vector {
	out := ownVectors(t)
	data := os.Getenv("NOTARY_DATA")
	if data == "" {
		return out
	}
	own := len(out)
	dir := filepath.Join(data, "crypto/merkle/testdata/inclusion")
	err := filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(name, ".json") {
			return err
		}
		b, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		var v vector
		if err := json.Unmarshal(b, &v); err != nil {
			return err
		}
		out[name] = v
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if published := len(out) - own; published < 98 {
		t.Fatalf("%s holds %d vectors, want 98 at least", dir, published)
	}
	return out
}

// accepts checks a vector as a verifier would: with every length right, does
// the path lead from the leaf to the root?
func (v vector) accepts() bool {
	if len(v.Root) != 32 || len(v.LeafHash) != 32 {
		return false
	}
	path := make([]receipt.Hash, len(v.Proof))
	for i, p := range v.Proof {
		if len(p) != 32 {
			return false
		}
		path[i] = receipt.Hash(p)
	}
	root, err := receipt.RootFromPath(receipt.Hash(v.LeafHash), v.LeafIdx, v.TreeSize, path)
	return err == nil && root == receipt.Hash(v.Root)
}

func TestInclusionVectors(t *testing.T) {
	for name, v := range vectors(t) {
		if got := v.accepts(); got == v.WantErr {
			t.Errorf("%s (%s): accepted = %v, want %v", name, v.Desc, got, !v.WantErr)
		}
	}
}

// FuzzAgainstTlog builds a tree of up to 4,096 leaves from the input and holds
// root and path against golang.org/x/mod/sumdb/tlog; then it flips one bit of
// the path, which must never verify.
func FuzzAgainstTlog(f *testing.F) {
	for _, n := range []uint16{0, 1, 2, 3, 7, 8, 9, 255, 256, 1000, 4095} {
		f.Add(n, n/3, n*7, uint64(n))
	}
	f.Fuzz(func(t *testing.T, size, index, flip uint16, first uint64) {
		n := uint64(size)%4096 + 1
		i := uint64(index) % n
		var tree Tree
		var edge Edge
		var o oracle
		for j := range n {
			l := leaf(first + j)
			tree.Append(l)
			edge.Append(l)
			o.append(t, l)
		}
		same(t, &tree, &edge, &o)
		samePath(t, &tree, &o, i, leaf(first+i))
		path, _ := tree.Path(i)
		if len(path) == 0 {
			return
		}
		bit := int(flip) % (len(path) * 256)
		path[bit/256][bit%256/8] ^= 1 << (bit % 8)
		if root, err := receipt.RootFromPath(leaf(first+i), i, n, path); err == nil && root == tree.Root() {
			t.Fatalf("path of %d in %d verifies with bit %d flipped", i, n, bit)
		}
	})
}

func BenchmarkEdgeAppend(b *testing.B) {
	var e Edge
	l := leaf(1)
	b.ReportAllocs()
	for b.Loop() {
		e.Append(l)
	}
}

func BenchmarkTreeAppend(b *testing.B) {
	l := leaf(1)
	var t Tree
	b.ReportAllocs()
	for b.Loop() {
		if t.Size() == 1<<17 {
			t = Tree{}
		}
		t.Append(l)
	}
}

func BenchmarkEdgeRoot(b *testing.B) {
	var e Edge
	for i := range uint64(100_000) {
		e.Append(leaf(i))
	}
	b.ReportAllocs()
	for b.Loop() {
		e.Root()
	}
}

func BenchmarkTreePath(b *testing.B) {
	var t Tree
	for i := range uint64(100_000) {
		t.Append(leaf(i))
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := t.Path(77_777); err != nil {
			b.Fatal(err)
		}
	}
}
