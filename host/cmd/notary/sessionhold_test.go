package main

import (
	"os"
	"strings"
	"testing"
)

// TestSessionHoldOverEpochs: a session that went on after a crash has another handle; by
// its id both are held, and released.
func TestSessionHoldOverEpochs(t *testing.T) {
	t.Parallel()
	m := newMachine(t, setting{})
	p := m.start(t)
	m.connect(t, p).mustExport(t, request("chat-17", newSpan("chat")))
	p.kill()
	p = m.start(t)
	c := m.connect(t, p)
	c.mustExport(t, request("chat-17", newSpan("chat")))
	if status, body := c.ask(t, "POST", "/v1/sessions/chat-17/end?tenant=acme", m.operator); status != 204 {
		t.Fatalf("end: %d %s", status, body)
	}
	if err := os.WriteFile(m.path("operator.token"), []byte(m.operator+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	order := func(verb string, more ...string) (int, string, string) {
		t.Helper()
		return m.run(t, append([]string{
			"session", verb, "--config", "notary.yaml", "--control", "https://" + p.ready.Control, "--policy", "policy.yaml", "--token-file", "operator.token",
		}, more...)...)
	}
	if status, _, stderr := order("hold", "--session", "chat-17"); status != exitUsage || !strings.Contains(stderr, "needs --identity") {
		t.Errorf("without a key: %d %s", status, stderr)
	}
	if status, _, stderr := order("erase", "--session", "chat-17", "--identity", "recipient.pem"); status != exitUsage || !strings.Contains(stderr, "--session is of session bundle, hold and release") {
		t.Errorf("erase by id: %d %s", status, stderr)
	}
	for _, v := range []struct{ verb, word string }{{"hold", "held: "}, {"hold", "held: "}, {"release", "released: "}} {
		if status, stdout, stderr := order(v.verb, "--session", "chat-17", "--identity", "recipient.pem"); status != exitOK || strings.Count(stdout, v.word) != 2 {
			t.Errorf("%s: %d\n%s%s", v.verb, status, stdout, stderr)
		}
		want := 0
		if v.verb == "hold" {
			want = 2
		}
		if _, stdout, _ := m.run(t, "session", "list", "--config", "notary.yaml"); strings.Count(stdout, ", held") != want {
			t.Errorf("after %s, session list:\n%s", v.verb, stdout)
		}
	}
	p.stop(t)
}
