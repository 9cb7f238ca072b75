package bundle_test

import (
	"context"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"math/big"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"filippo.io/torchwood"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/veriproof/notary/attestation/evidence"
	"github.com/veriproof/notary/attestation/maa"
	"github.com/veriproof/notary/attestation/policy"
	"github.com/veriproof/notary/attestation/runtimedata"
	"github.com/veriproof/notary/attestation/simtee"
	"github.com/veriproof/notary/sdk/bundle"
	"github.com/veriproof/notary/sdk/journal"
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

func digest(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

// A notary is one epoch on the simulated machine.
type notary struct {
	epoch receipt.Epoch
	key   ed25519.PrivateKey
	att   bundle.Attestation
}

func (n *notary) sealer() receipt.Sealer {
	return receipt.Sealer{Epoch: n.epoch, RuntimeData: runtimedata.Digest(n.att.RuntimeData)}
}

func (n *notary) origin() receipt.Origin {
	return receipt.Origin{
		Epoch: n.epoch, RuntimeData: runtimedata.Digest(n.att.RuntimeData), PluginSet: sha256.Sum256([]byte("plugin set")), Mode: "enforce",
	}
}

// world is a machine with two epochs, attested in full, and the policy of a
// relying party who trusts them. The machine is switched off again: what is
// verified below is what it left behind.
type world struct {
	policy *policy.Policy
	a, b   *notary
	jwks   []byte
	now    time.Time
}

var once = sync.OnceValues(func() (*world, error) {
	return makeWorld(simtee.Options{TestKeys: true}, func(*simtee.TEE) error { return nil })
})

func getWorld(t testing.TB) *world {
	t.Helper()
	w, err := once()
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// makeWorld calls between after the first notary has started and before the second does.
func makeWorld(opts simtee.Options, between func(*simtee.TEE) error) (*world, error) {
	tee, err := simtee.New(opts)
	if err != nil {
		return nil, err
	}
	if err := tee.Start(context.Background()); err != nil {
		return nil, err
	}
	defer tee.Close()
	w := &world{now: time.Now()}
	if w.policy, err = tee.Policy(policy.Digest(sha256.Sum256([]byte("plugin set")))); err != nil {
		return nil, err
	}
	log := newLog()
	w.policy.Mode, w.policy.UVM.Feed = "enforce", "ContainerPlat-AMD-UVM"
	w.policy.Log = &policy.Log{Origin: log.name, Keys: []string{log.vkey}}
	file, err := simtee.MarshalPolicy(w.policy)
	if err != nil {
		return nil, err
	}
	if w.policy, err = policy.Parse(file); err != nil {
		return nil, err
	}
	w.jwks = tee.JWKS()
	if w.a, err = startNotary(tee, 0x10); err != nil {
		return nil, err
	}
	if err := between(tee); err != nil {
		return nil, err
	}
	w.b, err = startNotary(tee, 0x20)
	return w, err
}

// startNotary goes through a notary's attestation at start-up.
func startNotary(tee *simtee.TEE, first byte) (*notary, error) {
	n := &notary{epoch: receipt.Epoch(seq(first, 16)), key: fixedKey(first)}
	n.att = bundle.Attestation{
		Config:        []byte("listen: 0.0.0.0:4317\n"),
		PluginConfigs: map[string][]byte{"redact-pii": []byte("labels: all\n"), "store-dir": {}},
		JWKS:          tee.JWKS(),
	}
	var err error
	if n.att.RuntimeData, err = runtimeData(n); err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "security-context")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	if err := tee.WriteSecurityContext(dir); err != nil {
		return nil, err
	}
	source := evidence.Sidecar{URL: tee.SidecarURL(), SecurityContextDir: dir, HTTP: &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}}
	e, err := source.Collect(context.Background(), n.att.RuntimeData)
	if err != nil {
		return nil, err
	}
	n.att.Report, n.att.VCEKChain, n.att.UVM, n.att.CCEPolicy = e.Report, e.VCEKChain, e.UVM, e.CCEPolicy
	client := maa.Client{URL: tee.MAAURL(), HTTP: tee.MAAHTTPClient()}
	token, err := client.Attest(context.Background(), maa.Request{Report: e.Report, VCEKChain: e.VCEKChain, UVM: e.UVM, RuntimeData: n.att.RuntimeData})
	n.att.Token = []byte(token)
	return n, err
}

func runtimeData(n *notary) ([]byte, error) {
	modulus := seq(0x81, 256)
	plugin := func(kind, name string) runtimedata.Plugin {
		return runtimedata.Plugin{Config: digest(n.att.PluginConfigs[name]), Kind: kind, Limits: digest(nil), Order: "1", Wasm: digest([]byte(name))}
	}
	modulus[255] |= 1
	return runtimedata.RuntimeData{
		Keys: []runtimedata.JWK{runtimedata.RSAKey(&rsa.PublicKey{N: new(big.Int).SetBytes(modulus), E: 65537})},
		Notary: runtimedata.Notary{
			Config: digest(n.att.Config), Epoch: n.epoch.String(), Format: "1", Mode: "enforce", PluginSet: digest([]byte("plugin set")),
			Plugins:    map[string]runtimedata.Plugin{"redact-pii": plugin("redactor", "redact-pii"), "store-dir": plugin("storage", "store-dir")},
			Recipients: digest([]byte("recipients")), SigningKey: base64.RawURLEncoding.EncodeToString(n.key.Public().(ed25519.PublicKey)),
			TLSSPKI: digest([]byte("tls")), Version: "0.1.0",
		},
	}.Marshal()
}

// A testLog is a log in memory, made with golang.org/x/mod alone.
type testLog struct {
	name, vkey, skey string
	hashes           []tlog.Hash
	size             int64
}

func newLog() *testLog {
	l := &testLog{name: "log.example/bundle"}
	key := fixedKey(0xc0)
	var err error
	if l.vkey, err = note.NewEd25519VerifierKey(l.name, key.Public().(ed25519.PublicKey)); err != nil {
		panic(err)
	}
	l.skey = fmt.Sprintf("PRIVATE+KEY+%s+%s+%s", l.name, strings.Split(l.vkey, "+")[1], base64.StdEncoding.EncodeToString(append([]byte{1}, key.Seed()...)))
	return l
}

func (l *testLog) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	out := make([]tlog.Hash, len(indexes))
	for i, x := range indexes {
		out[i] = l.hashes[x]
	}
	return out, nil
}

// submit adds a commitment and proves it in the log as it is then.
func (l *testLog) submit(t testing.TB, c receipt.Hash) []byte {
	t.Helper()
	index := l.size
	h, err := tlog.StoredHashes(l.size, c[:], l)
	if err != nil {
		t.Fatal(err)
	}
	l.hashes = append(l.hashes, h...)
	l.size++
	root, err1 := tlog.TreeHash(l.size, l)
	path, err2 := tlog.ProveRecord(l.size, index, l)
	signer, err3 := note.NewSigner(l.skey)
	if err1 != nil || err2 != nil || err3 != nil {
		t.Fatal(err1, err2, err3)
	}
	text := torchwood.Checkpoint{Origin: l.name, Tree: tlog.Tree{N: l.size, Hash: root}}.String()
	signed, err := note.Sign(&note.Note{Text: text}, signer)
	if err != nil {
		t.Fatal(err)
	}
	return torchwood.FormatProof(index, path, signed)
}

// A session is one sealed part: what a bundle is made of.
type session struct {
	manifest receipt.Manifest
	openings []*receipt.Opening
	end      end
}

// An end is the entry that ends an epoch, by parts, so that each can be wrong.
type end struct {
	kind   journal.Kind
	epoch  receipt.Epoch
	seq    uint64
	body   any
	key    ed25519.PrivateKey
	before receipt.Hash
}

func (e *end) entry(t testing.TB) *journal.Entry {
	t.Helper()
	body, err := journal.EncodeBody(e.body)
	if err != nil {
		t.Fatal(err)
	}
	out := &journal.Entry{Header: journal.Header{Epoch: e.epoch, Seq: e.seq, Kind: e.kind, Body: sha256.Sum256(body)}, Body: body}
	out.Chain = out.Header.Chain(e.before)
	out.Signature = journal.SignPosition(e.key, out.Epoch, out.Seq, out.Chain)
	return out
}

func (e *end) commitment(t testing.TB) receipt.Hash {
	out := e.entry(t)
	return journal.CloseCommitment(out.Epoch, out.Seq, out.Chain)
}

// newSession has two records and a summary. Epoch a receives them; sealer seals
// them, which is b after a crash of a.
func newSession(t testing.TB, w *world, sealer *notary) *session {
	t.Helper()
	id := receipt.PartID{Epoch: w.a.epoch, Handle: receipt.Handle(seq(0x80, 32))}
	keys := journal.DeriveKeys((*[32]byte)(seq(1, 32)), id)
	summary, err := receipt.Summary{Format: "1", Tenant: "acme", Session: "s-1", Records: 2}.Encode()
	if err != nil {
		t.Fatal(err)
	}
	records := []receipt.Record{
		{Kind: receipt.Span, Resource: []byte("resource"), Scope: []byte("scope"), Bytes: []byte("span [EMAIL]"), Edits: receipt.EncodeEdits(
			[]receipt.Edit{{Plugin: "redact-pii", Label: "EMAIL", Place: "span.name", Length: 17}})},
		{Kind: receipt.Log, Resource: []byte("resource"), Scope: []byte("scope"), Bytes: []byte("log"), Edits: receipt.EncodeEdits(nil)},
		{Kind: receipt.Closing, Bytes: summary, Edits: receipt.EncodeEdits(nil)},
	}
	leaves := make([]receipt.Hash, len(records))
	s := &session{openings: make([]*receipt.Opening, len(records))}
	for i, r := range records {
		editKey := keys.EditKey(0, uint32(i))
		o := &receipt.Opening{
			Index: uint64(i), Kind: r.Kind, Salt: keys.Salt(0, uint32(i)), EditCommitment: receipt.EditCommitment(editKey, r.Edits),
			Resource: r.Resource, Scope: r.Scope, Record: r.Bytes, EditKey: &editKey, Edits: r.Edits,
		}
		leaves[i], s.openings[i] = r.LeafHash(o.Salt, o.EditCommitment), o
	}
	last := receipt.NodeHash(leaves[0], leaves[1])
	s.openings[0].Path = []receipt.Hash{leaves[1], leaves[2]}
	s.openings[1].Path = []receipt.Hash{leaves[0], leaves[2]}
	s.openings[2].Path = []receipt.Hash{last}
	s.manifest = receipt.Manifest{
		V: "1", Origin: w.a.origin(), SealedBy: sealer.sealer(), Handle: id.Handle, Leaves: 3, Root: receipt.Root(leaves),
		DEKCommitment: keys.Commitment, FirstSeq: 3, LastSeq: 5, Reason: receipt.ReasonEnd,
		HostClock: receipt.HostClock{OpenedUnixNano: w.now.UnixNano(), SealedUnixNano: w.now.Add(time.Minute).UnixNano()},
	}
	if sealer != w.a {
		s.manifest.Reason = receipt.ReasonRecovered
	}
	s.end = end{journal.KindClose, sealer.epoch, 9, journal.CloseBody{Manifests: 3}, sealer.key, receipt.Hash(seq(0x50, 32))}
	return s
}

func manifestOf(t testing.TB, s *session) []byte {
	t.Helper()
	manifest, err := s.manifest.Encode()
	if err != nil {
		t.Fatal(err)
	}
	return manifest
}

// bundleOf is the bundle of a session that sealer has sealed, with record 0 and
// the summary disclosed. The epoch's end comes into the log after the receipt.
func bundleOf(t testing.TB, w *world, sealer *notary, s *session) *bundle.Bundle {
	t.Helper()
	manifest := manifestOf(t, s)
	b := &bundle.Bundle{Sealer: sealer.att, Receipt: []byte(receipt.Sign(manifest, sealer.key)), Records: map[uint64][]byte{}}
	if sealer != w.a {
		origin := w.a.att
		b.Origin = &origin
	}
	for _, i := range []int{0, 2} {
		data, err := s.openings[i].Encode()
		if err != nil {
			t.Fatal(err)
		}
		b.Records[uint64(i)] = data
	}
	log := newLog()
	for i := range 5 {
		log.submit(t, receipt.Hash{byte(i)})
	}
	b.Proof = log.submit(t, receipt.Commitment(manifest))
	b.EpochEnd = bundle.EncodeEnd(s.end.before, s.end.entry(t))
	b.EpochEndProof = log.submit(t, s.end.commitment(t))
	return b
}

func encode(t testing.TB, b *bundle.Bundle) []byte {
	t.Helper()
	data, err := b.Encode()
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func verify(t testing.TB, w *world, data []byte) *bundle.Result {
	t.Helper()
	r, err := bundle.Verify(data, w.policy, bundle.Options{AllowSimulated: true})
	if err != nil {
		t.Fatal(err)
	}
	return r
}
