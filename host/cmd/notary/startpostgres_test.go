//go:build postgres

package main

import (
	"fmt"
	"strings"
	"testing"

	"github.com/veriproof/notary/host/internal/pgserver"
	"github.com/veriproof/notary/host/postgres"
)

// A keeper is who has the database of a notary, and may do anything to it.
type keeper struct {
	t  *testing.T
	db *postgres.DB
}

func (k keeper) do(statement string, args ...any) [][]any {
	k.t.Helper()
	rows, err := k.db.Exec(k.t.Context(), statement, args)
	if err != nil {
		k.t.Fatalf("%s: %v", statement, err)
	}
	return rows
}

// commits returns an epoch's group commits, by first seqs, and the seq behind the last.
func (k keeper) commits(epoch []byte) (firsts []int64) {
	k.t.Helper()
	for _, row := range k.do("select seq from notary_chunks where epoch = $1 order by seq", epoch) {
		firsts = append(firsts, row[0].(int64))
	}
	last := k.do("select max(seq) + 1 from notary_entries where epoch = $1", epoch)
	return append(firsts, last[0][0].(int64))
}

// stored is a hash of everything that the notary has in the database.
func (k keeper) stored() string {
	k.t.Helper()
	rows := k.do("select sha256(convert_to(string_agg(x, e'\\n' order by x), 'utf8')) from (select c::text from notary_chunks c " +
		"union all select n::text from notary_entries n union all select e::text from notary_epochs e union all select d::text from notary_keys d) as u (x)")
	return fmt.Sprintf("%x", rows[0][0])
}

// TestDatabaseTamperedEndsStart: whatever its keeper does to the journal in the database, the
// next start names the range that is not what it was, ends with status 2, and writes nothing.
// What the first notary left is the second epoch's to know, what the second left the log's.
func TestDatabaseTamperedEndsStart(t *testing.T) {
	s := pgserver.Start(t)
	m := newMachine(t, setting{postgres: onServer(t, s, pgserver.User), extra: "sessions: {linger: 0s}"})
	if status, stdout, stderr := m.run(t, "store", "init", "notary.yaml"); status != exitOK {
		t.Fatalf("store init: %d\n%s%s", status, stdout, stderr)
	}
	db, err := postgres.Open(t.Context(), postgres.Options{Host: s.Socket, Port: s.Port, Database: "postgres", User: pgserver.User})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	k := keeper{t, db}
	m.serveOne(t, "first")
	one := k.do("select epoch from notary_epochs")[0][0].([]byte)
	m.serveOne(t, "second")
	two := k.do("select epoch from notary_epochs where epoch <> $1", one)[0][0].([]byte)
	k.do("create table backup as select * from notary_chunks")
	c := k.commits(one)
	d := k.commits(two)
	if len(c) < 6 || len(d) < 6 {
		t.Fatalf("commits %v and %v: too few to choose from", c, d)
	}
	in := func(epoch []byte, first, last int64, more string) string {
		if first == last {
			return fmt.Sprintf("epoch %x: entry %d%s: ", epoch, first, more)
		}
		return fmt.Sprintf("epoch %x: entries %d to %d%s: ", epoch, first, last, more)
	}
	for _, tt := range []struct {
		name string
		do   func()
		want string // what the refusal begins with
		kind string
	}{
		{"deleted", func() { k.do("delete from notary_chunks where epoch = $1 and seq = $2", one, c[2]) }, in(one, c[2], c[3]-1, ""), "missing"},
		{"truncated", func() { k.do("delete from notary_chunks where epoch = $1 and seq > $2", one, c[1]) }, in(one, c[2], c[len(c)-1]-1, " or more"), "missing"},
		{"replaced", func() {
			k.do("update notary_chunks set entries = set_byte(entries, octet_length(entries) - 1, get_byte(entries, octet_length(entries) - 1) # 1) where epoch = $1 and seq = $2", one, c[2])
		}, in(one, c[2], c[3]-1, ""), "wrong"},
		{"an old ciphertext under a new id", func() {
			k.do("update notary_chunks set entries = (select entries from backup where epoch = $1 and seq = $2) where epoch = $3 and seq = $4", one, c[1], two, d[1])
		}, in(two, d[1], d[2]-1, ""), "wrong"},
		{"swapped rows", func() {
			k.do("update notary_chunks n set entries = b.entries from backup b where n.epoch = $1 and b.epoch = $1 and n.seq in ($2, $3) and b.seq = $2::bigint + $3::bigint - n.seq", one, c[2], c[3])
		}, in(one, c[2], c[4]-1, ""), "wrong"},
		{"a backup of before the second epoch", func() { k.do("delete from notary_chunks where epoch = $1", two) }, "log: ", "unaccounted"},
		{"a whole epoch removed", func() { k.do("delete from notary_chunks where epoch = $1", one) }, in(one, 0, c[len(c)-1]-1, " or more"), "missing: the whole epoch is gone"},
	} {
		if !t.Run(tt.name, func(t *testing.T) {
			k.t = t
			tt.do()
			before := k.stored()
			said := m.launch(t).ended(t, exitFalse)
			if !strings.Contains(said, "storage is not what it was: "+tt.want) || !strings.Contains(said, tt.kind) {
				t.Errorf("want %s%s; it says\n%s", tt.want, tt.kind, said)
			}
			if k.stored() != before {
				t.Error("the refused start wrote something")
			}
			k.do("delete from notary_chunks")
			k.do("insert into notary_chunks select * from backup")
		}) {
			return // what the others presume is not there
		}
	}
	k.t = t
	m.serveOne(t, "third")
}
