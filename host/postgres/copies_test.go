//go:build postgres

package postgres_test

import (
	"slices"
	"testing"

	"github.com/veriproof/notary/host/internal/pgserver"
	"github.com/veriproof/notary/host/journal"
)

// TestCopies: the server tells of a replication slot, to a role without any right, and
// of nothing where there is nothing.
func TestCopies(t *testing.T) {
	s := pgserver.Start(t)
	admin := open(t, options(s))
	if found, err := admin.Copies(t.Context()); err != nil || len(found) != 0 {
		t.Errorf("on a server of its own: %v %v", found, err)
	}
	for _, statement := range []string{"create role nobody login", "select length(slot_name)::bigint from pg_create_physical_replication_slot('standby')"} {
		if _, err := admin.Exec(t.Context(), statement, nil); err != nil {
			t.Fatal(err)
		}
	}
	o := options(s)
	o.User = "nobody"
	found, err := open(t, o).Copies(t.Context())
	if want := []journal.Copy{{Kind: "slots", Count: 1, Text: "replication slots hold back the write-ahead log for others: 1"}}; err != nil || !slices.Equal(found, want) {
		t.Errorf("found %v %v, want %v", found, err, want)
	}
}
