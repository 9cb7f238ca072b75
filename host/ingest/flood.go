package ingest

import (
	"sync/atomic"
	"time"
)

// ebb is how long a flood is taken to last beyond what was last seen of it.
const ebb = time.Second

// A Flood tells whether connections that are not in good standing wait for each other: they
// have all the processor time then that they get, and keep as many processors busy. Whatever
// else the process does can heed it. The servers of a process share one; its zero value is
// of none. It is safe for concurrent use.
type Flood struct {
	// Begins, if set before there are servers, is called when a flood has begun, and what it
	// returns when that is over, before it is called again. It is called by a goroutine of its own.
	Begins func() (over func())

	seen    atomic.Int64 // Unix time in nanoseconds
	watched atomic.Bool
}

// On is true while such connections wait, and for a second after.
func (f *Flood) On() bool {
	age := time.Duration(time.Now().UnixNano() - f.seen.Load())
	return age >= 0 && age < ebb // a clock that is set back ends a flood, and not the other way about
}

func (f *Flood) see() {
	f.seen.Store(time.Now().UnixNano())
	if f.Begins != nil && f.watched.CompareAndSwap(false, true) {
		go f.watch()
	}
}

func (f *Flood) watch() {
	defer f.watched.Store(false)
	over := f.Begins()
	defer over()
	for f.On() {
		time.Sleep(ebb)
	}
}
