package receipt_test

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"testing"

	"filippo.io/torchwood"
	"github.com/transparency-dev/formats/log"
	"github.com/transparency-dev/formats/proof"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/veriproof/notary/sdk/receipt"
)

// TestProofBySeveralVerifiers: one proof, made by x/mod and torchwood, is
// accepted by ours, by torchwood with a policy text, and by
// transparency-dev/formats.
func TestProofBySeveralVerifiers(t *testing.T) {
	commitment := receipt.Hash(seq(0x33, 32))
	l, text := fixedProof(t, commitment)

	index, err := receipt.VerifyProof(text, commitment, []string{l.vkey})
	if err != nil || index != 21 {
		t.Errorf("ours: index %d, %v", index, err)
	}
	policy, err := torchwood.ParsePolicy([]byte("log " + l.vkey + "\nquorum none\n"))
	if err != nil {
		t.Fatal(err)
	}
	if err := torchwood.VerifyProof(policy, tlog.RecordHash(commitment[:]), text); err != nil {
		t.Errorf("torchwood: %v", err)
	}
	verifyByFormats(t, text, commitment, l.vkey)
}

func verifyByFormats(t *testing.T, text []byte, commitment receipt.Hash, vkey string) {
	t.Helper()
	var p proof.TLogProof
	if err := p.Unmarshal(text); err != nil {
		t.Fatalf("formats: %v", err)
	}
	if !bytes.Equal(p.Marshal(), text) {
		t.Error("formats: another encoding of the same proof")
	}
	v, err := note.NewVerifier(vkey)
	if err != nil {
		t.Fatal(err)
	}
	c, _, _, err := log.ParseCheckpoint(p.Checkpoint, v.Name(), v)
	if err != nil {
		t.Fatalf("formats: checkpoint: %v", err)
	}
	hashes := make([]receipt.Hash, len(p.Hashes))
	for i := range p.Hashes {
		hashes[i] = p.Hashes[i]
	}
	root, err := receipt.RootFromPath(receipt.LeafHash(commitment[:]), p.Index, c.Size, hashes)
	if err != nil || !bytes.Equal(root[:], c.Hash) {
		t.Errorf("formats: root %v, %v, want %x", root, err, c.Hash)
	}
}

// TestProofEveryByte (T41): no proof with one byte changed, added or taken away
// is accepted.
func TestProofEveryByte(t *testing.T) {
	commitment := receipt.Hash(seq(0x33, 32))
	l, text := fixedProof(t, commitment)
	keys := []string{l.vkey}
	refused := func(b []byte, what string, i int) {
		if _, err := receipt.VerifyProof(b, commitment, keys); !errors.Is(err, receipt.ErrProof) {
			t.Errorf("%s at %d: %v", what, i, err)
		}
	}
	for i := range text {
		for _, bits := range []byte{1, 2, 4, 0x20} {
			b := bytes.Clone(text)
			b[i] ^= bits
			refused(b, "bit flipped", i)
		}
		refused(append(bytes.Clone(text[:i]), text[i+1:]...), "byte removed", i)
		for _, c := range []byte("\n\rA") {
			refused(append(append(bytes.Clone(text[:i]), c), text[i:]...), "byte added", i)
		}
		refused(text[:i], "cut", i)
	}
}

func TestProofRefused(t *testing.T) {
	commitment := receipt.Hash(seq(0x33, 32))
	l, text := fixedProof(t, commitment)
	lines := strings.SplitAfter(string(text), "\n")
	signature := lines[len(lines)-2]
	other := newLog("log.example/other", 0xd0)
	other.fill(t, 21)
	other.add(t, commitment[:])
	impostor := newLog("log.example/vectors", 0xd0) // the name of the log, another key
	impostor.add(t, commitment[:])
	garbage := signature[:len(signature)-20] + strings.Repeat("A", 16) + signature[len(signature)-4:]
	origin := strings.Replace(string(text), "log.example/vectors\n", "log.example/renamed\n", 1)

	for name, c := range map[string]struct {
		proof      string
		commitment receipt.Hash
		vkeys      []string
	}{
		"other commitment":       {string(text), receipt.Hash{1}, []string{l.vkey}},
		"no key":                 {string(text), commitment, nil},
		"another log's key":      {string(text), commitment, []string{other.vkey}},
		"impostor":               {string(impostor.prove(t, 0)), commitment, []string{l.vkey}},
		"malformed key":          {string(text), commitment, []string{"log.example/vectors"}},
		"policy text as key":     {string(text), commitment, []string{l.vkey + "\nquorum none\n#"}},
		"extra line":             {string(withExtra(text)), commitment, []string{l.vkey}},
		"extra after index":      {lines[0] + lines[1] + "extra AAAA\n" + strings.Join(lines[2:], ""), commitment, []string{l.vkey}},
		"signature twice":        {string(text) + signature, commitment, []string{l.vkey}},
		"second, bad signature":  {string(text) + garbage, commitment, []string{l.vkey}},
		"origin renamed":         {origin, commitment, []string{l.vkey}},
		"hash twice":             {lines[0] + lines[1] + lines[2] + strings.Join(lines[2:], ""), commitment, []string{l.vkey}},
		"65 hashes":              {lines[0] + lines[1] + strings.Repeat(lines[2], 65) + strings.Join(lines[2:], ""), commitment, []string{l.vkey}},
		"too long":               {string(text) + strings.Repeat("\n", receipt.MaxProof), commitment, []string{l.vkey}},
		"empty":                  {"", commitment, []string{l.vkey}},
		"header only":            {lines[0], commitment, []string{l.vkey}},
		"index only":             {lines[0] + "index 21", commitment, []string{l.vkey}},
		"index with sign":        {strings.Replace(string(text), "index 21", "index +21", 1), commitment, []string{l.vkey}},
		"index with zero":        {strings.Replace(string(text), "index 21", "index 021", 1), commitment, []string{l.vkey}},
		"other version":          {strings.Replace(string(text), "@v1", "@v2", 1), commitment, []string{l.vkey}},
		"checkpoint of two line": {strings.Join(lines[:9], ""), commitment, []string{l.vkey}},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := receipt.VerifyProof([]byte(c.proof), c.commitment, c.vkeys); !errors.Is(err, receipt.ErrProof) {
				t.Errorf("error %v, want ErrProof", err)
			}
		})
	}
}

func withExtra(text []byte) []byte {
	header, rest, _ := bytes.Cut(text, []byte("\n"))
	return bytes.Join([][]byte{header, []byte("extra " + base64.StdEncoding.EncodeToString([]byte("hello"))), rest}, []byte("\n"))
}

// TestProofOfAnyLog: with several pinned keys, one of them suffices, and a key
// that is pinned twice is no error. torchwood's policy text would want all logs
// to have signed.
func TestProofOfAnyLog(t *testing.T) {
	commitment := receipt.Hash(seq(0x33, 32))
	l, text := fixedProof(t, commitment)
	other := newLog("log.example/other", 0xd0)
	for _, keys := range [][]string{{other.vkey, l.vkey}, {l.vkey, l.vkey}, {l.vkey, other.vkey, l.vkey}} {
		if _, err := receipt.VerifyProof(text, commitment, keys); err != nil {
			t.Errorf("%d keys: %v", len(keys), err)
		}
	}
}

// TestProofWithWitness: a cosignature by a key that the verifier does not know
// is ignored (C2SP signed-note), but it cannot stand in for the log's.
func TestProofWithWitness(t *testing.T) {
	commitment := receipt.Hash(seq(0x33, 32))
	l, _ := fixedProof(t, commitment)
	witness := newLog("witness.example", 0xe0)
	signer, err := note.NewSigner(witness.skey)
	if err != nil {
		t.Fatal(err)
	}
	text := l.prove(t, 21, signer)
	if _, err := receipt.VerifyProof(text, commitment, []string{l.vkey}); err != nil {
		t.Errorf("with the log's key: %v", err)
	}
	if _, err := receipt.VerifyProof(text, commitment, []string{witness.vkey}); !errors.Is(err, receipt.ErrProof) {
		t.Errorf("with the witness's key only: %v", err)
	}
}

// TestProofSaysWhoseKey: who pins another key than the log signs with reads both.
func TestProofSaysWhoseKey(t *testing.T) {
	commitment := receipt.Hash(seq(0x33, 32))
	l, _ := fixedProof(t, commitment)
	witness, other := newLog("witness.example", 0xe0), newLog("other.example", 0xe1)
	signer, err := note.NewSigner(witness.skey)
	if err != nil {
		t.Fatal(err)
	}
	named := func(vkey string) string {
		v, err := note.NewVerifier(vkey)
		if err != nil {
			t.Fatal(err)
		}
		return fmt.Sprintf("%q+%08x", v.Name(), v.KeyHash())
	}
	for _, wanted := range [][]string{{other.vkey}, {witness.vkey}, {other.vkey, witness.vkey}} {
		var names []string
		for _, k := range wanted {
			names = append(names, named(k))
		}
		want := fmt.Sprintf("wanted is one by %s, there are those by ", strings.Join(names, ", "))
		_, err = receipt.VerifyProof(l.prove(t, 21, signer), commitment, wanted)
		if !errors.Is(err, receipt.ErrProof) || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), named(l.vkey)) {
			t.Errorf("%v", err)
		}
	}
}

// FuzzVerifyProof: whatever is made of a proof, only itself is accepted, and
// ProofIndex agrees with transparency-dev/formats about every proof it reads.
func FuzzVerifyProof(f *testing.F) {
	commitment := receipt.Hash(seq(0x33, 32))
	l, text := fixedProof(f, commitment)
	f.Add(text)
	f.Add(withExtra(text))
	f.Add([]byte("c2sp.org/tlog-proof@v1\nindex 0\n\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		if _, err := receipt.VerifyProof(b, commitment, []string{l.vkey}); err == nil && !bytes.Equal(b, text) {
			// A checkpoint of the log that we did not make would be a forgery;
			// cosignatures of unknown keys are the one thing that may be added.
			if !bytes.HasPrefix(b, text) {
				t.Fatalf("accepted %q", b)
			}
		}
		index, err := receipt.ProofIndex(b)
		var p proof.TLogProof
		if err == nil && p.Unmarshal(b) == nil && p.Index != index {
			t.Fatalf("index %d, formats reads %d", index, p.Index)
		}
	})
}
