package stream

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"time"
)

// A disk is a directory with files, as far as streams need one. Tests have others,
// which fail, fill up, and forget what was not synced.
type disk interface {
	// open opens a file that exists; create makes one that must not exist.
	open(name string, write bool) (file, error)
	create(name string) (file, error)
	rename(from, to string) error
	remove(name string) error
	names() ([]string, error)
	// changed is false if names would tell what it last told.
	changed() (bool, error)
	// sync makes the directory's entries durable.
	sync() error
	// lock takes the directory for this process, until close.
	lock() error
	close() error
}

// A file is an open file of a disk.
type file interface {
	io.ReaderAt
	io.WriterAt
	// write is WriteAt of parts that follow one another. If it fails, any of them may
	// have been written.
	write(parts [][]byte, at int64) error
	size() (int64, error)
	truncate(size int64) error
	// reserve asks for space behind the end, without changing the size.
	reserve(from, n int64) error
	// sync makes the bytes durable, and what is needed to find them.
	sync() error
	// uncache lets go of memory that holds a range which was synced.
	uncache(from, n int64)
	close() error
}

// settled is the age from which on a directory's modification time tells that nothing
// has changed since: two changes in one tick of the kernel's clock have the same time.
const settled = 2 * time.Second

// lockName is outside the alphabet of keys, like every name here that is no segment.
const lockName = "_lock"

// osDisk is a directory of the operating system. It never follows a symbolic link and
// never leaves the directory.
type osDisk struct {
	root   *os.Root
	self   *os.File
	locked *os.File
	told   time.Time // modification time of the directory when names were told; zero = not to be relied on
	calls  calls
}

// calls says how system calls on files are made.
type calls struct {
	flooded  func() bool // see Options
	patience func() time.Duration
	local    bool // on a disk of this machine
}

func openOSDisk(path string, o Options) (*osDisk, error) {
	if err := MakeDir(path); err != nil {
		return nil, fmt.Errorf("stream directory: %w", err)
	}
	root, err := os.OpenRoot(path)
	if err != nil {
		return nil, fmt.Errorf("stream directory: %w", err)
	}
	self, err := root.Open(".")
	if err != nil {
		return nil, errors.Join(fmt.Errorf("stream directory: %w", err), root.Close())
	}
	c := calls{flooded: o.Flooded, patience: o.Patience, local: local(self)}
	if c.flooded == nil {
		c.flooded = func() bool { return false }
	}
	if c.patience == nil {
		c.patience = func() time.Duration { return 0 }
	}
	return &osDisk{root: root, self: self, calls: c}, nil
}

// MakeDir makes a directory and those above it that are not there, for its owner alone.
// They survive a power cut: what is durable in a directory is lost with the directory's
// own name.
func MakeDir(path string) error {
	return makeDir(path, func(dir string) error {
		f, err := os.Open(dir)
		if err != nil {
			return err
		}
		return errors.Join(f.Sync(), f.Close())
	})
}

func makeDir(path string, sync func(dir string) error) error {
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		return nil
	}
	above := filepath.Dir(filepath.Clean(path))
	if above != path {
		if err := makeDir(above, sync); err != nil {
			return err
		}
	}
	if err := os.Mkdir(path, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	if err := sync(above); err != nil {
		return errors.Join(err, os.Remove(path)) // so that the next try makes it again
	}
	return nil
}

// unannounced is the patience with a call of which the runtime does not hear, or 0 if it is to.
func (c calls) unannounced() time.Duration {
	if !c.local {
		return 0
	}
	return cmp.Or(c.patience(), time.Minute)
}

func (d *osDisk) close() error {
	var locked error
	if d.locked != nil {
		locked = d.locked.Close()
	}
	return errors.Join(locked, d.self.Close(), d.root.Close())
}

func (d *osDisk) open(name string, write bool) (file, error) {
	named, err := d.root.Lstat(name)
	if err != nil {
		return nil, err
	}
	flags := os.O_RDONLY
	if write {
		flags = os.O_RDWR
	}
	// O_NONBLOCK: a pipe in place of a file must not keep us here.
	f, err := d.root.OpenFile(name, flags|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	if err == nil && (!info.Mode().IsRegular() || !os.SameFile(named, info)) {
		err = fmt.Errorf("%w: %s is not a regular file", ErrDamaged, name)
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return osFile{f, d.calls}, nil
}

func (d *osDisk) create(name string) (file, error) {
	f, err := d.root.OpenFile(name, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return nil, err
	}
	return osFile{f, d.calls}, nil
}

func (d *osDisk) rename(from, to string) error { return d.root.Rename(from, to) }
func (d *osDisk) remove(name string) error     { return d.root.Remove(name) }
func (d *osDisk) sync() error                  { return d.self.Sync() }

func (d *osDisk) lock() error {
	if d.locked != nil {
		return nil
	}
	f, err := d.root.OpenFile(lockName, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		if errors.Is(err, syscall.EWOULDBLOCK) {
			err = ErrInUse
		}
		return errors.Join(err, f.Close())
	}
	d.locked = f
	return nil
}

func (d *osDisk) changed() (bool, error) {
	info, err := d.self.Stat()
	return err != nil || d.told.IsZero() || !info.ModTime().Equal(d.told), err
}

func (d *osDisk) names() ([]string, error) {
	info, err := d.self.Stat()
	if err != nil {
		return nil, err
	}
	now := time.Now()
	f, err := d.root.Open(".")
	if err != nil {
		return nil, err
	}
	defer f.Close()
	names, err := f.Readdirnames(-1)
	if d.told = (time.Time{}); err == nil && now.Sub(info.ModTime()) > settled {
		d.told = info.ModTime()
	}
	return names, err
}

type osFile struct {
	f     *os.File
	calls calls
}

func (f osFile) ReadAt(b []byte, at int64) (int, error)  { return f.f.ReadAt(b, at) }
func (f osFile) WriteAt(b []byte, at int64) (int, error) { return f.f.WriteAt(b, at) }
func (f osFile) truncate(size int64) error               { return f.f.Truncate(size) }
func (f osFile) reserve(from, n int64) error             { return reserve(f.f, from, n) }
func (f osFile) sync() error                             { return datasync(f.f, f.calls.flooded()) }
func (f osFile) uncache(from, n int64)                   { uncache(f.f, from, n, f.calls.unannounced()) }
func (f osFile) close() error                            { return f.f.Close() }

func (f osFile) write(parts [][]byte, at int64) error {
	return writeParts(f.f, parts, at, f.calls.unannounced())
}

func (f osFile) size() (int64, error) {
	info, err := f.f.Stat()
	if err != nil {
		return 0, err
	}
	return info.Size(), nil
}
