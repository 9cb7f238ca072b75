package main

import (
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"

	trace "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"

	"github.com/veriproof/notary/host/archive"
	"github.com/veriproof/notary/host/pluginhost"
	"github.com/veriproof/notary/sdk/bundle"
	"github.com/veriproof/notary/sdk/journal"
	"github.com/veriproof/notary/sdk/plugin/abi"
	"github.com/veriproof/notary/sdk/receipt"
)

// auditor is the storage adapter that audits read through. Compiling it takes
// seconds under the race detector, so there is one, and it reads a copy.
var auditor struct {
	mu  sync.Mutex
	dir string
	set *pluginhost.Set
}

// A foundSpan is a span that storage holds, as the recipient sees it.
type foundSpan struct {
	*trace.Span
	session string
	edits   []receipt.Edit
}

// read shows the machine's storage to f, as "notary session" sees it with the
// recipient's key. f must not call read.
func (m *machine) read(t testing.TB, f func(*storage)) {
	t.Helper()
	auditor.mu.Lock()
	defer auditor.mu.Unlock()
	cfg, err := loadConfig(m.path("notary.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	if auditor.set == nil {
		auditor.dir = filepath.Join(scratch, "audited")
		sources, err := readPlugins(t.Context(), cfg)
		if err != nil {
			t.Fatal(err)
		}
		sources = slices.DeleteFunc(sources, func(p pluginhost.Source) bool { return p.Kind != abi.KindStorage })
		if auditor.set, err = pluginhost.Load(t.Context(), sources, pluginhost.Options{BlobDir: auditor.dir}); err != nil {
			t.Fatal(err)
		}
	}
	copyFiles(t, m.path("data/store"), auditor.dir)
	s := &storage{cfg: cfg, set: auditor.set}
	text, err := os.ReadFile(m.path("recipient.pem"))
	if err != nil {
		t.Fatal(err)
	}
	if s.identity, err = journal.ParseIdentity(text); err != nil {
		t.Fatal(err)
	}
	if s.Archive, err = archive.Scan(t.Context(), auditor.set.Store(), archive.Options{}); err != nil {
		t.Fatal(err)
	}
	f(s)
}

// copyFiles makes the files of directory to those of from.
func copyFiles(t testing.TB, from, to string) {
	t.Helper()
	if err := os.MkdirAll(to, 0o700); err != nil {
		t.Fatal(err)
	}
	old, err := os.ReadDir(to)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range old {
		if err := os.RemoveAll(filepath.Join(to, e.Name())); err != nil {
			t.Fatal(err)
		}
	}
	list, err := os.ReadDir(from)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range list {
		b, err := os.ReadFile(filepath.Join(from, e.Name()))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(to, e.Name()), b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// audit reads all of storage as an auditor with the recipient's key and the
// policy: nothing is damaged, each part is sealed, and the evidence about it is
// verified. f gets the spans by span id.
func (m *machine) audit(t testing.TB, f func(s *storage, spans map[string][]foundSpan)) {
	t.Helper()
	m.read(t, func(s *storage) {
		t.Helper()
		if err := s.damage(); err != nil {
			t.Error(err)
		}
		spans := make(map[string][]foundSpan)
		for _, p := range s.Parts() {
			if p.Manifest == nil {
				t.Errorf("part %d of %v is not sealed", p.ID.Part, p.ID.Handle)
				continue
			}
			raw, err := s.bundle(t.Context(), p, nil, false)
			if err != nil {
				t.Fatal(err)
			}
			m.verified(t, raw)
			m.collect(t, s, p, spans)
		}
		f(s, spans)
	})
}

// collect opens a part and adds its spans.
func (m *machine) collect(t testing.TB, s *storage, p *archive.Part, spans map[string][]foundSpan) {
	t.Helper()
	opened, err := s.Open(t.Context(), p, s.identity)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range opened.Records {
		if r.Kind != receipt.Span {
			continue
		}
		f := foundSpan{Span: new(trace.Span), session: string(opened.Session)}
		if err := proto.Unmarshal(r.Bytes, f.Span); err != nil {
			t.Fatal(err)
		}
		if f.edits, err = receipt.DecodeEdits(r.Edits); err != nil {
			t.Fatal(err)
		}
		spans[string(f.SpanId)] = append(spans[string(f.SpanId)], f)
	}
}

// verified fails unless the bundle is verified and its receipt is in the log.
func (m *machine) verified(t testing.TB, raw []byte) *bundle.Result {
	t.Helper()
	r, err := bundle.Verify(raw, m.policy, bundle.Options{AllowSimulated: true})
	if err != nil {
		t.Fatal(err)
	}
	if r.Verdict != "verified" || r.LogIndex == nil {
		t.Errorf("a bundle is %s", r.Verdict)
		for _, c := range r.Checks {
			if c.Status != "pass" && (c.Required || c.Status == "fail") {
				t.Errorf("%s %s: %s", c.Status, c.Name, c.Detail)
			}
		}
	}
	return r
}
