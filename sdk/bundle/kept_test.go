package bundle_test

import (
	"errors"
	"path/filepath"
	"testing"
	"time"

	"github.com/veriproof/notary/attestation"
	"github.com/veriproof/notary/attestation/simtee"
	"github.com/veriproof/notary/attestation/truststore"
	"github.com/veriproof/notary/sdk/bundle"
)

// TestKeptKeysVerifyForEver: the MAA of a recovered part has changed its keys between
// the epoch that received the records and the one that sealed them, and again since. A
// verifier who kept each set in its time verifies the bundle as of then, whatever the
// MAA serves now; one who has only today's set, or the bundle's own, does not.
func TestKeptKeysVerifyForEver(t *testing.T) {
	store, err := truststore.Create(filepath.Join(t.TempDir(), "trust"))
	if err != nil {
		t.Fatal(err)
	}
	start := time.Now().Truncate(time.Second)
	clock := start
	keep := func(tee *simtee.TEE, at time.Time) error {
		_, err := store.KeepKeys(tee.MAAURL(), tee.JWKS(), at)
		return err
	}
	var first, last []byte
	var issuer string
	w, err := makeWorld(simtee.Options{TestKeys: true, Now: func() time.Time { return clock }}, func(tee *simtee.TEE) error {
		first, issuer = tee.JWKS(), tee.MAAURL()
		err := keep(tee, clock)
		clock = start.Add(20 * time.Second)
		return errors.Join(err, tee.RotateMAAKey(), keep(tee, clock))
	})
	if err != nil {
		t.Fatal(err)
	}
	w.now = start
	w.policy.Simulated.JWKS = "" // the policy pins no keys
	data := encode(t, bundleOf(t, w, w.b, newSession(t, w, w.b)))
	last = keysOfToday(t)
	verdict := func(name string, kept []attestation.KeptKeySet, given []byte, want attestation.Outcome) {
		t.Helper()
		r, err := bundle.Verify(data, w.policy, bundle.Options{AllowSimulated: true, KeptKeys: kept, TrustedJWKS: given})
		if err != nil || r.Verdict != want {
			t.Errorf("%s: %s, want %s, %v", name, r.Verdict, want, err)
			report(t, r)
		}
	}
	kept := store.KeySets()
	verdict("kept in their time", kept, nil, attestation.Verified)
	today := attestation.KeptKeySet{Issuer: issuer, At: start.AddDate(3, 0, 0), JWKS: last}
	verdict("and today's too", append(store.KeySets(), today), nil, attestation.Verified)
	verdict("the first alone", kept[:1], nil, attestation.Failed)
	verdict("the second alone", kept[1:], nil, attestation.Failed)
	verdict("today's alone", []attestation.KeptKeySet{today}, nil, attestation.Failed)
	verdict("today's, given", nil, last, attestation.Failed)
	verdict("the bundle's own", nil, nil, attestation.Incomplete)
	// Both keys in today's set would do for a verifier who believes it for all times;
	// who has kept that the first was given up before knows better.
	stale := kept[1]
	stale.At = start.Add(-time.Hour)
	verdict("a key that was not the issuer's then", []attestation.KeptKeySet{stale, {Issuer: issuer, At: start.Add(-time.Minute), JWKS: last}, {Issuer: issuer, At: start.Add(time.Hour), JWKS: first}}, nil, attestation.Failed)
}

// keysOfToday is a key set that has signed nothing here.
func keysOfToday(t *testing.T) []byte {
	t.Helper()
	tee, err := simtee.New(simtee.Options{TestKeys: true})
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(tee.Start(t.Context()), tee.RotateMAAKey()); err != nil {
		t.Fatal(err)
	}
	defer tee.Close()
	return tee.JWKS()
}
