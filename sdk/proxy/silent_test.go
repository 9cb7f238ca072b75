package proxy_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/grpc/test/bufconn"

	"github.com/veriproof/notary/sdk/proxy"
)

// TestSilentConnection: a program that connects and says nothing does not keep the proxy from
// its end for longer than requests may.
func TestSilentConnection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, err := proxy.New(proxy.Options{Gate: shut(t), GRPC: "127.0.0.1:1"})
		if err != nil {
			t.Fatal(err)
		}
		l := bufconn.Listen(1 << 10)
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- p.Serve(ctx, l, nil) }()
		conn, err := l.Dial()
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		synctest.Wait()
		began := time.Now()
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
		if took := time.Since(began); took > 10*time.Second {
			t.Errorf("the end took %v", took)
		}
	})
}
