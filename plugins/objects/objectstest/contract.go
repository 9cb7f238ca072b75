package objectstest

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/veriproof/notary/sdk/plugin/abi"
	"github.com/veriproof/notary/sdk/plugin/plugintest"
	"github.com/veriproof/notary/sdk/plugin/storage"
)

// A Place is a stand-in that an adapter keeps objects in.
type Place interface {
	http.Handler
	Objects() map[string][]byte
}

// A Bench is a host with two places behind its endpoints, and an adapter on them.
type Bench[P Place] struct {
	Host          *plugintest.Host
	Entries, Keys P
	// Spec is of the adapter.
	Spec storage.Spec
}

// A Describe function describes an adapter over what a host offers.
type Describe func(endpoints func() storage.Endpoints, payloads func() storage.Payloads) storage.Spec

// NewBench returns a bench on two fresh places.
func NewBench[P Place](fresh func() P, describe Describe) *Bench[P] {
	return (&Bench[P]{Entries: fresh(), Keys: fresh()}).Beside(describe)
}

// Beside returns another host on the same places, as of another notary.
func (b *Bench[P]) Beside(describe Describe) *Bench[P] {
	host := plugintest.NewHost()
	host.Handlers = []http.Handler{b.Entries, b.Keys}
	return &Bench[P]{
		Host: host, Entries: b.Entries, Keys: b.Keys,
		Spec: describe(func() storage.Endpoints { return host }, func() storage.Payloads { return host }),
	}
}

// Open starts the adapter.
func (b *Bench[P]) Open(t *testing.T) *storage.Instance {
	t.Helper()
	in, err := storage.New(b.Spec, nil)
	if err != nil {
		t.Fatal(err)
	}
	return in
}

// What Put stores.
var (
	Epoch   = [16]byte{0xaa, 15: 1}
	KeyOf   = abi.Selector{What: abi.WhatKey, Epoch: Epoch, Session: [32]byte{7}, Part: 2}
	OtherOf = abi.Selector{What: abi.WhatKey, Epoch: Epoch, Session: [32]byte{8}}
	EntryOf = abi.Selector{What: abi.WhatEntry, Epoch: Epoch}
)

// Put stores one entry, "ciphertext", and with it two wrapped keys, "dek" and "other".
func (b *Bench[P]) Put(t *testing.T, in *storage.Instance) abi.StoStatus {
	t.Helper()
	return b.put(t, in, Epoch)
}

func (b *Bench[P]) put(t *testing.T, in *storage.Instance, epoch [16]byte) abi.StoStatus {
	t.Helper()
	defer b.Host.EndCall()
	key := func(s abi.Selector, dek string) abi.Key {
		return abi.Key{Handle: b.Host.Handle([]byte(dek)), Length: uint32(len(dek)), Epoch: epoch, Session: s.Session, Part: s.Part}
	}
	status, err := in.Put(&abi.Put{
		Entries: []abi.Entry{{Handle: b.Host.Handle([]byte("ciphertext")), Length: 10, Epoch: epoch}},
		Keys:    []abi.Key{key(KeyOf, "dek"), key(OtherOf, "other")},
	})
	if err != nil {
		t.Fatal(err)
	}
	return status
}

// Get returns what is selected.
func (b *Bench[P]) Get(t *testing.T, in *storage.Instance, s abi.Selector) (string, abi.StoStatus) {
	t.Helper()
	defer b.Host.EndCall()
	item, status, err := in.Get(s)
	if err != nil {
		t.Fatal(err)
	}
	return string(b.Host.Bytes(item.Handle)), status
}

// erase erases a key.
func (b *Bench[P]) erase(t *testing.T, in *storage.Instance, s abi.Selector) {
	t.Helper()
	defer b.Host.EndCall()
	if status, err := in.Delete(s); err != nil || status != abi.StoOK {
		t.Errorf("erase: status %d, %v", status, err)
	}
}

// Contract holds an adapter to what all adapters on objects owe, on places that each
// call of fresh makes: a put is stored once, however often it comes; an erased key is
// gone and stays so; of two erasures at once neither undoes the other; epochs are listed.
func Contract[P Place](t *testing.T, fresh func() P, describe Describe) {
	t.Run("life", func(t *testing.T) {
		b := NewBench(fresh, describe)
		in := b.Open(t)
		if first, second := b.Put(t, in), b.Put(t, in); first != abi.StoOK || second != abi.StoConflict {
			t.Fatalf("put twice: %d, %d", first, second)
		}
		later := EntryOf
		later.Seq = 7
		for _, s := range []abi.Selector{EntryOf, later} {
			if got, status := b.Get(t, in, s); status != abi.StoOK || got != "ciphertext" {
				t.Errorf("entry %d: %q, status %d", s.Seq, got, status)
			}
		}
		b.erase(t, in, KeyOf)
		if status := b.Put(t, in); status != abi.StoConflict {
			t.Errorf("late retry: %d", status)
		}
		if _, status := b.Get(t, in, KeyOf); status != abi.StoNotFound {
			t.Errorf("the erased key: status %d", status)
		}
		if got, status := b.Get(t, in, OtherOf); status != abi.StoOK || got != "other" {
			t.Errorf("the other key: %q, status %d", got, status)
		}
		without(t, b.Keys, "dek")
	})
	t.Run("erasures at once", func(t *testing.T) {
		b := NewBench(fresh, describe)
		in := b.Open(t)
		if status := b.Put(t, in); status != abi.StoOK {
			t.Fatalf("put: status %d", status)
		}
		// The other notary comes between the reading and the writing.
		other := b.Beside(describe)
		second, first := other.Open(t), true
		b.Host.Handlers[1] = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Method == http.MethodPut && first {
				first = false
				other.erase(t, second, OtherOf)
			}
			b.Keys.ServeHTTP(w, r)
		})
		b.erase(t, in, KeyOf)
		without(t, b.Keys, "dek", "other")
	})
	t.Run("epochs", func(t *testing.T) {
		b := NewBench(fresh, describe)
		in := b.Open(t)
		want := [][16]byte{{1}, {2}, {3}, {0xff}}
		for _, epoch := range want {
			if status := b.put(t, in, epoch); status != abi.StoOK {
				t.Fatalf("put: status %d", status)
			}
		}
		items, status, err := in.List(abi.Selector{What: abi.WhatEpochs, First: true})
		var got [][16]byte
		for _, i := range items {
			got = append(got, i.Epoch)
		}
		if err != nil || status != abi.StoOK || !slices.Equal(got, want) {
			t.Errorf("epochs %v, status %d, %v", got, status, err)
		}
	})
}

// without tells objects that hold what they should not.
func without(t *testing.T, place Place, keys ...string) {
	t.Helper()
	for name, object := range place.Objects() {
		for _, key := range keys {
			if strings.Contains(string(object), key) {
				t.Errorf("object %s still holds the key %q", name, key)
			}
		}
	}
}
