package receipt_test

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"testing"

	"github.com/veriproof/notary/attestation/transcript"
	"github.com/veriproof/notary/sdk/receipt"
)

var update = flag.Bool("update", false, "write testdata/*.json anew; a change of these files is a change of the format")

// golden compares v with testdata/name. The files are for second
// implementations too: every input stands beside its output.
func golden(t *testing.T, name string, v any) {
	t.Helper()
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, b.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(b.Bytes(), want) {
		t.Errorf("%s: the format has changed. Now:\n%s", path, b.Bytes())
	}
}

func hx(b []byte) string { return hex.EncodeToString(b) }

type obj map[string]any

func TestVectorsTranscript(t *testing.T) {
	tr := func() *transcript.Transcript {
		return transcript.New("veriproof-notary/example/v1").Bytes(nil).String("ab").Uint64(258)
	}
	golden(t, "transcript.json", obj{
		"domain": "veriproof-notary/example/v1",
		"fields": []obj{{"bytes": ""}, {"bytes": hx([]byte("ab"))}, {"uint64": 258}},
		"encode": hx(tr().Encode()), "sum": receipt.Hash(tr().Sum()),
	})
}

func TestVectorsLeaf(t *testing.T) {
	var cases []obj
	for _, r := range []*receipt.Record{
		fixedRecord(),
		{Kind: receipt.Log, Resource: []byte("resource"), Bytes: []byte("record"), Edits: receipt.EncodeEdits(nil)},
		{Kind: receipt.Closing, Bytes: []byte("{}"), Edits: receipt.EncodeEdits(nil)},
		{Kind: receipt.Span, Edits: receipt.EncodeEdits([]receipt.Edit{ // dropped
			{Plugin: "redact-pii", Label: "PRIVATE_KEY", Place: "span.attributes.value", Length: 1704},
			{Plugin: receipt.HostPlugin, Label: receipt.LabelDropped, Place: receipt.Span.String(), Length: 2210},
		})},
	} {
		salt, editKey := receipt.Hash(seq(1, 32)), receipt.Hash(seq(0x41, 32))
		commitment := receipt.EditCommitment(editKey, r.Edits)
		edits, err := receipt.DecodeEdits(r.Edits)
		if err != nil || receipt.Dropped(edits) != (r.Bytes == nil) {
			t.Fatal(edits, err)
		}
		cases = append(cases, obj{
			"kind": r.Kind, "salt": salt, "resource": hx(r.Resource), "scope": hx(r.Scope), "record": hx(r.Bytes),
			"edit_list": edits, "edits": hx(r.Edits), "edit_key": editKey, "edit_commitment": commitment,
			"leaf_hash": r.LeafHash(salt, commitment),
		})
	}
	golden(t, "leaf.json", cases)
}

func TestVectorsTree(t *testing.T) {
	var cases []obj
	for _, size := range []int{0, 1, 2, 3, 4, 5, 7, 8, 13} {
		leaves := fixedLeaves(size)
		paths := make([][]receipt.Hash, size)
		for i := range paths {
			paths[i] = append([]receipt.Hash{}, path(leaves, i)...)
		}
		cases = append(cases, obj{"leaves": leaves, "root": receipt.Root(leaves), "paths": paths})
	}
	golden(t, "tree.json", cases)
}

func TestVectorsManifest(t *testing.T) {
	recovered := fixedManifest()
	recovered.Reason, recovered.Seq, recovered.Prev = receipt.ReasonRecovered, 0, receipt.Hash{}
	recovered.SealedBy = receipt.Sealer{Epoch: receipt.Epoch(seq(0x70, 16)), RuntimeData: receipt.Hash(seq(0x80, 32))}
	var cases []obj
	for _, m := range []receipt.Manifest{fixedManifest(), recovered} {
		b, err := m.Encode()
		if err != nil {
			t.Fatal(err)
		}
		key := fixedKey(0)
		cases = append(cases, obj{
			"manifest": string(b), "sha256": receipt.Hash(sha256.Sum256(b)), "commitment": receipt.Commitment(b),
			"signing_seed": hx(key.Seed()), "signing_key": hx(key.Public().(ed25519.PublicKey)),
			"kid": receipt.KeyID(key.Public().(ed25519.PublicKey)), "receipt": receipt.Sign(b, key),
		})
	}
	golden(t, "manifest.json", cases)
}

func TestVectorsProof(t *testing.T) {
	commitment := receipt.Hash(seq(0x33, 32))
	l, proof := fixedProof(t, commitment)
	golden(t, "proof.json", obj{"commitment": commitment, "vkey": l.vkey, "index": 21, "size": l.size, "proof": string(proof)})
}

// TestVectorsCosigned: a proof whose checkpoint a witness has cosigned at a fixed
// time. torchwood, whose signer takes the present time, accepts it.
func TestVectorsCosigned(t *testing.T) {
	commitment := receipt.Hash(seq(0x33, 32))
	l, _ := fixedProof(t, commitment)
	w := &fixedWitness{name: "witness.example", key: fixedKey(0xe0), seconds: 1_800_000_000}
	proof := l.prove(t, 21, w)
	if got, err := receipt.Cosigners(proof, []string{l.vkey, w.vkey()}); err == nil {
		t.Errorf("a log's key as that of a witness: %v", got)
	}
	got, err := receipt.Cosigners(proof, []string{w.vkey()})
	if err != nil || len(got) != 1 || got[0].At.Unix() != int64(w.seconds) {
		t.Errorf("cosigners %v, %v", got, err)
	}
	w.seconds = 1<<64 - 1
	got, err = receipt.Cosigners(l.prove(t, 21, w), []string{w.vkey()})
	if err != nil || len(got) != 1 || got[0].At.Year() != 9999 {
		t.Errorf("a time that no clock shows: %v, %v", got, err)
	}
	w.seconds = 1_800_000_000
	golden(t, "cosigned.json", obj{"commitment": commitment, "vkey": l.vkey, "witness": w.vkey(), "time": w.seconds, "proof": string(proof)})
}

func TestVectorsOpening(t *testing.T) {
	o, m := fixedOpening(t)
	b, err := o.Encode()
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "opening.json", obj{"leaves": m.Leaves, "root": m.Root, "opening": string(b)})
}

func TestVectorsSummary(t *testing.T) {
	b, err := fixedSummary().Encode()
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "summary.json", obj{"record": string(b)})
}

func fixedSummary() receipt.Summary {
	return receipt.Summary{
		Format: "1", Tenant: "acme", Session: "s-1", Records: 2, Duplicates: 1,
		Edits: []receipt.EditCount{
			{Plugin: receipt.HostPlugin, Label: receipt.LabelDropped, Place: "span", Count: 1},
			{Plugin: "redact-pii", Label: "EMAIL", Place: "span.attributes.value", Count: 3},
		},
		OpenedUnixNano: 1_800_000_000_000_000_000, SealedUnixNano: 1_800_000_060_000_000_001,
		ClaimedStartUnixNano: 1_799_999_999_000_000_000, ClaimedEndUnixNano: 1_800_000_050_000_000_000,
		SDKs: []string{"opentelemetry go 1.47.0"},
	}
}
