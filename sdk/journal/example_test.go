package journal_test

import (
	"fmt"

	"github.com/veriproof/notary/sdk/journal"
	"github.com/veriproof/notary/sdk/receipt"
)

// A recipient opens a segment: private key, wrap key, DEK, records.
func Example() {
	recipient, err := journal.GenerateIdentity()
	if err != nil {
		fmt.Println(err)
		return
	}
	// What the notary does. It keeps neither key longer than it must.
	id := receipt.PartID{Epoch: receipt.Epoch{1}, Handle: receipt.Handle{2}, Part: 0}
	wrap, dek := journal.NewSecret(), journal.NewSecret()
	sealed, err := recipient.Recipient().Seal(journal.WrapKey, id.Epoch, 0, wrap)
	if err != nil {
		fmt.Println(err)
		return
	}
	wrapped := journal.WrapDEK(wrap, 0, id, dek)
	segment := journal.DeriveKeys(dek, id).SealSegment(0, receipt.Hash{}, &journal.Content{
		Tenant: "acme", Session: []byte("s-1"), Records: []receipt.Record{{Kind: receipt.Span, Bytes: []byte("a redacted span")}},
	})

	// What the recipient does with what stands in storage.
	wrap, err = recipient.Open(journal.WrapKey, id.Epoch, 0, sealed)
	if err != nil {
		fmt.Println(err)
		return
	}
	dek, err = journal.UnwrapDEK(wrap, id, wrapped)
	if err != nil {
		fmt.Println(err)
		return
	}
	content, err := journal.DeriveKeys(dek, id).OpenSegment(0, segment)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("%s %s: %s\n", content.Tenant, content.Session, content.Records[0].Bytes)
	// Output: acme s-1: a redacted span
}
