package receipt_test

import (
	"crypto/ed25519"
	"fmt"

	"github.com/veriproof/notary/sdk/receipt"
)

// A verifier has a receipt, the key that the attested runtime data names, and
// one disclosed record.
func Example() {
	key := ed25519.NewKeyFromSeed(make([]byte, 32))
	record := receipt.Record{Kind: receipt.Span, Bytes: []byte("a redacted span"), Edits: receipt.EncodeEdits(nil)}
	salt := receipt.Hash{1}
	commitment := receipt.EditCommitment(receipt.Hash{2}, record.Edits)
	leaves := []receipt.Hash{record.LeafHash(salt, commitment), receipt.LeafHash([]byte("another"))}
	manifest, err := receipt.Manifest{
		V: "1", Origin: receipt.Origin{Mode: "enforce"}, Leaves: 2, Root: receipt.Root(leaves), Reason: receipt.ReasonEnd,
	}.Encode()
	if err != nil {
		fmt.Println(err)
		return
	}
	jws := receipt.Sign(manifest, key)

	_, m, err := receipt.Verify(jws, key.Public().(ed25519.PublicKey))
	if err != nil {
		fmt.Println(err)
		return
	}
	shown := receipt.Opening{Kind: receipt.Span, Salt: salt, EditCommitment: commitment, Record: record.Bytes, Path: leaves[1:]}
	fmt.Println(m.Leaves, "leaves, disclosed record:", shown.Verify(m) == nil)
	shown.Record = []byte("a redacted spam")
	fmt.Println("changed record:", shown.Verify(m) == nil)
	// Output:
	// 2 leaves, disclosed record: true
	// changed record: false
}
