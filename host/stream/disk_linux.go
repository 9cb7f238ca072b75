package stream

import (
	"os"
	"syscall"
)

const fallocKeepSize = 1

// reserve asks the file system for space behind the end. Whoever has no such call, or
// no such space, is found out by the write.
func reserve(f *os.File, from, n int64) error {
	return ignoringEINTR(func() error { return syscall.Fallocate(int(f.Fd()), fallocKeepSize, from, n) })
}

// datasync is fdatasync(2): the bytes and the size, and no times.
func datasync(f *os.File) error {
	err := ignoringEINTR(func() error { return syscall.Fdatasync(int(f.Fd())) })
	if err != nil {
		return &os.PathError{Op: "fdatasync", Path: f.Name(), Err: err}
	}
	return nil
}

func ignoringEINTR(call func() error) error {
	for {
		if err := call(); err != syscall.EINTR {
			return err
		}
	}
}
