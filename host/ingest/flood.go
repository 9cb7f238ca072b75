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
	// Spare, if set before there are servers, adds a processor to those that the Go runtime has, and
	// what it returns takes it away again, before Spare is called again. It is called in a flood
	// while few exports are at work, by a goroutine of its own.
	Spare func() (over func())

	seen    atomic.Int64 // Unix time in nanoseconds
	watched atomic.Bool
	sparing atomic.Bool  // what the runtime has is one too many
	atWork  atomic.Int64 // exports
	busy    float64      // the mean of atWork, of who watches
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

// Processors returns how many work for this process when there is no flood.
func (f *Flood) Processors() int {
	if f.sparing.Load() { // which it is before there is one more, and until there is none
		return max(1, runtime.GOMAXPROCS(0)-1)
	}
	return runtime.GOMAXPROCS(0)
}

// aside is how many of so many processors those get who are not in good standing.
func aside(processors int) int { return max(1, processors/2) }

const (
	look  = 20 * time.Millisecond // how often exports at work are counted in a flood
	looks = 32                    // of which the mean is taken, the older ones for less
)

// watch has a processor to spare while there is a flood, and few exports are at work: where they keep
// the processors busy that strangers do not have, one more would have them interrupt each other.
func (f *Flood) watch() {
	defer f.watched.Store(false)
	processors := f.Processors()
	others := float64(max(1, processors-aside(processors)))
	over := f.spared
	defer func() { over() }()
	for having := false; f.On(); time.Sleep(look) {
		f.busy += (float64(f.atWork.Load()) - f.busy) / looks
		switch {
		case having && f.busy > others*3/4:
			over()
			having, over = false, f.spared
		case !having && f.busy < others/2:
			f.sparing.Store(true)
			give := f.Spare()
			having, over = true, func() { give(); f.spared() }
		}
	}
}

func (f *Flood) spared() { f.sparing.Store(false) }
