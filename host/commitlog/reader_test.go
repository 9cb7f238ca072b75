package commitlog_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/mod/sumdb/note"

	"github.com/veriproof/notary/host/commitlog"
	"github.com/veriproof/notary/host/merkle"
	"github.com/veriproof/notary/sdk/receipt"
)

// TestReader: whoever reads the log's directory, or the same files from a web
// server, gets the commitments that were submitted, and their root.
func TestReader(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	l, err := commitlog.OpenPOSIX(dir, "example.org/read", commitlog.Options{})
	if err != nil {
		t.Fatal(err)
	}
	const entries = 300 // more than a bundle
	done := make(chan error, entries)
	for i := range entries {
		go func() {
			_, _, err := l.Submit(t.Context(), [32]byte{byte(i), byte(i >> 8), 1})
			done <- err
		}()
	}
	for range entries {
		if err := <-done; err != nil {
			t.Fatal(err)
		}
	}
	key, err := commitlog.DirectoryKey(dir, "example.org/read")
	if err != nil || key != l.VerifierKey() {
		t.Fatalf("key %q, %v", key, err)
	}
	server := httptest.NewServer(http.FileServer(http.Dir(filepath.Join(dir, "tree"))))
	defer server.Close()
	for _, place := range []string{dir, filepath.Join(dir, "tree"), server.URL} {
		r, err := commitlog.NewReader(place, []string{key})
		if err != nil {
			t.Fatal(err)
		}
		size, root, signed, err := r.Checkpoint(t.Context())
		if err != nil || size != entries {
			t.Fatalf("%s: size %d, %v", place, size, err)
		}
		var edge merkle.Edge
		seen := make(map[receipt.Hash]bool)
		for c, err := range r.Entries(t.Context(), size) {
			if err != nil {
				t.Fatal(err)
			}
			seen[c] = true
			edge.Append(receipt.LeafHash(c[:]))
		}
		if len(seen) != entries || edge.Root() != root {
			t.Errorf("%s: %d entries under another root", place, len(seen))
		}
		if n, again, err := commitlog.VerifyCheckpoint(signed, []string{key}); err != nil || n != size || again != root {
			t.Errorf("%s: its checkpoint: %v", place, err)
		}
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}

	_, other, err := note.GenerateKey(nil, "example.org/read")
	if err != nil {
		t.Fatal(err)
	}
	r, err := commitlog.NewReader(dir, []string{other})
	if err != nil {
		t.Fatal(err)
	}
	if _, _, _, err := r.Checkpoint(t.Context()); !errors.Is(err, commitlog.ErrKey) {
		t.Errorf("checkpoint under another key: %v", err)
	}
	if _, err := commitlog.NewReader(dir, nil); !errors.Is(err, commitlog.ErrKey) {
		t.Errorf("no key: %v", err)
	}
	if _, err := commitlog.DirectoryKey(t.TempDir(), "example.org/read"); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no log: %v", err)
	}
	if err := os.WriteFile(filepath.Join(dir, "tree", "tile", "entries", "000"), []byte{0, 1, 2}, 0o644); err != nil {
		t.Fatal(err)
	}
	r, err = commitlog.NewReader(dir, []string{key})
	if err != nil {
		t.Fatal(err)
	}
	for _, err := range r.Entries(t.Context(), entries) {
		if !errors.Is(err, commitlog.ErrCorrupt) {
			t.Errorf("an entry that is no commitment: %v", err)
		}
	}
}
