package journal_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/veriproof/notary/sdk/journal"
	"github.com/veriproof/notary/sdk/receipt"
)

// TestVectorsErased: what became of orders to erase, and what no entry can say of them.
func TestVectorsErased(t *testing.T) {
	at := int64(1_800_000_000_000_000_000)
	a := journal.EntryRef{Epoch: receipt.Epoch(seq(0x10, 16)), Seq: 7}
	b := journal.EntryRef{Epoch: receipt.Epoch(seq(0x20, 16)), Seq: 1 << 40}
	bodies := []journal.ErasedBody{
		{Orders: []journal.EntryRef{a}, AtUnixNano: at},
		{Orders: []journal.EntryRef{a, b}, Unasked: 3, AtUnixNano: at},
		{Orders: []journal.EntryRef{b}, Found: []journal.Copies{{Kind: "standbys", Count: 2}, {Kind: "wal_archive", Count: 1}}, Unasked: 2, AtUnixNano: at},
		{Orders: []journal.EntryRef{a}, Found: []journal.Copies{{Kind: "x" + strings.Repeat("9", 31), Count: 1 << 50}}},
	}
	partial := []bool{false, true, true, true}
	var valid []string
	for i := range bodies {
		raw, err := journal.EncodeBody(&bodies[i])
		if err != nil {
			t.Fatal(err)
		}
		valid = append(valid, string(raw))
		got, err := journal.ParseErased(raw)
		if err != nil || !cmp.Equal(*got, bodies[i]) || got.Partial() != partial[i] {
			t.Errorf("%s: %+v %v", raw, got, err)
		}
	}
	order := `{"epoch":"101112131415161718191a1b1c1d1e1f","seq":7}`
	with := func(orders, found, more string) string {
		return fmt.Sprintf(`{"orders":[%s],"found":%s,"unasked":0%s,"at_unix_nano":1}`, orders, found, more)
	}
	refused := []string{
		with("", "null", ""),
		with(`{"epoch":"00000000000000000000000000000000","seq":7}`, "null", ""),
		with(`{"epoch":"1011","seq":7}`, "null", ""),
		with(order, `[{"kind":"Versions","count":1}]`, ""),
		with(order, `[{"kind":"","count":1}]`, ""),
		with(order, `[{"kind":"`+strings.Repeat("v", 33)+`","count":1}]`, ""),
		with(order, `[{"kind":"versions","count":0}]`, ""),
		with(order, `[{"kind":"versions","count":1},{"kind":"versions","count":1}]`, ""),
		with(order, `[{"kind":"versions","count":1},{"kind":"slots","count":1}]`, ""),
		with(order, `[{"kind":"versions","count":1,"name":"backup of chat-17"}]`, ""),
		with(order, "null", `,"session":"chat-17"`),
		with(order, "null", "") + " {}",
		``,
	}
	for _, text := range refused {
		if _, err := journal.ParseErased([]byte(text)); !errors.Is(err, journal.ErrBody) {
			t.Errorf("%s: %v, want ErrBody", text, err)
		}
	}
	many := make([]journal.EntryRef, journal.MaxErased+1)
	for i := range many {
		many[i] = a
	}
	if err := (&journal.ErasedBody{Orders: many}).Check(); !errors.Is(err, journal.ErrBody) {
		t.Errorf("too many orders: %v", err)
	}
	if err := (&journal.ErasedBody{Orders: many[1:]}).Check(); err != nil {
		t.Errorf("as many as there may be: %v", err)
	}
	golden(t, "erased.json", obj{"valid": valid, "refused": refused})
}
