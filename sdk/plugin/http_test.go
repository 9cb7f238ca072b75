package plugin_test

import (
	"encoding/hex"
	"errors"
	"reflect"
	"testing"

	"github.com/veriproof/notary/sdk/plugin/abi"
)

type httpVectors struct {
	Requests  []stoVector   `json:"requests"`
	Responses []stoVector   `json:"responses"`
	Refused   []refusedHTTP `json:"refused"`
}

type refusedHTTP struct {
	Name  string `json:"name"`
	Bytes string `json:"bytes"`
}

// TestHTTPVectors fixes requests and responses of http_do, and what is no request.
func TestHTTPVectors(t *testing.T) {
	create := &abi.HTTPRequest{
		Method: abi.HTTPPut, MaxBody: 4096, Path: "e-10.00ff",
		Headers: []abi.HTTPField{{Name: "if-none-match", Value: "*"}, {Name: "x-ms-blob-type", Value: "BlockBlob"}, {Name: "x-ms-version", Value: "2021-12-02"}},
		Body:    []uint32{1, 2, 0x01020304},
	}
	var v httpVectors
	for _, c := range []struct {
		name string
		r    *abi.HTTPRequest
	}{
		{"create an object of three handles", create},
		{"read an object", &abi.HTTPRequest{Method: abi.HTTPGet, MaxBody: abi.MaxBlob, Path: "k-1"}},
		{"list", &abi.HTTPRequest{Method: abi.HTTPGet, MaxBody: 1 << 20, Query: []abi.HTTPField{{Name: "restype", Value: "container"}, {Name: "comp", Value: "list"}, {Name: "marker", Value: "2!8!a b&="}}}},
		{"look at the base", &abi.HTTPRequest{Method: abi.HTTPHead}},
		{"delete", &abi.HTTPRequest{Method: abi.HTTPDelete, Path: "k-1"}},
	} {
		b := abi.AppendHTTPRequest(nil, c.r)
		if again, err := abi.DecodeHTTPRequest(b); err != nil || !reflect.DeepEqual(again, c.r) {
			t.Errorf("%s read again: %+v, %v", c.name, again, err)
		}
		v.Requests = append(v.Requests, stoVector{c.name, map[string]any{
			"method": c.r.Method, "max_body": c.r.MaxBody, "path": c.r.Path, "query": pairs(c.r.Query), "headers": pairs(c.r.Headers), "body": append([]uint32{}, c.r.Body...),
		}, hex.EncodeToString(b)})
	}
	for _, c := range []struct {
		name string
		r    *abi.HTTPResponse
	}{
		{"made", &abi.HTTPResponse{Status: 201, Headers: []abi.HTTPField{{Name: "etag", Value: `"0x8D"`}}}},
		{"taken", &abi.HTTPResponse{Status: 409, Body: 4, Length: 220, Headers: []abi.HTTPField{{Name: "x-ms-error-code", Value: "BlobAlreadyExists"}}}},
	} {
		b := abi.AppendHTTPResponse(nil, c.r)
		if again, err := abi.DecodeHTTPResponse(b); err != nil || !reflect.DeepEqual(again, c.r) {
			t.Errorf("%s read again: %+v, %v", c.name, again, err)
		}
		v.Responses = append(v.Responses, stoVector{c.name, map[string]any{
			"status": c.r.Status, "handle": c.r.Body, "length": c.r.Length, "headers": pairs(c.r.Headers),
		}, hex.EncodeToString(b)})
	}
	for _, c := range []struct {
		name   string
		change func(*abi.HTTPRequest)
	}{
		{"method 5", func(r *abi.HTTPRequest) { r.Method = 5 }},
		{"max_body of more than 64 MiB", func(r *abi.HTTPRequest) { r.MaxBody = abi.MaxBlob + 1 }},
		{"path upwards", func(r *abi.HTTPRequest) { r.Path = ".." }},
		{"path to another host", func(r *abi.HTTPRequest) { r.Path = "//example.org" }},
		{"path with a slash", func(r *abi.HTTPRequest) { r.Path = "a/b" }},
		{"query that is not of the list", func(r *abi.HTTPRequest) { r.Query = []abi.HTTPField{{Name: "sig", Value: "x"}} }},
		{"header that is not of the list", func(r *abi.HTTPRequest) { r.Headers[0].Name = "authorization" }},
		{"header twice", func(r *abi.HTTPRequest) { r.Headers[1] = r.Headers[0] }},
		{"header with a line end", func(r *abi.HTTPRequest) { r.Headers[0].Value = "*\r\nhost: x" }},
		{"DELETE with a body", func(r *abi.HTTPRequest) { r.Method = abi.HTTPDelete }},
	} {
		r, err := abi.DecodeHTTPRequest(abi.AppendHTTPRequest(nil, create))
		if err != nil {
			t.Fatal(err)
		}
		c.change(r)
		b := abi.AppendHTTPRequest(nil, r)
		if _, err := abi.DecodeHTTPRequest(b); !errors.Is(err, abi.ErrFormat) {
			t.Errorf("%s: error %v", c.name, err)
		}
		v.Refused = append(v.Refused, refusedHTTP{c.name, hex.EncodeToString(b)})
	}
	good := abi.AppendHTTPRequest(nil, create)
	for _, c := range []refusedHTTP{{"cut off", hex.EncodeToString(good[:len(good)-1])}, {"a byte more", hex.EncodeToString(append(good, 0))}} {
		b, _ := hex.DecodeString(c.Bytes)
		if _, err := abi.DecodeHTTPRequest(b); !errors.Is(err, abi.ErrFormat) {
			t.Errorf("%s: error %v", c.Name, err)
		}
		v.Refused = append(v.Refused, c)
	}
	vectors(t, "http.json", v)
}

func pairs(fields []abi.HTTPField) [][2]string {
	out := [][2]string{}
	for _, f := range fields {
		out = append(out, [2]string{f.Name, f.Value})
	}
	return out
}
