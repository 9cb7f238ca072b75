package archive

import (
	"cmp"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"

	"github.com/veriproof/notary/host/journal"
	"github.com/veriproof/notary/host/merkle"
	format "github.com/veriproof/notary/sdk/journal"
	"github.com/veriproof/notary/sdk/receipt"
)

// ErrNotFound says that storage does not hold what was asked for.
var ErrNotFound = errors.New("not in storage")

// ErrErased says that a part cannot be read, as the journal orders.
var ErrErased = errors.New("the session part was erased")

// Entry reads one entry and checks that it is the one asked for. The chain was
// checked by the scan; the entry's own hash is checked here again.
func Entry(ctx context.Context, store journal.Store, epoch receipt.Epoch, seq uint64) (*format.Entry, error) {
	c, err := store.Get(ctx, epoch, seq)
	if err != nil {
		return nil, fmt.Errorf("read entry %d of epoch %v: %w", seq, epoch, err)
	}
	for rest := []byte(c.Entries); len(rest) > 0; {
		e, after, err := format.Decode(rest)
		if err != nil {
			return nil, err
		}
		if e.Epoch == epoch && e.Seq == seq {
			return e, nil
		}
		rest = after
	}
	return nil, fmt.Errorf("entry %d of epoch %v: %w", seq, epoch, ErrNotFound)
}

func (a *Archive) partsOf(epoch receipt.Epoch) []*Part {
	var out []*Part
	for id, p := range a.parts {
		if id.Epoch == epoch {
			out = append(out, p)
		}
	}
	slices.SortFunc(out, func(p, q *Part) int { return cmp.Compare(p.FirstSeq, q.FirstSeq) })
	return out
}

// Unsealed returns the parts of an epoch that have no receipt, in the order of
// their first entries.
func (a *Archive) Unsealed(epoch receipt.Epoch) []*Part {
	return slices.DeleteFunc(a.partsOf(epoch), func(p *Part) bool { return p.Manifest != nil })
}

// An Opened part is a part's plaintext.
type Opened struct {
	Part    *Part
	Tenant  string
	Session []byte
	// Records are the redacted records in leaf order, the summary last if the
	// part has one.
	Records []OpenedRecord
	// Summary is nil for a part that was recovered or is still open.
	Summary *receipt.Summary

	keys *format.PartKeys
	tree merkle.Tree
}

// An OpenedRecord is a record and where its segment has it.
type OpenedRecord struct {
	receipt.Record
	segment uint64
	index   uint32
}

func (p *Part) key() journal.KeyID {
	return journal.KeyID{Epoch: p.ID.Epoch, Handle: p.ID.Handle, Part: p.ID.Part, Near: p.FirstSeq}
}

// HasKey says whether storage has something in the place of the part's wrapped key. Of
// an erased part it has not, unless the erasure was cut short or undone; the next start
// of a notary completes it.
func (a *Archive) HasKey(ctx context.Context, p *Part) (bool, error) {
	switch _, err := a.store.Key(ctx, p.key()); {
	case errors.Is(err, journal.ErrNotFound):
		return false, nil
	case err != nil:
		return false, fmt.Errorf("wrapped key of the session part: %w", err)
	}
	return true, nil
}

// Open decrypts a part with a recipient's private key.
func (a *Archive) Open(ctx context.Context, p *Part, identity *format.Identity) (*Opened, error) {
	keys, err := a.keys(ctx, p, identity)
	if err != nil {
		return nil, err
	}
	o := &Opened{Part: p, keys: keys}
	for _, at := range p.Segments {
		s, err := a.segment(ctx, p, at)
		if err != nil {
			return nil, err
		}
		c, err := keys.OpenSegment(at.Number, s)
		if err != nil {
			return nil, err
		}
		o.Tenant, o.Session = c.Tenant, c.Session
		for i, r := range c.Records {
			o.Records = append(o.Records, OpenedRecord{r, at.Number, uint32(i)})
			o.tree.Append(s.Leaves[i])
		}
	}
	if n := len(o.Records); n > 0 && o.Records[n-1].Kind == receipt.Closing {
		if o.Summary, err = receipt.ParseSummary(o.Records[n-1].Bytes); err != nil {
			return nil, err
		}
	}
	return o, nil
}

// SealedTo says whether a recipient's private key opens parts of the epoch that a part is
// of. It takes no key and reads nothing: whether this part is opened only keys tell.
func (a *Archive) SealedTo(p *Part, recipient receipt.Hash) bool {
	for _, body := range a.byID[p.ID.Epoch].WrapKeys {
		for _, s := range body.Sealed {
			if s.Recipient == recipient {
				return true
			}
		}
	}
	return false
}

func (a *Archive) keys(ctx context.Context, p *Part, identity *format.Identity) (*format.PartKeys, error) {
	if x := p.Erasure; x != nil {
		return nil, fmt.Errorf("%w by entry %d of epoch %v", ErrErased, x.Seq, x.Epoch)
	}
	wrapped, err := a.store.Key(ctx, p.key())
	if errors.Is(err, journal.ErrNotFound) {
		return nil, fmt.Errorf("wrapped key of the session part: %w, and no entry says that it was erased", ErrNotFound)
	}
	if err != nil {
		return nil, fmt.Errorf("wrapped key of the session part: %w", err)
	}
	if sha256.Sum256(wrapped) != p.WrappedDEK {
		return nil, fmt.Errorf("%w: storage has another wrapped key than the segments name", format.ErrKey)
	}
	number, err := format.WrapNumber(wrapped)
	if err != nil {
		return nil, err
	}
	body, ok := a.byID[p.ID.Epoch].WrapKeys[number]
	if !ok {
		return nil, fmt.Errorf("wrap key %d: %w", number, ErrNotFound)
	}
	me := identity.Recipient().ID()
	for _, s := range body.Sealed {
		if s.Recipient != me {
			continue
		}
		wrap, err := identity.Open(format.WrapKey, p.ID.Epoch, number, s.Ciphertext)
		if err != nil {
			return nil, err
		}
		dek, err := format.UnwrapDEK(wrap, p.ID, wrapped)
		if err != nil {
			return nil, err
		}
		return format.DeriveKeys(dek, p.ID), nil
	}
	return nil, fmt.Errorf("%w: the session is not encrypted to this identity (recipient %v)", format.ErrKey, me)
}

// Opening discloses the record at a leaf index, with its edit list.
func (o *Opened) Opening(index uint64) (*receipt.Opening, error) {
	if index >= uint64(len(o.Records)) {
		return nil, fmt.Errorf("record %d of %d: %w", index, len(o.Records), ErrNotFound)
	}
	path, err := o.tree.Path(index)
	if err != nil {
		return nil, err
	}
	r := &o.Records[index]
	return opening(&r.Record, o.keys, r.segment, r.index, index, path), nil
}
