package commitlog

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"

	"github.com/transparency-dev/tessera/storage/posix"
)

const (
	lockFile = "log.lock"
	// treeDir holds what may be served to anyone: checkpoint and tiles. The key
	// stays outside it.
	treeDir  = "tree"
	stateDir = treeDir + "/.state"
)

// POSIX is the embedded log. It implements [Log].
//
// Its directory holds log.key (the note signer key, mode 0600), log.lock, and
// tree/, a C2SP tlog-tiles tree that any static file server can publish.
type POSIX struct {
	*tree
	dir  string
	lock *os.File
}

var _ Log = (*POSIX)(nil)

// OpenPOSIX opens the embedded log in dir, which it makes, with a new signing
// key, if there is none. The origin is the log's name, such as
// "example.org/notary-log"; it is the first line of every checkpoint and can
// never change. One Log at a time has a directory.
//
// A process that dies, at any moment, leaves a directory that opens again with
// every entry for which a proof was returned.
func OpenPOSIX(dir, origin string, o Options) (_ *POSIX, err error) {
	if err := checkOrigin(origin); err != nil {
		return nil, err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrDirectory, err)
	}
	l := &POSIX{dir: dir}
	if l.lock, err = lockDir(dir); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, l.lock.Close())
		}
	}()
	exists, err := l.exists()
	if err != nil {
		return nil, err
	}
	key, err := loadOrMakeKey(dir, origin, exists)
	if err != nil {
		return nil, err
	}
	if l.tree, err = newTree(key, o, l.writable); err != nil {
		return nil, err
	}
	// The log in the directory is checked before anything is appended or signed.
	if l.signer.last, err = lastPublished(Directory(filepath.Join(dir, treeDir)), dir, l.signed); err != nil {
		return nil, err
	}
	driver, err := posix.New(l.ctx, posix.Config{Path: filepath.Join(dir, treeDir), HTTPClient: l.http()})
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrDirectory, err)
	}
	if !exists {
		if err := l.create(driver, Directory(filepath.Join(dir, treeDir))); err != nil {
			return nil, err
		}
	}
	if err := l.start(driver, checkpointInterval); err != nil {
		return nil, err
	}
	return l, nil
}

// lockDir takes the directory for this Log. The lock is the kernel's: it goes
// with the process, however that ends.
func lockDir(dir string) (*os.File, error) {
	path := filepath.Join(dir, lockFile)
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("%w: %w: make it writable for the notary's user, or set another one", ErrDirectory, err)
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		f.Close()
		return nil, fmt.Errorf("%w: %s: stop the other notary, or set another directory (%w)", ErrInUse, dir, err)
	}
	return f, nil
}

// noLog refuses the directory of an embedded log to a log that is elsewhere.
func noLog(dir string) error {
	if _, err := os.Stat(filepath.Join(dir, treeDir)); !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("%w: %s is the directory of an embedded log: give this one its own", ErrDirectory, dir)
	}
	return nil
}

// exists says whether the directory has a log, and if so that it can be written.
func (l *POSIX) exists() (bool, error) {
	switch entries, err := os.ReadDir(filepath.Join(l.dir, treeDir)); {
	case errors.Is(err, os.ErrNotExist):
		return false, nil
	case err != nil:
		return false, fmt.Errorf("%w: %w", ErrDirectory, err)
	case len(entries) == 0:
		return false, nil
	}
	return true, l.writable()
}

// writable looks before Tessera leaps: Tessera panics, in a goroutine of its
// own, when it cannot open its lock file, so a disk that has turned read-only,
// a removed directory or a process out of file descriptors would take the
// notary down. What changes between here and there still would.
func (l *POSIX) writable() error {
	state := filepath.Join(l.dir, stateDir)
	d, err := os.Open(state)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrDirectory, err)
	}
	defer d.Close()
	const writeAndSearch = 2 | 1 // W_OK | X_OK of access(2)
	if err := syscall.Access(state, writeAndSearch); err != nil {
		return fmt.Errorf("%w: %w", ErrDirectory, &os.PathError{Op: "write", Path: state, Err: err})
	}
	return nil
}

// Close implements [Log]. Closing twice is harmless.
func (l *POSIX) Close() error {
	first, err := l.stop()
	if !first {
		return nil
	}
	return errors.Join(err, l.lock.Close())
}
