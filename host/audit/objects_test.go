//go:build objectstore

package audit_test

import (
	"bytes"
	"context"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"testing"

	"github.com/veriproof/notary/host/internal/azurite"
	"github.com/veriproof/notary/host/internal/s3"
	"github.com/veriproof/notary/host/journal"
	"github.com/veriproof/notary/host/pluginhost"
	"github.com/veriproof/notary/sdk/plugin/abi"
	"github.com/veriproof/notary/sdk/plugin/build"
)

// A service of object storage, as its administrator sees it.
type service interface {
	Client() *http.Client
	Object(place, name string) string
}

// objectStorage is a storage on a service: the adapter in Wasm, and its administrator,
// who deletes and writes objects by plain HTTP.
type objectStorage struct {
	*pluginhost.Adapter
	service
	list string // the query of a listing
}

// onObjects loads an adapter on endpoints whose places exist, or are made.
func onObjects(t *testing.T, name string, endpoints map[string]pluginhost.Endpoint) *pluginhost.Adapter {
	t.Helper()
	module, err := build.Module(t.Context(), filepath.Join("..", "..", "plugins", name))
	must(err)
	source, o := pluginhost.Source{Name: name, Kind: abi.KindStorage, Module: module}, pluginhost.Options{Endpoints: endpoints}
	_, err = pluginhost.Init(t.Context(), source, o)
	must(err)
	set, err := pluginhost.Load(t.Context(), []pluginhost.Source{source}, o)
	must(err)
	t.Cleanup(func() { _ = set.Close(context.Background()) })
	return set.Store()
}

// do makes a request that has to succeed, and returns the body of its answer.
func (s *objectStorage) do(method, url string, body []byte) []byte {
	r, err := http.NewRequestWithContext(context.Background(), method, url, bytes.NewReader(body))
	must(err)
	r.Header.Set("x-ms-blob-type", "BlockBlob") // S3 does not mind
	response, err := s.Client().Do(r)
	must(err)
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	must(err)
	if response.StatusCode/100 != 2 {
		panic(fmt.Sprintf("%s of an object: %s", method, response.Status))
	}
	return text
}

var objectName = regexp.MustCompile(`>e-([0-9a-f]{32})-([0-9a-f]{16})<`)

// Rewrite implements storage. Package objects has the names: seqs count down.
func (s *objectStorage) Rewrite(epoch [16]byte, f func([]journal.Chunk) []journal.Chunk) {
	url := func(c journal.Chunk) string {
		return s.Object("entries", fmt.Sprintf("e-%x-%016x", epoch, ^c.FirstSeq))
	}
	var before []journal.Chunk
	for _, m := range objectName.FindAllSubmatch(s.do(http.MethodGet, s.Object("entries", "")+s.list, nil), -1) {
		if string(m[1]) != hex.EncodeToString(epoch[:]) {
			continue
		}
		place, err := strconv.ParseUint(string(m[2]), 16, 64)
		must(err)
		c := journal.Chunk{FirstSeq: ^place}
		c.Entries = s.do(http.MethodGet, url(c), nil)
		before = append(before, c)
	}
	slices.Reverse(before)
	after := f(slices.Clone(before))
	has := func(list []journal.Chunk, c journal.Chunk) bool {
		return slices.ContainsFunc(list, func(o journal.Chunk) bool { return o.FirstSeq == c.FirstSeq && bytes.Equal(o.Entries, c.Entries) })
	}
	for _, c := range before {
		if !has(after, c) {
			s.do(http.MethodDelete, url(c), nil)
		}
	}
	for _, c := range after {
		if !has(before, c) {
			s.do(http.MethodPut, url(c), c.Entries)
		}
	}
}

// TestTamperingAzureBlob is TestTampering on Azurite.
func TestTamperingAzureBlob(t *testing.T) {
	s := azurite.Start(t)
	a := onObjects(t, "store-azureblob", s.Endpoints(t, "", func(string) string { return s.AccountSAS() }))
	tampering(t, &objectStorage{a, s, "&restype=container&comp=list"}, 20)
}

// TestTamperingS3 is TestTampering on gofakes3.
func TestTamperingS3(t *testing.T) {
	s := s3.Start(t)
	tampering(t, &objectStorage{onObjects(t, "store-s3", s.Endpoints(t)), s, "list-type=2"}, 20)
}
