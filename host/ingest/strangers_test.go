package ingest_test

import (
	"bytes"
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

// TestT53StrangersGiveTheirProcessor: to other threads, whenever something comes on their
// connection, until an export on it is taken.
func TestT53StrangersGiveTheirProcessor(t *testing.T) {
	s, addr := start(t, walks)
	gave := ingest.CountGivenWay(s)
	conn := dial(t, addr)
	export := func() int64 {
		t.Helper()
		if _, err := send(conn, exportTraces, nil, withKey()); err != nil {
			t.Fatal(err)
		}
		return gave.Load()
	}
	export()
	known := export() // whatever the connection sent before its standing was good has been read
	if known == 0 {
		t.Error("a stranger has not given way")
	}
	if export() != known {
		t.Error("a sender in good standing gives way")
	}
}

// TestT53KnownSendersFirst: while as many work as may who have shown nothing yet, those
// whose exports were taken go on as ever, and who comes anew waits.
func TestT53KnownSendersFirst(t *testing.T) {
	s, addr := start(t, walks)
	w := overHTTP(t, s)
	overGRPC := func(conn *grpc.ClientConn) func(body []byte) bool {
		return func(body []byte) bool {
			_, err := send(conn, exportTraces, body, withKey())
			return err == nil
		}
	}
	overHTTP := func(client *http.Client) func(body []byte) bool {
		return func(body []byte) bool {
			r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "https://"+w.addr+"/v1/traces", bytes.NewReader(body))
			if err != nil {
				return false
			}
			r.Header.Set("Content-Type", "application/x-protobuf")
			r.Header.Set("X-Api-Key", key)
			resp, err := client.Do(r)
			if err != nil {
				return false
			}
			resp.Body.Close()
			return resp.StatusCode == http.StatusOK
		}
	}
	steady := overGRPC(dial(t, addr))
	known := []func(body []byte) bool{overGRPC(dial(t, addr)), overHTTP(w.http1), overHTTP(w.http2)}
	all := func(when string, senders ...func([]byte) bool) {
		t.Helper()
		for i, export := range senders {
			if !export(nil) {
				t.Errorf("%s: export %d is not taken", when, i)
			}
		}
	}
	all("at first", append(known, steady)...)
	left := ingest.Occupy(s)
	comes := make(chan error, 2)
	for _, to := range []string{addr, w.addr} {
		go func() {
			config := clientTLS()
			config.NextProtos = []string{"h2"}
			conn, err := tls.Dial("tcp", to, config)
			if err == nil {
				conn.Close()
			}
			comes <- err
		}()
	}
	for range 3 {
		all("in good standing", known...)
	}
	select {
	case err := <-comes:
		t.Errorf("a stranger does not wait: %v", err)
	default:
	}
	left()
	for range 2 {
		if err := <-comes; err != nil {
			t.Errorf("a stranger who has waited: %v", err)
		}
	}

	left = ingest.Occupy(s)
	for i, export := range known {
		if export([]byte{1}) {
			t.Errorf("export %d is taken", i)
		}
	}
	waits := make(chan bool, len(known))
	for _, export := range known {
		go func() { waits <- export(nil) }()
	}
	all("still in good standing", steady, steady, steady)
	select {
	case <-waits:
		t.Error("whose export was refused does not wait")
	default:
	}
	left()
	for range known {
		if !<-waits {
			t.Error("who has waited is refused")
		}
	}
}
