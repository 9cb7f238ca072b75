package plugin_test

import (
	"encoding/hex"
	"errors"
	"reflect"
	"strings"
	"testing"

	"github.com/veriproof/notary/sdk/plugin/abi"
)

type manifestVectors struct {
	Manifests []manifestVector `json:"manifests"`
	Refused   []refusedText    `json:"refused"`
}

type manifestVector struct {
	JSON    string `json:"json"`
	Section string `json:"section"`
}

type refusedText struct {
	Name string `json:"name"`
	JSON string `json:"json"`
}

var emptyModule = []byte("\x00asm\x01\x00\x00\x00")

// TestManifestVectors fixes the section of a manifest as it stands in a module.
func TestManifestVectors(t *testing.T) {
	var v manifestVectors
	long := abi.Manifest{
		ABI: abi.ABIRedactor, Kind: abi.KindRedactor, Limits: abi.Limits{MemoryPages: abi.MaxMemoryPages},
		Name: strings.Repeat("a", abi.MaxName), Version: "1.0.0-rc.1+7", WASI: abi.WASIDeny,
	}
	long.Labels = []string{"CARD", "EMAIL", "IBAN", "IP", "PHONE", "PRIVATE_KEY", "SECRET", "SSN", "TOKEN_1", strings.Repeat("L", abi.MaxLabel)}
	for _, m := range []abi.Manifest{
		{
			ABI: abi.ABIRedactor, Kind: abi.KindRedactor, Labels: []string{"RUN", "STAR"},
			Limits: abi.Limits{MemoryPages: 16}, Name: "star", Version: "1.0.0", WASI: abi.WASINone,
		},
		{
			ABI: abi.ABIRedactor, Context: abi.ContextField, Kind: abi.KindRedactor, Labels: []string{"RUN"},
			Limits: abi.Limits{MemoryPages: 16}, Name: "star", Version: "1.1.0", WASI: abi.WASINone,
		},
		long,
		{
			ABI: abi.ABIStorage, Kind: abi.KindStorage, Capabilities: []string{abi.CapabilityBlob, abi.CapabilityPayload},
			Limits: abi.Limits{MemoryPages: 1}, Name: "store-0", Version: "0", WASI: abi.WASINone,
		},
		{
			ABI: abi.ABIStorage, Kind: abi.KindStorage, Capabilities: []string{abi.CapabilityPayload, abi.CapabilitySQL},
			Limits: abi.Limits{MemoryPages: 1}, Name: "store-1", Version: "1", WASI: abi.WASINone,
			Schema: []string{"create table t (a bigint)"}, SQL: []string{"select a from t where a = $1", "insert into t values ($1)"},
		},
		{
			ABI: abi.ABIStorage, Kind: abi.KindStorage, Capabilities: []string{abi.CapabilityHTTP, abi.CapabilityPayload},
			Endpoints: []string{"entries", "keys"}, Limits: abi.Limits{MemoryPages: 2}, Name: "store-2", Version: "1", WASI: abi.WASINone,
		},
	} {
		text, err := m.Marshal()
		if err != nil {
			t.Fatal(err)
		}
		module, err := abi.AppendManifest(emptyModule, &m)
		if err != nil {
			t.Fatal(err)
		}
		again, err := abi.ReadManifest(module)
		if err != nil || !reflect.DeepEqual(*again, m) {
			t.Errorf("read again: %+v, %v; want %+v", again, err, m)
		}
		v.Manifests = append(v.Manifests, manifestVector{string(text), hex.EncodeToString(module[len(emptyModule):])})
	}
	v.Refused = refusedManifests(t, v.Manifests[0].JSON)
	vectors(t, "manifest.json", v)
}

func refusedManifests(t *testing.T, good string) (out []refusedText) {
	t.Helper()
	for _, c := range [][3]string{
		{"white space", `":"`, `": "`},
		{"keys not sorted", `{"abi":"rdx/1",`, `{"name":"star","abi":"rdx/1",`},
		{"unknown key", `"wasi":"none"`, `"wasi":"none","x":1`},
		{"missing key", `,"wasi":"none"`, ``},
		{"escape", `"STAR"`, `"ST\u0041R"`},
		{"label of lower case", `"STAR"`, `"star"`},
		{"label stands twice", `"STAR"`, `"RUN"`},
		{"no label", `["RUN","STAR"]`, `[]`},
		{"leading zero", `16`, `016`},
		{"no memory", `16`, `0`},
		{"too much memory", `16`, `4097`},
		{"fraction", `16`, `16.0`},
		{"empty context", `,"kind"`, `,"context":"","kind"`},
		{"unknown context", `,"kind"`, `,"context":"record","kind"`},
		{"context in another place", `"labels"`, `"context":"field","labels"`},
		{"capability of a redactor", `"capabilities":[]`, `"capabilities":["blob"]`},
		{"abi of the other kind", `rdx/1`, `sto/1`},
		{"unknown abi", `rdx/1`, `rdx/2`},
		{"name of upper case", `"star"`, `"Star"`},
		{"no version", `1.0.0`, ``},
		{"wasi that grants", `"none"`, `"all"`},
		{"something behind", `"none"}`, `"none"} `},
	} {
		text := strings.Replace(good, c[1], c[2], 1)
		if text == good {
			t.Fatalf("%s: nothing was changed", c[0])
		}
		if _, err := abi.ParseManifest([]byte(text)); !errors.Is(err, abi.ErrFormat) {
			t.Errorf("%s: error %v, want ErrFormat", c[0], err)
		}
		out = append(out, refusedText{c[0], text})
	}
	return out
}
