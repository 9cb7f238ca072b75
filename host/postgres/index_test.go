//go:build postgres

package postgres_test

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/veriproof/notary/host/internal/pgserver"
	"github.com/veriproof/notary/host/journal"
	"github.com/veriproof/notary/sdk/plugin/abi"
)

// TestIndex: the index leads to the entries of a session wherever they stand, in order and
// over its pages, and to no others.
func TestIndex(t *testing.T) {
	a, db, _ := store(t)
	long, near, far := [32]byte{0xab, 0xcd, 1}, [32]byte{0xab, 0xce, 1}, [32]byte{0xff}
	var want []journal.Place
	for epoch := byte(1); epoch <= 3; epoch++ {
		id := [16]byte{epoch}
		if epoch > 1 { // in other partitions
			if _, err := db.Exec(t.Context(), "insert into notary_epochs (epoch, period) values ($1, $2::bigint)", []any{id[:], int64(24312 + 700*int(epoch))}); err != nil {
				t.Fatal(err)
			}
		}
		for first := uint64(0); first < 4000; first += 1000 {
			g := journal.Group{Epoch: id, FirstSeq: first}
			for seq := first; seq < first+1000; seq++ {
				h := journal.EntryHead{Kind: uint8(seq % 12)}
				switch seq % 4 {
				case 0, 1:
					h.Handle = long
					want = append(want, journal.Place{Epoch: id, Seq: seq, Kind: h.Kind})
				case 2:
					h.Handle = far
				}
				if seq == 3003 {
					h.Handle = near
				}
				g.Entries, g.Heads = append(g.Entries, journal.Sealed("x")), append(g.Heads, h)
			}
			if err := a.Put(t.Context(), g); err != nil {
				t.Fatal(err)
			}
		}
	}
	ask := func(from journal.Place, bits int) []journal.Place {
		t.Helper()
		list, err := a.Places(t.Context(), from, bits)
		if err != nil {
			t.Fatal(err)
		}
		return list
	}
	var got []journal.Place
	for from := (journal.Place{Handle: long}); ; {
		page := ask(from, 256)
		if len(page) == 0 {
			break
		}
		got = append(got, page...)
		last := page[len(page)-1]
		from.Epoch, from.Seq = last.Epoch, last.Seq+1
	}
	if !slices.Equal(got, want) {
		t.Errorf("%d places of a session, want %d", len(got), len(want))
	}
	for name, c := range map[string]struct {
		from journal.Place
		bits int
		n    int
		at   journal.Place
	}{
		"from the middle":            {journal.Place{Handle: long, Epoch: [16]byte{3}, Seq: 3996}, 256, 2, journal.Place{Epoch: [16]byte{3}, Seq: 3996, Kind: 0}},
		"behind a session":           {journal.Place{Handle: long, Epoch: [16]byte{0xff}}, 15, 0, journal.Place{}},
		"another with the same bits": {journal.Place{Handle: long, Epoch: [16]byte{0xff}}, 14, 3, journal.Place{Epoch: [16]byte{1}, Seq: 3003, Kind: 3}},
		"another of 16 bits":         {journal.Place{Handle: [32]byte{0xab, 0xce}}, 16, 3, journal.Place{Epoch: [16]byte{1}, Seq: 3003, Kind: 3}},
		"of none":                    {journal.Place{Handle: [32]byte{0x77}}, 256, 0, journal.Place{}},
		"any, of the greatest seqs":  {journal.Place{Handle: far, Epoch: [16]byte{3}, Seq: 1<<64 - 1}, 0, 0, journal.Place{}},
	} {
		if list := ask(c.from, c.bits); len(list) != c.n || c.n > 0 && list[0] != c.at {
			t.Errorf("%s: %d places %v, want %d from %v", name, len(list), list[:min(2, len(list))], c.n, c.at)
		}
	}
	if _, err := a.Places(t.Context(), journal.Place{}, 257); !errors.Is(err, journal.ErrNoIndex) {
		t.Errorf("more bits than a handle has: %v", err)
	}
}

// TestIndexIsUsed: where a storage has thousands of sessions over some months, PostgreSQL
// finds one by the index, and reads no table, by a plan for the values and by one for any.
func TestIndexIsUsed(t *testing.T) {
	_, db, s := store(t)
	handle := sha256.Sum256([]byte("13"))
	for i, statement := range []string{
		"insert into notary_epochs (epoch, period) select decode(lpad(to_hex(m), 32, '0'), 'hex'), extract(year from now() at time zone 'utc')::bigint * 12 + extract(month from now() at time zone 'utc')::bigint - 1 + m from generate_series(0, 3) m",
		"insert into notary_entries (period, epoch, seq, first, kind, session, part) select e.period, e.epoch, n, n, 4, sha256(convert_to((n % 4000)::text, 'utf8')), 0 from notary_epochs e cross join generate_series(1, 20000) n",
		// Entries of no session, as checkpoints are.
		"insert into notary_entries (period, epoch, seq, first, kind, session, part) select e.period, e.epoch, n, n, 7, decode(repeat('00', 32), 'hex'), 0 from notary_epochs e cross join generate_series(20001, 30000) n",
		"analyze notary_entries",
	} {
		if _, err := db.Exec(t.Context(), statement, nil); err != nil {
			t.Fatalf("statement %d: %v", i, err)
		}
	}
	conn, err := pgx.Connect(t.Context(), fmt.Sprintf("host=%s port=%d user=%s dbname=postgres", s.Socket, s.Port, pgserver.User))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close(t.Context()) })
	m, err := module()
	if err != nil {
		t.Fatal(err)
	}
	manifest, err := abi.ReadManifest(m)
	if err != nil {
		t.Fatal(err)
	}
	i := slices.IndexFunc(manifest.SQL, func(s string) bool { return strings.Contains(s, "from notary_entries where (session") })
	if i < 0 {
		t.Fatal("the manifest has no such statement")
	}
	if _, err := conn.Exec(t.Context(), "prepare look (bytea, bytea, bigint, bytea) as "+manifest.SQL[i]); err != nil {
		t.Fatal(err)
	}
	none := [16]byte{}
	low, high := handle, handle
	clear(low[2:])
	for i := range high[2:] {
		high[2+i] = 0xff
	}
	for name, v := range map[string][]any{
		"a session":             {handle[:], none[:], 0, handle[:]},
		"a prefix of 16 bits":   {low[:], none[:], 0, high[:]},
		"entries of no session": {make([]byte, 32), none[:], 25_000, make([]byte, 32)},
	} {
		for _, mode := range []string{"force_custom_plan", "force_generic_plan"} {
			if _, err := conn.Exec(t.Context(), "set plan_cache_mode = "+mode); err != nil {
				t.Fatal(err)
			}
			execute := fmt.Sprintf("explain (analyze, costs off, timing off) execute look ('\\x%x', '\\x%x', %d, '\\x%x')", v...)
			rows, err := conn.Query(t.Context(), execute)
			if err != nil {
				t.Fatal(err)
			}
			plan, err := pgx.CollectRows(rows, pgx.RowTo[string])
			if err != nil {
				t.Fatal(err)
			}
			text := strings.Join(plan, "\n")
			used := strings.Count(text, "session_epoch_seq_idx")
			if used < 4 || strings.Contains(text, "Filter:") {
				t.Errorf("%s, %s: the index is used in %d partitions\n%s", name, mode, used, text)
			}
		}
	}
}
