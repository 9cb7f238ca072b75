// Package session takes an export through the notary: walk, redact, hash, seal,
// journal, acknowledge; and, when a session ends, from its records to a
// receipt and a log proof.
//
// # Guarantees
//
//   - Export returns without an error only when every record of the request is
//     durable, redacted by every configured redactor, and under a signed
//     position of the journal. Without a redactor the manifest says mode none.
//   - A failure before the journal stores nothing of the request. A failure in
//     the journal means that the outcome is unknown; the sender retries, and
//     duplicates are dropped while the session part is open.
//   - Every open part is sealed: by its sender's end mark, by idle time, age or
//     size, by an orderly Close, or, after a crash, by the next notary that
//     starts on the same storage, or by one that shares it.
//   - Plaintext is Export's alone: nothing refers to it when that returns.
//
// # Locks
//
// Notary.mu guards the maps and is never held while waiting. part.mu guards one
// part; segments are sealed and appended under it, so that the order of leaves
// is the order in the journal. Who holds Notary.mu only tries part.mu; who holds
// the lock of a part may take that of a part before it, and no other.
package session

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/veriproof/notary/attestation/runtimedata"
	"github.com/veriproof/notary/host/archive"
	"github.com/veriproof/notary/host/journal"
	format "github.com/veriproof/notary/sdk/journal"
	"github.com/veriproof/notary/sdk/receipt"
)

// Defaults of Options.
const (
	DefaultIdle       = 15 * time.Minute // a session with nothing new for so long has ended
	DefaultMaxAge     = 24 * time.Hour   // a part is sealed at this age
	DefaultMaxBytes   = 64 << 20         // a part is sealed at this many bytes of records
	DefaultWrapKeyAge = 10 * time.Minute // a used wrap key is replaced after so long
	DefaultCheckpoint = 30 * time.Second // the chain goes to the log this often, if it grew
	DefaultMemory     = 256 << 20        // for open parts, which take 3 KiB each

	// resendTime is how long records of a sealed part are known as such: an
	// exporter gives up on a request before that.
	resendTime = 5 * time.Minute
	// maxRecent bounds the sealed parts of a session that are kept for that: one that
	// goes on and on must not keep them all.
	maxRecent = 8
)

// Errors that say why a request was not taken. Each is retryable.
var (
	// ErrClosing: the notary is being stopped.
	ErrClosing = errors.New("notary is shutting down")
	// ErrStale: the notary cannot prove at present what it is.
	ErrStale = errors.New("notary has no fresh attestation")
)

// ErrNotFound says that there is no such session in this epoch.
var ErrNotFound = errors.New("no such session")

// A Notary is one epoch at work. It is safe for concurrent use.
type Notary struct {
	opts   Options
	epoch  receipt.Epoch
	writer *journal.Writer
	dedup  fingerprints
	stats  stats

	// background is canceled when Close gives up waiting; tasks counts what
	// runs under it.
	background context.Context
	cancel     context.CancelFunc
	tasks      sync.WaitGroup
	proving    chan struct{}  // bounds the log submissions in flight
	sealers    lane[*sealing] // make receipts
	provers    lane[*proving] // wait for the log
	proofs     lane[*proving] // write what it said
	room       ledger
	givingWay  sync.Mutex  // taken by who makes room; n.mu is taken under it
	makingRoom atomic.Bool // somebody does it whom nobody waits for

	mu       sync.Mutex
	closing  bool
	exports  sync.WaitGroup
	open     map[receipt.Handle]*part
	nextPart map[receipt.Handle]uint32
	index    map[receipt.Handle][]*sealed
	recent   map[receipt.Handle][]recent
	leaving  int64 // of room, that is given back soon
	unsealed error // a part that could not be sealed
	renewals []archive.Renewal
	erased   map[receipt.PartID]Erasure // ordered, in any epoch that is believed
	told     map[receipt.Epoch]bool     // that it is damaged
	holds    map[archive.Kept][]format.EntryRef
	released map[archive.Release]bool
	finished map[receipt.Epoch]bool // read to its end: it takes no hold any more

	aside sync.Mutex // taken by receipts for as long as they need a processor; see turn
	count uint64
	last  receipt.Hash

	dirty     dirty
	keyTime   time.Time   // when the wrap key came into use; owned by Tick
	checkTime time.Time   // of the last checkpoint; owned by Tick
	checking  atomic.Bool // a checkpoint is under way

	pulse pulse
	peers peers
	sweep sweep
}

// recent is a part that was sealed at a time, kept for its marks.
type recent struct {
	part *part
	at   time.Time
}

// before returns the parts of a session that were sealed a moment ago, the last first.
// It is called with n.mu held.
func (n *Notary) before(handle receipt.Handle) []*part {
	var parts []*part
	for _, r := range slices.Backward(n.recent[handle]) {
		parts = append(parts, r.part)
	}
	return parts
}

// maxProving bounds the commitments that wait for the log at once. The log
// answers per batch, of up to 500, so many in flight cost little.
const maxProving = 1024

// At most maxSealers goroutines make receipts, of as many as sealTogether parts each: hundreds,
// so that they share commits. As many write proofs.
const (
	maxSealers   = 8
	sealTogether = 32
)

// Start opens an epoch: it reads what storage holds, writes entry 0 and the
// first wrap key, fences and seals what dead notaries left open, and returns
// when new data can be taken. Log proofs of recovered parts follow in the
// background. In a storage that is shared, so does the recovery of those that have
// not ended: it takes time to know that they are dead.
func Start(ctx context.Context, o Options) (*Notary, error) {
	o.setDefaults()
	if without := o.Origin.Mode == runtimedata.ModeNone; without != (o.Redactor == nil) {
		return nil, fmt.Errorf("the origin's mode is %q, and there is a redactor: %t; mode none is that of a notary without one", o.Origin.Mode, !without)
	}
	o.Walk.Blind = o.Redactor == nil
	if o.Appraise == nil {
		o.Appraise = func(*archive.Epoch) error { return errors.New("no policy to appraise it by") }
	}
	found, err := o.Scan(ctx, o.Store, archive.Options{Believe: o.Appraise})
	if err != nil {
		return nil, err
	}
	if err := heedSharing(ctx, o, found); err != nil {
		return nil, err
	}
	n := &Notary{
		opts: o, epoch: o.Origin.Epoch,
		proving:  make(chan struct{}, maxProving),
		sealers:  lane[*sealing]{most: maxSealers, together: sealTogether},
		provers:  lane[*proving]{most: maxProving, together: 1},
		proofs:   lane[*proving]{most: maxSealers, together: sealTogether},
		room:     ledger{most: o.Memory, of: make(map[string]int64)},
		open:     make(map[receipt.Handle]*part),
		nextPart: make(map[receipt.Handle]uint32),
		index:    make(map[receipt.Handle][]*sealed),
		recent:   make(map[receipt.Handle][]recent),
		erased:   make(map[receipt.PartID]Erasure),
		told:     make(map[receipt.Epoch]bool),
		holds:    make(map[archive.Kept][]format.EntryRef),
		released: make(map[archive.Release]bool),
		finished: make(map[receipt.Epoch]bool),
	}
	n.sealers.do, n.proofs.do = n.makeReceipts, n.writeProofs
	n.provers.do = func(one []*proving) { n.proveReceipt(one[0]) }
	n.dedup = newFingerprints()
	n.background, n.cancel = context.WithCancel(context.Background())
	n.peers.ctx, n.peers.stop = context.WithCancel(n.background)
	n.writer = journal.NewWriter(o.Store, n.epoch, o.Key, o.Journal)
	if err := n.begin(ctx, found); err != nil {
		n.abandon()
		return nil, err
	}
	judged := n.peers.begin(found)
	if o.Silence == 0 {
		judged = func(e *archive.Epoch) bool { return !slices.Contains(o.Alive, e.ID) }
	}
	lost := found.Lost()
	if err := n.recover(ctx, found, lost, judged); err != nil {
		n.abandon()
		return nil, err
	}
	n.peers.conclude(found, lost, judged, n.epoch, o.Now())
	n.keyTime, n.checkTime = o.Now(), o.Now()
	return n, nil
}

// abandon stops a notary that did not get ready. Its epoch is left to the next.
func (n *Notary) abandon() {
	n.cancel()
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	n.writer.Close(ctx)
	_ = n.leave()
	n.opts.Ring.Wipe()
}

// begin writes entry 0 and the first wrap key in one commit.
func (n *Notary) begin(ctx context.Context, found *archive.Archive) error {
	entry := n.opts.Entry
	entry.Format, entry.OpenedUnixNano, entry.Heads = "1", n.opts.Now().UnixNano(), []format.EpochHead{}
	for _, e := range found.Epochs {
		if e.Next > 0 {
			entry.Heads = append(entry.Heads, format.EpochHead{Epoch: e.ID, Seq: e.Next - 1, Chain: e.Chain})
		}
	}
	var err error
	if entry.Lookup, err = n.opts.Ring.SealedLookup(); err != nil {
		return err
	}
	n.opts.Entry = entry
	body, err := format.EncodeBody(entry)
	if err != nil {
		return err
	}
	fresh, err := n.opts.Ring.Next()
	if err != nil {
		return err
	}
	if err := n.write(ctx,
		journal.Draft{Kind: format.KindEpoch, Body: body},
		journal.Draft{Kind: format.KindWrapKey, Body: fresh.Body}); err != nil {
		return fmt.Errorf("write the epoch's first entries: %w", err)
	}
	n.opts.Ring.Use(fresh)
	return nil
}

// write appends public entries and waits until they are durable.
func (n *Notary) write(ctx context.Context, drafts ...journal.Draft) error {
	p, err := n.appendPatiently(ctx, drafts, nil)
	if err != nil {
		return err
	}
	_, err = p.Wait(ctx)
	return err
}

// appendPatiently waits out a full queue: what seals and proves must not be
// refused, only delayed.
func (n *Notary) appendPatiently(ctx context.Context, drafts []journal.Draft, keys []journal.WrappedKey) (*journal.Pending, error) {
	for {
		p, err := n.writer.Append(drafts, keys)
		if !errors.Is(err, journal.ErrBusy) {
			return p, err
		}
		if err := pause(ctx, 20*time.Millisecond); err != nil {
			return nil, err
		}
	}
}

func pause(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Epoch returns the epoch's id.
func (n *Notary) Epoch() receipt.Epoch { return n.epoch }

// Ended is closed when the journal takes no more entries: after Close, or when
// the notary was fenced or its storage failed for too long.
func (n *Notary) Ended() <-chan struct{} { return n.writer.Ended() }

// Ready returns nil if the notary takes data, else why not.
func (n *Notary) Ready() error {
	n.mu.Lock()
	closing := n.closing
	n.mu.Unlock()
	if closing {
		return ErrClosing
	}
	if err := n.writer.Err(); err != nil {
		return err
	}
	if err := n.opts.Fresh(); err != nil {
		return fmt.Errorf("%w: %w", ErrStale, err)
	}
	return nil
}

// Renewed records renewed Evidence in the journal. It is the hook of the
// attester's renewal, which counts only when this returns nil.
func (n *Notary) Renewed(ctx context.Context, e format.EvidenceBody) error {
	body, err := format.EncodeBody(e)
	if err != nil {
		return err
	}
	p, err := n.appendPatiently(ctx, []journal.Draft{{Kind: format.KindEvidence, Body: body}}, nil)
	if err != nil {
		return err
	}
	if _, err := p.Wait(ctx); err != nil {
		return err
	}
	seq, _ := p.Seqs()
	n.mu.Lock()
	n.renewals = append(n.renewals, archive.Renewal{Seq: seq, Body: e})
	n.mu.Unlock()
	return nil
}

// Close seals every open part, waits for its log proof, writes the close entry
// and commits it to the log. No export is taken from the call on. If ctx ends
// first the rest is left to the next notary's recovery, and Close returns the
// context's error. Storage that hangs and heeds no context does not keep it for longer
// than a few seconds: what hangs there is left behind.
func (n *Notary) Close(ctx context.Context) error {
	n.mu.Lock()
	if n.closing {
		n.mu.Unlock()
		return ErrClosing
	}
	n.closing = true
	n.mu.Unlock()
	n.peers.stop()

	err := n.closeInOrder(ctx)
	n.cancel()
	if err != nil {
		n.opts.Logger.Warn("shutdown is incomplete; the next start recovers the rest", "error", err)
	}
	if cerr := n.writer.Close(ctx); err == nil {
		err = cerr
	}
	if lerr := n.leave(); err == nil {
		err = lerr
	}
	n.opts.Ring.Wipe()
	return err
}

// leaveTime is how long work that was told to end gets to do so.
const leaveTime = 5 * time.Second

// leave waits for the end of what runs in the background, which has been canceled. What
// does not end hangs in storage; nothing that it still does is waited for by anybody.
func (n *Notary) leave() error {
	ended := make(chan struct{})
	go func() { n.tasks.Wait(); close(ended) }()
	timer := time.NewTimer(leaveTime)
	defer timer.Stop()
	select {
	case <-ended:
		return nil
	case <-timer.C:
		return fmt.Errorf("storage did not answer within %v of being told that nobody waits; the next start sees what became of it", leaveTime)
	}
}

func (n *Notary) closeInOrder(ctx context.Context) error {
	stop := n.pulseOn()
	defer stop()
	if err := n.done(ctx, n.exports.Wait); err != nil {
		return err
	}
	n.mu.Lock()
	for h, p := range n.open {
		delete(n.open, h)
		n.goSeal(p, p.atShutdown())
	}
	n.mu.Unlock()
	if err := n.done(ctx, n.tasks.Wait); err != nil {
		return err
	}
	// An epoch that says it is complete while a part is open would leave that
	// part to nobody: what did not close is recovered.
	n.mu.Lock()
	unsealed := n.unsealed
	n.mu.Unlock()
	if unsealed != nil {
		return fmt.Errorf("a session part could not be sealed: %w", unsealed)
	}
	stop() // nothing but proofs follows the close entry
	return n.writeClose(ctx)
}

// done waits for a wait group, unless ctx or the journal ends first.
func (n *Notary) done(ctx context.Context, wait func()) error {
	done := make(chan struct{})
	go func() { wait(); close(done) }()
	select {
	case <-done:
		return nil
	case <-n.writer.Ended():
		return n.writer.Err()
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (n *Notary) writeClose(ctx context.Context) error {
	n.aside.Lock()
	body, err := format.EncodeBody(format.CloseBody{Manifests: n.count, Last: n.last})
	n.aside.Unlock()
	if err != nil {
		return err
	}
	p, err := n.appendPatiently(ctx, []journal.Draft{{Kind: format.KindClose, Body: body}}, nil)
	if err != nil {
		return err
	}
	pos, err := p.Wait(ctx)
	if err != nil {
		return err
	}
	_, err = n.prove(ctx, format.CloseCommitment(n.epoch, pos.Seq, pos.Chain), receipt.PartID{})
	return err
}
