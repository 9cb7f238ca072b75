package main

import (
	"encoding/json"
	"os"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/veriproof/notary/host/stream"
)

// TestListOfLongIDs: a session whose sender chose an id of 4 KiB makes no line of the table so long.
func TestListOfLongIDs(t *testing.T) {
	var out strings.Builder
	a := &app{stdout: &out}
	a.printSessions([]listed{{Session: "order-4711"}, {Session: strings.Repeat("é", 2<<10)}}, true)
	for line := range strings.Lines(out.String()) {
		if n := utf8.RuneCountInString(line); n > 200 {
			t.Errorf("a line of %d characters", n)
		}
	}
	if !strings.Contains(out.String(), "order-4711") || !strings.Contains(out.String(), "éé…") {
		t.Errorf("the table:\n%.2000s", &out)
	}
}

// TestListWithErasedKeys: a session whose key is gone without an order is listed as
// such, and the others as ever.
func TestListWithErasedKeys(t *testing.T) {
	t.Parallel()
	whole := sample(t)
	m := *whole
	m.dir = t.TempDir()
	if err := os.CopyFS(m.dir, os.DirFS(whole.dir)); err != nil {
		t.Fatal(err)
	}
	eraseFirstKey(t, m.path("data/store"))
	status, stdout, stderr := m.run(t, "session", "list", "--config", "notary.yaml", "--identity", "recipient.pem")
	if status != exitOK || strings.Count(stdout, "sample-") != 2 || strings.Count(stdout, "cannot be opened: ") != 1 || !strings.Contains(stdout, "no entry says that it was erased") {
		t.Errorf("session list: %d\n%s%s", status, stdout, stderr)
	}
	status, stdout, stderr = m.run(t, "session", "list", "--config", "notary.yaml", "--identity", "recipient.pem", "--json")
	var rows []listed
	if err := json.Unmarshal([]byte(stdout), &rows); err != nil || status != exitOK {
		t.Fatalf("session list --json: %d %v\n%s", status, err, stderr)
	}
	for _, r := range rows {
		if (r.Unopened == "") != (r.Session != "") {
			t.Errorf("part %s is of session %q, not opened: %q", r.Handle, r.Session, r.Unopened)
		}
	}
}

// eraseFirstKey destroys a wrapped key as somebody could who has the directory.
func eraseFirstKey(t *testing.T, path string) {
	t.Helper()
	d, err := stream.Open(path, stream.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	keys, err := d.Keys()
	if err != nil {
		t.Fatal(err)
	}
	for _, key := range keys {
		for next := uint64(0); ; {
			r, err := d.Find(key, next)
			if err != nil {
				t.Fatal(err)
			}
			if r.Last < next {
				break
			}
			if r.Slots > 0 {
				if err := d.Erase(key, r.First, 0); err != nil {
					t.Fatal(err)
				}
				return
			}
			next = r.Last + 1
		}
	}
	t.Fatal("no record has a key")
}

// TestSessionErase: an operator erases a session of a notary that is gone, through the
// one that runs; its records are gone, its evidence is not.
func TestSessionErase(t *testing.T) {
	t.Parallel()
	m := newMachine(t, setting{})
	p := m.start(t)
	m.connect(t, p).mustExport(t, request("erase-me", newSpan("chat")))
	p.kill()
	p = m.start(t)
	c := m.connect(t, p)
	c.mustExport(t, request("keep-me", newSpan("chat")))
	list := func() map[string]listed {
		t.Helper()
		status, stdout, stderr := m.run(t, "session", "list", "--config", "notary.yaml", "--identity", "recipient.pem", "--json")
		var rows []listed
		if err := json.Unmarshal([]byte(stdout), &rows); err != nil || status != exitOK {
			t.Fatalf("session list: %d %v\n%s", status, err, stderr)
		}
		byState := make(map[string]listed)
		for _, r := range rows {
			byState[r.State] = r
		}
		return byState
	}
	eventually(t, "the recovered session is in the log", func() bool { return list()["logged"].Handle != "" })
	rows := list()
	if err := os.WriteFile(m.path("operator.token"), []byte(m.operator+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(m.path("tenant.token"), []byte(m.apiKey), 0o600); err != nil {
		t.Fatal(err)
	}
	erase := func(handle string, more ...string) (int, string, string) {
		t.Helper()
		return m.run(t, append([]string{
			"session", "erase", "--config", "notary.yaml", "--control", "https://" + p.ready.Control, "--policy", "policy.yaml", "--token-file", "operator.token", handle,
		}, more...)...)
	}
	for name, c := range map[string]struct {
		handle string
		more   []string
		want   string
	}{
		"without --yes": {rows["logged"].Handle, nil, "nothing is erased"},
		"open session":  {rows["open"].Handle, []string{"--yes"}, "is not sealed"},
		"nothing":       {"ffffffffffff", []string{"--yes"}, "no session part"},
		"a tenant's":    {rows["logged"].Handle, []string{"--yes", "--token-file", "tenant.token"}, "answers 403"},
		"no policy":     {rows["logged"].Handle, []string{"--yes", "--policy", ""}, "--policy is missing"},
	} {
		if status, _, stderr := erase(c.handle, c.more...); status != exitUsage || !strings.Contains(stderr, c.want) {
			t.Errorf("%s: %d %s", name, status, stderr)
		}
	}
	if status, _, stderr := m.run(t, "session", "open", "--config", "notary.yaml", "--identity", "recipient.pem", rows["logged"].Handle); status != exitOK {
		t.Fatalf("session open: %d %s", status, stderr)
	}

	export := func() string {
		t.Helper()
		status, stdout, stderr := m.run(t, "export", "--unjournaled", "--config", "notary.yaml", "--identity", "recipient.pem", "--from", "2020-01-01", "--to", "2200-01-01", "-o", "exported", "--json")
		if (status != exitOK) != strings.Contains(stdout, `"state":"failed"`) {
			t.Errorf("export: %d %s%s", status, stdout, stderr)
		}
		return stdout
	}
	if got := export(); strings.Count(got, `"state":"written"`) != 1 {
		t.Errorf("export: %s", got)
	}

	// Under a hold it is kept, whoever asks.
	order := func(verb string) (int, string, string) {
		t.Helper()
		return m.run(t, "session", verb, "--config", "notary.yaml", "--control", "https://"+p.ready.Control, "--policy", "policy.yaml", "--token-file", "operator.token", rows["logged"].Handle)
	}
	for range 2 {
		if status, stdout, stderr := order("hold"); status != exitOK || !strings.Contains(stdout, "held: session "+rows["logged"].Handle) {
			t.Fatalf("session hold: %d %s%s", status, stdout, stderr)
		}
	}
	kept := list()["logged"]
	if len(kept.Holds) != 1 {
		t.Fatalf("session list: %+v, want one hold", kept)
	}
	if status, stdout, _ := m.run(t, "session", "list", "--config", "notary.yaml"); status != exitOK || strings.Count(stdout, "logged, held") != 1 {
		t.Errorf("session list: %d %s", status, stdout)
	}
	if status, _, stderr := erase(kept.Handle, "--yes"); status != exitUnacceptable || !strings.Contains(stderr, "under a legal hold") {
		t.Errorf("erase of a held session: %d %s", status, stderr)
	}
	found, err := openStorage(t.Context(), m.path("notary.yaml"), "")
	if err != nil {
		t.Fatal(err)
	}
	defer found.close(t.Context())
	part, err := found.find(kept.Handle)
	if err != nil {
		t.Fatal(err)
	}
	if status, body := c.ask(t, "POST", "/v1/erasures?"+refOf(part).Encode(), m.operator); status != 409 || !strings.Contains(string(body), errHeld.Error()) {
		t.Errorf("erase of a held session without the tool: %d %s", status, body)
	}
	for _, want := range []string{"released: session " + kept.Handle, "the session is not held"} {
		if status, stdout, stderr := order("release"); status != exitOK || !strings.Contains(stdout, want) {
			t.Fatalf("session release: %d %s%s", status, stdout, stderr)
		}
	}
	for _, s := range []struct {
		verb string
		want int
	}{{"hold", 200}, {"erase", 409}, {"release", 200}} {
		if status, body := c.ask(t, "POST", "/v1/sessions/keep-me/"+s.verb+"?tenant=acme", m.operator); status != s.want {
			t.Errorf("%s by session id: %d %s, want %d", s.verb, status, body, s.want)
		}
	}

	// What somebody put beside the storage may be a copy.
	if err := os.WriteFile(m.path("data/store/before.tar"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		status, stdout, stderr := erase(rows["logged"].Handle, "--yes")
		if !strings.Contains(stdout, "- files that are not the notary's are in the directory: 1\n") {
			t.Errorf("a file beside the storage is not told:\n%s", stdout)
		}
		if status != exitOK || !strings.Contains(stdout, "erased: "+rows["logged"].Handle+"/0 ") || !strings.Contains(stdout, "partial: ") || !strings.Contains(stdout, "backups") {
			t.Fatalf("session erase: %d\n%s%s", status, stdout, stderr)
		}
	}
	after := list()["erased"]
	if after.Handle != rows["logged"].Handle || after.Commitment != rows["logged"].Commitment || after.Erased == nil || !strings.Contains(after.Unopened, "was erased by entry") {
		t.Errorf("session list: %+v", after)
	}
	if status, _, stderr := m.run(t, "session", "open", "--config", "notary.yaml", "--identity", "recipient.pem", after.Handle); status != exitUsage || !strings.Contains(stderr, "the session part was erased by entry") {
		t.Errorf("session open: %d %s", status, stderr)
	}
	// A bundle that was given out keeps its records: the export says so, and leaves it.
	if got := export(); !strings.Contains(got, "was erased by entry") || !strings.Contains(got, " discloses 1 records") {
		t.Errorf("export of an erased session: %s", got)
	}
	if err := os.RemoveAll(m.path("exported")); err != nil {
		t.Fatal(err)
	}
	if got := export(); !strings.Contains(got, `"state":"written"`) || !strings.Contains(got, `"records":0,"undisclosed":"the session part was erased by entry`) || !strings.Contains(got, `"erased":{"epoch":"`) {
		t.Errorf("export of an erased session: %s", got)
	}
	if status, stdout, stderr := m.run(t, "export", "--unjournaled", "--config", "notary.yaml", "--from", "2020-01-01", "--to", "2200-01-01", "-o", "exported"); status != exitOK || !strings.Contains(stdout, "(the session part was erased by entry ") {
		t.Errorf("export without a key: %d %s%s", status, stdout, stderr)
	}
	status, stdout, stderr := m.run(t, "session", "bundle", "--config", "notary.yaml", "-o", "s.bundle", after.Handle)
	if status != exitOK || !strings.Contains(stdout, "was erased by entry") {
		t.Errorf("session bundle: %d %s%s", status, stdout, stderr)
	}
	if status, stdout, stderr := m.run(t, "verify", "--policy", "policy.yaml", "s.bundle"); status != exitOK {
		t.Errorf("verify: %d %s%s", status, stdout, stderr)
	}
	if status, body := c.ask(t, "POST", "/v1/sessions/keep-me/erase?tenant=acme", m.operator); status != 200 || !strings.Contains(string(body), `"complete":false`) {
		t.Errorf("erase by session id: %d %s", status, body)
	}
	if status, body := c.get(t, "/v1/sessions/keep-me?tenant=acme"); status != 200 || !strings.Contains(string(body), `"erased":{"epoch":"`) {
		t.Errorf("parts: %d %s", status, body)
	}
	p.stop(t)
	if status, stdout, stderr := m.run(t, "session", "list", "--config", "notary.yaml"); status != exitOK || strings.Count(stdout, " erased ") != 2 {
		t.Errorf("session list: %d %s%s", status, stdout, stderr)
	}
	// An auditor sees what the storage said of copies, by order and not by session.
	status, stdout, stderr = m.run(t, "audit", "--config", "notary.yaml", "--policy", "policy.yaml")
	if status != exitOK || !strings.Contains(stdout, "2 are erased, 0 of them by age, 2 partially, 0 without a word about the outcome") ||
		!regexp.MustCompile(`and copies that there are or may be, as storage told then:\n  \S+ 1 session parts: ([a-z_]+ 1, )*2 places that cannot be asked \(entry \d+ of epoch `).MatchString(stdout) {
		t.Errorf("audit: %d\n%s%s", status, stdout, stderr)
	}
}
