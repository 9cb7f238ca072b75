package bench_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"encoding/binary"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"

	"github.com/veriproof/notary/host/internal/bench"
	"github.com/veriproof/notary/host/journal"
	"github.com/veriproof/notary/host/journal/journaltest"
	"github.com/veriproof/notary/host/otlpwire"
	"github.com/veriproof/notary/host/pluginhost"
	"github.com/veriproof/notary/host/seal"
	"github.com/veriproof/notary/host/session"
	format "github.com/veriproof/notary/sdk/journal"
	"github.com/veriproof/notary/sdk/plugin/abi"
	"github.com/veriproof/notary/sdk/receipt"
)

// The benchmarks take one request of the genai workload (50 spans, about 117 KB)
// through one stage each, and then through all of them. "make bench" runs them.

// spans reports the time per span beside Go's time per request.
func spans(b *testing.B, perRequest int) {
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(perRequest), "ns/span")
}

func request(b *testing.B) []byte {
	b.Helper()
	body := bench.GenAI(1)
	b.SetBytes(int64(len(body)))
	b.ReportAllocs()
	return body
}

func BenchmarkStageScan(b *testing.B) {
	body := request(b)
	var n int
	for b.Loop() {
		c, err := otlpwire.Scan(body, otlpwire.Traces, otlpwire.Limits{})
		if err != nil {
			b.Fatal(err)
		}
		n = c.Records
	}
	spans(b, n)
}

func BenchmarkStageWalk(b *testing.B) {
	body := request(b)
	r := new(otlpwire.Request)
	for b.Loop() {
		if err := r.Walk(body, otlpwire.Traces, otlpwire.Options{}); err != nil {
			b.Fatal(err)
		}
	}
	spans(b, len(r.Records))
}

// plugins loads the built modules: a redactor and the directory adapter.
func plugins(b *testing.B, dir string) *pluginhost.Set {
	b.Helper()
	read := func(name string) []byte {
		m, err := os.ReadFile(filepath.Join("..", "..", "..", "build", "plugins", name+".wasm"))
		if err != nil {
			b.Fatalf("%v; run \"make plugins\" first", err)
		}
		return m
	}
	set, err := pluginhost.Load(context.Background(), []pluginhost.Source{
		{Name: "redact-pii", Kind: abi.KindRedactor, Module: read("redact-pii")},
		{Name: "store-dir", Kind: abi.KindStorage, Module: read("store-dir")},
	}, pluginhost.Options{BlobDir: dir})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { set.Close(context.Background()) })
	return set
}

func BenchmarkStageRedact(b *testing.B) {
	set := plugins(b, b.TempDir())
	body := request(b)
	r, err := otlpwire.Walk(body, otlpwire.Traces, otlpwire.Limits{})
	if err != nil {
		b.Fatal(err)
	}
	fields := make([]pluginhost.Field, len(r.Texts))
	for i, t := range r.Texts {
		fields[i] = pluginhost.Field{Text: r.Text(t), Valid: true, Key: r.Key(t), Role: t.Role}
	}
	for b.Loop() {
		if _, err := set.Redact(b.Context(), fields); err != nil {
			b.Fatal(err)
		}
	}
	spans(b, len(r.Records))
}

// content is the request's records as one segment.
func content(b *testing.B, body []byte) *format.Content {
	b.Helper()
	r, err := otlpwire.Walk(body, otlpwire.Traces, otlpwire.Limits{})
	if err != nil {
		b.Fatal(err)
	}
	d, err := r.Splice(nil)
	if err != nil {
		b.Fatal(err)
	}
	c := &format.Content{Tenant: "bench", Session: []byte("s")}
	for _, x := range d.Records {
		c.Records = append(c.Records, receipt.Record{
			Kind: receipt.Kind(x.Kind), Resource: d.Resources[x.Resource], Scope: d.Scopes[x.Scope],
			Edits: receipt.EncodeEdits(nil), Bytes: x.Bytes,
		})
	}
	return c
}

func BenchmarkStageLeafHash(b *testing.B) {
	c := content(b, request(b))
	keys := format.DeriveKeys(format.NewSecret(), receipt.PartID{})
	for b.Loop() {
		for i := range c.Records {
			r := &c.Records[i]
			r.LeafHash(keys.Salt(0, uint32(i)), receipt.EditCommitment(keys.EditKey(0, uint32(i)), r.Edits))
		}
	}
	spans(b, len(c.Records))
}

// BenchmarkStageSeal includes the leaf hashes.
func BenchmarkStageSeal(b *testing.B) {
	c := content(b, request(b))
	keys := format.DeriveKeys(format.NewSecret(), receipt.PartID{})
	number := uint64(0)
	for b.Loop() {
		keys.SealSegment(number, receipt.Hash{}, c)
		number++
	}
	spans(b, len(c.Records))
}

// BenchmarkStageJournal makes one segment durable at a time through the
// directory adapter: the latency of an idle notary.
func BenchmarkStageJournal(b *testing.B) {
	set := plugins(b, b.TempDir())
	c := content(b, request(b))
	keys := format.DeriveKeys(format.NewSecret(), receipt.PartID{})
	body := keys.SealSegment(0, receipt.Hash{}, c).Encode()
	w := journal.NewWriter(set.Store(), receipt.Epoch{1}, ed25519.NewKeyFromSeed(make([]byte, 32)), journal.Options{})
	defer w.Close(context.Background())
	kind := format.KindEpoch
	for b.Loop() {
		p, err := w.Append([]journal.Draft{{Kind: kind, Body: body}}, nil)
		if err != nil {
			b.Fatal(err)
		}
		if _, err := p.Wait(b.Context()); err != nil {
			b.Fatal(err)
		}
		kind = format.KindSegment
	}
	spans(b, len(c.Records))
}

// nowhere is a log that never answers: proofs are not on an export's way.
type nowhere struct{}

func (nowhere) Submit(ctx context.Context, _ [32]byte) ([]byte, uint64, error) {
	<-ctx.Done()
	return nil, 0, ctx.Err()
}

// blind is a redactor that finds nothing and looks at nothing.
type blind struct{}

func (blind) Redact(context.Context, []pluginhost.Field) ([]pluginhost.Edit, error) { return nil, nil }

// notary starts a notary without gRPC and TLS.
func notary(b *testing.B, store journal.Store, redactor session.Redactor) *session.Notary {
	b.Helper()
	identity, err := format.GenerateIdentity()
	if err != nil {
		b.Fatal(err)
	}
	epoch := receipt.Epoch{1}
	ring, err := seal.NewRing(epoch, []*format.Recipient{identity.Recipient()})
	if err != nil {
		b.Fatal(err)
	}
	n, err := session.Start(b.Context(), session.Options{
		Store: store, Redactor: redactor, Log: nowhere{}, Ring: ring, Key: ed25519.NewKeyFromSeed(make([]byte, 32)),
		Origin: receipt.Origin{Epoch: epoch, Mode: "enforce"},
	})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		n.Close(ctx)
	})
	return n
}

// BenchmarkStageSession is all that the notary itself does with an export, one at a
// time: no gRPC, no guest, no storage.
func BenchmarkStageSession(b *testing.B) {
	n, body, sent := notary(b, journaltest.Discard{}, blind{}), request(b), uint64(0)
	ids := traceIDs(b, body)
	for b.Loop() {
		sent++
		for _, at := range ids {
			binary.BigEndian.PutUint64(body[at:], sent) // what is sent twice is dropped
		}
		if _, err := n.Export(b.Context(), "bench", otlpwire.Traces, body); err != nil {
			b.Fatal(err)
		}
	}
	spans(b, bench.GenAISpans)
}

// traceIDs returns where the trace ids of a request lie.
func traceIDs(b *testing.B, body []byte) (at []int) {
	b.Helper()
	r, err := otlpwire.Walk(body, otlpwire.Traces, otlpwire.Limits{})
	if err != nil {
		b.Fatal(err)
	}
	next := 0
	for i := range r.Records {
		next += bytes.Index(body[next:], r.TraceID(i))
		at = append(at, next)
	}
	return at
}

// BenchmarkExport takes requests through all stages and waits until they are
// durable, 16 at a time, without gRPC and TLS. Each request is new to the
// notary; none is a duplicate.
func BenchmarkExport(b *testing.B) {
	set := plugins(b, b.TempDir())
	n := notary(b, set.Store(), set)
	bodies := make([][]byte, b.N)
	for i := range bodies {
		bodies[i] = bench.GenAI(uint64(i))
	}
	var next atomic.Int64
	b.SetBytes(int64(len(bodies[0])))
	b.ReportAllocs()
	b.SetParallelism(8) // 16 in flight on two cores
	b.ResetTimer()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			body := bodies[next.Add(1)-1]
			if _, err := n.Export(b.Context(), "bench", otlpwire.Traces, body); err != nil {
				b.Error(err)
				return
			}
		}
	})
	spans(b, bench.GenAISpans)
}
