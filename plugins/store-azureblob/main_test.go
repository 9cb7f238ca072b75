package main

import (
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/veriproof/notary/plugins/objects/objectstest"
	"github.com/veriproof/notary/sdk/plugin/abi"
	"github.com/veriproof/notary/sdk/plugin/plugintest"
	"github.com/veriproof/notary/sdk/plugin/storage"
)

// account is a host with two containers behind its endpoints.
type account struct {
	host          *plugintest.Host
	entries, keys *objectstest.Container
}

func newAccount() *account {
	a := &account{host: plugintest.NewHost(), entries: objectstest.NewContainer(), keys: objectstest.NewContainer()}
	a.host.Handlers = []http.Handler{a.entries, a.keys}
	return a
}

func (a *account) spec() storage.Spec {
	return spec(func() storage.Endpoints { return a.host }, func() storage.Payloads { return a.host })
}

func (a *account) open(t *testing.T) *storage.Instance {
	t.Helper()
	in, err := storage.New(a.spec(), nil)
	if err != nil {
		t.Fatal(err)
	}
	return in
}

var (
	epoch   = [16]byte{0xaa, 15: 1}
	session = [32]byte{7}
	keyOf   = abi.Selector{What: abi.WhatKey, Epoch: epoch, Session: session, Part: 2}
	entryOf = abi.Selector{What: abi.WhatEntry, Epoch: epoch}
)

// put stores one entry, and with it a wrapped key.
func (a *account) put(t *testing.T, in *storage.Instance) abi.StoStatus {
	t.Helper()
	defer a.host.EndCall()
	status, err := in.Put(&abi.Put{
		Entries: []abi.Entry{{Handle: a.host.Handle([]byte("ciphertext")), Length: 10, Epoch: epoch}},
		Keys:    []abi.Key{{Handle: a.host.Handle([]byte("dek")), Length: 3, Epoch: epoch, Session: session, Part: 2}},
	})
	if err != nil {
		t.Fatal(err)
	}
	return status
}

func (a *account) get(t *testing.T, in *storage.Instance, s abi.Selector) (string, abi.StoStatus) {
	t.Helper()
	defer a.host.EndCall()
	item, status, err := in.Get(s)
	if err != nil {
		t.Fatal(err)
	}
	return string(a.host.Bytes(item.Handle)), status
}

// TestMigrate: what a start finds out, and tells by a code.
func TestMigrate(t *testing.T) {
	for name, tc := range map[string]struct {
		config string
		change func(*account)
		want   error
	}{
		"both are there":                     {"", func(*account) {}, nil},
		"entries are immutable":              {"", func(a *account) { a.entries.Immutable = true }, nil},
		"no container of entries":            {"", func(a *account) { a.entries.Remove() }, codeContainer},
		"no container of keys":               {"", func(a *account) { a.keys.Remove() }, codeContainer},
		"keys are immutable":                 {"", func(a *account) { a.keys.Immutable = true }, codeKeysProtected},
		"keys are held":                      {"", func(a *account) { a.keys.LegalHold = true }, codeKeysProtected},
		"properties are not told":            {"", func(a *account) { a.entries.Silent, a.keys.Silent = true, true }, nil},
		"required, and so":                   {`{"immutability":"required"}`, func(a *account) { a.entries.Immutable = true }, nil},
		"required, by a hold":                {`{"immutability":"required"}`, func(a *account) { a.entries.LegalHold = true }, nil},
		"required, and not so":               {`{"immutability":"required"}`, func(*account) {}, codeNotImmutable},
		"required, and not told":             {`{"immutability":"required"}`, func(a *account) { a.entries.Silent = true }, codeImmutableUnsaid},
		"any":                                {`{"immutability":"any"}`, func(*account) {}, nil},
		"another word":                       {`{"immutability":"yes"}`, func(*account) {}, codeSetting},
		"another key":                        {`{"container":"x"}`, func(*account) {}, codeSetting},
		"the service refuses the credential": {"", func(a *account) { a.keys.Fault = refuse(403, "AuthenticationFailed") }, codeContainer},
	} {
		a := newAccount()
		tc.change(a)
		before := len(a.entries.Objects()) + len(a.keys.Objects())
		if _, err := storage.New(a.spec(), []byte(tc.config)); !errors.Is(err, tc.want) {
			t.Errorf("%s: %v, want %v", name, err, tc.want)
		}
		if after := len(a.entries.Objects()) + len(a.keys.Objects()); after != before {
			t.Errorf("%s: a start wrote %d objects", name, after-before)
		}
	}
}

func refuse(status int, code string) func(*http.Request) (int, string) {
	return func(*http.Request) (int, string) { return status, code }
}

// TestInit: containers are made by Init and by nothing else, and left alone when they
// are there.
func TestInit(t *testing.T) {
	a := newAccount()
	a.entries.Remove()
	a.keys.Remove()
	if err := storage.Init(a.spec(), nil); err != nil {
		t.Fatal(err)
	}
	in := a.open(t)
	if status := a.put(t, in); status != abi.StoOK {
		t.Fatalf("put: status %d", status)
	}
	if err := storage.Init(a.spec(), nil); err != nil || len(a.entries.Objects()) != 1 {
		t.Errorf("a second time: %v, %d entries objects", err, len(a.entries.Objects()))
	}
	a.keys.Fault = refuse(403, "AuthorizationPermissionMismatch")
	if err := storage.Init(a.spec(), nil); !errors.Is(err, codeInit) {
		t.Errorf("without the right: %v", err)
	}
}

// TestAnswers: how answers of the service become statuses. What says nothing about the
// object is never a conflict, "not found" or a success.
func TestAnswers(t *testing.T) {
	for _, tc := range []struct {
		status                int
		code                  string
		create, read, replace abi.StoStatus
	}{
		{409, "BlobAlreadyExists", abi.StoConflict, abi.StoUnavailable, abi.StoUnavailable},
		{409, "BlobImmutableDueToPolicy", abi.StoConflict, abi.StoUnavailable, abi.StoProtected},
		{409, "BlobImmutableDueToLegalHold", abi.StoConflict, abi.StoUnavailable, abi.StoProtected},
		{409, "ContainerBeingDeleted", abi.StoUnavailable, abi.StoUnavailable, abi.StoUnavailable},
		{409, "", abi.StoUnavailable, abi.StoUnavailable, abi.StoUnavailable},
		{412, "ConditionNotMet", abi.StoConflict, abi.StoUnavailable, abi.StoConflict},
		{412, "LeaseIdMissing", abi.StoConflict, abi.StoUnavailable, abi.StoUnavailable},
		{404, "BlobNotFound", abi.StoUnavailable, abi.StoNotFound, abi.StoUnavailable},
		{404, "ContainerNotFound", abi.StoUnavailable, abi.StoUnavailable, abi.StoUnavailable},
		{404, "", abi.StoUnavailable, abi.StoUnavailable, abi.StoUnavailable},
		{403, "AuthenticationFailed", abi.StoUnavailable, abi.StoUnavailable, abi.StoUnavailable},
		{429, "TooManyRequests", abi.StoUnavailable, abi.StoUnavailable, abi.StoUnavailable},
		{500, "InternalError", abi.StoUnavailable, abi.StoUnavailable, abi.StoUnavailable},
		{503, "ServerBusy", abi.StoUnavailable, abi.StoUnavailable, abi.StoUnavailable},
		{302, "", abi.StoUnavailable, abi.StoUnavailable, abi.StoUnavailable},
		{200, "", abi.StoUnavailable, abi.StoOK, abi.StoUnavailable},
		{202, "", abi.StoUnavailable, abi.StoUnavailable, abi.StoUnavailable},
	} {
		a := newAccount()
		a.entries.Fault = refuse(tc.status, tc.code)
		s := &service{http: a.host}
		if got := s.Create(0, "e-1", nil); got != tc.create {
			t.Errorf("%d %s: create gives %d, want %d", tc.status, tc.code, got, tc.create)
		}
		if _, got := s.Read(0, "e-1"); got != tc.read {
			t.Errorf("%d %s: read gives %d, want %d", tc.status, tc.code, got, tc.read)
		}
		if got := s.Replace(0, "e-1", `"1"`, nil); got != tc.replace {
			t.Errorf("%d %s: replace gives %d, want %d", tc.status, tc.code, got, tc.replace)
		}
	}
}

// TestImmutableEntries: under a policy of retention everything goes on as before, and
// a retry finds what is there.
func TestImmutableEntries(t *testing.T) {
	a := newAccount()
	a.entries.Immutable = true
	in := a.open(t)
	if status := a.put(t, in); status != abi.StoOK {
		t.Fatalf("put: status %d", status)
	}
	if status := a.put(t, in); status != abi.StoConflict {
		t.Errorf("again: status %d", status)
	}
	if status, err := in.Delete(keyOf); err != nil || status != abi.StoOK {
		t.Errorf("erase: status %d, %v", status, err)
	}
	if got, status := a.get(t, in, entryOf); status != abi.StoOK || got != "ciphertext" {
		t.Errorf("after the erasure: %q, status %d", got, status)
	}
	for name, object := range a.keys.Objects() {
		if strings.Contains(string(object), "dek") {
			t.Errorf("object %s holds the erased key", name)
		}
	}
	if status := a.put(t, in); status != abi.StoConflict {
		t.Errorf("late retry: status %d", status)
	}
	if _, status := a.get(t, in, keyOf); status != abi.StoNotFound {
		t.Errorf("the erased key: status %d", status)
	}
}

// TestProtectedKeys: an erasure that a policy forbids is said to be forbidden, after
// one try, and the key is still there.
func TestProtectedKeys(t *testing.T) {
	for name, protect := range map[string]func(*objectstest.Container){
		"policy": func(c *objectstest.Container) { c.Immutable = true },
		"hold":   func(c *objectstest.Container) { c.LegalHold = true },
	} {
		a := newAccount()
		in := a.open(t)
		if status := a.put(t, in); status != abi.StoOK {
			t.Fatalf("put: status %d", status)
		}
		protect(a.keys)
		writes := 0
		a.keys.Fault = func(r *http.Request) (int, string) {
			if r.Method == http.MethodPut {
				writes++
			}
			return 0, ""
		}
		if status, err := in.Delete(keyOf); err != nil || status != abi.StoProtected || writes != 1 {
			t.Errorf("%s: status %d, %v, after %d tries", name, status, err, writes)
		}
		if got, status := a.get(t, in, keyOf); status != abi.StoOK || got != "dek" {
			t.Errorf("%s: the key is %q, status %d", name, got, status)
		}
	}
}

// TestErasuresAtOnce: of two that erase in one object at the same time, neither undoes
// the other.
func TestErasuresAtOnce(t *testing.T) {
	a := newAccount()
	in := a.open(t)
	other := abi.Key{Handle: a.host.Handle([]byte("other")), Length: 5, Epoch: epoch, Session: [32]byte{8}}
	status, err := in.Put(&abi.Put{
		Entries: []abi.Entry{{Handle: a.host.Handle([]byte("x")), Length: 1, Epoch: epoch}},
		Keys:    []abi.Key{{Handle: a.host.Handle([]byte("dek")), Length: 3, Epoch: epoch, Session: session, Part: 2}, other},
	})
	if err != nil || status != abi.StoOK {
		t.Fatalf("put: status %d, %v", status, err)
	}
	// The other notary comes between the reading and the writing.
	b := &account{host: plugintest.NewHost(), entries: a.entries, keys: a.keys}
	b.host.Handlers = []http.Handler{a.entries, a.keys}
	second, first := b.open(t), true
	a.host.Handlers[1] = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPut && first {
			first = false
			status, err := second.Delete(abi.Selector{What: abi.WhatKey, Epoch: epoch, Session: other.Session})
			if err != nil || status != abi.StoOK {
				t.Errorf("the other's erasure: status %d, %v", status, err)
			}
		}
		a.keys.ServeHTTP(w, r)
	})
	if status, err := in.Delete(keyOf); err != nil || status != abi.StoOK {
		t.Fatalf("erase: status %d, %v", status, err)
	}
	for name, object := range a.keys.Objects() {
		if s := string(object); strings.Contains(s, "dek") || strings.Contains(s, "other") {
			t.Errorf("object %s still holds a key: %q", name, s)
		}
	}
}
