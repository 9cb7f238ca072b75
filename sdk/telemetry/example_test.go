package telemetry_test

import (
	"context"
	"crypto/ed25519"
	"fmt"

	"github.com/veriproof/notary/sdk/attested"
	"github.com/veriproof/notary/sdk/receipt"
	"github.com/veriproof/notary/sdk/telemetry"
)

// How an application records one session. The gate decides whether anything leaves.
func Example() {
	record := func(ctx context.Context, gate *attested.Gate, key string) error {
		client, err := telemetry.Start(ctx, telemetry.Options{
			Gate: gate, Endpoint: "notary.example.org:4317", APIKey: key, Control: "https://notary.example.org:8443",
			WhenFull: telemetry.Drop,
			Lost:     func(spans int, why error) { fmt.Println(spans, "spans will not be durable:", why) },
		})
		if err != nil {
			return err
		}
		session := client.Session("order-4711")
		_, span := client.Tracer("app").Start(session.Attach(ctx), "chat")
		span.SetAttributes(telemetry.Operation("chat"), telemetry.Model("m"), telemetry.Input("Where is my order?"))
		span.End()
		if err := session.End(ctx); err != nil {
			return err
		}
		receipts, err := session.Receipts(ctx)
		for _, r := range receipts {
			fmt.Println("part", r.Manifest.Part, "is sealed with", r.Manifest.Leaves, "leaves")
		}
		return err
	}
	// Without a gate nothing is sent.
	fmt.Println(record(context.Background(), nil, "key"))
	// Output: telemetry: a gate, an endpoint and an API key are needed
}

// The receipt that an application got, held against the one in a bundle that it is shown
// years later. The key is that of the epoch, from a verified bundle, say.
func ExampleCompare() {
	compare := func(kept, shown string, key ed25519.PublicKey) error {
		a, err := telemetry.CheckReceipt(kept, key)
		if err != nil {
			return err
		}
		b, err := telemetry.CheckReceipt(shown, key)
		if err != nil {
			return err
		}
		same, err := telemetry.Compare(a, b)
		fmt.Println("of the same part:", same)
		return err
	}
	// A notary that says two things. The seed is for the example only.
	key := ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize))
	sign := func(leaves uint64) string {
		manifest, err := receipt.Manifest{V: "1", Origin: receipt.Origin{Mode: "enforce"}, Leaves: leaves, Reason: receipt.ReasonEnd}.Encode()
		if err != nil {
			panic(err)
		}
		return receipt.Sign(manifest, key)
	}
	fmt.Println(compare(sign(3), sign(2), key.Public().(ed25519.PublicKey)))
	// Output:
	// of the same part: true
	// telemetry: two receipts for part 0 of a session in epoch 00000000000000000000000000000000, which differ in leaves: keep both, they show that the notary has said two things
}
