//go:build postgres

package postgres_test

import (
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/veriproof/notary/host/internal/pgserver"
	"github.com/veriproof/notary/host/journal/journaltest"
	"github.com/veriproof/notary/sdk/plugin/abi"
)

// TestPartitions: what an epoch writes is in the partition of the month in which it
// began, whenever it writes; years later there is still a partition to write to; and a
// read looks into one partition only.
func TestPartitions(t *testing.T) {
	a, db, s := store(t)
	conn, err := pgx.Connect(t.Context(), fmt.Sprintf("host=%s port=%d user=%s dbname=postgres", s.Socket, s.Port, pgserver.User))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close(t.Context()) })
	if err := a.Put(t.Context(), journaltest.Group(1, 0, "now")); err != nil {
		t.Fatal(err)
	}
	var month int64
	if err := conn.QueryRow(t.Context(), "select period from notary_epochs").Scan(&month); err != nil {
		t.Fatal(err)
	}
	for epoch, began := range map[byte]int64{1: month, 2: month + 1, 3: month + 40, 4: month + 60, 5: month + 12_000} {
		if epoch > 1 { // as if it had begun then
			id := [16]byte{epoch}
			if _, err := db.Exec(t.Context(), "insert into notary_epochs (epoch, period) values ($1, $2)", []any{id[:], began}); err != nil {
				t.Fatal(err)
			}
			if err := a.Put(t.Context(), journaltest.Group(epoch, 0, "then")); err != nil {
				t.Fatal(err)
			}
		}
		suffix := fmt.Sprintf("%d_%02d", began/12, began%12+1)
		if began >= month+60 {
			suffix = "later"
		}
		for _, table := range []string{"notary_chunks", "notary_entries"} {
			var in string
			id := [16]byte{epoch}
			if err := conn.QueryRow(t.Context(), "select tableoid::regclass::text from "+table+" where epoch = $1", id[:]).Scan(&in); err != nil || in != table+"_"+suffix {
				t.Errorf("an epoch that began %d months on is in %s, want %s_%s; %v", began-month, in, table, suffix, err)
			}
		}
		if c, err := a.Get(t.Context(), [16]byte{epoch}, 7); err != nil || len(c.Entries) == 0 {
			t.Errorf("read of an epoch that began %d months on: %v", began-month, err)
		}
	}
	for name, want := range map[string]string{"an epoch": "notary_chunks_2", "one of years later": "notary_chunks_later"} {
		epoch := [16]byte{1}
		if strings.HasSuffix(want, "later") {
			epoch = [16]byte{4}
		}
		if got := looksInto(t, conn, epoch); len(got) != 1 || !strings.HasPrefix(got[0], want) {
			t.Errorf("a read of %s looks into %v", name, got)
		}
	}
}

// looksInto returns the partitions that the adapter's reading statement executes on.
func looksInto(t *testing.T, conn *pgx.Conn, epoch [16]byte) (out []string) {
	t.Helper()
	m, err := module()
	if err != nil {
		t.Fatal(err)
	}
	manifest, err := abi.ReadManifest(m)
	if err != nil {
		t.Fatal(err)
	}
	for _, statement := range manifest.SQL {
		if !strings.HasPrefix(statement, "select seq, entries from notary_chunks ") {
			continue
		}
		rows, err := conn.Query(t.Context(), "explain (analyze, costs off, timing off) "+statement, epoch[:], int64(7))
		if err != nil {
			t.Fatal(err)
		}
		plan, err := pgx.CollectRows(rows, pgx.RowTo[string])
		if err != nil {
			t.Fatal(err)
		}
		for _, line := range plan {
			if m := regexp.MustCompile(` on (notary_chunks_\S+)`).FindStringSubmatch(line); m != nil && !strings.Contains(line, "never executed") {
				out = append(out, m[1])
			}
		}
		return out
	}
	t.Fatal("the manifest has no such statement")
	return nil
}
