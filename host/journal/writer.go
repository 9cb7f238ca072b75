package journal

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"time"

	"github.com/veriproof/notary/host/internal/hands"
	format "github.com/veriproof/notary/sdk/journal"
	"github.com/veriproof/notary/sdk/receipt"
)

// Defaults of a Writer.
const (
	// DefaultGroupBytes bounds what one group commit carries: 4 MiB, at which a
	// durable write is limited by bandwidth and no longer by latency.
	DefaultGroupBytes = 4 << 20
	// MaxGroupBytes bounds GroupBytes, so that a group of encoded entries is
	// never more than a storage adapter takes as one object (64 MiB).
	MaxGroupBytes = format.MaxBody
	// maxGroupEntries bounds a group's entries: an adapter needs up to three
	// payload handles for each, of which it has 2^16.
	maxGroupEntries = 1 << 14
	// MaxInFlight bounds the groups of an epoch that are under way to storage at once.
	// Readers rely on it: behind the first gap in a journal no more groups can be there
	// than were under way when its notary died.
	MaxInFlight = 3
	// worthwhile is how many bytes go out as a group of their own while another is
	// under way. Fewer would make more writes, and not end sooner.
	worthwhile = 256 << 10
	// DefaultUnknownLimit is how long a write of unknown outcome is retried
	// before the epoch ends: long enough for a database fail-over.
	DefaultUnknownLimit = 30 * time.Second
	// DefaultQueueBytes bounds the bodies that wait for a commit; beyond it
	// Append refuses, so that slow storage shows as back pressure and not as
	// memory.
	DefaultQueueBytes = 256 << 20
)

// Errors of a Writer.
var (
	// ErrFenced: another notary has ended this epoch. It must stop.
	ErrFenced = errors.New("journal: epoch was fenced by another notary")
	// ErrEnded: the epoch takes no more entries. What was not acknowledged has
	// an unknown outcome.
	ErrEnded = errors.New("journal: epoch has ended")
	// ErrBusy: too much waits for storage. Nothing was written.
	ErrBusy = errors.New("journal: storage does not keep up")
	// ErrTooLarge: a body is over the limit of one entry, and always will be.
	// Nothing was written.
	ErrTooLarge = errors.New("journal: body is too large for an entry")
)

// Options of a Writer; zero fields have the defaults above.
type Options struct {
	GroupBytes   int
	QueueBytes   int
	UnknownLimit time.Duration
	// InFlight is how many groups may be under way to storage at once. Zero means as
	// many as the store takes (see [InFlight]); more than [MaxInFlight] there never are.
	InFlight int
	// Backoff returns the pause before retry n (from 1); nil is exponential
	// from 10 ms to 1 s.
	Backoff func(n int) time.Duration
}

func (o *Options) setDefaults() {
	if o.GroupBytes == 0 {
		o.GroupBytes = DefaultGroupBytes
	}
	o.GroupBytes = min(o.GroupBytes, MaxGroupBytes)
	if o.QueueBytes == 0 {
		o.QueueBytes = DefaultQueueBytes
	}
	if o.UnknownLimit == 0 {
		o.UnknownLimit = DefaultUnknownLimit
	}
	if o.Backoff == nil {
		o.Backoff = func(n int) time.Duration { return min(10*time.Millisecond<<min(n, 7), time.Second) }
	}
}

// A Writer is the one committer of an epoch: it gives out the seqs, extends the
// chain, signs once per group and makes groups durable.
//
// Natural batching: while writes are in flight, what is appended gathers, and
// goes out as the next group as soon as the oldest write returns. An idle Writer
// writes at once, but for what is only queued (see Queue). Where storage takes several
// groups at a time, what has gathered goes out earlier, once it is worth a write of its own.
//
// The write rule (DESIGN section 5): a group, once it has its seqs, is only
// ever retried byte for byte. On a conflict the Writer reads back: its own
// bytes there are success, others mean that it was fenced. A write that is
// still unknown after UnknownLimit ends the epoch. Nothing is acknowledged out
// of order: a group that is durable before its predecessor waits for it, and if
// that fails nobody is told of either.
//
// A Writer is safe for concurrent use.
type Writer struct {
	store Store
	epoch receipt.Epoch
	key   ed25519.PrivateKey
	opts  Options

	backlog backlog

	mu      sync.Mutex
	queue   []*Pending
	queued  int  // bytes of bodies in queue
	due     bool // what is queued is to go out
	ended   error
	closing bool
	head    format.Position // last durable
	wake    chan struct{}   // holds a token when something has become due
	done    chan struct{}   // closed when the committer has stopped
	stop    context.CancelFunc
	hands   *hands.Hands // for writes, which go deep

	// Owned by the committer.
	next  uint64
	chain receipt.Hash
}

// NewWriter starts the journal of a new epoch at seq 0. The Writer stops when
// Close is called, when it is fenced, or when storage fails for too long.
func NewWriter(store Store, epoch receipt.Epoch, key ed25519.PrivateKey, opts Options) *Writer {
	opts.setDefaults()
	if opts.InFlight == 0 {
		opts.InFlight = InFlight(store)
	}
	opts.InFlight = min(opts.InFlight, MaxInFlight)
	ctx, stop := context.WithCancel(context.Background())
	w := &Writer{
		store: store, epoch: epoch, key: key, opts: opts,
		wake: make(chan struct{}, 1), done: make(chan struct{}), stop: stop, hands: hands.New(2 * MaxInFlight),
	}
	go w.commitLoop(ctx)
	return w
}

// A Pending is an append under way. Its result is set when Done is closed.
type Pending struct {
	drafts []Draft
	keys   []WrappedKey
	size   int // of the encoded entries, at most
	count  int // of drafts

	backlog *backlog
	done    chan struct{}
	pos     format.Position
	seq     uint64 // of the first draft
	err     error
}

// Done is closed when the append is durable or has failed.
func (p *Pending) Done() <-chan struct{} { return p.done }

// Wait waits for the outcome and returns the signed position at or behind the
// last draft. If ctx ends first the outcome is unknown, not failed.
func (p *Pending) Wait(ctx context.Context) (format.Position, error) {
	select {
	case <-p.done:
		return p.pos, p.err
	case <-ctx.Done():
		return format.Position{}, ctx.Err()
	}
}

// Seqs returns the seqs of the first and the last draft. It may only be called
// after Done is closed without an error.
func (p *Pending) Seqs() (first, last uint64) {
	return p.seq, p.seq + uint64(p.count) - 1
}

// settle sets the outcome. Whoever keeps the Pending, to know where its entries
// stand, does not keep their bodies.
func (p *Pending) settle(pos format.Position, err error) {
	p.pos, p.err = pos, err
	p.drafts, p.keys = nil, nil
	p.backlog.settled()
	close(p.done)
}

// Append queues drafts, which become consecutive entries of one group, and
// wrapped keys, which become durable no later than they. It does not wait:
// entries stand in the journal in the order of the calls. The bodies must not
// be changed afterwards.
func (w *Writer) Append(drafts []Draft, keys []WrappedKey) (*Pending, error) {
	// Also when there is no room: what fills it may have been queued by who waits for this
	// caller before he calls Wake.
	defer w.Wake()
	return w.Queue(drafts, keys)
}

// Queue is Append for who has more to append at once, and calls Wake then: the drafts are
// left until all can go out as one group, unless others are written before, or they are
// worth a write of their own.
func (w *Writer) Queue(drafts []Draft, keys []WrappedKey) (*Pending, error) {
	p := &Pending{drafts: drafts, keys: keys, count: len(drafts), backlog: &w.backlog, done: make(chan struct{})}
	for i := range drafts {
		p.size += format.Overhead + len(drafts[i].body())
	}
	if len(drafts) == 0 || len(drafts) > maxGroupEntries || p.size > format.MaxBody+format.Overhead {
		return nil, fmt.Errorf("%w: %d entries of %d bytes, at most %d", ErrTooLarge, len(drafts), p.size, format.MaxBody)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	switch {
	case w.ended != nil:
		return nil, w.ended
	case w.closing:
		return nil, fmt.Errorf("%w: closing", ErrEnded)
	case w.queued > 0 && w.queued+p.size > w.opts.QueueBytes:
		return nil, fmt.Errorf("%w: %d bytes wait", ErrBusy, w.queued)
	}
	w.queue = append(w.queue, p)
	w.queued += p.size
	w.backlog.add(p.size)
	if w.worthwhile() {
		w.wakeLocked()
	}
	return p, nil
}

// Wake makes what is queued due: an idle Writer writes it at once, another one as soon as it
// can.
func (w *Writer) Wake() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.queue) > 0 {
		w.wakeLocked()
	}
}

func (w *Writer) wakeLocked() {
	w.due = len(w.queue) > 0
	select {
	case w.wake <- struct{}{}:
	default:
	}
}

// Err returns why the epoch has ended, or nil.
func (w *Writer) Err() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.ended
}

// Ended is closed when the committer has stopped: after Close, a fence or a
// lasting failure.
func (w *Writer) Ended() <-chan struct{} { return w.done }

// Close takes no more appends, commits what is queued and stops the committer.
// If ctx ends first, the rest is given up with an unknown outcome.
func (w *Writer) Close(ctx context.Context) error {
	w.mu.Lock()
	w.closing = true
	w.wakeLocked()
	w.mu.Unlock()
	select {
	case <-w.done:
	case <-ctx.Done():
		w.stop()
		<-w.done
	}
	w.stop()
	if err := w.Err(); !errors.Is(err, errClosed) {
		return err
	}
	return nil
}

var errClosed = fmt.Errorf("%w: closed", ErrEnded)

// A flight is a group on its way to storage.
type flight struct {
	batch []*Pending
	last  format.Position
	done  chan error // gets the outcome of Write
}

func (w *Writer) commitLoop(ctx context.Context) {
	defer close(w.done)
	defer w.hands.Rest()
	ctx, cancel := context.WithCancel(ctx)
	var flights []*flight // in the order of their seqs
	end := func(err error) {
		cancel()
		var batch []*Pending
		for i, f := range flights {
			if i > 0 { // the first has told its outcome
				<-f.done
			}
			batch = append(batch, f.batch...)
		}
		w.end(err, batch)
	}
	for {
		if len(flights) == 0 {
			// Who works meanwhile may have more for the group: a write costs as much as a
			// tenth of a millisecond of work, whatever its size. Alone nobody waits for this.
			runtime.Gosched()
		}
		for len(flights) < w.opts.InFlight {
			batch := w.take(len(flights) > 0)
			if len(batch) == 0 {
				break
			}
			flights = append(flights, w.launch(ctx, batch))
		}
		if len(flights) == 0 {
			if w.finished() {
				end(errClosed)
				return
			}
			select {
			case <-w.wake:
			case <-ctx.Done():
				end(fmt.Errorf("%w: stopped", ErrEnded))
				return
			}
			continue
		}
		wake := w.wake
		if len(flights) == w.opts.InFlight {
			wake = nil
		}
		select {
		case <-wake:
		case err := <-flights[0].done:
			if err != nil {
				end(err)
				return
			}
			w.acknowledge(flights[0])
			flights = flights[1:]
		}
	}
}

// launch gives the batch its seqs and sends it on its way.
func (w *Writer) launch(ctx context.Context, batch []*Pending) *flight {
	group, last := w.assign(batch)
	f := &flight{batch: batch, last: last, done: make(chan error, 1)}
	w.hands.Go(func() { f.done <- write(ctx, w.store, group, w.opts, w.hands.Go) })
	return f
}

func (w *Writer) acknowledge(f *flight) {
	w.mu.Lock()
	w.head = f.last
	w.mu.Unlock()
	for _, p := range f.batch {
		drafts := p.drafts
		p.settle(f.last, nil)
		for i := range drafts {
			if drafts[i].Framed {
				rooms.put(drafts[i].Body)
			}
		}
	}
}

// worthwhile reports whether what is queued is worth a write of its own.
func (w *Writer) worthwhile() bool { return w.queued >= min(worthwhile, w.opts.GroupBytes) }

// take removes the next group's appends from the queue, if they are due: at least one, and no
// more than fit into GroupBytes and maxGroupEntries. While another group is under
// way it takes none unless they are worth a write of their own.
func (w *Writer) take(busy bool) []*Pending {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.due || busy && !w.worthwhile() {
		return nil
	}
	n, size, entries := 0, 0, 0
	for n < len(w.queue) && (n == 0 || size+w.queue[n].size <= w.opts.GroupBytes && entries+w.queue[n].count <= maxGroupEntries) {
		size, entries = size+w.queue[n].size, entries+w.queue[n].count
		n++
	}
	batch := w.queue[:n:n]
	w.queue = w.queue[n:]
	w.queued -= size
	w.due = len(w.queue) > 0
	return batch
}

func (w *Writer) finished() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.closing && len(w.queue) == 0
}

// assign gives the batch its seqs. From here on its bytes are fixed.
func (w *Writer) assign(batch []*Pending) (Group, format.Position) {
	count := 0
	for _, p := range batch {
		count += p.count
	}
	g := Group{Epoch: w.epoch, FirstSeq: w.next, Entries: make([]Sealed, 0, count), Heads: make([]EntryHead, 0, count)}
	hashes := hashBodies(batch, count)
	var e format.Entry
	for _, p := range batch {
		p.seq = w.next
		g.Keys = append(g.Keys, p.keys...)
		for i := range p.drafts {
			d := &p.drafts[i]
			e.Header = format.Header{
				Epoch: w.epoch, Seq: w.next, Kind: d.Kind,
				Handle: d.Handle, Part: d.Part, Segment: d.Segment, Body: hashes[len(g.Entries)],
			}
			e.Chain = e.Header.Chain(w.chain)
			w.next, w.chain = w.next+1, e.Chain
			if len(g.Entries)+1 == count { // one signature vouches for the group
				e.Signature = format.SignPosition(w.key, w.epoch, e.Seq, e.Chain)
			}
			g.Entries = append(g.Entries, d.encode(&e))
			g.Heads = append(g.Heads, EntryHead{Kind: uint8(d.Kind), Handle: d.Handle, Part: d.Part})
		}
	}
	return g, format.Position{Epoch: w.epoch, Seq: e.Seq, Chain: e.Chain, Signature: e.Signature}
}

// hashBodies hashes what is to be written together: two bodies are hashed in the time of
// one, and a lone export has nearly always several.
func hashBodies(batch []*Pending, count int) []receipt.Hash {
	bodies, hashes := make([][]byte, 0, count), make([]receipt.Hash, count)
	for _, p := range batch {
		for i := range p.drafts {
			bodies = append(bodies, p.drafts[i].body())
		}
	}
	format.HashBodies(bodies, hashes)
	return hashes
}

// end fails everything that was not acknowledged.
func (w *Writer) end(err error, batch []*Pending) {
	w.mu.Lock()
	w.ended = err
	batch = append(batch, w.queue...)
	w.queue, w.queued = nil, 0
	w.mu.Unlock()
	for _, p := range batch {
		p.settle(format.Position{}, err)
	}
}

// Head returns the last durable position, or false before the first.
func (w *Writer) Head() (format.Position, bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.head, w.head.Signature != nil
}
