package session

import (
	"bytes"
	"cmp"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/veriproof/notary/host/journal"
	"github.com/veriproof/notary/host/merkle"
	"github.com/veriproof/notary/host/seal"
	format "github.com/veriproof/notary/sdk/journal"
	"github.com/veriproof/notary/sdk/receipt"
)

// A part is an open session part.
type part struct {
	id     receipt.PartID
	tenant string

	mu         sync.Mutex
	ended      bool // by its sender; sealed when nothing has come for a moment
	keys       *seal.Part
	edge       merkle.Edge
	appends    []*journal.Pending
	seen       markSet          // by which of the appends
	before     []*part          // of the same session, that were sealed a moment ago
	first      *journal.Pending // of the first segment
	name       []byte           // session id as redacted
	records    uint64
	duplicates uint64
	edits      map[receipt.EditCount]uint64 // Count is zero in the keys
	bytes      int64
	opened     time.Time
	touched    time.Time
	start      uint64
	finish     uint64
	sdks       []string

	held atomic.Int64 // of Notary.room
	// closed is set where the part leaves the map of open ones, under Notary.mu. Whoever looks it up for
	// its marks from then on knows all that there will be.
	closed atomic.Bool
	// Guarded by Notary.mu:
	sealed  bool  // or it never will be
	kept    bool  // for its marks
	leaving int64 // of held, which is given back when the part is sealed
}

// maxSDKs bounds the list of senders' libraries in a summary.
const maxSDKs = 16

// append adds a session's records to its open part, opening one if there is
// none, and notes on the desk what to wait for: the new segment, and the segments of
// records that were sent before.
func (n *Notary) append(handle receipt.Handle, tenant string, g *group, d *desk) error {
	if len(g.records) == 0 {
		return nil
	}
	for {
		p, err := n.openPart(handle, tenant)
		if err != nil {
			return err
		}
		if taken, err := n.appendIn(p, g, d); taken || err != nil {
			return err
		}
	}
}

// appendIn appends to a part, unless it has been ended since it was looked up.
func (n *Notary) appendIn(p *part, g *group, d *desk) (taken bool, err error) {
	p.mu.Lock()
	if p.closed.Load() {
		p.mu.Unlock()
		return false, nil
	}
	err = n.appendTo(p, g, d)
	n.charge(p, g)
	full := p.bytes >= n.opts.MaxBytes || p.held.Load() >= n.room.most/16
	p.mu.Unlock()
	if full && err == nil {
		n.end(p.id.Handle, receipt.ReasonSize)
	}
	return true, err
}

func (n *Notary) openPart(handle receipt.Handle, tenant string) (*part, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if p := n.open[handle]; p != nil {
		return p, nil
	}
	id := receipt.PartID{Epoch: n.epoch, Handle: handle, Part: n.nextPart[handle]}
	keys, err := n.opts.Ring.OpenPart(id)
	if err != nil {
		return nil, err
	}
	n.nextPart[handle]++
	now := n.opts.Now()
	p := &part{
		id: id, tenant: tenant, keys: keys, opened: now, touched: now, before: n.before(handle),
		edits: make(map[receipt.EditCount]uint64),
	}
	n.open[handle] = p
	return p, nil
}

// takeBack makes a part's number the next one of its session again: nothing of it was ever queued. Of
// a session of which nothing was ever stored nothing is kept. It is called with n.mu held.
func (n *Notary) takeBack(id receipt.PartID) {
	if n.nextPart[id.Handle] = id.Part; id.Part == 0 {
		delete(n.nextPart, id.Handle)
	}
}

// appendTo seals and queues the records that are new to the part. It is called
// with p.mu held.
func (n *Notary) appendTo(p *part, g *group, d *desk) error {
	fresh := p.fresh(g, d)
	p.noteEnds(g, d, fresh)
	if len(fresh) == 0 { // who only sends again does not put the part's end off
		p.duplicates += uint64(len(g.records))
		return nil
	}
	p.touched = n.opts.Now()
	for _, s := range g.slots {
		p.keys.PutToken(s.at, s.value)
	}
	if !bytes.Equal(p.name, g.name) { // which may lie in the message
		p.name = bytes.Clone(g.name)
	}
	content := &d.content
	*content = format.Content{Tenant: p.tenant, Session: g.name, Records: g.records}
	if len(fresh) < len(g.records) {
		content.Records = make([]receipt.Record, 0, len(fresh))
		for _, i := range fresh {
			content.Records = append(content.Records, g.records[i])
		}
	}
	var size int64
	for i := range content.Records {
		size += int64(len(content.Records[i].Bytes))
	}
	pending, err := n.appendSegment(p, content, func(d []journal.Draft, k []journal.WrappedKey) (*journal.Pending, error) {
		return n.writer.Queue(d, k)
	})
	if err != nil {
		p.forget(g, fresh)
		return err
	}
	edits := g.editsOf(fresh)
	p.take(g, fresh, edits, pending)
	p.bytes += size
	n.dirty.set()
	d.stored.add(len(fresh), size, edits)
	d.pending = append(d.pending, pending)
	return nil
}

// fresh returns the indices of the records that the part does not have yet, and notes
// what the others wait for: a duplicate is acknowledged when the first is
// durable, and fails when the first fails. Of each part that is the latest append that has
// some of them: none is durable before those that it follows. The parts before count for a
// while, since the request that ends a session may be sent again like any other.
//
// What is fresh counts as that of the append to come. If there is none, forget it.
//
// All are looked up before one is added: a lookup waits for memory several times, and
// those of lookups that follow one another are waited for together.
func (p *part) fresh(g *group, d *desk) (fresh []int) {
	p.seen.room(len(g.marks))
	d.found = d.found[:0]
	for i := range g.marks {
		d.found = append(d.found, p.seen.by(&g.marks[i]))
	}
	fresh = d.fresh[:0]
	next := uint32(len(p.appends))
	d.latest = append(d.latest[:0], make([]uint32, 1+len(p.before))...) // counted from 1: of this part, and of each before
	for i := range g.marks {
		m, at, in := &g.marks[i], d.found[i], 0
		for ; at == notSeen && in < len(p.before); in++ {
			at = p.before[in].by(m)
		}
		switch {
		case at != notSeen:
			d.latest[in] = max(d.latest[in], at+1)
		case p.seen.add(m, next): // else it is twice in this request
			fresh = append(fresh, i)
		}
	}
	d.fresh = fresh
	for in, at := range d.latest {
		switch {
		case at == 0:
		case in == 0:
			d.pending = append(d.pending, p.appends[at-1])
		default:
			d.pending = append(d.pending, p.before[in-1].appended(at-1))
		}
	}
	return fresh
}

// forget takes back what was fresh, since it was not appended.
func (p *part) forget(g *group, fresh []int) {
	for _, i := range fresh {
		p.seen.forget(&g.marks[i])
	}
}

// by returns the number of the append that a record came with, or notSeen.
func (p *part) by(m *mark) uint32 {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.seen.by(m)
}

// appended returns the append of a number.
func (p *part) appended(number uint32) *journal.Pending {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.appends[number]
}

// appendSegment seals content as the part's next segment, queues it, and adds
// its leaves to the tree. A segment that the queue refuses has used up its
// number, which is the nonce: numbers in a part rise, but may have holes.
func (n *Notary) appendSegment(p *part, c *format.Content, queue func([]journal.Draft, []journal.WrappedKey) (*journal.Pending, error)) (*journal.Pending, error) {
	number, s := p.keys.SealIn(journal.Room, c)
	var keys []journal.WrappedKey
	if p.first == nil {
		keys = []journal.WrappedKey{{
			ID:  journal.KeyID{Epoch: p.id.Epoch, Handle: p.id.Handle, Part: p.id.Part},
			DEK: journal.Sealed(p.keys.Wrapped), // encrypted under the wrap key
		}}
	}
	// A segment body is salted hashes and ciphertext.
	pending, err := queue([]journal.Draft{{
		Kind: format.KindSegment, Handle: p.id.Handle, Part: p.id.Part, Segment: number,
		Body: journal.Sealed(s.Framed()), Framed: true,
	}}, keys)
	if err != nil {
		return nil, err
	}
	if p.first == nil {
		p.first = pending
	}
	for _, leaf := range s.Leaves {
		p.edge.Append(leaf)
	}
	return pending, nil
}

// editsOf returns the edits of some of the records, which are in order, and of
// the contexts.
func (g *group) editsOf(records []int) []receipt.Edit {
	var edits []receipt.Edit
	for _, c := range g.edits {
		if _, ok := slices.BinarySearch(records, c.record); ok || c.record < 0 {
			edits = append(edits, c.edit)
		}
	}
	return edits
}

// take counts the records that were queued.
func (p *part) take(g *group, fresh []int, edits []receipt.Edit, pending *journal.Pending) {
	p.appends = append(p.appends, pending)
	p.records += uint64(len(fresh))
	p.duplicates += uint64(len(g.records) - len(fresh))
	for _, e := range edits {
		p.edits[receipt.EditCount{Plugin: e.Plugin, Label: e.Label, Place: e.Place}]++
	}
	if g.start != 0 && (p.start == 0 || g.start < p.start) {
		p.start = g.start
	}
	p.finish = max(p.finish, g.finish)
	for _, s := range g.sdks {
		if !slices.Contains(p.sdks, s) && len(p.sdks) < maxSDKs {
			p.sdks = append(p.sdks, s)
		}
	}
}

// summary is what the part's last leaf will say.
func (p *part) summary(now time.Time) receipt.Summary {
	s := receipt.Summary{
		Format: "1", Tenant: p.tenant, Session: string(p.name), Records: p.records, Duplicates: p.duplicates,
		Edits: []receipt.EditCount{}, OpenedUnixNano: p.opened.UnixNano(), SealedUnixNano: now.UnixNano(),
		ClaimedStartUnixNano: p.start, ClaimedEndUnixNano: p.finish, SDKs: append([]string{}, p.sdks...),
	}
	for e, count := range p.edits {
		e.Count = count
		s.Edits = append(s.Edits, e)
	}
	slices.SortFunc(s.Edits, func(a, b receipt.EditCount) int {
		return cmp.Or(cmp.Compare(a.Plugin, b.Plugin), cmp.Compare(a.Label, b.Label), cmp.Compare(a.Place, b.Place))
	})
	return s
}
