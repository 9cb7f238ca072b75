package hands

import (
	"sync"
	"sync/atomic"
	"testing"

	"go.uber.org/goleak"
)

// TestNobodyWaits: however many are at work, one more begins at once; all that was given
// is done once; and nobody is left.
func TestNobodyWaits(t *testing.T) {
	defer goleak.VerifyNone(t)
	h := New(2)
	var done atomic.Int64
	const most = 50
	for range 20 {
		var all, working sync.WaitGroup
		release := make(chan struct{})
		for range most {
			all.Add(1)
			working.Add(1)
			h.Go(func() {
				defer all.Done()
				working.Done()
				<-release
				done.Add(1)
			})
		}
		working.Wait()
		close(release)
		all.Wait()
	}
	if n := done.Load(); n != 20*most {
		t.Errorf("%d functions have run, want %d", n, 20*most)
	}
	h.Rest()
	h.Rest() // again does nothing
	last := make(chan struct{})
	h.Go(func() { close(last) })
	<-last
}

// TestIdleAreUsedAgain: work one after another needs no goroutine more than may be idle.
func TestIdleAreUsedAgain(t *testing.T) {
	h := New(1)
	defer h.Rest()
	for range 100 {
		ran := make(chan struct{})
		h.Go(func() { close(ran) })
		<-ran
	}
	if n := len(h.idle); n > 1 {
		t.Errorf("%d are idle, at most 1", n)
	}
}
