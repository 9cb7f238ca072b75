package plugin_test

import (
	"encoding/hex"
	"reflect"
	"slices"
	"testing"

	"github.com/veriproof/notary/sdk/plugin/abi"
)

type stoVector struct {
	Name  string `json:"name"`
	Value any    `json:"value"`
	Bytes string `json:"bytes"`
}

// TestStoVectors fixes a request of every operation of sto v1, and replies.
// Byte arrays in values are hex.
func TestStoVectors(t *testing.T) {
	counting := func(first byte, n int) (b []byte) {
		for i := range n {
			b = append(b, first+byte(i))
		}
		return b
	}
	epoch, session := [16]byte(counting(0x10, 16)), [32]byte(counting(0x80, 32))
	put := &abi.Put{
		Entries: []abi.Entry{
			{Handle: 1, Length: 300, Epoch: epoch, Seq: 0x0102030405060708, Part: 2, Kind: 4, Session: session},
			{Handle: 2, Length: 70000, Epoch: epoch, Seq: 0x0102030405060709, Part: 0xffffffff, Kind: 5},
		},
		Keys: []abi.Key{{Handle: 3, Length: 60, Epoch: epoch, Session: session, Part: 2}},
	}
	b, err := abi.AppendPut(nil, put)
	if err != nil {
		t.Fatal(err)
	}
	out := []stoVector{{"put", putValue(put), hex.EncodeToString(b)}}
	if again, err := abi.DecodePut(b); err != nil || !reflect.DeepEqual(again, put) {
		t.Errorf("put read again: %+v, %v", again, err)
	}
	for _, c := range []struct {
		name string
		op   abi.Op
		s    abi.Selector
	}{
		{"get a chunk", abi.OpGet, abi.Selector{What: abi.WhatEntry, Epoch: epoch, Seq: 77}},
		{"get a key", abi.OpGet, abi.Selector{What: abi.WhatKey, Part: 2, Epoch: epoch, Session: session, Seq: 5}},
		{"list epochs behind one", abi.OpList, abi.Selector{What: abi.WhatEpochs, Epoch: epoch}},
		{"list the entries of a session", abi.OpList, abi.Selector{What: abi.WhatSession, Part: 256, Epoch: epoch, Session: session, Seq: 6}},
		{"list epochs from one on", abi.OpList, abi.Selector{What: abi.WhatEpochs, First: true}},
		{"delete a key", abi.OpDelete, abi.Selector{What: abi.WhatKey, Part: 2, Epoch: epoch, Session: session}},
	} {
		b := abi.AppendSelector(nil, c.op, &c.s)
		if again, err := abi.DecodeSelector(b, c.op); err != nil || *again != c.s {
			t.Errorf("%s read again: %+v, %v", c.name, again, err)
		}
		out = append(out, stoVector{c.name, map[string]any{
			"op": c.op, "what": c.s.What, "part": c.s.Part, "epoch": hex.EncodeToString(c.s.Epoch[:]), "seq": c.s.Seq,
			"session": hex.EncodeToString(c.s.Session[:]), "first": c.s.First,
		}, hex.EncodeToString(b)})
	}
	for _, c := range []struct {
		name   string
		status abi.StoStatus
		items  []abi.Item
	}{
		{"reply with one item", abi.StoOK, []abi.Item{{Handle: 9, Epoch: epoch, Seq: 64}}},
		{"reply with two items", abi.StoOK, []abi.Item{{Epoch: epoch, Seq: 1}, {Epoch: [16]byte(counting(0x20, 16)), Seq: 2}}},
		{"reply with an entry of a session", abi.StoOK, []abi.Item{{Kind: 4, Epoch: epoch, Seq: 6}}},
		{"conflict", abi.StoConflict, nil},
		{"not found", abi.StoNotFound, nil},
		{"unavailable", abi.StoUnavailable, nil},
		{"bad request", abi.StoBadRequest, nil},
	} {
		b := abi.AppendStoReply(nil, c.status, c.items)
		status, items, err := abi.DecodeStoReply(b)
		if err != nil || status != c.status || !slices.Equal(items, c.items) {
			t.Errorf("%s read again: %v %+v, %v", c.name, status, items, err)
		}
		value := map[string]any{"status": c.status, "items": []any{}}
		for _, i := range c.items {
			value["items"] = append(value["items"].([]any), map[string]any{"handle": i.Handle, "kind": i.Kind, "epoch": hex.EncodeToString(i.Epoch[:]), "seq": i.Seq})
		}
		out = append(out, stoVector{c.name, value, hex.EncodeToString(b)})
	}
	r := abi.Record{First: 0x0102030405060708, Last: 0x0102030405060710, Body: 70300, Slots: 3}
	b = abi.AppendRecord(nil, r)
	if again, err := abi.DecodeRecord(b); err != nil || again != r {
		t.Errorf("record read again: %+v, %v", again, err)
	}
	if _, err := abi.DecodeRecord(b[1:]); err == nil {
		t.Error("a record of 23 bytes is read")
	}
	out = append(out, stoVector{"a record that was found", map[string]any{"first": r.First, "last": r.Last, "body": r.Body, "slots": r.Slots}, hex.EncodeToString(b)})
	vectors(t, "sto.json", out)
}

func putValue(p *abi.Put) map[string]any {
	v := map[string]any{"op": abi.OpPut}
	var entries, keys []any
	for _, e := range p.Entries {
		entries = append(entries, map[string]any{
			"handle": e.Handle, "length": e.Length, "epoch": hex.EncodeToString(e.Epoch[:]), "seq": e.Seq,
			"part": e.Part, "kind": e.Kind, "session": hex.EncodeToString(e.Session[:]),
		})
	}
	for _, k := range p.Keys {
		keys = append(keys, map[string]any{
			"handle": k.Handle, "length": k.Length, "epoch": hex.EncodeToString(k.Epoch[:]),
			"session": hex.EncodeToString(k.Session[:]), "part": k.Part,
		})
	}
	v["entries"], v["keys"] = entries, keys
	return v
}
