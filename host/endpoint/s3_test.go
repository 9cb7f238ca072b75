//go:build objectstore

package endpoint_test

import (
	"testing"

	"github.com/veriproof/notary/host/endpoint"
	"github.com/veriproof/notary/host/internal/s3"
	"github.com/veriproof/notary/host/journal"
	"github.com/veriproof/notary/host/journal/journaltest"
)

// TestS3 runs the contract of journal.Store against the adapter in Wasm on gofakes3, for
// two notaries, with signed requests.
func TestS3(t *testing.T) {
	endpoints := s3.Start(t).Endpoints(t)
	var notaries []journal.Store
	for range 2 {
		a, err := load(t, "store-s3", endpoints, "")
		if err != nil {
			t.Fatal(err)
		}
		notaries = append(notaries, a)
	}
	journaltest.Contract(t, notaries[0], notaries[1])
	if found, err := endpoints["keys"].(*endpoint.Endpoint).Copies(t.Context()); err != nil || len(found) > 0 {
		t.Errorf("copies in a bucket without versions: %q %v", found, err)
	}
}
