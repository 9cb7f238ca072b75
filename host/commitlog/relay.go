package commitlog

import "sync"

// A relay hands what it gets to one goroutine, in order, as much at a time as has gathered.
// Each entry that had a goroutine of its own would be another one to wake when Tessera has
// integrated a batch: hundreds at once, behind which whoever shares the processors waits.
// The goroutine ends when there is nothing more.
type relay[T any] struct {
	mu      sync.Mutex
	running bool
	waiting []T
}

// add hands x on to do, which is the same function each time.
func (r *relay[T]) add(x T, do func([]T)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.waiting = append(r.waiting, x)
	if r.running {
		return
	}
	r.running = true
	go func() {
		for all := r.take(); len(all) > 0; all = r.take() {
			do(all)
		}
	}()
}

func (r *relay[T]) take() []T {
	r.mu.Lock()
	defer r.mu.Unlock()
	all := r.waiting
	r.waiting = nil
	r.running = len(all) > 0
	return all
}
