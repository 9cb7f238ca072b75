package proxy_test

import (
	"context"
	"fmt"
	"net"

	"github.com/veriproof/notary/sdk/attested"
	"github.com/veriproof/notary/sdk/proxy"
)

// How a proxy is put in front of a notary.
func Example() {
	serve := func(ctx context.Context, gate *attested.Gate, key string) error {
		p, err := proxy.New(proxy.Options{Gate: gate, GRPC: "notary.example.org:4317", APIKey: key})
		if err != nil {
			return err
		}
		l, err := net.Listen("tcp", "127.0.0.1:4317")
		if err != nil {
			return err
		}
		return p.Serve(ctx, l, nil)
	}
	// Without a gate there is no proxy.
	fmt.Println(serve(context.Background(), nil, "key"))
	// Output: proxy: want a gate, and an address of a notary's OTLP listener
}
