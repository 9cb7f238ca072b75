// Package hands keeps goroutines for work of one kind, so that a stack which had to grow
// for it, and was copied each time, is there for the next.
package hands

import "sync"

// Hands run functions, each in a goroutine, of which idle ones are used again. They are
// safe for concurrent use.
type Hands struct {
	work chan func() // to whoever is idle
	idle chan struct{}
	over chan struct{}
	rest sync.Once
}

// New returns hands of which at most idle wait for work.
func New(idle int) *Hands {
	return &Hands{work: make(chan func()), idle: make(chan struct{}, idle), over: make(chan struct{})}
}

// Go has f run at once, by a new goroutine if none is idle. After Rest, too.
func (h *Hands) Go(f func()) {
	select {
	case h.work <- f:
	default:
		go h.loop(f)
	}
}

func (h *Hands) loop(f func()) {
	for {
		f()
		select {
		case h.idle <- struct{}{}:
		default:
			return
		}
		select {
		case f = <-h.work:
			<-h.idle
		case <-h.over:
			return
		}
	}
}

// Rest ends those who are idle, and the others when they have done what they do.
func (h *Hands) Rest() { h.rest.Do(func() { close(h.over) }) }
