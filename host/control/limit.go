package control

import (
	"net/netip"
	"sync"
	"time"
)

// A Rate allows Burst events at once and one more after each Every.
type Rate struct {
	Burst int
	Every time.Duration
}

const limitMemory = 4096 // addresses remembered

// A limiter is a token bucket per remote address. When too many addresses are
// known it forgets them all: what must hold against many addresses together has a
// limiter under one key as well.
type limiter struct {
	rate  Rate
	mu    sync.Mutex
	until map[netip.Prefix]time.Time // when the bucket is full again
}

// allow counts one event and reports whether it is within the rate. One that is
// not does not count.
func (l *limiter) allow(from netip.Prefix, now time.Time) bool {
	window := time.Duration(l.rate.Burst) * l.rate.Every // after this an address is as new
	l.mu.Lock()
	defer l.mu.Unlock()
	full, known := l.until[from]
	if !known && len(l.until) >= limitMemory {
		clear(l.until)
	}
	if full.Before(now) || full.After(now.Add(window)) { // the latter after a clock set back
		full = now
	}
	full = full.Add(l.rate.Every)
	if full.After(now.Add(window)) {
		return false
	}
	if l.until == nil {
		l.until = make(map[netip.Prefix]time.Time)
	}
	l.until[from] = full
	return true
}
