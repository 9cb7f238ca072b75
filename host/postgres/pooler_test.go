//go:build postgres

package postgres_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/veriproof/notary/host/internal/pgserver"
	"github.com/veriproof/notary/host/journal/journaltest"
	"github.com/veriproof/notary/host/postgres"
)

// TestPooler: behind PgBouncer that gives whole sessions, the contract of journal.Store
// holds. Where settings of a connection would be dropped, nothing starts: an
// acknowledgement would mean less than it says, or tables would be other ones. Where
// only transactions are given, statements fail, and say why.
func TestPooler(t *testing.T) {
	const dropped = "ignore_startup_parameters=search_path,synchronous_commit,statement_timeout,idle_in_transaction_session_timeout"
	s := pgserver.Start(t, "synchronous_commit=off")
	admin := open(t, options(s))
	initialised(t, admin)
	behind := func(settings ...string) postgres.Options {
		o := options(s)
		o.Host = s.Pooler(t, settings...)
		return o
	}
	if _, err := postgres.Open(t.Context(), behind("pool_mode=session")); err == nil || !strings.Contains(err.Error(), "unsupported startup parameter") {
		t.Errorf("settings are refused: %v", err)
	}
	if _, err := postgres.Open(t.Context(), behind("pool_mode=session", dropped)); !errors.Is(err, postgres.ErrSettings) || !strings.Contains(err.Error(), "synchronous_commit is off") {
		t.Errorf("settings are dropped: %v", err)
	}
	set := func(statement string) {
		t.Helper()
		if _, err := admin.Exec(t.Context(), statement, nil); err != nil {
			t.Fatal(err)
		}
	}
	set("alter role " + pgserver.User + " set synchronous_commit = on")
	sessions := behind("pool_mode=session", dropped)
	set("create schema other")
	set("alter role " + pgserver.User + " set search_path = other")
	if _, err := postgres.Open(t.Context(), sessions); !errors.Is(err, postgres.ErrSettings) || !strings.Contains(err.Error(), "schema") {
		t.Errorf("another schema: %v", err)
	}
	set("alter role " + pgserver.User + " set search_path = public")
	sessions = behind("pool_mode=session", dropped) // sessions of the old one have the old setting
	a, err := load(t, open(t, sessions))
	if err != nil {
		t.Fatal(err)
	}
	b, err := load(t, open(t, sessions))
	if err != nil {
		t.Fatal(err)
	}
	journaltest.Contract(t, a, b)

	// Who only reads leaves no session that refuses a notary behind him.
	one := behind("pool_mode=session", "default_pool_size=1", dropped)
	reader := one
	reader.ReadOnly = true
	reads := open(t, reader)
	if _, err := reads.Exec(t.Context(), "create table t (i int)", nil); err == nil || !strings.Contains(err.Error(), "25006") {
		t.Errorf("written by who only reads: %v", err)
	}
	reads.Close()
	if _, err := open(t, one).Exec(t.Context(), "create table t (i int)", nil); err != nil {
		t.Errorf("behind who only reads: %v", err)
	}

	transactions := behind("pool_mode=transaction", "default_pool_size=1", dropped)
	for i := range 2 { // both on one session of the server
		_, err := open(t, transactions).Exec(t.Context(), "select 1", nil)
		if i == 0 && err != nil || i == 1 && (err == nil || !strings.Contains(err.Error(), "whole sessions")) {
			t.Errorf("connection %d on one session: %v", i, err)
		}
	}
}
