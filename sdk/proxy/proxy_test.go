package proxy_test

import (
	"context"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/emptypb"

	"github.com/veriproof/notary/attestation/policy"
	"github.com/veriproof/notary/sdk/attested"
	"github.com/veriproof/notary/sdk/proxy"
)

// shut is a gate to nobody.
func shut(t *testing.T) *attested.Gate {
	t.Helper()
	g, err := attested.New(attested.Options{Control: "https://127.0.0.1:1", Policy: new(policy.Policy)})
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// TestAddresses: what cannot be dialled is refused at once, and not with each request.
func TestAddresses(t *testing.T) {
	for address, good := range map[string]bool{
		"notary.example.org:4318": true, "[::1]:4318": true,
		"https://notary.example.org:4318": false, "notary.example.org": false, "https://notary.example.org": false, "notary.example.org:4318/v1/traces:": false,
	} {
		for _, o := range []proxy.Options{{GRPC: address}, {HTTP: address}} {
			o.Gate = shut(t)
			if _, err := proxy.New(o); (err == nil) != good || err != nil && !strings.Contains(err.Error(), "HOST:PORT") {
				t.Errorf("%q: %v", address, err)
			}
		}
	}
}

// TestHTTPOnTheGRPCPort: an exporter that speaks HTTP/1 to the port of gRPC is told so, and one that
// speaks gRPC gets its answer.
func TestHTTPOnTheGRPCPort(t *testing.T) {
	p, err := proxy.New(proxy.Options{Gate: shut(t), GRPC: "127.0.0.1:1"})
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- p.Serve(ctx, l, nil) }()
	for _, sent := range []string{"{}", `{"resourceSpans":"` + strings.Repeat("x", 8<<20) + `"}`} {
		r, err := http.Post("http://"+l.Addr().String()+"/v1/traces", "application/json", strings.NewReader(sent))
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(r.Body)
		r.Body.Close()
		if err != nil || r.StatusCode != http.StatusUnsupportedMediaType || !strings.Contains(string(body), "OTLP over gRPC (HTTP/2) only") {
			t.Errorf("%s: %q, %v", r.Status, body, err)
		}
	}
	conn, err := grpc.NewClient(l.Addr().String(), grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	err = conn.Invoke(t.Context(), "/opentelemetry.proto.collector.trace.v1.TraceService/Export", new(emptypb.Empty), new(emptypb.Empty))
	if status.Code(err) != codes.Unavailable || !strings.Contains(err.Error(), "the notary cannot be reached; nothing was sent") {
		t.Errorf("gRPC: %v", err)
	}
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
}
