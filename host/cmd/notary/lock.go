package main

import (
	"errors"
	"fmt"
	"os"
	"syscall"
)

// lockDir makes a directory this process's own until the file is closed or the
// process ends. Two notaries on one storage directory would fence each other in
// turn; reading commands take no lock.
func lockDir(dir string) (*os.File, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, hinted(err, "storage.dir names the directory; it must be writable")
	}
	f, err := os.Open(dir)
	if err != nil {
		return nil, hinted(err, "storage.dir names the directory; it must be writable")
	}
	taken, err := tryLock(f)
	if taken {
		f.Close()
		return nil, hinted(fmt.Errorf("storage.dir %s is in use by another notary", dir), "stop that one, or give this one a directory of its own")
	}
	if err != nil {
		f.Close()
		return nil, fmt.Errorf("lock %s: %w", dir, err)
	}
	return f, nil
}

// tryLock locks a file or directory until it is closed, unless another process has: then
// it is taken.
func tryLock(f *os.File) (taken bool, err error) {
	err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return true, nil
	}
	return false, err
}
