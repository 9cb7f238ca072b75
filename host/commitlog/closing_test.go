package commitlog

import (
	"context"
	"errors"
	"testing"

	"golang.org/x/mod/sumdb/tlog"
)

// TestProofWhileGivenUp: a log that is given up reads no more tiles. Nothing is damaged by that.
func TestProofWhileGivenUp(t *testing.T) {
	ctx, giveUp := context.WithCancel(t.Context())
	giveUp()
	c := published{}
	c.N = 3
	hashes := tlog.HashReaderFunc(func([]int64) ([]tlog.Hash, error) { return nil, ctx.Err() })
	if _, err := prove(c, hashes, 1, commitment(1)); !errors.Is(err, ErrClosed) || errors.Is(err, ErrCorrupt) {
		t.Errorf("%v, want ErrClosed", err)
	}
}
