package receipt_test

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"strings"
	"testing"

	"filippo.io/torchwood"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

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

// fixedManifest is the manifest of the vectors.
func fixedManifest() receipt.Manifest {
	return receipt.Manifest{
		V: "1",
		Origin: receipt.Origin{
			Epoch: receipt.Epoch(seq(0x10, 16)), RuntimeData: receipt.Hash(seq(0x20, 32)), PluginSet: receipt.Hash(seq(0x40, 32)), Mode: "enforce",
		},
		SealedBy: receipt.Sealer{Epoch: receipt.Epoch(seq(0x10, 16)), RuntimeData: receipt.Hash(seq(0x20, 32))},
		Seq:      7, Prev: receipt.Hash(seq(0x60, 32)),
		Handle: receipt.Handle(seq(0x80, 32)), Part: 2,
		Leaves: 3, Root: receipt.Root(fixedLeaves(3)), DEKCommitment: receipt.Hash(seq(0xa0, 32)),
		FirstSeq: 11, LastSeq: 19,
		HostClock: receipt.HostClock{OpenedUnixNano: 1_800_000_000_000_000_000, SealedUnixNano: 1_800_000_060_000_000_001},
		Reason:    receipt.ReasonEnd,
	}
}

func fixedRecord() *receipt.Record {
	return &receipt.Record{
		Kind: receipt.Span, Resource: []byte("resource"), Scope: []byte("scope"), Bytes: []byte("record"),
		Edits: receipt.EncodeEdits([]receipt.Edit{{Plugin: "redact-pii", Label: "EMAIL", Place: "span.attributes.value", Length: 17}}),
	}
}

// fixedLeaves returns n leaf hashes, of the data "leaf 0", "leaf 1", …
func fixedLeaves(n int) []receipt.Hash {
	leaves := make([]receipt.Hash, n)
	for i := range leaves {
		leaves[i] = receipt.LeafHash(fmt.Appendf(nil, "leaf %d", i))
	}
	return leaves
}

// A testLog is a log of records held in memory, made with golang.org/x/mod
// alone: what VerifyProof accepts is not what our own code produced.
type testLog struct {
	vkey, skey string
	hashes     []tlog.Hash
	size       int64
}

// newLog makes a log whose Ed25519 note key has a fixed seed.
func newLog(name string, seed byte) *testLog {
	key := fixedKey(seed)
	vkey, err := note.NewEd25519VerifierKey(name, key.Public().(ed25519.PublicKey))
	if err != nil {
		panic(err)
	}
	hash := strings.Split(vkey, "+")[1]
	skey := fmt.Sprintf("PRIVATE+KEY+%s+%s+%s", name, hash, base64.StdEncoding.EncodeToString(append([]byte{1}, key.Seed()...)))
	return &testLog{vkey: vkey, skey: skey}
}

func (l *testLog) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	out := make([]tlog.Hash, len(indexes))
	for i, x := range indexes {
		out[i] = l.hashes[x]
	}
	return out, nil
}

func (l *testLog) add(t testing.TB, records ...[]byte) {
	t.Helper()
	for _, r := range records {
		h, err := tlog.StoredHashes(l.size, r, l)
		if err != nil {
			t.Fatal(err)
		}
		l.hashes = append(l.hashes, h...)
		l.size++
	}
}

// fill adds n records that nothing looks at.
func (l *testLog) fill(t testing.TB, n int) {
	for range n {
		l.add(t, binary.BigEndian.AppendUint64(nil, uint64(l.size)))
	}
}

func (l *testLog) root(t testing.TB) tlog.Hash {
	t.Helper()
	h, err := tlog.TreeHash(l.size, l)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// checkpoint signs the log's head, with further signers after the log's own.
func (l *testLog) checkpoint(t testing.TB, others ...note.Signer) []byte {
	t.Helper()
	signer, err := note.NewSigner(l.skey)
	if err != nil {
		t.Fatal(err)
	}
	text := torchwood.Checkpoint{Origin: signer.Name(), Tree: tlog.Tree{N: l.size, Hash: l.root(t)}}.String()
	signed, err := note.Sign(&note.Note{Text: text}, append([]note.Signer{signer}, others...)...)
	if err != nil {
		t.Fatal(err)
	}
	return signed
}

func (l *testLog) prove(t testing.TB, index int64, others ...note.Signer) []byte {
	t.Helper()
	path, err := tlog.ProveRecord(l.size, index, l)
	if err != nil {
		t.Fatal(err)
	}
	return torchwood.FormatProof(index, path, l.checkpoint(t, others...))
}

// A fixedWitness cosigns as C2SP tlog-cosignature says, at a time of its own.
type fixedWitness struct {
	name    string
	key     ed25519.PrivateKey
	seconds uint64
}

func (w *fixedWitness) public() []byte {
	return append([]byte{4}, w.key.Public().(ed25519.PublicKey)...)
}

func (w *fixedWitness) vkey() string {
	return fmt.Sprintf("%s+%08x+%s", w.name, w.KeyHash(), base64.StdEncoding.EncodeToString(w.public()))
}

func (w *fixedWitness) Name() string { return w.name }

func (w *fixedWitness) KeyHash() uint32 {
	sum := sha256.Sum256(append([]byte(w.name+"\n"), w.public()...))
	return binary.BigEndian.Uint32(sum[:])
}

func (w *fixedWitness) Sign(text []byte) ([]byte, error) {
	message := fmt.Appendf(nil, "cosignature/v1\ntime %d\n%s", w.seconds, text)
	return append(binary.BigEndian.AppendUint64(nil, w.seconds), ed25519.Sign(w.key, message)...), nil
}

// fixedProof is the log and proof of the vectors: 37 entries, ours is entry 21.
func fixedProof(t testing.TB, commitment receipt.Hash) (l *testLog, proof []byte) {
	l = newLog("log.example/vectors", 0xc0)
	l.fill(t, 21)
	l.add(t, commitment[:])
	l.fill(t, 15)
	return l, l.prove(t, 21)
}
