//go:build objectstore

package bench

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"sync/atomic"
	"testing"

	"github.com/veriproof/notary/host/internal/azurite"
	"github.com/veriproof/notary/host/internal/s3"
	"github.com/veriproof/notary/host/journal"
	"github.com/veriproof/notary/host/pluginhost"
)

// connections are as many as an endpoint has by default.
const connections = 8

// BenchmarkDurableObjects: the journal on the adapters of object storage, one sender and
// many; and beside each the same bytes as objects by plain HTTP to the same server. The
// servers are those of tests: Azurite is in JavaScript, and both keep objects in memory.
func BenchmarkDurableObjects(b *testing.B) {
	azure, amazon := azurite.Start(b), s3.Start(b)
	// An account's signature costs the server no more than a container's.
	blobs := azure.Endpoints(b, "", func(string) string { return azure.AccountSAS() })
	for _, service := range []struct {
		name, bare string
		store      journal.Store
		put        func(int, journal.Sealed) error
	}{
		{"store-azureblob", "azurite", adapter(b, "store-azureblob", pluginhost.Options{Endpoints: blobs}), barePut(azure.Client(), azure.Object)},
		{"store-s3", "gofakes3", adapter(b, "store-s3", pluginhost.Options{Endpoints: amazon.Endpoints(b)}), barePut(amazon.Client(), amazon.Object)},
	} {
		for _, senders := range []int{1, 16, 64} {
			b.Run(fmt.Sprintf("senders=%d/%s", senders, service.name), func(b *testing.B) { journaled(b, senders, service.store, journal.Options{}) })
			b.Run(fmt.Sprintf("senders=%d/PUT to %s", senders, service.bare), func(b *testing.B) { durable(b, senders, service.put) })
		}
	}
}

// barePut returns what puts a segment as an object.
func barePut(client *http.Client, object func(place, name string) string) func(int, journal.Sealed) error {
	client.Transport.(*http.Transport).MaxConnsPerHost = connections
	var next atomic.Int64
	return func(_ int, segment journal.Sealed) error {
		r, err := http.NewRequestWithContext(context.Background(), http.MethodPut, object("entries", fmt.Sprintf("bare-%d", next.Add(1))), bytes.NewReader(segment))
		if err != nil {
			return err
		}
		r.Header.Set("x-ms-blob-type", "BlockBlob")
		response, err := client.Do(r)
		if err != nil {
			return err
		}
		defer response.Body.Close()
		if _, err := io.Copy(io.Discard, response.Body); err != nil {
			return err
		}
		if response.StatusCode/100 != 2 {
			return fmt.Errorf("the server answers %s", response.Status)
		}
		return nil
	}
}
