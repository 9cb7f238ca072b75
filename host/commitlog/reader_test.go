package commitlog

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/mod/sumdb/note"

	"github.com/veriproof/notary/host/merkle"
	"github.com/veriproof/notary/sdk/receipt"
)

// readWhole reads a log that has so many different entries.
func readWhole(t *testing.T, r *Reader, want uint64) (size uint64, root receipt.Hash, signed []byte) {
	t.Helper()
	size, root, signed, err := r.Checkpoint(t.Context())
	if err != nil || size != want {
		t.Fatalf("%d entries, want %d, %v", size, want, err)
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
	if uint64(len(seen)) != want || edge.Root() != root {
		t.Errorf("%d different entries of %d, root %v, want %v", len(seen), want, edge.Root(), root)
	}
	return size, root, signed
}

// TestReader: whoever reads the log's directory, or the same files from a web
// server, gets the commitments that were submitted, and their root.
func TestReader(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	l, err := OpenPOSIX(dir, "example.org/read", Options{})
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
	key, err := DirectoryKey(dir, "example.org/read")
	if err != nil || key != l.VerifierKey() {
		t.Fatalf("key %q, %v", key, err)
	}
	server := httptest.NewServer(http.FileServer(http.Dir(filepath.Join(dir, "tree"))))
	defer server.Close()
	for _, place := range []string{dir, filepath.Join(dir, "tree"), server.URL} {
		r, err := NewReader(place, []string{key})
		if err != nil {
			t.Fatal(err)
		}
		size, root, signed := readWhole(t, r, entries)
		if n, again, err := VerifyCheckpoint(signed, []string{key}); err != nil || n != size || again != root {
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
	r, err := NewReader(dir, []string{other})
	if err != nil {
		t.Fatal(err)
	}
	if _, _, _, err := r.Checkpoint(t.Context()); !errors.Is(err, ErrKey) {
		t.Errorf("checkpoint under another key: %v", err)
	}
	if _, err := NewReader(dir, nil); !errors.Is(err, ErrKey) {
		t.Errorf("no key: %v", err)
	}
	if _, err := DirectoryKey(t.TempDir(), "example.org/read"); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no log: %v", err)
	}
	if err := os.WriteFile(filepath.Join(dir, "tree", "tile", "entries", "000"), []byte{0, 1, 2}, 0o644); err != nil {
		t.Fatal(err)
	}
	r, err = NewReader(dir, []string{key})
	if err != nil {
		t.Fatal(err)
	}
	for _, err := range r.Entries(t.Context(), entries) {
		if !errors.Is(err, ErrCorrupt) {
			t.Errorf("an entry that is no commitment: %v", err)
		}
	}
}
