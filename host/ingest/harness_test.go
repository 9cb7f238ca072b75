package ingest_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"math/big"
	"net"
	"sync"
	"testing"
	"time"

	collector "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/metadata"

	"github.com/veriproof/notary/host/ingest"
	"github.com/veriproof/notary/host/otlpwire"
)

const key = "test-key-0123456789abcdef"

// certificate returns a self-signed one for localhost, and a pool that trusts it.
var certificate = sync.OnceValues(func() (tls.Certificate, *x509.CertPool) {
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		panic(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), DNSNames: []string{"localhost"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &private.PublicKey, private)
	if err != nil {
		panic(err)
	}
	parsed, err := x509.ParseCertificate(der)
	if err != nil {
		panic(err)
	}
	roots := x509.NewCertPool()
	roots.AddCert(parsed)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: private}, roots
})

func clientTLS() *tls.Config {
	_, roots := certificate()
	return &tls.Config{RootCAs: roots, ServerName: "localhost"}
}

// exporterFunc is an Exporter.
type exporterFunc func(ctx context.Context, tenant string, sig otlpwire.Signal, body []byte) (ingest.Receipt, error)

func (f exporterFunc) Export(ctx context.Context, tenant string, sig otlpwire.Signal, body []byte) (ingest.Receipt, error) {
	return f(ctx, tenant, sig, body)
}

// walks refuses what does not walk, as the notary does.
func walks(_ context.Context, _ string, sig otlpwire.Signal, body []byte) (ingest.Receipt, error) {
	_, err := otlpwire.Walk(body, sig, otlpwire.Limits{})
	return ingest.Receipt{}, err
}

// start serves on a free port until the test ends.
func start(t testing.TB, exporter exporterFunc, more ...func(*ingest.Config)) (*ingest.Server, string) {
	t.Helper()
	return startOn(t, func(l net.Listener) net.Listener { return l }, exporter, more...)
}

// startOn is start with the listener inside of another.
func startOn(t testing.TB, wrap func(net.Listener) net.Listener, exporter exporterFunc, more ...func(*ingest.Config)) (*ingest.Server, string) {
	t.Helper()
	cert, _ := certificate()
	cfg := ingest.Config{
		Certificate: cert, Exporter: exporter,
		Senders: ingest.Senders{Keys: []ingest.Key{
			{Tenant: "other", Hash: ingest.HashKey("another")},
			{Tenant: "acme", Hash: ingest.HashKey(key)},
			{Tenant: "acme", Hash: ingest.HashKey(key + "-next")},
		}},
	}
	for _, m := range more {
		m(&cfg)
	}
	s, err := ingest.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "localhost:0")
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- s.Serve(wrap(l)) }()
	t.Cleanup(func() {
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		s.Shutdown(ctx)
		if err := <-served; err != nil {
			t.Error(err)
		}
	})
	return s, l.Addr().String()
}

// bytesCodec sends bytes as they are: a client that can send anything.
type bytesCodec struct{}

func (bytesCodec) Name() string                  { return "proto" }
func (bytesCodec) Marshal(v any) ([]byte, error) { return v.([]byte), nil }
func (bytesCodec) Unmarshal(b []byte, v any) error {
	*v.(*[]byte) = append((*v.(*[]byte))[:0], b...)
	return nil
}

func dial(t testing.TB, addr string, opts ...grpc.DialOption) *grpc.ClientConn {
	t.Helper()
	conn, err := grpc.NewClient(addr, append(opts, grpc.WithTransportCredentials(credentials.NewTLS(clientTLS())))...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return conn
}

const (
	exportTraces = "/opentelemetry.proto.collector.trace.v1.TraceService/Export"
	exportLogs   = "/opentelemetry.proto.collector.logs.v1.LogsService/Export"
)

// send makes one raw call with the given metadata, in pairs.
func send(conn *grpc.ClientConn, method string, body []byte, md []string, opts ...grpc.CallOption) ([]byte, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	ctx = metadata.NewOutgoingContext(ctx, metadata.Pairs(md...))
	var reply []byte
	err := conn.Invoke(ctx, method, body, &reply, append(opts, grpc.ForceCodec(bytesCodec{}))...)
	return reply, err
}

func withKey() []string { return []string{"authorization", "Bearer " + key} }

// typed is a client with the generated code, as senders have it.
func typed(conn *grpc.ClientConn) collector.TraceServiceClient {
	return collector.NewTraceServiceClient(conn)
}
