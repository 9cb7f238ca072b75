package pluginhost

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"os"
	"testing"

	"golang.org/x/sys/unix"
)

// TestPagemapIsTried: a file that does not tell the truth is not believed.
func TestPagemapIsTried(t *testing.T) {
	zero, err := os.Open("/dev/zero")
	if err != nil {
		t.Fatal(err)
	}
	defer zero.Close()
	if tells(zero) {
		t.Error("a pagemap of zeros was believed")
	}
	if f := pagemap(); f != nil && !tells(f) {
		t.Error("the kernel's pagemap was believed once, and is not again")
	}
}

// TestUntouched: a page is taken for the file's if it is present and the file's, or if
// nothing ever came to its place, and for no other reason.
func TestUntouched(t *testing.T) {
	for entry, want := range map[uint64]bool{
		0:                                      true,
		1 << 55:                                true, // soft-dirty, as all of a new mapping is
		pagePresent | pageOfFile:               true,
		pagePresent | pageOfFile | 1<<56:       true, // mapped once
		pagePresent:                            false,
		pagePresent | 1<<55 | 1<<56:            false,
		pageSwapped:                            false,
		pageSwapped | pageOfFile:               false, // on its way to another place in memory
		pagePresent | pageSwapped | pageOfFile: false, // which there is not
	} {
		if untouched(entry) != want {
			t.Errorf("entry %#x: %v", entry, !want)
		}
	}
}

// TestImageFileIsSealed: nobody can change what instances are mapped from.
func TestImageFileIsSealed(t *testing.T) {
	p := load(t, Options{}, vandal()).plugins[0]
	f := p.image.file
	if f == nil {
		t.Log("the kernel does not tell of pages")
		return
	}
	if _, err := f.WriteAt([]byte{1}, 0); err == nil {
		t.Error("the file can be written")
	}
	if err := f.Truncate(0); err == nil {
		t.Error("the file can be cut off")
	}
	if _, err := unix.Mmap(int(f.Fd()), 0, pageSize, unix.PROT_WRITE, unix.MAP_SHARED); err == nil {
		t.Error("the file can be mapped for writing")
	}
}

// TestImageFileIsClosed with the set: it holds memory for as long as it is open.
func TestImageFileIsClosed(t *testing.T) {
	g := vandal()
	s, err := Load(t.Context(), []Source{g.source()}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	f := s.plugins[0].image.file
	if err := s.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	if f == nil {
		t.Log("the kernel does not tell of pages")
		return
	}
	if err := f.Close(); !errors.Is(err, os.ErrClosed) {
		t.Errorf("the file is open after Close of the set: %v", err)
	}
}

// TestUnknownPagesAreCompared: where the kernel does not answer, or not to the end, all is
// compared, whatever it has said after an earlier call, and what it has taken from memory
// is the image's again.
func TestUnknownPagesAreCompared(t *testing.T) {
	p := load(t, Options{}, vandal()).plugins[0]
	for name, answers := range map[string]int{"nothing": 0, "half": len(p.image.memory) / os.Getpagesize() / 2} {
		t.Run(name, func(t *testing.T) {
			in, err := p.fromImage(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			defer in.mod.Close(t.Context())
			m, ok := in.linear.(*mapping)
			if !ok {
				t.Log("the kernel does not tell of pages")
				return
			}
			clean := bytes.Repeat(binary.NativeEndian.AppendUint64(nil, pagePresent|pageOfFile), len(p.image.memory)/os.Getpagesize())
			m.pages = anywhere(clean)
			if !in.restore(&p.image) {
				t.Fatal("not restored")
			}
			for at := 0; at < len(p.image.memory); at += 3000 {
				m.b[at] ^= 0x55
			}
			if err := unix.Madvise(m.b[:pageSize], unix.MADV_DONTNEED); err != nil {
				t.Fatal(err)
			}
			m.pages = cutOff(clean[:answers*entrySize])
			if !in.restore(&p.image) {
				t.Fatal("not restored")
			}
			for at, c := range p.image.memory {
				if m.b[at] != c {
					t.Fatalf("byte %#x is %#x, %#x in the image", at, m.b[at], c)
				}
			}
		})
	}
}

// anywhere is a pagemap that says the same of any address.
type anywhere []byte

func (a anywhere) ReadAt(b []byte, _ int64) (int, error) { return copy(b, a), nil }

// cutOff is one that breaks off.
type cutOff []byte

func (c cutOff) ReadAt(b []byte, _ int64) (int, error) { return copy(b, c), io.ErrUnexpectedEOF }
