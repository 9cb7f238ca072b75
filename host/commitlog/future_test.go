package commitlog

import (
	"context"
	"errors"
	"testing"

	"github.com/transparency-dev/tessera"
)

// TestFutureThatNeverResolves: an entry that is still queued when the log is
// given up does not keep Close from returning.
func TestFutureThatNeverResolves(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	release := make(chan struct{})
	defer close(release)
	l := &tree{ctx: ctx}
	_, err := l.index(func() (tessera.Index, error) {
		<-release
		return tessera.Index{}, nil
	})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("the wait ended with %v", err)
	}
}
