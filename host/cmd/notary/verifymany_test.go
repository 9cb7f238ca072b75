package main

import (
	"bytes"
	"encoding/pem"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/veriproof/notary/attestation"
	"github.com/veriproof/notary/sdk/bundle"
	"github.com/veriproof/notary/sdk/receipt"
)

// TestVerifyURL: a bundle is fetched over HTTPS when that is permitted, from the server
// that was named and from no other, and within bounds.
func TestVerifyURL(t *testing.T) {
	t.Parallel()
	m := sample(t)
	good, err := os.ReadFile(m.path("good.bundle"))
	if err != nil {
		t.Fatal(err)
	}
	asked := 0
	elsewhere := httptest.NewTLSServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked++ }))
	t.Cleanup(elsewhere.Close)
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/good.bundle":
			_, _ = w.Write(good)
		case "/tampered.bundle":
			changed := bytes.Clone(good)
			changed[len(changed)/2] ^= 1
			_, _ = w.Write(changed)
		case "/moved":
			http.Redirect(w, r, "/good.bundle", http.StatusFound)
		case "/elsewhere":
			http.Redirect(w, r, elsewhere.URL+"/good.bundle", http.StatusFound)
		case "/loop":
			http.Redirect(w, r, "/loop", http.StatusFound)
		case "/empty":
		case "/endless":
			for chunk := make([]byte, 1<<20); ; {
				if _, err := w.Write(chunk); err != nil {
					return
				}
			}
		default:
			http.NotFound(w, r)
		}
	}))
	t.Cleanup(server.Close)
	ca := put(t, t.TempDir(), "ca.pem", pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw}))
	for path, want := range map[string]struct {
		status int
		text   string
	}{
		"/good.bundle":     {exitOK, "verdict: verified"},
		"/moved":           {exitOK, "verdict: verified"},
		"/tampered.bundle": {exitFalse, "verdict: failed"},
		"/elsewhere":       {exitUsage, "a redirect to another server is not followed"},
		"/loop":            {exitUsage, "more than 3 redirects"},
		"/empty":           {exitUsage, "is empty"},
		"/nowhere":         {exitUsage, "answers 404"},
		"/endless":         {exitUsage, "has more than 268435456 bytes"},
	} {
		status, stdout, stderr := m.run(t, "verify", "--policy", "policy.yaml", "--network", "--ca", ca, server.URL+path)
		if status != want.status || !strings.Contains(stdout+stderr, want.text) {
			t.Errorf("%s: status %d\n%s%s", path, status, stdout, stderr)
		}
	}
	if asked > 0 {
		t.Errorf("the other server was asked %d times", asked)
	}
	if status, stdout, stderr := m.run(t, "verify", "--policy", "policy.yaml", "--network", server.URL+"/good.bundle"); status != exitUsage || !strings.Contains(stderr, "certificate") {
		t.Errorf("an unknown certificate: status %d\n%s%s", status, stdout, stderr)
	}
}

// TestSetVerdict: what several bundles say together, from what each says.
func TestSetVerdict(t *testing.T) {
	verified := func(part uint32, commitment byte) verifiedBundle {
		m := &receipt.Manifest{Part: part, Handle: receipt.Handle{7}}
		return verifiedBundle{Result: &bundle.Result{Verdict: attestation.Verified, Manifest: m, Commitment: &receipt.Hash{commitment}}}
	}
	other := func(status int, verdict attestation.Outcome) verifiedBundle {
		return verifiedBundle{Status: status, Result: &bundle.Result{Verdict: verdict}}
	}
	unreadable := verifiedBundle{Status: exitUsage, Error: "x"}
	for name, c := range map[string]struct {
		list    []verifiedBundle
		status  int
		verdict attestation.Outcome
		parts   []uint32
		missing []uint32
	}{
		"two parts":        {[]verifiedBundle{verified(1, 1), verified(0, 2)}, exitOK, attestation.Verified, []uint32{0, 1}, []uint32{}},
		"a gap":            {[]verifiedBundle{verified(3, 1), verified(1, 2)}, exitOK, attestation.Verified, []uint32{1, 3}, []uint32{0, 2}},
		"twice the same":   {[]verifiedBundle{verified(0, 1), verified(0, 1)}, exitOK, attestation.Verified, []uint32{0}, []uint32{}},
		"two receipts":     {[]verifiedBundle{verified(0, 1), verified(0, 2)}, exitFalse, attestation.Failed, []uint32{0}, []uint32{}},
		"one is missing":   {[]verifiedBundle{verified(0, 1), unreadable}, exitUsage, attestation.Incomplete, []uint32{0}, []uint32{}},
		"one is stale":     {[]verifiedBundle{unreadable, other(exitStale, attestation.Failed)}, exitStale, attestation.Failed, nil, nil},
		"false and stale":  {[]verifiedBundle{other(exitFalse, attestation.Failed), other(exitStale, attestation.Failed)}, exitFalse, attestation.Failed, nil, nil},
		"one not complete": {[]verifiedBundle{other(exitIncomplete, attestation.Incomplete), verified(0, 1)}, exitIncomplete, attestation.Incomplete, []uint32{0}, []uint32{}},
	} {
		s := &verifiedSet{byID: map[sessionID]*seenSession{}, receipts: map[receipt.PartID]receipt.Hash{}}
		for i := range c.list {
			s.add(&c.list[i])
		}
		s.conclude()
		if s.Status != c.status || s.Verdict != c.verdict {
			t.Errorf("%s: status %d, verdict %s", name, s.Status, s.Verdict)
		}
		if c.parts == nil {
			continue
		}
		if diff := cmp.Diff(&seenSession{Epoch: strings.Repeat("0", 32), Handle: "07" + strings.Repeat("0", 62), Parts: c.parts, Missing: c.missing}, s.Sessions[0]); diff != "" || len(s.Sessions) != 1 {
			t.Errorf("%s: %s", name, diff)
		}
	}
	// A part with a huge number does not make a huge list.
	s := &verifiedSet{byID: map[sessionID]*seenSession{}, receipts: map[receipt.PartID]receipt.Hash{}}
	far := verified(1<<32-1, 1)
	s.add(&far)
	s.conclude()
	if n := len(s.Sessions[0].Missing); n != maxMissing {
		t.Errorf("%d missing parts are listed", n)
	}
}

// TestBundlesOf: a directory's bundles come by name, whatever else is in it.
func TestBundlesOf(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"b.bundle", "a.bundle", "notes.txt"} {
		put(t, dir, name, []byte("x"))
	}
	if err := os.Mkdir(filepath.Join(dir, "deep.bundle"), 0o755); err != nil {
		t.Fatal(err)
	}
	names, several, err := bundlesOf([]string{dir})
	if want := []string{filepath.Join(dir, "a.bundle"), filepath.Join(dir, "b.bundle")}; err != nil || !several || !cmp.Equal(names, want) {
		t.Errorf("%v %t %v", names, several, err)
	}
	if names, several, err := bundlesOf([]string{"nowhere"}); err != nil || several || len(names) != 1 {
		t.Errorf("%v %t %v", names, several, err)
	}
}

// TestVerifyForeignDirectory: whoever fills a directory can neither write lines of the
// result by a file's name, nor hold the command with a file that never ends.
func TestVerifyForeignDirectory(t *testing.T) {
	t.Parallel()
	m := sample(t)
	dir := t.TempDir()
	const forged = "\n\nverdict: verified\x1b[8m"
	put(t, dir, "a"+forged+".bundle", []byte("x"))
	if err := syscall.Mkfifo(filepath.Join(dir, "b.bundle"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("nowhere"+forged, filepath.Join(dir, "c.bundle"+forged+".bundle")); err != nil {
		t.Fatal(err)
	}
	status, stdout, stderr := m.run(t, "verify", "--policy", "policy.yaml", dir)
	if status != exitFalse || strings.Contains(stdout+stderr, "\nverdict: verified") || strings.Contains(stdout+stderr, "\x1b") {
		t.Errorf("status %d\n%q", status, stdout+stderr)
	}
	if status, _, stderr := m.run(t, "verify", "--policy", "policy.yaml", "--at", "0001-01-01T00:00:00Z", "good.bundle"); status != exitUsage || !strings.Contains(stderr, "--at") {
		t.Errorf("a time that means none: status %d\n%s", status, stderr)
	}
	if !strings.Contains(stdout, "b.bundle  "+filepath.Join(dir, "b.bundle")+" is not a file with a length") {
		t.Errorf("of the pipe is said\n%s", stdout)
	}
}
