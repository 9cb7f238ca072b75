package bundle_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net"
	"net/http"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/veriproof/notary/attestation"
	"github.com/veriproof/notary/attestation/policy"
	"github.com/veriproof/notary/sdk/bundle"
	"github.com/veriproof/notary/sdk/receipt"
)

func check(t *testing.T, r *bundle.Result, name string) attestation.Check {
	t.Helper()
	for _, c := range r.Checks {
		if c.Name == name {
			return c
		}
	}
	t.Fatalf("there is no check %q", name)
	return attestation.Check{}
}

func report(t *testing.T, r *bundle.Result) {
	t.Helper()
	for _, c := range r.Checks {
		t.Logf("%-10s %-25s required=%t %s", c.Status, c.Name, c.Required, c.Detail)
	}
}

func TestVerified(t *testing.T) {
	w := getWorld(t)
	for name, sealer := range map[string]*notary{"sealed by itself": w.a, "recovered": w.b} {
		t.Run(name, func(t *testing.T) {
			s := newSession(t, w, sealer)
			r := verify(t, w, encode(t, bundleOf(t, w, sealer, s)))
			if r.Verdict != attestation.Verified {
				report(t, r)
				t.Fatalf("verdict %s", r.Verdict)
			}
			for _, c := range r.Checks {
				waived := slices.Contains([]string{"maa.age", "snp.platform", "snp.firmware", "snp.revocation", "snp.chip-id", "notary.plugins", "notary.config", "notary.recipients", "notary.version", "log.witnesses", "audit.rollback"},
					strings.TrimPrefix(c.Name, "origin."))
				if (c.Status == attestation.Pass) == waived {
					t.Errorf("%s is %s: %s", c.Name, c.Status, c.Detail)
				}
			}
			if *r.LogIndex != 5 || r.Manifest.Handle != s.manifest.Handle || !r.At.Equal(w.now.Add(time.Minute)) {
				t.Errorf("log index %d, handle %v, at %v", *r.LogIndex, r.Manifest.Handle, r.At)
			}
			checkRecords(t, r)
		})
	}
}

func checkRecords(t *testing.T, r *bundle.Result) {
	t.Helper()
	if len(r.Records) != 2 {
		t.Fatalf("%d records", len(r.Records))
	}
	first, last := r.Records[0], r.Records[1]
	want := []receipt.Edit{{Plugin: "redact-pii", Label: "EMAIL", Place: "span.name", Length: 17}}
	if first.Kind != "span" || string(first.Record) != "span [EMAIL]" || !first.EditsShown || !cmp.Equal(first.Edits, want) {
		t.Errorf("record 0: %+v", first)
	}
	if last.Index != 2 || last.Summary == nil || last.Summary.Session != "s-1" {
		t.Errorf("summary: %+v", last)
	}
}

// TestCheckNames: the order of the checks is that of the package comment, and
// the same whether a bundle is good or no bundle at all.
func TestCheckNames(t *testing.T) {
	w := getWorld(t)
	names := func(r *bundle.Result) (out []string) {
		for _, c := range r.Checks {
			out = append(out, c.Name)
		}
		return out
	}
	appraisal := names(&bundle.Result{Checks: attestation.Appraise(w.policy, attestation.Input{})})
	want := append([]string{"bundle.encoding", "bundle.parts", "time"}, appraisal...)
	want = append(want, "config.file", "config.plugins", "receipt.signature", "receipt.sealed-by", "receipt.origin")
	tail := []string{"log.proof", "log.witnesses", "log.order", "audit.rollback"}
	if diff := cmp.Diff(append(slices.Clone(want), tail...), names(verify(t, w, nil))); diff != "" {
		t.Error(diff)
	}
	for _, name := range append(append([]string{"time"}, appraisal...), "config.file", "config.plugins") {
		want = append(want, "origin."+name)
	}
	want = append(want, "log.proof", "log.witnesses", "log.order", "record.00000000", "record.00000002", "audit.rollback")
	data := encode(t, bundleOf(t, w, w.b, newSession(t, w, w.b)))
	if diff := cmp.Diff(want, names(verify(t, w, data))); diff != "" {
		t.Error(diff)
	}
}

// TestDeterministic: the same bundle gives the same report, to the byte.
func TestDeterministic(t *testing.T) {
	w := getWorld(t)
	data := encode(t, bundleOf(t, w, w.b, newSession(t, w, w.b)))
	one, err := json.Marshal(verify(t, w, data))
	if err != nil {
		t.Fatal(err)
	}
	two, err := json.Marshal(verify(t, w, data))
	if err != nil || !bytes.Equal(one, two) {
		t.Errorf("%v\n%s\n%s", err, one, two)
	}
}

// TestUnreadable: of a file that is no bundle one check fails, and no other is
// blamed for it.
func TestUnreadable(t *testing.T) {
	r := verify(t, getWorld(t), []byte("no bundle"))
	if r.Verdict != attestation.Failed {
		t.Errorf("verdict %s", r.Verdict)
	}
	for _, c := range r.Checks {
		want := attestation.NotDone
		if c.Name == "bundle.encoding" {
			want = attestation.Fail
		}
		if c.Status != want || c.Detail == "" {
			t.Errorf("%s: %s, %s", c.Name, c.Status, c.Detail)
		}
	}
}

// TestNotVerified: what is wrong is found by the check that is there for it, and
// what is missing makes the verdict incomplete and never verified.
func TestNotVerified(t *testing.T) {
	w := getWorld(t)
	type change = func(b *bundle.Bundle, s *session)
	without := func(f func(b *bundle.Bundle) *[]byte) change {
		return func(b *bundle.Bundle, _ *session) { *f(b) = nil }
	}
	// resign seals a changed manifest with the sealer's own key: the notary lies.
	resign := func(n *notary, f func(m *receipt.Manifest)) change {
		return func(b *bundle.Bundle, s *session) {
			f(&s.manifest)
			manifest, err := s.manifest.Encode()
			if err != nil {
				t.Fatal(err)
			}
			b.Receipt = []byte(receipt.Sign(manifest, n.key))
			b.Proof = newLog().submit(t, receipt.Commitment(manifest))
		}
	}
	open := func(index int, f func(o *receipt.Opening)) change {
		return func(b *bundle.Bundle, s *session) {
			f(s.openings[index])
			data, err := s.openings[index].Encode()
			if err != nil {
				t.Fatal(err)
			}
			b.Records[uint64(index)] = data
		}
	}
	const fail, incomplete = attestation.Failed, attestation.Incomplete
	for name, c := range map[string]struct {
		recovered bool
		change    change
		check     string
		verdict   attestation.Outcome
	}{
		"no proof":            {false, without(func(b *bundle.Bundle) *[]byte { return &b.Proof }), "log.proof", incomplete},
		"no token":            {false, without(func(b *bundle.Bundle) *[]byte { return &b.Sealer.Token }), "maa.token", incomplete},
		"no report":           {false, without(func(b *bundle.Bundle) *[]byte { return &b.Sealer.Report }), "snp.report", incomplete},
		"no endorsement":      {false, without(func(b *bundle.Bundle) *[]byte { return &b.Sealer.UVM }), "uvm.signature", incomplete},
		"no end proof":        {false, without(func(b *bundle.Bundle) *[]byte { return &b.EpochEndProof }), "bundle.parts", fail},
		"no end":              {false, without(func(b *bundle.Bundle) *[]byte { return &b.EpochEnd }), "bundle.parts", fail},
		"no origin":           {true, func(b *bundle.Bundle, _ *session) { b.Origin = nil }, "bundle.parts", fail},
		"no origin's report":  {true, without(func(b *bundle.Bundle) *[]byte { return &b.Origin.Report }), "origin.snp.report", incomplete},
		"no origin's config":  {true, without(func(b *bundle.Bundle) *[]byte { return &b.Origin.Config }), "origin.config.file", incomplete},
		"needless origin":     {false, func(b *bundle.Bundle, _ *session) { b.Origin = &w.b.att }, "bundle.parts", fail},
		"origin is another":   {true, func(b *bundle.Bundle, _ *session) { b.Origin = &w.b.att }, "receipt.origin", fail},
		"sealer is another":   {false, func(b *bundle.Bundle, _ *session) { b.Sealer = w.b.att }, "receipt.signature", fail},
		"signed by another":   {false, resign(w.b, func(*receipt.Manifest) {}), "receipt.signature", fail},
		"receipt of nothing":  {false, func(b *bundle.Bundle, _ *session) { b.Receipt = []byte("x") }, "receipt.signature", fail},
		"other runtime data":  {false, resign(w.a, func(m *receipt.Manifest) { m.SealedBy.RuntimeData[0] ^= 1 }), "receipt.sealed-by", fail},
		"other origin's data": {false, resign(w.a, func(m *receipt.Manifest) { m.Origin.RuntimeData[0] ^= 1 }), "receipt.origin", fail},
		"other plugin set":    {false, resign(w.a, func(m *receipt.Manifest) { m.Origin.PluginSet[0] ^= 1 }), "receipt.origin", fail},
		"shadow mode":         {false, resign(w.a, func(m *receipt.Manifest) { m.Origin.Mode = "shadow" }), "receipt.origin", fail},
		"mode none":           {false, resign(w.a, func(m *receipt.Manifest) { m.Origin.Mode = "none" }), "receipt.origin", fail},
		"other epoch":         {false, resign(w.a, func(m *receipt.Manifest) { m.Origin.Epoch[0] ^= 1; m.SealedBy.Epoch[0] ^= 1 }), "receipt.sealed-by", fail},
		"changed root":        {false, resign(w.a, func(m *receipt.Manifest) { m.Root[0] ^= 1 }), "record.00000000", fail},
		"sealed too late":     {false, resign(w.a, func(m *receipt.Manifest) { m.HostClock.SealedUnixNano += int64(24 * time.Hour) }), "maa.token", fail},
		"opened too early":    {true, resign(w.b, func(m *receipt.Manifest) { m.HostClock.OpenedUnixNano -= int64(24 * time.Hour) }), "origin.maa.token", fail},
		"config":              {false, func(b *bundle.Bundle, _ *session) { b.Sealer.Config = []byte("x") }, "config.file", fail},
		"plugin config": {false, func(b *bundle.Bundle, _ *session) {
			b.Sealer.PluginConfigs = map[string][]byte{"redact-pii": []byte("x"), "store-dir": {}}
		}, "config.plugins", fail},
		"missing plugin config": {false, func(b *bundle.Bundle, _ *session) {
			b.Sealer.PluginConfigs = map[string][]byte{"redact-pii": b.Sealer.PluginConfigs["redact-pii"]}
		}, "config.plugins", incomplete},
		"config of no plugin": {false, func(b *bundle.Bundle, _ *session) {
			b.Sealer.PluginConfigs = map[string][]byte{"redact-pii": b.Sealer.PluginConfigs["redact-pii"], "store-dir": {}, "x": {}}
		}, "config.plugins", fail},
		"proof of another":  {false, func(b *bundle.Bundle, _ *session) { b.Proof = b.EpochEndProof }, "log.proof", fail},
		"end before":        {false, func(b *bundle.Bundle, s *session) { swapOrder(t, b, s) }, "log.order", fail},
		"record":            {false, open(0, func(o *receipt.Opening) { o.Record = []byte("span with an address") }), "record.00000000", fail},
		"record misplaced":  {false, func(b *bundle.Bundle, _ *session) { b.Records[1] = b.Records[0] }, "record.00000001", fail},
		"record is no JSON": {false, func(b *bundle.Bundle, _ *session) { b.Records[1] = []byte("x") }, "record.00000001", fail},
		"edit list":         {false, open(0, func(o *receipt.Opening) { o.Edits = receipt.EncodeEdits(nil) }), "record.00000000", fail},
	} {
		t.Run(name, func(t *testing.T) {
			sealer := w.a
			if c.recovered {
				sealer = w.b
			}
			s := newSession(t, w, sealer)
			b := bundleOf(t, w, sealer, s)
			c.change(b, s)
			r := verify(t, w, encode(t, b))
			got := check(t, r, c.check)
			want := attestation.Fail
			if c.verdict == incomplete {
				want = attestation.NotDone
			}
			if r.Verdict != c.verdict || got.Status != want || got.Detail == "" {
				report(t, r)
				t.Errorf("verdict %s, want %s; %s is %s", r.Verdict, c.verdict, c.check, got.Status)
			}
		})
	}
}

func TestSummaryElsewhere(t *testing.T) {
	w := getWorld(t)
	s := newSession(t, w, w.a)
	r := s.openings[2]
	leaf := (&receipt.Record{Kind: receipt.Closing, Bytes: r.Record}).LeafHash(r.Salt, r.EditCommitment)
	other := receipt.LeafHash([]byte("a later record"))
	s.manifest.Leaves, s.manifest.Root = 2, receipt.NodeHash(leaf, other)
	r.Index, r.Path = 0, []receipt.Hash{other}
	s.openings[0] = r
	res := verify(t, w, encode(t, bundleOf(t, w, w.a, s)))
	if c := check(t, res, "record.00000000"); c.Status != attestation.Fail {
		t.Errorf("a summary that is not the last leaf: %s", c.Status)
	}
}

func TestOptions(t *testing.T) {
	w := getWorld(t)
	data := encode(t, bundleOf(t, w, w.a, newSession(t, w, w.a)))
	run := func(change func(p *policy.Policy, o *bundle.Options)) *bundle.Result {
		p, o := *w.policy, bundle.Options{AllowSimulated: true}
		change(&p, &o)
		r, err := bundle.Verify(data, &p, o)
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	if r, err := bundle.Verify(encode(t, bundleOf(t, w, w.b, newSession(t, w, w.b))), w.policy, bundle.Options{AllowSimulated: true, At: w.now.Add(2 * time.Minute)}); err != nil ||
		r.Verdict != attestation.Verified || !strings.Contains(check(t, r, "origin.time").Detail, w.now.UTC().Format(time.RFC3339)) {
		t.Errorf("a given time is for the sealer only: %v, %+v", err, check(t, r, "origin.time"))
	}
	late := run(func(_ *policy.Policy, o *bundle.Options) { o.At = w.now.Add(48 * time.Hour) })
	if late.Verdict != attestation.Failed || check(t, late, "maa.token").Class != attestation.ClassStale || !strings.Contains(check(t, late, "time").Detail, "given") {
		t.Errorf("two days later: %s", late.Verdict)
	}
	if r := run(func(_ *policy.Policy, o *bundle.Options) { o.AllowSimulated = false }); r.Verdict != attestation.Failed {
		t.Errorf("simulated hardware without permission: %s", r.Verdict)
	}
	if r := run(func(p *policy.Policy, _ *bundle.Options) { p.Log = nil }); r.Verdict != attestation.Incomplete || check(t, r, "log.proof").Status != attestation.NotDone {
		t.Errorf("a policy without a log: %s", r.Verdict)
	}
	other := run(func(p *policy.Policy, _ *bundle.Options) {
		p.Log = &policy.Log{Origin: "log.example/other", Keys: p.Log.Keys}
	})
	if other.Verdict != attestation.Incomplete {
		t.Errorf("keys of another log than the policy's: %s", other.Verdict)
	}
	if _, err := bundle.Verify(data, nil, bundle.Options{}); !errors.Is(err, bundle.ErrNoPolicy) {
		t.Errorf("no policy: %v", err)
	}
}

// TestBundledKeysAreNoAnchor: the key set inside a bundle never makes the MAA
// path pass; the same set from the verifier's hand does.
func TestBundledKeysAreNoAnchor(t *testing.T) {
	w := getWorld(t)
	data := encode(t, bundleOf(t, w, w.a, newSession(t, w, w.a)))
	p := *w.policy
	sim := *p.Simulated
	sim.JWKS = ""
	p.Simulated = &sim
	for _, c := range []struct {
		trusted []byte
		issuer  string
		want    attestation.Outcome
	}{
		{nil, "", attestation.Incomplete},
		{w.jwks, "", attestation.Verified},
		{w.jwks, sim.Issuer, attestation.Verified},
		{w.jwks, "https://another.example", attestation.Incomplete},
	} {
		r, err := bundle.Verify(data, &p, bundle.Options{AllowSimulated: true, TrustedJWKS: c.trusted, TrustedIssuer: c.issuer})
		if err != nil {
			t.Fatal(err)
		}
		if r.Verdict != c.want {
			t.Errorf("%d bytes of trusted keys of %q: verdict %s, want %s", len(c.trusted), c.issuer, r.Verdict, c.want)
		}
	}
}

// failing refuses every connection and name.
type failing struct{ t *testing.T }

func (f failing) RoundTrip(r *http.Request) (*http.Response, error) {
	f.t.Errorf("the verifier asks for %s", r.URL)
	return nil, errors.New("no network")
}

// TestNoNetwork: a verification resolves no name and uses no HTTP client. (It
// links net/http by way of torchwood, so that the import graph shows nothing.)
func TestNoNetwork(t *testing.T) {
	w := getWorld(t)
	data := encode(t, bundleOf(t, w, w.b, newSession(t, w, w.b)))
	transport, client, resolver := http.DefaultTransport, http.DefaultClient, net.DefaultResolver
	defer func() { http.DefaultTransport, http.DefaultClient, net.DefaultResolver = transport, client, resolver }()
	http.DefaultTransport, http.DefaultClient = failing{t}, &http.Client{Transport: failing{t}}
	net.DefaultResolver = &net.Resolver{PreferGo: true, Dial: func(_ context.Context, network, address string) (net.Conn, error) {
		t.Errorf("the verifier dials %s %s", network, address)
		return nil, errors.New("no network")
	}}
	if r := verify(t, w, data); r.Verdict != attestation.Verified {
		t.Errorf("verdict %s", r.Verdict)
	}
}

// TestBuildsWithoutServer: the verifier, also that for the browser, has nothing
// of the notary's server and no simulated hardware in it.
func TestBuildsWithoutServer(t *testing.T) {
	cmd := exec.Command("go", "list", "-deps", ".")
	cmd.Env = append(os.Environ(), "GOOS=js", "GOARCH=wasm")
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range strings.Fields(string(out)) {
		for _, bad := range []string{"notary/host", "simtee", "google.golang.org/grpc", "tessera", "wazero", "go-sev-guest", "opentelemetry"} {
			if strings.Contains(name, bad) {
				t.Errorf("the verifier depends on %s", name)
			}
		}
	}
}

// TestDroppedRecord: the leaf of a record that redaction dropped says so, and holds
// nothing else.
func TestDroppedRecord(t *testing.T) {
	w := getWorld(t)
	for text, want := range map[string]attestation.Status{"": attestation.Pass, "what was dropped": attestation.Fail} {
		s := newSession(t, w, w.a)
		r := s.openings[0]
		r.Edits = receipt.EncodeEdits([]receipt.Edit{{Plugin: receipt.HostPlugin, Label: receipt.LabelDropped, Place: "span", Length: 16}})
		r.EditCommitment = receipt.EditCommitment(*r.EditKey, r.Edits)
		r.Resource, r.Scope, r.Record = nil, nil, []byte(text)
		leaf := (&receipt.Record{Kind: r.Kind, Bytes: r.Record}).LeafHash(r.Salt, r.EditCommitment)
		both := receipt.NodeHash(leaf, r.Path[0])
		s.manifest.Root, s.openings[2].Path = receipt.NodeHash(both, r.Path[1]), []receipt.Hash{both}
		res := verify(t, w, encode(t, bundleOf(t, w, w.a, s)))
		if c := check(t, res, "record.00000000"); c.Status != want || !strings.Contains(c.Detail, "dropped") {
			t.Errorf("record %q: %s, %s", text, c.Status, c.Detail)
		}
	}
}
