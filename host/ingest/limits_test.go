package ingest_test

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"github.com/veriproof/notary/host/ingest"
	"github.com/veriproof/notary/host/otlpwire"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// blocking is an exporter that tells when it has been entered and waits to be
// let out.
type blocking struct {
	entered chan struct{}
	leave   chan error
	waiting bool
}

func newBlocking() *blocking {
	return &blocking{entered: make(chan struct{}), leave: make(chan error)}
}

func (b *blocking) Export(ctx context.Context, _ string, _ otlpwire.Signal, _ []byte) (ingest.Receipt, error) {
	if b.waiting {
		ingest.Waiting(ctx)
		ingest.Waiting(ctx)
	}
	b.entered <- struct{}{}
	select {
	case err := <-b.leave:
		return ingest.Receipt{}, err
	case <-ctx.Done():
		return ingest.Receipt{}, ctx.Err()
	}
}

// Beyond the budget exports are refused at once and retryably, and the room
// comes back.
func TestBudget(t *testing.T) {
	b := newBlocking()
	_, addr := start(t, b.Export, func(c *ingest.Config) {
		c.MaxRequest, c.MaxInFlight = 3<<20, 4<<20
	})
	conn := dial(t, addr)
	first := make(chan error, 1)
	go func() {
		_, err := send(conn, exportTraces, make([]byte, 3<<20), withKey())
		first <- err
	}()
	<-b.entered // it holds 3 of 4 MiB
	for name, size := range map[string]int{"no room once received": 2 << 20, "no room for more than one": 1<<20 + 1} {
		_, err := send(conn, exportTraces, make([]byte, size), withKey())
		if delay, retry := retryInfo(err); status.Code(err) != codes.ResourceExhausted || !retry || delay <= 0 {
			t.Errorf("%s: got %v", name, err)
		}
	}
	second := make(chan error, 1)
	go func() {
		_, err := send(conn, exportTraces, make([]byte, 1<<20), withKey())
		second <- err
	}()
	<-b.entered // the last MiB
	if _, err := send(conn, exportTraces, nil, withKey()); status.Code(err) != codes.ResourceExhausted {
		t.Errorf("a small export without any room: got %v", err)
	}
	b.leave <- nil
	b.leave <- errors.New("failed")
	if err := errors.Join(<-first, <-second); err == nil {
		t.Error("an error got lost")
	}
	third := make(chan error, 1)
	go func() {
		_, err := send(conn, exportTraces, make([]byte, 3<<20), withKey())
		third <- err
	}()
	<-b.entered
	b.leave <- nil
	if err := <-third; err != nil {
		t.Errorf("with room again: %v", err)
	}
}

// What an exporter reserves counts, with that of others, until its export is done. Who
// needs more than there is gets all of it, when nobody else is there.
func TestReserve(t *testing.T) {
	const most = 8 << 20
	b := newBlocking()
	need := make(chan int64, 1)
	_, addr := start(t, func(ctx context.Context, tenant string, sig otlpwire.Signal, body []byte) (ingest.Receipt, error) {
		if err := ingest.Reserve(ctx, <-need); err != nil {
			return ingest.Receipt{}, err
		}
		return b.Export(ctx, tenant, sig, body)
	}, func(c *ingest.Config) { c.MaxRequest, c.MaxInFlight = 1<<20, most })
	conn := dial(t, addr)
	export := func(n int64) chan error {
		result := make(chan error, 1)
		need <- n
		go func() {
			_, err := send(conn, exportTraces, []byte("x"), withKey())
			result <- err
		}()
		return result
	}
	first := export(5 << 20)
	<-b.entered
	if err := <-export(4 << 20); status.Code(err) != codes.ResourceExhausted {
		t.Errorf("more than is left: %v", err)
	} else if _, retry := retryInfo(err); !retry {
		t.Error("what there is no room for now is to be sent again")
	}
	second := export(3 << 20)
	<-b.entered
	b.leave <- nil
	b.leave <- nil
	if err := errors.Join(<-first, <-second); err != nil {
		t.Error(err)
	}
	third := export(1 << 40)
	<-b.entered
	if err := <-export(0); status.Code(err) != codes.ResourceExhausted {
		t.Errorf("beside one that needs everything: %v", err)
	}
	<-need
	b.leave <- nil
	if err := <-third; err != nil {
		t.Error(err)
	}
	if err := ingest.Reserve(t.Context(), 1<<40); err != nil {
		t.Errorf("outside of an export: %v", err)
	}
}

// countingListener knows how many of its connections are open, and how many were
// at once.
type countingListener struct {
	net.Listener
	mu        sync.Mutex
	now, most int
}

func (l *countingListener) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	l.add(1)
	return &countedConn{Conn: conn, closed: sync.OnceFunc(func() { l.add(-1) })}, nil
}

func (l *countingListener) add(n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.now += n
	l.most = max(l.most, l.now)
}

type countedConn struct {
	net.Conn
	closed func()
}

func (c *countedConn) Close() error {
	c.closed()
	return c.Conn.Close()
}

// A connection costs memory before anybody is authenticated on it: beyond the
// limit they wait until another is closed, and are served then. One that waits has been
// accepted already, and has cost nothing.
func TestConnectionsAreLimited(t *testing.T) {
	const most, senders = 2, 8
	counting := new(countingListener)
	_, addr := startOn(t, func(l net.Listener) net.Listener { counting.Listener = l; return counting }, walks,
		func(c *ingest.Config) { c.MaxConnections = most })
	var wg sync.WaitGroup
	for range senders {
		wg.Go(func() {
			conn, err := grpc.NewClient(addr, grpc.WithTransportCredentials(credentials.NewTLS(clientTLS())))
			if err != nil {
				t.Error(err)
				return
			}
			defer conn.Close()
			if _, err := send(conn, exportTraces, nil, withKey(), grpc.WaitForReady(true)); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	counting.mu.Lock()
	defer counting.mu.Unlock()
	if counting.most > most+1 {
		t.Errorf("%d connections were open at once, at most %d and one that waits are allowed", counting.most, most)
	}
}

// One export works at a time here; one that waits lets the next one in.
func TestTurns(t *testing.T) {
	for _, waiting := range []bool{false, true} {
		b := newBlocking()
		b.waiting = waiting
		_, addr := start(t, b.Export, func(c *ingest.Config) { c.MaxExports = 1 })
		conn := dial(t, addr)
		results := make(chan error, 2)
		for range 2 {
			go func() {
				_, err := send(conn, exportTraces, nil, withKey())
				results <- err
			}()
		}
		<-b.entered
		if waiting {
			<-b.entered // both are in
			b.leave <- nil
		} else {
			b.leave <- nil // the other can come in only now
			<-b.entered
		}
		b.leave <- nil
		if err := errors.Join(<-results, <-results); err != nil {
			t.Errorf("waiting %v: %v", waiting, err)
		}
	}
	ingest.Waiting(t.Context()) // no export: nothing happens
}

func TestExportTimeout(t *testing.T) {
	b := newBlocking()
	_, addr := start(t, b.Export, func(c *ingest.Config) { c.ExportTimeout = 50 * time.Millisecond })
	result := make(chan error, 1)
	conn := dial(t, addr)
	go func() {
		_, err := send(conn, exportTraces, nil, withKey())
		result <- err
	}()
	<-b.entered
	if err := <-result; status.Code(err) != codes.DeadlineExceeded {
		t.Errorf("got %v", err)
	}
}

// A sender who opens an export and sends nothing is cut off, and gives back the
// room that he held.
func TestSlowSender(t *testing.T) {
	_, addr := start(t, walks, func(c *ingest.Config) {
		c.ReceiveTimeout = 50 * time.Millisecond
		c.MaxRequest, c.MaxInFlight = 1<<20, 1<<20
	})
	conn := dial(t, addr)
	ctx := metadata.NewOutgoingContext(t.Context(), metadata.Pairs(withKey()...))
	for range 3 {
		stream, err := conn.NewStream(ctx, &grpc.StreamDesc{ClientStreams: true}, exportTraces, grpc.ForceCodec(bytesCodec{}))
		if err != nil {
			t.Fatal(err)
		}
		var reply []byte
		if err := stream.RecvMsg(&reply); status.Code(err) != codes.DeadlineExceeded {
			t.Errorf("got %v", err)
		}
	}
	if _, err := send(conn, exportTraces, nil, withKey()); err != nil {
		t.Errorf("after slow senders: %v", err)
	}
}

// An export without a message, and one with two, are broken framing.
func TestFraming(t *testing.T) {
	_, addr := start(t, walks)
	conn := dial(t, addr)
	ctx := metadata.NewOutgoingContext(t.Context(), metadata.Pairs(withKey()...))
	for messages := range 3 {
		stream, err := conn.NewStream(ctx, &grpc.StreamDesc{ClientStreams: true}, exportTraces, grpc.ForceCodec(bytesCodec{}))
		if err != nil {
			t.Fatal(err)
		}
		for range messages {
			if err := stream.SendMsg([]byte{}); err != nil {
				t.Fatal(err)
			}
		}
		if err := stream.CloseSend(); err != nil {
			t.Fatal(err)
		}
		var reply []byte
		err = stream.RecvMsg(&reply)
		if (status.Code(err) == codes.OK) != (messages == 1) {
			t.Errorf("%d messages: got %v", messages, err)
		}
	}
}

func TestShutdownWaitsForExports(t *testing.T) {
	b := newBlocking()
	s, addr := start(t, b.Export)
	conn := dial(t, addr)
	result := make(chan error, 1)
	go func() {
		_, err := send(conn, exportTraces, nil, withKey())
		result <- err
	}()
	<-b.entered
	stopped := make(chan error, 1)
	go func() { stopped <- s.Shutdown(context.Background()) }()
	select {
	case err := <-stopped:
		t.Fatalf("stopped with an export at work: %v", err)
	case b.leave <- nil:
	}
	if err := errors.Join(<-result, <-stopped); err != nil {
		t.Error(err)
	}
}

func TestShutdownBreaksOffInTheEnd(t *testing.T) {
	b := newBlocking()
	s, addr := start(t, b.Export)
	conn := dial(t, addr)
	result := make(chan error, 1)
	go func() {
		_, err := send(conn, exportTraces, nil, withKey())
		result <- err
	}()
	<-b.entered
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := s.Shutdown(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	if err := <-result; status.Code(err) != codes.Unavailable && status.Code(err) != codes.Canceled {
		t.Errorf("the sender was told %v, which is not retryable", err)
	}
}

func TestForeignProtocols(t *testing.T) {
	_, addr := start(t, walks)
	post := func(client *http.Client, url, contentType string) (int, string) {
		t.Helper()
		resp, err := client.Post(url, contentType, bytes.NewReader(make([]byte, 1000)))
		if err != nil {
			t.Fatalf("%s: %v", url, err)
		}
		defer resp.Body.Close()
		text, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		return resp.StatusCode, string(text)
	}
	http1 := &http.Transport{TLSClientConfig: clientTLS()}
	http2 := &http.Transport{TLSClientConfig: clientTLS(), ForceAttemptHTTP2: true}
	defer http1.CloseIdleConnections()
	defer http2.CloseIdleConnections()
	if code, text := post(&http.Client{Transport: http1}, "https://"+addr+"/v1/traces", "application/x-protobuf"); code != 415 || !strings.Contains(text, "grpc protocol") {
		t.Errorf("OTLP/HTTP over HTTP/1: %d %q", code, text)
	}
	if code, text := post(&http.Client{Transport: http1}, "http://"+addr+"/v1/traces", "application/x-protobuf"); code != 400 || !strings.Contains(text, "https") {
		t.Errorf("no TLS: %d %q", code, text)
	}
	if code, _ := post(&http.Client{Transport: http2}, "https://"+addr+"/v1/traces", "application/x-protobuf"); code != 415 {
		t.Errorf("OTLP/HTTP over HTTP/2: %d", code)
	}
}

// A client that is slow to ask must not find an answer before its question.
func TestForeignAnswerWaitsForTheRequest(t *testing.T) {
	_, addr := start(t, walks)
	config := clientTLS()
	config.NextProtos = []string{"http/1.1"}
	conn, err := tls.Dial("tcp", addr, config)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if err := conn.SetReadDeadline(time.Now().Add(100 * time.Millisecond)); err != nil {
		t.Fatal(err)
	}
	var timeout net.Error
	if n, err := conn.Read(make([]byte, 1)); n != 0 || !errors.As(err, &timeout) || !timeout.Timeout() {
		t.Errorf("before the request: %d bytes, %v", n, err)
	}
}

func TestOnlyTLS13(t *testing.T) {
	_, addr := start(t, walks)
	old := clientTLS()
	old.MaxVersion = tls.VersionTLS12
	if conn, err := tls.Dial("tcp", addr, old); err == nil {
		conn.Close()
		t.Error("TLS 1.2 was accepted")
	}
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := conn.Write([]byte("no TLS and no HTTP\r\n\r\n")); err != nil {
		t.Fatal(err)
	}
	if line, err := bufio.NewReader(conn).ReadString('\n'); err == nil && strings.HasPrefix(line, "HTTP") {
		t.Errorf("an answer in HTTP to what is not HTTP: %q", line)
	}
}
