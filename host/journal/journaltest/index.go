package journaltest

import (
	"bytes"
	"cmp"
	"context"
	"slices"
	"sync/atomic"

	"github.com/veriproof/notary/host/journal"
	format "github.com/veriproof/notary/sdk/journal"
)

// An Indexed store tells of another, as it was when the index was made, where the entries
// of a session stand, unless it lies.
type Indexed struct {
	journal.Store
	// Page is the most places of an answer.
	Page int
	// Lie, if not nil, makes of each answer what is told instead.
	Lie func(from journal.Place, bits int, honest []journal.Place) []journal.Place

	places []journal.Place // with their handles, sorted
	gets   atomic.Int64
}

// Index makes an index of what a store has.
func Index(ctx context.Context, s journal.Store) (*Indexed, error) {
	heads, err := s.Epochs(ctx)
	if err != nil {
		return nil, err
	}
	x := &Indexed{Store: s, Page: 3}
	for _, h := range heads {
		for at := h.LastChunk; ; {
			c, err := s.Get(ctx, h.Epoch, at)
			if err != nil {
				return nil, err
			}
			for rest := []byte(c.Entries); len(rest) > 0; {
				e, after, err := format.Decode(rest)
				if err != nil {
					return nil, err
				}
				x.places = append(x.places, journal.Place{Handle: e.Handle, Epoch: e.Epoch, Seq: e.Seq, Kind: uint8(e.Kind)})
				rest = after
			}
			if c.FirstSeq == 0 {
				break
			}
			at = c.FirstSeq - 1
		}
	}
	slices.SortFunc(x.places, inOrder)
	return x, nil
}

func inOrder(p, q journal.Place) int {
	return cmp.Or(bytes.Compare(p.Handle[:], q.Handle[:]), bytes.Compare(p.Epoch[:], q.Epoch[:]), cmp.Compare(p.Seq, q.Seq))
}

// Get implements journal.Store, and counts.
func (x *Indexed) Get(ctx context.Context, epoch [16]byte, seq uint64) (journal.Chunk, error) {
	x.gets.Add(1)
	return x.Store.Get(ctx, epoch, seq)
}

// Gets says how many chunks were read.
func (x *Indexed) Gets() int { return int(x.gets.Load()) }

// Places implements journal.Index.
func (x *Indexed) Places(_ context.Context, from journal.Place, bits int) ([]journal.Place, error) {
	last := from.Handle
	for bit := bits; bit < 256; bit++ {
		last[bit/8] |= 0x80 >> (bit % 8)
	}
	i, _ := slices.BinarySearchFunc(x.places, from, inOrder)
	var out []journal.Place
	for _, p := range x.places[i:] {
		if bytes.Compare(p.Handle[:], last[:]) > 0 || len(out) == x.Page {
			break
		}
		p.Handle = [32]byte{}
		out = append(out, p)
	}
	if x.Lie != nil {
		out = x.Lie(from, bits, out)
	}
	return out, nil
}
