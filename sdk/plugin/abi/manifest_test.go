package abi_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/veriproof/notary/sdk/plugin/abi"
)

func redactor() abi.Manifest {
	return abi.Manifest{
		ABI: abi.ABIRedactor, Kind: abi.KindRedactor, Labels: []string{"EMAIL", "US_SSN"},
		Limits: abi.Limits{MemoryPages: 64}, Name: "redact-pii", Version: "0.1.0+x", WASI: abi.WASIDeny,
	}
}

func storage() abi.Manifest {
	return abi.Manifest{
		ABI: abi.ABIStorage, Kind: abi.KindStorage, Capabilities: []string{"blob", "payload"},
		Limits: abi.Limits{MemoryPages: 1}, Name: "store-dir", Version: "1", WASI: abi.WASINone,
	}
}

const redactorJSON = `{"abi":"rdx/1","capabilities":[],"kind":"redactor","labels":["EMAIL","US_SSN"],"limits":{"memory_pages":64},"name":"redact-pii","version":"0.1.0+x","wasi":"deny"}`

func TestManifest(t *testing.T) {
	fieldwise := redactor()
	fieldwise.Context = abi.ContextField
	for _, m := range []abi.Manifest{redactor(), fieldwise, storage()} {
		b, err := m.Marshal()
		if err != nil {
			t.Fatal(err)
		}
		var generic map[string]any
		if err := json.Unmarshal(b, &generic); err != nil {
			t.Fatalf("%s is not JSON: %v", b, err)
		}
		if again, _ := json.Marshal(generic); !bytes.Equal(again, b) {
			t.Errorf("%s is not compact and sorted: %s", b, again)
		}
		got, err := abi.ParseManifest(b)
		if err != nil || !reflect.DeepEqual(got, &m) {
			t.Errorf("parsed %+v, %v; want %+v", got, err, m)
		}
	}
	m := redactor()
	if b, _ := m.Marshal(); string(b) != redactorJSON {
		t.Errorf("manifest %s, want %s", b, redactorJSON)
	}
}

// TestManifestRefuses: values no manifest may have.
func TestManifestRefuses(t *testing.T) {
	for name, change := range map[string]func(*abi.Manifest){
		"kind":               func(m *abi.Manifest) { m.Kind = "other" },
		"abi":                func(m *abi.Manifest) { m.ABI = abi.ABIStorage },
		"capabilities":       func(m *abi.Manifest) { m.Capabilities = []string{"blob"} },
		"no labels":          func(m *abi.Manifest) { m.Labels = nil },
		"too many labels":    func(m *abi.Manifest) { m.Labels = make([]string, abi.MaxLabels+1) },
		"double label":       func(m *abi.Manifest) { m.Labels = []string{"A", "A"} },
		"label with quote":   func(m *abi.Manifest) { m.Labels = []string{`A"`} },
		"lower-case label":   func(m *abi.Manifest) { m.Labels = []string{"email"} },
		"no memory":          func(m *abi.Manifest) { m.Limits.MemoryPages = 0 },
		"much memory":        func(m *abi.Manifest) { m.Limits.MemoryPages = abi.MaxMemoryPages + 1 },
		"name":               func(m *abi.Manifest) { m.Name = "Redact" },
		"long name":          func(m *abi.Manifest) { m.Name = strings.Repeat("a", abi.MaxName+1) },
		"version":            func(m *abi.Manifest) { m.Version = "" },
		"wasi":               func(m *abi.Manifest) { m.WASI = "allow" },
		"unknown capability": func(m *abi.Manifest) { *m = storage(); m.Capabilities = []string{"network"} },
		"double capability":  func(m *abi.Manifest) { *m = storage(); m.Capabilities = []string{"blob", "blob"} },
		"unsorted":           func(m *abi.Manifest) { *m = storage(); m.Capabilities = []string{"payload", "blob"} },
		"context":            func(m *abi.Manifest) { m.Context = "record" },
		"context of storage": func(m *abi.Manifest) { *m = storage(); m.Context = abi.ContextField },
		"labels of storage":  func(m *abi.Manifest) { *m = storage(); m.Labels = []string{"A"} },
	} {
		m := redactor()
		change(&m)
		if _, err := m.Marshal(); !errors.Is(err, abi.ErrFormat) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestManifestIsCanonical: other JSON with the same meaning is refused.
func TestManifestIsCanonical(t *testing.T) {
	for _, r := range [][2]string{
		{`{"abi"`, `{ "abi"`},
		{`"wasi":"deny"}`, `"wasi":"deny"} `},
		{`"EMAIL"`, `"\u0045MAIL"`},
		{`:64`, `:064`},
		{`:64`, `:64.0`},
		{`:64`, `:99999999999`},
		{`"capabilities":[],`, ``},
		{`,"kind"`, `,"extra":1,"kind"`},
		{`[]`, `null`},
		{`"EMAIL","US_SSN"`, `"EMAIL","US_SSN",`},
		{`"EMAIL",`, `"EMAIL",,`},
	} {
		b := strings.Replace(redactorJSON, r[0], r[1], 1)
		if _, err := abi.ParseManifest([]byte(b)); !errors.Is(err, abi.ErrFormat) {
			t.Errorf("%s: %v", b, err)
		}
	}
}

var empty = []byte("\x00asm\x01\x00\x00\x00")

func TestModule(t *testing.T) {
	m := redactor()
	named := append(bytes.Clone(empty), 0, 5, 4, 'n', 'a', 'm', 'e')
	module, err := abi.AppendManifest(named, &m)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := abi.ReadManifest(module); err != nil || !reflect.DeepEqual(got, &m) {
		t.Errorf("manifest %+v, %v", got, err)
	}
	if _, err := abi.AppendManifest(module, &m); !errors.Is(err, abi.ErrFormat) {
		t.Errorf("second manifest: %v", err)
	}
	if _, err := abi.ReadManifest(named); !errors.Is(err, abi.ErrFormat) {
		t.Errorf("no manifest: %v", err)
	}
	if _, err := abi.ReadManifest(append(bytes.Clone(module), module[len(named):]...)); !errors.Is(err, abi.ErrFormat) {
		t.Errorf("two manifests: %v", err)
	}
	stripped, err := abi.StripCustom(module, abi.ManifestSection)
	if want, _ := abi.AppendManifest(empty, &m); err != nil || !bytes.Equal(stripped, want) {
		t.Errorf("stripped %x, %v; want %x", stripped, err, want)
	}
	if stripped, err := abi.StripCustom(module); err != nil || !bytes.Equal(stripped, empty) {
		t.Errorf("stripped of all: %x, %v", stripped, err)
	}
}

func TestUint32(t *testing.T) {
	for _, v := range []uint32{0, 1, 127, 128, 1 << 21, 1<<32 - 1} {
		b := abi.AppendUint32(nil, v)
		if got, n := abi.Uint32(append(b, 0xff)); got != v || n != len(b) {
			t.Errorf("%d: read %d in %d bytes", v, got, n)
		}
	}
	for _, b := range [][]byte{{}, {0x80}, {0xff, 0xff, 0xff, 0xff, 0x10}, {0x80, 0x80, 0x80, 0x80, 0x80, 0}} {
		if _, n := abi.Uint32(b); n != 0 {
			t.Errorf("%x is read as a number", b)
		}
	}
}

func FuzzModule(f *testing.F) {
	m := redactor()
	seed, _ := abi.AppendManifest(append(bytes.Clone(empty), 1, 1, 0), &m)
	f.Add(seed)
	f.Fuzz(func(t *testing.T, b []byte) {
		sections, err := abi.Sections(b)
		if err != nil {
			return
		}
		at := len(empty)
		for _, s := range sections {
			if s.Start != at || s.End <= s.Start {
				t.Fatal("sections do not fill the module")
			}
			at = s.End
		}
		if at != len(b) {
			t.Fatal("bytes behind the last section")
		}
		if m, err := abi.ReadManifest(b); err == nil {
			body, err := m.Marshal()
			if err != nil || !bytes.Contains(b, body) {
				t.Fatalf("manifest %s is not in the module, error %v", body, err)
			}
		}
	})
}

func Example() {
	fields := []abi.Field{{Text: []byte("mail ada@example.com"), Role: abi.RoleUser}}
	request, _ := abi.AppendRequest(nil, fields) // the host
	seen, _ := abi.DecodeRequest(request, nil)   // the guest
	at := bytes.Index(seen[0].Text, []byte("ada"))
	reply := abi.AppendReply(nil, 0, []abi.Edit{{Field: 0, Start: uint32(at), End: uint32(len(seen[0].Text)), Label: 0}})
	_, edits, _ := abi.DecodeReply(reply, abi.MaxEdits, nil) // the host again
	fmt.Println(abi.ValidateEdits(fields, edits, 1), edits[0].Start, edits[0].End)
	// Output: <nil> 5 20
}
