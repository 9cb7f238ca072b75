package stream

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"testing"

	"pgregory.net/rapid"
)

// TestBehind: after a write of any number of bytes, what follows them is left to write.
func TestBehind(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		parts := rapid.SliceOfN(rapid.SliceOfN(rapid.Byte(), 0, 5), 1, 20).Draw(t, "parts")
		all := slices.Concat(parts...)
		n := rapid.IntRange(0, len(all)).Draw(t, "written")
		rest := behind(parts, n)
		if !bytes.Equal(slices.Concat(rest...), all[n:]) || !bytes.Equal(slices.Concat(parts...), all) {
			t.Fatalf("%v behind %d of %v", rest, n, parts)
		}
		if len(rest) > 0 && len(rest[0]) == 0 {
			t.Fatal("a part of no bytes is in front, by which a write could not be told to stand still")
		}
	})
}

// TestWritePartsFails tells what the system says.
func TestWritePartsFails(t *testing.T) {
	path := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := writeParts(f, [][]byte{{1}}, 0); !errors.Is(err, syscall.EBADF) {
		t.Errorf("a write to a file that is only read: %v", err)
	}
}
