package stream

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// appendFrame is encodeFrame in one piece.
func appendFrame(b []byte, key uint32, first, last uint64, at int64, body, slots [][]byte) []byte {
	parts, size := encodeFrame(key, first, last, at, body, slots)
	frame := slices.Concat(parts...)
	if int64(len(frame)) != size {
		panic("a frame is not as long as it says")
	}
	return append(b, frame...)
}

// write writes the parts as the kernel may do it: up to any byte.
func (f *fakeFile) write(parts [][]byte, at int64) error {
	_, err := f.WriteAt(slices.Concat(parts...), at)
	return err
}

// TestWriteParts: parts stand in the file one after the other, also more of them than one
// call takes and such without bytes, and are left as they were.
func TestWriteParts(t *testing.T) {
	f, err := os.Create(filepath.Join(t.TempDir(), "file"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	rapid.Check(t, func(t *rapid.T) {
		parts := rapid.SliceOfN(rapid.SliceOfN(rapid.Byte(), 0, 9), 0, 3000).Draw(t, "parts")
		at := rapid.Int64Range(0, 5000).Draw(t, "at")
		want := append(make([]byte, at), slices.Concat(parts...)...)
		if err := f.Truncate(0); err != nil {
			t.Fatal(err)
		}
		if err := (osFile{f: f}).write(parts, at); err != nil {
			t.Fatal(err)
		}
		got, err := os.ReadFile(f.Name())
		if err != nil || len(bytes.Join(parts, nil)) > 0 && !bytes.Equal(got, want) {
			t.Fatalf("%d bytes, want %d, error %v", len(got), len(want), err)
		}
		if !bytes.Equal(want[at:], slices.Concat(parts...)) {
			t.Fatal("the parts were changed")
		}
	})
}
