//go:build postgres || objectstore

package main

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"
)

// killedUnderTraffic starts a notary twice, which is killed while it is sent to, and
// returns what was acknowledged.
func (m *machine) killedUnderTraffic(t *testing.T) (acks []acknowledged) {
	t.Helper()
	for round := range 2 {
		p := m.start(t)
		f := &traffic{c: m.connect(t, p), name: fmt.Sprint("round", round), after: 20 + rand.IntN(30), then: p.kill}
		f.start(t.Context(), 4)
		acks = append(acks, f.wait()...)
	}
	return acks
}

// auditStorage reads the storage with the recipient's key, and holds it against what was
// acknowledged.
func (m *machine) auditStorage(t *testing.T, acks []acknowledged) {
	t.Helper()
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
			t.Errorf("part %d of %v is not sealed", p.ID.Part, p.ID.Handle)
			continue
		}
		raw, err := st.bundle(t.Context(), p, nil, false)
		if err != nil {
			t.Fatal(err)
		}
		m.verified(t, raw)
		m.collect(t, st, p, spans)
	}
	checkAcknowledged(t, st, spans, acks)
	m.checkRecovered(t, st)
}

// erasesOne has a running notary erase a part that is in the log, and looks that it does not
// open any more.
func (m *machine) erasesOne(t *testing.T) {
	t.Helper()
	p := m.start(t)
	defer p.stop(t)
	read := []string{"--config", "notary.yaml", "--identity", "recipient.pem"}
	status, stdout, stderr := m.run(t, append([]string{"session", "list", "--json"}, read...)...)
	var rows []listed
	if err := json.Unmarshal([]byte(stdout), &rows); err != nil || status != exitOK {
		t.Fatalf("session list: %d, %v\n%s", status, err, stderr)
	}
	at := slices.IndexFunc(rows, func(r listed) bool { return r.State == "logged" })
	if at < 0 {
		t.Fatalf("none of %d session parts is in the log", len(rows))
	}
	part := fmt.Sprintf("%s/%d", rows[at].Handle, rows[at].Part)
	if err := os.WriteFile(m.path("operator.token"), []byte(m.operator+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	status, stdout, stderr = m.run(t, "session", "erase", "--config", "notary.yaml", "--control", "https://"+p.ready.Control, "--policy", "policy.yaml",
		"--token-file", "operator.token", "--yes", part)
	if status != exitOK || !strings.Contains(stdout, "erased: "+part) {
		t.Fatalf("session erase: %d\n%s%s", status, stdout, stderr)
	}
	if status, _, stderr := m.run(t, append([]string{"session", "open", part}, read...)...); status != exitUsage || !strings.Contains(stderr, "was erased by entry") {
		t.Errorf("session open of what was erased: %d\n%s", status, stderr)
	}
}
