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

// TestFirst: what is written at a time is the beginning of what there is.
func TestFirst(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		parts := rapid.SliceOfN(rapid.SliceOfN(rapid.Byte(), 0, 5), 1, 20).Draw(t, "parts")
		all := slices.Concat(parts...)
		n := rapid.IntRange(1, 120).Draw(t, "at a time")
		if got := slices.Concat(first(parts, n)...); !bytes.Equal(got, all[:min(n, len(all))]) || !bytes.Equal(slices.Concat(parts...), all) {
			t.Fatalf("the first %d bytes of %v: %v", n, parts, got)
		}
	})
}

// TestWritePartsInPieces writes more than goes at a time, in parts of all sizes.
func TestWritePartsInPieces(t *testing.T) {
	f := temporary(t)
	var parts [][]byte
	for i, n := range []int{1, maxWrite - 1, 2*maxWrite + 3, 0, 5, maxWrite, 3 * maxWrite} {
		parts = append(parts, bytes.Repeat([]byte{byte(i + 1)}, n))
	}
	if err := writeParts(f, parts, 7); err != nil {
		t.Fatal(err)
	}
	want := append(make([]byte, 7), slices.Concat(parts...)...)
	if got, err := os.ReadFile(f.Name()); err != nil || !bytes.Equal(got, want) {
		t.Errorf("%d bytes are in the file, want %d: %v", len(got), len(want), err)
	}
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

// TestReservedAhead: a segment has space before it needs it, its size tells only what is
// written, and what was not needed goes back to the disk.
func TestReservedAhead(t *testing.T) {
	spare := int64(reserveStep / 2) // there is at least as much ahead when half a step has been written
	if syscall.Fallocate(int(temporary(t).Fd()), fallocKeepSize, 0, reserveStep) != nil {
		spare = 0 // a file system that reserves nothing
	}
	path := t.TempDir()
	d := open(t, path)
	look := func(number uint64) (size, space int64) {
		t.Helper()
		var s syscall.Stat_t
		if err := syscall.Stat(filepath.Join(path, fileName("s", 0)), &s); err != nil {
			t.Fatalf("after record %d: %v", number, err)
		}
		return s.Size, s.Blocks * 512
	}
	body := string(make([]byte, reserveStep/2-4096))
	var written int64
	for number := range uint64(7) {
		mustAppend(t, d, "s", number, number, body)
		size, space := look(number)
		if written += int64(len(body)); size < written || size > written+4096 {
			t.Errorf("record %d: the size is %d, %d bytes were written", number, size, written)
		}
		if number%2 == 0 && space < size+spare {
			t.Errorf("record %d: the file has %d bytes of space for %d, want %d more", number, space, size, spare)
		}
	}
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	if size, space := look(7); space > size+reserveStep/4 {
		t.Errorf("closed: the file has %d bytes of space for %d", space, size)
	}
}
