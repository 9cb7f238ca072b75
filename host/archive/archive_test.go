package archive_test

import (
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/veriproof/notary/attestation/runtimedata"
	"github.com/veriproof/notary/host/archive"
	"github.com/veriproof/notary/host/journal"
	"github.com/veriproof/notary/host/journal/journaltest"
	"github.com/veriproof/notary/host/seal"
	"github.com/veriproof/notary/sdk/bundle"
	format "github.com/veriproof/notary/sdk/journal"
	"github.com/veriproof/notary/sdk/receipt"
)

// A writer makes the journal of one epoch by hand, so that it can also be
// written wrong.
type writer struct {
	store   *journaltest.Store
	epoch   receipt.Epoch
	key     ed25519.PrivateKey
	auditor *format.Identity
	ring    *seal.Ring
	data    []byte // runtime data
	next    uint64
	chain   receipt.Hash
}

func newWriter(store *journaltest.Store, id byte, auditor *format.Identity) *writer {
	w := &writer{store: store, epoch: receipt.Epoch{id}, auditor: auditor}
	w.key = ed25519.NewKeyFromSeed([]byte(strings.Repeat(string(rune('a'+id)), 32)))
	hex := strings.Repeat("0", 64)
	n := base64.RawURLEncoding.EncodeToString([]byte(strings.Repeat("\xff", 256)))
	kid := sha256.Sum256([]byte(`{"e":"AQAB","kty":"RSA","n":"` + n + `"}`))
	var err error
	w.data, err = runtimedata.RuntimeData{
		Keys: []runtimedata.JWK{{E: "AQAB", KeyOps: []string{"encrypt"}, Kty: "RSA", N: n, Kid: base64.RawURLEncoding.EncodeToString(kid[:])}},
		Notary: runtimedata.Notary{
			Config: hex, Epoch: w.epoch.String(), Format: "1", Mode: "enforce", PluginSet: hex, Recipients: hex, TLSSPKI: hex, Version: "test",
			SigningKey: base64.RawURLEncoding.EncodeToString(w.key.Public().(ed25519.PublicKey)), Plugins: map[string]runtimedata.Plugin{},
		},
	}.Marshal()
	must(err)
	w.ring, err = seal.NewRing(w.epoch, []*format.Recipient{auditor.Recipient()})
	must(err)
	fresh, err := w.ring.Next()
	must(err)
	body, err := format.EncodeBody(format.EpochBody{Format: "1", RuntimeData: w.data, Config: []byte("version: 1\n")})
	must(err)
	w.put(true, w.entry(format.KindEpoch, body), w.entry(format.KindWrapKey, fresh.Body))
	w.ring.Use(fresh)
	return w
}

func must(err error) {
	if err != nil {
		panic(err)
	}
}

// entry gives a body the next place in the chain.
func (w *writer) entry(kind format.Kind, body []byte) *format.Entry {
	return w.about(kind, receipt.PartID{}, body)
}

// about is entry, of a session part.
func (w *writer) about(kind format.Kind, part receipt.PartID, body []byte) *format.Entry {
	return w.chained(&format.Entry{Header: format.Header{Epoch: w.epoch, Seq: w.next, Kind: kind, Handle: part.Handle, Part: part.Part, Body: sha256.Sum256(body)}, Body: body})
}

func (w *writer) chained(e *format.Entry) *format.Entry {
	e.Chain = e.Header.Chain(w.chain)
	w.next, w.chain = w.next+1, e.Chain
	return e
}

// put stores entries as one group, signed or not.
func (w *writer) put(signed bool, entries ...*format.Entry) {
	g := journal.Group{Epoch: w.epoch, FirstSeq: entries[0].Seq}
	last := entries[len(entries)-1]
	if signed {
		last.Signature = format.SignPosition(w.key, w.epoch, last.Seq, last.Chain)
	}
	for _, e := range entries {
		g.Entries = append(g.Entries, e.Append(nil))
	}
	must(w.store.Put(context.Background(), g))
}

// session writes a part of two segments and returns its manifest, not signed.
func (w *writer) session(name string) (receipt.Manifest, *seal.Part) {
	id := receipt.PartID{Epoch: w.epoch, Handle: w.ring.Handle("acme", []byte(name))}
	part, err := w.ring.OpenPart(id)
	must(err)
	m := receipt.Manifest{
		V: "1", Origin: receipt.Origin{Epoch: w.epoch, RuntimeData: sha256.Sum256(w.data), Mode: "enforce"},
		SealedBy: receipt.Sealer{Epoch: w.epoch, RuntimeData: sha256.Sum256(w.data)},
		Handle:   id.Handle, DEKCommitment: part.Commitment(), FirstSeq: w.next, Reason: receipt.ReasonEnd,
	}
	var leaves []receipt.Hash
	for i := range 2 {
		number, s := part.Seal(&format.Content{Tenant: "acme", Session: []byte(name), Records: []receipt.Record{
			{Kind: receipt.Log, Edits: receipt.EncodeEdits(nil), Bytes: fmt.Appendf(nil, "%s record %d", name, i)},
		}})
		body := s.Encode()
		e := w.chained(&format.Entry{Header: format.Header{
			Epoch: w.epoch, Seq: w.next, Kind: format.KindSegment, Handle: id.Handle, Segment: number, Body: sha256.Sum256(body),
		}, Body: body})
		e.Signature = format.SignPosition(w.key, w.epoch, e.Seq, e.Chain)
		g := journal.Group{Epoch: w.epoch, FirstSeq: e.Seq, Entries: []journal.Sealed{e.Append(nil)}}
		if i == 0 {
			g.Keys = []journal.WrappedKey{{ID: journal.KeyID{Epoch: id.Epoch, Handle: id.Handle}, DEK: part.Wrapped}}
		}
		must(w.store.Put(context.Background(), g))
		m.LastSeq, leaves = e.Seq, append(leaves, s.Leaves...)
	}
	m.Leaves, m.Root = uint64(len(leaves)), receipt.Root(leaves)
	return m, part
}

func (w *writer) seal(m receipt.Manifest) {
	raw, err := m.Encode()
	must(err)
	w.put(true, w.about(format.KindManifest, receipt.PartID{Handle: m.Handle, Part: m.Part}, []byte(receipt.Sign(raw, w.key))))
}

func scan(t *testing.T, store journal.Store) *archive.Archive {
	t.Helper()
	a, err := archive.Scan(t.Context(), store, archive.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func identity(t testing.TB) *format.Identity {
	t.Helper()
	i, err := format.GenerateIdentity()
	if err != nil {
		t.Fatal(err)
	}
	return i
}

func ExampleScan() {
	store := journaltest.New()
	auditor, _ := format.GenerateIdentity()
	w := newWriter(store, 1, auditor)
	m, _ := w.session("s-1")
	w.seal(m)

	a, _ := archive.Scan(context.Background(), store, archive.Options{})
	for _, p := range a.Parts() {
		opened, _ := a.Open(context.Background(), p, auditor)
		fmt.Println(p.Manifest.Reason, p.Leaves, string(opened.Session), string(opened.Records[1].Bytes))
	}
	// Output: end 2 s-1 s-1 record 1
}

func TestScanAndBundle(t *testing.T) {
	store, auditor := journaltest.New(), identity(t)
	w := newWriter(store, 1, auditor)
	m, _ := w.session("s")
	w.seal(m)
	a := scan(t, store)
	e := a.Epochs[0]
	if e.Err != nil || e.Next != w.next || e.Chain != w.chain || len(e.Manifests) != 1 {
		t.Fatalf("epoch: %v, head %d", e.Err, e.Next)
	}
	p := a.Parts()[0]
	o, err := a.Open(t.Context(), p, auditor)
	if err != nil {
		t.Fatal(err)
	}
	for i := range uint64(2) {
		opening, err := o.Opening(i)
		if err != nil {
			t.Fatal(err)
		}
		if err := opening.Verify(p.Manifest); err != nil {
			t.Error(err)
		}
	}
	if _, err := o.Opening(2); !errors.Is(err, archive.ErrNotFound) {
		t.Errorf("opening behind the last leaf: %v", err)
	}
	b, err := a.Bundle(p)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := b.Encode()
	if err != nil {
		t.Fatal(err)
	}
	if again, err := bundle.Parse(raw); err != nil || string(again.Receipt) != p.Receipt {
		t.Errorf("bundle read back: %v", err)
	}
	if _, err := a.Open(t.Context(), p, identity(t)); !errors.Is(err, format.ErrKey) {
		t.Errorf("opened with a stranger's key: %v", err)
	}
}

// TestDisbelieved: what a journal says is used up to where it holds.
func TestDisbelieved(t *testing.T) {
	cases := []struct {
		name string
		want error
		make func(w *writer)
	}{
		{"unsigned tail", archive.ErrUnsigned, func(w *writer) { w.put(false, w.entry(format.KindClose, []byte("{}"))) }},
		{"gap", format.ErrChain, func(w *writer) {
			w.next += 3
			for range journal.MaxInFlight {
				w.put(true, w.entry(format.KindCheckpoint, []byte("{}")))
			}
		}},
		{"another's signature", format.ErrChain, func(w *writer) {
			w.key = ed25519.NewKeyFromSeed(make([]byte, 32))
			w.put(true, w.entry(format.KindClose, []byte("{}")))
		}},
		{"another root in the receipt", receipt.ErrManifest, func(w *writer) { m, _ := w.session("s"); m.Root[0] ^= 1; w.seal(m) }},
		{"fewer leaves in the receipt", receipt.ErrManifest, func(w *writer) { m, _ := w.session("s"); m.Leaves--; w.seal(m) }},
		{"receipt of nothing", receipt.ErrManifest, func(w *writer) { m, _ := w.session("s"); m.Handle[0] ^= 1; w.seal(m) }},
		{"two receipts", receipt.ErrManifest, func(w *writer) {
			m, _ := w.session("s")
			w.seal(m)
			m.Seq, m.Prev = 1, receipt.Hash{1}
			w.seal(m)
		}},
		{"body that is no body", format.ErrBody, func(w *writer) { w.put(true, w.entry(format.KindWrapKey, []byte("{}{}"))) }},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			store := journaltest.New()
			w := newWriter(store, 1, identity(t))
			before := w.next
			c.make(w)
			e := scan(t, store).Epochs[0]
			if !errors.Is(e.Err, c.want) {
				t.Errorf("told %v, want %v", e.Err, c.want)
			}
			if e.Next < before {
				t.Errorf("head %d, but up to %d all was well", e.Next, before)
			}
		})
	}
}

// TestStrangeFence: a fence by nobody ends nothing, and is told.
func TestStrangeFence(t *testing.T) {
	store := journaltest.New()
	w := newWriter(store, 1, identity(t))
	w.put(true, w.entry(format.KindFence, []byte(`{"by":"`+strings.Repeat("0", 32)+`","runtime_data":"`+strings.Repeat("0", 64)+`"}`)))
	e := scan(t, store).Epochs[0]
	if e.Err != nil || e.Ended != 0 || len(e.Strange) != 1 || !errors.Is(e.Strange[0], archive.ErrFence) || e.Next != w.next {
		t.Errorf("ended by %v, told %v and %v, head %d of %d", e.Ended, e.Err, e.Strange, e.Next, w.next)
	}
}

// TestDamageStays: what an epoch recovered may rot, and the epoch is still whole.
func TestDamageStays(t *testing.T) {
	store := journaltest.New()
	a := newWriter(store, 1, identity(t))
	m, _ := a.session("s")
	b := newWriter(store, 2, a.auditor)
	body, err := format.EncodeBody(format.FenceBody{By: b.epoch, RuntimeData: sha256.Sum256(b.data)})
	if err != nil {
		t.Fatal(err)
	}
	fence := a.entry(format.KindFence, body)
	fence.Signature = format.SignPosition(b.key, a.epoch, fence.Seq, fence.Chain)
	a.put(false, fence)
	m.SealedBy, m.Reason = receipt.Sealer{Epoch: b.epoch, RuntimeData: sha256.Sum256(b.data)}, receipt.ReasonRecovered
	b.seal(m)
	if e := scan(t, store).Epoch(a.epoch); e.Ended != format.KindFence || len(e.Strange) != 0 {
		t.Fatalf("ended by %v, %v", e.Ended, e.Strange)
	}
	store.Tamper(a.epoch, func(c journal.Chunk) journal.Chunk {
		if c.FirstSeq == 3 { // the second segment
			c.Entries = append(journal.Sealed{}, c.Entries...)
			c.Entries[len(c.Entries)-1] ^= 1
		}
		return c
	})
	x := scan(t, store)
	if x.Epoch(a.epoch).Err == nil || x.Epoch(b.epoch).Err != nil {
		t.Errorf("told of the damaged epoch: %v; of the one that recovered it: %v", x.Epoch(a.epoch).Err, x.Epoch(b.epoch).Err)
	}
}

// TestKeysOfParts: a wrapped key that was replaced or erased opens nothing.
func TestKeysOfParts(t *testing.T) {
	store, auditor := journaltest.New(), identity(t)
	w := newWriter(store, 1, auditor)
	m, _ := w.session("a")
	_, other := w.session("b")
	a := scan(t, store)
	id := journal.KeyID{Epoch: w.epoch, Handle: m.Handle}
	part := a.Part(receipt.PartID{Epoch: w.epoch, Handle: m.Handle})
	if _, err := a.Open(t.Context(), part, auditor); err != nil {
		t.Fatal(err)
	}
	must(store.EraseKey(t.Context(), id))
	if _, err := a.Open(t.Context(), part, auditor); !errors.Is(err, archive.ErrNotFound) {
		t.Errorf("opened an erased part: %v", err)
	}
	must(store.Put(t.Context(), journal.Group{Epoch: [16]byte{9}, Entries: []journal.Sealed{{0}}, Keys: []journal.WrappedKey{{ID: id, DEK: other.Wrapped}}}))
	if _, err := a.Open(t.Context(), part, auditor); !errors.Is(err, format.ErrKey) {
		t.Errorf("opened with the key of another part: %v", err)
	}
}

// TestEntry: an entry is found wherever in a chunk it stands.
func TestEntry(t *testing.T) {
	store := journaltest.New()
	w := newWriter(store, 1, identity(t))
	for seq, kind := range []format.Kind{format.KindEpoch, format.KindWrapKey} {
		e, err := archive.Entry(t.Context(), store, w.epoch, uint64(seq))
		if err != nil || e.Kind != kind {
			t.Errorf("entry %d: %v", seq, err)
		}
	}
	if _, err := archive.Entry(t.Context(), store, w.epoch, 7); !errors.Is(err, archive.ErrNotFound) {
		t.Errorf("entry that is not there: %v", err)
	}
	if _, err := archive.Entry(t.Context(), store, receipt.Epoch{7}, 0); !errors.Is(err, journal.ErrNotFound) {
		t.Errorf("entry of an epoch that is not there: %v", err)
	}
}
