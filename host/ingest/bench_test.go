package ingest_test

import (
	"context"
	"testing"

	"github.com/veriproof/notary/host/ingest"
	"github.com/veriproof/notary/host/internal/bench"
	"github.com/veriproof/notary/host/otlpwire"
)

// BenchmarkExport is one request after the other over TLS on one connection,
// client included, into an exporter that does nothing.
func BenchmarkExport(b *testing.B) {
	_, addr := start(b, func(context.Context, string, otlpwire.Signal, []byte) (ingest.Receipt, error) {
		return ingest.Receipt{}, nil
	})
	conn := dial(b, addr)
	buf, md := bench.GenAI(1), withKey()
	b.SetBytes(int64(len(buf)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := send(conn, exportTraces, buf, md); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*bench.GenAISpans), "ns/span")
}
