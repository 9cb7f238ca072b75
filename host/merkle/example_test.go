package merkle_test

import (
	"fmt"

	"github.com/veriproof/notary/host/merkle"
	"github.com/veriproof/notary/sdk/receipt"
)

// A part's tree grows as records arrive. Later one record is opened: whoever
// has its leaf hash and the path comes to the root that the receipt states.
func Example() {
	var tree merkle.Tree
	for _, record := range []string{"question", "answer", "summary"} {
		tree.Append(receipt.LeafHash([]byte(record)))
	}
	path, err := tree.Path(1)
	if err != nil {
		fmt.Println(err)
		return
	}
	root, err := receipt.RootFromPath(receipt.LeafHash([]byte("answer")), 1, tree.Size(), path)
	fmt.Println(root == tree.Root(), err, len(path))
	// Output: true <nil> 2
}
