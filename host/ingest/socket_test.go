package ingest

import (
	"bytes"
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"testing"
	"time"
)

// pair returns the two ends of a TCP connection, the first of them as the server has it.
func pair(t *testing.T) (served, other *net.TCPConn) {
	t.Helper()
	l, err := net.Listen("tcp", "localhost:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	dialled, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	accepted, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { accepted.Close(); dialled.Close() })
	return accepted.(*net.TCPConn), dialled.(*net.TCPConn)
}

// TestSocketCarriesBothWays: more than the kernel buffers, so that reads and writes have
// to wait, at the same time in both directions, then the end of the stream.
func TestSocketCarriesBothWays(t *testing.T) {
	served, other := pair(t)
	conn := quick(served)
	sent := bytes.Repeat([]byte("0123456789abcdef"), 1<<20)
	var wg sync.WaitGroup
	write := func(to net.Conn) {
		wg.Go(func() {
			if n, err := to.Write(sent); n != len(sent) || err != nil {
				t.Errorf("wrote %d of %d: %v", n, len(sent), err)
			}
		})
	}
	read := func(from net.Conn) {
		wg.Go(func() {
			got := make([]byte, len(sent))
			if _, err := io.ReadFull(from, got); err != nil || !bytes.Equal(got, sent) {
				t.Errorf("what came is not what was sent: %v", err)
			}
		})
	}
	write(conn)
	write(other)
	read(conn)
	read(other)
	wg.Wait()
	if n, err := conn.Read(nil); n != 0 || err != nil {
		t.Errorf("a read of nothing: %d, %v", n, err)
	}
	if err := other.CloseWrite(); err != nil {
		t.Fatal(err)
	}
	if n, err := conn.Read(make([]byte, 1)); n != 0 || err != io.EOF {
		t.Errorf("behind the end: %d, %v", n, err)
	}
}

// TestSocketEnds: whoever waits is told of a deadline, of a Close, and of a peer that has
// gone.
func TestSocketEnds(t *testing.T) {
	for _, tt := range []struct {
		name string
		end  func(t *testing.T, conn net.Conn, peer *net.TCPConn)
		want func(error) bool
	}{
		{"deadline", func(t *testing.T, conn net.Conn, _ *net.TCPConn) {
			if err := conn.SetDeadline(time.Now()); err != nil {
				t.Error(err)
			}
		}, func(err error) bool {
			timeout, ok := errors.AsType[net.Error](err)
			return ok && timeout.Timeout() && errors.Is(err, os.ErrDeadlineExceeded)
		}},
		{"close", func(t *testing.T, conn net.Conn, _ *net.TCPConn) {
			if err := conn.Close(); err != nil {
				t.Error(err)
			}
		}, func(err error) bool { return errors.Is(err, net.ErrClosed) }},
		{"reset", func(t *testing.T, _ net.Conn, peer *net.TCPConn) {
			if err := errors.Join(peer.SetLinger(0), peer.Close()); err != nil {
				t.Error(err)
			}
		}, func(err error) bool { // which of the two is told why is the kernel's choice
			_, ok := errors.AsType[*net.OpError](err)
			return ok || err == io.EOF
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			served, peer := pair(t)
			conn := quick(served)
			results := make(chan error, 2)
			go func() { _, err := conn.Read(make([]byte, 1)); results <- err }()
			go func() { _, err := conn.Write(make([]byte, 64<<20)); results <- err }()
			if _, err := io.ReadFull(peer, make([]byte, 1)); err != nil { // it has begun
				t.Fatal(err)
			}
			tt.end(t, conn, peer)
			for range 2 {
				if err := <-results; !tt.want(err) {
					t.Errorf("%T: %v", err, err)
				}
			}
		})
	}
}
