package archive

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/veriproof/notary/host/journal"
	format "github.com/veriproof/notary/sdk/journal"
	"github.com/veriproof/notary/sdk/receipt"
)

// ErrLookup says that an index does not lead to all that a session has, or not to what
// holds together. What is really there, a scan tells.
var ErrLookup = errors.New("the index does not lead to the whole session")

// LookupOptions say what the archive has to have beside the parts of the session, their
// receipts, and the orders and holds about them.
type LookupOptions struct {
	// Parts, if not nil, are the parts that matter. The session may have others, which are
	// open; what is found of those is not said to be all.
	Parts  []uint32
	Open   bool // what opening records needs, with an identity
	Bundle bool // what a bundle needs: log proofs, Evidence in force, how the epochs ended
}

// Bounds of what an index is believed to be able to say.
const (
	maxPlaces = 1 << 20 // of one session, or of one look for what has none
	maxKeys   = 4       // wrap keys that are read to find that of a part
	maxProofs = 64      // log proofs that are read to find that of an epoch's end
)

// Lookup reads the one session whose handle begins with prefix (lower-case hexadecimal,
// or as much of it as leads to one session), by an index that the storage has, and of all
// else only what that needs. An archive of it can be used like that of a scan to open and
// bundle the session, and to name it to a notary. It knows nothing of other sessions, of
// the heads of epochs, and of what became of an order to erase.
//
// The index is believed in nothing. Each entry is held to be one that the epoch's key has
// signed, by its group and by those before it; and there has to be a receipt of
// each part, of exactly the segments that were found, without a gap in the numbers of the
// parts. What no receipt speaks of can be left out by a storage that lies: the last
// parts with their keys, an order, a hold, renewed Evidence, the end of an epoch. To a scan
// it can do that only by cutting off the end of an epoch.
//
// It returns [journal.ErrNoIndex] if the storage has none, and [ErrLookup] or an error of
// the storage if the index does not do. In each case a scan is the way.
func Lookup(ctx context.Context, store journal.Store, prefix string, o LookupOptions) (*Archive, error) {
	index, ok := store.(journal.Index)
	if !ok {
		return nil, journal.ErrNoIndex
	}
	a := newArchive(store)
	l := &lookup{a: a, s: scanner{a: a}, index: index}
	low, bits, ok := handleRange(prefix)
	if !ok { // no handle begins so
		return a, nil
	}
	handle, err := l.handle(ctx, prefix, low, bits)
	if err != nil {
		return nil, err
	}
	if err := l.session(ctx, handle); err != nil {
		return nil, err
	}
	if o.Open {
		if err := l.wrapKeys(ctx, o); err != nil {
			return nil, err
		}
	}
	if o.Bundle {
		if err := l.evidence(ctx); err != nil {
			return nil, err
		}
	}
	l.s.link()
	if err := l.complete(ctx, o); err != nil {
		return nil, err
	}
	return a, nil
}

func (o *LookupOptions) matters(p *Part) bool {
	return o.Parts == nil || slices.Contains(o.Parts, p.ID.Part)
}

// A lookup reads single groups of several epochs.
type lookup struct {
	a      *Archive
	s      scanner // takes over what entries say, and links it
	index  journal.Index
	recent [][]*format.Entry // the last groups that were read: what is of one session is often adjacent
}

// handleRange returns the least handle that begins with the digits.
func handleRange(prefix string) (low receipt.Handle, bits int, ok bool) {
	if prefix == "" || len(prefix) > 2*len(low) {
		return low, 0, false
	}
	for i, digit := range []byte(prefix) {
		n := digit - '0'
		if digit >= 'a' {
			n = digit - 'a' + 10
		}
		if digit > 'f' || digit < '0' || digit > '9' && digit < 'a' {
			return low, 0, false
		}
		low[i/2] |= n << (4 - i%2*4)
	}
	return low, 4 * len(prefix), true
}

// handle finds the one session whose handle begins with a prefix.
func (l *lookup) handle(ctx context.Context, prefix string, low receipt.Handle, bits int) (receipt.Handle, error) {
	if bits == 8*len(low) {
		return low, nil
	}
	if low == (receipt.Handle{}) {
		low[len(low)-1] = 1 // the zero handle is that of entries about no session
	}
	found, err := l.index.Places(ctx, journal.Place{Handle: low}, bits)
	if err != nil {
		return low, err
	}
	if len(found) == 0 {
		return low, fmt.Errorf("%w: it knows of none", ErrLookup)
	}
	entry, err := Entry(ctx, l.a.store, found[0].Epoch, found[0].Seq)
	if err != nil {
		return low, err
	}
	handle := entry.Handle
	if !strings.HasPrefix(handle.String(), prefix) {
		return low, fmt.Errorf("%w: it names an entry of another session", ErrLookup)
	}
	others, err := l.index.Places(ctx, journal.Place{Handle: handle, Epoch: [16]byte(slices.Repeat([]byte{0xff}, 16)), Seq: math.MaxInt64}, bits)
	if err != nil {
		return low, err
	}
	if len(others) > 0 {
		return low, fmt.Errorf("%w: several sessions begin so", ErrLookup)
	}
	return handle, nil
}

// places asks for all places of a handle, from one on, as long as they are wanted.
func (l *lookup) places(ctx context.Context, from journal.Place, wanted func(journal.Place) bool) ([]journal.Place, error) {
	var all []journal.Place
	for {
		page, err := l.index.Places(ctx, from, 8*len(from.Handle))
		if err != nil {
			return nil, err
		}
		for _, p := range page {
			if order(p, from) < 0 || p.Seq == math.MaxUint64 || len(all) == maxPlaces {
				return nil, fmt.Errorf("%w: it is out of order, or endless", ErrLookup)
			}
			if !wanted(p) {
				return all, nil
			}
			all = append(all, p)
			from.Epoch, from.Seq = p.Epoch, p.Seq+1
		}
		if len(page) == 0 {
			return all, nil
		}
	}
}

func order(p, q journal.Place) int {
	return cmp.Or(slices.Compare(p.Epoch[:], q.Epoch[:]), cmp.Compare(p.Seq, q.Seq))
}

// session takes over all that the entries of a handle say.
func (l *lookup) session(ctx context.Context, handle receipt.Handle) error {
	places, err := l.places(ctx, journal.Place{Handle: handle}, func(journal.Place) bool { return true })
	if err != nil {
		return err
	}
	for len(places) > 0 {
		at := places[0]
		e, g, err := l.group(ctx, at)
		if err != nil {
			return err
		}
		last := g.entries[len(g.entries)-1].Seq
		for ; len(places) > 0 && places[0].Epoch == at.Epoch && places[0].Seq <= last; places = places[1:] {
			if g.entries[places[0].Seq-g.entries[0].Seq].Handle != handle {
				return fmt.Errorf("%w: entry %d of epoch %v is not of the session", ErrLookup, places[0].Seq, e.ID)
			}
		}
		for _, entry := range g.entries {
			if entry.Handle != handle {
				continue
			}
			if err := l.s.take(e, entry); err != nil {
				return fmt.Errorf("%w: %w", ErrLookup, err)
			}
		}
	}
	return nil
}

// A group is one group commit, all of which its epoch's key has signed.
type group struct {
	entries []*format.Entry
	before  receipt.Hash // chain value before it
}

// epoch returns the epoch with what its first entry says.
func (l *lookup) epoch(ctx context.Context, id receipt.Epoch) (*Epoch, error) {
	if e := l.a.byID[id]; e != nil {
		return e, nil
	}
	c, err := l.a.store.Get(ctx, id, 0)
	if err != nil {
		return nil, fmt.Errorf("%w: entry 0 of epoch %v: %w", ErrLookup, id, err)
	}
	e := &Epoch{ID: id, WrapKeys: make(map[uint64]format.WrapKeyBody)}
	first, _, err := format.Decode(c.Entries)
	if err == nil {
		err = e.begin(first)
	}
	var list []*format.Entry
	if err == nil {
		list, err = e.signed(c)
	}
	if err == nil && (list[0].Seq != 0 || list[0].Kind != format.KindEpoch || list[0].Header.Chain(receipt.Hash{}) != list[0].Chain) {
		err = fmt.Errorf("%w: it does not begin with entry 0", format.ErrChain)
	}
	if err != nil {
		return nil, fmt.Errorf("%w: epoch %v: %w", ErrLookup, id, err)
	}
	l.a.Epochs, l.a.byID[id] = append(l.a.Epochs, e), e
	return e, nil
}

// group reads the group that has an entry, and finds out that it counts: the epoch's key
// has signed it, and no gap is before it. Of groups that are written several at a time one
// can be behind a gap, and nobody was told of that; but no more are under way at once
// than would be missed here.
func (l *lookup) group(ctx context.Context, at journal.Place) (*Epoch, *group, error) {
	e, err := l.epoch(ctx, at.Epoch)
	if err != nil {
		return nil, nil, err
	}
	g := new(group)
	if g.entries, err = l.signed(ctx, e, at.Seq); err != nil {
		return nil, nil, err
	}
	head := g.entries[0]
	for i := 1; i < journal.MaxInFlight && head.Seq > 0; i++ {
		list, err := l.signed(ctx, e, head.Seq-1)
		if err != nil {
			return nil, nil, err
		}
		before := list[len(list)-1].Chain
		if head.Header.Chain(before) != head.Chain {
			return nil, nil, fmt.Errorf("%w: %w: entry %d of epoch %v does not follow the one before", ErrLookup, format.ErrChain, head.Seq, e.ID)
		}
		if i == 1 {
			g.before = before
		}
		head = list[0]
	}
	return e, g, nil
}

// signed reads the group that has an entry.
func (l *lookup) signed(ctx context.Context, e *Epoch, seq uint64) ([]*format.Entry, error) {
	for _, list := range l.recent {
		if list[0].Epoch == e.ID && list[0].Seq <= seq && seq <= list[len(list)-1].Seq {
			return list, nil
		}
	}
	c, err := l.a.store.Get(ctx, e.ID, seq)
	if err != nil {
		return nil, fmt.Errorf("%w: entry %d of epoch %v: %w", ErrLookup, seq, e.ID, err)
	}
	list, err := e.signed(c)
	if err == nil && (seq < list[0].Seq || list[len(list)-1].Seq < seq) {
		err = ErrNotFound
	}
	if err != nil {
		return nil, fmt.Errorf("%w: entry %d of epoch %v: %w", ErrLookup, seq, e.ID, err)
	}
	if len(l.recent) == journal.MaxInFlight {
		l.recent = slices.Delete(l.recent, 0, 1)
	}
	l.recent = append(l.recent, list)
	return list, nil
}

// signed returns the entries of a chunk, if it is a group that the epoch's notary signed.
// What it follows is not looked at.
func (e *Epoch) signed(c journal.Chunk) ([]*format.Entry, error) {
	list, err := entriesOf(c)
	switch {
	case err != nil:
		return nil, err
	case len(list) == 0:
		return nil, ErrNotFound
	}
	for i, entry := range list {
		if entry.Epoch != e.ID || entry.Seq != c.FirstSeq+uint64(i) || i > 0 && entry.Header.Chain(list[i-1].Chain) != entry.Chain {
			return nil, fmt.Errorf("%w: entry %d does not follow in its group", format.ErrChain, entry.Seq)
		}
	}
	last := list[len(list)-1]
	p := format.Position{Epoch: e.ID, Seq: last.Seq, Chain: last.Chain, Signature: last.Signature}
	return list, p.Verify(e.Key)
}

// complete says what is missing, as far as what was found can tell.
func (l *lookup) complete(ctx context.Context, o LookupOptions) error {
	sealed, found := 0, []uint32(nil)
	for _, e := range l.a.Epochs {
		sealed += len(e.Manifests)
		if err := errors.Join(append(e.Strange, e.Err)...); err != nil {
			return fmt.Errorf("%w: epoch %v: %w", ErrLookup, e.ID, err)
		}
		if n := len(e.Manifests); n > 0 && e.Ended != 0 && e.Manifests[n-1].SealedSeq > e.EndSeq {
			return fmt.Errorf("%w: epoch %v has a receipt behind its end", ErrLookup, e.ID)
		}
		parts := l.a.partsOf(e.ID)
		slices.SortFunc(parts, func(p, q *Part) int { return cmp.Compare(p.ID.Part, q.ID.Part) })
		for i, p := range parts {
			if p.ID.Part != uint32(i) {
				return fmt.Errorf("%w: there is a part %d, and no part %d", ErrLookup, p.ID.Part, i)
			}
			if !o.matters(p) {
				continue
			}
			if err := l.whole(ctx, p, o); err != nil {
				return err
			}
			found = append(found, p.ID.Part)
		}
		if n := len(parts); n > 0 {
			next := *parts[n-1]
			next.ID.Part++
			if has, err := l.a.HasKey(ctx, &next); err != nil || has {
				return cmp.Or(err, fmt.Errorf("%w: there is a key of part %d, and no such part", ErrLookup, next.ID.Part))
			}
		}
	}
	for _, part := range o.Parts {
		if !slices.Contains(found, part) {
			return fmt.Errorf("%w: it knows of no part %d", ErrLookup, part)
		}
	}
	if sealed != len(l.s.receipts) || sealed == 0 {
		return fmt.Errorf("%w: %d receipts of %d are of parts that it leads to", ErrLookup, sealed, len(l.s.receipts))
	}
	return nil
}

// whole says what is missing of a part.
func (l *lookup) whole(ctx context.Context, p *Part, o LookupOptions) error {
	if p.Manifest == nil {
		return fmt.Errorf("%w: part %d has no receipt", ErrLookup, p.ID.Part)
	}
	if _, ok := l.a.Proof(p.Commitment()); o.Bundle && !ok {
		return fmt.Errorf("%w: part %d has no log proof", ErrLookup, p.ID.Part)
	}
	if p.Erasure != nil {
		return nil
	}
	if has, err := l.a.HasKey(ctx, p); err != nil || !has {
		return cmp.Or(err, fmt.Errorf("%w: part %d has no key, and no order to erase it", ErrLookup, p.ID.Part))
	}
	return nil
}
