package journal_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/veriproof/notary/sdk/journal"
	"github.com/veriproof/notary/sdk/receipt"
)

func TestSegmentRoundTrip(t *testing.T) {
	id := receipt.PartID{Epoch: receipt.Epoch{1}, Handle: receipt.Handle{2}, Part: 3}
	keys := journal.DeriveKeys(journal.NewSecret(), id)
	in := &journal.Content{Tenant: "acme", Session: []byte("s-1"), Records: []receipt.Record{
		{Kind: receipt.Span, Resource: []byte("r"), Scope: []byte("s"), Edits: receipt.EncodeEdits(nil), Bytes: []byte("span bytes")},
		{Kind: receipt.Span, Resource: []byte("r"), Scope: []byte("s"), Edits: receipt.EncodeEdits([]receipt.Edit{{Plugin: "p", Label: "EMAIL", Place: "span.name", Length: 7}}), Bytes: make([]byte, 5000)},
	}}
	body := keys.SealSegment(7, receipt.Hash{9}, in).Encode()
	s, err := journal.ParseSegment(body)
	if err != nil {
		t.Fatal(err)
	}
	out, err := keys.OpenSegment(7, s)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(in, out); diff != "" {
		t.Error(diff)
	}
	if _, err := keys.OpenSegment(8, s); err == nil {
		t.Error("a segment opened under another number")
	}
}
