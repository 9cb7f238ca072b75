package abi_test

import (
	"encoding/hex"
	"errors"
	"reflect"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/veriproof/notary/sdk/plugin/abi"
)

var (
	epoch   = [16]byte{0xe0, 15: 0xe1}
	session = [32]byte{0x50, 31: 0x51}
)

// TestPutVector fixes every byte of a put.
func TestPutVector(t *testing.T) {
	got, err := abi.AppendPut(nil, &abi.Put{
		Entries: []abi.Entry{{Handle: 1, Length: 2, Epoch: epoch, Seq: 3, Part: 4, Kind: 5, Session: session}},
		Keys:    []abi.Key{{Handle: 6, Length: 7, Epoch: epoch, Session: session, Part: 8}},
	})
	if err != nil {
		t.Fatal(err)
	}
	e, s := "e0"+strings.Repeat("00", 14)+"e1", "50"+strings.Repeat("00", 30)+"51"
	want := "53544f31" + "01000000" + "b0000000" + "01000000" + "01000000" + "01000000" + "0000000000000000" +
		"01000000" + "02000000" + e + "0300000000000000" + "04000000" + "05000000" + s + "0000000000000000" +
		"06000000" + "07000000" + e + s + "08000000" + "00000000"
	if hex.EncodeToString(got) != want {
		t.Errorf("put\n%x, want\n%s", got, want)
	}
}

func TestSelectorVector(t *testing.T) {
	got := abi.AppendSelector(nil, abi.OpList, &abi.Selector{What: abi.WhatEpochs, Part: 2, Epoch: epoch, Seq: 4, Session: session, First: true})
	want := "53544f31" + "01000000" + "68000000" + "03000000" + "00000000" + "00000000" + "0000000000000000" +
		"03000000" + "02000000" + "e0" + strings.Repeat("00", 14) + "e1" + "0400000000000000" +
		"50" + strings.Repeat("00", 30) + "51" + "0100000000000000"
	if hex.EncodeToString(got) != want {
		t.Errorf("selector\n%x, want\n%s", got, want)
	}
}

func TestStoReplyVector(t *testing.T) {
	got := abi.AppendStoReply(nil, abi.StoConflict, []abi.Item{{Handle: 2, Epoch: epoch, Seq: 3}})
	want := "53545231" + "01000000" + "01000000" + "20000000" +
		"02000000" + "00000000" + "e0" + strings.Repeat("00", 14) + "e1" + "0300000000000000"
	if hex.EncodeToString(got) != want {
		t.Errorf("reply %x, want %s", got, want)
	}
}

func TestStoRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		put := &abi.Put{Keys: []abi.Key{}}
		first := rapid.Uint64Max(1<<63).Draw(t, "seq")
		for i := range rapid.IntRange(1, 5).Draw(t, "entries") {
			put.Entries = append(put.Entries, abi.Entry{
				Handle: rapid.Uint32().Draw(t, "handle"), Length: rapid.Uint32().Draw(t, "length"), Epoch: epoch,
				Seq: first + uint64(i), Part: rapid.Uint32().Draw(t, "part"), Kind: rapid.Byte().Draw(t, "kind"), Session: session,
			})
		}
		for range rapid.IntRange(0, 3).Draw(t, "keys") {
			put.Keys = append(put.Keys, abi.Key{Handle: rapid.Uint32().Draw(t, "handle"), Epoch: epoch, Session: session, Part: 3})
		}
		b, err := abi.AppendPut(nil, put)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := abi.DecodePut(b); err != nil || !reflect.DeepEqual(got, put) {
			t.Fatalf("put %v, error %v; want %v", got, err, put)
		}
		sel := &abi.Selector{What: abi.WhatKey, Part: rapid.Uint32().Draw(t, "part"), Epoch: epoch, Seq: first, Session: session, First: rapid.Bool().Draw(t, "first")}
		if got, err := abi.DecodeSelector(abi.AppendSelector(nil, abi.OpGet, sel), abi.OpGet); err != nil || *got != *sel {
			t.Fatalf("selector %v, error %v; want %v", got, err, sel)
		}
	})
}

func TestDecodePutRefuses(t *testing.T) {
	entry := func(seq uint64, e byte) abi.Entry { return abi.Entry{Seq: seq, Epoch: [16]byte{e}} }
	for name, p := range map[string]abi.Put{
		"nothing":    {},
		"gap":        {Entries: []abi.Entry{entry(1, 1), entry(3, 1)}},
		"two epochs": {Entries: []abi.Entry{entry(1, 1), entry(2, 2)}},
	} {
		b, err := abi.AppendPut(nil, &p)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := abi.DecodePut(b); !errors.Is(err, abi.ErrFormat) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := abi.AppendPut(nil, &abi.Put{Entries: make([]abi.Entry, abi.MaxEntries+1)}); !errors.Is(err, abi.ErrFormat) {
		t.Errorf("too many entries: %v", err)
	}
	get := abi.AppendSelector(nil, abi.OpGet, &abi.Selector{})
	if _, err := abi.DecodeSelector(get, abi.OpDelete); !errors.Is(err, abi.ErrFormat) {
		t.Errorf("a get taken for a delete: %v", err)
	}
}

func FuzzStoRequests(f *testing.F) {
	put, _ := abi.AppendPut(nil, &abi.Put{Entries: []abi.Entry{{Seq: 1}}, Keys: []abi.Key{{Handle: 1}}})
	f.Add(put)
	f.Add(abi.AppendSelector(nil, abi.OpGet, &abi.Selector{}))
	f.Fuzz(func(t *testing.T, b []byte) {
		if p, err := abi.DecodePut(b); err == nil {
			if again, err := abi.AppendPut(nil, p); err != nil || len(again) != len(b) {
				t.Fatalf("%d bytes decode, and encode to %d, error %v", len(b), len(again), err)
			}
		}
		for op := abi.OpGet; op <= abi.OpDelete; op++ {
			if s, err := abi.DecodeSelector(b, op); err == nil && len(abi.AppendSelector(nil, op, s)) != len(b) {
				t.Fatal("selector changes its length")
			}
		}
	})
}

func FuzzDecodeStoReply(f *testing.F) {
	f.Add(abi.AppendStoReply(nil, abi.StoOK, []abi.Item{{Handle: 1, Seq: 2}}))
	f.Fuzz(func(t *testing.T, b []byte) {
		status, items, err := abi.DecodeStoReply(b)
		if err == nil && len(abi.AppendStoReply(nil, status, items)) != len(b) {
			t.Fatal("reply changes its length")
		}
	})
}

func TestBlobKeys(t *testing.T) {
	long := strings.Repeat("a", abi.MaxBlobKey)
	for key, want := range map[string]bool{
		"a": true, "e-00ff-0.x": true, long: true, long + "a": false, "": false, ".": false, "..": false, ".a": false,
		"a.": false, "-a": false, "a-": false, "A": false, "a/b": false, "a b": false, "é": false, "a\x00b": false, "_tmp-x": false,
	} {
		if got := abi.ValidBlobKey([]byte(key)); got != want {
			t.Errorf("ValidBlobKey(%q) = %v", key, got)
		}
	}
	for prefix, want := range map[string]bool{"": true, "e-": true, "e.": true, long + ".": true, long + "..": false, "A": false} {
		if got := abi.ValidBlobPrefix([]byte(prefix)); got != want {
			t.Errorf("ValidBlobPrefix(%q) = %v", prefix, got)
		}
	}
}
