package abi_test

import (
	"bytes"
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/veriproof/notary/sdk/plugin/abi"
)

func httpPut() *abi.HTTPRequest {
	return &abi.HTTPRequest{
		Method: abi.HTTPPut, MaxBody: 4096, Path: "e-1.x",
		Query:   []abi.HTTPField{{Name: "comp", Value: "a b&c=d"}},
		Headers: []abi.HTTPField{{Name: "if-none-match", Value: "*"}, {Name: "x-ms-version", Value: "2021-12-02"}},
		Body:    []uint32{1, 0xffffffff},
	}
}

func TestHTTPRequest(t *testing.T) {
	for _, r := range []*abi.HTTPRequest{httpPut(), {Method: abi.HTTPGet}, {Method: abi.HTTPHead, MaxBody: abi.MaxBlob}, {Method: abi.HTTPDelete, Path: "k"}} {
		b := abi.AppendHTTPRequest(nil, r)
		got, err := abi.DecodeHTTPRequest(b)
		if err != nil || !reflect.DeepEqual(got, r) {
			t.Errorf("%+v, %v; want %+v", got, err, r)
		}
		for n := range b {
			if _, err := abi.DecodeHTTPRequest(b[:n]); !errors.Is(err, abi.ErrFormat) {
				t.Errorf("cut at %d: %v", n, err)
			}
		}
		if _, err := abi.DecodeHTTPRequest(append(b, 0)); !errors.Is(err, abi.ErrFormat) {
			t.Errorf("a byte more: %v", err)
		}
	}
}

// TestT63HTTPRequestRefuses: what a guest could use to leave its endpoint, to see or
// replace a credential, or to send more than ciphertext.
func TestT63HTTPRequestRefuses(t *testing.T) {
	long := strings.Repeat("x", abi.MaxHTTPValue+1)
	many := make([]abi.HTTPField, abi.MaxHTTPFields+1)
	for name, change := range map[string]func(*abi.HTTPRequest){
		"method 0":             func(r *abi.HTTPRequest) { r.Method = 0 },
		"method POST":          func(r *abi.HTTPRequest) { r.Method = 5 },
		"answer without end":   func(r *abi.HTTPRequest) { r.MaxBody = abi.MaxBlob + 1 },
		"another host":         func(r *abi.HTTPRequest) { r.Path = "//example.org" },
		"a scheme":             func(r *abi.HTTPRequest) { r.Path = "https://example.org" },
		"a user":               func(r *abi.HTTPRequest) { r.Path = "@example.org" },
		"a port":               func(r *abi.HTTPRequest) { r.Path = ":80" },
		"upwards":              func(r *abi.HTTPRequest) { r.Path = ".." },
		"upwards in between":   func(r *abi.HTTPRequest) { r.Path = "a/../b" },
		"upwards, escaped":     func(r *abi.HTTPRequest) { r.Path = "a%2f..%2fb" },
		"a folder":             func(r *abi.HTTPRequest) { r.Path = "a/b" },
		"backslash":            func(r *abi.HTTPRequest) { r.Path = `a\b` },
		"query in the path":    func(r *abi.HTTPRequest) { r.Path = "a?comp=acl" },
		"fragment":             func(r *abi.HTTPRequest) { r.Path = "a#b" },
		"upper case":           func(r *abi.HTTPRequest) { r.Path = "A" },
		"line end in the path": func(r *abi.HTTPRequest) { r.Path = "a\r\nb" },
		"long path":            func(r *abi.HTTPRequest) { r.Path = strings.Repeat("a", abi.MaxBlobKey+1) },
		"signature":            func(r *abi.HTTPRequest) { r.Query[0].Name = "sig" },
		"expiry of one":        func(r *abi.HTTPRequest) { r.Query[0].Name = "se" },
		"AWS's signature":      func(r *abi.HTTPRequest) { r.Query[0].Name = "X-Amz-Signature" },
		"unknown query":        func(r *abi.HTTPRequest) { r.Query[0].Name = "x" },
		"empty query":          func(r *abi.HTTPRequest) { r.Query[0].Name = "" },
		"query twice":          func(r *abi.HTTPRequest) { r.Query = append(r.Query, r.Query[0]) },
		"long query":           func(r *abi.HTTPRequest) { r.Query[0].Value = long },
		"line end in a query":  func(r *abi.HTTPRequest) { r.Query[0].Value = "a\n" },
		"many query pairs":     func(r *abi.HTTPRequest) { r.Query = many },
		"authorization":        func(r *abi.HTTPRequest) { r.Headers[0].Name = "authorization" },
		"host":                 func(r *abi.HTTPRequest) { r.Headers[0].Name = "host" },
		"content-length":       func(r *abi.HTTPRequest) { r.Headers[0].Name = "content-length" },
		"transfer-encoding":    func(r *abi.HTTPRequest) { r.Headers[0].Name = "transfer-encoding" },
		"cookie":               func(r *abi.HTTPRequest) { r.Headers[0].Name = "cookie" },
		"copy from elsewhere":  func(r *abi.HTTPRequest) { r.Headers[0].Name = "x-ms-copy-source" },
		"AWS's copy":           func(r *abi.HTTPRequest) { r.Headers[0].Name = "x-amz-copy-source" },
		"make it public":       func(r *abi.HTTPRequest) { r.Headers[0].Name = "x-ms-blob-public-access" },
		"AWS's access list":    func(r *abi.HTTPRequest) { r.Headers[0].Name = "x-amz-acl" },
		"date of a signature":  func(r *abi.HTTPRequest) { r.Headers[0].Name = "x-ms-date" },
		"another spelling":     func(r *abi.HTTPRequest) { r.Headers[0].Name = "If-None-Match" },
		"header twice":         func(r *abi.HTTPRequest) { r.Headers[1] = r.Headers[0] },
		"header injection":     func(r *abi.HTTPRequest) { r.Headers[0].Value = "*\r\nauthorization: x" },
		"header beyond ASCII":  func(r *abi.HTTPRequest) { r.Headers[0].Value = "ä" },
		"long header":          func(r *abi.HTTPRequest) { r.Headers[0].Value = long },
		"many headers":         func(r *abi.HTTPRequest) { r.Headers = many },
		"GET with a body":      func(r *abi.HTTPRequest) { r.Method = abi.HTTPGet },
		"many handles":         func(r *abi.HTTPRequest) { r.Body = make([]uint32, 2*abi.MaxEntries+1) },
		"very many handles":    func(r *abi.HTTPRequest) { r.Body = make([]uint32, abi.MaxHTTPRequest/4) },
	} {
		r := httpPut()
		change(r)
		if _, err := abi.DecodeHTTPRequest(abi.AppendHTTPRequest(nil, r)); !errors.Is(err, abi.ErrFormat) {
			t.Errorf("%s: error %v", name, err)
		} else if strings.Contains(err.Error(), "example.org") || strings.Contains(err.Error(), long) {
			t.Errorf("%s: the error repeats the request: %v", name, err)
		}
	}
}

func TestHTTPResponse(t *testing.T) {
	r := &abi.HTTPResponse{Status: 409, Body: 7, Length: 300, Headers: []abi.HTTPField{{Name: "etag", Value: `"a"`}, {Name: "x-ms-error-code", Value: "BlobAlreadyExists"}}}
	b := abi.AppendHTTPResponse(nil, r)
	got, err := abi.DecodeHTTPResponse(b)
	if err != nil || !reflect.DeepEqual(got, r) || got.Header("etag") != `"a"` || got.Header("date") != "" {
		t.Errorf("%+v, %v; want %+v", got, err, r)
	}
	for n := range b {
		if _, err := abi.DecodeHTTPResponse(b[:n]); !errors.Is(err, abi.ErrFormat) {
			t.Errorf("cut at %d: %v", n, err)
		}
	}
}

// TestHTTPNames: the lists are sorted, since they are searched, and in lower case.
func TestHTTPNames(t *testing.T) {
	for _, list := range [][]string{abi.HTTPQuery(), abi.HTTPRequestHeaders(), abi.HTTPResponseHeaders()} {
		if !slices.IsSorted(list) {
			t.Errorf("%v is not sorted", list)
		}
		for _, name := range list {
			if name != strings.ToLower(name) || len(name) > abi.MaxHTTPName {
				t.Errorf("%q is not a name", name)
			}
		}
	}
}

func FuzzDecodeHTTPRequest(f *testing.F) {
	f.Add(abi.AppendHTTPRequest(nil, httpPut()))
	f.Add(abi.AppendHTTPRequest(nil, &abi.HTTPRequest{Method: abi.HTTPGet}))
	f.Add([]byte{1, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff})
	f.Fuzz(func(t *testing.T, b []byte) {
		r, err := abi.DecodeHTTPRequest(b)
		if err != nil {
			if !errors.Is(err, abi.ErrFormat) {
				t.Fatal(err)
			}
			return
		}
		again := abi.AppendHTTPRequest(nil, r)
		if copy(again[1:4], b[1:4]); !bytes.Equal(again, b) { // reserved bytes are not read
			t.Fatalf("%x becomes %x", b, again)
		}
	})
}

func TestManifestWithEndpoints(t *testing.T) {
	good := func() abi.Manifest {
		return abi.Manifest{
			ABI: abi.ABIStorage, Capabilities: []string{abi.CapabilityHTTP, abi.CapabilityPayload}, Endpoints: []string{"entries", "keys"},
			Kind: abi.KindStorage, Limits: abi.Limits{MemoryPages: 1}, Name: "store-x", Version: "1", WASI: abi.WASINone,
		}
	}
	m := good()
	b, err := m.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	const want = `{"abi":"sto/1","capabilities":["http","payload"],"endpoints":["entries","keys"],"kind":"storage","labels":[],"limits":{"memory_pages":1},"name":"store-x","version":"1","wasi":"none"}`
	if string(b) != want {
		t.Errorf("manifest %s, want %s", b, want)
	}
	if got, err := abi.ParseManifest(b); err != nil || !reflect.DeepEqual(got, &m) {
		t.Errorf("read again: %+v, %v", got, err)
	}
	for name, change := range map[string]func(*abi.Manifest){
		"none":                   func(m *abi.Manifest) { m.Endpoints = nil },
		"without the capability": func(m *abi.Manifest) { m.Capabilities = []string{abi.CapabilityPayload} },
		"twice":                  func(m *abi.Manifest) { m.Endpoints[1] = "entries" },
		"a URL":                  func(m *abi.Manifest) { m.Endpoints[0] = "https://example.org" },
		"too many":               func(m *abi.Manifest) { m.Endpoints = strings.Split("a b c d e f g h i", " ") },
		"of a redactor": func(m *abi.Manifest) {
			*m = redactor()
			m.Endpoints = []string{"a"}
		},
	} {
		m := good()
		change(&m)
		if _, err := m.Marshal(); !errors.Is(err, abi.ErrFormat) {
			t.Errorf("%s: error %v", name, err)
		}
	}
}
