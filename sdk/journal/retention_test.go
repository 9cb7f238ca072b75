package journal_test

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/veriproof/notary/sdk/journal"
	"github.com/veriproof/notary/sdk/receipt"
)

// TestVectorsRetention: the three actions, and what is none of them.
func TestVectorsRetention(t *testing.T) {
	id := fixedPart()
	at := int64(1_800_000_000_000_000_000)
	hash := func(first byte) receipt.Hash { return receipt.Hash(seq(first, 32)) }
	bodies := []journal.RetentionBody{
		{Action: journal.RetentionErase, Epoch: id.Epoch, WrappedDEK: hash(0x30), Commitment: hash(0x50), AtUnixNano: at},
		{Action: journal.RetentionHold, Epoch: id.Epoch, AtUnixNano: at},
		{Action: journal.RetentionRelease, Epoch: id.Epoch, Hold: &journal.EntryRef{Epoch: receipt.Epoch{7}, Seq: 42}, AtUnixNano: at},
	}
	var valid []string
	for i := range bodies {
		b, err := journal.EncodeBody(&bodies[i])
		if err != nil {
			t.Fatal(err)
		}
		valid = append(valid, string(b))
		got, err := journal.ParseRetention(b)
		if err != nil || !cmp.Equal(*got, bodies[i]) {
			t.Errorf("%s: %+v %v", b, got, err)
		}
	}
	epoch := `"epoch":"` + id.Epoch.String() + `","at_unix_nano":1`
	refused := []string{
		`{"action":"keep",` + epoch + `}`,
		`{"action":"",` + epoch + `}`,
		`{"action":"erase",` + epoch + `}`,
		`{"action":"erase","wrapped_dek":"` + hash(1).String() + `",` + epoch + `}`,
		`{"action":"hold","commitment":"` + hash(1).String() + `",` + epoch + `}`,
		`{"action":"hold","hold":{"epoch":"` + id.Epoch.String() + `","seq":1},` + epoch + `}`,
		`{"action":"release",` + epoch + `}`,
		`{"action":"hold","why":"litigation",` + epoch + `}`,
		`{"action":"hold",` + epoch + `} ` + `{}`,
		``,
	}
	for _, b := range refused {
		if _, err := journal.ParseRetention([]byte(b)); !errors.Is(err, journal.ErrBody) {
			t.Errorf("%s: %v, want ErrBody", b, err)
		}
	}
	golden(t, "retention.json", obj{"valid": valid, "refused": refused})
}
