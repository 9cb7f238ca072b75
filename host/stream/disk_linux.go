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

// copiesOnWrite names the file system if it is known to write changes beside the old
// blocks, by its magic number of statfs(2).
func copiesOnWrite(f *os.File) string {
	var s syscall.Statfs_t
	if err := ignoringEINTR(func() error { return syscall.Fstatfs(int(f.Fd()), &s) }); err != nil {
		return ""
	}
	return map[uint32]string{0x9123683e: "btrfs", 0x2fc12fc1: "zfs", 0xca451a4e: "bcachefs", 0xf2f52010: "f2fs", 0x3434: "nilfs"}[uint32(s.Type)]
}
