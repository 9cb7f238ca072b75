package commitlog

import (
	"testing"

	"filippo.io/torchwood"
	"github.com/transparency-dev/formats/log"
	"github.com/transparency-dev/formats/proof"
	"github.com/transparency-dev/merkle/rfc6962"
	"github.com/veriproof/notary/sdk/receipt"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	merkleproof "github.com/transparency-dev/merkle/proof"
)

// withTorchwood checks a proof as anybody with filippo.io/torchwood would.
func withTorchwood(vkey string, c [32]byte, p []byte) error {
	policy, err := torchwood.ParsePolicy([]byte("log " + vkey + "\nquorum none\n"))
	if err != nil {
		return err
	}
	return torchwood.VerifyProof(policy, tlog.RecordHash(c[:]), p)
}

// withFormats checks a proof with the transparency-dev modules, which share no
// code with torchwood.
func withFormats(vkey string, c [32]byte, p []byte) error {
	v, err := note.NewVerifier(vkey)
	if err != nil {
		return err
	}
	var tp proof.TLogProof
	if err := tp.Unmarshal(p); err != nil {
		return err
	}
	cp, _, _, err := log.ParseCheckpoint(tp.Checkpoint, origin, v)
	if err != nil {
		return err
	}
	hashes := make([][]byte, len(tp.Hashes))
	for i := range tp.Hashes {
		hashes[i] = tp.Hashes[i][:]
	}
	leaf := rfc6962.DefaultHasher.HashLeaf(c[:])
	return merkleproof.VerifyInclusion(rfc6962.DefaultHasher, tp.Index, cp.Size, leaf, hashes, cp.Hash)
}

// withReceipt checks a proof as our own verifier does.
func withReceipt(vkey string, c [32]byte, p []byte) error {
	_, err := receipt.VerifyProof(p, c, []string{vkey})
	return err
}

var verifiers = map[string]func(vkey string, c [32]byte, p []byte) error{
	"torchwood": withTorchwood, "formats": withFormats, "receipt": withReceipt,
}

func verify(t testing.TB, vkey string, c [32]byte, p []byte) {
	t.Helper()
	for name, f := range verifiers {
		if err := f(vkey, c, p); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}
