package main

import (
	"fmt"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/veriproof/notary/host/audit"
	"github.com/veriproof/notary/host/config"
)

// ended waits for a notary that is not to start, and returns what it says.
func (p *process) ended(t *testing.T, status int) string {
	t.Helper()
	eventually(t, "the notary ends", func() bool {
		if _, err := os.Stat(p.readyFile); err == nil {
			t.Fatalf("it serves\n%s%s", p.stdout.String(), p.stderr.String())
		}
		select {
		case <-p.exited:
			return true
		default:
			return false
		}
	})
	if got := p.wait(t); got != status {
		t.Fatalf("status %d, want %d\n%s%s", got, status, p.stdout.String(), p.stderr.String())
	}
	return p.stdout.String() + p.stderr.String()
}

// has asks a notary for a metric's value.
func (c *sender) has(t *testing.T, metric string) {
	t.Helper()
	if _, body := c.get(t, "/metrics"); !strings.Contains(string(body), "\n"+metric+"\n") {
		t.Errorf("no %q in\n%s", metric, body)
	}
}

// restore makes a directory what another one is.
func (m *machine) restore(t *testing.T, from, to string) {
	t.Helper()
	if err := os.RemoveAll(m.path(to)); err != nil {
		t.Fatal(err)
	}
	if err := os.CopyFS(m.path(to), os.DirFS(m.path(from))); err != nil {
		t.Fatal(err)
	}
}

// serveOne runs a notary from its start to its end in good order, with one session.
func (m *machine) serveOne(t *testing.T, session string) {
	t.Helper()
	p := m.start(t)
	c := m.connect(t, p)
	c.mustExport(t, request(session, lastSpan("chat")))
	c.logged(t, session)
	c.has(t, "notary_journal_held 1")
	c.has(t, "notary_missing_ranges 0")
	p.stop(t)
}

// TestT30RollbackEndsStart: of a backup of yesterday everything holds together, and the log
// has more. The start is refused with its own status before it writes anything, and says
// what is missing. Restored, it goes on; told to, it goes on without and tells; the loss
// accepted, it goes on, and refuses the next.
func TestT30RollbackEndsStart(t *testing.T) {
	t.Parallel()
	m := newMachine(t, setting{extra: "sessions: {linger: 0s}"})
	m.serveOne(t, "first")
	m.restore(t, "data/store", "yesterday")
	m.serveOne(t, "second")
	m.restore(t, "data/store", "today")

	m.restore(t, "yesterday", "data/store")
	said := m.launch(t).ended(t, exitFalse)
	if !strings.Contains(said, "storage is not what it was: log: entries ") || !strings.Contains(said, "unaccounted") {
		t.Errorf("it says\n%s", said)
	}
	m.sameFiles(t, "yesterday", "data/store")

	m.restore(t, "today", "data/store")
	m.serveOne(t, "third")

	m.restore(t, "yesterday", "data/store")
	said = m.launch(t).ended(t, exitFalse)
	lost := regexp.MustCompile(`storage\.lost in \S+: (\[example.org/notary-test\+[0-9a-f]{8} [0-9]+-[0-9]+\])`).FindStringSubmatch(said)
	if lost == nil {
		t.Fatalf("nothing tells how to accept the loss:\n%s", said)
	}
	m.rewrite(t, "storage: {", "storage: {missing: tell, ")
	p := m.start(t)
	m.connect(t, p).has(t, "notary_missing_ranges 1")
	p.stop(t)
	if !strings.Contains(p.stdout.String(), "1 RANGES ARE MISSING") || !strings.Contains(p.stderr.String(), "unaccounted") {
		t.Errorf("it does not tell\n%s%s", p.stdout.String(), p.stderr.String())
	}

	m.rewrite(t, "missing: tell, ", fmt.Sprintf("lost: %s, ", lost[1]))
	m.restore(t, "data/store", "accepted")
	m.serveOne(t, "fourth")
	m.restore(t, "accepted", "data/store")
	if said := m.launch(t).ended(t, exitFalse); !strings.Contains(said, "unaccounted") {
		t.Errorf("another loss:\n%s", said)
	}
}

// sameFiles compares two directories.
func (m *machine) sameFiles(t *testing.T, one, other string) {
	t.Helper()
	a, b := m.files(t, one), m.files(t, other)
	if len(a) != len(b) {
		t.Errorf("%d files, then %d", len(a), len(b))
	}
	for name, content := range a {
		if b[name] != content {
			t.Errorf("%s was changed", name)
		}
	}
}

func (m *machine) files(t *testing.T, dir string) map[string]string {
	t.Helper()
	out := make(map[string]string)
	if err := fs.WalkDir(os.DirFS(m.path(dir)), ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := os.ReadFile(filepath.Join(m.path(dir), name))
		out[name] = string(b)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	return out
}

// TestT30EpochRemoved: a whole epoch that later ones knew is gone. A start is refused; so
// is a reload, and the epoch that serves goes on.
func TestT30EpochRemoved(t *testing.T) {
	t.Parallel()
	m := newMachine(t, setting{extra: "sessions: {linger: 0s}"})
	m.serveOne(t, "first")
	gone := m.files(t, "data/store")
	m.serveOne(t, "second")
	p := m.start(t)
	c := m.connect(t, p)
	for name := range gone {
		if err := os.Remove(filepath.Join(m.path("data/store"), name)); err != nil {
			t.Fatal(err)
		}
	}
	status, body := c.ask(t, http.MethodPost, "/v1/reload", m.operator)
	if status != http.StatusUnprocessableEntity || !strings.Contains(string(body), "the whole epoch is gone") {
		t.Errorf("reload: %d %s", status, body)
	}
	c.mustExport(t, request("s", lastSpan("chat")))
	p.stop(t)
	said := m.launch(t).ended(t, exitFalse)
	if !strings.Contains(said, "the whole epoch is gone") || !regexp.MustCompile(`storage\.lost in \S+: \[[0-9a-f]{32} 0-, example\.org/notary-test\+[0-9a-f]{8} 0-[0-9]+\]`).MatchString(said) {
		t.Errorf("it says\n%s", said)
	}
}

// TestLogRolledBackEndsStart: a log that was restored from a backup has not what the journal
// has proofs of. That cannot be accepted; another log can be begun, which owes nothing to
// the proofs of the first; but that those are not held against it is told until somebody has
// said that it was left, and where the journal has to be held, ends the start.
func TestLogRolledBackEndsStart(t *testing.T) {
	t.Parallel()
	m := newMachine(t, setting{extra: "sessions: {linger: 0s}"})
	m.serveOne(t, "first")
	m.restore(t, "data/log", "yesterday")
	m.serveOne(t, "second")
	m.restore(t, "yesterday", "data/log")
	said := m.launch(t).ended(t, exitFalse)
	if !strings.Contains(said, "contradicted") || !strings.Contains(said, "begin another one") || strings.Contains(said, "storage.lost") {
		t.Errorf("it says\n%s", said)
	}
	m.configure(t, setting{logDir: "data/another", origin: "example.org/another", extra: "sessions: {linger: 0s}"})
	p := m.start(t)
	m.connect(t, p).has(t, "notary_journal_held 0")
	p.stop(t)
	left := regexp.MustCompile(`storage\.lost: (\[example\.org/notary-test\+[0-9a-f]{8} 0-\])`).FindStringSubmatch(p.stdout.String())
	if left == nil {
		t.Fatalf("nothing tells of the other log\n%s", p.stdout.String())
	}
	m.rewrite(t, "storage: {", "storage: {missing: require, ")
	if said := m.launch(t).ended(t, exitUsage); !strings.Contains(said, "proofs of other logs") {
		t.Errorf("it says\n%s", said)
	}
	m.rewrite(t, "missing: require, ", "missing: require, lost: "+left[1]+", ")
	m.serveOne(t, "third")
}

// TestLogOfAnotherStorage: a log that belongs to another storage is not taken for one's own. The refusal
// names that, too, since what it says first is that storage has lost something.
func TestLogOfAnotherStorage(t *testing.T) {
	t.Parallel()
	m := newMachine(t, setting{extra: "sessions: {linger: 0s}"})
	m.serveOne(t, "first")
	if err := os.Rename(m.path("data/store"), m.path("other")); err != nil {
		t.Fatal(err)
	}
	if said := m.launch(t).ended(t, exitFalse); !strings.Contains(said, "another has written to this log, such as a notary with another storage") {
		t.Errorf("it says\n%s", said)
	}
}

// TestUnreadableLog: without a log to hold the journal against a start tells that it did
// not, or, where the configuration wants it to be held, ends.
func TestUnreadableLog(t *testing.T) {
	t.Parallel()
	m := newMachine(t, setting{extra: "sessions: {linger: 0s}"})
	_, address := m.logClient(t)
	l := m.startLog(t, address)
	l.stop(t) // its key is known
	m.configure(t, setting{logDir: "data/seen", log: l.at(address, "http://"+address)})
	p := m.start(t)
	m.connect(t, p).has(t, "notary_journal_held 0")
	p.kill() // its close would wait for the log
	if !strings.Contains(p.stdout.String(), "NOT HELD AGAINST THE LOG") {
		t.Errorf("it does not tell\n%s", p.stdout.String())
	}
	m.rewrite(t, "storage: {", "storage: {missing: require, ")
	if said := m.launch(t).ended(t, exitUsage); !strings.Contains(said, "the journal cannot be held against the log") {
		t.Errorf("it says\n%s", said)
	}
	m.startLog(t, address)
	p = m.start(t)
	m.connect(t, p).has(t, "notary_journal_held 1")
	p.stop(t)
}

// TestLogCopyBehind: what serves the log's files may have an older checkpoint for some
// seconds. That looks like a log that was rolled back; a start looks again before it ends.
func TestLogCopyBehind(t *testing.T) {
	t.Parallel()
	m := newMachine(t, setting{})
	_, address := m.logClient(t)
	l := m.startLog(t, address)
	var old atomic.Pointer[[]byte]
	var stale atomic.Int64 // how often it is served yet
	files := httputil.NewSingleHostReverseProxy(&url.URL{Scheme: "http", Host: address})
	cache := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/checkpoint" && stale.Add(-1) >= 0 {
			_, _ = w.Write(*old.Load()) // a reader that is gone is no fault of the cache
			return
		}
		files.ServeHTTP(w, r)
	}))
	defer cache.Close()
	m.configure(t, setting{logDir: "data/seen", extra: "sessions: {linger: 0s}", log: l.at(address, cache.URL)})
	m.serveOne(t, "first")
	status, checkpoint, stderr := m.run(t, "log", "checkpoint", "--key", l.vkey, "-o", "old", cache.URL)
	if status != exitOK {
		t.Fatalf("log checkpoint: %d\n%s%s", status, checkpoint, stderr)
	}
	text, err := os.ReadFile(m.path("old"))
	if err != nil {
		t.Fatal(err)
	}
	old.Store(&text)
	m.serveOne(t, "second")
	stale.Store(2) // an audit reads it twice
	m.serveOne(t, "third")
	if stale.Load() > 0 {
		t.Error("the old checkpoint was never read")
	}
}

// TestWhatEndsAStart: which findings are losses, and which of them are accepted.
func TestWhatEndsAStart(t *testing.T) {
	t.Parallel()
	const one, two, log = "11111111111111111111111111111111", "22222222222222222222222222222222", "example.org/log+0a1b2c3d"
	missing := func(check string, kind audit.Kind, epoch string, first, last uint64, more bool) audit.Finding {
		return audit.Finding{Check: check, Kind: kind, Epoch: epoch, First: first, Last: last, OrMore: more}
	}
	gone := missing(audit.CheckEntries, audit.Unaccounted, "", 7, 9, false)
	cut := missing(audit.CheckHeads, audit.Missing, one, 4, 6, true)
	hole := missing(audit.CheckChain, audit.Missing, one, 2, 3, false)
	rot := missing(audit.CheckReceipts, audit.Wrong, one, 0, 8, false)
	forked := missing(audit.CheckHistory, audit.Contradicted, "", 0, 3, false)
	stranger := missing(audit.CheckNotaries, audit.Unbelieved, two, 0, 3, false)
	noise := missing(audit.CheckChain, audit.Wrong, two, 1, 1, false)
	late := missing(audit.CheckOrder, audit.Late, one, 5, 5, false)
	for name, tt := range map[string]struct {
		findings []audit.Finding
		lost     string
		missing  int
		accepted int
	}{
		"nothing":                   {nil, "", 0, 0},
		"each":                      {[]audit.Finding{gone, cut, hole, rot, forked}, "", 5, 0},
		"no losses":                 {[]audit.Finding{stranger, noise, late}, "", 0, 0},
		"exactly":                   {[]audit.Finding{gone}, log + " 7-9", 0, 1},
		"more than it is":           {[]audit.Finding{gone}, log + " 0-100", 0, 1},
		"less than it is":           {[]audit.Finding{gone}, log + " 7-8", 1, 0},
		"of another log":            {[]audit.Finding{gone}, "example.org/log+ffffffff 7-9", 1, 0},
		"all of the log":            {[]audit.Finding{gone}, log + " 0-", 1, 0},
		"of an epoch in the log":    {[]audit.Finding{gone}, one + " 7-9", 1, 0},
		"to the end":                {[]audit.Finding{cut}, one + " 4-", 0, 1},
		"to what is known":          {[]audit.Finding{cut}, one + " 4-6", 1, 0},
		"of another epoch":          {[]audit.Finding{cut}, two + " 0-", 1, 0},
		"a hole":                    {[]audit.Finding{hole, cut}, one + " 2-3", 1, 1},
		"a contradiction":           {[]audit.Finding{forked}, log + " 0-3", 1, 0},
		"what is found of receipts": {[]audit.Finding{rot}, one + " 0-", 0, 1},
	} {
		t.Run(name, func(t *testing.T) {
			n := node{cfg: &config.Config{}, audited: startAudit{log: log}}
			if tt.lost != "" {
				var l config.Lost
				if err := l.UnmarshalText([]byte(tt.lost)); err != nil {
					t.Fatal(err)
				}
				n.cfg.Storage.Lost = []config.Lost{l}
			}
			n.tally(tt.findings)
			if n.audited.missing != tt.missing || n.audited.accepted != tt.accepted {
				t.Errorf("%d missing, %d accepted, want %d and %d", n.audited.missing, n.audited.accepted, tt.missing, tt.accepted)
			}
		})
	}
}
