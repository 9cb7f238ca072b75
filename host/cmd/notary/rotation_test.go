package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
)

// TestRecipientRotates: an operator adds a recipient's key by a reload, and later takes the
// old one out by another. Each key opens the sessions that began while it was in the
// configuration, and no others.
func TestRecipientRotates(t *testing.T) {
	t.Parallel()
	m := newMachine(t, setting{extra: "sessions: {linger: 0s}"})
	if status, _, stderr := m.run(t, "keygen", "-o", "next.pem"); status != exitOK {
		t.Fatalf("keygen: %d\n%s", status, stderr)
	}
	const old, both, next = "recipients: [{file: recipient.pub.pem}]", "recipients: [{file: recipient.pub.pem}, {file: next.pub.pem}]", "recipients: [{file: next.pub.pem}]"
	p := m.start(t)
	c := m.connect(t, p)
	session := func(id string) {
		t.Helper()
		c.mustExport(t, request(id, lastSpan("chat", "content", id+" says this")))
		c.logged(t, id)
	}
	reload := func(from, to string) {
		t.Helper()
		m.rewrite(t, from, to)
		if status, body := c.ask(t, http.MethodPost, "/v1/reload", m.operator); status != http.StatusOK {
			t.Fatalf("reload: %d %s", status, body)
		}
		p.reread(t)
		c = m.connect(t, p)
	}
	session("before")
	reload(old, both)
	session("meanwhile")
	reload(both, next)
	session("after")
	p.stop(t)

	status, stdout, stderr := m.run(t, "session", "list", "--json", "--config", "notary.yaml")
	var rows []listed
	if err := json.Unmarshal([]byte(stdout), &rows); err != nil || status != exitOK || len(rows) != 3 {
		t.Fatalf("session list: %d, %d parts, %v\n%s", status, len(rows), err, stderr)
	}
	for key, opens := range map[string]string{"recipient.pem": "before meanwhile", "next.pem": "meanwhile after"} {
		var opened []string
		for _, r := range rows {
			status, stdout, stderr := m.run(t, "session", "open", "--config", "notary.yaml", "--identity", key, fmt.Sprintf("%s/%d", r.Handle, r.Part))
			for _, id := range []string{"before", "meanwhile", "after"} {
				if status == exitOK && strings.Contains(stdout, id+" says this") {
					opened = append(opened, id)
				}
			}
			if status != exitOK && !strings.Contains(stderr, "not encrypted to this identity") {
				t.Errorf("session open with %s: %d\n%s", key, status, stderr)
			}
		}
		if len(opened) != 2 || !strings.Contains(opens, opened[0]) || !strings.Contains(opens, opened[1]) {
			t.Errorf("%s opens %v, want %s", key, opened, opens)
		}
	}
}
