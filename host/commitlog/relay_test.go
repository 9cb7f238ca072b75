package commitlog

import (
	"slices"
	"sync"
	"sync/atomic"
	"testing"
)

// TestRelay: everything is handed on once, in the order in which each adds it, to one goroutine at a
// time, and many at a time if that takes long.
func TestRelay(t *testing.T) {
	const adders, each = 8, 500
	type item struct{ adder, n int }
	var r relay[item]
	var calls, working atomic.Int32
	var all sync.WaitGroup
	all.Add(adders * each)
	next := make([]int, adders)
	begun, goOn := make(chan struct{}), make(chan struct{})
	do := func(items []item) {
		if working.Add(1) != 1 {
			t.Error("two goroutines work")
		}
		if calls.Add(1) == 1 {
			close(begun)
			<-goOn
		}
		for _, i := range items {
			if next[i.adder] != i.n {
				t.Errorf("adder %d: got %d, want %d", i.adder, i.n, next[i.adder])
			}
			next[i.adder]++
		}
		working.Add(-1)
		all.Add(-len(items))
	}
	var adding sync.WaitGroup
	for a := range adders {
		adding.Go(func() {
			for n := range each {
				r.add(item{a, n}, do)
			}
		})
	}
	<-begun
	adding.Wait()
	close(goOn)
	all.Wait()
	if n := calls.Load(); n > 2 {
		t.Errorf("what gathered was handed on in %d calls, at most one is behind the first", n)
	}
	if slices.Min(next) != each {
		t.Errorf("handed on %v, want %d of each", next, each)
	}
}
