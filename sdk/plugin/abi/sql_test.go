package abi_test

import (
	"bytes"
	"errors"
	"reflect"
	"strings"
	"testing"

	"github.com/veriproof/notary/sdk/plugin/abi"
)

func TestSQLValues(t *testing.T) {
	values := []abi.SQLValue{
		{Type: abi.SQLNull},
		{Type: abi.SQLInt, Int: -2},
		{Type: abi.SQLBytes, Bytes: []byte("ab")},
		{Type: abi.SQLPayload, Handles: []uint32{1, 0xffffffff}},
		{Type: abi.SQLInts, Ints: []int64{1, -1}},
		{Type: abi.SQLBytesList, List: [][]byte{{}, []byte("x")}},
		{Type: abi.SQLPayloadList, Handles: []uint32{}},
	}
	b := abi.AppendSQL(nil, values...)
	got, err := abi.DecodeSQL(b)
	if err != nil || !reflect.DeepEqual(got, values) {
		t.Fatalf("%v, %v; want %v", got, err, values)
	}
	// Cut anywhere, it is either refused or fewer values.
	for n := range b {
		if got, err := abi.DecodeSQL(b[:n]); err == nil && len(got) >= len(values) {
			t.Errorf("cut at %d: %d values", n, len(got))
		}
	}
}

func FuzzDecodeSQL(f *testing.F) {
	f.Add([]byte{5, 1, 0, 0, 0, 1, 0, 0, 0, 7})
	f.Add([]byte{4, 0xff, 0xff, 0xff, 0xff})
	f.Add([]byte{9})
	f.Fuzz(func(t *testing.T, b []byte) {
		got, err := abi.DecodeSQL(b)
		if err != nil {
			if !errors.Is(err, abi.ErrFormat) {
				t.Fatal(err)
			}
			return
		}
		if again := abi.AppendSQL(nil, got...); !bytes.Equal(again, b) {
			t.Fatalf("%x becomes %x", b, again)
		}
	})
}

func TestManifestWithStatements(t *testing.T) {
	m := abi.Manifest{
		ABI: abi.ABIStorage, Capabilities: []string{abi.CapabilitySQL}, Kind: abi.KindStorage,
		Limits: abi.Limits{MemoryPages: 1}, Name: "store-x", Version: "1", WASI: abi.WASINone,
		Schema: []string{"create table a (b bigint)"}, SQL: []string{"select b from a where b = $1"},
	}
	b, err := m.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	const want = `"name":"store-x","schema":["create table a (b bigint)"],"sql":["select b from a where b = $1"],"version":"1"`
	if !strings.Contains(string(b), want) {
		t.Errorf("manifest %s", b)
	}
	got, err := abi.ParseManifest(b)
	if err != nil || !reflect.DeepEqual(*got, m) {
		t.Errorf("%+v, %v", got, err)
	}
	for name, change := range map[string]func(*abi.Manifest){
		"no statement":            func(m *abi.Manifest) { m.SQL = nil },
		"statements without sql":  func(m *abi.Manifest) { m.Capabilities = []string{abi.CapabilityBlob} },
		"quotation mark":          func(m *abi.Manifest) { m.SQL = []string{`select "b"`} },
		"backslash in the schema": func(m *abi.Manifest) { m.Schema = []string{`\`} },
		"line break":              func(m *abi.Manifest) { m.SQL = []string{"select\n1"} },
		"empty statement":         func(m *abi.Manifest) { m.SQL = []string{""} },
		"too long":                func(m *abi.Manifest) { m.SQL = []string{strings.Repeat("x", abi.MaxStatement+1)} },
		"too many":                func(m *abi.Manifest) { m.SQL = strings.Fields(strings.Repeat("x ", abi.MaxStatements+1)) },
		"a redactor with statements": func(m *abi.Manifest) {
			m.Kind, m.ABI, m.Capabilities, m.Labels = abi.KindRedactor, abi.ABIRedactor, nil, []string{"X"}
		},
	} {
		bad := m
		change(&bad)
		if _, err := bad.Marshal(); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}
