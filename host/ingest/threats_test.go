package ingest_test

import (
	"bytes"
	"context"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/encoding/gzip"
	"google.golang.org/grpc/status"

	"github.com/veriproof/notary/host/ingest"
	"github.com/veriproof/notary/host/otlpwire"
)

// allocated returns how many bytes were allocated meanwhile, by client and server, and
// freed or not: more than either can have held.
func allocated(f func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

// T50: what comes out of a gzip bomb is bounded, not what it would be.
func TestT50GzipBombs(t *testing.T) {
	const limit = 4 << 20
	s, addr := start(t, walks, func(c *ingest.Config) { c.MaxRequest = limit })
	w, conn := overHTTP(t, s), dial(t, addr)
	bomb := packed(make([]byte, 32<<20)) // 1000:1
	members := bytes.Repeat(packed(make([]byte, 1<<20)), 32)
	header := append([]string{"Content-Encoding", "gzip"}, inProtobuf...)
	w.post(t, "/v1/traces", nil, inProtobuf...) // connections and pools are there
	for name, sent := range map[string][]byte{"one member": bomb, "many members": members} {
		used := allocated(func() {
			if a := w.post(t, "/v1/traces", sent, header...); a.code != 413 {
				t.Errorf("%s: %d", name, a.code)
			}
		})
		if used > 3*limit { // a buffer of the limit, those it grew from, and gzip's own
			t.Errorf("%s: %d MB for a limit of %d", name, used>>20, limit>>20)
		}
	}
	// A gRPC client makes its gzip itself: 8 MiB are enough to see.
	_, err := send(conn, exportTraces, make([]byte, 8<<20), withKey(), grpc.UseCompressor(gzip.Name))
	if status.Code(err) != codes.ResourceExhausted {
		t.Errorf("gRPC: %v", err)
	}
}

// T51: a kilobyte of gzip that holds half a million empty spans costs no more than
// the megabyte that it is, and 64 MiB of them not more than four times that.
func TestT51EmptySubmessages(t *testing.T) {
	s, addr := start(t, walks, func(c *ingest.Config) { c.MaxRequest = 64 << 20 })
	w, conn := overHTTP(t, s), dial(t, addr)
	header := append([]string{"Content-Encoding", "gzip"}, inProtobuf...)
	small := packed(bomb())
	if len(small) > 1100 {
		t.Fatalf("the bomb has %d bytes", len(small))
	}
	w.post(t, "/v1/traces", nil, inProtobuf...)
	if used := allocated(func() {
		if a := w.post(t, "/v1/traces", small, header...); a.code != 413 {
			t.Errorf("over HTTP: %d", a.code)
		}
	}); used > 16<<20 {
		t.Errorf("over HTTP: %d MB", used>>20)
	}
	if used := allocated(func() {
		if _, err := send(conn, exportTraces, bomb(), withKey(), grpc.UseCompressor(gzip.Name)); status.Code(err) != codes.ResourceExhausted {
			t.Errorf("gRPC: %v", err)
		}
	}); used > 16<<20 {
		t.Errorf("gRPC: %d MB", used>>20)
	}
	large := packed(bytes.Repeat([]byte{0x0a, 0}, 32<<20))
	if used := allocated(func() {
		if a := w.post(t, "/v1/traces", large, header...); a.code != 413 {
			t.Errorf("64 MiB: %d", a.code)
		}
	}); used > 256<<20 {
		t.Errorf("64 MiB: %d MB", used>>20)
	}
}

// T56: text that others choke on is taken, or refused as malformed; it is never an
// error of ours, and never taken and lost.
func TestT56HostileText(t *testing.T) {
	var mu sync.Mutex
	var texts []string
	s, _ := start(t, func(_ context.Context, _ string, sig otlpwire.Signal, body []byte) (ingest.Receipt, error) {
		req, err := otlpwire.Walk(body, sig, otlpwire.Limits{})
		if err != nil {
			return ingest.Receipt{}, err
		}
		mu.Lock()
		defer mu.Unlock()
		texts = nil
		for _, text := range req.Texts {
			texts = append(texts, string(req.Text(text)))
		}
		return ingest.Receipt{}, nil
	})
	w := overHTTP(t, s)
	inSpan := func(json string) string {
		return `{"resourceSpans":[{"scopeSpans":[{"spans":[{` + json + `}]}]}]}`
	}
	for _, c := range []struct{ name, text, want string }{ // want "": refused
		{"NUL", inSpan(`"name":"a\u0000b"`), "a\x00b"},
		{"a raw NUL", inSpan("\"name\":\"a\x00b\""), ""},
		{"invalid UTF-8", inSpan("\"name\":\"a\xff\""), ""},
		{"a surrogate in UTF-8", inSpan("\"name\":\"\xed\xa0\x80\""), ""},
		{"a lone surrogate", inSpan(`"name":"a\ud800b"`), "a\ufffdb"},
		{"surrogates in the wrong order", inSpan(`"name":"\udc00\ud800"`), "\ufffd\ufffd"},
		{"the last character there is", inSpan(`"name":"\udbff\udfff"`), "\U0010ffff"},
		{"1e400", inSpan(`"name":"a","attributes":[{"value":{"doubleValue":1e400}}]`), ""},
		{"a number of a megabyte", inSpan(`"name":"a","startTimeUnixNano":` + strings.Repeat("1", 1<<20)), ""},
		{"a text of a megabyte", inSpan(`"name":"` + strings.Repeat("a", 1<<20) + `"`), strings.Repeat("a", 1<<20)},
		{"a byte order mark", "\ufeff" + inSpan(`"name":"a"`), ""},
		{"direction marks", inSpan(`"name":"\u202ea"`), "\u202ea"},
		{"bytes of zeros", inSpan(`"attributes":[{"value":{"bytesValue":"AAAA"}}]`), "\x00\x00\x00"},
		{"UTF-16 as bytes", inSpan(`"attributes":[{"value":{"bytesValue":"/v8AYQ=="}}]`), "\xfe\xff\x00a"},
	} {
		a := w.post(t, "/v1/traces", []byte(c.text), inJSON...)
		switch {
		case c.want == "" && a.code != 400:
			t.Errorf("%s: %d %q", c.name, a.code, a.body)
		case c.want != "" && (a.code != 200 || fmt.Sprint(texts) != fmt.Sprint([]string{c.want})):
			t.Errorf("%s: %d, %.100q", c.name, a.code, texts)
		}
	}
}
