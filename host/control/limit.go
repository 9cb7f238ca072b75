package control

import (
	"net/netip"
	"sync"
	"time"
)

const (
	failBurst  = 10                     // failed attempts in a row
	failRefill = 6 * time.Second        // until one more is allowed
	failMemory = 4096                   // addresses remembered
	failForget = failBurst * failRefill // after this an address is as new
)

// failures is a token bucket per remote address. When too many addresses are
// known it forgets them all: that costs log lines, and no memory.
type failures struct {
	mu    sync.Mutex
	until map[netip.Prefix]time.Time // when the bucket is full again
}

// allow counts one failed attempt and reports whether it is within the rate.
func (f *failures) allow(from netip.Prefix, now time.Time) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	full, known := f.until[from]
	if !known && len(f.until) >= failMemory {
		clear(f.until)
	}
	if full.Before(now) || full.After(now.Add(failForget)) { // the latter after a clock set back
		full = now
	}
	full = full.Add(failRefill)
	if full.After(now.Add(failForget)) {
		return false
	}
	if f.until == nil {
		f.until = make(map[netip.Prefix]time.Time)
	}
	f.until[from] = full
	return true
}
