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
type Flood struct{ seen atomic.Int64 } // Unix time in nanoseconds

// On is true while such connections wait, and for a second after.
func (f *Flood) On() bool {
	age := time.Duration(time.Now().UnixNano() - f.seen.Load())
	return age >= 0 && age < ebb // a clock that is set back ends a flood, and not the other way about
}

func (f *Flood) see() { f.seen.Store(time.Now().UnixNano()) }
