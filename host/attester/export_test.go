package attester

import (
	"context"
	"time"
)

// SetClock replaces the monotonic clock and the waiting on it.
func (a *Attester) SetClock(mono func() time.Duration, wait func(context.Context, time.Duration) error) {
	a.mono, a.wait = mono, wait
}

// Pretend makes a copy of the current attestation, with another expiry and
// verified now, the current one.
func (a *Attester) Pretend(notAfter time.Time) {
	att := *a.Current()
	att.NotAfter = notAfter
	a.publish(&att, a.now(), a.mono())
}
