package session

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"sync"

	"github.com/veriproof/notary/host/journal"
	"github.com/veriproof/notary/host/otlpwire"
	"github.com/veriproof/notary/host/pluginhost"
	format "github.com/veriproof/notary/sdk/journal"
	"github.com/veriproof/notary/sdk/receipt"
)

// A desk is the memory that an export works with and the next one uses again. Between
// exports it holds nothing of them.
type desk struct {
	req     otlpwire.Request
	fields  []pluginhost.Field
	groups  []*group         // of each record
	records []receipt.Record // of each group, one group's behind another's; so are marks
	marks   []mark
	found   []uint32 // of part.fresh, as the next two are
	latest  []uint32
	fresh   []int
	due     []due
	content format.Content
	pending []*journal.Pending // what the export waits for
	stored  tally              // once that is durable
	done    int                // since others had the processor
}

var desks = sync.Pool{New: func() any { return new(desk) }}

// stretch is how much an export does, in records or edits, which take some 4 µs each,
// before others have the processor that wait for one: the runtime would let them wait for 10 ms,
// at each step of theirs. It is more than an ordinary export has. A session takes
// perSession of it.
const (
	stretch    = 64
	perSession = 8
)

// did says that so much has been done.
func (d *desk) did(work int) {
	if d.done += work; d.done >= stretch {
		d.done = 0
		runtime.Gosched()
	}
}

// keepFields bounds what a desk keeps, as otlpwire bounds what a Request does: more is
// rare, and left to the garbage collector.
const keepFields = 1 << 15

// free makes the desk the next export's.
func (d *desk) free() {
	d.req.Reset()
	clear(d.fields)
	clear(d.groups)
	clear(d.records)
	clear(d.pending)
	clear(d.due)
	d.due = d.due[:0]
	d.content = format.Content{}
	d.pending = d.pending[:0]
	d.stored = tally{edits: d.stored.edits[:0]}
	d.done = 0
	if max(cap(d.fields), cap(d.records), cap(d.pending), cap(d.due), cap(d.stored.edits)) > keepFields {
		*d = desk{req: d.req}
	}
	desks.Put(d)
}

// share gives each group room for its records.
func (d *desk) share(groups []*group) {
	n := 0
	for _, g := range groups {
		n += g.count
	}
	d.records, d.marks = slices.Grow(d.records[:0], n)[:n], slices.Grow(d.marks[:0], n)[:n]
	n = 0
	for _, g := range groups {
		g.records, g.marks = d.records[n:n:n+g.count], d.marks[n:n:n+g.count]
		n += g.count
	}
}

// Export takes one OTLP export request, as wire bytes, of an authenticated
// tenant through the notary. When it returns without an error, every record is
// durable; the position is then at or behind the last of them. A request
// without records has the zero position.
//
// An error is an *otlpwire.Error or a journal.ErrTooLarge (the request is malformed
// or too large and will never be taken), a *pluginhost.PluginError (redaction failed
// closed; nothing is stored), or retryable. The body is not changed and not kept.
func (n *Notary) Export(ctx context.Context, tenant string, sig otlpwire.Signal, body []byte) (format.Position, error) {
	if err := n.enter(); err != nil {
		return format.Position{}, err
	}
	defer n.exports.Done()
	d := desks.Get().(*desk)
	defer d.free()
	walk := n.opts.Walk
	var reserved int64
	walk.Admit = func(c otlpwire.Counts) error {
		reserved = memory(len(body), c)
		return n.opts.Reserve(ctx, reserved)
	}
	if err := d.req.Walk(body, sig, walk); err != nil {
		return format.Position{}, err
	}
	batch, err := n.redact(ctx, d, len(body), reserved)
	if err != nil {
		return format.Position{}, err
	}
	for _, g := range batch.sessions {
		g.handle = n.opts.Ring.Handle(tenant, g.raw)
	}
	size, err := segments(batch.sessions, len(body)+batch.lists, reserved)
	if err != nil {
		return format.Position{}, err
	}
	if more := size - int64(len(body)); more > 0 { // than what was reserved is for
		if err := n.opts.Reserve(ctx, reserved+batch.held+more); err != nil {
			return format.Position{}, err
		}
	}
	if err := n.reserve(tenant, batch.sessions); err != nil {
		return format.Position{}, err
	}
	defer n.giveBack(tenant, batch.sessions)
	err = n.appendAll(tenant, batch.sessions, d)
	n.writer.Wake() // also after an error, for what was queued before it
	if err != nil {
		n.countLater(d)
		return format.Position{}, err
	}
	n.opts.Waiting(ctx)
	pos, err := waitAll(ctx, d.pending)
	if err != nil {
		n.countLater(d)
		return format.Position{}, err
	}
	n.stats.exported(&d.stored)
	n.endDue(tenant, d.due)
	return pos, nil
}

// countLater counts what an export has queued that failed, or whose sender has gone, if and when
// it is durable.
func (n *Notary) countLater(d *desk) {
	if len(d.pending) == 0 {
		return
	}
	pending, stored := slices.Clone(d.pending), d.stored
	stored.edits = slices.Clone(stored.edits)
	go func() { // until the journal has written it, or has ended
		if _, err := waitAll(context.Background(), pending); err == nil {
			n.stats.exported(&stored)
		}
	}()
}

// appendAll queues the records of each session, to go out together if they are not many.
func (n *Notary) appendAll(tenant string, sessions []*group, d *desk) error {
	for _, g := range sessions {
		d.did(perSession + len(g.edits))
		if err := n.append(g.handle, tenant, g, d); err != nil {
			return err
		}
	}
	return nil
}

// What an export holds at a time, about: its bytes as the message, a redactor's
// batches, spliced, a segment's plaintext and ciphertext; and what stands for each text
// and record. TestFlood holds the sum to what a process really has.
const (
	perByte   = 5
	perText   = 300
	perRecord = 1000
)

// memory is what an export of so many bytes needs, its message included.
func memory(bytes int, c otlpwire.Counts) int64 {
	return perByte*int64(bytes) + perText*int64(c.Texts) + perRecord*int64(c.Records)
}

// enter counts an export in, unless the notary takes none.
func (n *Notary) enter() error {
	if err := n.opts.Fresh(); err != nil {
		return fmt.Errorf("%w: %w", ErrStale, err)
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.closing {
		return ErrClosing
	}
	n.exports.Add(1)
	return nil
}

// waitAll waits for every append of a request; the request is acknowledged
// with the last position, or not at all.
func waitAll(ctx context.Context, pending []*journal.Pending) (last format.Position, err error) {
	for _, p := range pending {
		pos, err := p.Wait(ctx)
		if err != nil {
			return format.Position{}, fmt.Errorf("outcome unknown: %w", err)
		}
		if last.Signature == nil || pos.Seq > last.Seq {
			last = pos
		}
	}
	return last, nil
}
