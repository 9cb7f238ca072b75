package journal_test

import (
	"bytes"
	"encoding/pem"
	"errors"
	"testing"

	"github.com/veriproof/notary/sdk/journal"
	"github.com/veriproof/notary/sdk/receipt"
)

func TestWrappedDEK(t *testing.T) {
	wrap, dek, id := fixedSecret(0x40), fixedSecret(1), fixedPart()
	wrapped := journal.WrapDEK(wrap, 3, id, dek)
	if n, err := journal.WrapNumber(wrapped); n != 3 || err != nil || len(wrapped) != journal.WrappedDEKSize {
		t.Errorf("number %d, %v, %d bytes", n, err, len(wrapped))
	}
	if got, err := journal.UnwrapDEK(wrap, id, wrapped); err != nil || *got != *dek {
		t.Fatalf("own wrapped key: %v", err)
	}
	for i := range wrapped {
		for bit := range 8 {
			b := bytes.Clone(wrapped)
			b[i] ^= 1 << bit
			if _, err := journal.UnwrapDEK(wrap, id, b); !errors.Is(err, journal.ErrKey) {
				t.Errorf("bit %d of byte %d flipped: %v", bit, i, err)
			}
		}
	}
}

// elsewhere returns places that differ from id in one thing each.
func elsewhere(id receipt.PartID) map[string]receipt.PartID {
	epoch, handle, part := id, id, id
	epoch.Epoch[15] ^= 1
	handle.Handle[0] ^= 1
	part.Part++
	return map[string]receipt.PartID{"epoch": epoch, "handle": handle, "part": part}
}

// TestWrappedDEKMoved (T32): under another id, or another wrap key, it does not
// open.
func TestWrappedDEKMoved(t *testing.T) {
	wrap, id := fixedSecret(0x40), fixedPart()
	wrapped := journal.WrapDEK(wrap, 3, id, fixedSecret(1))
	for name, other := range elsewhere(id) {
		if _, err := journal.UnwrapDEK(wrap, other, wrapped); !errors.Is(err, journal.ErrKey) {
			t.Errorf("another %s: %v", name, err)
		}
	}
	if _, err := journal.UnwrapDEK(fixedSecret(0x41), id, wrapped); !errors.Is(err, journal.ErrKey) {
		t.Errorf("another wrap key: %v", err)
	}
	for _, b := range [][]byte{nil, wrapped[1:], append(bytes.Clone(wrapped), 0), make([]byte, journal.WrappedDEKSize)} {
		if _, err := journal.UnwrapDEK(wrap, id, b); !errors.Is(err, journal.ErrKey) {
			t.Errorf("%d bytes: %v", len(b), err)
		}
	}
}

// TestSeal: a secret opens for its recipient, purpose, epoch and number, and
// for nothing else.
func TestSeal(t *testing.T) {
	me, other := identity(t, 1), identity(t, 2)
	secret, epoch := fixedSecret(7), receipt.Epoch{1}
	sealed, err := me.Recipient().Seal(journal.WrapKey, epoch, 4, secret)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := me.Open(journal.WrapKey, epoch, 4, sealed); err != nil || *got != *secret {
		t.Fatalf("own secret: %v", err)
	}
	for name, open := range map[string]func() (*[32]byte, error){
		"other recipient": func() (*[32]byte, error) { return other.Open(journal.WrapKey, epoch, 4, sealed) },
		"other purpose":   func() (*[32]byte, error) { return me.Open(journal.LookupKey, epoch, 4, sealed) },
		"other epoch":     func() (*[32]byte, error) { return me.Open(journal.WrapKey, receipt.Epoch{2}, 4, sealed) },
		"other number":    func() (*[32]byte, error) { return me.Open(journal.WrapKey, epoch, 5, sealed) },
		"empty":           func() (*[32]byte, error) { return me.Open(journal.WrapKey, epoch, 4, nil) },
		"cut":             func() (*[32]byte, error) { return me.Open(journal.WrapKey, epoch, 4, sealed[:len(sealed)-1]) },
		"first byte": func() (*[32]byte, error) {
			b := bytes.Clone(sealed)
			b[0] ^= 1
			return me.Open(journal.WrapKey, epoch, 4, b)
		},
		"last byte": func() (*[32]byte, error) {
			b := bytes.Clone(sealed)
			b[len(b)-1] ^= 1
			return me.Open(journal.WrapKey, epoch, 4, b)
		},
	} {
		if _, err := open(); !errors.Is(err, journal.ErrKey) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// identity is the private key with the seed n, n+1, …
func identity(t testing.TB, n byte) *journal.Identity {
	t.Helper()
	id, err := journal.ParseIdentity(pem.EncodeToMemory(&pem.Block{Type: "NOTARY RECIPIENT PRIVATE KEY", Bytes: seq(n, 32)}))
	if err != nil {
		t.Fatal(err)
	}
	return id
}

func TestIdentityPEM(t *testing.T) {
	made, err := journal.GenerateIdentity()
	if err != nil {
		t.Fatal(err)
	}
	text, err := made.PEM()
	if err != nil {
		t.Fatal(err)
	}
	again, err := journal.ParseIdentity(text)
	if err != nil {
		t.Fatal(err)
	}
	recipient, err := journal.ParseRecipient(made.Recipient().PEM())
	if err != nil {
		t.Fatal(err)
	}
	if again.Recipient().ID() != made.Recipient().ID() || recipient.ID() != made.Recipient().ID() || !bytes.Equal(recipient.Bytes(), made.Recipient().Bytes()) {
		t.Error("the key changed on its way through PEM")
	}
	public := made.Recipient().PEM()
	for name, bad := range map[string][]byte{
		"empty":         nil,
		"no PEM":        []byte("recipient"),
		"private key":   text,
		"two blocks":    append(bytes.Clone(public), public...),
		"short key":     pem.EncodeToMemory(&pem.Block{Type: "NOTARY RECIPIENT PUBLIC KEY", Bytes: recipient.Bytes()[1:]}),
		"long key":      pem.EncodeToMemory(&pem.Block{Type: "NOTARY RECIPIENT PUBLIC KEY", Bytes: append(recipient.Bytes(), 0)}),
		"no key at all": pem.EncodeToMemory(&pem.Block{Type: "NOTARY RECIPIENT PUBLIC KEY"}),
	} {
		if _, err := journal.ParseRecipient(bad); !errors.Is(err, journal.ErrKey) {
			t.Errorf("recipient, %s: %v", name, err)
		}
	}
	for name, bad := range map[string][]byte{
		"empty":      nil,
		"public key": public,
		"short seed": pem.EncodeToMemory(&pem.Block{Type: "NOTARY RECIPIENT PRIVATE KEY", Bytes: seq(0, 31)}),
	} {
		if _, err := journal.ParseIdentity(bad); !errors.Is(err, journal.ErrKey) {
			t.Errorf("identity, %s: %v", name, err)
		}
	}
}

// TestSessionHandle: the name that storage sees depends on tenant, session and
// the epoch's key, and on where one ends and the next begins.
func TestSessionHandle(t *testing.T) {
	seen := map[receipt.Handle]bool{}
	for _, h := range []receipt.Handle{
		journal.SessionHandle(fixedSecret(0), "acme", []byte("s-1")),
		journal.SessionHandle(fixedSecret(1), "acme", []byte("s-1")),
		journal.SessionHandle(fixedSecret(0), "acmes", []byte("-1")),
		journal.SessionHandle(fixedSecret(0), "acme", []byte("s-2")),
	} {
		if seen[h] {
			t.Errorf("handle %v twice", h)
		}
		seen[h] = true
	}
}

// TestDerivedKeysDiffer: salts and edit keys never coincide, over segments,
// indices and parts.
func TestDerivedKeysDiffer(t *testing.T) {
	seen := map[receipt.Hash]bool{}
	add := func(h receipt.Hash) {
		if seen[h] {
			t.Errorf("%v twice", h)
		}
		seen[h] = true
	}
	ids := elsewhere(fixedPart())
	ids["itself"] = fixedPart()
	for _, id := range ids {
		keys := journal.DeriveKeys(fixedSecret(1), id)
		add(keys.Commitment)
		for segment := range uint64(4) {
			for index := range uint32(4) {
				add(keys.Salt(segment, index))
				add(keys.EditKey(segment, index))
			}
		}
	}
	if a, b := journal.NewSecret(), journal.NewSecret(); *a == *b {
		t.Error("two random secrets agree")
	}
}
