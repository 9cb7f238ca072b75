package logserver_test

import (
	"bytes"
	"log/slog"
	"net"
	"sync"
	"testing"
)

// A syncBuffer can be written by a logger and read by a test.
type syncBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *syncBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *syncBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

func (b *syncBuffer) logger() *slog.Logger { return slog.New(slog.NewTextHandler(b, nil)) }

func listen(t testing.TB, address string) (net.Listener, error) {
	var c net.ListenConfig
	return c.Listen(t.Context(), "tcp", address)
}
