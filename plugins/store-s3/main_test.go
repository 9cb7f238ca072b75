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

// account is a host with two buckets behind its endpoints.
type account struct {
	host          *plugintest.Host
	entries, keys *objectstest.Bucket
}

func newAccount() *account {
	a := &account{host: plugintest.NewHost(), entries: objectstest.NewBucket(), keys: objectstest.NewBucket()}
	a.host.Handlers = []http.Handler{a.entries, a.keys}
	return a
}

func (a *account) spec() storage.Spec {
	return spec(func() storage.Endpoints { return a.host }, func() storage.Payloads { return a.host })
}

func refuse(status int, code string) func(*http.Request) (int, string) {
	return func(*http.Request) (int, string) { return status, code }
}

// TestMigrate: what a start finds out, and tells by a code.
func TestMigrate(t *testing.T) {
	const required = `{"immutability":"required"}`
	for name, tc := range map[string]struct {
		config string
		change func(*account)
		want   error
	}{
		"both are there":            {"", func(*account) {}, nil},
		"entries are locked":        {"", func(a *account) { a.entries.Versioning, a.entries.Lock = "Enabled", "COMPLIANCE" }, nil},
		"no bucket of entries":      {"", func(a *account) { a.entries.Fault = refuse(404, "NoSuchBucket") }, codeBucket},
		"no bucket of keys":         {"", func(a *account) { a.keys.Fault = refuse(404, "NoSuchBucket") }, codeBucket},
		"keys are versioned":        {"", func(a *account) { a.keys.Versioning = "Enabled" }, codeKeysVersions},
		"keys were versioned":       {"", func(a *account) { a.keys.Versioning = "Suspended" }, codeKeysVersions},
		"settings are not told":     {"", func(a *account) { a.entries.Silent, a.keys.Silent = true, true }, nil},
		"required, and so":          {required, func(a *account) { a.entries.Lock = "GOVERNANCE" }, nil},
		"required, and not so":      {required, func(*account) {}, codeNotImmutable},
		"required, and not told":    {required, func(a *account) { a.entries.Silent = true }, codeUnsaid},
		"any":                       {`{"immutability":"any"}`, func(*account) {}, nil},
		"another word":              {`{"immutability":"yes"}`, func(*account) {}, codeSetting},
		"another key":               {`{"bucket":"x"}`, func(*account) {}, codeSetting},
		"the credential is refused": {"", func(a *account) { a.keys.Fault = refuse(403, "SignatureDoesNotMatch") }, codeBucket},
	} {
		a := newAccount()
		tc.change(a)
		if _, err := storage.New(a.spec(), []byte(tc.config)); !errors.Is(err, tc.want) {
			t.Errorf("%s: %v, want %v", name, err, tc.want)
		}
	}
	var code storage.Code
	if err := storage.Init(newAccount().spec(), nil); !errors.As(err, &code) || code != abi.InitNothing {
		t.Errorf("init: %v", err)
	}
}

// TestAnswers: how answers of the service become statuses. What says nothing about the
// object is never a conflict, "not found" or a success.
func TestAnswers(t *testing.T) {
	for _, tc := range []struct {
		status      int
		code        string
		write, read abi.StoStatus
	}{
		{412, "PreconditionFailed", abi.StoConflict, abi.StoUnavailable},
		{412, "", abi.StoUnavailable, abi.StoUnavailable},
		{409, "ConditionalRequestConflict", abi.StoUnavailable, abi.StoUnavailable},
		{404, "NoSuchKey", abi.StoUnavailable, abi.StoNotFound},
		{404, "NoSuchBucket", abi.StoUnavailable, abi.StoUnavailable},
		{404, "", abi.StoUnavailable, abi.StoUnavailable},
		{403, "AccessDenied", abi.StoUnavailable, abi.StoUnavailable},
		{503, "SlowDown", abi.StoUnavailable, abi.StoUnavailable},
		{500, "InternalError", abi.StoUnavailable, abi.StoUnavailable},
		{301, "PermanentRedirect", abi.StoUnavailable, abi.StoUnavailable},
		{204, "", abi.StoUnavailable, abi.StoUnavailable},
	} {
		a := newAccount()
		a.entries.Fault = refuse(tc.status, tc.code)
		s := &service{http: a.host, payloads: a.host}
		if got := s.Create(0, "e-1", nil); got != tc.write {
			t.Errorf("%d %s: create gives %d, want %d", tc.status, tc.code, got, tc.write)
		}
		if got := s.Replace(0, "e-1", `"1"`, nil); got != tc.write {
			t.Errorf("%d %s: replace gives %d, want %d", tc.status, tc.code, got, tc.write)
		}
		if _, got := s.Read(0, "e-1"); got != tc.read {
			t.Errorf("%d %s: read gives %d, want %d", tc.status, tc.code, got, tc.read)
		}
	}
}

// TestLife: put, retry, read, erase, late retry.
func TestLife(t *testing.T) {
	a := newAccount()
	in, err := storage.New(a.spec(), nil)
	if err != nil {
		t.Fatal(err)
	}
	epoch, session := [16]byte{1}, [32]byte{2}
	put := func() abi.StoStatus {
		defer a.host.EndCall()
		status, err := in.Put(&abi.Put{
			Entries: []abi.Entry{{Handle: a.host.Handle([]byte("ciphertext")), Length: 10, Epoch: epoch}},
			Keys:    []abi.Key{{Handle: a.host.Handle([]byte("dek")), Length: 3, Epoch: epoch, Session: session}},
		})
		if err != nil {
			t.Fatal(err)
		}
		return status
	}
	if first, second := put(), put(); first != abi.StoOK || second != abi.StoConflict {
		t.Fatalf("put twice: %d, %d", first, second)
	}
	if item, status, err := in.Get(abi.Selector{What: abi.WhatEntry, Epoch: epoch, Seq: 7}); err != nil || status != abi.StoOK || string(a.host.Bytes(item.Handle)) != "ciphertext" {
		t.Errorf("get: status %d, %v", status, err)
	}
	key := abi.Selector{What: abi.WhatKey, Epoch: epoch, Session: session}
	if status, err := in.Delete(key); err != nil || status != abi.StoOK {
		t.Errorf("erase: status %d, %v", status, err)
	}
	if status := put(); status != abi.StoConflict {
		t.Errorf("late retry: %d", status)
	}
	if _, status, _ := in.Get(key); status != abi.StoNotFound {
		t.Errorf("the erased key: status %d", status)
	}
	for name, object := range a.keys.Objects() {
		if strings.Contains(string(object), "dek") {
			t.Errorf("object %s holds the erased key", name)
		}
	}
	if items, status, err := in.List(abi.Selector{What: abi.WhatEpochs, First: true}); err != nil || status != abi.StoOK || len(items) != 1 || items[0].Epoch != epoch {
		t.Errorf("epochs %v, status %d, %v", items, status, err)
	}
}
