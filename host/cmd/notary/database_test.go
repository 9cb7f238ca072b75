//go:build postgres

package main

import (
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/veriproof/notary/host/internal/pgserver"
	"github.com/veriproof/notary/host/postgres"
	"github.com/veriproof/notary/sdk/plugin/build"
)

// databaseMachine is a machine whose storage is a PostgreSQL of its own.
func databaseMachine(t *testing.T, s *pgserver.Server, user string) *machine {
	t.Helper()
	return newMachine(t, setting{postgres: onServer(t, s, user)})
}

// onServer is what storage.postgres says, for an adapter that is built now.
func onServer(t *testing.T, s *pgserver.Server, user string) string {
	t.Helper()
	b := programs(t)
	module, err := build.Module(context.Background(), filepath.Join("..", "..", "..", "plugins", "store-postgres"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := build.Write(b.plugins, "store-postgres", module); err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("host: %q, port: %d, database: postgres, user: %s", s.Socket, s.Port, user)
}

// TestDatabase takes a notary through its life on a real PostgreSQL: tables made
// by an administrator, a role with few rights, kill -9 under traffic, recovery by the
// next one, and an audit of all that was acknowledged.
func TestDatabase(t *testing.T) {
	s := pgserver.Start(t)
	m := databaseMachine(t, s, "least")

	// A database without tables is refused, and stays as it is.
	admin, err := postgres.Open(t.Context(), postgres.Options{Host: s.Socket, Port: s.Port, Database: "postgres", User: pgserver.User})
	if err != nil {
		t.Fatal(err)
	}
	defer admin.Close()
	if _, err := admin.Exec(t.Context(), "create role least login", nil); err != nil {
		t.Fatal(err)
	}
	p := m.launch(t)
	if status := p.wait(t); status != exitUsage || !strings.Contains(p.stderr.String(), "notary_schema") || !strings.Contains(p.stderr.String(), "notary store init") {
		t.Fatalf("serve without tables: status %d\n%s", status, p.stderr.String())
	}
	if rows, err := admin.Exec(t.Context(), "select count(*) from pg_tables where tablename like 'notary%'", nil); err != nil || rows[0][0] != int64(0) {
		t.Errorf("tables were made silently: %v, %v", rows, err)
	}

	if status, stdout, _ := m.run(t, "store", "init", "--print", "--user", pgserver.User, "notary.yaml"); status != exitOK || !strings.Contains(stdout, `grant update (dek) on "public".notary_keys to "least";`) {
		t.Errorf("store init --print: %d\n%s", status, stdout)
	}
	if status, _, stderr := m.run(t, "store", "init", "notary.yaml"); status != exitUsage || !strings.Contains(stderr, "42501") {
		t.Errorf("store init by a role without rights: %d\n%s", status, stderr)
	}
	if status, stdout, stderr := m.run(t, "store", "init", "--user", pgserver.User, "notary.yaml"); status != exitOK {
		t.Fatalf("store init: %d\n%s%s", status, stdout, stderr)
	}
	if status, _, stderr := m.run(t, "store", "init", "--user", pgserver.User, "notary.yaml"); status != exitUsage || !strings.Contains(stderr, "already exists") {
		t.Errorf("second store init: %d\n%s", status, stderr)
	}
	m.anotherVersion(t, admin)

	acks := m.killedUnderTraffic(t)
	m.start(t).stop(t)
	m.auditStorage(t, acks)
	m.lookedUp(t, admin)
}

// anotherVersion: of a database whose tables a module for another version made, neither a
// notary nor "store init" nor a reader takes anything, each says so, and nothing is changed.
func (m *machine) anotherVersion(t *testing.T, admin *postgres.DB) {
	t.Helper()
	change := func(statement string) {
		t.Helper()
		if _, err := admin.Exec(t.Context(), statement, nil); err != nil {
			t.Fatal(err)
		}
	}
	look := func() string { // columns, indexes and rights of all tables, and what is in the small ones
		t.Helper()
		rows, err := admin.Exec(t.Context(), "select sha256(convert_to(string_agg(x, e'\\n' order by x), 'utf8')) from ("+
			"select (c.oid, c.relname, c.relacl, a.attname, a.atttypid)::text from pg_class c join pg_attribute a on a.attrelid = c.oid where c.relnamespace = 'public'::regnamespace "+
			"union all select v::text from notary_schema v union all select e::text from notary_epochs e union all select k::text from notary_keys k) as u (x)", nil)
		if err != nil || len(rows) != 1 {
			t.Fatal(rows, err)
		}
		return fmt.Sprintf("%x", rows[0][0])
	}
	change("insert into notary_schema values (2)")
	before := look()
	refused := func(what string, status int, stderr string) {
		t.Helper()
		if status != exitUsage || !strings.Contains(stderr, "the storage was made for another version of the adapter") || !strings.Contains(stderr, "select version from notary_schema") {
			t.Errorf("%s on tables of another version: status %d\n%s", what, status, stderr)
		}
	}
	p := m.launch(t)
	refused("serve", p.wait(t), p.stderr.String())
	status, _, stderr := m.run(t, "store", "init", "--user", pgserver.User, "notary.yaml")
	refused("store init", status, stderr)
	status, _, stderr = m.run(t, "session", "list", "--config", "notary.yaml", "--identity", "recipient.pem")
	refused("session list", status, stderr)
	if look() != before {
		t.Error("tables of another version were changed")
	}
	change("delete from notary_schema where version = 2")
}

// lookedUp reads sessions by the index of the database, with the rights of a notary, and
// wants what reading everything gives; also when the index has lost a row.
func (m *machine) lookedUp(t *testing.T, admin *postgres.DB) {
	t.Helper()
	reads := func(verb ...string) (stdout, stderr string) {
		t.Helper()
		status, stdout, stderr := m.run(t, append([]string{"session"}, verb...)...)
		if status != exitOK {
			t.Fatalf("session %v: %d\n%s", verb, status, stderr)
		}
		return stdout, stderr
	}
	with := []string{"--config", "notary.yaml", "--identity", "recipient.pem"}
	listed, _ := reads(append([]string{"list", "--json"}, with...)...)
	var rows []struct {
		Handle, State string
		Part          int
	}
	if err := json.Unmarshal([]byte(listed), &rows); err != nil || len(rows) < 2 {
		t.Fatalf("%d session parts, %v", len(rows), err)
	}
	rows = append(rows[:1:1], rows[len(rows)-1])
	for i, r := range rows {
		part := fmt.Sprintf("%s/%d", r.Handle[:16], r.Part)
		open := append([]string{"open", part}, with...)
		found, said := reads(open...)
		scanned, _ := reads(append(open, "--scan")...)
		if found != scanned || said != "" {
			t.Errorf("session open %s differs from what a scan gives, and says %q", part, said)
		}
		for name, more := range map[string][]string{"found": nil, "scanned": {"--scan"}} {
			reads(append(append([]string{"bundle", part, "--record", "all", "-o", fmt.Sprint(name, i)}, with...), more...)...)
		}
		a, err1 := os.ReadFile(m.path(fmt.Sprint("found", i)))
		b, err2 := os.ReadFile(m.path(fmt.Sprint("scanned", i)))
		if err := errors.Join(err1, err2); err != nil || !bytes.Equal(a, b) {
			t.Errorf("session bundle %s differs from what a scan gives, %v", part, err)
		}
		m.verified(t, a)
		erase := []string{"session", "erase", part, "--config", "notary.yaml"}
		_, found, _ = m.run(t, erase...)
		if _, scanned, _ := m.run(t, append(erase, "--scan")...); found != scanned || !strings.HasPrefix(found, "would be erased: "+r.Handle) {
			t.Errorf("session erase %s would erase\n%s, by a scan\n%s", part, found, scanned)
		}

		handle, err := hex.DecodeString(r.Handle)
		if err != nil {
			t.Fatal(err)
		}
		const lose = "delete from notary_entries where session = $1 and kind = 4 and (epoch, seq) = (select epoch, seq from notary_entries where session = $1 and kind = 4 order by random() limit 1) returning 1"
		if rows, err := admin.Exec(t.Context(), lose, []any{handle}); err != nil || len(rows) != 1 {
			t.Fatalf("%d rows are lost, %v", len(rows), err)
		}
		again, said := reads(open...)
		if again != scanned || said != "" && strings.Count(said, "the whole journal is read") != 1 {
			t.Errorf("session open %s without a row of the index differs, and says %q", part, said)
		}
	}
}
