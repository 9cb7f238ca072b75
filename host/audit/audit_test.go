package audit_test

import (
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"iter"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	collector "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	common "go.opentelemetry.io/proto/otlp/common/v1"
	trace "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"

	"github.com/veriproof/notary/attestation"
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
	store *journaltest.Store
	// yesterday is the storage when the first notary was alone.
	yesterday *journaltest.Store
	log       entries
	keys      map[receipt.Epoch]ed25519.PrivateKey
	positions []audit.Position // of every export, in order
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

// newWorld plays the story on a real log.
func newWorld(ctx context.Context) *world {
	dir, err := os.MkdirTemp("", "log")
	must(err)
	defer os.RemoveAll(dir)
	log, err := commitlog.OpenPOSIX(dir, "example.org/audited", commitlog.Options{})
	must(err)
	w := &world{store: journaltest.New(), keys: make(map[receipt.Epoch]ed25519.PrivateKey)}
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
	w.yesterday = w.store.Backup()

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

// An audit reads storage and log, and says what is missing.
func ExampleRun() {
	ctx := context.Background()
	w := newWorld(ctx)
	// Somebody cuts off the end of the last epoch.
	w.store.Rewrite(receipt.Epoch{3}, func(c []journal.Chunk) []journal.Chunk { return c[:2] })

	report, err := audit.Run(ctx, w.store, audit.Options{Log: w.log, Believe: believe, Positions: w.positions})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, f := range report.Findings {
		if f.Check == audit.CheckPositions {
			fmt.Println(f.Kind, "from", f.First, "to", f.Last, "or more:", f.OrMore)
		}
	}
	fmt.Println(attestation.Verdict(report.Checks))
	// Output:
	// missing from 3 to 4 or more: true
	// failed
}

// TestTampering covers T30, T31, T32 and T40 as far as storage or log are
// changed: each change is found, and named with its range.
func TestTampering(t *testing.T) {
	t.Parallel()
	base := newWorld(t.Context())
	one, two, three := receipt.Epoch{1}, receipt.Epoch{2}, receipt.Epoch{3}
	chunks := func(w *world, e receipt.Epoch) (list []journal.Chunk) {
		w.store.Rewrite(e, func(c []journal.Chunk) []journal.Chunk { list = c; return c })
		return list
	}
	last := func(w *world, e receipt.Epoch) uint64 { // seq
		a, err := archive.Scan(t.Context(), w.store, archive.Options{})
		must(err)
		return a.Epoch(e).Next - 1
	}
	end := last(base, three)
	a, err := archive.Scan(t.Context(), base.store, archive.Options{})
	must(err)
	sealed := a.Epoch(three).Manifests[0].SealedSeq
	// A chunk in the middle of an epoch, which is neither its first nor its last.
	at := func(e receipt.Epoch, i int) (first, until uint64) {
		list := chunks(base, e)
		return list[i].FirstSeq, list[i+1].FirstSeq - 1
	}
	first2, until2 := at(one, 2)
	_, until3 := at(one, 3)

	for _, tt := range []struct {
		name string
		do   func(w *world, o *audit.Options)
		want []audit.Finding // without details; those of other checks may follow
	}{
		{"T31 deleted", func(w *world, _ *audit.Options) {
			w.store.Rewrite(one, func(c []journal.Chunk) []journal.Chunk { return slices.Delete(c, 2, 3) })
		}, []audit.Finding{{Check: audit.CheckChain, Kind: audit.Missing, Epoch: one.String(), First: first2, Last: until2}}},
		{"first deleted", func(w *world, _ *audit.Options) {
			w.store.Rewrite(one, func(c []journal.Chunk) []journal.Chunk { return c[1:] })
		}, []audit.Finding{
			{Check: audit.CheckChain, Kind: audit.Missing, Epoch: one.String(), First: 0, Last: chunks(base, one)[1].FirstSeq - 1},
			// The key was in entry 0: nothing of what is left can be checked, but for the
			// fence, which another has signed.
			{Check: audit.CheckChain, Kind: audit.Wrong, Epoch: one.String(), First: chunks(base, one)[1].FirstSeq, Last: last(base, one) - 1},
		}},
		{"T32 a byte changed", func(w *world, _ *audit.Options) {
			w.store.Rewrite(one, func(c []journal.Chunk) []journal.Chunk {
				c[2].Entries = slices.Clone(c[2].Entries)
				c[2].Entries[len(c[2].Entries)-1] ^= 1
				return c
			})
		}, []audit.Finding{{Check: audit.CheckChain, Kind: audit.Wrong, Epoch: one.String(), First: first2, Last: until2}}},
		{"T32 old ciphertext under a new id", func(w *world, _ *audit.Options) {
			w.store.Rewrite(two, func(c []journal.Chunk) []journal.Chunk {
				c[1].Entries = chunks(base, one)[1].Entries
				return c
			})
		}, []audit.Finding{{Check: audit.CheckChain, Kind: audit.Wrong, Epoch: two.String(), First: chunks(base, two)[1].FirstSeq, Last: chunks(base, two)[2].FirstSeq - 1}}},
		{"T32 swapped rows", func(w *world, _ *audit.Options) {
			w.store.Rewrite(one, func(c []journal.Chunk) []journal.Chunk {
				c[2].Entries, c[3].Entries = c[3].Entries, c[2].Entries
				return c
			})
		}, []audit.Finding{{Check: audit.CheckChain, Kind: audit.Wrong, Epoch: one.String(), First: first2, Last: until3}}},
		{"T30 truncated, a later epoch knew more", func(w *world, _ *audit.Options) {
			w.store.Rewrite(two, func(c []journal.Chunk) []journal.Chunk { return c[:2] })
		}, []audit.Finding{{Check: audit.CheckHeads, Kind: audit.Missing, Epoch: two.String(), First: chunks(base, two)[2].FirstSeq, Last: last(base, two), OrMore: true}}},
		{"T30 truncated, nobody but the log knew more", func(w *world, _ *audit.Options) {
			w.store.Rewrite(three, func(c []journal.Chunk) []journal.Chunk { return c[:2] })
		}, []audit.Finding{{Check: audit.CheckEntries, Kind: audit.Unaccounted, First: uint64(len(base.log)) - 2, Last: uint64(len(base.log)) - 1}}},
		{"T30 truncated within a commit", func(w *world, _ *audit.Options) {
			w.store.Rewrite(three, func(c []journal.Chunk) []journal.Chunk {
				c = c[:1]
				entry, _, err := format.Decode(c[0].Entries)
				must(err)
				c[0].Entries = entry.Append(nil)
				return c
			})
		}, []audit.Finding{{Check: audit.CheckChain, Kind: audit.Missing, Epoch: three.String(), First: 0, Last: 1, OrMore: true}}},
		{"T30 senders know more than the log", func(w *world, o *audit.Options) {
			w.log = w.log[:len(w.log)-2]
			w.store.Rewrite(three, func(c []journal.Chunk) []journal.Chunk { return c[:2] })
			o.Positions = w.positions
		}, []audit.Finding{{Check: audit.CheckPositions, Kind: audit.Missing, Epoch: three.String(), First: chunks(base, three)[2].FirstSeq, Last: w3(base), OrMore: true}}},
		{"T30 restored backup", func(w *world, o *audit.Options) {
			w.store = w.yesterday
			o.Positions = w.positions
		}, []audit.Finding{
			{Check: audit.CheckPositions, Kind: audit.Missing, Epoch: two.String(), Last: base.positions[9].Seq, OrMore: true},
			{Check: audit.CheckPositions, Kind: audit.Missing, Epoch: three.String(), Last: w3(base), OrMore: true},
		}},
		{"T30 a whole epoch removed", func(w *world, _ *audit.Options) {
			w.store.Rewrite(two, func([]journal.Chunk) []journal.Chunk { return nil })
		}, []audit.Finding{{Check: audit.CheckHeads, Kind: audit.Missing, Epoch: two.String(), Last: last(base, two), OrMore: true}}},
		{"T30 the last epoch removed", func(w *world, _ *audit.Options) {
			w.store.Rewrite(three, func([]journal.Chunk) []journal.Chunk { return nil })
		}, []audit.Finding{{Check: audit.CheckEntries, Kind: audit.Unaccounted, First: uint64(len(base.log)) - 2, Last: uint64(len(base.log)) - 1}}},
		{"T31 two histories under one key", func(w *world, o *audit.Options) {
			p := w.positions[len(w.positions)-1]
			p.Chain[0] ^= 1
			p.Signature = format.SignPosition(w.keys[three], p.Epoch, p.Seq, p.Chain)
			o.Positions = append(slices.Clone(w.positions[:len(w.positions)-1]), p)
		}, []audit.Finding{{Check: audit.CheckPositions, Kind: audit.Forked, Epoch: three.String(), First: w3(base), Last: w3(base)}}},
		{"T31 the first epoch was rewritten by its key", func(w *world, _ *audit.Options) {
			w.store.Rewrite(two, func(c []journal.Chunk) []journal.Chunk { return []journal.Chunk{rewritten(w, two, c[0])} })
		}, []audit.Finding{{Check: audit.CheckHeads, Kind: audit.Missing, Epoch: two.String(), First: 2, Last: last(base, two), OrMore: true}}},
		{"forged position", func(w *world, o *audit.Options) {
			p := w.positions[0]
			p.Seq += 100
			o.Positions = []audit.Position{p}
		}, []audit.Finding{{Check: audit.CheckPositions, Kind: audit.Wrong, Epoch: one.String(), First: base.positions[0].Seq + 100, Last: base.positions[0].Seq + 100}}},
		{
			"T40 the log was cut off", func(w *world, _ *audit.Options) { w.log = w.log[:3] },
			[]audit.Finding{{Check: audit.CheckHistory, Kind: audit.Contradicted, First: 3, Last: uint64(len(base.log)) - 1}},
		},
		{"T40 the log was cut off, and storage too", func(w *world, o *audit.Options) {
			o.Trees = []audit.Tree{w.log.tree(len(w.log))}
			w.log, w.store = w.log[:3], w.yesterday
		}, []audit.Finding{{Check: audit.CheckHistory, Kind: audit.Contradicted, First: 3, Last: uint64(len(base.log)) - 1}}},
		{"T40 two trees of one size", func(w *world, o *audit.Options) {
			kept := w.log.tree(4)
			kept.Root[0] ^= 1
			o.Trees = []audit.Tree{kept}
		}, []audit.Finding{{Check: audit.CheckHistory, Kind: audit.Contradicted, Last: 3}}},
		{"an entry of the log that no notary made", func(w *world, _ *audit.Options) {
			w.log = append(slices.Clone(w.log), receipt.Hash{1})
		}, []audit.Finding{{Check: audit.CheckEntries, Kind: audit.Unaccounted, First: uint64(len(base.log)), Last: uint64(len(base.log))}}},
		{"a receipt behind the end of its epoch", func(w *world, _ *audit.Options) {
			w.log = slices.Clone(w.log)
			n := len(w.log)
			w.log[n-1], w.log[n-2] = w.log[n-2], w.log[n-1]
		}, []audit.Finding{{Check: audit.CheckOrder, Kind: audit.Late, Epoch: three.String(), First: sealed, Last: sealed}}},
		{"a notary that is not accepted", func(_ *world, o *audit.Options) {
			o.Believe = func(e *archive.Epoch) error {
				if e.ID == three {
					return errors.New("another image")
				}
				return nil
			}
		}, []audit.Finding{{Check: audit.CheckNotaries, Kind: audit.Unbelieved, Epoch: three.String(), Last: end}}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := *base
			w.store, w.yesterday = base.store.Backup(), base.yesterday.Backup()
			o := audit.Options{Believe: believe}
			tt.do(&w, &o)
			o.Log = w.log
			report, err := audit.Run(t.Context(), w.store, o)
			if err != nil {
				t.Fatal(err)
			}
			interrupted(t, w.store, o, report, 5)
			if attestation.Verdict(report.Checks) != attestation.Failed {
				t.Error("nothing was found")
			}
			var got []audit.Finding
			for _, f := range report.Findings {
				t.Log(f.String())
				f.Detail = ""
				if f.Check == tt.want[0].Check {
					got = append(got, f)
				}
			}
			if !slices.Equal(got, tt.want) {
				t.Errorf("found %+v\nwant  %+v", got, tt.want)
			}
		})
	}
}

// w3 is the seq of the last position of the third epoch.
func w3(w *world) uint64 { return w.positions[len(w.positions)-1].Seq }

// rewritten signs a chunk's first entry anew, with another first entry: what a
// thief of the key could do.
func rewritten(w *world, epoch receipt.Epoch, c journal.Chunk) journal.Chunk {
	entry, _, err := format.Decode(c.Entries)
	must(err)
	var body format.EpochBody
	must(format.ParseBody(entry.Body, &body))
	body.OpenedUnixNano++
	raw, err := format.EncodeBody(body)
	must(err)
	var chain receipt.Hash
	out := journal.Chunk{}
	for i := range 2 {
		e := &format.Entry{Header: format.Header{Epoch: epoch, Seq: uint64(i), Kind: format.KindEpoch, Body: sha256.Sum256(raw)}, Body: raw}
		if i == 1 {
			wrap, err := format.EncodeBody(format.WrapKeyBody{Number: 7})
			must(err)
			e.Kind, e.Body, e.Header.Body = format.KindWrapKey, wrap, sha256.Sum256(wrap)
		}
		e.Chain = e.Header.Chain(chain)
		chain = e.Chain
		if i == 1 {
			e.Signature = format.SignPosition(w.keys[epoch], epoch, e.Seq, e.Chain)
		}
		out.Entries = append(out.Entries, e.Append(nil)...)
	}
	return out
}

// TestClean: what was not touched passes, with everything that can be checked;
// without a log or a policy the audit is incomplete, and says so.
func TestClean(t *testing.T) {
	t.Parallel()
	w := newWorld(t.Context())
	cosigned := func([]byte) (string, error) { return "cosigned", nil }
	full := audit.Options{Log: w.log, Witnessed: cosigned, Believe: believe, Positions: w.positions, Trees: []audit.Tree{w.log.tree(2), w.log.tree(len(w.log))}}
	report, err := audit.Run(t.Context(), w.store, full)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range report.Checks {
		if c.Status != attestation.Pass {
			t.Errorf("%s: %s: %s", c.Name, c.Status, c.Detail)
		}
	}
	if report.Epochs != 3 || report.Parts != 5 || report.LogEntries != uint64(len(w.log)) {
		t.Errorf("report: %+v", report)
	}
	for name, o := range map[string]audit.Options{"no log": {Believe: believe}, "no policy": {Log: w.log}} {
		report, err := audit.Run(t.Context(), w.store, o)
		if err != nil {
			t.Fatal(err)
		}
		if got := attestation.ExitStatus(report.Checks); got != attestation.ExitIncomplete {
			t.Errorf("%s: exit status %d", name, got)
		}
	}
}

// A growing log gets an entry between an audit's first look and its second.
type growing struct {
	entries
	looks int
}

func (l *growing) Checkpoint(ctx context.Context) (uint64, receipt.Hash, []byte, error) {
	if l.looks++; l.looks == 1 {
		return l.entries[:len(l.entries)-1].Checkpoint(ctx)
	}
	return l.entries.Checkpoint(ctx)
}

// TestInUse: what is written during an audit is no finding, and a receipt that
// is on its way to the log leaves its check undone.
func TestInUse(t *testing.T) {
	t.Parallel()
	w := newWorld(t.Context())
	younger := &growing{entries: append(slices.Clone(w.log), receipt.Hash{1})}
	report, err := audit.Run(t.Context(), w.store, audit.Options{Log: younger, Believe: believe})
	if err != nil {
		t.Fatal(err)
	}
	if attestation.Verdict(report.Checks) != attestation.Verified || report.LogEntries != uint64(len(w.log))+1 {
		t.Errorf("a log that grew: %+v", report)
	}
	// The third notary has its receipt in the journal, and not in the log yet.
	a, err := archive.Scan(t.Context(), w.store, archive.Options{})
	if err != nil {
		t.Fatal(err)
	}
	sealed := a.Epoch(receipt.Epoch{3}).Manifests[0].SealedSeq
	w.store.Rewrite(receipt.Epoch{3}, func(c []journal.Chunk) []journal.Chunk {
		return slices.DeleteFunc(c, func(c journal.Chunk) bool { return c.FirstSeq > sealed })
	})
	report, err = audit.Run(t.Context(), w.store, audit.Options{Log: w.log[:len(w.log)-2], Believe: believe})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range report.Checks {
		if want := map[string]attestation.Status{
			audit.CheckOrder: attestation.NotDone, audit.CheckPositions: attestation.NotDone, audit.CheckWitnesses: attestation.NotDone,
		}[c.Name]; c.Status != want && want != "" || want == "" && c.Status != attestation.Pass {
			t.Errorf("%s: %s: %s", c.Name, c.Status, c.Detail)
		}
	}
	if attestation.ExitStatus(report.Checks) != attestation.ExitVerified {
		t.Error("a receipt on its way fails the audit")
	}
}

// TestWitnesses: a log that too few have cosigned fails the audit of who wants more.
func TestWitnesses(t *testing.T) {
	t.Parallel()
	w := newWorld(t.Context())
	few := func([]byte) (string, error) { return "", errors.New("cosigned by one") }
	report, err := audit.Run(t.Context(), w.store, audit.Options{Log: w.log, Witnessed: few, Believe: believe})
	if err != nil {
		t.Fatal(err)
	}
	f := report.Findings
	if len(f) != 1 || f[0].Check != audit.CheckWitnesses || f[0].Kind != audit.Unwitnessed || attestation.ExitStatus(report.Checks) != attestation.ExitFalse {
		t.Errorf("findings %+v", f)
	}
	report, err = audit.Run(t.Context(), w.store, audit.Options{Witnessed: few, Believe: believe})
	if err != nil || attestation.Verdict(report.Checks) != attestation.Incomplete {
		t.Errorf("without a log: %v, %v", attestation.Verdict(report.Checks), err)
	}
}
