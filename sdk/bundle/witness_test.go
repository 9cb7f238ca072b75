package bundle_test

import (
	"bytes"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"filippo.io/torchwood"
	"golang.org/x/mod/sumdb/note"

	"github.com/veriproof/notary/attestation"
	"github.com/veriproof/notary/attestation/policy"
	"github.com/veriproof/notary/sdk/bundle"
)

// A witness cosigns what it is given: what it must not cosign is for the tests of
// package commitlog.
func newWitness(t testing.TB, name string, seed byte) *torchwood.CosignatureSigner {
	t.Helper()
	s, err := torchwood.NewCosignatureSigner(name, fixedKey(seed))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// cosign adds cosignatures to the checkpoint of a proof.
func cosign(t testing.TB, proof []byte, witnesses ...note.Signer) []byte {
	t.Helper()
	head, checkpoint, _ := bytes.Cut(proof, []byte("\n\n"))
	text, _, _ := bytes.Cut(checkpoint, []byte("\n\n"))
	signed, err := note.Sign(&note.Note{Text: string(text) + "\n"}, witnesses...)
	if err != nil {
		t.Fatal(err)
	}
	_, lines, _ := bytes.Cut(signed, []byte("\n\n"))
	return slices.Concat(head, []byte("\n\n"), checkpoint, lines)
}

func lastLine(text []byte) string {
	lines := strings.Split(strings.TrimSuffix(string(text), "\n"), "\n")
	return lines[len(lines)-1]
}

// A dated witness cosigns as its clock says.
type dated struct {
	*torchwood.CosignatureSigner
	key ed25519.PrivateKey
	at  time.Time
}

func (d dated) Sign(text []byte) ([]byte, error) {
	seconds := uint64(d.at.Unix())
	message := fmt.Appendf(nil, "cosignature/v1\ntime %d\n%s", seconds, text)
	return append(binary.BigEndian.AppendUint64(nil, seconds), ed25519.Sign(d.key, message)...), nil
}

// TestCosignatureTimes: a cosignature from the future counts for nobody, and one too far
// from the sealing for no policy that bounds that: a host that sets its clock back does
// not date a session back.
func TestCosignatureTimes(t *testing.T) {
	w := getWorld(t)
	sealed := w.now.Add(time.Minute) // as newSession says
	good := bundleOf(t, w, w.a, newSession(t, w, w.a))
	for _, tt := range []struct {
		name    string
		within  time.Duration
		a, b    time.Duration // after the sealing
		verdict attestation.Outcome
		detail  string
	}{
		{"a moment later", time.Hour, time.Second, time.Minute, attestation.Verified, "cosigned by witness.a.example, witness.b.example"},
		{"at the bounds", time.Hour, time.Second - time.Hour, time.Hour, attestation.Verified, ""},
		{"one a year later", time.Hour, time.Second, 365 * 24 * time.Hour, attestation.Failed, "by 1 of the policy's witnesses (witness.a.example), which wants 2; that of witness.b.example, of "},
		{"one before the sealing", time.Hour, time.Second, -2 * time.Hour, attestation.Failed, "is not within 1h0m0s of the sealing"},
		{"a year later, without a bound", 0, time.Second, 365 * 24 * time.Hour, attestation.Verified, ""},
		{"within the skew of the verifier", 0, 2*365*24*time.Hour + 4*time.Minute, 0, attestation.Verified, ""},
		{"from the future", 0, 2*365*24*time.Hour + 6*time.Minute, 0, attestation.Failed, "that of witness.a.example is from the future, "},
	} {
		t.Run(tt.name, func(t *testing.T) {
			a := dated{newWitness(t, "witness.a.example", 0x41), fixedKey(0x41), sealed.Add(tt.a)}
			b := dated{newWitness(t, "witness.b.example", 0x51), fixedKey(0x51), sealed.Add(tt.b)}
			p := *w.policy
			p.Log = &policy.Log{
				Origin: w.policy.Log.Origin, Keys: w.policy.Log.Keys, CosignedWithin: tt.within,
				Quorum: 2, Witnesses: []string{a.Verifier().String(), b.Verifier().String()},
			}
			made := *good
			made.Proof = cosign(t, good.Proof, a, b)
			r, err := bundle.Verify(encode(t, &made), &p, bundle.Options{AllowSimulated: true, Now: sealed.Add(2 * 365 * 24 * time.Hour)})
			if err != nil {
				t.Fatal(err)
			}
			if c := check(t, r, "log.witnesses"); r.Verdict != tt.verdict || !strings.Contains(c.Detail, tt.detail) {
				t.Errorf("verdict %s, log.witnesses %+v", r.Verdict, c)
			}
		})
	}
}

// TestEndCosigned: a log that makes a tree for one bundle cannot say there that an epoch
// ended behind a receipt.
func TestEndCosigned(t *testing.T) {
	w := getWorld(t)
	a, b := newWitness(t, "witness.a.example", 0x41), newWitness(t, "witness.b.example", 0x51)
	good := bundleOf(t, w, w.a, newSession(t, w, w.a))
	good.Proof = cosign(t, good.Proof, a, b)
	p := *w.policy
	p.Log = &policy.Log{
		Origin: w.policy.Log.Origin, Keys: w.policy.Log.Keys,
		Quorum: 2, Witnesses: []string{a.Verifier().String(), b.Verifier().String()},
	}
	for _, tt := range []struct {
		name   string
		proof  []byte
		want   attestation.Status
		detail string
	}{
		{"by a quorum", cosign(t, good.EpochEndProof, a, b), attestation.Pass, "before the close"},
		{"by one", cosign(t, good.EpochEndProof, b), attestation.NotDone, "too few of the policy's witnesses"},
		{"by nobody", good.EpochEndProof, attestation.NotDone, "too few of the policy's witnesses"},
	} {
		made := *good
		made.EpochEndProof = tt.proof
		r, err := bundle.Verify(encode(t, &made), &p, bundle.Options{AllowSimulated: true})
		if err != nil {
			t.Fatal(err)
		}
		if c := check(t, r, "log.order"); r.Verdict != attestation.Verified || c.Status != tt.want || !strings.Contains(c.Detail, tt.detail) {
			t.Errorf("%s: verdict %s, log.order %+v", tt.name, r.Verdict, c)
		}
	}
}

// TestWitnesses: the policy's quorum decides, and nothing in the bundle can lower it.
func TestWitnesses(t *testing.T) {
	w := getWorld(t)
	a, b, c := newWitness(t, "witness.a.example", 0x41), newWitness(t, "witness.b.example", 0x51), newWitness(t, "witness.c.example", 0x61)
	impostor := newWitness(t, "witness.b.example", 0x71) // the name, another key
	good := bundleOf(t, w, w.a, newSession(t, w, w.a))
	swapped := func(proof []byte) []byte { // b's signature under a's name and key id
		line := lastLine(cosign(t, proof, b))
		sig, err := base64.StdEncoding.DecodeString(line[strings.LastIndex(line, " ")+1:])
		if err != nil {
			t.Fatal(err)
		}
		binary.BigEndian.PutUint32(sig, a.KeyHash())
		return fmt.Appendf(bytes.Clone(proof), "— %s %s\n", a.Name(), base64.StdEncoding.EncodeToString(sig))
	}
	foreign := func(proof []byte) []byte { // cosignatures of another tree of this log
		_, lines, _ := strings.Cut(string(cosign(t, good.EpochEndProof, a, b)), "\n\n")
		_, lines, _ = strings.Cut(lines, "\n\n")
		_, lines, _ = strings.Cut(lines, "\n") // the log's own
		return append(bytes.Clone(proof), lines...)
	}
	keys := []string{a.Verifier().String(), b.Verifier().String(), c.Verifier().String()}
	for _, tt := range []struct {
		name    string
		quorum  int
		proof   []byte
		verdict attestation.Outcome
		detail  string
	}{
		{"all", 2, cosign(t, good.Proof, a, b, c), attestation.Verified, "cosigned by witness.a.example, witness.b.example, witness.c.example; the policy wants 2"},
		{"as many as wanted", 2, cosign(t, good.Proof, c, a), attestation.Verified, "cosigned by witness.a.example, witness.c.example"},
		{"one too few", 2, cosign(t, good.Proof, b), attestation.Failed, "by 1 of the policy's witnesses (witness.b.example), which wants 2"},
		{"none", 1, good.Proof, attestation.Failed, "by 0 of"},
		{"a key that the policy does not name", 1, cosign(t, good.Proof, impostor), attestation.Failed, "by 0 of"},
		{"a cosignature of somebody else's", 1, swapped(good.Proof), attestation.Failed, "does not verify"},
		{"cosignatures of another tree", 2, foreign(good.Proof), attestation.Failed, "does not verify"},
		{"no proof", 1, nil, attestation.Incomplete, "is not proved"},
		{"the policy names none", 0, cosign(t, good.Proof, a, b), attestation.Verified, "names no witnesses"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p := *w.policy
			p.Log = &policy.Log{Origin: w.policy.Log.Origin, Keys: w.policy.Log.Keys}
			if tt.quorum > 0 {
				p.Log.Witnesses, p.Log.Quorum = keys, tt.quorum
			}
			made := *good
			made.Proof = tt.proof
			r, err := bundle.Verify(encode(t, &made), &p, bundle.Options{AllowSimulated: true})
			if err != nil {
				t.Fatal(err)
			}
			got := check(t, r, "log.witnesses")
			if r.Verdict != tt.verdict || !strings.Contains(got.Detail, tt.detail) || got.Required != (tt.quorum > 0) {
				t.Errorf("verdict %s, log.witnesses %+v", r.Verdict, got)
			}
		})
	}
}
