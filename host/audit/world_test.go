package audit_test

import (
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"iter"
	"os"
	"slices"
	"strings"
	"time"

	collector "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	common "go.opentelemetry.io/proto/otlp/common/v1"
	trace "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"

	"github.com/veriproof/notary/attestation/runtimedata"
	"github.com/veriproof/notary/host/archive"
	"github.com/veriproof/notary/host/audit"
	"github.com/veriproof/notary/host/commitlog"
	"github.com/veriproof/notary/host/journal"
	"github.com/veriproof/notary/host/journal/journaltest"
	"github.com/veriproof/notary/host/merkle"
	"github.com/veriproof/notary/host/otlpwire"
	"github.com/veriproof/notary/host/pluginhost"
	"github.com/veriproof/notary/host/seal"
	"github.com/veriproof/notary/host/session"
	format "github.com/veriproof/notary/sdk/journal"
	"github.com/veriproof/notary/sdk/receipt"
)

// A world is a storage and a log after three notaries: the first was fenced by
// the second, the others closed in good order.
type world struct {
	store storage
	// yesterday is the storage when the first notary was alone, today is it at the end.
	yesterday, today backup
	log              entries
	keys             map[receipt.Epoch]ed25519.PrivateKey
	positions        []audit.Position // of every export, in order
}

// A storage is that of a notary, and in the hands of who keeps it.
type storage interface {
	journal.Store
	// Rewrite replaces an epoch's chunks by what f makes of them, behind the notary's back.
	Rewrite(epoch [16]byte, f func([]journal.Chunk) []journal.Chunk)
}

// A backup of a storage has the chunks of each epoch in the story.
type backup map[receipt.Epoch][]journal.Chunk

func backupOf(s storage) backup {
	b := backup{{1}: nil, {2}: nil, {3}: nil}
	for e := range b {
		s.Rewrite(e, func(c []journal.Chunk) []journal.Chunk { b[e] = slices.Clone(c); return c })
	}
	return b
}

func (b backup) restore(s storage) {
	for e, list := range b {
		s.Rewrite(e, func([]journal.Chunk) []journal.Chunk { return slices.Clone(list) })
	}
}

// memory returns a storage of its own with what was backed up.
func (b backup) memory() *journaltest.Store {
	s := journaltest.New()
	b.restore(s)
	return s
}

// entries is a log as an auditor reads it.
type entries []receipt.Hash

func (l entries) Checkpoint(context.Context) (uint64, receipt.Hash, []byte, error) {
	t := l.tree(len(l))
	return t.Size, t.Root, nil, nil
}

func (l entries) Entries(_ context.Context, size uint64) iter.Seq2[receipt.Hash, error] {
	return func(yield func(receipt.Hash, error) bool) {
		for _, e := range l[:size] {
			if !yield(e, nil) {
				return
			}
		}
	}
}

func (l entries) tree(size int) audit.Tree {
	var e merkle.Edge
	for _, c := range l[:size] {
		e.Append(receipt.LeafHash(c[:]))
	}
	return audit.Tree{Size: e.Size(), Root: e.Root(), Source: "what was kept"}
}

// blind finds nothing to redact.
type blind struct{}

func (blind) Redact(context.Context, []pluginhost.Field) ([]pluginhost.Edit, error) { return nil, nil }

func must(err error) {
	if err != nil {
		panic(err)
	}
}

func request(id string, n int) []byte {
	sum := sha256.Sum256(fmt.Append(nil, id, n))
	b, err := proto.Marshal(&collector.ExportTraceServiceRequest{ResourceSpans: []*trace.ResourceSpans{{
		ScopeSpans: []*trace.ScopeSpans{{Spans: []*trace.Span{{
			TraceId: sum[:16], SpanId: sum[16:24], Name: fmt.Sprint("turn ", n),
			Attributes: []*common.KeyValue{{Key: "session.id", Value: &common.AnyValue{Value: &common.AnyValue_StringValue{StringValue: id}}}},
		}}}},
	}}})
	must(err)
	return b
}

// A notary is one epoch with what its senders got.
type notary struct {
	*session.Notary
	w *world
}

func (w *world) start(ctx context.Context, id byte, log session.Log, now func() time.Time) notary {
	epoch := receipt.Epoch{id}
	key := ed25519.NewKeyFromSeed([]byte(strings.Repeat(string(rune('a'+id)), ed25519.SeedSize)))
	w.keys[epoch] = key
	recipient, err := format.GenerateIdentity()
	must(err)
	ring, err := seal.NewRing(epoch, []*format.Recipient{recipient.Recipient()})
	must(err)
	data := runtimeData(epoch, key)
	n, err := session.Start(ctx, session.Options{
		Store: w.store, Redactor: blind{}, Log: log, Ring: ring, Key: key,
		Origin:   receipt.Origin{Epoch: epoch, RuntimeData: sha256.Sum256(data), Mode: "enforce"},
		Entry:    format.EpochBody{RuntimeData: data},
		Appraise: func(*archive.Epoch) error { return nil }, Now: now,
	})
	must(err)
	return notary{n, w}
}

func runtimeData(epoch receipt.Epoch, key ed25519.PrivateKey) []byte {
	zero := strings.Repeat("0", 64)
	n := base64.RawURLEncoding.EncodeToString([]byte(strings.Repeat("\xff", 256)))
	kid := sha256.Sum256([]byte(`{"e":"AQAB","kty":"RSA","n":"` + n + `"}`))
	data, err := runtimedata.RuntimeData{
		Keys: []runtimedata.JWK{{E: "AQAB", KeyOps: []string{"encrypt"}, Kty: "RSA", N: n, Kid: base64.RawURLEncoding.EncodeToString(kid[:])}},
		Notary: runtimedata.Notary{
			Config: zero, Epoch: epoch.String(), Format: "1", Mode: "enforce", PluginSet: zero, Recipients: zero, TLSSPKI: zero, Version: "test",
			SigningKey: base64.RawURLEncoding.EncodeToString(key.Public().(ed25519.PublicKey)), Plugins: map[string]runtimedata.Plugin{},
		},
	}.Marshal()
	must(err)
	return data
}

func (n notary) export(ctx context.Context, id string, times int) {
	for i := range times {
		p, err := n.Export(ctx, "acme", otlpwire.Traces, request(id, i))
		must(err)
		n.w.positions = append(n.w.positions, audit.Position{Position: p, Source: id + ".txt"})
	}
}

// newWorld plays the story in memory, on a real log.
func newWorld(ctx context.Context) *world { return play(ctx, journaltest.New()) }

// play plays the story on an empty storage.
func play(ctx context.Context, store storage) *world {
	dir, err := os.MkdirTemp("", "log")
	must(err)
	defer os.RemoveAll(dir)
	log, err := commitlog.OpenPOSIX(dir, "example.org/audited", commitlog.Options{})
	must(err)
	w := &world{store: store, keys: make(map[receipt.Epoch]ed25519.PrivateKey)}
	now := time.Unix(1_800_000_000, 0)
	clock := func() time.Time { return now }

	first := w.start(ctx, 1, log, clock)
	first.export(ctx, "a", 2)
	first.export(ctx, "b", 2)
	now = now.Add(time.Hour)
	must(first.Tick(ctx)) // a checkpoint; and the sessions are idle
	for first.Stats().Proved < 2 {
		<-time.After(time.Millisecond)
	}
	first.export(ctx, "c", 3)
	w.yesterday = backupOf(store)

	second := w.start(ctx, 2, log, clock)
	second.export(ctx, "d", 3)
	must(second.EndSession(ctx, "acme", "d"))
	must(second.Close(ctx))
	gone, cancel := context.WithCancel(ctx)
	cancel()
	if err := first.Close(gone); err == nil {
		panic("the first notary was not fenced")
	}

	third := w.start(ctx, 3, log, clock)
	third.export(ctx, "e", 3)
	must(third.Close(ctx))

	w.today = backupOf(store)

	key := log.VerifierKey()
	must(log.Close())
	reader, err := commitlog.NewReader(dir, []string{key})
	must(err)
	size, _, _, err := reader.Checkpoint(ctx)
	must(err)
	for c, err := range reader.Entries(ctx, size) {
		must(err)
		w.log = append(w.log, c)
	}
	return w
}

func believe(*archive.Epoch) error { return nil }
