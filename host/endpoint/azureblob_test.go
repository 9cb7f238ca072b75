//go:build objectstore

package endpoint_test

import (
	"crypto/x509"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/veriproof/notary/host/endpoint"
	"github.com/veriproof/notary/host/internal/azurite"
	"github.com/veriproof/notary/host/journal"
	"github.com/veriproof/notary/host/journal/journaltest"
	"github.com/veriproof/notary/host/pluginhost"
	"github.com/veriproof/notary/plugins/objects/objectstest"
)

func account(s *azurite.Server) func(string) string {
	return func(string) string { return s.AccountSAS() }
}

func mustLoad(t testing.TB, endpoints map[string]pluginhost.Endpoint) *pluginhost.Adapter {
	t.Helper()
	a, err := load(t, "store-azureblob", endpoints, "")
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// TestAzurite runs the contract of journal.Store against the adapter in Wasm on a real
// Azurite: containers made by one credential, used by two notaries that can make and
// delete nothing else.
func TestAzurite(t *testing.T) {
	s := azurite.Start(t)
	if made, err := pluginhost.Init(t.Context(), source(t, "store-azureblob", ""), pluginhost.Options{Endpoints: s.Endpoints(t, "c", account(s))}); err != nil || !made {
		t.Fatalf("init: %v, %v", made, err)
	}
	least := func(container string) string { return s.ContainerSAS(container, "rcwl") }
	journaltest.Contract(t, mustLoad(t, s.Endpoints(t, "c", least)), mustLoad(t, s.Endpoints(t, "c", least)))
	if found, err := s.Endpoints(t, "c", least)["keys"].(*endpoint.Endpoint).Copies(t.Context()); err != nil || len(found) > 0 {
		t.Errorf("copies in a container without versions: %v %v", found, err)
	}
}

// TestAzuriteNotInitialised: without containers nothing starts and nothing is made; a
// second init leaves alone what is there; a credential that does not fit is told, and
// not repeated.
func TestAzuriteNotInitialised(t *testing.T) {
	s := azurite.Start(t)
	endpoints := s.Endpoints(t, "a", account(s))
	_, err := load(t, "store-azureblob", endpoints, "")
	var answer *pluginhost.HTTPStatusError
	if !errors.As(err, &answer) || answer.Status != 404 || answer.Code != "ContainerNotFound" || !strings.Contains(err.Error(), "code 11") {
		t.Fatalf("without containers: %v", err)
	}
	if _, err := load(t, "store-azureblob", endpoints, ""); err == nil {
		t.Fatal("a start made containers")
	}
	for range 2 {
		if made, err := pluginhost.Init(t.Context(), source(t, "store-azureblob", ""), pluginhost.Options{Endpoints: endpoints}); err != nil || !made {
			t.Fatalf("init: %v, %v", made, err)
		}
	}
	if err := mustLoad(t, endpoints).Put(t.Context(), journaltest.Group(1, 0, "x")); err != nil {
		t.Fatal(err)
	}
	forged := s.Endpoints(t, "a", func(string) string { return strings.Replace(s.AccountSAS(), "sig=", "sig=AA", 1) })
	if _, err := load(t, "store-azureblob", forged, ""); !errors.As(err, &answer) || answer.Status != 403 || strings.Contains(err.Error(), "sig=") {
		t.Errorf("another signature: %v", err)
	}
	readOnly := mustLoad(t, s.Endpoints(t, "a", func(c string) string { return s.ContainerSAS(c, "rl") }))
	if err := readOnly.Put(t.Context(), journaltest.Group(1, 1, "x")); err == nil || errors.Is(err, journal.ErrConflict) || !strings.Contains(err.Error(), "403") {
		t.Errorf("put without the right: %v", err)
	}
	if c, err := readOnly.Get(t.Context(), [16]byte{1}, 0); err != nil || string(c.Entries) != "x" {
		t.Errorf("read with the right to read: %q, %v", c.Entries, err)
	}
}

// TestAzuriteManyChunks: chunks and epochs over several pages, found from any seq, and
// keys without a hint.
func TestAzuriteManyChunks(t *testing.T) {
	s := azurite.Start(t)
	endpoints := s.Endpoints(t, "m", account(s))
	if _, err := pluginhost.Init(t.Context(), source(t, "store-azureblob", ""), pluginhost.Options{Endpoints: endpoints}); err != nil {
		t.Fatal(err)
	}
	a := mustLoad(t, endpoints)
	for i := range uint64(600) {
		g := journaltest.Group(1, 3*i, "x")
		if i%100 == 0 {
			g.Keys = []journal.WrappedKey{{ID: journaltest.KeyID(1, byte(i/100), 0), DEK: journal.Sealed("dek")}}
		}
		if err := a.Put(t.Context(), g); err != nil {
			t.Fatal(err)
		}
	}
	for i := range 80 {
		if err := a.Put(t.Context(), journaltest.Group(byte(2+i), 0, "x")); err != nil {
			t.Fatal(err)
		}
	}
	for _, seq := range []uint64{0, 2, 4, 700, 1001, 1796, 1797, 1799, 1 << 50} {
		if c, err := a.Get(t.Context(), [16]byte{1}, seq); err != nil || c.FirstSeq != min(seq, 1797)/3*3 {
			t.Errorf("get %d: %d, %v", seq, c.FirstSeq, err)
		}
	}
	if heads, err := a.Epochs(t.Context()); err != nil || len(heads) != 81 || heads[0].LastChunk != 1797 {
		t.Errorf("%d epochs, %v", len(heads), err)
	}
	for i := range 6 {
		for _, near := range []uint64{0, 301} {
			id := journaltest.KeyID(1, byte(i), 0)
			id.Near = near
			if dek, err := a.Key(t.Context(), id); err != nil || string(dek) != "dek" {
				t.Errorf("key %d with hint %d: %q, %v", i, near, dek, err)
			}
		}
	}
}

// TestWORM: the adapter in Wasm, over TLS, on containers with policies of retention,
// which Azurite has not: see package objectstest.
func TestWORM(t *testing.T) {
	entries, keys := objectstest.NewContainer(), objectstest.NewContainer()
	entries.Immutable = true
	endpoints := map[string]pluginhost.Endpoint{}
	for name, c := range map[string]*objectstest.Container{"entries": entries, "keys": keys} {
		c.Base = "/" + name
		server := httptest.NewTLSServer(c)
		t.Cleanup(server.Close)
		roots := x509.NewCertPool()
		roots.AddCert(server.Certificate())
		e, err := endpoint.Open(endpoint.Options{URL: server.URL + "/" + name, Roots: roots})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(e.Close)
		endpoints[name] = e
	}
	a, err := load(t, "store-azureblob", endpoints, `{"immutability":"required"}`)
	if err != nil {
		t.Fatal(err)
	}
	g := journaltest.Group(1, 0, "zero")
	g.Keys = []journal.WrappedKey{{ID: journaltest.KeyID(1, 9, 0), DEK: journal.Sealed("dek 9")}, {ID: journaltest.KeyID(1, 8, 0), DEK: journal.Sealed("dek 8")}}
	if err := a.Put(t.Context(), g); err != nil {
		t.Fatal(err)
	}
	if err := a.EraseKey(t.Context(), g.Keys[0].ID); err != nil {
		t.Errorf("erasure beside immutable entries: %v", err)
	}
	keys.LegalHold = true
	err = a.EraseKey(t.Context(), g.Keys[1].ID)
	if !errors.Is(err, journal.ErrProtected) || !strings.Contains(err.Error(), "BlobImmutableDueToLegalHold") {
		t.Errorf("erasure under a legal hold: %v", err)
	}
	if _, err := load(t, "store-azureblob", endpoints, ""); err == nil || !strings.Contains(err.Error(), "code 12") {
		t.Errorf("a start on keys that cannot be erased: %v", err)
	}
	keys.LegalHold, entries.Immutable = false, false
	if _, err := load(t, "store-azureblob", endpoints, `{"immutability":"required"}`); err == nil || !strings.Contains(err.Error(), "code 13") {
		t.Errorf("a start on entries that have to be immutable: %v", err)
	}
	entries.Fault = func(*http.Request) (int, string) { return 503, "ServerBusy" }
	if err := a.Put(t.Context(), journaltest.Group(1, 1, "one")); err == nil || errors.Is(err, journal.ErrConflict) || !strings.Contains(err.Error(), "503 ServerBusy") {
		t.Errorf("put to a busy service: %v", err)
	}
}
