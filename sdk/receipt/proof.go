package receipt

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"filippo.io/torchwood"
	"golang.org/x/mod/sumdb/tlog"
)

// MaxProof is the greatest length of a log proof.
const MaxProof = 64 << 10

// ErrProof says that a log proof is malformed or does not hold.
var ErrProof = errors.New("log proof does not verify")

// VerifyProof checks a C2SP tlog-proof: that the 32-byte commitment is the
// entry at the proof's index of a log whose checkpoint is signed by one of the
// verifier keys (vkeys, C2SP signed-note), and returns that index. The keys are
// the verifier's own; nothing in a proof can name one.
//
// An "extra" line is refused: the format does not authenticate it, and a proof
// of ours has none.
func VerifyProof(proof []byte, commitment Hash, vkeys []string) (index uint64, err error) {
	if len(vkeys) == 0 {
		return 0, fmt.Errorf("%w: no log key to check it with", ErrProof)
	}
	index, err = ProofIndex(proof)
	if err != nil {
		return 0, err
	}
	var text strings.Builder
	for _, k := range vkeys {
		fmt.Fprintf(&text, "log %s\n", k)
	}
	text.WriteString("quorum none\n")
	policy, err := torchwood.ParsePolicy([]byte(text.String()))
	if err != nil {
		return 0, fmt.Errorf("%w: log keys: %w", ErrProof, err)
	}
	if err := torchwood.VerifyProof(policy, tlog.RecordHash(commitment[:]), proof); err != nil {
		return 0, fmt.Errorf("%w: %w", ErrProof, err)
	}
	return index, nil
}

// ProofIndex reads the index that a proof claims, without checking the proof.
func ProofIndex(proof []byte) (uint64, error) {
	if len(proof) > MaxProof {
		return 0, fmt.Errorf("%w: %d bytes, at most %d", ErrProof, len(proof), MaxProof)
	}
	_, rest, ok := strings.Cut(string(proof), "\n")
	if !ok {
		return 0, fmt.Errorf("%w: no second line", ErrProof)
	}
	line, _, _ := strings.Cut(rest, "\n")
	digits, ok := strings.CutPrefix(line, "index ")
	if !ok {
		return 0, fmt.Errorf("%w: second line is not the index; a line that is not authenticated is refused", ErrProof)
	}
	n, err := strconv.ParseUint(digits, 10, 63)
	if err != nil || strconv.FormatUint(n, 10) != digits {
		return 0, fmt.Errorf("%w: index is not a decimal number", ErrProof)
	}
	return n, nil
}
