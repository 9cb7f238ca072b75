package telemetry_test

import (
	"context"
	"fmt"

	"github.com/veriproof/notary/sdk/attested"
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
