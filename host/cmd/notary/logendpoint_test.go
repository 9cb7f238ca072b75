package main

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"github.com/veriproof/notary/host/control"
	"github.com/veriproof/notary/host/ingest"
)

// A logProcess is a running "notary log serve" that takes commitments.
type logProcess struct {
	cmd            *exec.Cmd
	stdout, stderr buffer
	exited         chan struct{}
	vkey           string
}

func (m *machine) startLog(t *testing.T, address string, more ...string) *logProcess {
	t.Helper()
	p := &logProcess{exited: make(chan struct{})}
	args := []string{"log", "serve", "--dir", m.path("shared-log"), "--origin", origin, "--accept", m.path("accepted.txt"), "--listen", address}
	p.cmd = exec.Command(m.bin.notary, append(args, more...)...)
	p.cmd.Stdout, p.cmd.Stderr = &p.stdout, &p.stderr
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		_ = p.cmd.Wait()
		close(p.exited)
	}()
	t.Cleanup(func() { _ = p.cmd.Process.Kill(); <-p.exited })
	eventually(t, "the log serves", func() bool {
		select {
		case <-p.exited:
			t.Fatalf("log serve ended\n%s%s", p.stdout.String(), p.stderr.String())
		default:
		}
		_, after, ok := strings.Cut(p.stdout.String(), "taking commitments for ")
		p.vkey, _, _ = strings.Cut(after, ",")
		return ok && strings.Contains(after, ",")
	})
	return p
}

// at says in a configuration where the log is, and where it can be read.
func (p *logProcess) at(address, tiles string) string {
	return fmt.Sprintf(", kind: endpoint, endpoint: {url: 'http://%s', tiles: '%s', credential_file: log-token, key: '%s'}", address, tiles, p.vkey)
}

func (p *logProcess) stop(t *testing.T) {
	t.Helper()
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	<-p.exited
	if status := p.cmd.ProcessState.ExitCode(); status != exitOK {
		t.Errorf("log serve stopped with status %d\n%s", status, p.stderr.String())
	}
}

// logClient writes the token by which a log knows the notary, for both, and returns it
// with an address for the log.
func (m *machine) logClient(t *testing.T) (token, address string) {
	t.Helper()
	token = control.GenerateToken()
	if err := os.WriteFile(m.path("log-token"), []byte(token+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(m.path("accepted.txt"), fmt.Appendf(nil, "# notaries\n%x\n", ingest.HashKey(token)), 0o600); err != nil {
		t.Fatal(err)
	}
	free, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer free.Close()
	return token, free.Addr().String()
}

// TestLogElsewhere takes a notary through its life with a log that another process
// has: while that is away nothing but proofs is late; a notary that is killed
// meanwhile leaves its commitments in the journal, and the next one has them proved;
// an audit reads the log over HTTP, and remembers it.
func TestLogElsewhere(t *testing.T) {
	t.Parallel()
	m := newMachine(t, setting{})
	token, address := m.logClient(t)
	l := m.startLog(t, address)
	l.stop(t) // its key is known
	m.configure(t, setting{logDir: "data/seen", log: l.at(address, "http://"+address)})

	// The log is away: exports are acknowledged, receipts are there.
	p := m.start(t)
	c := m.connect(t, p)
	acks := []acknowledged{{session: "early", spans: nil}}
	span := newSpan("chat", "content", "mail "+sampleEmail)
	acks[0].spans = append(acks[0].spans, span)
	acks[0].at = c.mustExport(t, request("early", span, lastSpan("invoke_agent")))
	eventually(t, "a commitment waits for the log", func() bool {
		_, body := c.get(t, "/metrics")
		text := string(body)
		return !strings.Contains(text, "notary_log_waiting 0\n") && strings.Contains(text, "notary_log_waiting") && !strings.Contains(text, "notary_log_failures_total 0\n")
	})
	p.kill()

	l = m.startLog(t, address)
	p = m.start(t)
	c = m.connect(t, p)
	c.stockSDK(t, "late")
	c.logged(t, "late")
	p.stop(t)
	m.audit(t, func(s *storage, spans map[string][]foundSpan) { checkAcknowledged(t, s, spans, acks) })

	for range 2 { // the second time it must have grown out of what the first saw
		if status, stdout, stderr := m.run(t, "audit", "--config", "notary.yaml", "--policy", "policy.yaml", "--keep", "kept"); status != exitOK {
			t.Errorf("audit over HTTP: %d\n%s%s", status, stdout, stderr)
		}
	}
	for _, name := range []string{"kept/seen.checkpoint", "data/seen/seen.checkpoint"} {
		if status, stdout, stderr := m.run(t, "log", "checkpoint", "--policy", "policy.yaml", "--since", name, "http://"+address); status != exitOK {
			t.Errorf("log checkpoint --since %s: %d\n%s%s", name, status, stdout, stderr)
		}
	}
	if strings.Contains(p.stderr.String()+l.stderr.String(), token) {
		t.Error("the token stands in a log")
	}
	l.stop(t)
}
