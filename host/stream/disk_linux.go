package stream

import (
	"io"
	"os"
	"syscall"
	"time"
)

const fallocKeepSize = 1

// reserve asks the file system for space behind the end. Whoever has no such call, or
// no such space, is found out by the write.
func reserve(f *os.File, from, n int64) error {
	return ignoringEINTR(func() error { return syscall.Fallocate(int(f.Fd()), fallocKeepSize, from, n) })
}

const (
	// maxParts is how many parts pwritev(2) takes at a time.
	maxParts = 1024
	// maxWrite is how many bytes are written at a time: no more than are copied before
	// the runtime takes a thread in a system call its processor, see flusher. Writes end
	// at multiples of it in the file, too, so that the kernel can have one piece of memory
	// for each in its cache of the file, in place of a page or a few at a time.
	maxWrite = 64 << 10
)

// writeParts writes parts that follow one another, without joining them in memory first.
func writeParts(f *os.File, parts [][]byte, at int64, patience time.Duration) error {
	c := begin(patience)
	defer func() { c.end() }()
	for ; len(parts) > 0; c = c.again() {
		n, next := 0, first(parts[:min(len(parts), maxParts)], maxWrite-int(at%maxWrite))
		err := ignoringEINTR(func() (err error) {
			n, err = c.pwritev(f, next, at)
			return err
		})
		if err == nil && n == 0 && len(parts[0]) > 0 {
			err = io.ErrShortWrite
		}
		if err != nil {
			return &os.PathError{Op: "pwritev", Path: f.Name(), Err: err}
		}
		at += int64(n)
		parts = behind(parts, n)
	}
	return nil
}

// uncache has the kernel drop a range that was synced from its cache. Hardly anything is
// read back while it is young, and memory that the next writes are given again is in the
// processor's caches still: that copies several times as fast as memory which nobody has
// touched for long. Only whole pieces go, see maxWrite: the rest of one is written on, and
// would be read from the disk for that. If it fails, the kernel keeps what it would keep.
func uncache(f *os.File, from, n int64, patience time.Duration) {
	from, to := from&^(maxWrite-1), (from+n)&^(maxWrite-1)
	if from < to {
		forget(f, from, to-from, patience)
	}
}

// first returns the first n bytes of parts, or all of them if they are less. It leaves
// parts as they are.
func first(parts [][]byte, n int) [][]byte {
	for i, p := range parts {
		if len(p) > n {
			return append(parts[:i:i], p[:n])
		}
		n -= len(p)
	}
	return parts
}

// behind returns what follows the first n bytes of parts, and not parts of no bytes in
// front of it. It leaves parts as they are.
func behind(parts [][]byte, n int) [][]byte {
	for len(parts) > 0 && n >= len(parts[0]) {
		n -= len(parts[0])
		parts = parts[1:]
	}
	if n > 0 {
		parts = append([][]byte{parts[0][n:]}, parts[1:]...)
	}
	return parts
}

func ignoringEINTR(call func() error) error {
	for {
		if err := call(); err != syscall.EINTR {
			return err
		}
	}
}

// copiesOnWrite names the file system if it is known to write changes beside the old
// blocks, by its magic number of statfs(2).
func copiesOnWrite(f *os.File) string {
	var s syscall.Statfs_t
	if err := ignoringEINTR(func() error { return syscall.Fstatfs(int(f.Fd()), &s) }); err != nil {
		return ""
	}
	return map[uint32]string{0x9123683e: "btrfs", 0x2fc12fc1: "zfs", 0xca451a4e: "bcachefs", 0xf2f52010: "f2fs", 0x3434: "nilfs"}[uint32(s.Type)]
}
