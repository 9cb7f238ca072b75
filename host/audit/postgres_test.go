//go:build postgres

package audit_test

import (
	"context"
	"fmt"
	"path/filepath"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/veriproof/notary/host/internal/pgserver"
	"github.com/veriproof/notary/host/journal"
	"github.com/veriproof/notary/host/pluginhost"
	"github.com/veriproof/notary/host/postgres"
	"github.com/veriproof/notary/sdk/plugin/abi"
	"github.com/veriproof/notary/sdk/plugin/build"
)

// onPostgres starts a server and returns the adapter in Wasm on its tables.
func onPostgres(t testing.TB, settings ...string) (*pluginhost.Adapter, *pgserver.Server) {
	t.Helper()
	module, err := build.Module(t.Context(), filepath.Join("..", "..", "plugins", "store-postgres"))
	must(err)
	manifest, err := abi.ReadManifest(module)
	must(err)
	s := pgserver.Start(t, settings...)
	db, err := postgres.Open(t.Context(), postgres.Options{Host: s.Socket, Port: s.Port, Database: "postgres", User: pgserver.User})
	must(err)
	t.Cleanup(db.Close)
	must(db.Init(t.Context(), "", manifest.Schema, ""))
	set, err := pluginhost.Load(t.Context(), []pluginhost.Source{{Name: "store-postgres", Kind: abi.KindStorage, Module: module}}, pluginhost.Options{Database: db})
	must(err)
	t.Cleanup(func() { _ = set.Close(context.Background()) })
	return set.Store(), s
}

// A database is a storage in PostgreSQL: the adapter in Wasm, and the server's superuser.
type database struct {
	*pluginhost.Adapter
	conn *pgx.Conn
}

// Rewrite implements storage. What else stands about the chunks in the database is left
// as it is: an index, and in which month an epoch began, also of one without chunks.
func (d *database) Rewrite(epoch [16]byte, f func([]journal.Chunk) []journal.Chunk) {
	ctx := context.Background()
	tx, err := d.conn.Begin(ctx)
	must(err)
	rows, err := tx.Query(ctx, "select seq, entries from notary_chunks where epoch = $1 order by seq", epoch[:])
	must(err)
	before, err := pgx.CollectRows(rows, func(r pgx.CollectableRow) (c journal.Chunk, err error) {
		return c, r.Scan(&c.FirstSeq, (*[]byte)(&c.Entries))
	})
	must(err)
	_, err = tx.Exec(ctx, "delete from notary_chunks where epoch = $1", epoch[:])
	must(err)
	for _, c := range f(before) {
		_, err := tx.Exec(ctx, "insert into notary_chunks (period, epoch, seq, entries) select period, epoch, $2, $3 from notary_epochs where epoch = $1", epoch[:], c.FirstSeq, []byte(c.Entries))
		must(err)
	}
	must(tx.Commit(ctx))
}

// TestTamperingPostgres is TestTampering on a real server.
func TestTamperingPostgres(t *testing.T) {
	a, s := onPostgres(t)
	conn, err := pgx.Connect(t.Context(), fmt.Sprintf("host=%s port=%d user=%s dbname=postgres", s.Socket, s.Port, pgserver.User))
	must(err)
	defer conn.Close(context.Background())
	tampering(t, &database{a, conn}, 20)
}

// BenchmarkMillionPostgres is BenchmarkMillion in store-postgres, the adapter and a
// PostgreSQL of its own on the same machine included, whose processor time is not in
// CPU-s/op. It is filled without fsync.
func BenchmarkMillionPostgres(b *testing.B) {
	store, _ := onPostgres(b)
	benchmark(b, store, 62_500, 2)
}
