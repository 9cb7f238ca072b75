package commitlog

import (
	"math/rand/v2"
	"net/http"
	"strconv"
	"time"
)

const (
	firstPause = 100 * time.Millisecond
	lastPause  = time.Minute
	// maxRetryAfter bounds what a server can ask for.
	maxRetryAfter = 10 * time.Minute
)

// A backoff says how long to wait after each failure in a row: twice as long as
// before, up to a minute, and by chance up to a half less, so that those who failed
// together do not come again together. The zero value is ready.
type backoff struct{ failures int }

func (b *backoff) next() time.Duration {
	d := min(lastPause, firstPause<<min(b.failures, 10))
	b.failures++
	return d/2 + rand.N(d/2)
}

// retryAfter reads the header Retry-After (RFC 9110 section 10.2.3), seconds or a
// date; 0 if there is none that can be read.
func retryAfter(h http.Header, now time.Time) time.Duration {
	text := h.Get("Retry-After")
	if s, err := strconv.ParseUint(text, 10, 31); err == nil {
		return min(time.Duration(s)*time.Second, maxRetryAfter)
	}
	if at, err := http.ParseTime(text); err == nil {
		return min(max(at.Sub(now), 0), maxRetryAfter)
	}
	return 0
}
