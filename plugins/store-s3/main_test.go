package main

import (
	"errors"
	"testing"

	"github.com/veriproof/notary/plugins/objects"
	"github.com/veriproof/notary/plugins/objects/objectstest"
	"github.com/veriproof/notary/sdk/plugin/abi"
	"github.com/veriproof/notary/sdk/plugin/storage"
)

func describe(endpoints func() storage.Endpoints, payloads func() storage.Payloads) storage.Spec {
	return objects.Spec(open, endpoints, payloads)
}

type account = objectstest.Bench[*objectstest.Bucket]

func newAccount() *account { return objectstest.NewBench(objectstest.NewBucket, describe) }

func TestContract(t *testing.T) { objectstest.Contract(t, objectstest.NewBucket, describe) }

// TestMigrate: what a start finds out, and tells by a code.
func TestMigrate(t *testing.T) {
	const required = `{"immutability":"required"}`
	for name, tc := range map[string]struct {
		config string
		change func(*account)
		want   error
	}{
		"both are there":            {"", func(*account) {}, nil},
		"entries are locked":        {"", func(a *account) { a.Entries.Versioning, a.Entries.Lock = "Enabled", "COMPLIANCE" }, nil},
		"no bucket of entries":      {"", func(a *account) { a.Entries.Fail(404, "NoSuchBucket") }, objects.CodePlace},
		"no bucket of keys":         {"", func(a *account) { a.Keys.Fail(404, "NoSuchBucket") }, objects.CodePlace},
		"keys are versioned":        {"", func(a *account) { a.Keys.Versioning = "Enabled" }, objects.CodeKeysStay},
		"keys were versioned":       {"", func(a *account) { a.Keys.Versioning = "Suspended" }, objects.CodeKeysStay},
		"settings are not told":     {"", func(a *account) { a.Entries.Silent, a.Keys.Silent = true, true }, nil},
		"required, and so":          {required, func(a *account) { a.Entries.Lock = "GOVERNANCE" }, nil},
		"required, and not so":      {required, func(*account) {}, objects.CodeMutable},
		"required, and not told":    {required, func(a *account) { a.Entries.Silent = true }, objects.CodeUnsaid},
		"any":                       {`{"immutability":"any"}`, func(*account) {}, nil},
		"another word":              {`{"immutability":"yes"}`, func(*account) {}, objects.CodeSetting},
		"another key":               {`{"bucket":"x"}`, func(*account) {}, objects.CodeSetting},
		"the credential is refused": {"", func(a *account) { a.Keys.Fail(403, "SignatureDoesNotMatch") }, objects.CodePlace},
	} {
		a := newAccount()
		tc.change(a)
		if _, err := storage.New(a.Spec, []byte(tc.config)); !errors.Is(err, tc.want) {
			t.Errorf("%s: %v, want %v", name, err, tc.want)
		}
	}
	var code storage.Code
	if err := storage.Init(newAccount().Spec, nil); !errors.As(err, &code) || code != abi.InitNothing {
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
		a.Entries.Fail(tc.status, tc.code)
		s := open(a.Host, a.Host)
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
