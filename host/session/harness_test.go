package session_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"filippo.io/torchwood"
	"go.opentelemetry.io/proto/otlp/collector/trace/v1"
	common "go.opentelemetry.io/proto/otlp/common/v1"
	resource "go.opentelemetry.io/proto/otlp/resource/v1"
	trace "go.opentelemetry.io/proto/otlp/trace/v1"
	"go.uber.org/goleak"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
	"google.golang.org/protobuf/proto"

	"github.com/veriproof/notary/attestation/runtimedata"
	"github.com/veriproof/notary/host/archive"
	"github.com/veriproof/notary/host/journal"
	"github.com/veriproof/notary/host/journal/journaltest"
	"github.com/veriproof/notary/host/otlpwire"
	"github.com/veriproof/notary/host/pluginhost"
	"github.com/veriproof/notary/host/seal"
	"github.com/veriproof/notary/host/session"
	format "github.com/veriproof/notary/sdk/journal"
	"github.com/veriproof/notary/sdk/receipt"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// secret is what the redactor of these tests looks for.
const secret = "s3cret-value"

// finder is a Redactor that masks every occurrence of secret. It stands here
// for the measured modules, which have tests of their own, so that what it
// returns can be made to fail.
type finder struct {
	fail   error
	mu     sync.Mutex
	groups map[string]uint32 // of the last request, by text
	action pluginhost.Action
	quote  string
}

func (f *finder) Redact(_ context.Context, fields []pluginhost.Field) ([]pluginhost.Edit, error) {
	if f.fail != nil {
		return nil, f.fail
	}
	var edits []pluginhost.Edit
	groups := map[string]uint32{}
	for i, field := range fields {
		groups[string(field.Text)] = field.Group
		for at := 0; ; {
			n := bytes.Index(field.Text[at:], []byte(secret))
			if n < 0 {
				break
			}
			edits = append(edits, pluginhost.Edit{Field: i, Start: at + n, End: at + n + len(secret), Label: "SECRET", Plugin: "finder", Action: f.action, Value: secret, Quote: f.quote})
			at += n + len(secret)
		}
	}
	f.mu.Lock()
	f.groups = groups
	f.mu.Unlock()
	return edits, nil
}

// memoryLog is a transparency log in memory that makes real proofs.
type memoryLog struct {
	mu     sync.Mutex
	signer note.Signer
	vkey   string
	hashes []tlog.Hash
	count  int64
	leaves []receipt.Hash
	seen   map[[32]byte]int
	down   error
	refuse map[[32]byte]bool // once
}

func newLog() *memoryLog {
	skey, vkey, err := note.GenerateKey(nil, "example.org/test-log")
	if err != nil {
		panic(err)
	}
	signer, err := note.NewSigner(skey)
	if err != nil {
		panic(err)
	}
	return &memoryLog{signer: signer, vkey: vkey, seen: make(map[[32]byte]int)}
}

func (l *memoryLog) Submit(_ context.Context, c [32]byte) ([]byte, uint64, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.down != nil {
		return nil, 0, l.down
	}
	if l.refuse[c] {
		delete(l.refuse, c)
		return nil, 0, errors.New("try again")
	}
	l.seen[c]++
	reader := tlog.HashReaderFunc(func(indexes []int64) ([]tlog.Hash, error) {
		out := make([]tlog.Hash, len(indexes))
		for i, x := range indexes {
			out[i] = l.hashes[x]
		}
		return out, nil
	})
	index := l.count
	hashes, err := tlog.StoredHashes(index, c[:], reader)
	if err != nil {
		return nil, 0, err
	}
	l.hashes, l.count, l.leaves = append(l.hashes, hashes...), l.count+1, append(l.leaves, c)
	root, err := tlog.TreeHash(l.count, reader)
	if err != nil {
		return nil, 0, err
	}
	text := fmt.Sprintf("%s\n%d\n%s\n", l.signer.Name(), l.count, base64.StdEncoding.EncodeToString(root[:]))
	signed, err := note.Sign(&note.Note{Text: text}, l.signer)
	if err != nil {
		return nil, 0, err
	}
	proof, err := tlog.ProveRecord(l.count, index, reader)
	if err != nil {
		return nil, 0, err
	}
	return torchwood.FormatProof(index, proof, signed), uint64(index), nil
}

func (l *memoryLog) size() int64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.count
}

// set has the log fail from now on, or, with nil, work.
func (l *memoryLog) set(down error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.down = down
}

func (l *memoryLog) times(c [32]byte) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.seen[c]
}

// A world is what outlives a notary: storage, log, recipient, clock.
type world struct {
	t        *testing.T
	store    *journaltest.Store
	real     journal.Store // in the place of store, if not nil
	log      *memoryLog
	auditor  *format.Identity
	redactor *finder
	tune     func(*session.Options)
	epochs   byte

	mu  sync.Mutex
	now time.Time
}

func newWorld(t *testing.T) *world {
	t.Helper()
	auditor, err := format.GenerateIdentity()
	if err != nil {
		t.Fatal(err)
	}
	return &world{
		t: t, store: journaltest.New(), log: newLog(), auditor: auditor, redactor: &finder{},
		now: time.Unix(1_800_000_000, 0),
	}
}

func (w *world) storage() journal.Store {
	if w.real != nil {
		return w.real
	}
	return w.store
}

func (w *world) clock() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.now
}

func (w *world) advance(d time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.now = w.now.Add(d)
}

// options makes those of the next epoch, with its own keys.
func (w *world) options() session.Options {
	w.t.Helper()
	w.epochs++
	epoch := receipt.Epoch{w.epochs}
	public, key, err := ed25519.GenerateKey(nil)
	if err != nil {
		w.t.Fatal(err)
	}
	hexOf := func(s string) string { sum := sha256.Sum256([]byte(s)); return hex.EncodeToString(sum[:]) }
	data, err := runtimeData(epoch, public, hexOf)
	if err != nil {
		w.t.Fatal(err)
	}
	ring, err := seal.NewRing(epoch, []*format.Recipient{w.auditor.Recipient()})
	if err != nil {
		w.t.Fatal(err)
	}
	o := session.Options{
		Store: w.store, Redactor: w.redactor, Log: w.log, Ring: ring, Key: key,
		Origin:   receipt.Origin{Epoch: epoch, RuntimeData: sha256.Sum256(data), PluginSet: sha256.Sum256([]byte("set")), Mode: "enforce"},
		Entry:    format.EpochBody{RuntimeData: data},
		Appraise: func(*archive.Epoch) error { return nil },
		Now:      w.clock,
		Copies:   func(context.Context) session.Copies { return session.Copies{Unasked: []string{"a backup"}} },
		Journal:  journal.Options{Backoff: func(int) time.Duration { return 0 }},
	}
	if w.tune != nil {
		w.tune(&o)
	}
	return o
}

// impatience is an UnknownLimit for tests that wait for the end of a write that never ends. Others have that of a
// notary, since on a busy machine a write may take a while.
const impatience = 300 * time.Millisecond

func (w *world) start() *session.Notary {
	w.t.Helper()
	n, err := session.Start(w.t.Context(), w.options())
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { w.crash(n) })
	return n
}

// crash stops a notary as kill -9 would.
func (w *world) crash(n *session.Notary) { n.Kill() }

func (w *world) close(n *session.Notary) {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(w.t.Context(), 20*time.Second)
	defer cancel()
	if err := n.Close(ctx); err != nil {
		w.t.Fatalf("close: %v", err)
	}
}

func (w *world) scan() *archive.Archive {
	w.t.Helper()
	a, err := archive.Scan(w.t.Context(), w.storage(), archive.Options{})
	if err != nil {
		w.t.Fatal(err)
	}
	for _, e := range a.Epochs {
		if e.Err != nil {
			w.t.Fatalf("epoch %v: %v", e.ID, e.Err)
		}
	}
	return a
}

// opened decrypts every part in storage.
func (w *world) opened() []*archive.Opened {
	w.t.Helper()
	a := w.scan()
	var out []*archive.Opened
	for _, p := range a.Parts() {
		o, err := a.Open(w.t.Context(), p, w.auditor)
		if err != nil {
			w.t.Fatal(err)
		}
		out = append(out, o)
	}
	return out
}

// spanNames returns the names of the spans that storage holds for a session,
// over all its parts.
func (w *world) spanNames(id string) []string {
	w.t.Helper()
	var names []string
	for _, o := range w.opened() {
		if string(o.Session) != id {
			continue
		}
		for _, r := range o.Records {
			if r.Kind != receipt.Span {
				continue
			}
			var s trace.Span
			if err := proto.Unmarshal(r.Bytes, &s); err != nil {
				w.t.Fatal(err)
			}
			names = append(names, s.Name)
		}
	}
	return names
}

// verified checks every sealed part as an offline verifier would, and that none
// is left unsealed or unproved.
func (w *world) verified() *archive.Archive {
	w.t.Helper()
	a := w.scan()
	for _, p := range a.Parts() {
		if p.Manifest == nil {
			w.t.Errorf("part %v/%d is not sealed", p.ID.Handle, p.ID.Part)
			continue
		}
		by := a.Epoch(p.Manifest.SealedBy.Epoch)
		if _, _, err := receipt.Verify(p.Receipt, by.Key); err != nil {
			w.t.Error(err)
		}
		proof, ok := a.Proof(p.Commitment())
		if !ok {
			w.t.Errorf("part %v/%d has no log proof", p.ID.Handle, p.ID.Part)
			continue
		}
		if _, err := receipt.VerifyProof(proof.Proof, p.Commitment(), []string{w.log.vkey}); err != nil {
			w.t.Error(err)
		}
	}
	return a
}

func runtimeData(epoch receipt.Epoch, key ed25519.PublicKey, hexOf func(string) string) ([]byte, error) {
	rsaKey := runtimedata.JWK{E: "AQAB", KeyOps: []string{"encrypt"}, Kty: "RSA"}
	modulus := bytes.Repeat([]byte{0xff}, 256)
	rsaKey.N = base64.RawURLEncoding.EncodeToString(modulus)
	sum := sha256.Sum256([]byte(`{"e":"AQAB","kty":"RSA","n":"` + rsaKey.N + `"}`))
	rsaKey.Kid = base64.RawURLEncoding.EncodeToString(sum[:])
	return runtimedata.RuntimeData{Keys: []runtimedata.JWK{rsaKey}, Notary: runtimedata.Notary{
		Config: hexOf("config"), Epoch: epoch.String(), Format: "1", Mode: "enforce", PluginSet: hexOf("set"),
		Plugins:    map[string]runtimedata.Plugin{"finder": {Config: hexOf("c"), Kind: "redactor", Limits: hexOf("l"), Order: "1", Wasm: hexOf("w")}},
		Recipients: hexOf("r"), SigningKey: base64.RawURLEncoding.EncodeToString(key), TLSSPKI: hexOf("t"), Version: "test",
	}}.Marshal()
}

// request builds an export request of spans of one session.
func request(id string, spans ...*trace.Span) []byte {
	for _, s := range spans {
		s.Attributes = append(s.Attributes, text("session.id", id))
	}
	b, err := proto.Marshal(&v1.ExportTraceServiceRequest{ResourceSpans: []*trace.ResourceSpans{{
		Resource:   &resource.Resource{Attributes: []*common.KeyValue{text("service.name", "chat"), text("telemetry.sdk.name", "opentelemetry")}},
		ScopeSpans: []*trace.ScopeSpans{{Scope: &common.InstrumentationScope{Name: "app"}, Spans: spans}},
	}}})
	if err != nil {
		panic(err)
	}
	return b
}

func text(k, v string) *common.KeyValue {
	return &common.KeyValue{Key: k, Value: &common.AnyValue{Value: &common.AnyValue_StringValue{StringValue: v}}}
}

func span(name string) *trace.Span {
	id := sha256.Sum256([]byte(name))
	return &trace.Span{TraceId: id[:16], SpanId: id[16:24], Name: name, StartTimeUnixNano: 10, EndTimeUnixNano: 20}
}

func lastSpan(name string) *trace.Span {
	s := span(name)
	s.Attributes = append(s.Attributes, &common.KeyValue{Key: "veriproof.session.end", Value: &common.AnyValue{Value: &common.AnyValue_BoolValue{BoolValue: true}}})
	return s
}

func export(t *testing.T, n *session.Notary, body []byte) format.Position {
	t.Helper()
	pos, err := n.Export(t.Context(), "acme", otlpwire.Traces, body)
	if err != nil {
		t.Fatal(err)
	}
	return pos
}

// settled waits until the session's parts have all reached the log.
func settled(t *testing.T, n *session.Notary, id string, parts int) []session.Part {
	t.Helper()
	deadline := time.Now().Add(20 * time.Second)
	for {
		list, err := n.Parts(t.Context(), "acme", id)
		if err != nil && !errors.Is(err, session.ErrNotFound) {
			t.Fatal(err)
		}
		logged := 0
		for _, p := range list {
			if p.State == session.StateLogged {
				logged++
			}
		}
		if logged == parts {
			return list
		}
		if time.Now().After(deadline) {
			t.Fatalf("session has %d parts in the log, want %d", logged, parts)
		}
		<-time.After(time.Millisecond)
	}
}
