//go:build objectstore

package bench

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"

	"github.com/veriproof/notary/host/internal/azurite"
	"github.com/veriproof/notary/host/internal/s3"
	"github.com/veriproof/notary/host/journal"
	"github.com/veriproof/notary/host/pluginhost"
)

// connections are as many as an endpoint has by default.
const connections = 8

// BenchmarkDurableObjects: the journal on the adapters of object storage, one sender and
// many; and beside each the same bytes as objects by plain HTTP to the same server. The
// plain requests to S3 are signed as the adapter's are, with the hash of their body; gofakes3
// takes them without as well, which shows what signing costs. The servers are those of
// tests: Azurite is in JavaScript, and both keep objects in memory.
func BenchmarkDurableObjects(b *testing.B) {
	azure, amazon := azurite.Start(b), s3.Start(b)
	// An account's signature costs the server no more than a container's.
	blobs := azure.Endpoints(b, "", func(string) string { return azure.AccountSAS() })
	type put struct {
		name string
		put  func(int, journal.Sealed) error
	}
	for _, service := range []struct {
		name  string
		store journal.Store
		bare  []put
	}{
		{"store-azureblob", adapter(b, "store-azureblob", pluginhost.Options{Endpoints: blobs}), []put{
			{"PUT to azurite", barePut(azure.Client(), azure.Object, sharedSignature)},
		}},
		{"store-s3", adapter(b, "store-s3", pluginhost.Options{Endpoints: amazon.Endpoints(b)}), []put{
			{"signed PUT to gofakes3", barePut(amazon.Client(), amazon.Object, sigV4())},
			{"unsigned PUT to gofakes3", barePut(amazon.Client(), amazon.Object, unsigned)},
		}},
	} {
		for _, senders := range []int{1, 16, 64} {
			b.Run(fmt.Sprintf("senders=%d/%s", senders, service.name), func(b *testing.B) { journaled(b, senders, service.store, journal.Options{}) })
			for _, bare := range service.bare {
				b.Run(fmt.Sprintf("senders=%d/%s", senders, bare.name), func(b *testing.B) { durable(b, senders, bare.put) })
			}
		}
	}
}

// A signing makes a request one of a client that may write.
type signing func(r *http.Request, body []byte) error

// sharedSignature leaves the signature where it is, in the URL.
func sharedSignature(r *http.Request, _ []byte) error {
	r.Header.Set("x-ms-blob-type", "BlockBlob")
	return nil
}

func unsigned(*http.Request, []byte) error { return nil }

// sigV4 signs by AWS's own library.
func sigV4() signing {
	signer := v4.NewSigner(func(o *v4.SignerOptions) { o.DisableURIPathEscaping = true })
	credentials := aws.Credentials{AccessKeyID: "AKID", SecretAccessKey: "SECRET"}
	return func(r *http.Request, body []byte) error {
		sum := sha256.Sum256(body)
		hash := hex.EncodeToString(sum[:])
		r.Header.Set("X-Amz-Content-Sha256", hash)
		return signer.SignHTTP(r.Context(), credentials, r, hash, "s3", "us-east-1", time.Now())
	}
}

// barePut returns what puts a segment as an object.
func barePut(client *http.Client, object func(place, name string) string, sign signing) func(int, journal.Sealed) error {
	client.Transport.(*http.Transport).MaxConnsPerHost = connections
	var next atomic.Int64
	return func(_ int, segment journal.Sealed) error {
		r, err := http.NewRequestWithContext(context.Background(), http.MethodPut, object("entries", fmt.Sprintf("bare-%d", next.Add(1))), bytes.NewReader(segment))
		if err != nil {
			return err
		}
		if err := sign(r, segment); err != nil {
			return err
		}
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
