package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	trace "go.opentelemetry.io/proto/otlp/trace/v1"

	"github.com/veriproof/notary/host/audit"
)

// killAudit kills an audit with notes as soon as a good part of them is in the file. It
// reports false if the audit was faster.
func (m *machine) killAudit(t *testing.T, notes string, enough int64) bool {
	t.Helper()
	cmd := exec.Command(m.bin.notary, "audit", "--config", "notary.yaml", "--policy", "policy.yaml", "--resume", notes)
	var stderr bytes.Buffer
	cmd.Dir, cmd.Stderr = m.dir, &stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	poll := time.NewTicker(time.Millisecond)
	defer poll.Stop()
	for {
		select {
		case err := <-ended:
			if err != nil {
				t.Fatalf("audit: %v\n%s", err, stderr.String())
			}
			return false
		case <-poll.C:
			if info, err := os.Stat(m.path(notes)); err == nil && info.Size() > enough {
				_ = cmd.Process.Kill() // if it has ended by now, that is seen
				return <-ended != nil
			}
		}
	}
}

// TestAuditKilled: an audit that was killed in its middle goes on with the notes that it
// left, which may end in the middle of a record, and comes to the report of one that was
// not.
func TestAuditKilled(t *testing.T) {
	t.Parallel()
	m := newMachine(t, setting{})
	p := m.start(t)
	c := m.connect(t, p)
	for i := range 200 { // leaves of some 3 MiB: notes go to the file by the MiB
		var spans []*trace.Span
		for range 400 {
			spans = append(spans, newSpan("s"))
		}
		c.mustExport(t, request(fmt.Sprint("session ", i%20), spans...))
	}
	p.stop(t)

	report := func(more ...string) audit.Report {
		t.Helper()
		status, stdout, stderr := m.run(t, append([]string{"audit", "--config", "notary.yaml", "--policy", "policy.yaml", "--json"}, more...)...)
		var r audit.Report
		if err := json.Unmarshal([]byte(stdout), &r); err != nil || status != exitOK {
			t.Fatalf("audit: %d %v\n%s%s", status, err, stdout, stderr)
		}
		return r
	}
	want := report()
	killed := false
	for try := 0; try < 5 && !killed; try++ {
		killed = m.killAudit(t, "notes", 1<<20)
	}
	if !killed {
		t.Fatal("each audit came to its end before it was killed")
	}
	got := report("--resume", "notes")
	if got.Reused == 0 || got.Reused >= want.Entries {
		t.Errorf("%d of %d entries were not read again", got.Reused, want.Entries)
	}
	got.Reused = 0
	for i := range got.Checks {
		got.Checks[i].Detail, _, _ = strings.Cut(got.Checks[i].Detail, "; not read again: ")
	}
	a, b := mustJSON(t, want), mustJSON(t, got)
	if a != b {
		t.Errorf("the report\n%s\nwithout the kill\n%s", b, a)
	}
	if _, err := os.Stat(m.path("notes")); err == nil {
		t.Error("notes are left behind an audit that came to its end")
	}
}

func mustJSON(t *testing.T, v any) string {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}
