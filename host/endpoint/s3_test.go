//go:build objectstore

package endpoint_test

import (
	"slices"
	"testing"

	"github.com/veriproof/notary/host/endpoint"
	"github.com/veriproof/notary/host/internal/s3"
	"github.com/veriproof/notary/host/journal"
	"github.com/veriproof/notary/host/journal/journaltest"
	"github.com/veriproof/notary/host/pluginhost"
	"github.com/veriproof/notary/sdk/plugin/abi"
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
		t.Errorf("copies in a bucket without versions: %v %v", found, err)
	}
}

// TestS3Copies: what a bucket with versions keeps of an object that was replaced is told.
func TestS3Copies(t *testing.T) {
	e := s3.Start(t).Endpoints(t)["keys"].(*endpoint.Endpoint)
	for _, r := range []pluginhost.HTTPRequest{
		{Method: abi.HTTPPut, Query: []abi.HTTPField{{Name: "versioning"}}, Body: []journal.Sealed{journal.Sealed("<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>")}},
		{Method: abi.HTTPPut, Path: "key", Body: []journal.Sealed{journal.Sealed("before")}},
		{Method: abi.HTTPPut, Path: "key", Body: []journal.Sealed{journal.Sealed("erased")}},
	} {
		if answer, err := e.Do(t.Context(), &r); err != nil || answer.Status != 200 {
			t.Fatalf("%+v %v", answer, err)
		}
	}
	if found, err := e.Copies(t.Context()); err != nil || !slices.Equal(lines(found), []string{"versions 1: earlier versions of objects are kept: 1"}) {
		t.Errorf("found %v %v", found, err)
	}
}
