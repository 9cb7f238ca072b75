//go:build postgres

package postgres_test

import (
	"bytes"
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/veriproof/notary/host/internal/pgserver"
	"github.com/veriproof/notary/host/journal"
	"github.com/veriproof/notary/host/journal/journaltest"
	"github.com/veriproof/notary/host/pluginhost"
	"github.com/veriproof/notary/host/postgres"
	"github.com/veriproof/notary/sdk/plugin/abi"
	"github.com/veriproof/notary/sdk/plugin/build"
)

var module = sync.OnceValues(func() ([]byte, error) {
	return build.Module(context.Background(), filepath.Join("..", "..", "plugins", "store-postgres"))
})

func options(s *pgserver.Server) postgres.Options {
	return postgres.Options{Host: s.Socket, Port: s.Port, Database: "postgres", User: pgserver.User, Timeout: 5 * time.Second}
}

func open(t testing.TB, o postgres.Options) *postgres.DB {
	t.Helper()
	db, err := postgres.Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(db.Close)
	return db
}

// initialised makes the tables that the adapter's manifest describes.
func initialised(t testing.TB, db *postgres.DB) {
	t.Helper()
	m, err := module()
	if err != nil {
		t.Fatal(err)
	}
	manifest, err := abi.ReadManifest(m)
	if err != nil {
		t.Fatal(err)
	}
	if err := db.Init(t.Context(), "", manifest.Schema, ""); err != nil {
		t.Fatal(err)
	}
}

func load(t testing.TB, db *postgres.DB) (*pluginhost.Adapter, error) {
	t.Helper()
	m, err := module()
	if err != nil {
		t.Fatal(err)
	}
	set, err := pluginhost.Load(t.Context(), []pluginhost.Source{{Name: "store-postgres", Kind: abi.KindStorage, Module: m}}, pluginhost.Options{Database: db})
	if err != nil {
		return nil, err
	}
	t.Cleanup(func() { _ = set.Close(context.Background()) })
	return set.Store(), nil
}

// store starts everything: server, tables, the adapter as Wasm.
func store(t testing.TB) (*pluginhost.Adapter, *postgres.DB, *pgserver.Server) {
	t.Helper()
	s := pgserver.Start(t)
	db := open(t, options(s))
	initialised(t, db)
	a, err := load(t, db)
	if err != nil {
		t.Fatal(err)
	}
	return a, db, s
}

// TestStore runs the contract of journal.Store against the adapter in Wasm on a real
// server, through two notaries' pools.
func TestStore(t *testing.T) {
	a, _, s := store(t)
	b, err := load(t, open(t, options(s)))
	if err != nil {
		t.Fatal(err)
	}
	journaltest.Contract(t, a, b)
}

// TestKeysThatExist: keys that come again with another group, as a retry after a lost
// answer would not send them, but a confused writer might, do not bring an erased one
// back.
func TestKeysThatExist(t *testing.T) {
	a, _, _ := store(t)
	ctx := t.Context()
	g := journaltest.Group(1, 0, "zero")
	g.Keys = []journal.WrappedKey{{ID: journaltest.KeyID(1, 9, 1), DEK: journal.Sealed("dek 9")}}
	if err := a.Put(ctx, g); err != nil {
		t.Fatal(err)
	}
	if err := a.EraseKey(ctx, g.Keys[0].ID); err != nil {
		t.Fatal(err)
	}
	again := journaltest.Group(1, 1, "one")
	again.Keys = g.Keys
	if err := a.Put(ctx, again); err != nil {
		t.Errorf("put with keys that exist: %v", err)
	}
	if _, err := a.Key(ctx, g.Keys[0].ID); !errors.Is(err, journal.ErrNotFound) {
		t.Errorf("erased key: %v", err)
	}
}

// TestManyEpochs: a listing goes on over its pages.
func TestManyEpochs(t *testing.T) {
	a, db, _ := store(t)
	const n = 5000
	ids := make([][]byte, n)
	for i := range ids {
		ids[i] = append(bytes.Repeat([]byte{0}, 14), byte(i>>8), byte(i))
	}
	for _, s := range []string{
		"insert into notary_epochs (epoch, period) select e, 24312 from unnest($1::bytea[]) as u (e)",
		"insert into notary_chunks (period, epoch, seq, entries) select 24312, e, 7, 'x' from unnest($1::bytea[]) as u (e)",
	} {
		if _, err := db.Exec(t.Context(), s, []any{ids}); err != nil {
			t.Fatal(err)
		}
	}
	heads, err := a.Epochs(t.Context())
	if err != nil || len(heads) != n {
		t.Fatalf("%d epochs, %v; want %d", len(heads), err, n)
	}
	for i, h := range heads {
		if !bytes.Equal(h.Epoch[:], ids[i]) || h.LastChunk != 7 {
			t.Fatalf("epoch %d is %v", i, h)
		}
	}
}

// TestServerDies: the server is killed while puts are under way and started again.
// What was acknowledged is there, and a position whose put failed either has these bytes
// or nothing.
func TestServerDies(t *testing.T) {
	a, _, s := store(t)
	text := func(w int, seq uint64) string { return fmt.Sprintf("writer %d, entry %d", w, seq) }
	var mu sync.Mutex
	acknowledged := map[[2]uint64]bool{}
	for round := range 3 {
		var wg sync.WaitGroup
		started := make(chan struct{}, 64)
		for w := range 4 {
			epoch := byte(10*round + w)
			wg.Go(func() {
				for seq := uint64(0); ; seq++ {
					err := a.Put(t.Context(), journaltest.Group(epoch, seq, text(w, seq)))
					if err != nil {
						if errors.Is(err, journal.ErrConflict) {
							t.Errorf("writer %d: %v", w, err)
						}
						return
					}
					mu.Lock()
					acknowledged[[2]uint64{uint64(epoch), seq}] = true
					mu.Unlock()
					select {
					case started <- struct{}{}:
					default:
					}
				}
			})
		}
		for range 20 {
			<-started
		}
		s.Kill()
		wg.Wait()
		s.Restart()
	}
	if len(acknowledged) == 0 {
		t.Fatal("nothing was acknowledged")
	}
	for at := range acknowledged {
		epoch, seq := byte(at[0]), at[1]
		c, err := a.Get(t.Context(), [16]byte{epoch}, seq)
		if err != nil || c.FirstSeq != seq || string(c.Entries) != text(int(epoch)%10, seq) {
			t.Errorf("acknowledged entry %d of epoch %d: %d %q, %v", seq, epoch, c.FirstSeq, c.Entries, err)
		}
	}
}

// TestRestarted: connections that were idle while the server was started again are no
// reason to fail.
func TestRestarted(t *testing.T) {
	_, db, s := store(t)
	for i := range 3 {
		// Several at once, so that several connections are idle then.
		var wg sync.WaitGroup
		errs := make([]error, 4)
		for j := range errs {
			wg.Go(func() { _, errs[j] = db.Exec(t.Context(), "select 1 from pg_sleep(0.1)", nil) })
		}
		wg.Wait()
		if err := errors.Join(errs...); err != nil {
			t.Fatal(err)
		}
		s.Kill()
		s.Restart()
		if _, err := db.Exec(t.Context(), "select 1", nil); err != nil {
			t.Fatalf("after restart %d: %v", i, err)
		}
	}
}

// TestDiskFull: what a full disk refuses is an unknown outcome that names the
// cause, nothing of it is there, and the adapter goes on when there is room.
func TestDiskFull(t *testing.T) {
	a, _, s := store(t)
	if err := a.Put(t.Context(), journaltest.Group(1, 0, "before")); err != nil {
		t.Fatal(err)
	}
	// As on a full disk, no file can grow: the tables' reach the bound, and the
	// segments of the write-ahead log, of 1 MiB, do not.
	s.Kill()
	s.Limit(t, 3<<20)
	s.Restart()
	var err error
	seq := uint64(1)
	for ; seq < 60; seq++ {
		// The connections from before the restart fail first, with another error.
		if err = a.Put(t.Context(), journaltest.Group(1, seq, strings.Repeat("x", 200<<10))); err != nil && strings.Contains(err.Error(), "SQLSTATE") {
			break
		}
	}
	if err == nil || errors.Is(err, journal.ErrConflict) || !strings.Contains(err.Error(), "could not extend") {
		t.Fatalf("put on a full disk: %v\n%s", err, s.Output())
	}
	if c, err := a.Get(t.Context(), [16]byte{1}, seq); err != nil || c.FirstSeq >= seq {
		t.Errorf("of the put that failed there is something: %d, %v", c.FirstSeq, err)
	}
	s.Kill()
	s.Limit(t, 0)
	s.Restart()
	for range 10 { // connections from before
		if err = a.Put(t.Context(), journaltest.Group(1, seq, "after")); err == nil {
			break
		}
	}
	if err != nil {
		t.Errorf("put with room again: %v", err)
	}
	if c, err := a.Get(t.Context(), [16]byte{1}, 0); err != nil || string(c.Entries) != "before" {
		t.Errorf("what was there before: %q, %v", c.Entries, err)
	}
}

// TestNotInitialised: an empty database is refused with what to do, and never
// silently filled. A second init changes nothing.
func TestNotInitialised(t *testing.T) {
	s := pgserver.Start(t)
	db := open(t, options(s))
	if _, err := load(t, db); err == nil || !strings.Contains(err.Error(), "notary_schema") {
		t.Fatalf("an empty database: %v", err)
	}
	initialised(t, db)
	m, _ := module()
	manifest, _ := abi.ReadManifest(m)
	if err := db.Init(t.Context(), "", manifest.Schema, ""); err == nil {
		t.Error("the schema was made twice")
	}
	if _, err := load(t, db); err != nil {
		t.Fatal(err)
	}
	if _, err := db.Exec(t.Context(), "insert into notary_schema values (2)", nil); err != nil {
		t.Fatal(err)
	}
	if _, err := load(t, db); !errors.Is(err, pluginhost.ErrStorageVersion) {
		t.Errorf("a schema of a later version: %v, want ErrStorageVersion", err)
	}
}

// TestLeastPrivilege: a role with the grants of init can do everything that the
// adapter does, and cannot delete or change what is stored.
func TestLeastPrivilege(t *testing.T) {
	s := pgserver.Start(t)
	admin := open(t, options(s))
	if _, err := admin.Exec(t.Context(), "create role least login", nil); err != nil {
		t.Fatal(err)
	}
	m, _ := module()
	manifest, err := abi.ReadManifest(m)
	if err != nil {
		t.Fatal(err)
	}
	if err := admin.Init(t.Context(), "", manifest.Schema, "least"); err != nil {
		t.Fatal(err)
	}
	o := options(s)
	o.User = "least"
	db := open(t, o)
	a, err := load(t, db)
	if err != nil {
		t.Fatal(err)
	}
	g := journaltest.Group(1, 0, "zero")
	g.Keys = []journal.WrappedKey{{ID: journaltest.KeyID(1, 9, 0), DEK: journal.Sealed("dek")}}
	if err := a.Put(t.Context(), g); err != nil {
		t.Fatal(err)
	}
	if err := a.EraseKey(t.Context(), g.Keys[0].ID); err != nil {
		t.Errorf("erase: %v", err)
	}
	for _, statement := range []string{
		"delete from notary_chunks", "update notary_chunks set entries = ''", "delete from notary_keys", "truncate notary_epochs",
		"drop table notary_keys", "update notary_epochs set period = 0", "update notary_keys set session = ''",
	} {
		if _, err := db.Exec(t.Context(), statement, nil); err == nil || !strings.Contains(err.Error(), "42501") {
			t.Errorf("%s: %v, want a lack of rights", statement, err)
		}
	}
}

// TestSettings: nothing of the environment has a say, durability is asked for, and
// the password file is read for each connection.
func TestSettings(t *testing.T) {
	s := pgserver.Start(t, "synchronous_commit=off", "password_encryption=scram-sha-256")
	for name, value := range map[string]string{
		"PGHOST": "127.0.0.9", "PGPORT": "1", "PGUSER": "nobody", "PGDATABASE": "none", "PGPASSWORD": "wrong", "PGSSLMODE": "require",
		"PGSERVICEFILE": "/none", "PGPASSFILE": "/none", "PGAPPNAME": "other", "PGOPTIONS": "-c statement_timeout=1", "PGTARGETSESSIONATTRS": "standby",
	} {
		t.Setenv(name, value)
	}
	o := options(s)
	o.Connections = 1
	db := open(t, o)
	rows, err := db.Exec(t.Context(), "select (current_setting('synchronous_commit') = 'on')::int::bigint, (current_setting('application_name') = 'notary')::int::bigint, "+
		"(current_setting('statement_timeout') = '5s')::int::bigint, (current_setting('idle_in_transaction_session_timeout') = '5s')::int::bigint", nil)
	if err != nil || fmt.Sprint(rows) != "[[1 1 1 1]]" {
		t.Errorf("settings in force: %v, %v", rows, err)
	}
	t.Setenv("PGSERVICE", "none")
	if _, err := postgres.Open(t.Context(), o); err == nil || !strings.Contains(err.Error(), "PGSERVICE") {
		t.Errorf("with PGSERVICE: %v", err)
	}
	t.Setenv("PGSERVICE", "")
	// A role with a password, over TCP, where the server asks for it.
	if _, err := db.Exec(t.Context(), "create role secret login password 'first'", nil); err != nil {
		t.Fatal(err)
	}
	s.RequirePassword(t)
	o.User, o.PasswordFile = "secret", filepath.Join(t.TempDir(), "password")
	write := func(text string) {
		if err := os.WriteFile(o.PasswordFile, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("wrong\n")
	if _, err := postgres.Open(t.Context(), o); err == nil || strings.Contains(err.Error(), "wrong") {
		t.Errorf("a wrong password: %v", err)
	}
	write("first\n")
	later := open(t, o)
	token := strings.Repeat("eyJ0", 600) // as long as an access token
	if _, err := later.Exec(t.Context(), "alter role secret password '"+token+"'", nil); err != nil {
		t.Fatal(err)
	}
	write(token + "\n")
	s.Kill()
	s.Restart()
	for range 2 { // the first finds the connection broken
		_, err = later.Exec(t.Context(), "select 1", nil)
	}
	if err != nil {
		t.Errorf("after the password was changed in place: %v", err)
	}
}

// TestTLS: over TCP the server has to show a certificate for its name; a server
// without TLS, another authority and another name are refused.
func TestTLS(t *testing.T) {
	plain := pgserver.Start(t)
	o := options(plain)
	o.Host = "127.0.0.1"
	if _, err := postgres.Open(t.Context(), o); err == nil {
		t.Error("connected without TLS")
	}
	secure := pgserver.Start(t)
	roots := secure.UseTLS(t, "localhost")
	o = options(secure)
	o.Host, o.Roots = "localhost", roots
	db := open(t, o)
	if rows, err := db.Exec(t.Context(), "select count(*) from pg_stat_ssl where ssl and pid = pg_backend_pid()", nil); err != nil || rows[0][0] != int64(1) {
		t.Errorf("connection with TLS: %v, %v", rows, err)
	}
	o.Host = "127.0.0.1"
	if _, err := postgres.Open(t.Context(), o); err == nil {
		t.Error("a certificate for another name was accepted")
	}
	o.Host, o.Roots = "localhost", x509.NewCertPool()
	if _, err := postgres.Open(t.Context(), o); err == nil {
		t.Error("a certificate of another authority was accepted")
	}
}

func TestExec(t *testing.T) {
	db := open(t, options(pgserver.Start(t)))
	if _, err := db.Exec(t.Context(), "create table t (a bigint primary key, b bytea)", nil); err != nil {
		t.Fatal(err)
	}
	rows, err := db.Exec(t.Context(), "insert into t select a, b from unnest($1::bigint[], $2::bytea[]) as u (a, b) returning a, b, null::bytea, 7::int",
		[]any{[]int64{1, -2}, [][]byte{[]byte("x"), nil}})
	if err != nil || len(rows) != 2 || rows[0][0] != int64(1) || !bytes.Equal(rows[0][1].([]byte), []byte("x")) || rows[0][2] != nil || rows[1][3] != int64(7) {
		t.Errorf("%v, %v", rows, err)
	}
	if _, err := db.Exec(t.Context(), "insert into t values (1)", nil); !errors.Is(err, fs.ErrExist) {
		t.Errorf("a key that is taken: %v", err)
	}
	if _, err := db.Exec(t.Context(), "select 'text'", nil); err == nil {
		t.Error("a column of text was returned")
	}
	if _, err := db.Exec(t.Context(), "select pg_sleep(60)", nil); err == nil {
		t.Error("a statement without end ended")
	}
}
