package ingest_test

import (
	"bytes"
	"crypto/tls"
	"net/http"
	"testing"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"

	"github.com/veriproof/notary/host/ingest"
)

// TestT53RefusalsThatNobodyTakes: a stranger whose window has no room for the bodies of refusals
// cannot have them wait for him, each with a goroutine, by hundreds on each connection. Others are
// told why they are refused.
func TestT53RefusalsThatNobodyTakes(t *testing.T) {
	s, _ := start(t, walks)
	w := overHTTP(t, s)
	config := clientTLS()
	config.NextProtos = []string{"h2"}
	conn, err := tls.Dial("tcp", w.addr, config)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := conn.Write([]byte(http2.ClientPreface)); err != nil {
		t.Fatal(err)
	}
	frames := http2.NewFramer(conn, conn)
	if err := frames.WriteSettings(http2.Setting{ID: http2.SettingInitialWindowSize}); err != nil {
		t.Fatal(err)
	}
	go func() {
		var head bytes.Buffer
		fields := hpack.NewEncoder(&head)
		for i := range uint32(ingest.DefaultMaxStreams) {
			head.Reset()
			for _, f := range [][2]string{{":method", "POST"}, {":scheme", "https"}, {":path", "/v1/traces"}, {":authority", "localhost"}, {"content-type", "application/x-protobuf"}} {
				_ = fields.WriteField(hpack.HeaderField{Name: f[0], Value: f[1]})
			}
			// It fails when the connection is closed, which is what the frames tell.
			_ = frames.WriteHeaders(http2.HeadersFrameParam{StreamID: 2*i + 1, BlockFragment: head.Bytes(), EndHeaders: true, EndStream: true})
		}
	}()
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
	for { // those that waited have ended in a moment
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "https://"+w.addr+"/v1/traces", nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Content-Type", "application/x-protobuf")
		answer, err := w.http2.Do(req)
		if err != nil {
			continue
		}
		answer.Body.Close()
		if answer.StatusCode != http.StatusUnauthorized {
			t.Errorf("status %d", answer.StatusCode)
		}
		return
	}
}
