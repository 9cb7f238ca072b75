package stream

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"testing"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
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
	want := append(make([]byte, 7), slices.Concat(parts...)...)
	for _, patience := range []time.Duration{0, time.Minute} {
		if err := f.Truncate(0); err != nil {
			t.Fatal(err)
		}
		if err := writeParts(f, parts, 7, patience); err != nil {
			t.Fatal(err)
		}
		if got, err := os.ReadFile(f.Name()); err != nil || !bytes.Equal(got, want) {
			t.Errorf("patience of %v: %d bytes are in the file, want %d: %v", patience, len(got), len(want), err)
		}
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
	for _, patience := range []time.Duration{0, time.Minute} {
		if err := writeParts(f, [][]byte{{1}}, 0, patience); !errors.Is(err, syscall.EBADF) {
			t.Errorf("a write to a file that is only read, patience of %v: %v", patience, err)
		}
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

// TestNotKeptInMemory: what was appended is durable, and the kernel keeps no more of it in
// memory than the piece that the next append goes on in.
func TestNotKeptInMemory(t *testing.T) {
	path := t.TempDir()
	d := open(t, path)
	defer d.Close()
	body := string(make([]byte, maxWrite+maxWrite/3))
	mustAppend(t, d, "s", 0, 0, body) // a segment begins by another file's name
	first := resident(t, filepath.Join(path, fileName("s", 0)))
	for number := uint64(1); number < 20; number++ {
		mustAppend(t, d, "s", number, number, body)
		// A file system that has its files in memory keeps all of them.
		if now := resident(t, filepath.Join(path, fileName("s", 0))); now > first+maxWrite && !inMemory(t, path) {
			t.Fatalf("record %d: %d bytes are kept, %d of them since the first", number, now, now-first)
		}
	}
	for number := range uint64(20) {
		if got, err := d.Body("s", number); err != nil || string(got) != body {
			t.Fatalf("record %d: %d bytes, %v", number, len(got), err)
		}
	}
}

// resident tells how many bytes of a file are in memory.
func resident(t *testing.T, path string) int {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		t.Fatal(err)
	}
	b, err := unix.Mmap(int(f.Fd()), 0, int(info.Size()), unix.PROT_READ, unix.MAP_SHARED)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := unix.Munmap(b); err != nil {
			t.Error(err)
		}
	}()
	pages := make([]byte, (len(b)+os.Getpagesize()-1)/os.Getpagesize())
	if _, _, e := unix.Syscall(unix.SYS_MINCORE, uintptr(unsafe.Pointer(&b[0])), uintptr(len(b)), uintptr(unsafe.Pointer(&pages[0]))); e != 0 {
		t.Fatal(e)
	}
	n := 0
	for _, p := range pages {
		n += int(p&1) * os.Getpagesize()
	}
	return n
}

func inMemory(t *testing.T, path string) bool {
	t.Helper()
	var s unix.Statfs_t
	if err := unix.Statfs(path, &s); err != nil {
		t.Fatal(err)
	}
	return s.Type == unix.TMPFS_MAGIC
}
