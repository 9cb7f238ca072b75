package commitlog

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"filippo.io/torchwood"
	"github.com/transparency-dev/tessera"
	"github.com/transparency-dev/tessera/storage/posix"
)

// How the embedded log is driven. A Submit's proof is there after about the
// sum of the first three.
const (
	// batchAge is how long the first entry of a batch waits for others: long
	// enough for a burst of sessions that end together, short beside an fsync.
	batchAge = 50 * time.Millisecond
	// checkpointInterval is the least time between two checkpoints, each of
	// which costs a signature and two fsyncs.
	checkpointInterval = 200 * time.Millisecond
	// pollInterval is how often waiting Submits look for a new checkpoint.
	pollInterval = 50 * time.Millisecond
	// batchSize is the most entries in one batch: one tile's width.
	batchSize = 256
	// maxInFlight bounds the Submits under way; more wait for their turn.
	maxInFlight = 4096
	// dedupEntries is how many recent commitments are remembered, so that a
	// resubmission gets the first one's index. Some 100 bytes each.
	dedupEntries = 1 << 14
	// closeTimeout is how long Close waits for Submits under way when
	// checkpoints cannot be published, as on a full disk.
	closeTimeout = 10 * time.Second
)

const (
	lockFile = "log.lock"
	// treeDir holds what may be served to anyone: checkpoint and tiles. The key
	// stays outside it.
	treeDir  = "tree"
	stateDir = treeDir + "/.state"
)

// Options are what an embedded log may be given besides its directory and
// origin. The zero value is useful.
type Options struct {
	// Logger receives what the log and Tessera have to report; nil means
	// nowhere. Tessera's reports are per process: see the last log opened.
	Logger *slog.Logger
}

// POSIX is the embedded log. It implements [Log].
//
// Its directory holds log.key (the note signer key, mode 0600), log.lock, and
// tree/, a C2SP tlog-tiles tree that any static file server can publish.
type POSIX struct {
	dir    string
	key    *signingKey
	signer *monotonic
	policy torchwood.Policy
	lock   *os.File
	logger *slog.Logger

	// ctx ends when the log has stopped; everything in the background hangs on it.
	ctx      context.Context
	cancel   context.CancelFunc
	add      tessera.AddFn
	reader   tessera.LogReader
	shutdown func(context.Context) error

	waiters  waiters
	watching sync.WaitGroup
	slots    chan struct{}

	mu       sync.Mutex // guards closed, and inFlight.Add against inFlight.Wait
	closed   bool
	inFlight sync.WaitGroup
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
	if o.Logger == nil {
		o.Logger = nowhere
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrDirectory, err)
	}
	l := &POSIX{dir: dir, logger: o.Logger, slots: make(chan struct{}, maxInFlight)}
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
	if l.key, err = loadOrMakeKey(dir, origin, exists); err != nil {
		return nil, err
	}
	l.policy = policyOf(l.key.verifier)
	if err := l.guard(); err != nil {
		return nil, err
	}
	redirectKlog(o.Logger)
	if err := l.start(); err != nil {
		releaseKlog(o.Logger)
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

// guard checks the log in the directory before anything is appended or signed,
// and sets the signer to go on from there.
func (l *POSIX) guard() error {
	last, err := lastPublished(filepath.Join(l.dir, treeDir), l.policy)
	l.signer = &monotonic{Signer: l.key.Signer, last: last}
	return err
}

// start brings Tessera up over the directory.
func (l *POSIX) start() error {
	l.ctx, l.cancel = context.WithCancel(context.Background())
	driver, err := posix.New(l.ctx, posix.Config{
		Path:       filepath.Join(l.dir, treeDir),
		HTTPClient: &http.Client{Transport: noNetwork{}},
	})
	if err != nil {
		l.cancel()
		return fmt.Errorf("%w: %w", ErrDirectory, err)
	}
	opts := tessera.NewAppendOptions().
		WithCheckpointSigner(l.signer).
		WithBatching(batchSize, batchAge).
		WithCheckpointInterval(checkpointInterval).
		WithCheckpointRepublishInterval(0).
		WithAntispam(dedupEntries, nil).
		WithShutdownTimeout(closeTimeout)
	appender, shutdown, reader, err := tessera.NewAppender(l.ctx, driver, opts)
	if err != nil {
		l.cancel()
		return fmt.Errorf("%w: %w", ErrDirectory, err)
	}
	l.add, l.shutdown, l.reader = appender.Add, shutdown, reader
	size, err := reader.IntegratedSize(l.ctx)
	if err != nil {
		l.cancel()
		return fmt.Errorf("%w: %w", ErrDirectory, err)
	}
	if published := l.signer.published(); size < uint64(published) {
		l.cancel()
		return fmt.Errorf("%w: its checkpoint states %d entries, its tree has %d: restore the whole directory from one backup", ErrCorrupt, published, size)
	}
	l.watching.Add(1)
	go l.watch()
	return nil
}

// VerifierKey implements [Log].
func (l *POSIX) VerifierKey() string { return l.key.vkey }

// Submit implements [Log]. Submits that are under way together share batches
// and checkpoints. When ctx ends early, the entry goes in all the same, unless
// the log is closed or the process dies first.
func (l *POSIX) Submit(ctx context.Context, commitment [32]byte) (proof []byte, index uint64, err error) {
	select {
	case l.slots <- struct{}{}:
	case <-ctx.Done():
		return nil, 0, fmt.Errorf("waiting to submit to the log: %w", context.Cause(ctx))
	}
	if err := l.begin(); err != nil {
		<-l.slots
		return nil, 0, err
	}
	// Tessera's futures cannot be cancelled, so the wait for one is a goroutine
	// that outlives an impatient caller, and that Close waits for.
	type result struct {
		proof []byte
		index uint64
		err   error
	}
	done := make(chan result, 1)
	go func() {
		defer l.inFlight.Done()
		proof, index, err := l.append(commitment)
		<-l.slots
		done <- result{proof, index, err}
	}()
	select {
	case r := <-done:
		return r.proof, r.index, r.err
	case <-ctx.Done():
		return nil, 0, fmt.Errorf("waiting for the log: %w: outcome unknown, submit again", context.Cause(ctx))
	}
}

// begin counts one Submit in, unless the log is closed.
func (l *POSIX) begin() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return ErrClosed
	}
	l.inFlight.Add(1)
	return nil
}

// append adds one entry and waits for its proof.
func (l *POSIX) append(commitment [32]byte) ([]byte, uint64, error) {
	if err := l.writable(); err != nil {
		return nil, 0, err
	}
	index, err := l.index(l.add(l.ctx, tessera.NewEntry(commitment[:])))
	if err != nil {
		return nil, 0, fmt.Errorf("appending to the log: %w: outcome unknown, submit again", err)
	}
	checkpoint, err := l.await(index.Index)
	if err != nil {
		return nil, 0, fmt.Errorf("waiting for a checkpoint: %w: outcome unknown, submit again", err)
	}
	proof, err := l.prove(checkpoint, index.Index, commitment)
	if err != nil {
		return nil, 0, err
	}
	return proof, index.Index, nil
}

// index waits for the place of an entry. Tessera never resolves what is still
// queued when its context ends, so that wait is left to itself then.
func (l *POSIX) index(future tessera.IndexFuture) (tessera.Index, error) {
	type result struct {
		index tessera.Index
		err   error
	}
	done := make(chan result, 1)
	go func() {
		i, err := future()
		done <- result{i, err}
	}()
	select {
	case r := <-done:
		return r.index, r.err
	case <-l.ctx.Done():
		return tessera.Index{}, l.ctx.Err()
	}
}

// Close implements [Log]. New Submits fail with [ErrClosed]; those under way
// get their proofs, or fail after ten seconds if no checkpoint can be
// published. Closing twice is harmless.
func (l *POSIX) Close() error {
	l.mu.Lock()
	already := l.closed
	l.closed = true
	l.mu.Unlock()
	if already {
		return nil
	}
	// Tessera drops what is queued when its context ends, and leaves the futures
	// waiting; so first the Submits, then the appender, then the context.
	timer := time.AfterFunc(closeTimeout, l.cancel)
	l.inFlight.Wait()
	timer.Stop()
	err := l.shutdown(l.ctx)
	l.cancel()
	l.watching.Wait()
	releaseKlog(l.logger)
	if err != nil {
		err = fmt.Errorf("closing the log: the last checkpoint is not published; it will be when the log is opened again: %w", err)
	}
	return errors.Join(err, l.lock.Close())
}
