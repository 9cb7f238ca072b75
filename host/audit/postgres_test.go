//go:build postgres

package audit_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/veriproof/notary/host/commitlog"
	"github.com/veriproof/notary/host/internal/pgserver"
	"github.com/veriproof/notary/host/journal"
	"github.com/veriproof/notary/host/pluginhost"
	"github.com/veriproof/notary/host/postgres"
	"github.com/veriproof/notary/host/seal"
	"github.com/veriproof/notary/host/session"
	format "github.com/veriproof/notary/sdk/journal"
	"github.com/veriproof/notary/sdk/plugin/abi"
	"github.com/veriproof/notary/sdk/plugin/build"
	"github.com/veriproof/notary/sdk/receipt"
)

// onPostgres starts a server and returns the adapter in Wasm on its tables.
func onPostgres(t testing.TB, settings ...string) (*pluginhost.Adapter, *pgserver.Server) {
	t.Helper()
	module := postgresModule(t)
	manifest, err := abi.ReadManifest(module)
	must(err)
	s := pgserver.Start(t, settings...)
	db := as(t, s, pgserver.User, false)
	must(db.Init(t.Context(), "", manifest.Schema, ""))
	return onDatabase(t, module, db), s
}

func postgresModule(t testing.TB) []byte {
	t.Helper()
	module, err := build.Module(t.Context(), filepath.Join("..", "..", "plugins", "store-postgres"))
	must(err)
	return module
}

// as connects as a role.
func as(t testing.TB, s *pgserver.Server, role string, readOnly bool) *postgres.DB {
	t.Helper()
	db, err := postgres.Open(t.Context(), postgres.Options{Host: s.Socket, Port: s.Port, Database: "postgres", User: role, ReadOnly: readOnly})
	must(err)
	t.Cleanup(db.Close)
	return db
}

func onDatabase(t testing.TB, module []byte, db *postgres.DB) *pluginhost.Adapter {
	t.Helper()
	set, err := pluginhost.Load(t.Context(), []pluginhost.Source{{Name: "store-postgres", Kind: abi.KindStorage, Module: module}}, pluginhost.Options{Database: db})
	must(err)
	t.Cleanup(func() { _ = set.Close(context.Background()) })
	return set.Store()
}

// TestReadsOnlyPostgres: the role that "store init --auditor" makes suffices for an audit:
// it may read the journal, and neither wrapped keys nor write.
func TestReadsOnlyPostgres(t *testing.T) {
	a, s := onPostgres(t)
	conn, err := pgx.Connect(t.Context(), fmt.Sprintf("host=%s port=%d user=%s dbname=postgres", s.Socket, s.Port, pgserver.User))
	must(err)
	defer conn.Close(context.Background())
	w := play(t.Context(), &database{a, conn})
	for _, statement := range append([]string{"create role auditor login", "alter role auditor set default_transaction_read_only = on"}, postgres.AuditorGrants("", "auditor")...) {
		_, err := conn.Exec(t.Context(), statement)
		must(err)
	}
	readsOnly(t, w, onDatabase(t, postgresModule(t), as(t, s, "auditor", true)))
	// Whoever else reads by the tool cannot write by it.
	const write = "insert into notary_epochs values ('\\x00000000000000000000000000000000', 0)"
	if _, err := as(t, s, pgserver.User, true).Exec(t.Context(), write, nil); err == nil || !strings.Contains(err.Error(), "25006") {
		t.Errorf("a superuser who only reads: %v, want 25006", err)
	}
	_, err = conn.Exec(t.Context(), "set role auditor") // without its setting: the rights suffice
	must(err)
	for _, statement := range []string{"select dek from notary_keys", write, "delete from notary_chunks"} {
		var refused *pgconn.PgError
		if _, err := conn.Exec(t.Context(), statement); !errors.As(err, &refused) || refused.Code != "42501" {
			t.Errorf("%s: %v, want 42501", statement, err)
		}
	}
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

// BenchmarkEraseShared is an order to erase a session in a database that several notaries
// share, and in which 100,000 entries of another are: before it is given, all that others
// may have held is read. The server is on the same machine.
func BenchmarkEraseShared(b *testing.B) {
	store, _ := onPostgres(b)
	fill(b, store, 6_250, 2)
	log, err := commitlog.OpenPOSIX(b.TempDir(), "example.org/shared", commitlog.Options{})
	must(err)
	defer log.Close()
	epoch, key := receipt.Epoch{2}, ed25519.NewKeyFromSeed(bytes.Repeat([]byte{2}, ed25519.SeedSize))
	recipient, err := format.GenerateIdentity()
	must(err)
	ring, err := seal.NewRing(epoch, []*format.Recipient{recipient.Recipient()})
	must(err)
	data := runtimeData(epoch, key)
	n, err := session.Start(b.Context(), session.Options{
		Store: store, Redactor: blind{}, Log: log, Ring: ring, Key: key, Silence: time.Hour,
		Origin: receipt.Origin{Epoch: epoch, RuntimeData: sha256.Sum256(data), Mode: "enforce"},
		Entry:  format.EpochBody{RuntimeData: data}, Appraise: believe,
	})
	must(err)
	notary{n, &world{}}.export(b.Context(), "s", 1)
	began := cpu()
	for b.Loop() {
		erased, err := n.Erase(b.Context(), "acme", "s")
		must(err)
		if len(erased) != 1 {
			b.Fatal(erased)
		}
	}
	b.ReportMetric((cpu()-began)/float64(b.N), "CPU-s/op")
	must(n.Close(b.Context()))
}
