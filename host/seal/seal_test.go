package seal_test

import (
	"encoding/hex"
	"errors"
	"fmt"
	"testing"

	"github.com/veriproof/notary/host/seal"
	"github.com/veriproof/notary/sdk/journal"
	"github.com/veriproof/notary/sdk/receipt"
)

func Example() {
	auditor, _ := journal.GenerateIdentity()
	ring, _ := seal.NewRing(receipt.Epoch{1}, []*journal.Recipient{auditor.Recipient()})
	fresh, _ := ring.Next() // fresh.Body goes to the journal
	ring.Use(fresh)         // once it is durable
	part, _ := ring.OpenPart(receipt.PartID{Epoch: receipt.Epoch{1}, Handle: ring.Handle("acme", []byte("s-1"))})
	number, segment := part.Seal(&journal.Content{Records: []receipt.Record{{Kind: receipt.Span, Bytes: []byte("redacted")}}})
	fmt.Println(number, len(segment.Leaves), len(segment.Ciphertext))
	// Output: 0 1 272
}

// TestEveryRecipientOpens: what is sealed to several recipients each of them opens, and
// nobody else.
func TestEveryRecipientOpens(t *testing.T) {
	var all [3]*journal.Identity
	for i := range all {
		all[i], _ = journal.GenerateIdentity()
	}
	ring, err := seal.NewRing(receipt.Epoch{7}, []*journal.Recipient{all[0].Recipient(), all[1].Recipient()})
	if err != nil {
		t.Fatal(err)
	}
	fresh, err := ring.Next()
	if err != nil {
		t.Fatal(err)
	}
	var body journal.WrapKeyBody
	if err := journal.ParseBody(fresh.Body, &body); err != nil || len(body.Sealed) != 2 {
		t.Fatalf("sealed to %d, %v", len(body.Sealed), err)
	}
	var keys [2]*[32]byte
	for i, sealed := range body.Sealed {
		if keys[i], err = all[i].Open(journal.WrapKey, receipt.Epoch{7}, body.Number, sealed.Ciphertext); err != nil || sealed.Recipient != all[i].Recipient().ID() {
			t.Fatalf("recipient %d: %v", i, err)
		}
		if _, err := all[2].Open(journal.WrapKey, receipt.Epoch{7}, body.Number, sealed.Ciphertext); err == nil {
			t.Error("opened by a stranger")
		}
	}
	if *keys[0] != *keys[1] {
		t.Error("recipients have different keys")
	}
}

// TestRecipientOpens walks the way of an auditor who holds a private key and
// what storage holds: wrap key, wrapped DEK, segment. It is the proof that what
// the ring forgets is not lost.
func TestRecipientOpens(t *testing.T) {
	auditor, err := journal.GenerateIdentity()
	if err != nil {
		t.Fatal(err)
	}
	epoch := receipt.Epoch{7}
	ring, err := seal.NewRing(epoch, []*journal.Recipient{auditor.Recipient()})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := ring.OpenPart(receipt.PartID{Epoch: epoch}); !errors.Is(err, seal.ErrNoKey) {
		t.Fatalf("a part opened before any wrap key was durable: %v", err)
	}
	for want := uint64(1); want <= 3; want++ {
		fresh, err := ring.Next()
		if err != nil {
			t.Fatal(err)
		}
		ring.Use(fresh)
		if ring.Used() {
			t.Fatal("a fresh wrap key counts as used")
		}
		id := receipt.PartID{Epoch: epoch, Handle: ring.Handle("acme", []byte{byte(want)}), Part: uint32(want)}
		part, err := ring.OpenPart(id)
		if err != nil {
			t.Fatal(err)
		}
		number, segment := part.Seal(&journal.Content{Tenant: "acme", Session: []byte("s"), Records: []receipt.Record{{Kind: receipt.Log, Bytes: []byte("x")}}})

		var body journal.WrapKeyBody
		if err := journal.ParseBody(fresh.Body, &body); err != nil {
			t.Fatal(err)
		}
		if body.Number != want || body.Sealed[0].Recipient != auditor.Recipient().ID() {
			t.Fatalf("wrap key %d is sealed as number %d to %v", want, body.Number, body.Sealed[0].Recipient)
		}
		wrap, err := auditor.Open(journal.WrapKey, epoch, body.Number, body.Sealed[0].Ciphertext)
		if err != nil {
			t.Fatal(err)
		}
		dek, err := journal.UnwrapDEK(wrap, id, part.Wrapped)
		if err != nil {
			t.Fatal(err)
		}
		content, err := journal.DeriveKeys(dek, id).OpenSegment(number, segment)
		if err != nil {
			t.Fatal(err)
		}
		if string(content.Records[0].Bytes) != "x" {
			t.Errorf("opened record is %q", content.Records[0].Bytes)
		}
		// The same wrapped key under another part's name opens nothing.
		other := id
		other.Part++
		if _, err := journal.UnwrapDEK(wrap, other, part.Wrapped); err == nil {
			t.Error("a wrapped DEK opened for another part")
		}
	}
}

// TestSegmentNumbersAreUsedOnce: the number is the nonce.
func TestSegmentNumbersAreUsedOnce(t *testing.T) {
	auditor, _ := journal.GenerateIdentity()
	ring, _ := seal.NewRing(receipt.Epoch{1}, []*journal.Recipient{auditor.Recipient()})
	fresh, _ := ring.Next()
	ring.Use(fresh)
	part, err := ring.OpenPart(receipt.PartID{})
	if err != nil {
		t.Fatal(err)
	}
	seen := make(map[string]bool)
	for want := range uint64(100) {
		number, s := part.Seal(&journal.Content{Records: []receipt.Record{{Kind: receipt.Span}}})
		if number != want {
			t.Fatalf("segment number %d, want %d", number, want)
		}
		if seen[string(s.Ciphertext[:16])] {
			t.Fatal("two segments of equal content have the same first block: a nonce was used twice")
		}
		seen[string(s.Ciphertext[:16])] = true
	}
}

// TestTokens: 64 bits of an HMAC under a key of the part's own, gone with the part.
func TestTokens(t *testing.T) {
	auditor, err := journal.GenerateIdentity()
	if err != nil {
		t.Fatal(err)
	}
	ring, err := seal.NewRing(receipt.Epoch{1}, []*journal.Recipient{auditor.Recipient()})
	if err != nil {
		t.Fatal(err)
	}
	fresh, err := ring.Next()
	if err != nil {
		t.Fatal(err)
	}
	ring.Use(fresh)
	seen := make(map[string]bool)
	for range 2 { // the same part id: the key is no function of it
		part, err := ring.OpenPart(receipt.PartID{Epoch: receipt.Epoch{1}})
		if err != nil {
			t.Fatal(err)
		}
		for _, value := range []string{"", "jo@mail.example", "jo@mail.example ", "J"} {
			var a, b [seal.TokenDigits]byte
			part.PutToken(a[:], value)
			part.PutToken(b[:], value)
			if _, err := hex.DecodeString(string(a[:])); err != nil || a != b || seen[string(a[:])] {
				t.Errorf("%q has token %q, then %q; seen before: %v", value, a, b, seen[string(a[:])])
			}
			seen[string(a[:])] = true
		}
	}
}
