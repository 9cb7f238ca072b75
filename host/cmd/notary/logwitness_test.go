package main

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"testing"

	"golang.org/x/mod/sumdb/note"

	"github.com/veriproof/notary/attestation/policy"
	"github.com/veriproof/notary/attestation/simtee"
	"github.com/veriproof/notary/host/control"
	"github.com/veriproof/notary/host/internal/witness"
)

// TestLogWitnessed takes a session from its sender to a relying party with a log that
// two of three witnesses must cosign, while one is down. The bundle is good for whom
// that quorum is enough, and for nobody who wants more of them, or others; and so is
// the log itself, in an audit.
func TestLogWitnessed(t *testing.T) {
	t.Parallel()
	a, b, down := witness.Start(t, "a.example"), witness.Start(t, "b.example"), witness.Start(t, "down.example")
	down.Close()
	said := ", quorum: 2, witnesses: ["
	for _, w := range []*witness.Witness{a, b, down} {
		said += fmt.Sprintf("{key: %q, url: %q},", w.Key(), w.URL())
	}
	m := newMachine(t, setting{log: said + "]"})
	p := m.start(t) // its log needs no witnesses for that
	key, err := note.NewVerifier(p.ready.LogKey)
	if err != nil {
		t.Fatal(err)
	}
	c := m.connect(t, p)
	a.Know(key)
	c.mustExport(t, request("witnessed", newSpan("chat", "content", "mail "+sampleEmail), lastSpan("invoke_agent")))

	// One cosignature is less than a quorum: the session is sealed, and has no proof.
	eventually(t, "the session waits for a second witness", func() bool {
		var answer struct {
			Parts []control.Part `json:"parts"`
		}
		_, body := c.get(t, "/v1/sessions/witnessed?tenant=acme")
		return json.Unmarshal(body, &answer) == nil && len(answer.Parts) == 1 && answer.Parts[0].State == control.StateSealed &&
			a.Asked() > 0 && b.Asked() > 0
	})
	b.Know(key)
	parts := c.logged(t, "witnessed")
	p.stop(t)
	if len(parts) != 1 {
		t.Fatalf("%d parts, want 1", len(parts))
	}
	if status, stdout, stderr := m.run(t, "session", "bundle", "--config", "notary.yaml", "-o", "s.bundle", parts[0].Handle); status != exitOK {
		t.Fatalf("session bundle: %d\n%s%s", status, stdout, stderr)
	}

	impostor := witness.Start(t, "b.example") // the name, another key
	for _, tt := range []struct {
		name      string
		quorum    int
		witnesses []*witness.Witness
		status    int    // of verify and of audit
		line      string // of what verify says
	}{
		{"none", 0, nil, exitOK, "the policy names no witnesses"},
		{"quorum", 2, []*witness.Witness{a, b, down}, exitOK, "cosigned by a.example, b.example; the policy wants 2"},
		{"higher", 3, []*witness.Witness{a, b, down}, exitFalse, "cosigned by 2 of the policy's witnesses (a.example, b.example), which wants 3"},
		{"other", 1, []*witness.Witness{impostor}, exitFalse, "cosigned by 0 of the policy's witnesses (), which wants 1"},
		{"mixed", 2, []*witness.Witness{a, impostor}, exitFalse, "cosigned by 1 of the policy's witnesses (a.example), which wants 2"},
	} {
		file := "policy-" + tt.name + ".yaml"
		m.wantWitnesses(t, file, tt.quorum, tt.witnesses)
		status, stdout, stderr := m.run(t, "verify", "--policy", file, "s.bundle")
		if status != tt.status || !strings.Contains(stdout, tt.line) {
			t.Errorf("%s: verify: status %d, want %d and %q\n%s%s", tt.name, status, tt.status, tt.line, stdout, stderr)
		}
		if status, stdout, stderr := m.run(t, "audit", "--config", "notary.yaml", "--policy", file); status != tt.status {
			t.Errorf("%s: audit: status %d, want %d\n%s%s", tt.name, status, tt.status, stdout, stderr)
		}
	}
}

// TestLogElsewhereWitnessed: the same with a log that another process has, which asks the
// witnesses: the notary knows their keys alone, and has no proof before its quorum.
func TestLogElsewhereWitnessed(t *testing.T) {
	t.Parallel()
	a, b := witness.Start(t, "a.example"), witness.Start(t, "b.example")
	m := newMachine(t, setting{})
	_, address := m.logClient(t)
	l := m.startLog(t, address, "--witness", a.Key()+"="+a.URL(), "--witness", b.Key()+"="+b.URL(), "--quorum", "2")
	key, err := note.NewVerifier(l.vkey)
	if err != nil {
		t.Fatal(err)
	}
	a.Know(key)
	m.configure(t, setting{logDir: "data/seen", log: fmt.Sprintf(
		", kind: endpoint, endpoint: {url: 'http://%s', tiles: 'http://%s', credential_file: log-token, key: '%s'}, quorum: 2, witnesses: [{key: '%s'}, {key: '%s'}]",
		address, address, l.vkey, a.Key(), b.Key())})
	p := m.start(t)
	c := m.connect(t, p)
	c.mustExport(t, request("elsewhere", newSpan("chat", "content", "mail "+sampleEmail), lastSpan("invoke_agent")))
	eventually(t, "the session waits for a second witness", func() bool {
		var answer struct {
			Parts []control.Part `json:"parts"`
		}
		_, body := c.get(t, "/v1/sessions/elsewhere?tenant=acme")
		return json.Unmarshal(body, &answer) == nil && len(answer.Parts) == 1 && answer.Parts[0].State == control.StateSealed &&
			a.Asked() > 0 && b.Asked() > 0
	})
	b.Know(key)
	parts := c.logged(t, "elsewhere")
	p.stop(t)
	if status, stdout, stderr := m.run(t, "session", "bundle", "--config", "notary.yaml", "-o", "s.bundle", parts[0].Handle); status != exitOK {
		t.Fatalf("session bundle: %d\n%s%s", status, stdout, stderr)
	}
	m.wantWitnesses(t, "witnessed.yaml", 2, []*witness.Witness{a, b})
	status, stdout, stderr := m.run(t, "verify", "--policy", "witnessed.yaml", "s.bundle")
	if status != exitOK || !strings.Contains(stdout, "cosigned by a.example, b.example; the policy wants 2") || !strings.Contains(stdout, "before the close that the epoch's key signed") {
		t.Errorf("verify: status %d\n%s%s", status, stdout, stderr)
	}
	if status, stdout, stderr := m.run(t, "audit", "--config", "notary.yaml", "--policy", "witnessed.yaml"); status != exitOK {
		t.Errorf("audit: status %d\n%s%s", status, stdout, stderr)
	}
	l.stop(t)
}

// wantWitnesses writes the relying party's policy, with a demand for witnesses.
func (m *machine) wantWitnesses(t *testing.T, file string, quorum int, witnesses []*witness.Witness) {
	t.Helper()
	p, log := *m.policy, *m.policy.Log
	log.Quorum, log.Witnesses = quorum, nil
	for _, w := range witnesses {
		log.Witnesses = append(log.Witnesses, w.Key())
	}
	p.Log = &log
	text, err := simtee.MarshalPolicy(&p)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := policy.Parse(text); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(m.path(file), text, 0o600); err != nil {
		t.Fatal(err)
	}
}
