package commitlog

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"filippo.io/torchwood"
	"github.com/transparency-dev/tessera"
)

// How a log of our own is driven. A Submit's proof is there after about the sum of
// the first three.
const (
	// batchAge is how long the first entry of a batch waits for others: long
	// enough for a burst of sessions that end together, short beside an fsync.
	batchAge = 50 * time.Millisecond
	// checkpointInterval is the least time between two checkpoints, each of
	// which costs a signature and two fsyncs.
	checkpointInterval = 200 * time.Millisecond
	// remoteInterval is the same where a checkpoint costs round trips to others:
	// witnesses, a database.
	remoteInterval = time.Second
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
	// createTimeout is how long a new log may take to publish its first checkpoint.
	createTimeout = 30 * time.Second
)

// Options are what a log may be given besides its place and its origin. The zero
// value is useful.
type Options struct {
	// Witnesses cosign each checkpoint before it counts. None by default.
	Witnesses Witnesses
	// Logger receives what the log and Tessera have to report; nil means
	// nowhere. Tessera's reports are per process: see the last log opened.
	Logger *slog.Logger
}

// A tree is a log that Tessera integrates for us, whatever holds its tiles. It is
// what [POSIX] and [MySQL] have in common.
type tree struct {
	key    *signingKey
	signer *monotonic
	// signed accepts what the log has signed, counts what its witnesses have
	// cosigned as well: a checkpoint of before there were witnesses is one of ours,
	// and no proof is made of it.
	signed, counts torchwood.Policy
	witnesses      *witnessClient
	logger         *slog.Logger
	// usable looks, before something is appended, for what would make Tessera
	// panic; never nil.
	usable func() error

	// ctx ends when the log has stopped; everything in the background hangs on it.
	ctx      context.Context
	cancel   context.CancelFunc
	add      tessera.AddFn
	reader   tessera.LogReader
	shutdown func(context.Context) error

	entries  relay[*waiter]  // to be added
	placing  relay[entering] // to get their index
	waiters  waiters
	watching sync.WaitGroup
	slots    chan struct{}

	mu       sync.Mutex // guards closed, and inFlight.Add against inFlight.Wait
	closed   bool
	inFlight sync.WaitGroup
}

// newTree makes a tree that has not started. Its signer has signed nothing yet.
func newTree(key *signingKey, o Options, usable func() error) (*tree, error) {
	counts, err := o.Witnesses.policy(key.verifier, key.vkey)
	if err != nil {
		return nil, err
	}
	t := &tree{
		key: key, signer: &monotonic{Signer: key.Signer}, signed: policyOf(key.verifier), counts: counts,
		logger: o.Logger, usable: usable, slots: make(chan struct{}, maxInFlight),
	}
	if t.logger == nil {
		t.logger = nowhere
	}
	t.witnesses, err = newWitnessClient(o.Witnesses)
	t.ctx, t.cancel = context.WithCancel(context.Background())
	return t, err
}

// http is the client for witnesses. Without any, a request would be a mistake.
func (t *tree) http() *http.Client {
	if t.witnesses == nil {
		return &http.Client{Transport: noNetwork{}}
	}
	return t.witnesses.client
}

// create makes a new log of no entries, and returns when its checkpoint can be read: drivers
// for clouds publish it a while after they opened, and only as one that is due again, and who read
// it before then, as each start of a notary does, would find none. Witnesses that cannot be reached just then are no reason not to
// begin, and nothing is proved by the tree of no entries.
func (t *tree) create(driver tessera.Driver, files Files) error {
	ctx, cancel := context.WithCancel(t.ctx)
	defer cancel()
	redirectKlog(t.logger)
	signer := &beginning{t.signer, func() ([]byte, error) { return files.ReadCheckpoint(ctx) }, t.signed}
	opts := tessera.NewAppendOptions().WithCheckpointSigner(signer).WithCheckpointInterval(time.Hour).WithCheckpointRepublishInterval(time.Hour)
	if _, _, _, err := tessera.NewAppender(ctx, driver, opts); err != nil {
		return fmt.Errorf("%w: %w", ErrDirectory, err)
	}
	visible, cancel := context.WithTimeoutCause(ctx, createTimeout, errors.New("the driver has not published the checkpoint of no entries"))
	defer cancel()
	for {
		_, err := files.ReadCheckpoint(visible)
		if err == nil {
			return nil
		}
		if !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("%w: %w", ErrDirectory, err)
		}
		select {
		case <-time.After(pollInterval):
		case <-visible.Done():
			return fmt.Errorf("%w: %w", ErrDirectory, context.Cause(visible))
		}
	}
}

// start brings Tessera up over a driver. The signer has been set to go on from the
// last checkpoint there. On an error nothing is left running.
func (t *tree) start(driver tessera.Driver, interval time.Duration) (err error) {
	redirectKlog(t.logger)
	defer func() {
		if err != nil {
			t.cancel()
			releaseKlog(t.logger)
		}
	}()
	opts := tessera.NewAppendOptions().
		WithCheckpointSigner(t.signer).
		WithBatching(batchSize, batchAge).
		WithCheckpointRepublishInterval(0).
		WithAntispam(dedupEntries, nil).
		WithShutdownTimeout(closeTimeout)
	if t.witnesses != nil {
		interval = max(interval, remoteInterval)
		opts.WithWitnesses(t.witnesses.group, &tessera.WitnessOptions{Timeout: witnessTimeout})
	}
	opts.WithCheckpointInterval(interval)
	appender, shutdown, reader, err := tessera.NewAppender(t.ctx, driver, opts)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrDirectory, err)
	}
	t.add, t.shutdown, t.reader = appender.Add, shutdown, reader
	size, err := reader.IntegratedSize(t.ctx)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrDirectory, err)
	}
	if published := t.signer.published(); size < uint64(published) {
		return fmt.Errorf("%w: its checkpoint states %d entries, its tree has %d: restore the whole log from one backup", ErrCorrupt, published, size)
	}
	t.watching.Add(1)
	go t.watch()
	return nil
}

// Files returns the log's files, while it is open.
func (t *tree) Files() Files { return t.reader }

// VerifierKey implements [Log].
func (t *tree) VerifierKey() string { return t.key.vkey }

// Failures implements [Log].
func (t *tree) Failures() uint64 {
	if t.witnesses == nil {
		return 0
	}
	return t.witnesses.failures.Load()
}

// Submit implements [Log]. Submits that are under way together share batches
// and checkpoints. When ctx ends early, the entry goes in all the same, unless
// the log is closed or the process dies first.
func (t *tree) Submit(ctx context.Context, commitment [32]byte) (proof []byte, index uint64, err error) {
	select {
	case t.slots <- struct{}{}:
	case <-ctx.Done():
		return nil, 0, fmt.Errorf("waiting to submit to the log: %w", context.Cause(ctx))
	}
	if err := t.begin(); err != nil {
		<-t.slots
		return nil, 0, err
	}
	w, add := t.join(commitment)
	if add {
		t.entries.add(w, t.enter)
	}
	select {
	case o := <-w.done:
		return o.proof, o.index, o.err
	case <-ctx.Done():
		return nil, 0, fmt.Errorf("waiting for the log: %w: outcome unknown, submit again", context.Cause(ctx))
	}
}

// begin counts one Submit in, unless the log is closed.
func (t *tree) begin() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.closed {
		return ErrClosed
	}
	t.inFlight.Add(1)
	return nil
}

// An entry on its way into the log, and what tells its index.
type entering struct {
	*waiter
	indexed tessera.IndexFuture
}

// enter adds entries; await places them when they have their indexes, and release gives them
// their proofs. One goroutine does either for all: Tessera resolves futures in the order in which
// they were made. They cannot be cancelled, and are never resolved for what is still queued when
// Tessera's context ends: await outlives callers who are impatient, and then even the log.
func (t *tree) enter(list []*waiter) {
	for _, w := range list {
		if err := t.usable(); err != nil {
			t.settle(w, outcome{err: err})
			continue
		}
		t.placing.add(entering{w, t.add(t.ctx, tessera.NewEntry(w.commitment[:]))}, t.await)
	}
}

func (t *tree) await(list []entering) {
	for _, e := range list {
		i, err := e.indexed()
		if err != nil {
			t.settle(e.waiter, outcome{err: fmt.Errorf("appending to the log: %w: outcome unknown, submit again", err)})
			continue
		}
		t.place(e.waiter, i.Index)
	}
}

// stop ends the log: new Submits fail with [ErrClosed]; those under way get their
// proofs, or fail after ten seconds if no checkpoint can be published. It reports
// whether this was the first time.
func (t *tree) stop() (first bool, err error) {
	t.mu.Lock()
	first = !t.closed
	t.closed = true
	t.mu.Unlock()
	if !first {
		return false, nil
	}
	// Tessera drops what is queued when its context ends, and leaves the futures
	// waiting; so first the Submits, then the appender, then the context.
	timer := time.AfterFunc(closeTimeout, t.cancel)
	t.inFlight.Wait()
	timer.Stop()
	err = t.shutdown(t.ctx)
	t.cancel()
	t.watching.Wait()
	releaseKlog(t.logger)
	if err != nil {
		err = fmt.Errorf("closing the log: the last checkpoint is not published; it will be when the log is opened again: %w", err)
	}
	return true, err
}
