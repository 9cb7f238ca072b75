package journal_test

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"testing"

	"github.com/veriproof/notary/sdk/journal"
	"github.com/veriproof/notary/sdk/receipt"
)

// seq returns the n bytes first, first+1, …
func seq(first byte, n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = first + byte(i)
	}
	return b
}

func fixedKey(first byte) ed25519.PrivateKey { return ed25519.NewKeyFromSeed(seq(first, 32)) }

func public(k ed25519.PrivateKey) ed25519.PublicKey { return k.Public().(ed25519.PublicKey) }

func fixedPart() receipt.PartID {
	return receipt.PartID{Epoch: receipt.Epoch(seq(0x10, 16)), Handle: receipt.Handle(seq(0x80, 32)), Part: 2}
}

func fixedSecret(first byte) *[32]byte { return (*[32]byte)(seq(first, 32)) }

// fixedContent has two records of one resource, the second under another scope
// and with an edit.
func fixedContent() *journal.Content {
	edits := receipt.EncodeEdits([]receipt.Edit{{Plugin: "redact-pii", Label: "EMAIL", Place: "span.attributes.value", Length: 17}})
	return &journal.Content{Tenant: "acme", Session: []byte("s-1"), Records: []receipt.Record{
		{Kind: receipt.Span, Resource: []byte("resource"), Scope: []byte("scope"), Edits: receipt.EncodeEdits(nil), Bytes: []byte("record 0")},
		{Kind: receipt.Log, Resource: []byte("resource"), Scope: []byte("scope 1"), Edits: edits, Bytes: []byte("record 1")},
	}}
}

// chainOf numbers and chains entries that have a kind, a body and perhaps a part
// and a segment number. The last one is signed, as the last of a group commit is.
func chainOf(key ed25519.PrivateKey, epoch receipt.Epoch, entries ...journal.Entry) []journal.Entry {
	var prev receipt.Hash
	for i := range entries {
		e := &entries[i]
		e.Epoch, e.Seq = epoch, uint64(i)
		e.Header.Body = sha256.Sum256(e.Body)
		e.Chain = e.Header.Chain(prev)
		prev = e.Chain
	}
	last := &entries[len(entries)-1]
	last.Signature = journal.SignPosition(key, epoch, last.Seq, last.Chain)
	return entries
}

func entry(kind journal.Kind, body string) journal.Entry {
	return journal.Entry{Header: journal.Header{Kind: kind}, Body: []byte(body)}
}

func encode(entries []journal.Entry) []byte {
	var b []byte
	for i := range entries {
		b = entries[i].Append(b)
	}
	return b
}

// read checks a chunk that must hold want whole entries, as an auditor would.
func read(b []byte, r *journal.Reader) (n int, err error) {
	for len(b) > 0 {
		e, rest, err := journal.Decode(b)
		if err != nil {
			return n, err
		}
		if err := r.Next(e); err != nil {
			return n, err
		}
		b = rest
		n++
	}
	return n, nil
}

// fixedJournal is the chunk of the vectors: an epoch, a segment, a close entry.
func fixedJournal() []journal.Entry {
	id := fixedPart()
	segment := entry(journal.KindSegment, "segment")
	segment.Handle, segment.Part, segment.Segment = id.Handle, id.Part, 5
	return chainOf(fixedKey(0), id.Epoch, entry(journal.KindEpoch, "{}"), segment, entry(journal.KindClose, ""))
}

func mustSealed(t testing.TB, number uint64) (*journal.PartKeys, *journal.Segment, []byte) {
	t.Helper()
	keys := journal.DeriveKeys(fixedSecret(1), fixedPart())
	s := keys.SealSegment(number, receipt.Hash(seq(0x30, 32)), fixedContent())
	body := s.Encode()
	parsed, err := journal.ParseSegment(bytes.Clone(body))
	if err != nil {
		t.Fatal(err)
	}
	return keys, parsed, body
}
