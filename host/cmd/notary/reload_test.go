package main

import (
	"encoding/json"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/veriproof/notary/sdk/journal"
)

// rewrite changes the machine's configuration.
func (m *machine) rewrite(t testing.TB, old, new string) {
	t.Helper()
	text, err := os.ReadFile(m.path("notary.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(text), old) {
		t.Fatalf("the configuration has no %q", old)
	}
	if err := os.WriteFile(m.path("notary.yaml"), []byte(strings.Replace(string(text), old, new, 1)), 0o600); err != nil {
		t.Fatal(err)
	}
}

// reread waits until another epoch serves than the process was last known by.
func (p *process) reread(t testing.TB) {
	t.Helper()
	eventually(t, "another epoch serves", func() bool {
		var now ready
		text, err := os.ReadFile(p.readyFile)
		if err != nil || json.Unmarshal(text, &now) != nil || now.Epoch == p.ready.Epoch {
			return false
		}
		p.ready = now
		return true
	})
}

// TestReload: a SIGHUP under traffic begins an epoch with another plugin set, other
// keys and an attestation of its own. Senders who trust the old keys have to
// appraise anew. All that was acknowledged before, meanwhile and after is in sealed
// parts that are verified, each under the plugin set that handled it.
func TestReload(t *testing.T) {
	t.Parallel()
	m := newMachine(t, setting{})
	p := m.start(t)
	first := p.ready
	before := m.connect(t, p)
	f := &traffic{c: before, name: "reload", after: 20, then: func() {
		m.rewrite(t, "{name: redact-pii, kind: redactor,", `{name: redact-pii, kind: redactor, settings: '{"threshold":400}',`)
		if err := p.cmd.Process.Signal(syscall.SIGHUP); err != nil {
			t.Error(err)
		}
	}}
	f.start(t.Context(), 4)
	acks := f.wait() // the old epoch's key is gone, and so the senders stop
	p.reread(t)
	if p.ready.OTLP != first.OTLP || p.ready.Control != first.Control || p.ready.LogKey != first.LogKey {
		t.Errorf("ready %+v, before %+v", p.ready, first)
	}
	sets := len(m.policy.PluginSet)
	after := m.connect(t, p)
	if len(m.policy.PluginSet) != sets+1 {
		t.Error("the evidence names the same plugin set as before")
	}
	span := newSpan("chat", "content", sampleEmail)
	after.mustExport(t, request(acks[0].session, span)) // a session of the old epoch goes on
	p.stop(t)
	m.audit(t, func(s *storage, spans map[string][]foundSpan) {
		checkAcknowledged(t, s, spans, acks)
		if len(spans[string(span.SpanId)]) != 1 {
			t.Error("what the new epoch acknowledged is lost")
		}
		if len(s.Epochs) != 2 {
			t.Fatalf("%d epochs", len(s.Epochs))
		}
		used := map[string]bool{}
		for _, e := range s.Epochs {
			if e.Ended != journal.KindClose {
				t.Errorf("epoch %v ended by %v", e.ID, e.Ended)
			}
		}
		for _, part := range s.Parts() {
			used[part.Manifest.Origin.PluginSet.String()] = true
		}
		if len(used) != 2 {
			t.Errorf("parts of %d plugin sets, want 2", len(used))
		}
	})
}

// TestReloadFails: with a module that is not the pinned one, with a configuration
// that is none, and with another port, the old epoch goes on and the operator is told
// why; mended, the same request begins the next. Only an operator may ask for it.
func TestReloadFails(t *testing.T) {
	t.Parallel()
	m := newMachine(t, setting{})
	p := m.start(t)
	c := m.connect(t, p)
	good, err := os.ReadFile(m.path("notary.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]struct{ old, new, want string }{
		"pin":  {"sha256: ", "sha256: 33333333333333333333333333333333", "not a SHA-256"},
		"hash": {"redact-pii.wasm\", sha256: ", "store-dir.wasm\", sha256: ", "the configuration pins "},
		"yaml": {"version: 1", "version: 1\nmode: enforced", "mode"},
		"port": {`control: "127.0.0.1:0"`, `control: "127.0.0.1:1"`, "listen.control is another one now"},
		"gone": {"redact-pii.wasm", "gone.wasm", "no such file"},
	} {
		m.rewrite(t, change.old, change.new)
		status, body := c.ask(t, http.MethodPost, "/v1/reload", m.operator)
		if status != http.StatusUnprocessableEntity || !strings.Contains(string(body), change.want) {
			t.Errorf("%s: %d %s", name, status, body)
		}
		c.mustExport(t, request("s", newSpan("chat")))
		if err := os.WriteFile(m.path("notary.yaml"), good, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if !strings.Contains(p.stderr.String(), "the reload failed; the epoch that served goes on") {
		t.Error("the log does not tell")
	}
	for token, want := range map[string]int{"": http.StatusUnauthorized, "wrong": http.StatusUnauthorized, m.apiKey: http.StatusForbidden} {
		if status, _ := c.ask(t, http.MethodPost, "/v1/reload", token); status != want {
			t.Errorf("status %d, want %d", status, want)
		}
	}
	old := p.ready.Epoch
	status, body := c.ask(t, http.MethodPost, "/v1/reload", m.operator)
	p.reread(t)
	if status != http.StatusOK || !strings.Contains(string(body), p.ready.Epoch) || p.ready.Epoch == old {
		t.Errorf("mended: %d %s, epoch %s, before %s", status, body, p.ready.Epoch, old)
	}
	p.stop(t)
	m.audit(t, func(s *storage, _ map[string][]foundSpan) {
		if len(s.Epochs) != 2 {
			t.Errorf("%d epochs in storage, want 2: failed reloads leave none", len(s.Epochs))
		}
	})
}

// TestPortHandsOver: connections made while one listener closes and another takes
// over are each accepted by exactly one.
func TestPortHandsOver(t *testing.T) {
	p, err := listenPort("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	const n = 64
	var accepts, dials sync.WaitGroup
	served := make(chan int, n)
	serve := func(who int) net.Listener {
		v := p.view()
		accepts.Go(func() {
			for {
				c, err := v.Accept()
				if err != nil {
					return
				}
				served <- who
				c.Close()
			}
		})
		return v
	}
	first := serve(1)
	for i := range n {
		dials.Go(func() {
			c, err := net.Dial("tcp", p.Addr().String())
			if err != nil {
				t.Error(err)
				return
			}
			c.Read(make([]byte, 1)) // until it is closed by whoever served it
			c.Close()
		})
		if i == n/2 {
			first.Close()
			serve(2)
		}
	}
	dials.Wait()
	p.Close()
	accepts.Wait()
	by := map[int]int{}
	for range n {
		by[<-served]++
	}
	if by[1]+by[2] != n || by[2] == 0 {
		t.Errorf("served %v", by)
	}
	if _, err := net.Dial("tcp", p.Addr().String()); err == nil {
		t.Error("a closed port was reached")
	}
}
