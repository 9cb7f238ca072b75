//go:build postgres

package bench

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"fmt"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/veriproof/notary/host/internal/pgserver"
	"github.com/veriproof/notary/host/journal"
	"github.com/veriproof/notary/host/pluginhost"
	"github.com/veriproof/notary/host/postgres"
	format "github.com/veriproof/notary/sdk/journal"
	"github.com/veriproof/notary/sdk/plugin/abi"
	"github.com/veriproof/notary/sdk/plugin/build"
	"github.com/veriproof/notary/sdk/receipt"
)

// What is stored: a segment is the 50 spans of one export.
const (
	segmentBytes = 120 << 10
	segmentSpans = 50
)

// adapter loads a storage adapter from its source.
func adapter(b *testing.B, name string, o pluginhost.Options) (*pluginhost.Adapter, *abi.Manifest) {
	b.Helper()
	module, err := build.Module(b.Context(), filepath.Join("..", "..", "..", "plugins", name))
	if err != nil {
		b.Fatal(err)
	}
	m, err := abi.ReadManifest(module)
	if err != nil {
		b.Fatal(err)
	}
	if db, ok := o.Database.(*postgres.DB); ok {
		if err := db.Init(b.Context(), "", m.Schema, ""); err != nil {
			b.Fatal(err)
		}
	}
	set, err := pluginhost.Load(b.Context(), []pluginhost.Source{{Name: name, Kind: abi.KindStorage, Module: module}}, o)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = set.Close(context.Background()) })
	return set.Store(), m
}

// durable has senders, each of whom waits until its segment is durable before it
// sends the next, and reports what they see.
func durable(b *testing.B, senders int, store func(sender int, segment journal.Sealed) error) {
	b.Helper()
	segment := make(journal.Sealed, segmentBytes)
	rand.Read(segment) // ciphertext does not compress
	var mu sync.Mutex
	var waits []time.Duration
	var left atomic.Int64
	left.Store(int64(b.N))
	b.SetBytes(segmentBytes)
	b.ResetTimer()
	var wg sync.WaitGroup
	for s := range senders {
		wg.Go(func() {
			for left.Add(-1) >= 0 {
				began := time.Now()
				if err := store(s, segment); err != nil {
					b.Error(err)
					return
				}
				mu.Lock()
				waits = append(waits, time.Since(began))
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	slices.Sort(waits)
	if len(waits) == 0 {
		return
	}
	b.ReportMetric(float64(len(waits)*segmentSpans)/b.Elapsed().Seconds(), "spans/s")
	b.ReportMetric(float64(waits[len(waits)/2].Microseconds())/1000, "p50-ms")
	b.ReportMetric(float64(waits[len(waits)*99/100].Microseconds())/1000, "p99-ms")
}

// journaled stores through a journal.
func journaled(b *testing.B, senders int, store journal.Store, o journal.Options) {
	b.Helper()
	_, key, err := ed25519.GenerateKey(nil)
	if err != nil {
		b.Fatal(err)
	}
	var epoch receipt.Epoch
	rand.Read(epoch[:])
	w := journal.NewWriter(store, epoch, key, o)
	defer func() {
		if err := w.Close(context.Background()); err != nil {
			b.Error(err)
		}
	}()
	durable(b, senders, func(_ int, segment journal.Sealed) error {
		p, err := w.Append([]journal.Draft{{Kind: format.KindSegment, Body: segment}}, nil)
		if err != nil {
			return err
		}
		_, err = p.Wait(context.Background())
		return err
	})
}

// BenchmarkDurable: the journal on each storage adapter, one sender and many; and
// beside it the same bytes as rows of a bare table, by pgx alone.
func BenchmarkDurable(b *testing.B) {
	server := pgserver.Start(b, "fsync=on", "max_wal_size=4GB")
	db, err := postgres.Open(b.Context(), postgres.Options{Host: server.Socket, Port: server.Port, Database: "postgres", User: pgserver.User})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(db.Close)
	dir, _ := adapter(b, "store-dir", pluginhost.Options{BlobDir: b.TempDir()})
	tables, _ := adapter(b, "store-postgres", pluginhost.Options{Database: db})
	bare := bareTable(b, server)
	for _, senders := range []int{1, 16, 64} {
		b.Run(fmt.Sprintf("senders=%d/store-dir", senders), func(b *testing.B) { journaled(b, senders, dir, journal.Options{}) })
		b.Run(fmt.Sprintf("senders=%d/pgx", senders), func(b *testing.B) { durable(b, senders, bare) })
		for n := 1; n <= journal.MaxInFlight; n++ {
			b.Run(fmt.Sprintf("senders=%d/store-postgres/in-flight=%d", senders, n), func(b *testing.B) {
				journaled(b, senders, tables, journal.Options{InFlight: n})
			})
		}
	}
}

// bareTable returns what inserts a segment in 16 rows by one statement.
func bareTable(b *testing.B, server *pgserver.Server) func(int, journal.Sealed) error {
	b.Helper()
	pool, err := pgxpool.New(b.Context(), fmt.Sprintf("host=%s port=%d user=%s dbname=postgres pool_max_conns=8", server.Socket, server.Port, pgserver.User))
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(pool.Close)
	if _, err := pool.Exec(b.Context(), "create table bare (id bigint primary key, body bytea not null); alter table bare alter column body set storage external"); err != nil {
		b.Fatal(err)
	}
	const rows = 16
	var next atomic.Int64
	return func(_ int, segment journal.Sealed) error {
		ids, bodies := make([]int64, rows), make([][]byte, rows)
		first := next.Add(rows)
		for i := range rows {
			ids[i], bodies[i] = first+int64(i), segment[i*len(segment)/rows:(i+1)*len(segment)/rows]
		}
		_, err := pool.Exec(context.Background(), "insert into bare select * from unnest($1::bigint[], $2::bytea[])", ids, bodies)
		return err
	}
}
