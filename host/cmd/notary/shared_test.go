//go:build postgres

package main

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"syscall"
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/veriproof/notary/host/internal/pgserver"
	"github.com/veriproof/notary/sdk/journal"
)

// another is a second machine of the same operator, with the same keys, in a directory
// of its own.
func (m *machine) another(t testing.TB, s setting) *machine {
	t.Helper()
	o := *m
	o.dir = t.TempDir()
	copyFiles(t, m.path("security-context"), o.path("security-context"))
	for _, name := range []string{"recipient.pem", "recipient.pub.pem"} {
		b, err := os.ReadFile(m.path(name))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(o.path(name), b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	o.configure(t, s)
	return &o
}

// TestDatabaseShared: three notaries, one with other plugin settings, as in the middle of
// an upgrade, share a database. One is killed and one is paused. The third recovers both while it
// serves; the paused one, when it wakes up, tells its sender to come again, and ends.
func TestDatabaseShared(t *testing.T) {
	s := pgserver.Start(t)
	on := setting{postgres: onServer(t, s, pgserver.User), shared: true}
	m := newMachine(t, on)
	if status, stdout, stderr := m.run(t, "store", "init", "notary.yaml"); status != exitOK {
		t.Fatalf("store init: %d\n%s%s", status, stdout, stderr)
	}
	on.pii = `{"threshold": 900}`
	machines := []*machine{m, m.another(t, setting{postgres: on.postgres, shared: true}), m.another(t, on)}
	var processes []*process
	var clients []*sender
	for i, m := range machines {
		p := m.start(t)
		processes, clients = append(processes, p), append(clients, m.connect(t, p))
		clients[i].mustExport(t, request("session", newSpan("chat", "content", fmt.Sprint("from ", i))))
	}
	killed, paused, third := processes[0], processes[1], clients[2]
	killed.kill()
	if err := paused.cmd.Process.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	recovered := func() bool {
		_, body := third.get(t, "/metrics")
		return strings.Contains(string(body), "\nnotary_fenced_total 2\n")
	}
	eventually(t, "the third notary ends both", recovered)
	if err := paused.cmd.Process.Signal(syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	if _, err := clients[1].export(t.Context(), request("session", newSpan("chat", "content", "late"))); status.Code(err) != codes.Unavailable {
		t.Errorf("the paused one answers %v", err)
	}
	if status := paused.wait(t); status != exitUsage || !strings.Contains(paused.stderr.String(), "held this one for dead") {
		t.Errorf("the paused one ended with status %d\n%s", status, paused.stderr.String())
	}
	third.mustExport(t, request("session", newSpan("chat", "content", "late")))
	// What was killed comes back beside the others.
	machines[0].start(t).stop(t)
	third.mustExport(t, request("session", newSpan("chat", "content", "last")))
	// A reload is one more epoch, beside the one that drains.
	reloaded := processes[2].ready.Epoch
	if err := processes[2].cmd.Process.Signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	processes[2].reread(t)
	processes[2].stop(t)

	st, err := openStorage(t.Context(), m.path("notary.yaml"), m.path("recipient.pem"))
	if err != nil {
		t.Fatal(err)
	}
	defer st.close(t.Context())
	if err := st.damage(); err != nil {
		t.Error(err)
	}
	spans := make(map[string][]foundSpan)
	for _, p := range st.Parts() {
		if p.Manifest == nil {
			t.Fatalf("a part of epoch %v is not sealed", p.ID.Epoch)
		}
		m.collect(t, st, p, spans)
	}
	if len(spans) != 5 {
		t.Errorf("%d spans are stored, want 5", len(spans))
	}
	want := map[string]journal.Kind{
		killed.ready.Epoch: journal.KindFence, paused.ready.Epoch: journal.KindFence,
		reloaded: journal.KindClose, processes[2].ready.Epoch: journal.KindClose,
	}
	for _, e := range st.Epochs {
		if kind, ok := want[e.ID.String()]; ok && e.Ended != kind {
			t.Errorf("epoch %v ended by %v, want %v", e.ID, e.Ended, kind)
		}
	}
}

// TestDatabaseNotShared: without storage.shared a notary that starts ends another that
// does not share either, and that one says what to do. One that shares, and lives, it does
// not end.
func TestDatabaseNotShared(t *testing.T) {
	s := pgserver.Start(t)
	m := newMachine(t, setting{postgres: onServer(t, s, pgserver.User)})
	if status, stdout, stderr := m.run(t, "store", "init", "notary.yaml"); status != exitOK {
		t.Fatalf("store init: %d\n%s%s", status, stdout, stderr)
	}
	first := m.start(t)
	c := m.connect(t, first)
	c.mustExport(t, request("session", newSpan("chat")))
	second := m.another(t, setting{postgres: onServer(t, s, pgserver.User)}).start(t)
	if _, err := c.export(t.Context(), request("session", newSpan("chat"))); status.Code(err) != codes.Unavailable {
		t.Errorf("the first one answers %v", err)
	}
	if status := first.wait(t); status != exitUsage {
		t.Error(errors.New(first.stderr.String()))
	}
	second.stop(t)

	sharing := m.another(t, setting{postgres: onServer(t, s, pgserver.User), shared: true}).start(t)
	refused := m.another(t, setting{postgres: onServer(t, s, pgserver.User)}).launch(t)
	if status := refused.wait(t); status != exitUsage || !strings.Contains(refused.stderr.String(), "storage.shared") {
		t.Errorf("beside one that shares: status %d\n%s", status, refused.stderr.String())
	}
	m.connect(t, sharing).mustExport(t, request("session", newSpan("chat")))
	sharing.kill()
	third := m.another(t, setting{postgres: onServer(t, s, pgserver.User)}).start(t)
	if _, body := m.connect(t, third).get(t, "/metrics"); !strings.Contains(string(body), "\nnotary_fenced_total 1\n") {
		t.Error("the dead one was not recovered")
	}
	third.stop(t)
}
