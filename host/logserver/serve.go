package logserver

import (
	"context"
	"crypto/tls"
	"encoding/hex"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"time"

	"golang.org/x/net/netutil"
)

// Bounds of a log's server, whose clients are anybody.
const (
	maxConnections = 1024
	headTime       = 10 * time.Second
	readTime       = 30 * time.Second
	writeTime      = 2 * time.Minute
	idleTime       = 2 * time.Minute
	maxHeader      = 32 << 10
	// maxStreams is how many requests of one connection may be under way at a time: each may
	// wait until the time limit for a client that takes no answer.
	maxStreams = 16
)

// Serve serves a handler on a listener, with TLS if it is given a certificate, until the
// context ends, and then for at most grace what is under way. It returns nil then.
func Serve(ctx context.Context, l net.Listener, h http.Handler, certificate *tls.Certificate, grace time.Duration) error {
	server := &http.Server{
		Handler: h, ErrorLog: slog.NewLogLogger(slog.DiscardHandler, 0),
		ReadHeaderTimeout: headTime, ReadTimeout: readTime, WriteTimeout: writeTime, IdleTimeout: idleTime, MaxHeaderBytes: maxHeader,
		HTTP2: &http.HTTP2Config{MaxConcurrentStreams: maxStreams},
	}
	stopped := make(chan struct{})
	end := context.AfterFunc(ctx, func() {
		defer close(stopped)
		limit, cancel := context.WithTimeout(context.Background(), grace)
		defer cancel()
		if server.Shutdown(limit) != nil {
			server.Close()
		}
	})
	limited := netutil.LimitListener(l, maxConnections)
	var err error
	if certificate != nil {
		server.TLSConfig = &tls.Config{MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{*certificate}}
		err = server.ServeTLS(limited, "", "")
	} else {
		err = server.Serve(limited)
	}
	if end() {
		return err // not stopped, but failed
	}
	<-stopped
	return nil
}

// ParseHashes reads hashes of API keys for [Keys], one a line in hex; empty lines and
// those that begin with # are left out. Without any it fails: nobody could submit. The
// name is that of the file, for errors.
func ParseHashes(name, text string) ([][32]byte, error) {
	var hashes [][32]byte
	n := 0
	for line := range strings.Lines(text) {
		n++
		if line = strings.TrimSpace(line); line == "" || line[0] == '#' {
			continue
		}
		raw, err := hex.DecodeString(line)
		if err != nil || len(raw) != 32 {
			return nil, fmt.Errorf("%s:%d: not the hash of an API key", name, n)
		}
		hashes = append(hashes, [32]byte(raw))
	}
	if len(hashes) == 0 {
		return nil, fmt.Errorf("%s: no hash: nobody could submit", name)
	}
	return hashes, nil
}
