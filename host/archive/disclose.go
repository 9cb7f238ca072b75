package archive

import (
	"context"
	"errors"
	"fmt"
	"sort"

	"github.com/veriproof/notary/host/merkle"
	format "github.com/veriproof/notary/sdk/journal"
	"github.com/veriproof/notary/sdk/receipt"
)

// A Disclosure opens single records of a part. It holds the part's tree and one
// segment, so that records can be taken from a part of any size, best in their order. It
// is for one goroutine.
type Disclosure struct {
	archive *Archive
	part    *Part
	keys    *format.PartKeys
	tree    merkle.Tree
	first   []uint64 // leaf index with which each segment begins

	loaded int // segment that content is of
	found  *format.Content
}

// Disclose prepares to open records of a part with a recipient's private key.
func (a *Archive) Disclose(ctx context.Context, p *Part, identity *format.Identity) (*Disclosure, error) {
	keys, err := a.keys(ctx, p, identity)
	if err != nil {
		return nil, err
	}
	d := &Disclosure{archive: a, part: p, keys: keys}
	for _, at := range p.Segments {
		s, err := a.segment(ctx, p, at)
		if err != nil {
			return nil, err
		}
		d.first = append(d.first, d.tree.Size())
		for _, leaf := range s.Leaves {
			d.tree.Append(leaf)
		}
	}
	return d, nil
}

// segment reads a part's segment, whose hash is checked and whose content is not.
func (a *Archive) segment(ctx context.Context, p *Part, at Segment) (*format.Segment, error) {
	e, err := Entry(ctx, a.store, p.ID.Epoch, at.Seq)
	if err != nil {
		return nil, err
	}
	return format.ParseSegment(e.Body)
}

// Leaves returns how many records the part has, the summary included.
func (d *Disclosure) Leaves() uint64 { return d.tree.Size() }

// ErrNoSummary says that a part has no summary leaf.
var ErrNoSummary = errors.New("the part has no summary: it was recovered, and its keys were gone")

// Summary returns the leaf index of the summary.
func (d *Disclosure) Summary(ctx context.Context) (uint64, error) {
	if d.Leaves() == 0 {
		return 0, ErrNoSummary
	}
	last := d.Leaves() - 1
	r, _, _, err := d.record(ctx, last)
	if err == nil && r.Kind != receipt.Closing {
		err = ErrNoSummary
	}
	return last, err
}

// Opening discloses the record at a leaf index, with its edit list.
func (d *Disclosure) Opening(ctx context.Context, index uint64) (*receipt.Opening, error) {
	r, segment, place, err := d.record(ctx, index)
	if err != nil {
		return nil, err
	}
	path, err := d.tree.Path(index)
	if err != nil {
		return nil, err
	}
	return opening(r, d.keys, segment, place, index, path), nil
}

// record decrypts the segment that has a leaf, unless it is the one at hand.
func (d *Disclosure) record(ctx context.Context, index uint64) (r *receipt.Record, segment uint64, place uint32, err error) {
	if index >= d.Leaves() {
		return nil, 0, 0, fmt.Errorf("record %d of %d: %w", index, d.Leaves(), ErrNotFound)
	}
	i := sort.Search(len(d.first), func(i int) bool { return d.first[i] > index }) - 1
	at := d.part.Segments[i]
	if d.found == nil || d.loaded != i {
		s, err := d.archive.segment(ctx, d.part, at)
		if err != nil {
			return nil, 0, 0, err
		}
		if d.found, err = d.keys.OpenSegment(at.Number, s); err != nil {
			return nil, 0, 0, err
		}
		d.loaded = i
	}
	place = uint32(index - d.first[i])
	if uint64(place) >= uint64(len(d.found.Records)) {
		return nil, 0, 0, fmt.Errorf("record %d of %d: %w", index, d.Leaves(), ErrNotFound)
	}
	return &d.found.Records[place], at.Number, place, nil
}

func opening(r *receipt.Record, keys *format.PartKeys, segment uint64, place uint32, index uint64, path []receipt.Hash) *receipt.Opening {
	key := keys.EditKey(segment, place)
	return &receipt.Opening{
		Index: index, Kind: r.Kind, Salt: keys.Salt(segment, place),
		EditCommitment: receipt.EditCommitment(key, r.Edits),
		Resource:       r.Resource, Scope: r.Scope, Record: r.Bytes,
		EditKey: &key, Edits: r.Edits, Path: path,
	}
}

// Session returns the id of the session that the part is of.
func (d *Disclosure) Session(ctx context.Context) ([]byte, error) {
	if _, _, _, err := d.record(ctx, 0); err != nil {
		return nil, err
	}
	return d.found.Session, nil
}
