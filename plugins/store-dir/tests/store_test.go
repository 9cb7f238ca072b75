package storedir_test

import (
	"bytes"
	"reflect"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/veriproof/notary/sdk/plugin/abi"
	"github.com/veriproof/notary/sdk/plugin/plugintest"
	"github.com/veriproof/notary/sdk/plugin/storage"
)

// store is an adapter and the host under it.
type store struct {
	t interface {
		Helper()
		Fatalf(string, ...any)
	}
	host    *plugintest.Host
	adapter *guest
}

func open(t testing.TB, host *plugintest.Host) *store {
	t.Helper()
	return &store{t: t, host: host, adapter: newGuest(t, joined{host.Streams(), host})}
}

type key struct {
	epoch   [16]byte
	session [32]byte
	part    uint32
}

func (s *store) put(epoch [16]byte, seq uint64, entries []string, keys map[key]string) abi.StoStatus {
	s.t.Helper()
	defer s.host.EndCall()
	p := &abi.Put{}
	for i, e := range entries {
		p.Entries = append(p.Entries, abi.Entry{
			Handle: s.host.Handle([]byte(e)), Length: uint32(len(e)), Epoch: epoch, Seq: seq + uint64(i),
		})
	}
	for k, v := range keys {
		p.Keys = append(p.Keys, abi.Key{
			Handle: s.host.Handle([]byte(v)), Length: uint32(len(v)), Epoch: k.epoch, Session: k.session, Part: k.part,
		})
	}
	slices.SortFunc(p.Keys, func(a, b abi.Key) int { return bytes.Compare(a.Session[:], b.Session[:]) })
	status, err := s.adapter.Put(p)
	if err != nil {
		s.t.Fatalf("put: %v", err)
	}
	return status
}

func (s *store) get(sel abi.Selector) (string, uint64, abi.StoStatus) {
	s.t.Helper()
	defer s.host.EndCall()
	item, status, err := s.adapter.Get(sel)
	if err != nil {
		s.t.Fatalf("get: %v", err)
	}
	return string(s.host.Bytes(item.Handle)), item.Seq, status
}

func (s *store) key(k key, hint uint64) (string, abi.StoStatus) {
	s.t.Helper()
	v, _, status := s.get(abi.Selector{What: abi.WhatKey, Epoch: k.epoch, Session: k.session, Part: k.part, Seq: hint})
	return v, status
}

func (s *store) erase(k key, hint uint64) abi.StoStatus {
	s.t.Helper()
	defer s.host.EndCall()
	status, err := s.adapter.Delete(abi.Selector{What: abi.WhatKey, Epoch: k.epoch, Session: k.session, Part: k.part, Seq: hint})
	if err != nil {
		s.t.Fatalf("delete: %v", err)
	}
	return status
}

func (s *store) epochs(from [16]byte, first bool) []abi.Item {
	s.t.Helper()
	defer s.host.EndCall()
	items, status, err := s.adapter.List(abi.Selector{What: abi.WhatEpochs, Epoch: from, First: first})
	if err != nil || status != abi.StoOK {
		s.t.Fatalf("list: status %d, %v", status, err)
	}
	return items
}

func want(t *testing.T, what string, got, want abi.StoStatus) {
	t.Helper()
	if got != want {
		t.Fatalf("%s: status %d, want %d", what, got, want)
	}
}

var (
	epochA = [16]byte{0xaa}
	epochB = [16]byte{0xbb, 15: 0xff}
)

// TestLayout pins the bytes in storage: another adapter may have to read them.
func TestLayout(t *testing.T) {
	s := open(t, plugintest.NewHost())
	k := key{epochA, [32]byte{1, 31: 2}, 3}
	want(t, "put", s.put(epochA, 0x1f, []string{"one", "two"}, map[key]string{k: "dek"}), abi.StoOK)
	id := append(append([]byte{}, k.session[:]...), 3, 0, 0, 0)
	want := []plugintest.StreamRecord{{First: 0x1f, Last: 0x20, Body: append(id, "onetwo"...), Slots: [][]byte{[]byte("dek")}}}
	if got := s.host.StreamRecords("aa000000000000000000000000000000"); !reflect.DeepEqual(got, want) {
		t.Errorf("records %v, want %v", got, want)
	}
}

func TestConflictWhateverStandsThere(t *testing.T) {
	s := open(t, plugintest.NewHost())
	want(t, "first", s.put(epochA, 5, []string{"x"}, nil), abi.StoOK)
	want(t, "other bytes", s.put(epochA, 5, []string{"y"}, nil), abi.StoConflict)
	want(t, "same bytes", s.put(epochA, 5, []string{"x"}, nil), abi.StoConflict)
	want(t, "other epoch", s.put(epochB, 5, []string{"y"}, nil), abi.StoOK)
	if got, seq, _ := s.get(abi.Selector{What: abi.WhatEntry, Epoch: epochA, Seq: 5}); got != "x" || seq != 5 {
		t.Errorf("stored %q at %d, want the first", got, seq)
	}
}

// TestChunkOfSeq finds the chunk a seq lies in, and none before the first.
func TestChunkOfSeq(t *testing.T) {
	s := open(t, plugintest.NewHost())
	s.put(epochA, 3, []string{"3", "4"}, nil)
	s.put(epochA, 5, []string{"5"}, nil)
	s.put(epochA, 6, make([]string, 294), map[key]string{{epochA, [32]byte{1}, 0}: "dek"})
	s.put(epochA, 300, []string{"300"}, nil)
	for _, c := range []struct {
		seq, first uint64
		status     abi.StoStatus
	}{{2, 0, abi.StoNotFound}, {3, 3, abi.StoOK}, {4, 3, abi.StoOK}, {5, 5, abi.StoOK}, {299, 6, abi.StoOK}, {1 << 63, 300, abi.StoOK}, {1<<64 - 1, 300, abi.StoOK}} {
		_, first, status := s.get(abi.Selector{What: abi.WhatEntry, Epoch: epochA, Seq: c.seq})
		if status != c.status || status == abi.StoOK && first != c.first {
			t.Errorf("seq %d: status %d, chunk %d; want %d, %d", c.seq, status, first, c.status, c.first)
		}
	}
	if _, _, status := s.get(abi.Selector{What: abi.WhatEntry, Epoch: epochB, Seq: 9}); status != abi.StoNotFound {
		t.Errorf("other epoch: status %d", status)
	}
}

func TestEpochs(t *testing.T) {
	s := open(t, plugintest.NewHost())
	if got := s.epochs([16]byte{}, true); len(got) != 0 {
		t.Errorf("empty storage lists %v", got)
	}
	s.put([16]byte{}, 0, []string{"x"}, nil)
	s.put(epochA, 0, make([]string, 17), nil)
	s.put(epochA, 17, []string{"x"}, nil)
	s.put(epochB, 2, []string{"x"}, nil)
	for _, c := range []struct {
		from  [16]byte
		first bool
		want  []abi.Item
	}{
		{[16]byte{}, true, []abi.Item{{}, {Epoch: epochA, Seq: 17}, {Epoch: epochB, Seq: 2}}},
		{[16]byte{}, false, []abi.Item{{Epoch: epochA, Seq: 17}, {Epoch: epochB, Seq: 2}}},
		{epochA, true, []abi.Item{{Epoch: epochA, Seq: 17}, {Epoch: epochB, Seq: 2}}},
		{epochA, false, []abi.Item{{Epoch: epochB, Seq: 2}}},
		{epochB, false, nil},
	} {
		if got := s.epochs(c.from, c.first); !slices.Equal(got, c.want) {
			t.Errorf("from %x, first %v: %v, want %v", c.from[:2], c.first, got, c.want)
		}
	}
}

// TestForeignStreams: streams in the directory that are not ours are passed over.
func TestForeignStreams(t *testing.T) {
	s := open(t, plugintest.NewHost())
	for _, name := range []string{"0", "zz", "aa00000000000000000000000000000g", "AA", "lost.found", "aa0000000000000000000000000000000"} {
		_ = s.host.Streams().Append([]byte(name), 0, 0, nil, nil)
	}
	s.put(epochA, 1, []string{"x"}, nil)
	if got := s.epochs([16]byte{}, true); !slices.Equal(got, []abi.Item{{Epoch: epochA, Seq: 1}}) {
		t.Errorf("epochs %v", got)
	}
}

// TestTakenAndGap: a seq inside of what another put wrote is a conflict too; one that
// leaves a gap is no success.
func TestTakenAndGap(t *testing.T) {
	s := open(t, plugintest.NewHost())
	want(t, "put", s.put(epochA, 5, []string{"5", "6", "7"}, nil), abi.StoOK)
	want(t, "inside", s.put(epochA, 6, []string{"6"}, nil), abi.StoConflict)
	want(t, "gap", s.put(epochA, 9, []string{"9"}, nil), abi.StoUnavailable)
	want(t, "a key of another epoch", s.put(epochA, 8, []string{"8"}, map[key]string{{epochB, [32]byte{}, 0}: "dek"}), abi.StoBadRequest)
	want(t, "next", s.put(epochA, 8, []string{"8"}, nil), abi.StoOK)
}

// TestErasedKeyStaysErased retries a put whose key was erased in between.
func TestErasedKeyStaysErased(t *testing.T) {
	s := open(t, plugintest.NewHost())
	k := key{epochA, [32]byte{1}, 0}
	keys := map[key]string{k: "dek"}
	want(t, "put", s.put(epochA, 0, []string{"x"}, keys), abi.StoOK)
	want(t, "erase", s.erase(k, 0), abi.StoOK)
	want(t, "retry", s.put(epochA, 0, []string{"x"}, keys), abi.StoConflict)
	if _, status := s.key(k, 0); status != abi.StoNotFound {
		t.Errorf("status %d: the erased key came back", status)
	}
	want(t, "erase again", s.erase(k, 0), abi.StoNotFound)
	if got := s.host.StreamRecords("aa000000000000000000000000000000"); got[0].Slots[0] != nil {
		t.Error("the record still holds the key")
	}
}

// damaged is a host on which what is behind some number cannot be read.
type damaged struct{ storage.Streams }

func (d damaged) Find(key []byte, number uint64) (abi.Record, error) {
	if number > 1 {
		return abi.Record{}, storage.ErrDamaged
	}
	return d.Streams.Find(key, number)
}

// TestDamaged answers unavailable, not "not found", for what cannot be read: not found
// would be taken for erased. An epoch with a damaged end is listed as one without end.
func TestDamaged(t *testing.T) {
	host := plugintest.NewHost()
	open(t, host).put(epochA, 0, []string{"x"}, nil)
	a := newGuest(t, joined{damaged{host.Streams()}, host})
	if _, status, _ := a.Get(abi.Selector{What: abi.WhatKey, Epoch: epochA, Session: [32]byte{1}}); status != abi.StoUnavailable {
		t.Errorf("key: status %d", status)
	}
	if _, status, _ := a.Get(abi.Selector{What: abi.WhatEntry, Epoch: epochA, Seq: 2}); status != abi.StoUnavailable {
		t.Errorf("entry: status %d", status)
	}
	items, status, _ := a.List(abi.Selector{What: abi.WhatEpochs, First: true})
	if want := []abi.Item{{Epoch: epochA, Seq: 1<<64 - 1}}; status != abi.StoOK || !slices.Equal(items, want) {
		t.Errorf("epochs %v, status %d", items, status)
	}
	// A body that is shorter than its keys' names was not written by us.
	h := host.Handle([]byte("k"))
	if err := host.Streams().Append([]byte("bb0000000000000000000000000000ff"), 0, 0, nil, []uint32{h}); err != nil {
		t.Fatal(err)
	}
	b := newGuest(t, joined{host.Streams(), host})
	for _, what := range []abi.What{abi.WhatKey, abi.WhatEntry} {
		if _, status, _ := b.Get(abi.Selector{What: what, Epoch: epochB}); status != abi.StoUnavailable {
			t.Errorf("selector %d of a foreign record: status %d", what, status)
		}
	}
}

// TestConfiguration: there is nothing to configure, and what is not understood is refused.
func TestConfiguration(t *testing.T) {
	host := plugintest.NewHost()
	for config, want := range map[string]int32{
		"": 0, "{}": 0, " {\n}\t": 0, `{"dir":"elsewhere"}`: 1, "[]": 1, "{": 1, " ": 1, "{}}": 1, "null": 1,
	} {
		if _, code := configured(t, joined{host.Streams(), host}, config); code != want {
			t.Errorf("configuration %q: code %d, want %d", config, code, want)
		}
	}
}

// TestMalformed: what is no request is refused by a status, and nothing is written.
func TestMalformed(t *testing.T) {
	s := open(t, plugintest.NewHost())
	put, err := abi.AppendPut(nil, &abi.Put{
		Entries: []abi.Entry{{Handle: 1, Epoch: epochA, Seq: 1}, {Handle: 1, Epoch: epochA, Seq: 2}},
		Keys:    []abi.Key{{Handle: 1, Epoch: epochA}},
	})
	if err != nil {
		t.Fatal(err)
	}
	get := abi.AppendSelector(nil, abi.OpGet, &abi.Selector{What: abi.WhatKey, Epoch: epochA})
	changed := func(b []byte, at int, c byte) []byte {
		b = slices.Clone(b)
		b[at] ^= c
		return b
	}
	for name, c := range map[string]struct {
		export  string
		request []byte
	}{
		"nothing":          {abi.ExportStoPut, nil},
		"a short header":   {abi.ExportStoPut, put[:31]},
		"another magic":    {abi.ExportStoPut, changed(put, 0, 1)},
		"another version":  {abi.ExportStoPut, changed(put, 4, 2)},
		"a wrong length":   {abi.ExportStoPut, changed(put, 8, 1)},
		"cut off":          {abi.ExportStoPut, put[:len(put)-1]},
		"another op":       {abi.ExportStoGet, put},
		"no entries":       {abi.ExportStoPut, changed(put, 16, 2)},
		"too many entries": {abi.ExportStoPut, changed(put, 18, 2)},
		"too many keys":    {abi.ExportStoPut, changed(put, 22, 2)},
		"a gap":            {abi.ExportStoPut, changed(put, 32+80+24, 1)},
		"two epochs":       {abi.ExportStoPut, changed(put, 32+80+8+15, 1)},
		"a put to delete":  {abi.ExportStoDelete, put},
		"no selector":      {abi.ExportStoGet, get[:32]},
		"get of a list":    {abi.ExportStoGet, changed(get, 32, byte(abi.WhatKey^abi.WhatEpochs))},
		"an entry erased":  {abi.ExportStoDelete, abi.AppendSelector(nil, abi.OpDelete, &abi.Selector{What: abi.WhatEntry})},
		"a list of keys":   {abi.ExportStoList, abi.AppendSelector(nil, abi.OpList, &abi.Selector{What: abi.WhatKey})},
		"a selector of 77": {abi.ExportStoGet, abi.AppendSelector(nil, abi.OpGet, &abi.Selector{What: 77})},
	} {
		if status, _, err := s.adapter.call(c.export, c.request); err != nil || status != abi.StoBadRequest {
			t.Errorf("%s: status %d, error %v; want %d", name, status, err, abi.StoBadRequest)
		}
	}
	if got := s.epochs([16]byte{}, true); len(got) != 0 {
		t.Errorf("something was written: %v", got)
	}
}

// TestLargePut: a put of more entries and keys than there is room for takes more memory.
func TestLargePut(t *testing.T) {
	s := open(t, plugintest.NewHost())
	keys := map[key]string{}
	for i := range 20_000 {
		keys[key{epochA, [32]byte{byte(i), byte(i >> 8), byte(i >> 16)}, 0}] = "dek"
	}
	last := key{epochA, [32]byte{0x1f, 0x4e}, 0} // 19,999
	want(t, "put", s.put(epochA, 0, slices.Repeat([]string{"x"}, 20_000), keys), abi.StoOK)
	if v, status := s.key(last, 0); status != abi.StoOK || v != "dek" {
		t.Errorf("a key of it: %q, status %d", v, status)
	}
	want(t, "erase", s.erase(last, 5), abi.StoOK)
	if got, _, status := s.get(abi.Selector{What: abi.WhatEntry, Epoch: epochA, Seq: 7}); status != abi.StoOK || len(got) != 20_000 {
		t.Errorf("%d bytes of entries, status %d", len(got), status)
	}
}

// TestManyEpochs: a listing of more keys than fit into one call's memory, and of more epochs
// than into one reply.
func TestManyEpochs(t *testing.T) {
	s := open(t, plugintest.NewHost())
	const n = abi.MaxItems + 3
	for i := range n {
		want(t, "put", s.put([16]byte{byte(i >> 8), byte(i)}, uint64(i), []string{"x"}, nil), abi.StoOK)
	}
	all := s.epochs([16]byte{}, true)
	if len(all) != abi.MaxItems {
		t.Fatalf("%d items, want %d", len(all), abi.MaxItems)
	}
	all = append(all, s.epochs(all[len(all)-1].Epoch, false)...)
	for i, item := range all {
		if item.Epoch != [16]byte{byte(i >> 8), byte(i)} || item.Seq != uint64(i) {
			t.Fatalf("item %d is %v", i, item)
		}
	}
	if len(all) != n {
		t.Errorf("%d epochs, want %d", len(all), n)
	}
}

// TestFaults fails every host call once, before and after its effect, and wants
// an honest answer and a retry that succeeds.
func TestFaults(t *testing.T) {
	for _, fault := range []plugintest.Fault{plugintest.FailBefore, plugintest.FailAfter} {
		for at := 0; ; at++ {
			host := plugintest.NewHost()
			s := open(t, host)
			k := key{epochA, [32]byte{1}, 0}
			keys := map[key]string{k: "dek", {epochA, [32]byte{2}, 0}: "other"}
			calls := 0
			host.Fault = func(string) plugintest.Fault {
				if calls++; calls == at+1 {
					return fault
				}
				return plugintest.NoFault
			}
			first := s.put(epochA, 0, []string{"x"}, keys)
			if host.Fault = nil; calls <= at {
				break
			}
			want(t, "put with a fault", first, abi.StoUnavailable)
			if retry := s.put(epochA, 0, []string{"x"}, keys); retry != abi.StoOK && retry != abi.StoConflict {
				t.Fatalf("fault %d at call %d: retry gives %d", fault, at, retry)
			}
			got, _, status := s.get(abi.Selector{What: abi.WhatEntry, Epoch: epochA})
			dek, keyStatus := s.key(k, 0)
			if status != abi.StoOK || got != "x" || keyStatus != abi.StoOK || dek != "dek" {
				t.Fatalf("fault %d at call %d: entry %q (%d), key %q (%d)", fault, at, got, status, dek, keyStatus)
			}
		}
	}
}

// TestAgainstModel runs random operations against maps.
func TestAgainstModel(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		s := open(t, plugintest.NewHost())
		s.t = rt
		m := newModel(s)
		rt.Repeat(map[string]func(*rapid.T){"put": m.put, "retry": m.retry, "chunk": m.chunk, "key": m.key, "erase": m.erase, "": m.heads})
	})
}
