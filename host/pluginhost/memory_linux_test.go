package pluginhost

import (
	"os"
	"strings"
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

// TestUnknownPagesAreCompared: where the kernel does not answer all is compared, and what
// it has taken from memory is the image's again.
func TestUnknownPagesAreCompared(t *testing.T) {
	p := load(t, Options{}, vandal()).plugins[0]
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
	for at := 0; at < len(p.image.memory); at += 3000 {
		m.b[at] ^= 0x55
	}
	if err := unix.Madvise(m.b[:pageSize], unix.MADV_DONTNEED); err != nil {
		t.Fatal(err)
	}
	m.pages = strings.NewReader("")
	if !in.restore(&p.image) {
		t.Fatal("not restored")
	}
	for at, c := range p.image.memory {
		if m.b[at] != c {
			t.Fatalf("byte %#x is %#x, %#x in the image", at, m.b[at], c)
		}
	}
}
