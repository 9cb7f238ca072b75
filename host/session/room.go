package session

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"runtime"
	"slices"
	"sync"
	"time"
	"unsafe"

	"github.com/veriproof/notary/host/journal"
	format "github.com/veriproof/notary/sdk/journal"
	"github.com/veriproof/notary/sdk/receipt"
)

// Memory of session parts, about, in bytes; TestSessionMemoryIsReal holds the sum to the heap.
const (
	perPart   = 2 << 10 // keys, tree, what stands for it in maps
	perAppend = 400     // what duplicates wait for
	perCount  = 128     // of edits of a kind
	perMark   = int64(unsafe.Sizeof(markSlot{}))
	// markRoom is what the mark of a record takes at most: of a table that has just grown
	// a third is taken.
	markRoom = 3 * perMark
	// leastRoom is what the first record of a session takes.
	leastRoom = perPart + perAppend + perMark*leastSlots
)

// ErrFull says that session parts take all the memory they may. It is retryable: parts
// are being sealed for it.
var ErrFull = errors.New("session parts take too much memory")

var (
	errSessions = errors.New("its sessions take more memory than sessions.memory has for one tenant")
	errSegments = fmt.Errorf("its sessions, of which each has a copy of its resources and scopes, would be over %d bytes", maxSegments)
)

// A ledger has what the open parts, and those that were sealed a moment ago, take of a bound,
// by tenant. Who holds most may fill seven eighths of it: the last eighth is for the others,
// so that nobody is locked out. From three quarters on parts of who holds most give way.
// Its lock is held for a moment, and no other is taken under it.
type ledger struct {
	most int64

	mu   sync.Mutex
	held int64
	of   map[string]int64
}

// alone is what one tenant may hold.
func (l *ledger) alone() int64 { return l.most / 8 * 7 }

// take takes room for a tenant, if there is, and reports whether it becomes tight.
func (l *ledger) take(tenant string, n int64) (taken, tight bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	most := l.alone()
	for other, held := range l.of {
		if other != tenant && held > l.of[tenant]+n {
			most = l.most
		}
	}
	if l.held+n > most {
		return false, true
	}
	l.add(tenant, n)
	return true, l.held > l.most/4*3
}

// put gives room back, or takes what has been allocated already.
func (l *ledger) put(tenant string, n int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.add(tenant, -n)
}

func (l *ledger) add(tenant string, n int64) {
	l.held += n
	if l.of[tenant] += n; l.of[tenant] == 0 {
		delete(l.of, tenant)
	}
}

// shares returns who holds how much.
func (l *ledger) shares() map[string]int64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return maps.Clone(l.of)
}

// reserve takes room for all sessions of a request before anything of it is stored: it is
// taken whole or not at all. Each group gets what it needs at most.
func (n *Notary) reserve(tenant string, groups []*group) error {
	var need int64
	for _, g := range groups {
		need += g.needs()
	}
	if need > n.room.alone() {
		return tooLarge("sessions", errSessions)
	}
	taken, tight := n.room.take(tenant, need)
	switch {
	case !taken:
		n.giveWay(need, false)
		if taken, _ = n.room.take(tenant, need); !taken {
			return ErrFull
		}
	case tight && n.makingRoom.CompareAndSwap(false, true): // nobody has to wait for it yet
		n.exports.Go(func() { // this one counts still; tasks may be waited for already
			defer n.makingRoom.Store(false)
			n.giveWay(need, true)
		})
	}
	for _, g := range groups {
		g.need = g.needs()
	}
	return nil
}

// needs is what a group takes at most, if its part has to be opened.
func (g *group) needs() int64 { return leastRoom + int64(len(g.name)) + markRoom*int64(len(g.records)) }

// giveBack returns what groups have not used.
func (n *Notary) giveBack(tenant string, groups []*group) {
	for _, g := range groups {
		n.room.put(tenant, g.need)
		g.need = 0
	}
}

// charge makes what a group needed what its part takes more than before.
func (n *Notary) charge(p *part, g *group) {
	now := p.memory()
	n.room.put(p.tenant, g.need-(now-p.held.Swap(now)))
	g.need = 0
}

// memory is called with p.mu held.
func (p *part) memory() int64 {
	size := perPart + perAppend*int64(len(p.appends)) + perMark*int64(len(p.seen.slots)) + perCount*int64(len(p.edits)) + int64(len(p.name))
	for _, s := range p.sdks {
		size += int64(len(s))
	}
	return size
}

// free gives back the room of a part that is neither open, nor being sealed, nor kept for its
// marks. It is called with n.mu held.
func (n *Notary) free(p *part) {
	if p.sealed && !p.kept {
		n.room.put(p.tenant, p.held.Swap(0))
		n.leaving -= p.leaving
		p.leaving = 0
	}
}

// forgetPart no longer keeps a sealed part for its marks. It is called with n.mu held.
func (n *Notary) forgetPart(p *part) {
	h := p.id.Handle
	list := slices.DeleteFunc(slices.Clone(n.recent[h]), func(r recent) bool { return r.part == p })
	if n.recent[h] = list; len(list) == 0 {
		delete(n.recent, h)
	}
	if open := n.open[h]; open != nil {
		open.follows(n.before(h))
	}
	p.kept = false
	n.free(p)
}

// giveWay makes room for so much more: of the tenant that holds most, parts that have nothing
// go, then those that were sealed are forgotten, the oldest first, and then the part is sealed that was idle for
// longest; and so on. What is sealed early has its receipt and its records like any other, but
// records that are sent again are not known any more.
//
// With patience the next parts give way when those before are sealed: a thousand at once would be
// in the way of every export. Whoever cannot wait makes room meanwhile.
func (n *Notary) giveWay(need int64, patience bool) {
	n.givingWay.Lock() // two at a time would give more way than is needed
	defer n.givingWay.Unlock()
	n.mu.Lock()
	defer n.mu.Unlock()
	_, left := n.stays()
	// A look at all parts is worth it if there is much to do.
	aim := min(n.room.most/8*5, n.room.alone()-need)
	if n.closing || left <= max(aim, min(n.room.most/4*3, n.room.alone()-need)) {
		return
	}
	victims := n.victims()
	shares, left := n.stays() // some of which has been given back meanwhile
	for t, list := range victims {
		for _, v := range list {
			shares[t] -= v.part.leaving
		}
	}
	var begun []*sealed
	for i := 0; left > aim; i++ {
		if i%stride == 0 {
			if patience && len(begun) > 0 {
				n.awaitReceipts(begun)
				begun = begun[:0]
				_, left = n.stays()
			}
			if !n.breathe() { // at first, too: Close may have begun meanwhile
				return
			}
		}
		most, found := "", false
		for t, list := range victims {
			if len(list) > 0 && (!found || shares[t] > shares[most]) {
				most, found = t, true
			}
		}
		if !found {
			return
		}
		v := victims[most][0]
		p, size := v.part, v.part.held.Load()
		victims[most][0] = victim{} // what it holds may be given back before the last has gone
		victims[most] = victims[most][1:]
		if p.leaving > 0 || !n.stillAs(v) || v.rank == empty && !n.dropEmpty(p, 0) {
			continue
		}
		left, shares[most] = left-size, shares[most]-size
		if v.rank == empty {
			continue
		}
		if n.open[p.id.Handle] == p {
			delete(n.open, p.id.Handle)
			begun = append(begun, n.goSeal(p, receipt.ReasonSize))
		}
		if p.sealed {
			n.forgetPart(p)
			continue
		}
		p.leaving = size
		n.leaving += size
	}
}

// awaitReceipts waits until parts are sealed, or nothing is any more. It is called with
// n.givingWay and n.mu held, which others have meanwhile.
func (n *Notary) awaitReceipts(parts []*sealed) {
	n.mu.Unlock()
	n.givingWay.Unlock()
	for _, s := range parts {
		select {
		case <-s.receipted:
		case <-n.background.Done():
		}
	}
	n.givingWay.Lock()
	n.mu.Lock()
}

// stays returns what tenants hold, and all of them but for what is given back soon. It is called
// with n.mu held.
func (n *Notary) stays() (shares map[string]int64, sum int64) {
	shares, sum = n.room.shares(), -n.leaving
	for _, held := range shares {
		sum += held
	}
	return shares, sum
}

// stride is how many parts are looked at, or sealed, before others get n.mu: there can be a
// hundred thousand of them, and every export waits for it.
const stride = 64

// breathe lets others have n.mu, which is held, and the processor. It reports whether to go on:
// not if the notary is being closed. Any part may be another one's business meanwhile.
func (n *Notary) breathe() bool {
	n.mu.Unlock()
	runtime.Gosched()
	n.mu.Lock()
	return !n.closing
}

// stillAs reports whether a part is what it was when it was found to be a victim. It is
// called with n.mu held.
func (n *Notary) stillAs(v victim) bool {
	p := v.part
	if v.rank == closed {
		return p.kept
	}
	if n.open[p.id.Handle] != p || !p.mu.TryLock() {
		return false
	}
	defer p.mu.Unlock()
	return p.touched.Equal(v.at)
}

// A victim is a part that can give way.
type victim struct {
	part *part
	rank int       // the lower go first
	at   time.Time // since when nothing came, or when it was sealed
}

// Ranks of victims.
const (
	empty  = iota // open, with nothing in it, since all that came was there already
	closed        // sealed
	filled        // open
)

// victims returns the parts that can give way, by tenant and in their order. It is called
// with n.mu held, which others get meanwhile.
func (n *Notary) victims() map[string][]victim {
	out := make(map[string][]victim)
	seen := 0
	breathe := func() {
		if seen++; seen%stride == 0 {
			n.breathe()
		}
	}
	for _, list := range n.recent {
		for _, r := range list {
			out[r.part.tenant] = append(out[r.part.tenant], victim{r.part, closed, r.at})
		}
		breathe()
	}
	for _, p := range n.open {
		if p.mu.TryLock() { // else something comes just now
			rank := filled
			if p.first == nil {
				rank = empty
			}
			out[p.tenant] = append(out[p.tenant], victim{p, rank, p.touched})
			p.mu.Unlock()
		}
		breathe()
	}
	n.mu.Unlock()
	defer n.mu.Lock()
	for _, list := range out {
		slices.SortFunc(list, func(a, b victim) int {
			return cmp.Or(cmp.Compare(a.rank, b.rank), a.at.Compare(b.at))
		})
	}
	return out
}

// segments returns about how many bytes the segments of a request take, 0 if there is room for
// them in what has been reserved even if each session has all of it. It refuses a request for good, before any of it is stored, of
// which one session is too large for an entry of the journal, or all are for one request:
// each session has a copy of its records' resources and scopes.
func segments(groups []*group, bytes int, reserved int64) (total int64, err error) {
	if bytes < 1<<20 && int64(bytes)*int64(len(groups)) <= reserved {
		return 0, nil
	}
	for _, g := range groups {
		size := g.segment()
		if size > format.MaxBody/9*8 { // padding takes up to an eighth
			return 0, fmt.Errorf("%w: some %d bytes of one session", journal.ErrTooLarge, size)
		}
		if total += int64(size); total > maxSegments {
			return 0, tooLarge("sessions", errSegments)
		}
	}
	return total, nil
}

// segment returns about how many bytes the group's segment takes.
func (g *group) segment() int {
	size, contexts := len(g.name), make(map[*byte]bool)
	add := func(context []byte) {
		if at := unsafe.SliceData(context); len(context) > 0 && !contexts[at] {
			contexts[at] = true
			size += len(context) + 16
		}
	}
	for i := range g.records {
		r := &g.records[i]
		size += len(r.Bytes) + len(r.Edits) + 16 + 32 // and the leaf
		add(r.Resource)
		add(r.Scope)
	}
	return size
}

// A lane does jobs in the background, by so many goroutines at most, of which each takes so many
// at a time as wait together: each has a stack, and one request can end as many sessions as it
// has records.
type lane[T any] struct {
	most, together int
	do             func([]T)

	mu      sync.Mutex
	running int
	waiting []T
}

// add has a job done by a goroutine that tasks counts.
func (l *lane[T]) add(tasks *sync.WaitGroup, job T) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.running == l.most {
		l.waiting = append(l.waiting, job)
		return
	}
	l.running++
	tasks.Go(func() {
		for jobs := []T{job}; len(jobs) > 0; jobs = l.next() {
			l.do(jobs)
		}
	})
}

// next returns what waits for longest. It counts the goroutine out if that is nothing.
func (l *lane[T]) next() []T {
	l.mu.Lock()
	defer l.mu.Unlock()
	n := min(l.together, len(l.waiting))
	if n == 0 {
		l.running, l.waiting = l.running-1, nil
		return nil
	}
	jobs := slices.Clone(l.waiting[:n])
	clear(l.waiting[:n])
	l.waiting = l.waiting[n:]
	return jobs
}
