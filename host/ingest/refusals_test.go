package ingest_test

import (
	"bytes"
	"crypto/tls"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/veriproof/notary/host/ingest"
)

// TestT53RefusalsThatNobodyTakes: a stranger whose window has no room for the bodies of refusals
// cannot have them wait for him, each with a goroutine, by hundreds on each connection. Others are
// told why they are refused.
func TestT53RefusalsThatNobodyTakes(t *testing.T) {
	s, _ := start(t, walks)
	w := overHTTP(t, s)
	frames := strangerWithoutWindow(t, w.addr)
	go refusedTimes(frames, ingest.DefaultMaxStreams)
	for refused := 0; ; {
		frame, err := frames.ReadFrame()
		if err != nil {
			break // closed
		}
		if _, ok := frame.(*http2.HeadersFrame); ok {
			refused++
		}
		if refused == ingest.DefaultMaxStreams {
			t.Fatalf("%d refusals wait for who does not take them", refused)
		}
	}
	askedOnce(t, w)
}

// TestT53RefusalsThatOthersDoNotTake: a sender with a key that is out of date is told so, though as many
// refusals as may wait for strangers do.
func TestT53RefusalsThatOthersDoNotTake(t *testing.T) {
	s, _ := start(t, walks)
	w := overHTTP(t, s)
	frames := strangerWithoutWindow(t, w.addr)
	go refusedTimes(frames, ingest.MaxRefusals)
	for refused := 0; refused < ingest.MaxRefusals; {
		frame, err := frames.ReadFrame()
		if err != nil {
			t.Fatal(err)
		}
		if _, ok := frame.(*http2.HeadersFrame); ok {
			refused++
		}
	}
	askedOnce(t, w)
}

// strangerWithoutWindow is a connection over HTTP/2 on which no body of an answer can be sent.
func strangerWithoutWindow(t *testing.T, addr string) *http2.Framer {
	t.Helper()
	config := clientTLS()
	config.NextProtos = []string{"h2"}
	conn, err := tls.Dial("tcp", addr, config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	if _, err := conn.Write([]byte(http2.ClientPreface)); err != nil {
		t.Fatal(err)
	}
	frames := http2.NewFramer(conn, conn)
	if err := frames.WriteSettings(http2.Setting{ID: http2.SettingInitialWindowSize}); err != nil {
		t.Fatal(err)
	}
	return frames
}

// refusedTimes asks so many times without a key.
func refusedTimes(frames *http2.Framer, times uint32) {
	var head bytes.Buffer
	fields := hpack.NewEncoder(&head)
	for i := range times {
		head.Reset()
		for _, f := range [][2]string{{":method", "POST"}, {":scheme", "https"}, {":path", "/v1/traces"}, {":authority", "localhost"}, {"content-type", "application/x-protobuf"}} {
			_ = fields.WriteField(hpack.HeaderField{Name: f[0], Value: f[1]})
		}
		// It fails when the connection is closed, which is what the frames tell.
		_ = frames.WriteHeaders(http2.HeadersFrameParam{StreamID: 2*i + 1, BlockFragment: head.Bytes(), EndHeaders: true, EndStream: true})
	}
}

// askedOnce has who takes his refusal get it, the first time he asks.
func askedOnce(t *testing.T, w *web) {
	t.Helper()
	answer := w.do(t, w.http2, http.MethodPost, "/v1/traces", nil, "Content-Type", "application/x-protobuf")
	if answer.code != http.StatusUnauthorized {
		t.Errorf("status %d", answer.code)
	}
}

// TestTooLargeNamesTheLimit: who is refused for good learns what to set, and to what it is set.
func TestTooLargeNamesTheLimit(t *testing.T) {
	const most = 1 << 10
	s, addr := start(t, walks, func(c *ingest.Config) { c.MaxRequest = most })
	w := overHTTP(t, s)
	long := make([]byte, most+1)
	_, err := send(dial(t, addr), exportTraces, long, withKey())
	overHTTP, _ := w.post(t, "/v1/traces", long, inProtobuf...).status(t)
	unpacked, _ := w.post(t, "/v1/traces", packed(long), append([]string{"Content-Encoding", "gzip"}, inProtobuf...)...).status(t)
	for name, got := range map[string]*status.Status{"gRPC": status.Convert(err), "HTTP": overHTTP, "gzip": unpacked} {
		if got.Code() != codes.ResourceExhausted || !strings.Contains(got.Message(), "over the 1024 bytes of limits.request_bytes") {
			t.Errorf("%s: %v", name, got)
		}
	}
}

// TestT53AnswersThatNobodyTakes: over HTTP/2 a sender decides when an answer can be sent, also one whose
// key is good. Whatever has a body waits for no longer than a head may take to come.
func TestT53AnswersThatNobodyTakes(t *testing.T) {
	s, _ := start(t, walks)
	for name, c := range map[string]struct {
		second bool
		body   string
		header []string
		waits  bool // by a deadline of its own
	}{
		"a refusal":             {second: true, body: "\x01", header: inProtobuf, waits: true},
		"JSON":                  {second: true, body: "{}", header: inJSON, waits: true},
		"an empty answer":       {second: true, header: inProtobuf},
		"a refusal by HTTP/1.1": {body: "\x01", header: inProtobuf}, // it would be the connection's
	} {
		r := httptest.NewRequest(http.MethodPost, "/v1/traces", strings.NewReader(c.body))
		r.TLS = new(tls.ConnectionState)
		if c.second {
			r.ProtoMajor, r.ProtoMinor = 2, 0
		}
		for i := 0; i < len(c.header); i += 2 {
			r.Header.Set(c.header[i], c.header[i+1])
		}
		began := time.Now()
		_, until := ingest.RecordWithDeadline(s, r)
		if c.waits != !until.IsZero() || c.waits && until.Sub(began) > time.Minute {
			t.Errorf("%s: may be written until %v", name, until)
		}
	}
}
