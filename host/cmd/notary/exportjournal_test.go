package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/veriproof/notary/host/audit"
)

// TestExportIsJournaled: a running notary says in its journal that an export was made, by
// whom, for whom and of how much, before the first bundle is there; an audit tells it. Who
// may not order that exports nothing.
func TestExportIsJournaled(t *testing.T) {
	t.Parallel()
	m := newMachine(t, setting{})
	p := m.start(t)
	c := m.connect(t, p)
	for _, id := range []string{"chat-17", "chat-18"} {
		c.mustExport(t, request(id, lastSpan("chat")))
		c.logged(t, id)
	}
	tokens := map[string]string{"operator.token": m.operator, "tenant.token": m.apiKey}
	for name, token := range tokens {
		if err := os.WriteFile(m.path(name), []byte(token+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	export := func(token string, more ...string) (int, string, string) {
		t.Helper()
		return m.run(t, append([]string{
			"export", "--config", "notary.yaml", "--control", "https://" + p.ready.Control, "--policy", "policy.yaml", "--token-file", token,
		}, more...)...)
	}
	if status, _, stderr := export("tenant.token", "-o", "refused"); status == exitOK || !strings.Contains(stderr, "nothing was exported") || !strings.Contains(stderr, "hint: --token-file wants ") {
		t.Errorf("by a tenant: %d %s", status, stderr)
	}
	if _, err := os.Stat(m.path("refused")); err == nil {
		t.Error("bundles of an export that was refused")
	}
	status, stdout, stderr := export("operator.token", "--from", "2020-01-01", "--for", "the court", "--identity", "recipient.pem", "-o", "all")
	if status != exitOK || strings.Count(stdout, " written ") != 2 || !strings.Contains(stderr, "journaled by entry ") || strings.Contains(stderr, "not sealed yet") {
		t.Errorf("export: %d\n%s%s", status, stdout, stderr)
	}
	files, err := filepath.Glob(m.path("all/*.bundle"))
	if err != nil || len(files) != 2 {
		t.Errorf("%d bundles, %v", len(files), err)
	}
	// What JSON says of a token is none, and is not sent. Who is early is told so.
	if err := os.WriteFile(m.path("operator.json"), []byte("{\n  \"secret\": \""+m.operator+"\"\n}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if status, _, stderr := export("operator.json", "-o", "refused"); status != 1 || strings.Contains(stderr, m.operator) || !strings.Contains(stderr, `what stands behind "secret"`) {
		t.Errorf("with JSON in place of a token: %d %s", status, stderr)
	}
	c.mustExport(t, request("chat-19", newSpan("chat")))
	if status, stdout, stderr := m.run(t, "export", "--unjournaled", "--config", "notary.yaml", "-o", "early"); status != exitOK || strings.Count(stdout, " written ") != 2 ||
		!strings.Contains(stderr, "1 session parts are not sealed yet and have no bundle, 0 bundles have no log proof yet") {
		t.Errorf("while a session is open: %d\n%s%s", status, stdout, stderr)
	}
	if status, _, stderr := m.run(t, "export", "--unjournaled", "--config", "notary.yaml", "--to", "2020-01-01", "-o", "past"); status != exitOK || strings.Contains(stderr, "not sealed yet") {
		t.Errorf("of a time that is over: %d %s", status, stderr)
	}
	// Who waits gets it as soon as it is there, and what is there if it does not come.
	if status, stdout, stderr := m.run(t, "export", "--unjournaled", "--config", "notary.yaml", "--wait", "1ms", "-o", "impatient"); status != exitOK || strings.Count(stdout, " written ") != 2 || !strings.Contains(stderr, "1 session parts are not sealed yet") {
		t.Errorf("while a session stays open: %d\n%s%s", status, stdout, stderr)
	}
	// A key that comes through a pipe can be read once, however often storage is.
	key, err := os.ReadFile(m.path("recipient.pem"))
	if err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mkfifo(m.path("pipe"), 0o600); err != nil {
		t.Fatal(err)
	}
	go func() { _ = os.WriteFile(m.path("pipe"), key, 0o600) }()
	if status, stdout, stderr := m.run(t, "export", "--unjournaled", "--config", "notary.yaml", "--wait", "1ms", "--identity", "pipe", "-o", "piped"); status != exitOK || strings.Count(stdout, " written ") != 2 {
		t.Errorf("with a key from a pipe: %d\n%s%s", status, stdout, stderr)
	}
	// What an earlier version wrote is its owner's alone, too.
	if files, err = filepath.Glob(m.path("piped/*.bundle")); err != nil || len(files) != 2 {
		t.Fatalf("%d bundles, %v", len(files), err)
	}
	if err := os.Chmod(files[0], 0o644); err != nil {
		t.Fatal(err)
	}
	if status, stdout, stderr := m.run(t, "export", "--unjournaled", "--config", "notary.yaml", "--identity", "recipient.pem", "-o", "piped"); status != exitOK || strings.Count(stdout, " unchanged ") != 2 {
		t.Errorf("again: %d\n%s%s", status, stdout, stderr)
	}
	if info, err := os.Stat(files[0]); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("a bundle with records has mode %v, %v", info.Mode(), err)
	}
	c.mustExport(t, request("chat-19", lastSpan("chat")))
	if status, stdout, stderr := m.run(t, "export", "--unjournaled", "--config", "notary.yaml", "--wait", "30s", "-o", "early"); status != exitOK || strings.Count(stdout, " written ") != 1 || strings.Contains(stderr, "not sealed yet") {
		t.Errorf("of a session that ends: %d\n%s%s", status, stdout, stderr)
	}
	p.stop(t)
	if status, _, stderr := export("operator.token", "-o", "late"); status != 1 || !strings.Contains(stderr, "hint: see that --control is ") {
		t.Errorf("of a notary that has stopped: %d %s", status, stderr)
	}

	status, stdout, stderr = m.run(t, "audit", "--config", "notary.yaml", "--policy", "policy.yaml", "--json")
	if status != exitOK {
		t.Fatalf("audit: %d\n%s%s", status, stdout, stderr)
	}
	var r audit.Report
	if err := json.Unmarshal([]byte(stdout), &r); err != nil {
		t.Fatal(err)
	}
	if len(r.Exports) != 1 {
		t.Fatalf("exports %+v", r.Exports)
	}
	x := r.Exports[0]
	if x.Epoch != p.ready.Epoch || x.Parts != 2 || x.By != "ops" || x.For != "the court" || x.FromUnixNano == 0 || x.ToUnixNano != 0 || x.Recipient.String() == strings.Repeat("0", 64) {
		t.Errorf("export %+v", x)
	}
	if _, stdout, _ := m.run(t, "audit", "--config", "notary.yaml", "--policy", "policy.yaml"); !strings.Contains(stdout, "by ops, for the court: 2 session parts, records opened to recipient ") {
		t.Errorf("audit:\n%s", stdout)
	}
	if strings.Contains(stdout, "chat-17") {
		t.Error("the audit names a session")
	}
}

// TestExportIsNotJournaled: what cannot open a record, or is of another notary's storage,
// is refused before the journal has a word of it, and before anything is written.
func TestExportIsNotJournaled(t *testing.T) {
	t.Parallel()
	m, other := newMachine(t, setting{}), sample(t)
	p := m.start(t)
	c := m.connect(t, p)
	c.mustExport(t, request("chat-17", lastSpan("chat")))
	c.logged(t, "chat-17")
	if err := os.WriteFile(m.path("operator.token"), []byte(m.operator+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, x := range []struct {
		config, identity, says, hint string
	}{
		{other.path("notary.yaml"), other.path("recipient.pem"), "nothing was exported, since it could not be journaled: the notary answers 404", "--control wants a notary on the storage that --config names"},
		{"notary.yaml", other.path("recipient.pem"), "none of 1 session parts is encrypted to the key in --identity", "without --identity"},
	} {
		status, stdout, stderr := m.run(t, "export", "--config", x.config, "--identity", x.identity, "--control", "https://"+p.ready.Control,
			"--policy", "policy.yaml", "--token-file", "operator.token", "-o", "refused")
		if status != exitUsage || stdout != "" || !strings.Contains(stderr, x.says) || !strings.Contains(stderr, x.hint) {
			t.Errorf("export of %s with %s: %d\n%s%s", x.config, x.identity, status, stdout, stderr)
		}
		if _, err := os.Stat(m.path("refused")); err == nil {
			t.Errorf("bundles of %s, an export that was refused", x.config)
		}
	}
	p.stop(t)
	if status, stdout, stderr := m.run(t, "audit", "--config", "notary.yaml", "--policy", "policy.yaml"); status != exitOK || strings.Contains(stdout, "by ops") {
		t.Errorf("the journal has an export that was refused: %d\n%s%s", status, stdout, stderr)
	}
}
