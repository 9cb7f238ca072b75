package audit

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/veriproof/notary/host/archive"
	"github.com/veriproof/notary/host/journal"
	format "github.com/veriproof/notary/sdk/journal"
	"github.com/veriproof/notary/sdk/receipt"
)

// journal reads all of storage, and notes what evidence and log are later held
// against.
func (a *auditor) journal(ctx context.Context) error {
	// The log first: whatever it has by now was durable in storage before.
	if a.Log != nil {
		tree, err := a.tree(ctx, "the log's checkpoint of a moment before")
		if a.logErr = err; err == nil {
			a.before = &tree
		}
	}
	heads, err := a.store.Epochs(ctx)
	if err != nil {
		return fmt.Errorf("list epochs in storage: %w", err)
	}
	if err := a.want(ctx, heads); err != nil {
		return err
	}
	a.archive, err = archive.Scan(ctx, a.store, archive.Options{
		Believe: a.Believe, Visit: func(e *archive.Epoch, x *format.Entry) { a.visit(e, x, false) }, Notes: a.Notes,
		Progress: func(n uint64) { a.Progress(Progress{Entries: n}) },
	})
	if err != nil {
		return err
	}
	if a.Found != nil {
		a.Found(a.archive)
	}
	if a.Notes != nil {
		a.report.Reused = a.Notes.Reused
	}
	last := make(map[receipt.Epoch]uint64, len(heads))
	for _, h := range heads {
		last[h.Epoch] = h.LastChunk
	}
	for _, e := range a.archive.Epochs {
		for _, o := range e.Orphans {
			a.report.Unacknowledged = append(a.report.Unacknowledged, Unacknowledged{e.ID.String(), o.First, o.Last})
		}
		if e.Err != nil {
			if err := a.damage(ctx, e, last[e.ID]); err != nil {
				return err
			}
		}
		if e.Disbelief != nil {
			a.find(Finding{
				Check: CheckNotaries, Kind: Unbelieved, Epoch: e.ID.String(),
				Last: max(e.Next, 1) - 1, Detail: e.Disbelief.Error(),
			})
			continue
		}
		for _, x := range e.Exports {
			a.report.Exports = append(a.report.Exports, Export{e.ID.String(), x.Seq, x.ExportBody})
		}
	}
	a.report.Epochs = len(a.archive.Epochs)
	for _, p := range a.archive.Parts() {
		a.report.Parts++
		if p.Erasure != nil {
			a.erased(p.Erasure)
		}
		if len(a.archive.Holds(p)) > 0 {
			a.report.Held++
		}
	}
	return nil
}

// erased counts a part whose key was ordered to be destroyed.
func (a *auditor) erased(x *archive.Erasure) {
	r := a.report
	r.Erased++
	if x.ByAge {
		r.ByAge++
	}
	o := x.Outcome
	if o == nil {
		r.Untold++
		return
	}
	if o.Partial() {
		r.Partial++
	}
	i, known := a.outcomes[o]
	if !known {
		i = len(r.Erasures)
		a.outcomes[o] = i
		r.Erasures = append(r.Erasures, Erasure{Epoch: o.Epoch.String(), Seq: o.Seq, Found: o.Found, Unasked: o.Unasked, AtUnixNano: o.AtUnixNano})
	}
	r.Erasures[i].Parts++
}

// want notes the places whose chain values are needed: those that positions and
// the first entries of other epochs are about.
func (a *auditor) want(ctx context.Context, heads []journal.EpochHead) error {
	for _, p := range a.Positions {
		a.chains[place{p.Epoch, p.Seq}] = receipt.Hash{}
	}
	for _, h := range heads {
		first, err := archive.Entry(ctx, a.store, h.Epoch, 0)
		if err != nil && !gone(err) {
			return err
		}
		var body format.EpochBody
		if err != nil || format.ParseBody(first.Body, &body) != nil {
			continue // the scan finds it, too, and says so
		}
		for _, o := range body.Heads {
			a.chains[place{o.Epoch, o.Seq}] = receipt.Hash{}
		}
	}
	return nil
}

// gone says that storage has answered, and the entry is not there or is damaged. After
// any other error the next read may succeed.
func gone(err error) bool {
	return errors.Is(err, journal.ErrNotFound) || errors.Is(err, journal.ErrDamaged) ||
		errors.Is(err, archive.ErrNotFound) || errors.Is(err, format.ErrEntry)
}

// visit takes note of an entry that its epoch's key vouches for. Behind a gap that is
// all that vouches for it.
func (a *auditor) visit(e *archive.Epoch, entry *format.Entry, behind bool) {
	a.report.Entries++
	at := place{e.ID, entry.Seq}
	if _, wanted := a.chains[at]; wanted {
		a.chains[at] = entry.Chain
	}
	if a.Believe == nil || a.Believe(e) == nil {
		a.account(e, entry)
		return
	}
	if a.recent.add(entry, behind); !behind && a.bound(e, entry) {
		a.account(e, entry)
	}
}

// recent are the last chain values of one epoch.
type recent struct {
	epoch  receipt.Epoch
	chains map[uint64]receipt.Hash // by seq
}

// maxRecent is more than there can be entries between a checkpoint and what it is of.
const maxRecent = 1 << 16

func (r *recent) add(entry *format.Entry, behind bool) {
	if entry.Epoch != r.epoch || behind {
		*r = recent{entry.Epoch, make(map[uint64]receipt.Hash)}
	}
	if r.chains[entry.Seq] = entry.Chain; entry.Seq >= maxRecent {
		delete(r.chains, entry.Seq-maxRecent)
	}
}

// bound says whether what an entry says about the log is bound to its epoch's own chain
// and key, whoever that is: of an epoch that is not believed nothing else counts. Whoever
// puts another epoch in the place of one cannot copy what that has committed to: an end is
// committed to with the chain, a checkpoint has a chain value, and a receipt a signature.
func (a *auditor) bound(e *archive.Epoch, entry *format.Entry) bool {
	switch entry.Kind {
	case format.KindManifest:
		_, _, err := receipt.Verify(string(entry.Body), e.Key)
		return err == nil
	case format.KindCheckpoint:
		var b format.CheckpointBody
		if format.ParseBody(entry.Body, &b) != nil {
			return false
		}
		chain, known := a.recent.chains[b.Seq]
		return known && chain == b.Chain
	}
	return true
}

// damage names the ranges of an epoch that does not hold together. What stands
// behind them is sound if its own chain and signatures hold: it says nothing
// about the gap, but what it accounts for is not missing.
func (a *auditor) damage(ctx context.Context, e *archive.Epoch, lastChunk uint64) error {
	check := CheckChain
	if errors.Is(e.Err, receipt.ErrManifest) || errors.Is(e.Err, receipt.ErrReceipt) {
		check = CheckReceipts
	}
	found := 0
	bad := func(f Finding) {
		f.Check, f.Epoch, f.Last = CheckChain, e.ID.String(), max(f.First, f.Last)
		found++
		// Neighbours are one range.
		if n := len(a.report.Findings); found > 1 {
			if l := &a.report.Findings[n-1]; l.Kind == f.Kind && l.Last+1 == f.First {
				l.Last, l.OrMore = f.Last, f.OrMore
				return
			}
		}
		a.find(f)
	}
	broken := false          // what comes next cannot follow from what was before
	var behind *format.Entry // the last sound one behind a gap: what follows it is sound, too
	for at, more := e.Next, true; more && check == CheckChain; {
		if found == maxRanges {
			a.find(Finding{Check: check, Kind: Wrong, Epoch: e.ID.String(), First: at, Last: max(at, lastChunk), OrMore: true, Detail: "too many damaged ranges to name each"})
			break
		}
		c, err := a.store.Get(ctx, e.ID, at)
		damaged := errors.Is(err, journal.ErrDamaged)
		if err != nil && !damaged && !errors.Is(err, journal.ErrNotFound) {
			return fmt.Errorf("read epoch %v at seq %d: %w", e.ID, at, err)
		}
		run, claimed, whole := a.sound(e, c)
		var next uint64
		if next, more, err = a.after(ctx, e.ID, at, lastChunk); err != nil {
			return err
		}
		end := next // of what this chunk has, or should have
		if !more {
			end = max(claimed, at) + 1
		}
		switch {
		case len(run) > 0 && run[len(run)-1].Seq >= at:
			last := run[len(run)-1].Seq
			switch {
			case run[0].Seq > at:
				bad(Finding{Kind: Wrong, First: at, Last: run[0].Seq - 1, Detail: e.Err.Error()})
			case !broken && (behind == nil || run[0].Header.Chain(behind.Chain) != run[0].Chain):
				bad(Finding{Kind: Wrong, First: at, Last: last, Detail: e.Err.Error()})
			}
			if broken || behind != nil {
				behind = run[len(run)-1]
			}
			for _, entry := range run {
				if entry.Seq >= at {
					a.visit(e, entry, true)
				}
			}
			broken = more && last+1 < next
			if broken {
				bad(Finding{Kind: Missing, First: last + 1, Last: next - 1, Detail: "not in storage"})
			}
		case !damaged && (c.Entries == nil || whole && claimed < at): // nothing is here
			if more {
				bad(Finding{Kind: Missing, First: at, Last: next - 1, Detail: "not in storage"})
			}
			broken = true
		case !more && errors.Is(e.Err, archive.ErrUnsigned):
			bad(Finding{Kind: Missing, First: at, Last: end, OrMore: true, Detail: "the end of a commit is gone, and with it the signature over what is left"})
		default:
			bad(Finding{Kind: Wrong, First: at, Last: end - 1, OrMore: !more, Detail: e.Err.Error()})
			broken = true
		}
		at = next
	}
	if found == 0 {
		a.find(Finding{Check: check, Kind: Wrong, Epoch: e.ID.String(), Last: max(e.Next, 1) - 1, Detail: e.Err.Error()})
	}
	return nil
}

// maxRanges bounds the damaged ranges that are named of one epoch, and those of the log: a
// storage may claim to have chunks without end, and a log entries.
const maxRanges = 1000

// sound returns the entries at the end of a chunk that hold together under a
// signature, the greatest seq that the chunk claims to have, and whether it could
// be read to its end.
func (a *auditor) sound(e *archive.Epoch, c journal.Chunk) (run []*format.Entry, claimed uint64, whole bool) {
	claimed = c.FirstSeq
	for rest := slices.Clone([]byte(c.Entries)); len(rest) > 0; {
		entry, after, err := format.Decode(rest)
		if err != nil {
			return nil, claimed, false
		}
		claimed = max(claimed, entry.Seq)
		if n := len(run); entry.Epoch != e.ID || n > 0 && (entry.Seq != run[n-1].Seq+1 || entry.Header.Chain(run[n-1].Chain) != entry.Chain) {
			run = nil
		}
		if entry.Epoch == e.ID {
			run = append(run, entry)
		}
		rest = after
	}
	for len(run) > 0 && !a.signed(e, run[len(run)-1]) {
		run = run[:len(run)-1]
	}
	return run, claimed, true
}

func (a *auditor) signed(e *archive.Epoch, entry *format.Entry) bool {
	p := format.Position{Epoch: e.ID, Seq: entry.Seq, Chain: entry.Chain, Signature: entry.Signature}
	if entry.Signature == nil {
		return false
	}
	if entry.Kind != format.KindFence {
		return e.Key != nil && p.Verify(e.Key) == nil
	}
	var body format.FenceBody
	if format.ParseBody(entry.Body, &body) != nil {
		return false
	}
	by := a.archive.Epoch(body.By)
	return by != nil && by.Key != nil && by.Disbelief == nil && p.Verify(by.Key) == nil
}

// after returns the first seq of the chunk behind the one that has seq at, by
// bisection: a chunk's first seq never falls as seqs rise.
func (a *auditor) after(ctx context.Context, epoch receipt.Epoch, at, lastChunk uint64) (next uint64, ok bool, err error) {
	first := func(seq uint64) (uint64, bool, error) {
		c, err := a.store.Get(ctx, epoch, seq)
		if errors.Is(err, journal.ErrNotFound) || errors.Is(err, journal.ErrDamaged) {
			return 0, false, nil
		}
		return c.FirstSeq, err == nil, err
	}
	low, high := at, lastChunk
	for low < high {
		middle := low + (high-low)/2
		f, there, err := first(middle)
		if err != nil {
			return 0, false, fmt.Errorf("read epoch %v at seq %d: %w", epoch, middle, err)
		}
		if there && f > at {
			high = middle
		} else {
			low = middle + 1
		}
	}
	if low <= at || low > lastChunk {
		return 0, false, nil
	}
	f, there, err := first(low)
	if err != nil {
		return 0, false, fmt.Errorf("read epoch %v at seq %d: %w", epoch, low, err)
	}
	return f, there && f > at, nil
}

// A claim is what somebody has of an epoch.
type claim struct {
	seq    uint64
	chain  receipt.Hash
	source string
}

// heads holds the journal against what each notary found when it began. What is
// said by one that is not believed does not count.
func (a *auditor) heads() {
	claims := make(map[receipt.Epoch][]claim)
	for _, e := range a.archive.Epochs {
		if e.Disbelief != nil || e.Next == 0 {
			continue
		}
		for _, h := range e.Body.Heads {
			claims[h.Epoch] = append(claims[h.Epoch], claim{h.Seq, h.Chain, "epoch " + e.ID.String() + " found it when it began"})
		}
	}
	a.hold(CheckHeads, Wrong, claims)
}

// positions holds the journal against what senders were given.
func (a *auditor) positions() {
	claims := make(map[receipt.Epoch][]claim)
	for _, p := range a.Positions {
		e := a.archive.Epoch(p.Epoch)
		switch {
		case e == nil || e.Key == nil:
			claims[p.Epoch] = append(claims[p.Epoch], claim{p.Seq, p.Chain, p.Source + " has a position, whose signature cannot be checked: the key was in entry 0"})
		case p.Verify(e.Key) != nil:
			a.find(Finding{
				Check: CheckPositions, Kind: Wrong, Epoch: p.Epoch.String(), First: p.Seq, Last: p.Seq,
				Detail: p.Source + ": the position is not signed by the key in the epoch's entry 0: either it is forged, or the epoch was replaced",
			})
		default:
			claims[p.Epoch] = append(claims[p.Epoch], claim{p.Seq, p.Chain, p.Source + " has its signed position"})
		}
	}
	a.hold(CheckPositions, Forked, claims)
}

// hold compares claims with the chains. Of an epoch that ends too early one
// range is named, up to the last entry that anybody has.
func (a *auditor) hold(check string, other Kind, claims map[receipt.Epoch][]claim) {
	epochs := make([]receipt.Epoch, 0, len(claims))
	for id := range claims {
		epochs = append(epochs, id)
	}
	slices.SortFunc(epochs, func(x, y receipt.Epoch) int { return slices.Compare(x[:], y[:]) })
	for _, id := range epochs {
		list := claims[id]
		slices.SortStableFunc(list, func(x, y claim) int { return cmp.Compare(x.seq, y.seq) })
		e := a.archive.Epoch(id)
		var next, agreed uint64 // agreed: the seq from which on nothing is known to be right
		if e != nil {
			next = e.Next
		}
		forked := false
		for _, c := range list {
			have := a.chains[place{id, c.seq}]
			switch {
			case have == c.chain:
				agreed, forked = c.seq+1, false
			case have != receipt.Hash{} && !forked:
				forked = true // of one fork one range
				a.find(Finding{Check: check, Kind: other, Epoch: id.String(), First: agreed, Last: c.seq, Detail: "another history is there now: " + c.source})
			}
		}
		gone := slices.DeleteFunc(slices.Clone(list), func(c claim) bool { return c.seq < next || a.chains[place{id, c.seq}] != receipt.Hash{} })
		if len(gone) == 0 {
			continue
		}
		last := gone[len(gone)-1]
		what := "the end of the epoch was taken away"
		switch {
		case e == nil:
			what = "the whole epoch is gone"
		case e.Err != nil:
			what = "the epoch holds together only up to there"
		case len(e.Orphans) > 0:
			what = "the journal ends there: what is behind does not follow from it, and is not of a commit that anybody was told of unless this one was taken away"
		}
		var sources []string
		for _, c := range gone {
			if len(sources) < 2 && !slices.Contains(sources, c.source) {
				sources = append(sources, c.source)
			}
		}
		a.find(Finding{
			Check: check, Kind: Missing, Epoch: id.String(), First: next, Last: last.seq, OrMore: true,
			Detail: what + ": " + strings.Join(sources, "; "),
		})
	}
}
