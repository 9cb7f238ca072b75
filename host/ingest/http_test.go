package ingest_test

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/tls"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	logscollector "go.opentelemetry.io/proto/otlp/collector/logs/v1"
	tracecollector "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	spb "google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	"github.com/veriproof/notary/host/ingest"
	"github.com/veriproof/notary/host/internal/bench"
	"github.com/veriproof/notary/host/otlpjson"
	"github.com/veriproof/notary/host/otlpwire"
)

// A web is a client of OTLP/HTTP.
type web struct {
	addr         string
	http1, http2 *http.Client
}

// overHTTP serves on a free port, too, until the test ends.
func overHTTP(t testing.TB, s *ingest.Server) *web {
	t.Helper()
	l, err := net.Listen("tcp", "localhost:0")
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- s.ServeOverHTTP(l) }()
	w := &web{addr: l.Addr().String()}
	for _, h2 := range []bool{false, true} {
		transport := &http.Transport{TLSClientConfig: clientTLS(), ForceAttemptHTTP2: h2, DisableCompression: true}
		t.Cleanup(transport.CloseIdleConnections)
		client := &http.Client{Transport: transport, Timeout: 20 * time.Second}
		if h2 {
			w.http2 = client
		} else {
			w.http1 = client
		}
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		s.Shutdown(ctx)
		if err := <-served; err != nil {
			t.Error(err)
		}
	})
	return w
}

type webAnswer struct {
	code   int
	header http.Header
	body   []byte
}

func (w *web) post(t testing.TB, path string, body []byte, header ...string) webAnswer {
	t.Helper()
	return w.do(t, w.http1, http.MethodPost, path, bytes.NewReader(body), header...)
}

func (w *web) do(t testing.TB, client *http.Client, method, path string, body io.Reader, header ...string) webAnswer {
	t.Helper()
	req, err := http.NewRequestWithContext(context.Background(), method, "https://"+w.addr+path, body)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(header); i += 2 {
		req.Header.Add(header[i], header[i+1])
	}
	resp, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return webAnswer{resp.StatusCode, resp.Header, b}
}

// status reads the Status message of an answer, and what its RetryInfo says.
func (a webAnswer) status(t testing.TB) (*status.Status, time.Duration) {
	t.Helper()
	m := new(spb.Status)
	unmarshal := proto.Unmarshal
	if a.header.Get("Content-Type") == "application/json" {
		unmarshal = protojson.Unmarshal
	}
	if err := unmarshal(a.body, m); err != nil {
		t.Fatalf("%q: %v", a.body, err)
	}
	s := status.FromProto(m)
	for _, d := range s.Details() {
		if info, ok := d.(*errdetails.RetryInfo); ok {
			return s, info.RetryDelay.AsDuration()
		}
	}
	return s, 0
}

func packed(b []byte) []byte {
	var buf bytes.Buffer
	w := gzip.NewWriter(&buf)
	w.Write(b)
	w.Close()
	return buf.Bytes()
}

var (
	inProtobuf = []string{"Content-Type", "application/x-protobuf", "Authorization", "Bearer " + key}
	inJSON     = []string{"Content-Type", "application/json; charset=utf-8", "X-Api-Key", key}
)

func TestOverHTTP(t *testing.T) {
	type call struct {
		tenant string
		sig    otlpwire.Signal
		body   []byte
	}
	calls := make(chan call, 1)
	s, _ := start(t, func(_ context.Context, tenant string, sig otlpwire.Signal, body []byte) (ingest.Receipt, error) {
		calls <- call{tenant, sig, bytes.Clone(body)}
		return ingest.Receipt{Positions: [][]byte{{0, 1, 2}, {0xff}}}, nil
	})
	w := overHTTP(t, s)
	zipped := []string{"Content-Encoding", "gzip"}
	empty := []byte(`{"resourceLogs":[{}]}`)
	for _, c := range []struct {
		name, path string
		sent, got  []byte
		header     []string
	}{
		{"protobuf", "/v1/traces", []byte("any bytes"), []byte("any bytes"), inProtobuf},
		{"logs", "/v1/logs", []byte("any bytes"), []byte("any bytes"), inProtobuf},
		{"JSON", "/v1/logs", empty, []byte{10, 0}, inJSON},
		{"genai", "/v1/traces", bench.GenAI(1), bench.GenAI(1), inProtobuf},
		{"gzip", "/v1/traces", packed(bench.GenAI(1)), bench.GenAI(1), append(zipped, inProtobuf...)},
		{"gzip of several members", "/v1/traces", append(packed([]byte("ab")), packed([]byte("c"))...), []byte("abc"), append(zipped, inProtobuf...)},
		{"JSON in gzip", "/v1/logs", packed(empty), []byte{10, 0}, append(zipped, inJSON...)},
		{"x-gzip", "/v1/traces", packed([]byte("x")), []byte("x"), append([]string{"Content-Encoding", "x-gzip"}, inProtobuf...)},
		{"what names another tenant", "/v1/traces", []byte("tenant=other"), []byte("tenant=other"), append([]string{"X-Tenant", "other", "X-Scope-OrgID", "other"}, inProtobuf...)},
		{"identity", "/v1/traces", []byte("x"), []byte("x"), append([]string{"Content-Encoding", "identity"}, inProtobuf...)},
		{"just as large as allowed", "/v1/traces", make([]byte, ingest.DefaultMaxRequest), make([]byte, ingest.DefaultMaxRequest), inProtobuf},
		{"just as large in gzip", "/v1/traces", packed(make([]byte, ingest.DefaultMaxRequest)), make([]byte, ingest.DefaultMaxRequest), append(zipped, inProtobuf...)},
		{"empty", "/v1/traces", nil, nil, inProtobuf},
	} {
		for version, client := range map[string]*http.Client{"HTTP/1.1": w.http1, "HTTP/2": w.http2} {
			t.Run(c.name+" over "+version, func(t *testing.T) {
				a := w.do(t, client, http.MethodPost, c.path, bytes.NewReader(c.sent), c.header...)
				if a.code != 200 {
					t.Fatalf("got %d %q", a.code, a.body)
				}
				got := <-calls
				sig := map[string]otlpwire.Signal{"/v1/traces": otlpwire.Traces, "/v1/logs": otlpwire.Logs}[c.path]
				if got.tenant != "acme" || got.sig != sig || !bytes.Equal(got.body, c.got) {
					t.Errorf("exporter was called with %s, %v, %d bytes", got.tenant, got.sig, len(got.body))
				}
				media, reply := "application/x-protobuf", ""
				if slices.Contains(c.header, "X-Api-Key") {
					media, reply = "application/json", "{}"
				}
				if a.header.Get("Content-Type") != media || string(a.body) != reply {
					t.Errorf("answer %q of %s", a.body, a.header.Get("Content-Type"))
				}
				var positions []string
				for _, p := range a.header.Values(ingest.PositionHeader) {
					b, err := base64.RawStdEncoding.DecodeString(p)
					if err != nil {
						t.Fatal(err)
					}
					positions = append(positions, string(b))
				}
				if !slices.Equal(positions, []string{"\x00\x01\x02", "\xff"}) {
					t.Errorf("positions %q", positions)
				}
			})
		}
	}
}

func TestRefusedOverHTTP(t *testing.T) {
	s, _ := start(t, walks)
	w := overHTTP(t, s)
	with := func(header []string, more ...string) []string { return append(slices.Clone(header), more...) }
	valid, large := bench.Small(1), make([]byte, ingest.DefaultMaxRequest+1)
	const canary = "jo.canary@mail.example"
	for _, c := range []struct {
		name, method, path string
		body               []byte
		header             []string
		http               int
		code               codes.Code
		text               string
	}{
		{"metrics", "POST", "/v1/metrics", nil, inProtobuf, 404, codes.Unimplemented, "not metrics"},
		{"metrics as JSON", "POST", "/v1/metrics", []byte("{}"), inJSON, 404, codes.Unimplemented, "not metrics"},
		{"another path", "POST", "/v1/" + canary, nil, inProtobuf, 404, codes.Unimplemented, "no such path"},
		{"a slash too many", "POST", "/v1/traces/", nil, inProtobuf, 404, codes.Unimplemented, "no such path"},
		{"GET", "GET", "/v1/traces", nil, inProtobuf, 405, codes.Unimplemented, "POST"},
		{"no content type", "POST", "/v1/traces", nil, []string{"X-Api-Key", key}, 415, codes.InvalidArgument, "content type"},
		{"another content type", "POST", "/v1/traces", nil, []string{"Content-Type", "text/" + canary}, 415, codes.InvalidArgument, "content type"},
		{"two content types", "POST", "/v1/traces", nil, with(inProtobuf, "Content-Type", "application/json"), 415, codes.InvalidArgument, "content type"},
		{"snappy", "POST", "/v1/traces", nil, with(inProtobuf, "Content-Encoding", "snappy"), 415, codes.InvalidArgument, "content encoding"},
		{"T50: two encodings", "POST", "/v1/traces", packed(packed(valid)), with(inProtobuf, "Content-Encoding", "gzip, gzip"), 415, codes.InvalidArgument, "content encoding"},
		{"T50: two encoding headers", "POST", "/v1/traces", packed(packed(valid)), with(inProtobuf, "Content-Encoding", "gzip", "Content-Encoding", "gzip"), 415, codes.InvalidArgument, "content encoding"},
		{"no key", "POST", "/v1/traces", valid, inProtobuf[:2], 401, codes.Unauthenticated, "no credentials"},
		{"a wrong key", "POST", "/v1/traces", valid, with(inProtobuf[:2], "X-Api-Key", canary), 401, codes.Unauthenticated, "unknown API key"},
		{"no gzip", "POST", "/v1/traces", []byte(canary), with(inProtobuf, "Content-Encoding", "gzip"), 400, codes.InvalidArgument, "compression"},
		{"gzip cut off", "POST", "/v1/traces", packed(valid)[:200], with(inProtobuf, "Content-Encoding", "gzip"), 400, codes.InvalidArgument, "compression"},
		{"gzip spoilt", "POST", "/v1/traces", append(packed(valid)[:20], bytes.Repeat([]byte{0xff}, 50)...), with(inProtobuf, "Content-Encoding", "gzip"), 400, codes.InvalidArgument, "compression"},
		{"a byte too large", "POST", "/v1/traces", large, inProtobuf, 413, codes.ResourceExhausted, "batch size"},
		{"too large once decompressed", "POST", "/v1/traces", packed(large), with(inProtobuf, "Content-Encoding", "gzip"), 413, codes.ResourceExhausted, "batch size"},
		{"T50: a bomb of many members", "POST", "/v1/traces", bytes.Repeat(packed(make([]byte, 1<<20)), 20), with(inProtobuf, "Content-Encoding", "gzip"), 413, codes.ResourceExhausted, "batch size"},
		{"T51: a bomb of empty spans", "POST", "/v1/traces", packed(bomb()), with(inProtobuf, "Content-Encoding", "gzip"), 413, codes.ResourceExhausted, "more elements"},
		{"T51: a bomb of empty spans in JSON", "POST", "/v1/traces", []byte(`{"resourceSpans":[{"scopeSpans":[{"spans":[` + strings.Repeat("{},", 1<<19) + `{}]}]}]}`), inJSON, 413, codes.ResourceExhausted, "more elements"},
		{"truncated protobuf", "POST", "/v1/traces", valid[:len(valid)-5], inProtobuf, 400, codes.InvalidArgument, "length prefix"},
		{"protobuf as JSON", "POST", "/v1/traces", valid, inJSON, 400, codes.InvalidArgument, "send content-type application/x-protobuf"},
		{"protobuf as JSON, packed", "POST", "/v1/traces", packed(valid), with(inJSON, "Content-Encoding", "gzip"), 400, codes.InvalidArgument, "send content-type application/x-protobuf"},
		{"JSON after a line feed", "POST", "/v1/traces", []byte("\n{"), inJSON, 400, codes.InvalidArgument, "not a JSON object: it ends early"},
		{"JSON as protobuf", "POST", "/v1/traces", []byte(`{"resourceSpans":[]}`), inProtobuf, 400, codes.InvalidArgument, "send content-type application/json"},
		{"JSON as protobuf, packed", "POST", "/v1/traces", packed([]byte(`{"resourceSpans":[]}`)), with(inProtobuf, "Content-Encoding", "gzip"), 400, codes.InvalidArgument, "send content-type application/json"},
		{"gzip that does not say so", "POST", "/v1/traces", packed(valid), inProtobuf, 400, codes.InvalidArgument, "content-encoding gzip"},
		{"gzip of JSON that does not say so", "POST", "/v1/traces", packed([]byte(`{}`)), inJSON, 400, codes.InvalidArgument, "content-encoding gzip"},
		{"no JSON", "POST", "/v1/traces", []byte(canary), inJSON, 400, codes.InvalidArgument, "not a JSON object"},
	} {
		t.Run(c.name, func(t *testing.T) {
			a := w.do(t, w.http1, c.method, c.path, bytes.NewReader(c.body), c.header...)
			st, retry := a.status(t)
			if a.code != c.http || st.Code() != c.code || !strings.Contains(st.Message(), c.text) || retry != 0 || a.header.Get("Retry-After") != "" {
				t.Errorf("got %d %v, %v, want %d %v %q", a.code, st, retry, c.http, c.code, c.text)
			}
			if takes := a.header.Get("Accept-Encoding"); (takes == "gzip") != (c.text == "content encoding") {
				t.Errorf("the answer says that %q is taken", takes)
			}
			if bytes.Contains(a.body, []byte("canary")) {
				t.Errorf("the answer tells: %q", a.body)
			}
		})
	}
	if a := w.post(t, "/v1/traces", valid, inProtobuf...); a.code != 200 {
		t.Errorf("a good request after all the bad ones: %d %q", a.code, a.body)
	}
}

// The budget is one for both protocols; over HTTP what a body needs is taken as it
// arrives.
func TestBudgetOverHTTP(t *testing.T) {
	b := newBlocking()
	s, addr := start(t, b.Export, func(c *ingest.Config) { c.MaxRequest, c.MaxInFlight = 3<<20, 4<<20 })
	w, conn := overHTTP(t, s), dial(t, addr)
	first := make(chan error, 1)
	go func() {
		_, err := send(conn, exportTraces, make([]byte, 2<<20), withKey())
		first <- err
	}()
	<-b.entered // it holds 2 of 4 MiB
	a := w.post(t, "/v1/traces", make([]byte, 3<<20), inProtobuf...)
	if _, retry := a.status(t); a.code != 429 || retry <= 0 || a.header.Get("Retry-After") != "1" {
		t.Errorf("without room: %d, Retry-After %q", a.code, a.header.Get("Retry-After"))
	}
	b.leave <- nil
	if err := <-first; err != nil {
		t.Error(err)
	}
	second := make(chan webAnswer, 1)
	go func() { second <- w.post(t, "/v1/traces", make([]byte, 3<<20), inProtobuf...) }()
	<-b.entered
	b.leave <- nil
	if a := <-second; a.code != 200 {
		t.Errorf("with room again: %d %q", a.code, a.body)
	}
}

// A request that may be sent is taken in each form when nothing else is under way, also where the
// budget has room for no more than it: what unpacking it takes beside it is not waited for in vain.
func TestBudgetOfOneRequest(t *testing.T) {
	const most = 1 << 20
	s, addr := start(t, walks, func(c *ingest.Config) { c.MaxRequest, c.MaxInFlight = most, most })
	w, conn := overHTTP(t, s), dial(t, addr)
	json := []byte(`{"resourceSpans":[{"schemaUrl":"` + strings.Repeat("n", most-1024) + `"}]}`)
	wire, err := otlpjson.AppendWire(nil, json, otlpwire.Traces)
	if err != nil {
		t.Fatal(err)
	}
	zipped := []string{"Content-Encoding", "gzip"}
	for what, a := range map[string]webAnswer{
		"protobuf":         w.post(t, "/v1/traces", wire, inProtobuf...),
		"protobuf in gzip": w.post(t, "/v1/traces", packed(wire), append(zipped, inProtobuf...)...),
		"JSON":             w.post(t, "/v1/traces", json, inJSON...),
		"JSON in gzip":     w.post(t, "/v1/traces", packed(json), append(zipped, inJSON...)...),
	} {
		if a.code != 200 {
			t.Errorf("%s: %d %q", what, a.code, a.body)
		}
	}
	for what, options := range map[string][]grpc.CallOption{"gRPC": nil, "gRPC in gzip": {grpc.UseCompressor("gzip")}} {
		if _, err := send(conn, exportTraces, wire, withKey(), options...); err != nil {
			t.Errorf("%s: %v", what, err)
		}
	}
}

// Chunks that are not framed as they must be are refused for good: sent again they would be no better.
func TestBadChunks(t *testing.T) {
	s, _ := start(t, walks)
	w := overHTTP(t, s)
	for _, chunks := range []string{"zz\r\n", "2\r\nabcd\r\n", "ffffffffffffffffff\r\n", "1;" + strings.Repeat("x", 64<<10) + "\r\n", "1\r\n\n\r\nx\r\n"} {
		conn, err := tls.Dial("tcp", w.addr, &tls.Config{InsecureSkipVerify: true, NextProtos: []string{"http/1.1"}})
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		fmt.Fprintf(conn, "POST /v1/traces HTTP/1.1\r\nHost: notary\r\nX-Api-Key: %s\r\nContent-Type: application/x-protobuf\r\nTransfer-Encoding: chunked\r\n\r\n%s", key, chunks)
		answer, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil || answer.StatusCode != http.StatusBadRequest {
			t.Errorf("%.20q: %v, %v; want 400", chunks, answer, err)
		}
	}
}

// A sender who trickles his request in is cut off, and gives back his room.
func TestT53SlowSenderOverHTTP(t *testing.T) {
	s, _ := start(t, walks, func(c *ingest.Config) {
		c.ReceiveTimeout = 50 * time.Millisecond
		c.MaxRequest, c.MaxInFlight = 1<<20, 1<<20
	})
	w := overHTTP(t, s)
	for range 2 {
		for _, client := range []*http.Client{w.http1, w.http2} {
			never, stop := io.Pipe()
			a := w.do(t, client, "POST", "/v1/traces", never, inProtobuf...)
			stop.Close()
			if st, _ := a.status(t); a.code != 504 || st.Code() != codes.DeadlineExceeded {
				t.Errorf("got %d %q", a.code, a.body)
			}
		}
	}
	if a := w.post(t, "/v1/traces", nil, inProtobuf...); a.code != 200 {
		t.Errorf("after slow senders: %d %q", a.code, a.body)
	}
}

func TestShutdownOverHTTP(t *testing.T) {
	b := newBlocking()
	s, _ := start(t, b.Export)
	w := overHTTP(t, s)
	answers := make(chan webAnswer, 1)
	go func() { answers <- w.post(t, "/v1/traces", nil, inProtobuf...) }()
	<-b.entered
	stopped := make(chan error, 1)
	go func() { stopped <- s.Shutdown(context.Background()) }()
	select {
	case err := <-stopped:
		t.Fatalf("stopped with an export at work: %v", err)
	case b.leave <- nil:
	}
	if a := <-answers; a.code != 200 {
		t.Errorf("%d %q", a.code, a.body)
	}
	if err := <-stopped; err != nil {
		t.Error(err)
	}
}

func TestPlainHTTP(t *testing.T) {
	s, _ := start(t, walks)
	w := overHTTP(t, s)
	resp, err := w.http1.Post("http://"+w.addr+"/v1/traces", "application/json", strings.NewReader("{}"))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != 400 {
		t.Errorf("got %d", resp.StatusCode)
	}
}

// FuzzHTTP sends any body with any headers: the answer is a success, or a Status
// that holds nothing of the request.
func FuzzHTTP(f *testing.F) {
	cert, _ := certificate()
	s, err := ingest.New(ingest.Config{
		Certificate: cert, Exporter: exporterFunc(walks), MaxRequest: 1 << 20,
		Senders: ingest.Senders{Keys: []ingest.Key{{Tenant: "acme", Hash: ingest.HashKey(key)}}},
	})
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { s.Shutdown(context.Background()) })
	f.Add("/v1/traces", "application/x-protobuf", "gzip", packed(bench.Small(1)))
	f.Add("/v1/logs", "application/json", "", []byte(`{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"body":{"stringValue":"b"}}]}]}]}`))
	f.Add("/v1/traces", "application/x-protobuf", "", []byte("\x10\x01")) // a success with a warning
	f.Add("/v1/metrics", "application/json;x=y", "identity", []byte("{}"))
	f.Fuzz(func(t *testing.T, path, media, encoding string, body []byte) {
		r, err := http.NewRequest(http.MethodPost, "https://localhost/", bytes.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		r.URL.Path, r.TLS = path, new(tls.ConnectionState)
		r.Header = http.Header{"Content-Type": {media}, "X-Api-Key": {key}}
		if encoding != "" {
			r.Header["Content-Encoding"] = []string{encoding}
		}
		w := ingest.Record(s, r)
		a := webAnswer{w.Code, w.Header(), w.Body.Bytes()}
		if a.code == 200 {
			var reply proto.Message = new(tracecollector.ExportTraceServiceResponse)
			if path == "/v1/logs" {
				reply = new(logscollector.ExportLogsServiceResponse)
			}
			unmarshal := proto.Unmarshal
			if a.header.Get("Content-Type") == "application/json" {
				unmarshal = protojson.Unmarshal
			}
			if err := unmarshal(a.body, reply); err != nil {
				t.Errorf("answer %q: %v", a.body, err)
			}
			return
		}
		st, _ := a.status(t)
		if st.Code() == codes.OK || !slices.Contains([]int{400, 404, 413, 415}, a.code) {
			t.Errorf("%d %v", a.code, st)
		}
		if len(path) > 10 && strings.Contains(st.Message(), path) && path != "/v1/traces" {
			t.Error(errors.New(fmt.Sprint("the answer tells: ", st)))
		}
	})
}

// TestExportOutlastsItsReceipt: the time for a request to arrive is none for what comes after.
// Over HTTP/1.1 its end looked as if the sender of an empty request had hung up, and then all
// that followed on his connection was refused.
func TestExportOutlastsItsReceipt(t *testing.T) {
	const receive = 100 * time.Millisecond
	s, _ := start(t, func(ctx context.Context, _ string, _ otlpwire.Signal, _ []byte) (ingest.Receipt, error) {
		storage := time.NewTimer(4 * receive)
		defer storage.Stop()
		select {
		case <-storage.C:
			return ingest.Receipt{}, nil
		case <-ctx.Done():
			return ingest.Receipt{}, ctx.Err()
		}
	}, func(c *ingest.Config) { c.ReceiveTimeout = receive })
	w := overHTTP(t, s)
	for name, client := range map[string]*http.Client{"HTTP/1.1": w.http1, "HTTP/2": w.http2} {
		for _, body := range []string{"", "x"} { // on one connection
			a := w.do(t, client, http.MethodPost, "/v1/traces", strings.NewReader(body), "Content-Type", "application/x-protobuf", "X-Api-Key", key)
			if a.code != http.StatusOK {
				t.Errorf("%s, %q: %d %q", name, body, a.code, a.body)
			}
		}
	}
}
