package proxy

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"net"
	"time"

	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
)

// answerHTTP1 is for exporters that take the gRPC port for that of HTTP, or the one protocol for the
// other. Without it they see frames of HTTP/2 and no reason.
const answerHTTP1 = "HTTP/1.1 415 Unsupported Media Type\r\nContent-Type: text/plain\r\nConnection: close\r\n\r\n" +
	"this port takes OTLP over gRPC (HTTP/2) only: use the exporter's grpc protocol, or the port of --listen-http\n"

// Bounds on what is read of such an exporter's request.
const (
	maxHead = 16 << 10
	maxRest = MaxRequest
	linger  = 2 * time.Second
)

var errNotHTTP2 = errors.New("proxy: HTTP/1 on the gRPC port")

// plain is no TLS for gRPC, that answers HTTP/1 before it hangs up.
type plain struct {
	credentials.TransportCredentials
}

func newPlain() plain { return plain{insecure.NewCredentials()} }

// Clone implements credentials.TransportCredentials.
func (p plain) Clone() credentials.TransportCredentials { return plain{p.TransportCredentials.Clone()} }

// ServerHandshake implements credentials.TransportCredentials. The deadline of the
// connection is set by gRPC.
func (p plain) ServerHandshake(conn net.Conn) (net.Conn, credentials.AuthInfo, error) {
	const preface = "PRI * HTTP/2.0"
	begun := bufio.NewReaderSize(conn, len(preface))
	first, err := begun.Peek(len(preface))
	switch {
	case string(first) == preface:
		return p.TransportCredentials.ServerHandshake(&peeked{conn, begun})
	case err == nil && bytes.IndexByte(first, ' ') > 0: // as behind the method of a request
		refuseHTTP1(conn, begun)
		err = errNotHTTP2
	case err == nil:
		err = errNotHTTP2
	}
	conn.Close()
	return nil, nil, err
}

// refuseHTTP1 answers when the head of the request has come: an earlier answer is none to a client.
func refuseHTTP1(conn net.Conn, begun io.Reader) {
	if conn.SetDeadline(time.Now().Add(linger)) != nil {
		return
	}
	head := bufio.NewReader(io.LimitReader(begun, maxHead))
	for {
		if line, err := head.ReadSlice('\n'); err != nil || len(bytes.TrimSpace(line)) == 0 {
			break
		}
	}
	if _, err := io.WriteString(conn, answerHTTP1); err != nil {
		return
	}
	if half, ok := conn.(interface{ CloseWrite() error }); !ok || half.CloseWrite() != nil {
		return
	}
	_, _ = io.Copy(io.Discard, io.LimitReader(conn, maxRest)) // to close before it is read would take the answer back
}

// peeked is a connection of which the first bytes have been read.
type peeked struct {
	net.Conn
	begun *bufio.Reader
}

func (p *peeked) Read(b []byte) (int, error) {
	if p.begun.Buffered() > 0 {
		return p.begun.Read(b)
	}
	return p.Conn.Read(b)
}
