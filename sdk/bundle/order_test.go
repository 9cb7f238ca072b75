package bundle_test

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"testing"

	"github.com/veriproof/notary/attestation"
	"github.com/veriproof/notary/sdk/bundle"
	"github.com/veriproof/notary/sdk/journal"
	"github.com/veriproof/notary/sdk/receipt"
)

// swapOrder puts the epoch's end into the log before the receipt, as it is when
// somebody signs with the key of an epoch that has ended.
func swapOrder(t *testing.T, b *bundle.Bundle, s *session) {
	manifest, _, err := receipt.Read(string(b.Receipt))
	if err != nil {
		t.Fatal(err)
	}
	log := newLog()
	b.EpochEndProof = log.submit(t, s.end.commitment(t))
	b.Proof = log.submit(t, receipt.Commitment(manifest))
}

// TestEndNotKnown: while an epoch lives, the order in the log is not done, and
// that alone is no hindrance.
func TestEndNotKnown(t *testing.T) {
	w := getWorld(t)
	b := bundleOf(t, w, w.a, newSession(t, w, w.a))
	b.EpochEnd, b.EpochEndProof = nil, nil
	r := verify(t, w, encode(t, b))
	c := check(t, r, "log.order")
	if r.Verdict != attestation.Verified || c.Status != attestation.NotDone || c.Required || c.Detail != "epoch has not ended, or its end is not in the bundle" && !strings.Contains(c.Detail, "has not ended") {
		t.Errorf("verdict %s, log.order %+v", r.Verdict, c)
	}
}

// TestEpochEnd: an end counts if it is the epoch's own, by its key, and accounts
// for the receipt. Each case is in the log as it is, behind the receipt.
func TestEpochEnd(t *testing.T) {
	w := getWorld(t)
	const pass, fail, notDone = attestation.Pass, attestation.Fail, attestation.NotDone
	for name, c := range map[string]struct {
		recovered bool
		change    func(s *session)
		want      attestation.Status
		detail    string
	}{
		"close":                        {false, func(*session) {}, pass, "before the close that the epoch's key signed, entry 6"},
		"close of the recoverer":       {true, func(s *session) { s.end.seq = 2 }, pass, "audit"},
		"the last receipt":             {false, func(s *session) { s.end.body = journal.CloseBody{Manifests: 1, Last: commitmentOf(t, s)} }, pass, ""},
		"another last receipt":         {false, func(s *session) { s.end.body = journal.CloseBody{Manifests: 1, Last: receipt.Hash{1}} }, fail, "its last"},
		"closed before it was sealed":  {false, func(s *session) { s.manifest.Seq, s.manifest.Prev = 3, receipt.Hash{1} }, fail, "after 3 manifests"},
		"before the records":           {false, func(s *session) { s.end.seq = 5 }, fail, "seq 5"},
		"signed by nobody":             {false, func(s *session) { s.end.key = fixedKey(0x77) }, fail, "not by this key"},
		"signed by another epoch":      {false, func(s *session) { s.end.key = w.b.key }, fail, "not by this key"},
		"of another epoch":             {false, func(s *session) { s.end.epoch, s.end.key = w.b.epoch, w.b.key }, fail, "sealed by"},
		"a checkpoint":                 {false, func(s *session) { s.end.kind = journal.KindCheckpoint }, fail, "checkpoint"},
		"body with an unknown member":  {false, func(s *session) { s.end.body = map[string]int{"manifests": 3, "x": 1} }, fail, "body"},
		"fence":                        {false, fence(w.b), notDone, "audit of the journal"},
		"fence that somebody invented": {false, func(s *session) { fence(w.b)(s); s.end.key = fixedKey(0x77) }, notDone, "Evidence is not in the bundle"},
		"fence with another body":      {false, func(s *session) { s.end.kind = journal.KindFence }, fail, "body"},
	} {
		t.Run(name, func(t *testing.T) {
			sealer := w.a
			if c.recovered {
				sealer = w.b
			}
			s := newSession(t, w, sealer)
			c.change(s)
			checkOrder(t, w, bundleOf(t, w, sealer, s), c.want, c.detail)
		})
	}
}

func checkOrder(t *testing.T, w *world, b *bundle.Bundle, want attestation.Status, detail string) {
	t.Helper()
	r := verify(t, w, encode(t, b))
	verdict := attestation.Verified
	if want == attestation.Fail {
		verdict = attestation.Failed
	}
	if c := check(t, r, "log.order"); c.Status != want || c.Required || !strings.Contains(c.Detail, detail) || r.Verdict != verdict {
		t.Errorf("verdict %s, log.order is %s, want %s: %s", r.Verdict, c.Status, want, c.Detail)
	}
}

func commitmentOf(t *testing.T, s *session) receipt.Hash {
	t.Helper()
	return receipt.Commitment(manifestOf(t, s))
}

// fence ends a session's epoch by another notary's entry.
func fence(by *notary) func(s *session) {
	return func(s *session) {
		s.end.kind, s.end.key = journal.KindFence, by.key
		s.end.body = journal.FenceBody{By: by.epoch, RuntimeData: by.sealer().RuntimeData}
	}
}

// TestEpochEndEncoding: the part is a chain value and one entry, whole, chained
// and signed, and in the log as it is.
func TestEpochEndEncoding(t *testing.T) {
	w := getWorld(t)
	good := newSession(t, w, w.a).end
	entry := good.entry(t)
	change := func(f func(e *journal.Entry)) []byte {
		e := *entry
		f(&e)
		return bundle.EncodeEnd(good.before, &e)
	}
	part := bundle.EncodeEnd(good.before, entry)
	for name, data := range map[string][]byte{
		"empty":          {},
		"cut in chain":   part[:31],
		"chain only":     part[:32],
		"cut in entry":   part[:len(part)-1],
		"entry only":     part[32:],
		"byte behind":    append(bytes.Clone(part), 0),
		"second entry":   append(bytes.Clone(part), part[32:]...),
		"not signed":     change(func(e *journal.Entry) { e.Signature = nil }),
		"retired body":   change(func(e *journal.Entry) { e.Body = nil }),
		"other chain":    change(func(e *journal.Entry) { e.Chain[0] ^= 1 }),
		"other seq":      change(func(e *journal.Entry) { e.Seq++ }),
		"other kind":     change(func(e *journal.Entry) { e.Kind = journal.KindFence }),
		"other before":   bundle.EncodeEnd(receipt.Hash{}, entry),
		"former JSON":    []byte(`{"epoch":"` + good.epoch.String() + `","kind":"close","seq":9,"chain":"` + entry.Chain.String() + `"}`),
		"proved another": bundle.EncodeEnd(receipt.Hash{1}, (&end{good.kind, good.epoch, good.seq, good.body, good.key, receipt.Hash{1}}).entry(t)),
	} {
		t.Run(name, func(t *testing.T) {
			b := bundleOf(t, w, w.a, newSession(t, w, w.a))
			b.EpochEnd = data
			checkOrder(t, w, b, attestation.Fail, "")
		})
	}
}

// TestInventedEnd: who has neither the key nor the journal cannot make an end out
// of what the epoch did sign. A position, which every sender of records has, is a
// signature over a chain value too.
func TestInventedEnd(t *testing.T) {
	w := getWorld(t)
	s := newSession(t, w, w.a)
	chain := receipt.Hash(seq(0x61, 32))
	position := journal.SignPosition(w.a.key, w.a.epoch, 9, chain)
	body, err := journal.EncodeBody(journal.CloseBody{Manifests: 3})
	if err != nil {
		t.Fatal(err)
	}
	forged := &journal.Entry{
		Header: journal.Header{Epoch: w.a.epoch, Seq: 9, Kind: journal.KindClose, Body: sha256.Sum256(body)},
		Chain:  chain, Signature: position, Body: body,
	}
	b := bundleOf(t, w, w.a, s)
	log := newLog()
	b.Proof = log.submit(t, commitmentOf(t, s))
	b.EpochEnd, b.EpochEndProof = bundle.EncodeEnd(s.end.before, forged), log.submit(t, journal.CloseCommitment(w.a.epoch, 9, chain))
	checkOrder(t, w, b, attestation.Fail, "does not follow")
}

// TestBackdated: a receipt that somebody makes with a stolen key after the epoch
// ended fails beside the true end, whatever it was, and is not vouched for beside
// an end that nobody of the epoch signed.
func TestBackdated(t *testing.T) {
	w := getWorld(t)
	for name, c := range map[string]struct {
		end  func(s *session)
		want attestation.Status
	}{
		"the true close":       {func(*session) {}, attestation.Fail},
		"the true fence":       {fence(w.b), attestation.Fail},
		"a fence made up":      {func(s *session) { fence(w.b)(s); s.end.key = fixedKey(0x77); s.end.seq = 7 }, attestation.NotDone},
		"a close of no signer": {func(s *session) { s.end.key = fixedKey(0x77); s.end.seq = 7 }, attestation.Fail},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSession(t, w, w.a)
			s.manifest.Handle = receipt.Handle{0xba, 0xd}
			invented := strings.HasPrefix(name, "a ")
			b := bundleOf(t, w, w.a, s)
			b.Records = nil
			log := newLog()
			trueEnd := newSession(t, w, w.a).end.commitment(t)
			c.end(s)
			b.EpochEnd = bundle.EncodeEnd(s.end.before, s.end.entry(t))
			if invented {
				log.submit(t, trueEnd)
			} else {
				b.EpochEndProof = log.submit(t, s.end.commitment(t))
			}
			b.Proof = log.submit(t, commitmentOf(t, s))
			if invented {
				b.EpochEndProof = log.submit(t, s.end.commitment(t))
			}
			checkOrder(t, w, b, c.want, "")
		})
	}
}

func TestVectorsEpochEnd(t *testing.T) {
	e := end{journal.KindClose, receipt.Epoch(seq(0x10, 16)), 9, journal.CloseBody{Manifests: 3, Last: receipt.Hash(seq(0xa0, 32))}, fixedKey(0), receipt.Hash(seq(0x50, 32))}
	entry := e.entry(t)
	part := bundle.EncodeEnd(e.before, entry)
	golden(t, "testdata/epoch-end.json", map[string]any{
		"signing_seed": hex.EncodeToString(e.key.Seed()), "signing_key": hex.EncodeToString(e.key.Public().(ed25519.PublicKey)),
		"before": e.before, "epoch": e.epoch, "seq": e.seq, "kind": e.kind, "body": string(entry.Body), "chain": entry.Chain,
		"part": hex.EncodeToString(part), "close_commitment": e.commitment(t),
	})
}
