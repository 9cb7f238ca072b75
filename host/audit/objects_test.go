//go:build objectstore

package audit_test

import (
	"bytes"
	"context"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
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

// onObjects loads an adapter on endpoints whose places exist, or are made if it may.
func onObjects(t *testing.T, name string, endpoints map[string]pluginhost.Endpoint, readOnly bool) *pluginhost.Adapter {
	t.Helper()
	module, err := build.Module(t.Context(), filepath.Join("..", "..", "plugins", name))
	must(err)
	source, o := pluginhost.Source{Name: name, Kind: abi.KindStorage, Module: module}, pluginhost.Options{Endpoints: endpoints}
	if !readOnly {
		_, err = pluginhost.Init(t.Context(), source, o)
		must(err)
	}
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
	a := onObjects(t, "store-azureblob", s.Endpoints(t, "", func(string) string { return s.AccountSAS() }), false)
	tampering(t, &objectStorage{a, s, "&restype=container&comp=list"}, 20)
}

// TestTamperingS3 is TestTampering on gofakes3.
func TestTamperingS3(t *testing.T) {
	s := s3.Start(t)
	tampering(t, &objectStorage{onObjects(t, "store-s3", s.Endpoints(t), false), s, "list-type=2"}, 20)
}

// TestReadsOnlyAzureBlob: a shared access signature that lets read and list suffices for
// an audit.
func TestReadsOnlyAzureBlob(t *testing.T) {
	s := azurite.Start(t)
	all := onObjects(t, "store-azureblob", s.Endpoints(t, "", func(string) string { return s.AccountSAS() }), false)
	w := play(t.Context(), &objectStorage{all, s, "&restype=container&comp=list"})
	readsOnly(t, w, onObjects(t, "store-azureblob", s.Endpoints(t, "", func(container string) string { return s.ContainerSAS(container, "rl") }), true))
}

// TestReadsOnlyS3: an audit asks nothing of a service but to be read.
func TestReadsOnlyS3(t *testing.T) {
	s := s3.Start(t)
	w := play(t.Context(), &objectStorage{onObjects(t, "store-s3", s.Endpoints(t), false), s, "list-type=2"})
	at, err := url.Parse(s.URL)
	must(err)
	behind := httputil.NewSingleHostReverseProxy(at)
	refused := 0
	front := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			refused++
			rw.WriteHeader(http.StatusForbidden)
			return
		}
		behind.ServeHTTP(rw, r)
	}))
	defer front.Close()
	reader := &s3.Server{URL: front.URL}
	store := onObjects(t, "store-s3", reader.Endpoints(t), true)
	if refused > 0 {
		t.Error("an adapter that is loaded has tried to write")
	}
	readsOnly(t, w, store)
}
