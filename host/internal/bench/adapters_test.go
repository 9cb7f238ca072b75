//go:build postgres

package bench

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/veriproof/notary/host/internal/pgserver"
	"github.com/veriproof/notary/host/journal"
	"github.com/veriproof/notary/host/pluginhost"
	"github.com/veriproof/notary/host/postgres"
)

// BenchmarkDurable: the journal on each storage adapter, one sender and many; and
// beside it the same bytes as rows of a bare table, by pgx alone.
func BenchmarkDurable(b *testing.B) {
	server := pgserver.Start(b, "fsync=on", "max_wal_size=4GB")
	db, err := postgres.Open(b.Context(), postgres.Options{Host: server.Socket, Port: server.Port, Database: "postgres", User: pgserver.User})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(db.Close)
	dir := adapter(b, "store-dir", pluginhost.Options{BlobDir: b.TempDir()})
	tables := adapter(b, "store-postgres", pluginhost.Options{Database: db})
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
