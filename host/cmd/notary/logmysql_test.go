//go:build mysql

package main

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/veriproof/notary/host/internal/mariadb"
)

// TestLogInDatabase takes a notary through its life with a log in a real MariaDB: made
// by an administrator, killed and started under traffic, read by an audit and, over
// HTTP, by others.
func TestLogInDatabase(t *testing.T) {
	s := mariadb.Start(t)
	m := newMachine(t, setting{logDir: "data/log-key", log: fmt.Sprintf(
		", kind: tessera-mysql, mysql: {host: %q, database: log, user: %s}", s.Socket, mariadb.User)})
	p := m.launch(t)
	if status := p.wait(t); status != exitUsage || !strings.Contains(p.stderr.String(), "log.key") {
		t.Fatalf("serve without a key: status %d\n%s", status, p.stderr.String())
	}
	if status, stdout, stderr := m.run(t, "log", "init", "notary.yaml"); status != exitOK || !strings.Contains(stdout, origin+"+") {
		t.Fatalf("log init: %d\n%s%s", status, stdout, stderr)
	}
	if status, _, stderr := m.run(t, "log", "init", "notary.yaml"); status != exitUsage || !strings.Contains(stderr, "already exists") {
		t.Errorf("a second time: %d\n%s", status, stderr)
	}
	p = m.start(t)
	m.connect(t, p).mustExport(t, request("killed", newSpan("chat", "content", "mail "+sampleEmail)))
	p.kill()
	p = m.start(t)
	c := m.connect(t, p)
	c.stockSDK(t, "ended")
	c.logged(t, "ended")
	p.stop(t)
	if status, stdout, stderr := m.run(t, "audit", "--config", "notary.yaml", "--policy", "policy.yaml", "--keep", "kept"); status != exitOK {
		t.Errorf("audit of the database: %d\n%s%s", status, stdout, stderr)
	}
	reader := exec.Command(m.bin.notary, "log", "serve", "--config", m.path("notary.yaml"), "--listen", "127.0.0.1:0")
	var stdout buffer
	reader.Stdout, reader.Stderr = &stdout, os.Stderr
	if err := reader.Start(); err != nil {
		t.Fatal(err)
	}
	defer reader.Wait()
	defer reader.Process.Kill()
	var url string
	eventually(t, "the read side serves", func() bool {
		_, after, ok := strings.Cut(stdout.String(), " is at ")
		url, _, _ = strings.Cut(after, ",")
		return ok && strings.Contains(after, ",")
	})
	if status, out, stderr := m.run(t, "audit", "--config", "notary.yaml", "--policy", "policy.yaml", "--log", url, "--keep", "kept"); status != exitOK {
		t.Errorf("audit over HTTP: %d\n%s%s", status, out, stderr)
	}
}
