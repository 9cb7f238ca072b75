package main

import (
	"errors"
	"net/http"
	"testing"

	"github.com/veriproof/notary/plugins/objects"
	"github.com/veriproof/notary/plugins/objects/objectstest"
	"github.com/veriproof/notary/sdk/plugin/abi"
	"github.com/veriproof/notary/sdk/plugin/storage"
)

func describe(endpoints func() storage.Endpoints, payloads func() storage.Payloads) storage.Spec {
	return objects.Spec(open, endpoints, payloads)
}

type account = objectstest.Bench[*objectstest.Container]

func newAccount() *account { return objectstest.NewBench(objectstest.NewContainer, describe) }

// TestContract: on containers as they are, under a policy of retention where entries
// are, and where listings come in pieces.
func TestContract(t *testing.T) {
	for name, change := range map[string]func(entries *objectstest.Container){
		"plain":             func(*objectstest.Container) {},
		"immutable entries": func(c *objectstest.Container) { c.Immutable = true },
		"pages":             func(c *objectstest.Container) { c.Pages = 1 },
	} {
		t.Run(name, func(t *testing.T) {
			made := 0
			objectstest.Contract(t, func() *objectstest.Container {
				c := objectstest.NewContainer()
				if made++; made%2 == 1 { // entries are made before keys
					change(c)
				}
				return c
			}, describe)
		})
	}
}

// TestMigrate: what a start finds out, and tells by a code.
func TestMigrate(t *testing.T) {
	for name, tc := range map[string]struct {
		config string
		change func(*account)
		want   error
	}{
		"both are there":                     {"", func(*account) {}, nil},
		"entries are immutable":              {"", func(a *account) { a.Entries.Immutable = true }, nil},
		"no container of entries":            {"", func(a *account) { a.Entries.Remove() }, objects.CodePlace},
		"no container of keys":               {"", func(a *account) { a.Keys.Remove() }, objects.CodePlace},
		"keys are immutable":                 {"", func(a *account) { a.Keys.Immutable = true }, objects.CodeKeysStay},
		"keys are held":                      {"", func(a *account) { a.Keys.LegalHold = true }, objects.CodeKeysStay},
		"properties are not told":            {"", func(a *account) { a.Entries.Silent, a.Keys.Silent = true, true }, nil},
		"required, and so":                   {`{"immutability":"required"}`, func(a *account) { a.Entries.Immutable = true }, nil},
		"required, by a hold":                {`{"immutability":"required"}`, func(a *account) { a.Entries.LegalHold = true }, nil},
		"required, and not so":               {`{"immutability":"required"}`, func(*account) {}, objects.CodeMutable},
		"required, and not told":             {`{"immutability":"required"}`, func(a *account) { a.Entries.Silent = true }, objects.CodeUnsaid},
		"any":                                {`{"immutability":"any"}`, func(*account) {}, nil},
		"another word":                       {`{"immutability":"yes"}`, func(*account) {}, objects.CodeSetting},
		"another key":                        {`{"container":"x"}`, func(*account) {}, objects.CodeSetting},
		"the service refuses the credential": {"", func(a *account) { a.Keys.Fail(403, "AuthenticationFailed") }, objects.CodePlace},
	} {
		a := newAccount()
		tc.change(a)
		before := len(a.Entries.Objects()) + len(a.Keys.Objects())
		if _, err := storage.New(a.Spec, []byte(tc.config)); !errors.Is(err, tc.want) {
			t.Errorf("%s: %v, want %v", name, err, tc.want)
		}
		if after := len(a.Entries.Objects()) + len(a.Keys.Objects()); after != before {
			t.Errorf("%s: a start wrote %d objects", name, after-before)
		}
	}
}

// TestInit: containers are made by Init and by nothing else, and left alone when they
// are there.
func TestInit(t *testing.T) {
	a := newAccount()
	a.Entries.Remove()
	a.Keys.Remove()
	if err := storage.Init(a.Spec, nil); err != nil {
		t.Fatal(err)
	}
	in := a.Open(t)
	if status := a.Put(t, in); status != abi.StoOK {
		t.Fatalf("put: status %d", status)
	}
	if err := storage.Init(a.Spec, nil); err != nil || len(a.Entries.Objects()) != 1 {
		t.Errorf("a second time: %v, %d entries objects", err, len(a.Entries.Objects()))
	}
	a.Keys.Fail(403, "AuthorizationPermissionMismatch")
	if err := storage.Init(a.Spec, nil); !errors.Is(err, objects.CodeNotMade) {
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
		a.Entries.Fail(tc.status, tc.code)
		s := open(a.Host, a.Host)
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

// TestProtectedKeys: an erasure that a policy forbids is said to be forbidden, after
// one try, and the key is still there.
func TestProtectedKeys(t *testing.T) {
	for name, protect := range map[string]func(*objectstest.Container){
		"policy": func(c *objectstest.Container) { c.Immutable = true },
		"hold":   func(c *objectstest.Container) { c.LegalHold = true },
	} {
		a := newAccount()
		in := a.Open(t)
		if status := a.Put(t, in); status != abi.StoOK {
			t.Fatalf("put: status %d", status)
		}
		protect(a.Keys)
		writes := 0
		a.Keys.Fault = func(r *http.Request) (int, string) {
			if r.Method == http.MethodPut {
				writes++
			}
			return 0, ""
		}
		if status, err := in.Delete(objectstest.KeyOf); err != nil || status != abi.StoProtected || writes != 1 {
			t.Errorf("%s: status %d, %v, after %d tries", name, status, err, writes)
		}
		if got, status := a.Get(t, in, objectstest.KeyOf); status != abi.StoOK || got != "dek" {
			t.Errorf("%s: the key is %q, status %d", name, got, status)
		}
	}
}
