package session_test

import (
	"context"
	"crypto/ed25519"
	"fmt"

	"github.com/veriproof/notary/host/journal/journaltest"
	"github.com/veriproof/notary/host/otlpwire"
	"github.com/veriproof/notary/host/seal"
	"github.com/veriproof/notary/host/session"
	format "github.com/veriproof/notary/sdk/journal"
	"github.com/veriproof/notary/sdk/receipt"
)

func Example() {
	ctx := context.Background()
	auditor, _ := format.GenerateIdentity()
	epoch := receipt.Epoch{1} // random, in a real notary
	ring, _ := seal.NewRing(epoch, []*format.Recipient{auditor.Recipient()})
	key := ed25519.NewKeyFromSeed(make([]byte, 32))
	n, err := session.Start(ctx, session.Options{
		Store: journaltest.New(), Redactor: &finder{}, Log: newLog(), Ring: ring, Key: key,
		Origin: receipt.Origin{Epoch: epoch, Mode: "enforce"},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	pos, _ := n.Export(ctx, "acme", otlpwire.Traces, request("s-1", span("chat about s3cret-value")))
	fmt.Println("durable, and signed:", pos.Verify(key.Public().(ed25519.PublicKey)) == nil)
	n.EndSession(ctx, "acme", "s-1") // returns when the receipt is durable
	parts, _ := n.Parts(ctx, "acme", "s-1")
	fmt.Println(parts[0].Manifest.Leaves, "leaves, sealed for:", parts[0].Manifest.Reason)
	n.Close(ctx)
	// Output:
	// durable, and signed: true
	// 2 leaves, sealed for: end
}
