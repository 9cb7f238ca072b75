package pluginhost

import (
	"encoding/binary"
	"errors"
	"io"
	"os"
	"runtime"
	"sync"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// A mapping is an instance's memory as a private mapping of the image's file: the kernel
// copies a page when it is first written, and says of each page whether it is still
// the file's, in /proc/self/pagemap (bit 61; see Documentation/admin-guide/mm/pagemap.rst
// of Linux). A page that is still the file's is the image's, byte for byte, whatever
// wrote to the others, the guest or the host. So those are left alone, and the rest, which
// after some calls is what calls change at all, is compared.
//
// The pages could be given up instead (MADV_DONTNEED): each call would take the faults
// of all pages it writes again, and each release interrupts the other processors.
type mapping struct {
	b       []byte      // all that is reserved
	shown   bool        // the image's file is mapped over the beginning
	pages   io.ReaderAt // pagemap
	entries []byte      // of the image's pages in it
}

// What an entry of pagemap says.
const (
	pagePresent = 1 << 63
	pageSwapped = 1 << 62
	pageOfFile  = 1 << 61
	entrySize   = 8
)

// untouched reports whether a page is still the file's: it is present and the file's, or
// nothing was ever there, since a page that was written is present or swapped out.
func untouched(entry uint64) bool {
	switch entry & (pagePresent | pageSwapped | pageOfFile) {
	case pagePresent | pageOfFile, 0:
		return true
	}
	return false
}

// newMapping reserves memory that is zero, or returns nil.
func newMapping(bytes int) linearMemory {
	p, err := unix.MmapPtr(-1, 0, nil, uintptr(bytes), unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANON|unix.MAP_NORESERVE)
	if err != nil {
		return nil
	}
	return &mapping{b: unsafe.Slice((*byte)(p), bytes), pages: pagemap()}
}

// Reallocate implements experimental.LinearMemory. The memory never moves.
func (m *mapping) Reallocate(size uint64) []byte {
	if size > uint64(len(m.b)) {
		return nil
	}
	return m.b[:size]
}

// Free implements experimental.LinearMemory. Nobody may look at the memory any more.
func (m *mapping) Free() {
	if m.b != nil {
		_ = unix.MunmapPtr(unsafe.Pointer(&m.b[0]), uintptr(len(m.b)))
		m.b = nil
	}
}

func (m *mapping) putBack(img *image) bool {
	if !m.shown {
		return m.show(img)
	}
	page := os.Getpagesize()
	first := int64(uintptr(unsafe.Pointer(&m.b[0]))) / int64(page)
	if _, err := m.pages.ReadAt(m.entries, first*entrySize); err != nil {
		img.putBack(m.b, 0, len(img.memory)) // nothing is known
		return true
	}
	for i := range len(m.entries) / entrySize {
		if !untouched(binary.NativeEndian.Uint64(m.entries[i*entrySize:])) {
			img.putBack(m.b, i*page, (i+1)*page)
		}
	}
	return true
}

// show maps the image's file over whatever is there. If it fails there may be nothing.
func (m *mapping) show(img *image) bool {
	n := len(img.memory)
	_, err := unix.MmapPtr(int(img.file.Fd()), 0, unsafe.Pointer(&m.b[0]), uintptr(n), unix.PROT_READ|unix.PROT_WRITE,
		unix.MAP_PRIVATE|unix.MAP_FIXED|unix.MAP_NORESERVE)
	if err != nil {
		return false
	}
	m.shown, m.entries = true, make([]byte, n/os.Getpagesize()*entrySize)
	return true
}

// imageFile returns a file in memory that holds the image and that nobody can change,
// or nil where there are no such files, or where the kernel does not tell of pages.
func imageFile(img *image) *os.File {
	if len(img.memory) == 0 || pagemap() == nil {
		return nil
	}
	f, err := sealed(img.memory, img.zero)
	if err != nil {
		return nil
	}
	return f
}

// sealed makes a file in memory. Blocks of zeros are not written: they take no room
// until somebody looks.
func sealed(memory []byte, zero []bool) (*os.File, error) {
	fd, err := unix.MemfdCreate("guest-image", unix.MFD_CLOEXEC|unix.MFD_NOEXEC_SEAL|unix.MFD_ALLOW_SEALING)
	if errors.Is(err, unix.EINVAL) { // before Linux 6.3
		fd, err = unix.MemfdCreate("guest-image", unix.MFD_CLOEXEC|unix.MFD_ALLOW_SEALING)
	}
	if err != nil {
		return nil, err
	}
	f := os.NewFile(uintptr(fd), "guest-image")
	err = f.Truncate(int64(len(memory)))
	for i, z := range zero {
		if err == nil && !z {
			_, err = f.WriteAt(memory[i*blockSize:(i+1)*blockSize], int64(i*blockSize))
		}
	}
	if err == nil {
		_, err = unix.FcntlInt(f.Fd(), unix.F_ADD_SEALS, unix.F_SEAL_WRITE|unix.F_SEAL_SHRINK|unix.F_SEAL_GROW|unix.F_SEAL_SEAL)
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

// pagemap is the file in which the kernel tells of this process's pages, or nil if it
// cannot be opened or does not tell what is known.
var pagemap = sync.OnceValue(func() io.ReaderAt {
	f, err := os.Open("/proc/self/pagemap")
	if err != nil {
		return nil
	}
	p := pageTable{f}
	if !tells(p) {
		_ = f.Close()
		return nil
	}
	return p
})

// A pageTable is pagemap. The runtime is not told of reads, which wait for no disk: its
// watch for threads that block would be woken for each call of a guest.
type pageTable struct{ f *os.File }

// ReadAt implements io.ReaderAt.
func (p pageTable) ReadAt(b []byte, at int64) (int, error) {
	n, _, failed := syscall.RawSyscall6(unix.SYS_PREAD64, p.f.Fd(), uintptr(unsafe.Pointer(unsafe.SliceData(b))), uintptr(len(b)), uintptr(at), uintptr(uint64(at)>>32), 0)
	runtime.KeepAlive(p.f)
	switch {
	case failed != 0:
		return 0, failed
	case int(n) < len(b):
		return int(n), io.ErrUnexpectedEOF
	}
	return int(n), nil
}

// tells tries pagemap on two pages of a file, of which one is read and one is written. It
// is for systems that have a file of this name and another kernel.
func tells(pagemap io.ReaderAt) bool {
	page := os.Getpagesize()
	if page%blockSize != 0 || pageSize%page != 0 {
		return false
	}
	memory, zero := make([]byte, 2*page), make([]bool, 2*page/blockSize)
	memory[0], memory[page] = 1, 1
	f, err := sealed(memory, zero)
	if err != nil {
		return false
	}
	defer f.Close()
	b, err := unix.Mmap(int(f.Fd()), 0, 2*page, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE)
	if err != nil {
		return false
	}
	defer func() { _ = unix.Munmap(b) }()
	b[page] += b[0]
	var e [2 * entrySize]byte
	if _, err := pagemap.ReadAt(e[:], int64(uintptr(unsafe.Pointer(&b[0])))/int64(page)*entrySize); err != nil {
		return false
	}
	read, written := binary.NativeEndian.Uint64(e[:]), binary.NativeEndian.Uint64(e[entrySize:])
	const bits = pagePresent | pageOfFile
	return read&bits == bits && written&bits == pagePresent
}
