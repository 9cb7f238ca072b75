package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestListWithErasedKeys: a session whose key was erased is listed as such, and
// the others as ever.
func TestListWithErasedKeys(t *testing.T) {
	t.Parallel()
	whole := sample(t)
	m := *whole
	m.dir = t.TempDir()
	if err := os.CopyFS(m.dir, os.DirFS(whole.dir)); err != nil {
		t.Fatal(err)
	}
	keys, err := filepath.Glob(m.path("data/store/k-*"))
	if err != nil || len(keys) < 2 {
		t.Fatalf("%d objects of keys: %v", len(keys), err)
	}
	if err := os.Remove(keys[0]); err != nil {
		t.Fatal(err)
	}
	status, stdout, stderr := m.run(t, "session", "list", "--config", "notary.yaml", "--identity", "recipient.pem")
	if status != exitOK || strings.Count(stdout, "sample-") != 2 || strings.Count(stdout, "cannot be opened: ") != 1 || !strings.Contains(stdout, "it was erased") {
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
