package ingest_test

import (
	"crypto/tls"
	"net"
	"net/http"
	"net/http/httptrace"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/peer"

	"github.com/veriproof/notary/host/ingest"
)

// TestT53StrangersGiveWay: connections on which nobody shows who he is, beyond what the
// listener takes, keep no sender out; and none is closed for them that a sender is known on.
func TestT53StrangersGiveWay(t *testing.T) {
	const most = 2
	few := func(c *ingest.Config) { c.MaxConnections = most }
	strangers := func(t *testing.T, addr string) {
		t.Helper()
		for i := range most {
			conn, err := net.Dial("tcp", addr)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { conn.Close() })
			if i == 0 { // with TLS, and then nothing
				config := clientTLS()
				config.NextProtos = []string{"h2"}
				if err := tls.Client(conn, config).Handshake(); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
	t.Run("gRPC", func(t *testing.T) {
		t.Parallel()
		_, addr := start(t, walks, few)
		known := dial(t, addr)
		post := func(conn *grpc.ClientConn) (from string) {
			t.Helper()
			var p peer.Peer
			if _, err := send(conn, exportTraces, nil, withKey(), grpc.Peer(&p)); err != nil {
				t.Fatal(err)
			}
			return p.LocalAddr.String()
		}
		from := post(known)
		strangers(t, addr)
		post(dial(t, addr))
		if post(known) != from {
			t.Error("a known sender's connection was closed")
		}
	})
	for _, second := range []bool{false, true} {
		t.Run(map[bool]string{false: "HTTP/1.1", true: "HTTP/2"}[second], func(t *testing.T) {
			t.Parallel()
			s, _ := start(t, walks, few)
			w := overHTTP(t, s)
			post := func(client *http.Client) (reused bool) {
				t.Helper()
				ctx := httptrace.WithClientTrace(t.Context(), &httptrace.ClientTrace{GotConn: func(info httptrace.GotConnInfo) { reused = info.Reused }})
				r, err := http.NewRequestWithContext(ctx, http.MethodPost, "https://"+w.addr+"/v1/traces", http.NoBody)
				if err != nil {
					t.Fatal(err)
				}
				r.Header.Set("Content-Type", "application/x-protobuf")
				r.Header.Set("X-Api-Key", key)
				resp, err := client.Do(r)
				if err != nil {
					t.Fatal(err)
				}
				resp.Body.Close()
				if resp.StatusCode != http.StatusOK {
					t.Errorf("status %d", resp.StatusCode)
				}
				return reused
			}
			known, comes := w.http1, w.http2
			if second {
				known, comes = comes, known
			}
			post(known)
			strangers(t, w.addr)
			post(comes)
			if !post(known) {
				t.Error("a known sender's connection was closed")
			}
		})
	}
}
