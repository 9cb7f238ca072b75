package pluginhost

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/veriproof/notary/host/journal"
	"github.com/veriproof/notary/sdk/plugin/abi"
)

// A script is an endpoint that answers every request alike, and keeps the last one.
type script struct {
	answer *HTTPResponse
	err    error
	asked  *HTTPRequest
}

func (s *script) Do(_ context.Context, r *HTTPRequest) (*HTTPResponse, error) {
	s.asked = r
	return s.answer, s.err
}

// asking is a guest whose memory has an encoded request at atOther.
func asking(request []byte) *guest {
	g := adapter("asker", abi.AppendStoReply(nil, 0, nil))
	g.manifest.Capabilities = []string{abi.CapabilityBlob, abi.CapabilityHTTP, abi.CapabilityPayload}
	g.manifest.Endpoints = []string{"entries", "keys"}
	g.data[atOther] = request
	return g
}

func put(handles ...uint32) []byte {
	return abi.AppendHTTPRequest(nil, &abi.HTTPRequest{
		Method: abi.HTTPPut, MaxBody: 64, Path: "e-1", Body: handles,
		Query:   []abi.HTTPField{{Name: "comp", Value: "x"}},
		Headers: []abi.HTTPField{{Name: "if-none-match", Value: "*"}},
	})
}

// TestHTTPDo: what a guest asks for arrives at the endpoint of the number, with what
// its handles stand for; of the answer it gets the status, the headers for guests, and
// a handle.
func TestHTTPDo(t *testing.T) {
	entries, keys := &script{}, &script{answer: &HTTPResponse{
		Status: 409, Body: journal.Sealed("conflict"),
		Headers: []abi.HTTPField{
			{Name: "authorization", Value: "secret"},
			{Name: "etag", Value: `"1"`},
			{Name: "retry-after", Value: "a\nb"},
			{Name: "set-cookie", Value: "secret"},
			{Name: "x-ms-error-code", Value: "BlobAlreadyExists"},
		},
	}}
	request := put(1, 1)
	o := Options{Endpoints: map[string]Endpoint{"entries": entries, "keys": keys, "other": &script{}}}
	const out = 4096
	n, c := hostCallOf(t, asking(request), o, t.Context(), "http_do", 1, atOther, int64(len(request)), out, 512)
	want := abi.AppendHTTPResponse(nil, &abi.HTTPResponse{Status: 409, Body: 2, Length: 8, Headers: []abi.HTTPField{
		{Name: "etag", Value: `"1"`}, {Name: "x-ms-error-code", Value: "BlobAlreadyExists"},
	}})
	if n != int64(len(want)) {
		t.Errorf("result %d, want %d", n, len(want))
	}
	if b, _ := c.payload(2); string(b) != "conflict" {
		t.Errorf("body %q", b)
	}
	if entries.asked != nil || keys.asked == nil {
		t.Fatal("another endpoint was asked")
	}
	if got := keys.asked; got.Method != abi.HTTPPut || got.Path != "e-1" || got.MaxBody != 64 ||
		!reflect.DeepEqual(got.Body, []journal.Sealed{journal.Sealed("payload"), journal.Sealed("payload")}) ||
		!reflect.DeepEqual(got.Query, []abi.HTTPField{{Name: "comp", Value: "x"}}) || len(got.Headers) != 1 {
		t.Errorf("asked %+v", got)
	}
	if got := c.cause.Error(); got != "endpoint keys answered a PUT with 409 BlobAlreadyExists" {
		t.Errorf("cause %q", got)
	}
}

// TestT63HTTPDoRefuses: nothing that the ABI does not allow reaches an endpoint.
func TestT63HTTPDoRefuses(t *testing.T) {
	good := put(1)
	bad := func(change func(*abi.HTTPRequest)) []byte {
		r, err := abi.DecodeHTTPRequest(good)
		if err != nil {
			t.Fatal(err)
		}
		change(r)
		return abi.AppendHTTPRequest(nil, r)
	}
	const out, beyond = 4096, 8<<16 - 4
	for _, tc := range []struct {
		name    string
		request []byte
		number  int64
		args    [2]int64 // out, cap
		err     error
		want    int64
	}{
		{"no such endpoint", good, 2, [2]int64{out, 512}, nil, -abi.ErrnoInvalid},
		{"endpoint of 2^32 − 1", good, -1, [2]int64{out, 512}, nil, -abi.ErrnoInvalid},
		{"answer outside memory", good, 0, [2]int64{beyond, 512}, nil, -abi.ErrnoInvalid},
		{"request cut off", good[:9], 0, [2]int64{out, 512}, nil, -abi.ErrnoInvalid},
		{"no request", nil, 0, [2]int64{out, 512}, nil, -abi.ErrnoInvalid},
		{"another host", bad(func(r *abi.HTTPRequest) { r.Path = "//example.org" }), 0, [2]int64{out, 512}, nil, -abi.ErrnoInvalid},
		{"authorization", bad(func(r *abi.HTTPRequest) { r.Headers[0].Name = "authorization" }), 0, [2]int64{out, 512}, nil, -abi.ErrnoInvalid},
		{"no such handle", put(9), 0, [2]int64{out, 512}, nil, -abi.ErrnoHandle},
		{"handle of zero", put(0), 0, [2]int64{out, 512}, nil, -abi.ErrnoHandle},
		{"no answer", good, 0, [2]int64{out, 512}, errors.New("connection refused"), -abi.ErrnoIO},
		{"an answer that is too long", good, 0, [2]int64{out, 512}, fmt.Errorf("x: %w", ErrTooBig), -abi.ErrnoTooBig},
		{"no room for the answer", good, 0, [2]int64{out, 15}, nil, -abi.ErrnoTooBig},
	} {
		e := &script{answer: &HTTPResponse{Status: 201}, err: tc.err}
		g := asking(tc.request)
		got, c := hostCallOf(t, g, Options{Endpoints: map[string]Endpoint{"entries": e, "keys": e}}, t.Context(),
			"http_do", tc.number, atOther, int64(len(tc.request)), tc.args[0], tc.args[1])
		if got != tc.want {
			t.Errorf("%s: %d, want %d", tc.name, got, tc.want)
		}
		if reached := e.asked != nil; reached != (tc.want == -abi.ErrnoIO || tc.want == -abi.ErrnoTooBig) {
			t.Errorf("%s: reached the endpoint: %v", tc.name, reached)
		}
		if c.cause != nil && strings.Contains(c.cause.Error(), "example.org") {
			t.Errorf("%s: the cause repeats the request: %v", tc.name, c.cause)
		}
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	e := &script{}
	if got, _ := hostCallOf(t, asking(good), Options{Endpoints: map[string]Endpoint{"entries": e, "keys": e}}, ended,
		"http_do", 0, atOther, int64(len(good)), out, 512); got != -abi.ErrnoIO || e.asked != nil {
		t.Errorf("for whoever does not wait any more: %d", got)
	}
}

// TestHTTPAnswersAreBounded: the answers of one call are held together with all else
// that it made.
func TestHTTPAnswersAreBounded(t *testing.T) {
	e := &script{answer: &HTTPResponse{Status: 200, Body: make(journal.Sealed, maxHeld/2+1)}}
	c := &storageCall{endpoints: []endpoint{{e, "entries"}}}
	if _, errno := c.request(t.Context(), &c.endpoints[0], &HTTPRequest{}); errno != 0 {
		t.Fatalf("errno %d", errno)
	}
	if _, errno := c.request(t.Context(), &c.endpoints[0], &HTTPRequest{}); errno != abi.ErrnoTooBig {
		t.Errorf("errno %d, want too big", errno)
	}
}

// TestEndpointsOfAManifest: an adapter without its endpoints does not start, unless
// it is only looked at; one without the capability imports nothing of it.
func TestEndpointsOfAManifest(t *testing.T) {
	g := asking(nil)
	_, err := Load(t.Context(), []Source{g.source()}, Options{Endpoints: map[string]Endpoint{"entries": &script{}}})
	var missing *MissingEndpointError
	if !errors.As(err, &missing) || missing.Name != "keys" {
		t.Errorf("without an endpoint: %v", err)
	}
	set, err := Load(t.Context(), []Source{g.source()}, Options{WithoutStorage: true})
	if err != nil {
		t.Fatal(err)
	}
	if err := set.Store().Put(t.Context(), group(1, 0, "x")); err != nil {
		t.Errorf("a set that is looked at: %v", err)
	}
	set.Close(t.Context())
	g = adapter("bad", nil)
	g.imports = []fn{{name: abi.ImportSto + "\x00http_do", typ: stoFunctions["http_do"].typ}}
	if _, err := Load(t.Context(), []Source{g.source()}, Options{}); err == nil || !strings.Contains(err.Error(), "http_do") {
		t.Errorf("import without the capability: %v", err)
	}
}

// TestInit: what sto_init answers is what the operator is told, and Load never calls
// it.
func TestInit(t *testing.T) {
	g := adapter("maker", nil)
	if made, err := Init(t.Context(), g.source(), Options{}); made || err != nil {
		t.Errorf("without the export: %v, %v", made, err)
	}
	for code, want := range map[int32]string{abi.InitDone: "made", abi.InitNothing: "nothing", 7: "sto_init failed with code 7"} {
		g := adapter("maker", nil).set(abi.ExportStoMigrate, 0, []byte{0x00}) // a trap: it is not called
		g.funcs[abi.ExportStoInit] = fn{typ: funcType{"", i32}, code: i32Const(code)}
		made, err := Init(t.Context(), g.source(), Options{})
		got := "nothing"
		switch {
		case err != nil:
			got = err.Error()
		case made:
			got = "made"
		}
		if !strings.Contains(got, want) {
			t.Errorf("code %d: %s", code, got)
		}
	}
	g = adapter("maker", abi.AppendStoReply(nil, 0, nil))
	g.funcs[abi.ExportStoInit] = fn{typ: funcType{"", i32}, code: []byte{0x00}}
	if set, err := Load(t.Context(), []Source{g.source()}, Options{}); err != nil {
		t.Errorf("Load: %v", err)
	} else {
		set.Close(t.Context())
	}
	g.funcs[abi.ExportStoInit] = fn{typ: funcType{i32, i32}, code: i32Const(0)}
	if _, err := Load(t.Context(), []Source{g.source()}, Options{}); err == nil || !strings.Contains(err.Error(), "sto_init") {
		t.Errorf("sto_init of another type: %v", err)
	}
}

// TestProtected: that a policy of the storage forbids an erasure is told as such, with
// what the service said.
func TestProtected(t *testing.T) {
	a := load(t, Options{BlobDir: t.TempDir()}, adapter("worm", abi.AppendStoReply(nil, abi.StoProtected, nil))).Store()
	if err := a.EraseKey(t.Context(), keyID(1, 1, 0)); !errors.Is(err, journal.ErrProtected) {
		t.Errorf("error %v", err)
	}
}
