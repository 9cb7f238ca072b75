package attester

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"time"
)

const (
	// tick bounds one wait. The wall clock may jump during it, so the schedule
	// is looked at again at least this often.
	tick = 30 * time.Second

	// retryFirst and retryMax bound the wait after a failed renewal, which
	// doubles in between. MAA's client has its own, shorter repetitions inside.
	retryFirst = 5 * time.Second
	retryMax   = time.Minute

	// renewSoonest keeps a provider with very short tokens from being asked
	// without pause.
	renewSoonest = 10 * time.Second
)

// Run renews the attestation until ctx ends, and returns ctx's error and no
// other. If there is none yet, it begins at once.
//
// A renewed attestation is given to onRenew, which makes it durable (an evidence
// entry in the journal), and becomes the current one only after onRenew returned
// nil: what is served must be on record. An error of onRenew is treated like a
// failed attestation, and the next attempt makes a new one. onRenew may be nil.
func (a *Attester) Run(ctx context.Context, onRenew func(context.Context, *Attestation) error) error {
	next := a.schedule()
	retry := retryFirst
	for ctx.Err() == nil {
		if left := next.Sub(a.now()); left > 0 {
			if a.wait(ctx, min(left, tick)) != nil {
				break
			}
			continue
		}
		err := a.renew(ctx, onRenew)
		if ctx.Err() != nil {
			break
		}
		if err == nil {
			next, retry = a.schedule(), retryFirst
			continue
		}
		pause := spread(retry)
		a.log.WarnContext(ctx, "attestation was not renewed", slog.Any("err", err), slog.Duration("retry_in", pause))
		// A wait and not a new date in next: a clock that jumps back must not
		// put the next attempt off.
		if a.wait(ctx, pause) != nil {
			break
		}
		retry = min(2*retry, retryMax)
	}
	return ctx.Err()
}

// schedule returns when to renew: at half of what is left of the current token,
// give or take a tenth, so that notaries that started together do not ask
// together.
func (a *Attester) schedule() time.Time {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.current == nil {
		return time.Time{}
	}
	left := a.current.NotAfter.Sub(a.verified)
	half := left/2 - left/20 + rand.N(left/10+1)
	a.renewal = a.verified.Add(max(half, renewSoonest))
	return a.renewal
}

// renew makes one attempt.
func (a *Attester) renew(ctx context.Context, onRenew func(context.Context, *Attestation) error) error {
	a.attesting.Lock()
	defer a.attesting.Unlock()
	r, err := a.attest(ctx, nil)
	if err == nil && onRenew != nil {
		err = onRenew(ctx, r.att)
	}
	if err != nil {
		a.mu.Lock()
		defer a.mu.Unlock()
		a.cause = err
		a.failed++
		return err
	}
	a.publish(r.att, r.verified, r.at)
	a.mu.Lock()
	defer a.mu.Unlock()
	a.renewed++
	a.log.InfoContext(ctx, "attestation renewed", slog.Time("not_after", r.att.NotAfter))
	return nil
}

// spread returns between half of d and d.
func spread(d time.Duration) time.Duration { return d/2 + rand.N(d/2+1) }

// wait returns nil after d, or ctx's error before that.
func wait(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}
