package ingest

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"time"

	"google.golang.org/grpc/credentials"
)

// Answers to those who speak something else than gRPC over TLS to this port.
// Without them a misconfigured exporter sees a closed connection and no reason.
const (
	answerHTTP1 = "HTTP/1.1 415 Unsupported Media Type\r\nContent-Type: text/plain\r\nConnection: close\r\n\r\n" +
		"this port takes OTLP over gRPC (HTTP/2) only: use the exporter's grpc protocol\n"
	answerPlain = "HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain\r\nConnection: close\r\n\r\n" +
		"this port takes OTLP over gRPC with TLS 1.3 only: use an https endpoint\n"
)

// lingering bounds how long and how much of a foreign request is read before
// the answer; closing with unread bytes would make the answer get lost.
const (
	lingerTime  = 2 * time.Second
	lingerBytes = 64 << 10
)

var (
	errNotTLS   = errors.New("ingest: plain HTTP on the TLS port")
	errNotHTTP2 = errors.New("ingest: HTTP/1 on the gRPC port")
)

// tlsConfig admits TLS 1.3 alone. On the gRPC port HTTP/1.1 is offered so that it
// can be answered. Where client certificates mean something they are asked for, and
// one that no known authority signed ends the handshake; without one a sender has to
// show something else.
func tlsConfig(cert tls.Certificate, clients *x509.CertPool) *tls.Config {
	c := &tls.Config{
		Certificates: []tls.Certificate{cert},
		MinVersion:   tls.VersionTLS13,
		NextProtos:   []string{"h2", "http/1.1"},
	}
	if clients != nil {
		c.ClientAuth, c.ClientCAs = tls.VerifyClientCertIfGiven, clients
	}
	return c
}

// tlsInfo is what is known of a gRPC connection, and the connection under its TLS.
type tlsInfo struct {
	credentials.TLSInfo
	raw  net.Conn
	name string // the sender's end of it
}

// serverTLS is TLS for gRPC that answers foreign protocols before it hangs up.
type serverTLS struct {
	credentials.TransportCredentials
	config *tls.Config
}

func newServerTLS(cert tls.Certificate, clients *x509.CertPool) serverTLS {
	config := tlsConfig(cert, clients)
	return serverTLS{credentials.NewTLS(config), config}
}

// ServerHandshake implements credentials.TransportCredentials. The deadline of
// the connection is set by gRPC.
func (s serverTLS) ServerHandshake(raw net.Conn) (net.Conn, credentials.AuthInfo, error) {
	conn := tls.Server(raw, s.config)
	if err := conn.HandshakeContext(context.Background()); err != nil {
		var header tls.RecordHeaderError
		if errors.As(err, &header) && isHTTP(header.RecordHeader) {
			reply(raw, answerPlain)
			err = errNotTLS
		}
		raw.Close()
		return nil, nil, err
	}
	state := conn.ConnectionState()
	if state.NegotiatedProtocol != "h2" {
		awaitHead(conn)
		reply(conn, answerHTTP1)
		conn.Close()
		return nil, nil, errNotHTTP2
	}
	info := &tlsInfo{credentials.TLSInfo{
		State:          state,
		CommonAuthInfo: credentials.CommonAuthInfo{SecurityLevel: credentials.PrivacyAndIntegrity},
	}, raw, raw.RemoteAddr().String()}
	if m, ok := raw.(*member); ok {
		return newAcker(&sipping{Conn: conn, work: m.work}), info, nil
	}
	return newAcker(conn), info, nil
}

// Clone implements credentials.TransportCredentials.
func (s serverTLS) Clone() credentials.TransportCredentials {
	return serverTLS{s.TransportCredentials.Clone(), s.config.Clone()}
}

// isHTTP reports whether what came instead of a TLS record begins a request.
func isHTTP(header [5]byte) bool {
	switch string(header[:]) {
	case "GET /", "HEAD ", "POST ", "PUT /", "OPTIO", "PRI *":
		return true
	}
	return false
}

// awaitHead reads up to the end of a request's head. An answer that comes before
// its request is none to a client: HTTP/1 pairs them by order.
func awaitHead(conn net.Conn) {
	if err := conn.SetDeadline(time.Now().Add(lingerTime)); err != nil {
		return
	}
	head := bufio.NewReader(io.LimitReader(conn, maxHeaderList))
	for {
		if line, err := head.ReadSlice('\n'); err != nil || len(bytes.TrimSpace(line)) == 0 {
			return
		}
	}
}

func reply(conn net.Conn, answer string) {
	if err := conn.SetDeadline(time.Now().Add(lingerTime)); err != nil {
		return
	}
	if _, err := io.WriteString(conn, answer); err != nil {
		return
	}
	if half, ok := conn.(interface{ CloseWrite() error }); ok {
		if err := half.CloseWrite(); err != nil {
			return
		}
	}
	// The sender closes when he has the answer.
	io.Copy(io.Discard, io.LimitReader(conn, lingerBytes))
}
