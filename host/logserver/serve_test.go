package logserver_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"

	"github.com/veriproof/notary/host/logserver"
)

// TestAnswersThatNobodyTakes: a stranger whose window has no room for the bodies of answers
// has a few of them wait for him on a connection, and not hundreds, each with a goroutine.
func TestAnswersThatNobodyTakes(t *testing.T) {
	t.Parallel()
	l, err := listen(t, "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	lent := httptest.NewTLSServer(http.NotFoundHandler()) // has a certificate
	defer lent.Close()
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	answer := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.Write(make([]byte, 64<<10)) })
	go func() { ended <- logserver.Serve(ctx, l, answer, &lent.TLS.Certificates[0], time.Nanosecond) }()
	defer func() {
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}()
	trusting := lent.Client().Transport.(*http.Transport).TLSClientConfig
	conn, err := tls.Dial("tcp", l.Addr().String(), &tls.Config{RootCAs: trusting.RootCAs, ServerName: "example.com", NextProtos: []string{"h2"}})
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
	var head bytes.Buffer
	fields := hpack.NewEncoder(&head)
	const asked = 64
	for i := range uint32(asked) {
		head.Reset()
		for _, f := range [][2]string{{":method", "GET"}, {":scheme", "https"}, {":path", "/checkpoint"}, {":authority", "example.com"}} {
			if err := fields.WriteField(hpack.HeaderField{Name: f[0], Value: f[1]}); err != nil {
				t.Fatal(err)
			}
		}
		if err := frames.WriteHeaders(http2.HeadersFrameParam{StreamID: 2*i + 1, BlockFragment: head.Bytes(), EndHeaders: true, EndStream: true}); err != nil {
			t.Fatal(err)
		}
	}
	answered, refused := 0, 0
	for answered+refused < asked {
		frame, err := frames.ReadFrame()
		if err != nil {
			t.Fatalf("%d answered, %d refused: %v", answered, refused, err)
		}
		switch frame.(type) {
		case *http2.HeadersFrame:
			answered++
		case *http2.RSTStreamFrame:
			refused++
		}
	}
	if answered == 0 || answered > 16 {
		t.Errorf("%d answers wait for who does not take them, and %d streams were refused", answered, refused)
	}
}
