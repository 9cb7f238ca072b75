package storage_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/veriproof/notary/sdk/plugin/abi"
	"github.com/veriproof/notary/sdk/plugin/plugintest"
	"github.com/veriproof/notary/sdk/plugin/storage"
)

// single keeps one object per entry, named by its seq; it is the least that can
// be called an adapter.
type single struct {
	blobs      storage.Blobs
	migrateErr error
	status     abi.StoStatus
	items      int
}

func (a *single) Migrate() error { return a.migrateErr }

func (a *single) Put(p *abi.Put) abi.StoStatus {
	e := p.Entries[0]
	return storage.Status(a.blobs.Put(fmt.Append(nil, e.Seq), []uint32{e.Handle}, false))
}

func (a *single) Get(s *abi.Selector) (abi.Item, abi.StoStatus) {
	h, _, err := a.blobs.Get(fmt.Append(nil, s.Seq))
	return abi.Item{Handle: h, Seq: s.Seq}, storage.Status(err)
}

func (a *single) List(*abi.Selector) ([]abi.Item, abi.StoStatus) {
	return make([]abi.Item, a.items), a.status
}

func (a *single) Delete(*abi.Selector) abi.StoStatus { return a.status }

func open(t testing.TB, a storage.Adapter) *storage.Instance {
	t.Helper()
	in, err := storage.New(storage.Spec{Configure: func([]byte) (storage.Adapter, error) { return a, nil }}, nil)
	if err != nil {
		t.Fatal(err)
	}
	return in
}

// Example runs natively what a guest registers with Register.
func Example() {
	host := plugintest.NewHost()
	in, err := storage.New(storage.Spec{Configure: func([]byte) (storage.Adapter, error) {
		return &single{blobs: host}, nil
	}}, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	put := &abi.Put{Entries: []abi.Entry{{Handle: host.Handle([]byte("ciphertext")), Length: 10, Seq: 5}}}
	for range 2 {
		status, err := in.Put(put)
		fmt.Println(status == abi.StoOK, status == abi.StoConflict, err)
	}
	item, _, err := in.Get(abi.Selector{What: abi.WhatEntry, Seq: 5})
	fmt.Printf("%s %v\n", host.Bytes(item.Handle), err)
	// Output:
	// true false <nil>
	// false true <nil>
	// ciphertext <nil>
}

func TestStatus(t *testing.T) {
	for err, want := range map[error]abi.StoStatus{
		nil: abi.StoOK, storage.ErrNoEntry: abi.StoNotFound, storage.ErrExist: abi.StoConflict,
		storage.Errno(abi.ErrnoIO): abi.StoUnavailable, storage.Errno(abi.ErrnoInvalid): abi.StoBadRequest,
		storage.Errno(abi.ErrnoTooBig): abi.StoBadRequest, errors.New("other"): abi.StoBadRequest,
	} {
		if got := storage.Status(err); got != want {
			t.Errorf("%v: status %d, want %d", err, got, want)
		}
	}
}

// TestFailureHasNoItems: an adapter that fails passes nothing on.
func TestFailureHasNoItems(t *testing.T) {
	in := open(t, &single{blobs: plugintest.NewHost(), status: abi.StoUnavailable, items: 3})
	if items, status, err := in.List(abi.Selector{What: abi.WhatEpochs}); err != nil || status != abi.StoUnavailable || len(items) != 0 {
		t.Errorf("%d items, status %d, %v", len(items), status, err)
	}
	if item, status, err := in.Get(abi.Selector{What: abi.WhatEntry}); err != nil || status != abi.StoNotFound || item != (abi.Item{}) {
		t.Errorf("item %v, status %d, %v", item, status, err)
	}
}

// TestPutIsChecked: what the host promises is checked again before an adapter
// sees it.
func TestPutIsChecked(t *testing.T) {
	in := open(t, &single{blobs: plugintest.NewHost()})
	for name, p := range map[string]*abi.Put{
		"no entry":   {},
		"gap":        {Entries: []abi.Entry{{Seq: 1}, {Seq: 3}}},
		"two epochs": {Entries: []abi.Entry{{Seq: 1}, {Seq: 2, Epoch: [16]byte{1}}}},
	} {
		if status, err := in.Put(p); err != nil || status != abi.StoBadRequest {
			t.Errorf("%s: status %d, %v", name, status, err)
		}
	}
}

func TestSpecIsChecked(t *testing.T) {
	if _, err := storage.New(storage.Spec{}, nil); !errors.Is(err, storage.ErrSpec) {
		t.Errorf("no Configure: error %v", err)
	}
	broken := errors.New("broken")
	_, err := storage.New(storage.Spec{Configure: func([]byte) (storage.Adapter, error) {
		return &single{migrateErr: broken}, nil
	}}, nil)
	if !errors.Is(err, broken) {
		t.Errorf("Migrate fails: error %v", err)
	}
}

// TestNoHost: natively there is no storage to write to by mistake.
func TestNoHost(t *testing.T) {
	if err := storage.Blob().Put([]byte("k"), nil, true); storage.Status(err) != abi.StoUnavailable {
		t.Errorf("blob: %v", err)
	}
	if _, err := storage.Payload().New(nil); storage.Status(err) != abi.StoUnavailable {
		t.Errorf("payload: %v", err)
	}
}

func TestFirstKey(t *testing.T) {
	listed := []byte("\x01a\x02bc\x05x")
	var keys []string
	for key, rest := storage.FirstKey(listed); key != nil; key, rest = storage.FirstKey(rest) {
		keys = append(keys, string(key))
	}
	if fmt.Sprint(keys) != "[a bc]" {
		t.Errorf("keys %v; a key that is cut off is none", keys)
	}
}
