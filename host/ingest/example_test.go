package ingest_test

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"

	"github.com/veriproof/notary/host/ingest"
	"github.com/veriproof/notary/host/otlpwire"
)

// A server needs a certificate, keys of tenants, and an exporter.
func Example() {
	_, err := ingest.New(ingest.Config{
		Certificate: tls.Certificate{}, // born in the process, in a notary
		Senders:     ingest.Senders{Keys: []ingest.Key{{Tenant: "acme", Hash: ingest.HashKey("a random key")}}},
		Exporter: exporterFunc(func(_ context.Context, _ string, sig otlpwire.Signal, body []byte) (ingest.Receipt, error) {
			if _, err := otlpwire.Walk(body, sig, otlpwire.Limits{}); err != nil {
				return ingest.Receipt{}, err // becomes INVALID_ARGUMENT or RESOURCE_EXHAUSTED
			}
			// A typed error says what the sender is told; its cause stays here.
			return ingest.Receipt{}, ingest.Unavailable("storage does not answer", 0, errors.New("timeout"))
		}),
	})
	fmt.Println(err)
	// Output: ingest: no TLS certificate
}
