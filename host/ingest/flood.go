package ingest

import (
	"runtime"
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
	// Processors is how many work for this process. Those who are not in good standing get
	// half. 0 stands for what the Go runtime says when a server is made.
	Processors int
	// Spare, if set before there are servers, is called when the others have to wait though
	// exports leave their half idle at times, and what it returns when that is over, before it is
	// called again. It is called by a goroutine of its own.
	Spare func() (over func())

	seen    atomic.Int64 // Unix time in nanoseconds
	watched atomic.Bool
	atWork  atomic.Int64 // exports
}

// On is true while such connections wait, and for a second after.
func (f *Flood) On() bool {
	age := time.Duration(time.Now().UnixNano() - f.seen.Load())
	return age >= 0 && age < ebb // a clock that is set back ends a flood, and not the other way about
}

func (f *Flood) see() {
	f.seen.Store(time.Now().UnixNano())
	if f.Spare != nil && f.watched.CompareAndSwap(false, true) {
		go f.watch()
	}
}

func (f *Flood) processors() int {
	if f.Processors > 0 {
		return f.Processors
	}
	return runtime.GOMAXPROCS(0)
}

// aside is how many processors those get who are not in good standing.
func (f *Flood) aside() int { return max(1, f.processors()/2) }

const (
	look  = 20 * time.Millisecond // how often exports at work are counted in a flood
	looks = 32                    // of which the mean is taken, the older ones for less
)

// watch has a processor to spare while there is a flood. Where exports keep the other processors busy
// there is nothing to spare: one more would have them interrupt each other.
func (f *Flood) watch() {
	defer f.watched.Store(false)
	spare := f.Spare()
	defer func() { spare() }()
	having, busy, others := true, 0.0, float64(max(1, f.processors()-f.aside()))
	for f.On() {
		time.Sleep(look)
		busy += (float64(f.atWork.Load()) - busy) / looks
		switch {
		case having && busy > others*3/4:
			spare()
			having, spare = false, func() {}
		case !having && busy < others/2:
			having, spare = true, f.Spare()
		}
	}
}
