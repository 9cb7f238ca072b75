package commitlog

import (
	"context"
	"errors"
	"testing"

	"github.com/transparency-dev/tessera"
)

// TestFutureThatNeverResolves: an entry that is still queued when the log is
// given up keeps neither its Submit nor Close from returning, and what comes too late
// changes nothing.
func TestFutureThatNeverResolves(t *testing.T) {
	ctx, giveUp := context.WithCancel(t.Context())
	queued, resolve, resolved := make(chan struct{}), make(chan struct{}), make(chan struct{})
	l := &tree{ctx: ctx, slots: make(chan struct{}, 1), usable: func() error { return nil }}
	l.add = func(context.Context, *tessera.Entry) tessera.IndexFuture {
		close(queued)
		return func() (tessera.Index, error) {
			<-resolve
			defer close(resolved)
			return tessera.Index{}, errors.New("too late")
		}
	}
	l.watching.Add(1)
	go l.watch()
	submitted := make(chan error)
	go func() {
		_, _, err := l.Submit(t.Context(), commitment(0))
		submitted <- err
	}()
	<-queued
	giveUp()
	if err := <-submitted; !errors.Is(err, ErrClosed) {
		t.Errorf("Submit ended with %v, want ErrClosed", err)
	}
	l.inFlight.Wait()
	l.watching.Wait()
	close(resolve)
	<-resolved
	if _, _, err := l.Submit(t.Context(), commitment(1)); !errors.Is(err, ErrClosed) {
		t.Errorf("a later Submit ended with %v, want ErrClosed", err)
	}
	l.inFlight.Wait()
}
