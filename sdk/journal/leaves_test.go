package journal

import (
	"reflect"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/veriproof/notary/sdk/receipt"
)

// bothWays runs a test as on this machine, and as on one without the instructions.
func bothWays(t *testing.T, test func(t *testing.T)) {
	here := twoAtOnce
	t.Cleanup(func() { twoAtOnce = here })
	t.Run("as here", test)
	twoAtOnce = false
	t.Run("one at a time", test)
}

// TestSealedLeaves: the leaves that sealing makes, two at a time, are those that opening
// holds them against, one by one.
func TestSealedLeaves(t *testing.T) { bothWays(t, sealedLeaves) }

func sealedLeaves(t *testing.T) {
	record := rapid.Custom(func(t *rapid.T) receipt.Record {
		edits := rapid.SliceOfN(rapid.Just(receipt.Edit{Plugin: "redact-pii", Label: "EMAIL", Place: "span.attributes.value", Length: 9}), 0, 9).Draw(t, "edits")
		return receipt.Record{
			Kind: receipt.Kind(rapid.Uint8Range(1, 3).Draw(t, "kind")), Resource: rapid.SliceOfN(rapid.Byte(), 0, 2).Draw(t, "resource"),
			Scope: rapid.SliceOfN(rapid.Byte(), 0, 2).Draw(t, "scope"), Edits: receipt.EncodeEdits(edits),
			Bytes: rapid.SliceOfN(rapid.Byte(), 0, rapid.SampledFrom([]int{0, 70, 600}).Draw(t, "most")).Draw(t, "record"),
		}
	})
	rapid.Check(t, func(t *rapid.T) {
		var dek [32]byte
		copy(dek[:], rapid.SliceOfN(rapid.Byte(), 32, 32).Draw(t, "dek"))
		keys := DeriveKeys(&dek, receipt.PartID{Part: 7})
		c := &Content{Records: rapid.SliceOfN(record, 1, 3*leavesAtOnce).Draw(t, "records")}
		number := rapid.Uint64().Draw(t, "number")
		var x contexts
		for i := range c.Records {
			x.add(&c.Records[i])
		}
		if diff := cmp.Diff(keys.leafHashes(number, c, &x), keys.sealedLeaves(number, c, &x)); diff != "" {
			t.Fatal(diff)
		}
	})
}

// TestHashBodies: none, and more than are hashed at a time.
func TestHashBodies(t *testing.T) { bothWays(t, hashBodies) }

func hashBodies(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		bodies := rapid.SliceOfN(rapid.SliceOfN(rapid.Byte(), 0, 300), 0, 80).Draw(t, "bodies")
		got := make([]receipt.Hash, len(bodies))
		HashBodies(bodies, got)
		for i, b := range bodies {
			if got[i] != sha256Sum(b) {
				t.Fatalf("body %d of %d", i, len(bodies))
			}
		}
	})
}

// TestHashBodiesKeepsNone: memory that is used again keeps no body alive.
func TestHashBodiesKeepsNone(t *testing.T) {
	w := new(bodyWork)
	w.hash([][]byte{make([]byte, 300), make([]byte, 64), nil}, make([]receipt.Hash, 3))
	w.sums = [len(w.sums)][32]byte{}
	if !reflect.DeepEqual(w, new(bodyWork)) {
		t.Error("something of the bodies is left")
	}
}
