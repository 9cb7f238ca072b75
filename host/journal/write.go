package journal

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"
)

// Write makes one group durable by the write rule that a Writer follows: it
// retries byte for byte, reads back on a conflict, and returns nil,
// [ErrFenced] if other bytes are there, or [ErrEnded] if the outcome is still
// unknown after UnknownLimit. It is for the fence that another epoch writes; a
// Writer's own groups go the same way.
func Write(ctx context.Context, store Store, g Group, opts Options) error {
	return write(ctx, store, g, opts, func(f func()) { go f() })
}

func write(ctx context.Context, store Store, g Group, opts Options, run func(func())) error {
	opts.setDefaults()
	limit, cancel := context.WithTimeout(ctx, opts.UnknownLimit)
	defer cancel()
	var err error
	for n := 0; ; n++ {
		if limit.Err() != nil { // no try is begun that nobody waits for
			return fmt.Errorf("%w: entries from seq %d on: outcome unknown after %d tries: %w", ErrEnded, g.FirstSeq, n, cmp.Or(err, limit.Err()))
		}
		err = within(limit, run, func() error {
			err := store.Put(limit, g)
			if errors.Is(err, ErrConflict) {
				err = readBack(limit, store, g)
			}
			return err
		})
		if err == nil || errors.Is(err, ErrFenced) {
			return err
		}
		t := time.NewTimer(opts.Backoff(n + 1))
		select {
		case <-t.C:
		case <-limit.Done():
			t.Stop()
		}
	}
}

// within runs f and returns ctx's error if that ends first: storage that hangs in
// a system call heeds no context, and must not keep the epoch from ending. f then
// goes on by itself; what it may still write is the group as it is.
func within(ctx context.Context, run func(func()), f func() error) error {
	done := make(chan error, 1)
	run(func() { done <- f() })
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// readBack tells our own earlier write, whose answer was lost, from another's.
func readBack(ctx context.Context, store Store, g Group) error {
	c, err := store.Get(ctx, g.Epoch, g.FirstSeq)
	if err != nil {
		return fmt.Errorf("journal: read back after a conflict at seq %d: %w", g.FirstSeq, err)
	}
	if c.FirstSeq == g.FirstSeq && bytes.Equal(c.Entries, bytes.Join(raw(g.Entries), nil)) {
		return nil
	}
	return fmt.Errorf("%w: seq %d holds other bytes", ErrFenced, g.FirstSeq)
}

func raw(s []Sealed) [][]byte {
	b := make([][]byte, len(s))
	for i := range s {
		b[i] = s[i]
	}
	return b
}
