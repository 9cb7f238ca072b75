package commitlog

import (
	"context"
	"encoding/binary"
	"errors"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"sync/atomic"
	"syscall"
	"testing"

	"filippo.io/torchwood"
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

// slow is a log whose bundles come in any order, each after its answer was asked for.
type slow struct {
	Files
	at, most atomic.Int64
	bad      uint64 // the bundle that cannot be read
}

var errGone = errors.New("gone")

func (s *slow) ReadEntryBundle(ctx context.Context, index uint64, partial uint8) ([]byte, error) {
	n := s.at.Add(1)
	defer s.at.Add(-1)
	for m := s.most.Load(); n > m && !s.most.CompareAndSwap(m, n); m = s.most.Load() {
	}
	for range rand.IntN(50) {
		runtime.Gosched()
	}
	if index == s.bad {
		return nil, errGone
	}
	entries := uint64(partial)
	if entries == 0 {
		entries = torchwood.TileWidth
	}
	var b []byte
	for i := range entries {
		var c receipt.Hash
		binary.BigEndian.PutUint64(c[:], index*torchwood.TileWidth+i)
		b = append(append(b, 0, byte(len(c))), c[:]...)
	}
	return b, ctx.Err()
}

// TestEntriesAhead: bundles are asked for ahead of their turn, so many at a time and no
// more, and come in their order; whoever has enough leaves nothing behind that reads, and
// the first error is the one of the first bundle that has one.
func TestEntriesAhead(t *testing.T) {
	t.Parallel()
	const size = 100*torchwood.TileWidth + 7
	for _, tt := range []struct{ enough, bad, want uint64 }{
		{size, size, size}, {1, size, 1}, {700, size, 700}, {size, 40, 40 * torchwood.TileWidth}, {size, 100, 100 * torchwood.TileWidth},
	} {
		files := &slow{bad: tt.bad}
		r := &Reader{from: files}
		n, failed := uint64(0), error(nil)
		for c, err := range r.Entries(t.Context(), size) {
			if failed = err; err != nil {
				break
			}
			if got := binary.BigEndian.Uint64(c[:]); got != n {
				t.Fatalf("entry %d came as number %d", got, n)
			}
			if n++; n == tt.enough {
				break
			}
		}
		if n != tt.want || (tt.bad < size) != errors.Is(failed, errGone) {
			t.Errorf("%+v: %d entries, %v", tt, n, failed)
		}
		if files.at.Load() != 0 || files.most.Load() > readAhead {
			t.Errorf("%+v: %d still read; %d at a time", tt, files.at.Load(), files.most.Load())
		}
	}
}

// TestNoFiles: what is no file, or too long for one, in a log's directory is refused at once,
// and not waited for.
func TestNoFiles(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := os.MkdirAll(filepath.Join(dir, "tile/entries"), 0o700); err != nil {
		t.Fatal(err)
	}
	for name, make := range map[string]func(path string) error{
		"pipe":      func(path string) error { return syscall.Mkfifo(path, 0o600) },
		"directory": func(path string) error { return os.Mkdir(path, 0o700) },
		"endless":   func(path string) error { return os.Symlink("/dev/zero", path) },
		"too long": func(path string) error {
			return errors.Join(os.WriteFile(path, nil, 0o600), os.Truncate(path, maxResponse+1))
		},
	} {
		path := filepath.Join(dir, "tile/entries/000")
		if err := errors.Join(os.RemoveAll(path), make(path)); err != nil {
			t.Fatal(err)
		}
		r := &Reader{from: Directory(dir)}
		n := 0
		for _, err := range r.Entries(t.Context(), 256) {
			if n++; err == nil {
				t.Errorf("%s: an entry was read", name)
			}
		}
		if n != 1 {
			t.Errorf("%s: %d answers", name, n)
		}
	}
}
