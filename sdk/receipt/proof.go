package receipt

import (
	"bytes"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"filippo.io/torchwood"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// MaxProof is the greatest length of a log proof.
const MaxProof = 64 << 10

// ErrProof says that a log proof is malformed or does not hold.
var ErrProof = errors.New("log proof does not verify")

const proofHeader = "c2sp.org/tlog-proof@v1"

// VerifyProof checks a C2SP tlog-proof: that the 32-byte commitment is the
// entry at the proof's index of a log whose checkpoint is signed by one of the
// verifier keys (vkeys, C2SP signed-note), and returns that index. The keys are
// the verifier's own; nothing in a proof can name one. The checkpoint's origin
// must be the name of the key that signed it.
//
// A proof has one spelling: base64 with stray bits, a second signature by the
// same key and an "extra" line, none of which the formats authenticate, are
// refused. Signatures by keys that are not in vkeys are ignored, as C2SP
// signed-note demands; for those of witnesses there is [Cosigners].
func VerifyProof(proof []byte, commitment Hash, vkeys []string) (index uint64, err error) {
	if index, err = ProofIndex(proof); err != nil {
		return 0, err
	}
	if err := oneSpelling(string(proof)); err != nil {
		return 0, fmt.Errorf("%w: %w", ErrProof, err)
	}
	policy, err := anyLog(vkeys)
	if err != nil {
		return 0, fmt.Errorf("%w: %w", ErrProof, err)
	}
	if err := torchwood.VerifyProof(policy, tlog.RecordHash(commitment[:]), proof); err != nil {
		return 0, fmt.Errorf("%w: %w", ErrProof, whose(err, vkeys))
	}
	return index, nil
}

// whose says of a checkpoint that none of the keys has signed whose signatures were wanted, and whose
// there are. These are no claims that hold: nobody has verified them.
func whose(err error, vkeys []string) error {
	var unverified *note.UnverifiedNoteError
	if !errors.As(err, &unverified) || unverified.Note == nil {
		return err
	}
	var wanted, there []string
	for _, k := range vkeys {
		if v, err := note.NewVerifier(k); err == nil {
			wanted = append(wanted, signer(v.Name(), v.KeyHash()))
		}
	}
	for _, s := range slices.Concat(unverified.Note.Sigs, unverified.Note.UnverifiedSigs) {
		there = append(there, signer(s.Name, s.Hash))
	}
	return fmt.Errorf("%w: wanted is one by %s, there are those by %s", err, listed(wanted), listed(there))
}

// signer is how C2SP names a key, with an end to the name.
func signer(name string, hash uint32) string { return fmt.Sprintf("%.100q+%08x", name, hash) }

// listed lists as many names as somebody reads.
func listed(names []string) string {
	const most = 4
	if more := len(names) - most; more > 0 {
		return fmt.Sprintf("%s and %d more", strings.Join(names[:most], ", "), more)
	}
	return strings.Join(names, ", ")
}

// ClockSkew is how far the clock of a witness may be ahead of a verifier's.
const ClockSkew = 5 * time.Minute

// A Cosignature is what a witness has put under a checkpoint.
type Cosignature struct {
	Witness int       // index of its key in the list that was asked for
	At      time.Time // by its clock; it signs this, too
}

// Within says whether it was made neither before nor after these times.
func (c Cosignature) Within(first, last time.Time) bool {
	return !c.At.Before(first) && !c.At.After(last)
}

// Cosigners returns the cosignatures of the witnesses under the checkpoint
// of a proof. They are given as verifier keys of C2SP tlog-cosignature with
// Ed25519, each once. A cosignature of theirs that does not hold is an error. What
// the proof is about, and whether the log has signed, is for [VerifyProof].
func Cosigners(proof []byte, witnesses []string) ([]Cosignature, error) {
	if len(proof) > MaxProof {
		return nil, fmt.Errorf("%w: %d bytes, at most %d", ErrProof, len(proof), MaxProof)
	}
	_, checkpoint, _ := bytes.Cut(proof, []byte("\n\n"))
	return CheckpointCosigners(checkpoint, witnesses)
}

// CheckpointCosigners is [Cosigners] of a checkpoint by itself.
func CheckpointCosigners(checkpoint []byte, witnesses []string) ([]Cosignature, error) {
	var known []note.Verifier
	for i, w := range witnesses {
		v, err := torchwood.NewCosignatureVerifier(w)
		if err != nil {
			return nil, fmt.Errorf("%w: witness key %d: %w", ErrProof, i+1, err)
		}
		known = append(known, v)
	}
	n, err := note.Open(checkpoint, note.VerifierList(known...))
	var unverified *note.UnverifiedNoteError
	switch {
	case errors.As(err, &unverified):
		return nil, nil // signed by none of them
	case err != nil:
		return nil, fmt.Errorf("%w: %w", ErrProof, err)
	}
	var out []Cosignature
	for i, v := range known {
		at := slices.IndexFunc(n.Sigs, func(s note.Signature) bool { return s.Name == v.Name() && s.Hash == v.KeyHash() })
		if at < 0 {
			continue
		}
		// key id (4), seconds (8), signature: which has been verified over these seconds.
		raw, err := base64.StdEncoding.DecodeString(n.Sigs[at].Base64)
		if err != nil || len(raw) < 12 {
			return nil, fmt.Errorf("%w: the cosignature of witness %d has no time", ErrProof, i+1)
		}
		seconds := min(binary.BigEndian.Uint64(raw[4:]), farFuture)
		out = append(out, Cosignature{Witness: i, At: time.Unix(int64(seconds), 0).UTC()})
	}
	return out, nil
}

// farFuture, the end of the year 9999, stands for all times behind it.
const farFuture = 253402300799

// PublicKey returns the key in a verifier key NAME+ID+BASE64 of C2SP, without its
// algorithm: two verifier keys are of one holder if this is the same, whatever they
// look like.
func PublicKey(vkey string) ([ed25519.PublicKeySize]byte, error) {
	parts := strings.SplitN(vkey, "+", 3)
	raw, err := base64.StdEncoding.DecodeString(parts[len(parts)-1])
	if err != nil || len(parts) != 3 || len(raw) != 1+ed25519.PublicKeySize {
		return [ed25519.PublicKeySize]byte{}, fmt.Errorf("%s is not a verifier key of 32 bytes: want NAME+ID+BASE64", ShownKey(vkey))
	}
	return [ed25519.PublicKeySize]byte(raw[1:]), nil
}

// ShownKey is a verifier key as errors may have it: one that signs is somebody's mistake, and is
// not repeated.
func ShownKey(key string) string {
	if strings.HasPrefix(key, "PRIVATE+KEY+") {
		return "a private key, which is not repeated here,"
	}
	return fmt.Sprintf("%.100q", key)
}

// ProofIndex reads the index that a proof claims, without checking the proof.
func ProofIndex(proof []byte) (uint64, error) {
	if len(proof) > MaxProof {
		return 0, fmt.Errorf("%w: %d bytes, at most %d", ErrProof, len(proof), MaxProof)
	}
	header, rest, _ := strings.Cut(string(proof), "\n")
	if header != proofHeader {
		return 0, fmt.Errorf("%w: first line is not %q", ErrProof, proofHeader)
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

// anyLog is the policy that any one of the logs has signed. torchwood's policy
// text cannot say that: there, several logs must all have signed.
func anyLog(vkeys []string) (torchwood.Policy, error) {
	var logs []torchwood.Policy
	for i, k := range vkeys {
		if slices.Contains(vkeys[:i], k) {
			continue
		}
		v, err := note.NewVerifier(k)
		if err != nil {
			return nil, fmt.Errorf("log key %d: %w", i+1, err)
		}
		logs = append(logs, torchwood.ThresholdPolicy(2, torchwood.OriginPolicy(v.Name()), torchwood.SingleVerifierPolicy(v)))
	}
	if len(logs) == 0 {
		return nil, errors.New("no log key to check it with")
	}
	return torchwood.ThresholdPolicy(1, logs...), nil
}

// oneSpelling checks what the parsers of the formats let pass: stray bits and
// line breaks inside base64, and repeated signatures, of which they verify the
// first. The proof has a header and an index line.
func oneSpelling(proof string) error {
	path, checkpoint, ok := strings.Cut(proof, "\n\n")
	if !ok {
		return errors.New("no empty line before the checkpoint")
	}
	hashes := strings.Split(path, "\n")[2:]
	if len(hashes) > MaxPath {
		return fmt.Errorf("path of %d hashes, at most %d", len(hashes), MaxPath)
	}
	head, signatures, ok := strings.Cut(checkpoint, "\n\n")
	lines := strings.SplitN(head, "\n", 4)
	if !ok || len(lines) < 3 {
		return errors.New("checkpoint is cut short")
	}
	for _, h := range append(hashes, lines[2]) {
		if b, err := spelled(h); err != nil || len(b) != tlog.HashSize {
			return errors.New("a hash is not 32 bytes in the one base64 spelling")
		}
	}
	return distinctSignatures(signatures)
}

// distinctSignatures checks that each key, known by name and hash, signs once.
func distinctSignatures(block string) error {
	seen := make(map[string]bool)
	for line := range strings.Lines(block) {
		name, b64, _ := strings.Cut(strings.TrimSuffix(strings.TrimPrefix(line, "— "), "\n"), " ")
		sig, err := spelled(b64)
		if err != nil || len(sig) < 5 {
			return errors.New("a signature is not in the one base64 spelling")
		}
		key := name + " " + string(sig[:4])
		if seen[key] {
			return errors.New("a key signs twice")
		}
		seen[key] = true
	}
	return nil
}

func spelled(s string) ([]byte, error) {
	b, err := base64.StdEncoding.Strict().DecodeString(s)
	if err == nil && base64.StdEncoding.EncodeToString(b) != s {
		err = errors.New("line break in base64")
	}
	return b, err
}
