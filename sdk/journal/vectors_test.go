package journal_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"testing"

	"github.com/veriproof/notary/sdk/journal"
	"github.com/veriproof/notary/sdk/receipt"
)

var update = flag.Bool("update", false, "write testdata/*.json anew; a change of these files is a change of the format")

type obj map[string]any

func hx(b []byte) string { return hex.EncodeToString(b) }

// golden compares v with testdata/name. The files are for second
// implementations too: every input stands beside its output.
func golden(t *testing.T, name string, v any) {
	t.Helper()
	b, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	b = append(b, '\n')
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, b, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(b, want) {
		t.Errorf("%s: the format has changed. Now:\n%s", path, b)
	}
}

func part(id receipt.PartID) obj {
	return obj{"epoch": id.Epoch, "handle": id.Handle, "part": id.Part}
}

func TestVectorsChain(t *testing.T) {
	var cases []obj
	entries := fixedJournal()
	for i := range entries {
		e := &entries[i]
		encoded := e.Append(nil)
		cases = append(cases, obj{
			"epoch": e.Epoch, "seq": e.Seq, "kind": e.Kind, "kind_name": e.Kind.String(), "handle": e.Handle, "part": e.Part, "segment": e.Segment,
			"body": hx(e.Body), "header": hx(encoded[:102]), "chain": e.Chain, "signature": hx(e.Signature), "entry": hx(encoded),
		})
	}
	key := fixedKey(0)
	golden(t, "chain.json", obj{"signing_seed": hx(key.Seed()), "signing_key": hx(public(key)), "entries": cases})
}

func TestVectorsPosition(t *testing.T) {
	p, key := fixedPosition(), fixedKey(0)
	golden(t, "position.json", obj{
		"signing_seed": hx(key.Seed()), "signing_key": hx(public(key)),
		"epoch": p.Epoch, "seq": p.Seq, "chain": p.Chain, "signature": hx(p.Signature), "position": hx(p.Encode()),
		"close_commitment":  journal.CloseCommitment(p.Epoch, p.Seq, p.Chain),
		"checkpoint_random": hx(seq(0x60, 32)), "checkpoint_commitment": journal.CheckpointCommitment(p.Epoch, p.Seq, p.Chain, *fixedSecret(0x60)),
	})
}

func TestVectorsKeys(t *testing.T) {
	id, dek, wrap, lookup := fixedPart(), fixedSecret(1), fixedSecret(0x40), fixedSecret(0xb0)
	keys := journal.DeriveKeys(dek, id)
	var leaves []obj
	for _, at := range []struct {
		segment uint64
		index   uint32
	}{{0, 0}, {7, 1}, {1<<64 - 1, 1<<32 - 1}} {
		leaves = append(leaves, obj{"segment": at.segment, "index": at.index, "salt": keys.Salt(at.segment, at.index), "edit_key": keys.EditKey(at.segment, at.index)})
	}
	wrapped := journal.WrapDEK(wrap, 3, id, dek)
	golden(t, "keys.json", obj{
		"part": part(id), "dek": hx(dek[:]), "dek_commitment": keys.Commitment, "leaves": leaves,
		"wrap_key": hx(wrap[:]), "wrap_number": 3, "wrapped_dek": hx(wrapped), "wrapped_dek_sha256": receipt.Hash(sha256.Sum256(wrapped)),
		"lookup_key": hx(lookup[:]), "tenant": "acme", "session": hx([]byte("s-1")), "session_handle": journal.SessionHandle(lookup, "acme", []byte("s-1")),
	})
}

func TestVectorsSegment(t *testing.T) {
	_, s, body := mustSealed(t, 7)
	var records []obj
	for _, r := range fixedContent().Records {
		records = append(records, obj{"kind": r.Kind, "resource": hx(r.Resource), "scope": hx(r.Scope), "edits": hx(r.Edits), "record": hx(r.Bytes)})
	}
	golden(t, "segment.json", obj{
		"part": part(fixedPart()), "number": 7, "dek": hx(fixedSecret(1)[:]), "tenant": "acme", "session": hx([]byte("s-1")),
		"records": records, "wrapped_dek_sha256": s.WrappedDEK, "leaves": s.Leaves, "ciphertext": hx(s.Ciphertext), "segment": hx(body),
	})
}

func TestVectorsPadding(t *testing.T) {
	var cases []obj
	keys := journal.DeriveKeys(fixedSecret(1), fixedPart())
	for _, n := range []int{0, 150, 187, 188, 189, 300, 1000, 5000, 65536, 100000} {
		c := &journal.Content{Records: []receipt.Record{{Kind: receipt.Span, Bytes: make([]byte, n)}}}
		const overhead = 4 + 4 + 4 + 4 + 4 + 4 + 17 // lengths and counts around one record with one empty context
		cases = append(cases, obj{"content_with_length": n + overhead, "ciphertext": len(keys.SealSegment(0, receipt.Hash{}, c).Ciphertext)})
	}
	golden(t, "padding.json", cases)
}

// TestVectorsHPKE: sealing is randomised, so the vector is one sealed secret
// that must open for ever.
func TestVectorsHPKE(t *testing.T) {
	type vector struct {
		Seed       string `json:"seed"`
		PublicPEM  string `json:"public_pem"`
		Recipient  string `json:"recipient"`
		Purpose    string `json:"purpose"`
		Epoch      string `json:"epoch"`
		Number     uint64 `json:"number"`
		Secret     string `json:"secret"`
		Ciphertext string `json:"ciphertext"`
	}
	path := filepath.Join("testdata", "hpke.json")
	me, epoch := identity(t, 1), fixedPart().Epoch
	if *update {
		sealed, err := me.Recipient().Seal(journal.WrapKey, epoch, 3, fixedSecret(0x40))
		if err != nil {
			t.Fatal(err)
		}
		b, err := json.MarshalIndent(vector{
			Seed: hx(seq(1, 32)), PublicPEM: string(me.Recipient().PEM()), Recipient: me.Recipient().ID().String(), Purpose: string(journal.WrapKey),
			Epoch: epoch.String(), Number: 3, Secret: hx(fixedSecret(0x40)[:]), Ciphertext: hx(sealed),
		}, "", "  ")
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, append(b, '\n'), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var v vector
	if err := json.Unmarshal(b, &v); err != nil {
		t.Fatal(err)
	}
	sealed, err := hex.DecodeString(v.Ciphertext)
	if err != nil {
		t.Fatal(err)
	}
	got, err := me.Open(journal.Purpose(v.Purpose), epoch, v.Number, sealed)
	if err != nil || hx(got[:]) != v.Secret {
		t.Errorf("the sealed secret of the vector: %v", err)
	}
	if me.Recipient().ID().String() != v.Recipient || string(me.Recipient().PEM()) != v.PublicPEM {
		t.Error("the public key of the vector's seed is another")
	}
}
