package journal_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/veriproof/notary/sdk/journal"
	"github.com/veriproof/notary/sdk/receipt"
)

// TestVectorsExport: entries of exports, and what is none.
func TestVectorsExport(t *testing.T) {
	at := int64(1_800_000_000_000_000_000)
	bodies := []journal.ExportBody{
		{Parts: 3, By: "on-call", AtUnixNano: at},
		{FromUnixNano: at - 2, ToUnixNano: at - 1, Parts: 0, Recipient: receipt.Hash(seq(0x30, 32)), For: "Auditor 2026, court"[:12], By: "on-call", AtUnixNano: at},
		{FromUnixNano: -1, Parts: 1 << 40, For: "a@example.org", By: "Ünal", AtUnixNano: at},
		{ToUnixNano: at, By: strings.Repeat("n", 256), For: strings.Repeat("f", 64), AtUnixNano: at},
	}
	var valid []string
	for i := range bodies {
		b, err := journal.EncodeBody(&bodies[i])
		if err != nil {
			t.Fatal(err)
		}
		valid = append(valid, string(b))
		got, err := journal.ParseExport(b)
		if err != nil || !cmp.Equal(*got, bodies[i]) {
			t.Errorf("%s: %+v %v", b, got, err)
		}
	}
	rest := `"at_unix_nano":1`
	refused := []string{
		`{"parts":1,` + rest + `}`,
		`{"parts":1,"by":"",` + rest + `}`,
		`{"parts":1,"by":"` + strings.Repeat("n", 257) + `",` + rest + `}`,
		`{"parts":-1,"by":"x",` + rest + `}`,
		`{"parts":1,"by":"x","for":"two\nlines",` + rest + `}`,
		`{"parts":1,"by":"x","for":" x",` + rest + `}`,
		`{"parts":1,"by":"x","for":"` + strings.Repeat("f", 65) + `",` + rest + `}`,
		`{"parts":1,"by":"x","from_unix_nano":2,"to_unix_nano":2,` + rest + `}`,
		`{"parts":1,"by":"x","session":"chat-17",` + rest + `}`,
		`{"parts":1,"by":"x",` + rest + `} {}`,
		``,
	}
	for _, b := range refused {
		if _, err := journal.ParseExport([]byte(b)); !errors.Is(err, journal.ErrBody) {
			t.Errorf("%s: %v, want ErrBody", b, err)
		}
	}
	golden(t, "export.json", obj{"valid": valid, "refused": refused})
}
