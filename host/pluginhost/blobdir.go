package pluginhost

import (
	"bufio"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/veriproof/notary/host/stream"
	"github.com/veriproof/notary/sdk/plugin/abi"
)

const (
	// tempPrefix marks files that are being written. It is outside the keys'
	// alphabet, so that no guest can name them.
	tempPrefix = "_tmp-"
	// tempAge is how old such a file has to be to count as left over by a
	// crash. A younger one may belong to another notary on the same directory.
	tempAge = 10 * time.Minute
	// settled is the age from which on a directory's modification time tells
	// that nothing has changed since: two changes in one tick of the kernel's
	// clock have the same time.
	settled = 2 * time.Second
)

// ErrTooBig means that what storage holds is larger than a guest may be given.
var ErrTooBig = errors.New("object is too big")

var errNotAFile = errors.New("object is not a regular file")

// A blobDir is the directory behind the blob capability: one file per object,
// no subdirectories. Several processes may use one directory; exclusive
// creation decides between them. It never follows a symbolic link and never
// leaves the directory.
type blobDir struct {
	root *os.Root
	self *os.File     // the directory
	sync func() error // makes the directory's entries durable; replaced in tests

	mu      sync.Mutex
	listing []string  // sorted keys
	listed  time.Time // modification time of the directory at listing; zero = none
}

// openBlobDir opens the directory, makes it if needed, and removes what
// interrupted writes left behind.
func openBlobDir(path string) (*blobDir, error) {
	if err := stream.MakeDir(path); err != nil {
		return nil, fmt.Errorf("blob directory: %w", err)
	}
	root, err := os.OpenRoot(path)
	if err != nil {
		return nil, fmt.Errorf("blob directory: %w", err)
	}
	self, err := root.Open(".")
	if err != nil {
		return nil, errors.Join(fmt.Errorf("blob directory: %w", err), root.Close())
	}
	d := &blobDir{root: root, self: self, sync: self.Sync}
	if err := d.clean(); err != nil {
		return nil, errors.Join(fmt.Errorf("blob directory: %w", err), d.close())
	}
	return d, nil
}

func (d *blobDir) close() error { return errors.Join(d.self.Close(), d.root.Close()) }

func (d *blobDir) clean() error {
	names, err := d.names()
	if err != nil {
		return err
	}
	for _, name := range names {
		if !strings.HasPrefix(name, tempPrefix) {
			continue
		}
		info, err := d.root.Lstat(name)
		if err != nil || time.Since(info.ModTime()) < tempAge {
			continue
		}
		if err := d.root.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

func (d *blobDir) names() ([]string, error) {
	f, err := d.root.Open(".")
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return f.Readdirnames(-1)
}

// put stores the parts as one object. It returns nil only when the object
// survives a crash. Exclusive creation is by link(2), which fails on an
// existing name and never shows a half-written object.
func (d *blobDir) put(key string, parts [][]byte, exclusive bool) error {
	if exclusive {
		// Spares the write in the common case of a lost race; link decides.
		if _, err := d.root.Lstat(key); err == nil {
			return d.exists()
		}
	}
	temp := tempPrefix + rand.Text()
	if err := d.write(temp, parts); err != nil {
		return errors.Join(err, d.root.Remove(temp))
	}
	if !exclusive {
		if err := d.root.Rename(temp, key); err != nil {
			return errors.Join(err, d.root.Remove(temp))
		}
		return d.sync()
	}
	err := d.root.Link(temp, key)
	if removed := d.root.Remove(temp); err != nil {
		if errors.Is(err, fs.ErrExist) {
			return d.exists()
		}
		return errors.Join(err, removed)
	}
	return d.sync()
}

// exists says that an object is there, and makes sure that it stays: whoever
// reads it back and finds his own bytes takes it for durable, and it may be there
// only because a sync of the directory failed after the link.
func (d *blobDir) exists() error {
	if err := d.sync(); err != nil {
		return err
	}
	return fs.ErrExist
}

func (d *blobDir) write(name string, parts [][]byte) (err error) {
	f, err := d.root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	w := bufio.NewWriterSize(f, 64<<10)
	for _, p := range parts {
		if _, err := w.Write(p); err != nil {
			return err
		}
	}
	if err := w.Flush(); err != nil {
		return err
	}
	return f.Sync()
}

func (d *blobDir) get(key string) ([]byte, error) {
	named, err := d.root.Lstat(key)
	if err != nil {
		return nil, err
	}
	if !named.Mode().IsRegular() {
		return nil, errNotAFile
	}
	f, err := d.root.OpenFile(key, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	switch {
	case err != nil:
		return nil, err
	case !info.Mode().IsRegular() || !os.SameFile(named, info) && !replaced(d.root, key, info):
		return nil, errNotAFile
	case info.Size() > abi.MaxBlob:
		return nil, ErrTooBig
	}
	b := make([]byte, info.Size())
	if _, err := io.ReadFull(f, b); err != nil {
		return nil, err
	}
	return b, nil
}

// replaced reports whether the open file is what the key names now: it was
// replaced between looking and opening, and is no target of a link.
func replaced(root *os.Root, key string, opened fs.FileInfo) bool {
	now, err := root.Lstat(key)
	return err == nil && os.SameFile(now, opened)
}

func (d *blobDir) delete(key string) error {
	if err := d.root.Remove(key); err != nil {
		return err
	}
	return d.sync()
}

// keys returns all keys, sorted. The slice is shared and not to be changed.
func (d *blobDir) keys() ([]string, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	info, err := d.self.Stat()
	if err != nil {
		return nil, err
	}
	if !d.listed.IsZero() && info.ModTime().Equal(d.listed) {
		return d.listing, nil
	}
	now := time.Now()
	names, err := d.names()
	if err != nil {
		return nil, err
	}
	names = slices.DeleteFunc(names, func(n string) bool { return !abi.ValidBlobKey([]byte(n)) })
	slices.Sort(names)
	d.listing, d.listed = names, time.Time{}
	if now.Sub(info.ModTime()) > settled {
		d.listed = info.ModTime()
	}
	return names, nil
}
