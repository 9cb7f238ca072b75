package archive

import (
	"context"

	"github.com/veriproof/notary/host/journal"
	"github.com/veriproof/notary/sdk/receipt"
)

// ahead has the chunk that should follow on its way while the one before is checked, so
// that storage and processor are at work at the same time. It is one chunk and no more:
// where the next begins, only the one before tells. Storage is asked for one chunk at a
// time, as without.
type ahead struct {
	store  journal.Store
	epoch  receipt.Epoch
	seq    uint64
	answer chan answer // nil: nothing is on its way
	cancel context.CancelFunc
}

type answer struct {
	chunk journal.Chunk
	err   error
}

// start asks for the chunk at a seq.
func (a *ahead) start(ctx context.Context, epoch receipt.Epoch, seq uint64) {
	a.drop()
	ctx, a.cancel = context.WithCancel(ctx)
	a.epoch, a.seq, a.answer = epoch, seq, make(chan answer, 1)
	go func(to chan<- answer) {
		c, err := a.store.Get(ctx, epoch, seq)
		to <- answer{c, err}
	}(a.answer)
}

// get returns the chunk at or before a seq: the one on its way, if it is that.
func (a *ahead) get(ctx context.Context, epoch receipt.Epoch, seq uint64) (journal.Chunk, error) {
	if a.answer == nil || a.epoch != epoch || a.seq != seq {
		a.drop()
		return a.store.Get(ctx, epoch, seq)
	}
	got := <-a.answer
	a.cancel()
	a.answer = nil
	return got.chunk, got.err
}

// drop gives up what is on its way, and waits until storage is done with it.
func (a *ahead) drop() {
	if a.answer == nil {
		return
	}
	a.cancel()
	<-a.answer
	a.answer = nil
}
