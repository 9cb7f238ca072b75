package main

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"syscall"
	"time"

	"github.com/veriproof/notary/host/archive"
	"github.com/veriproof/notary/sdk/bundle"
)

// A bundleFile is a bundle that was written under a name that is not its own yet. Until it
// is removed it is locked, so that no other process takes it for one that was left behind.
type bundleFile struct {
	file      *os.File
	temporary string
	sum       [sha256.Size]byte
	size      int64
	records   int
}

// newBundle writes a bundle into a directory. The caller places it, and removes what was
// not placed. One that discloses records is for its owner alone.
func (s *storage) newBundle(ctx context.Context, p *archive.Part, d disclosed, dir string) (f *bundleFile, err error) {
	out, err := lockedTemporary(dir)
	if err != nil {
		return nil, err
	}
	f = &bundleFile{file: out, temporary: out.Name(), records: d.count()}
	defer func() {
		if err != nil {
			f.remove()
		}
	}()
	mode := os.FileMode(0o644)
	if f.records > 0 {
		mode = 0o600
	}
	sum := sha256.New()
	buffered := bufio.NewWriterSize(io.MultiWriter(out, sum), 256<<10)
	err = s.writeBundle(ctx, p, d, buffered)
	for _, step := range []func() error{buffered.Flush, func() error { return out.Chmod(mode) }, out.Sync} {
		if err == nil { // what is full would be told by each
			err = step()
		}
	}
	if err == nil {
		f.size, err = out.Seek(0, io.SeekEnd)
	}
	sum.Sum(f.sum[:0])
	return f, err
}

func (f *bundleFile) remove() {
	os.Remove(f.temporary)
	f.file.Close() // it is synced, and the lock ends
}

// lockedTemporary makes a file for a bundle. Another process may have swept it away before
// it was locked; then it makes another one.
func lockedTemporary(dir string) (*os.File, error) {
	for {
		f, err := os.CreateTemp(dir, ".bundle-*")
		if err != nil {
			return nil, err
		}
		// Where the file system has no locks nothing is swept soon, either.
		if taken, _ := tryLock(f); !taken && isAt(f, f.Name()) {
			return f, nil
		}
		os.Remove(f.Name()) // who took it may have stopped
		f.Close()
	}
}

// isAt says whether a file stands at a name.
func isAt(f *os.File, name string) bool {
	at, err := os.Lstat(name)
	if err != nil {
		return false
	}
	is, err := f.Stat()
	return err == nil && os.SameFile(is, at)
}

var temporaryName = regexp.MustCompile(`^\.bundle-[0-9]+$`)

// leftFor is after how long a temporary file is taken for one that was left behind where
// the file system has no locks to tell.
const leftFor = 24 * time.Hour

// sweep removes what processes that were killed left of bundles in a directory: regular
// files with the name of a temporary one that nobody has locked.
func sweep(dir string) error {
	names, err := os.ReadDir(dir)
	if errors.Is(err, os.ErrPermission) {
		return nil // a directory to put things into, and not to look at
	}
	if err != nil {
		return err
	}
	for _, e := range names {
		if !e.Type().IsRegular() || !temporaryName.MatchString(e.Name()) {
			continue
		}
		name := filepath.Join(dir, e.Name())
		f, err := os.OpenFile(name, os.O_RDWR|syscall.O_NOFOLLOW|syscall.O_NONBLOCK, 0)
		if err != nil {
			continue // somebody else's, or gone
		}
		info, err := f.Stat()
		taken, locking := tryLock(f)
		if err == nil && info.Mode().IsRegular() && !taken && (locking == nil || time.Since(info.ModTime()) > leftFor) && isAt(f, name) {
			os.Remove(name) // what cannot be removed does no harm
		}
		f.Close()
	}
	return nil
}

// create gives the bundle its name, if no other file has it: the name is taken first, by
// a file that nobody else can have made, and then given to the bundle.
func (f *bundleFile) create(name string) error {
	taken, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if errors.Is(err, os.ErrExist) {
		return hinted(fmt.Errorf("%s exists", name), "choose another name; a bundle is never overwritten")
	}
	if err != nil {
		return err
	}
	return errors.Join(taken.Close(), os.Rename(f.temporary, name))
}

// place gives the bundle its name, unless a file with these bytes has it. One that
// discloses more is not replaced, nor is one that is no bundle.
func (f *bundleFile) place(name string) (state string, err error) {
	before, err := os.Open(name)
	if errors.Is(err, os.ErrNotExist) {
		return "written", os.Rename(f.temporary, name)
	}
	if err != nil {
		return "", err
	}
	defer before.Close()
	info, err := before.Stat()
	if err != nil {
		return "", err
	}
	sum := sha256.New()
	if _, err := io.Copy(sum, before); err != nil {
		return "", err
	}
	if bytes.Equal(sum.Sum(nil), f.sum[:]) {
		if f.records > 0 && info.Mode().Perm()&0o077 != 0 { // as earlier versions wrote it
			if err := before.Chmod(0o600); err != nil {
				return "", err
			}
		}
		return "unchanged", nil
	}
	records, err := bundle.Disclosed(before, info.Size())
	if err != nil {
		return "", fmt.Errorf("%s is something else: %w", name, err)
	}
	if records > f.records {
		return "", fmt.Errorf("%s discloses %d records, and the new bundle would disclose %d: take it away, or give -o another directory", name, records, f.records)
	}
	return "replaced", os.Rename(f.temporary, name)
}
