package ingest_test

import (
	"context"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/encoding/gzip"

	"github.com/veriproof/notary/host/ingest"
	"github.com/veriproof/notary/host/internal/bench"
	"github.com/veriproof/notary/host/otlpwire"
)

// BenchmarkExport is one request after the other over TLS on one connection,
// client included, into an exporter that does nothing.
func BenchmarkExport(b *testing.B) {
	benchmark(b, bench.GenAI(1))
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*bench.GenAISpans), "ns/span")
}

func BenchmarkLargeExport(b *testing.B) { benchmark(b, make([]byte, 10<<20)) }

func BenchmarkZippedExport(b *testing.B) {
	benchmark(b, bench.GenAI(1), grpc.UseCompressor(gzip.Name))
}

func benchmark(b *testing.B, message []byte, opts ...grpc.CallOption) {
	_, addr := start(b, func(context.Context, string, otlpwire.Signal, []byte) (ingest.Receipt, error) {
		return ingest.Receipt{}, nil
	})
	conn, md := dial(b, addr), withKey()
	b.SetBytes(int64(len(message)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := send(conn, exportTraces, message, md, opts...); err != nil {
			b.Fatal(err)
		}
	}
}
