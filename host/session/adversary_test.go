package session_test

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"testing"
	"time"

	"github.com/veriproof/notary/host/archive"
	"github.com/veriproof/notary/host/journal"
	"github.com/veriproof/notary/host/journal/journaltest"
	"github.com/veriproof/notary/host/session"
	format "github.com/veriproof/notary/sdk/journal"
	"github.com/veriproof/notary/sdk/receipt"
)

// These tests are about a storage administrator who adds to storage what he
// likes. He has no attested key, and needs none for an epoch of his own.

var forger = receipt.Epoch{0xee}

// forge writes an epoch with an invented key and returns the key. If p is not
// nil the epoch claims to have recovered that part of the victim's.
func (w *world) forge(id receipt.Epoch, victim *archive.Epoch, p *archive.Part) (ed25519.PrivateKey, receipt.Hash) {
	w.t.Helper()
	public, key, err := ed25519.GenerateKey(nil)
	if err != nil {
		w.t.Fatal(err)
	}
	data, err := runtimeData(id, public, func(s string) string { sum := sha256.Sum256([]byte(s)); return hex.EncodeToString(sum[:]) })
	if err != nil {
		w.t.Fatal(err)
	}
	bodies := map[format.Kind][]byte{}
	if bodies[format.KindEpoch], err = format.EncodeBody(format.EpochBody{Format: "1", RuntimeData: data}); err != nil {
		w.t.Fatal(err)
	}
	kinds := []format.Kind{format.KindEpoch}
	if p != nil {
		raw, err := receipt.Manifest{
			V: "1", Origin: receipt.Origin{Epoch: victim.ID, RuntimeData: sha256.Sum256(victim.Body.RuntimeData), Mode: "enforce"},
			SealedBy: receipt.Sealer{Epoch: id, RuntimeData: sha256.Sum256(data)},
			Handle:   p.ID.Handle, Part: p.ID.Part, Leaves: p.Leaves, Root: p.Root, DEKCommitment: p.DEKCommitment,
			FirstSeq: p.FirstSeq, LastSeq: p.LastSeq, Reason: receipt.ReasonRecovered,
		}.Encode()
		if err != nil {
			w.t.Fatal(err)
		}
		kinds, bodies[format.KindManifest] = append(kinds, format.KindManifest), []byte(receipt.Sign(raw, key))
	}
	g := journal.Group{Epoch: id}
	var chain receipt.Hash
	for seq, kind := range kinds {
		e := &format.Entry{Header: format.Header{Epoch: id, Seq: uint64(seq), Kind: kind, Body: sha256.Sum256(bodies[kind])}, Body: bodies[kind]}
		e.Chain = e.Header.Chain(chain)
		e.Signature = format.SignPosition(key, id, e.Seq, e.Chain)
		g.Entries, chain = append(g.Entries, e.Append(nil)), e.Chain
	}
	if err := w.store.Put(w.t.Context(), g); err != nil {
		w.t.Fatal(err)
	}
	return key, sha256.Sum256(data)
}

// believeAllBut makes the policy that refuses one epoch.
func believeAllBut(bad receipt.Epoch) func(*session.Options) {
	return func(o *session.Options) {
		o.Appraise = func(e *archive.Epoch) error {
			if e.ID == bad {
				return errors.New("not attested")
			}
			return nil
		}
	}
}

// TestForgedReceiptDoesNotStopRecovery: a part that a forger claims to have
// sealed is still open to a notary that does not believe him.
func TestForgedReceiptDoesNotStopRecovery(t *testing.T) {
	w := newWorld(t)
	dead := w.start()
	export(t, dead, request("s", span("a")))
	w.crash(dead)
	a := w.scan()
	w.forge(forger, a.Epochs[0], a.Parts()[0])
	w.tune = believeAllBut(forger)
	n := w.start()
	w.close(n)
	if p := w.scanBelieving(forger).Parts()[0]; p.Manifest == nil || p.Manifest.SealedBy.Epoch != n.Epoch() {
		t.Errorf("the acknowledged record has no true receipt: %+v", p.Manifest)
	}
}

// scanBelieving scans as somebody who refuses one epoch.
func (w *world) scanBelieving(bad receipt.Epoch) *archive.Archive {
	w.t.Helper()
	var o session.Options
	believeAllBut(bad)(&o)
	a, err := archive.Scan(w.t.Context(), w.store, archive.Options{Believe: o.Appraise})
	if err != nil {
		w.t.Fatal(err)
	}
	return a
}

// TestForgedReceiptDoesNotReplace: even for a reader who believes everybody,
// the receipt of the epoch that received the records comes first, and the
// second is held against its own author.
func TestForgedReceiptDoesNotReplace(t *testing.T) {
	for _, id := range []receipt.Epoch{{0}, forger} { // scanned before and after
		w := newWorld(t)
		n := w.start()
		export(t, n, request("s", lastSpan("a")))
		settled(t, n, "s", 1)
		w.crash(n)
		a := w.scan()
		w.forge(id, a.Epoch(n.Epoch()), a.Parts()[0])
		a, err := archive.Scan(t.Context(), w.store, archive.Options{})
		if err != nil {
			t.Fatal(err)
		}
		if by := a.Parts()[0].Manifest.SealedBy.Epoch; by != n.Epoch() {
			t.Errorf("the part's receipt is by %v", by)
		}
		if e := a.Epoch(n.Epoch()); e.Err != nil {
			t.Errorf("the true epoch is held to be damaged: %v", e.Err)
		}
		if a.Epoch(id).Err == nil {
			t.Error("nothing is held against the author of the second receipt")
		}
	}
}

// TestForgedFence: a fence by nobody that is believed keeps the dead notary from
// writing, as it would anyway, and its successor from nothing.
func TestForgedFence(t *testing.T) {
	w := newWorld(t)
	dead := w.start()
	export(t, dead, request("s", span("a")))
	w.crash(dead)
	key, digest := w.forge(forger, nil, nil)
	e := w.scan().Epoch(dead.Epoch())
	body, err := format.EncodeBody(format.FenceBody{By: forger, RuntimeData: digest})
	if err != nil {
		t.Fatal(err)
	}
	f := &format.Entry{Header: format.Header{Epoch: e.ID, Seq: e.Next, Kind: format.KindFence, Body: sha256.Sum256(body)}, Body: body}
	f.Chain = f.Header.Chain(e.Chain)
	f.Signature = format.SignPosition(key, e.ID, f.Seq, f.Chain)
	if err := w.store.Put(t.Context(), journal.Group{Epoch: e.ID, FirstSeq: e.Next, Entries: []journal.Sealed{f.Append(nil)}}); err != nil {
		t.Fatal(err)
	}
	w.tune = believeAllBut(forger)
	n := w.start()
	w.close(n)
	a := w.scanBelieving(forger)
	if old := a.Epoch(dead.Epoch()); old.Ended != format.KindFence || old.Fence.By != n.Epoch() || len(old.Strange) != 1 {
		t.Errorf("ended by %v, strange fences %v", old.Ended, old.Strange)
	}
	if p := a.Parts()[0]; p.Manifest == nil || p.Manifest.SealedBy.Epoch != n.Epoch() {
		t.Errorf("the acknowledged record has no true receipt: %+v", p.Manifest)
	}
}

// TestForgedProof: a proof entry of somebody's own is not taken for the log's.
func TestForgedProof(t *testing.T) {
	w := newWorld(t)
	w.log.down = errors.New("log is down")
	dead := w.start()
	export(t, dead, request("s", lastSpan("a")))
	if err := dead.EndSession(t.Context(), "acme", "s"); err != nil {
		t.Fatal(err)
	}
	w.crash(dead)
	key, _ := w.forge(forger, nil, nil)
	e := w.scan().Epoch(forger)
	body, err := format.EncodeBody(format.ProofBody{Commitment: w.scan().Parts()[0].Commitment(), Proof: []byte("none")})
	if err != nil {
		t.Fatal(err)
	}
	p := &format.Entry{Header: format.Header{Epoch: forger, Seq: e.Next, Kind: format.KindProof, Body: sha256.Sum256(body)}, Body: body}
	p.Chain = p.Header.Chain(e.Chain)
	p.Signature = format.SignPosition(key, forger, p.Seq, p.Chain)
	if err := w.store.Put(t.Context(), journal.Group{Epoch: forger, FirstSeq: p.Seq, Entries: []journal.Sealed{p.Append(nil)}}); err != nil {
		t.Fatal(err)
	}
	w.log.mu.Lock()
	w.log.down = nil
	w.log.mu.Unlock()
	w.tune = believeAllBut(forger)
	w.close(w.start())
	a := w.scanBelieving(forger)
	c := a.Parts()[0].Commitment()
	proof, ok := a.Proof(c)
	if !ok {
		t.Fatal("the receipt has no proof")
	}
	if _, err := receipt.VerifyProof(proof.Proof, c, []string{w.log.vkey}); err != nil {
		t.Error(err)
	}
}

// TestInheritedIsAppraised: who takes over a recoverer's duty appraises the
// epoch that he recovers, too.
func TestInheritedIsAppraised(t *testing.T) {
	w := newWorld(t)
	first := w.start()
	export(t, first, request("s", span("a")))
	w.crash(first)
	o := w.options()
	o.Journal.UnknownLimit = impatience
	w.store.Inject(func(g journal.Group) journaltest.Fault {
		if g.Epoch == o.Origin.Epoch && g.FirstSeq > 0 {
			return journaltest.Hangs
		}
		return journaltest.None
	})
	if _, err := session.Start(t.Context(), o); err == nil {
		t.Fatal("a notary that cannot write got ready")
	}
	w.store.Inject(nil)
	w.tune = believeAllBut(first.Epoch())
	w.close(w.start())
	if p := w.scan().Parts()[0]; p.Manifest != nil {
		t.Errorf("sealed by %v for an epoch that it does not believe", p.Manifest.SealedBy.Epoch)
	}
}

// TestSealedBeforeExpiry: when no more data is taken because the token runs out,
// what is open is sealed while the token still convinces.
func TestSealedBeforeExpiry(t *testing.T) {
	w := newWorld(t)
	stale := w.clock().Add(time.Minute)
	w.tune = func(o *session.Options) {
		o.Fresh = func() error {
			if w.clock().After(stale) {
				return errors.New("token runs out")
			}
			return nil
		}
	}
	n := w.start()
	export(t, n, request("s", span("a")))
	w.advance(90 * time.Second)
	if err := n.Tick(t.Context()); err != nil {
		t.Fatal(err)
	}
	m := settled(t, n, "s", 1)[0].Manifest
	if sealed := time.Unix(0, m.HostClock.SealedUnixNano); sealed.Sub(stale) > time.Minute || m.Reason != receipt.ReasonShutdown {
		t.Errorf("sealed %v after data was refused, for %q", sealed.Sub(stale), m.Reason)
	}
}
