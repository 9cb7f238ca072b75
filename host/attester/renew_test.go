package attester_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/veriproof/notary/attestation/evidence"
	"github.com/veriproof/notary/attestation/maa"
	"github.com/veriproof/notary/attestation/simtee"
	"github.com/veriproof/notary/host/attester"
)

// A clock runs only when it is waited on. True time passes by the monotonic
// clock; the wall clock is the host's and may be wrong.
type clock struct {
	mu      sync.Mutex
	start   time.Time
	mono    time.Duration
	wrong   time.Duration // wall clock less true time
	stopped bool
}

func newClock() *clock { return &clock{start: time.Now().Round(0)} }

func (c *clock) truth() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.start.Add(c.mono)
}

func (c *clock) wall() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.start.Add(c.mono + c.wrong)
}

func (c *clock) elapsed() time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.mono
}

func (c *clock) jump(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.wrong += d
}

func (c *clock) stop() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.stopped = true
}

func (c *clock) pass(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.mono += d
	if c.stopped {
		c.wrong -= d
	}
}

// A life is a notary under a clock, in a simulated machine that keeps true time.
type life struct {
	*clock
	*attester.Attester
	tee     *simtee.TEE
	reports [][]byte // collected, in order
}

func newLife(t testing.TB, lifetime time.Duration) *life {
	l := &life{clock: newClock()}
	tee, o := machine(t, simtee.Options{Now: l.truth, TokenLifetime: lifetime})
	l.tee = tee
	o.Now = l.wall
	inner := o.Source
	o.Source = source(func(ctx context.Context, rd []byte) (*evidence.Evidence, error) {
		ev, err := inner.Collect(ctx, rd)
		if err == nil {
			l.reports = append(l.reports, ev.Report)
		}
		return ev, err
	})
	l.Attester = create(t, o)
	l.SetClock(l.elapsed, nil)
	if _, err := l.Attest(context.Background(), nil); err != nil {
		t.Fatal(err)
	}
	return l
}

// run lets d pass in Run, calling check after each wait.
func (l *life) run(t testing.TB, d time.Duration, check func(), onRenew func(context.Context, *attester.Attestation) error) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	end := l.elapsed() + d
	waits := 0
	l.SetClock(l.elapsed, func(ctx context.Context, d time.Duration) error {
		if d <= 0 || d > time.Minute {
			t.Errorf("a wait of %v: a jump of the clock would go unnoticed", d)
		}
		if waits++; waits > 1_000_000 {
			t.Error("busy loop")
			cancel()
		}
		l.pass(d)
		if check != nil {
			check()
		}
		if l.elapsed() >= end {
			cancel()
		}
		return ctx.Err()
	})
	if err := l.Run(ctx, onRenew); !errors.Is(err, context.Canceled) {
		t.Errorf("Run: %v, want the context's error", err)
	}
}

// fresh fails the test if the notary takes data when it must not, or the other
// way round.
func (l *life) wantFresh(t testing.TB, want bool) {
	t.Helper()
	if err := l.Fresh(); (err == nil) != want {
		t.Fatalf("after %v: Fresh is %v, want fresh: %v", l.elapsed(), err, want)
	}
}

func TestT26RenewalAtHalfLife(t *testing.T) {
	l := newLife(t, 8*time.Hour)
	var at []time.Duration
	last := l.Current()
	l.run(t, 48*time.Hour, func() { l.wantFresh(t, true) }, func(_ context.Context, a *attester.Attestation) error {
		at = append(at, l.elapsed())
		if l.Current() != last {
			t.Error("the new attestation was published before it was on record")
		}
		last = a
		return nil
	})
	if len(at) < 10 || len(at) > 14 {
		t.Fatalf("%d renewals in 48 h with tokens of 8 h, want about 12: %v", len(at), at)
	}
	before := time.Duration(0)
	spread := map[time.Duration]bool{}
	for _, d := range at {
		gap := d - before
		if gap < 3*time.Hour+30*time.Minute || gap > 4*time.Hour+30*time.Minute {
			t.Errorf("renewed %v after the last, want half of 8 h give or take a tenth", gap)
		}
		spread[gap] = true
		before = d
	}
	if len(spread) == 1 {
		t.Error("no jitter: all gaps are the same")
	}
	if renewed, failed := l.Counts(); renewed != uint64(len(at)) || failed != 0 || l.Current() != last {
		t.Errorf("counts %d %d, current %p, want %p", renewed, failed, l.Current(), last)
	}
	seen := map[string]bool{}
	for _, r := range l.reports {
		seen[string(r)] = true
	}
	if len(seen) != len(at)+1 {
		t.Errorf("%d different reports for %d attestations: each needs a fresh one", len(seen), len(at)+1)
	}
	if !bytes.Equal(last.Evidence.Report, l.reports[len(l.reports)-1]) {
		t.Error("the current attestation is not over the last report")
	}
}

// T26: serve until the expiry less the margin, then stop, no crash loop, and go
// on when MAA is back.
func TestT26MAADown(t *testing.T) {
	l := newLife(t, 12*time.Minute)
	l.tee.SetFaults(simtee.Faults{MAADown: true})
	end := l.Current().NotAfter.Add(-attester.DefaultMargin)
	l.run(t, 20*time.Minute, func() { l.wantFresh(t, l.truth().Before(end)) }, nil)
	var stale *attester.StaleError
	var service *maa.ServiceError
	if err := l.Fresh(); !errors.As(err, &stale) || !stale.NotAfter.Equal(l.Current().NotAfter) || !errors.As(err, &service) {
		t.Errorf("Fresh is %v, want a StaleError with MAA's answer", err)
	}
	if _, failed := l.Counts(); failed < 10 || failed > 40 {
		t.Errorf("%d attempts in 14 minutes, want about one a minute", failed)
	}
	l.tee.SetFaults(simtee.Faults{})
	l.run(t, 2*time.Minute, nil, nil)
	l.wantFresh(t, true)
}

func TestRunWithoutFirstAttestation(t *testing.T) {
	c := newClock()
	tee, o := machine(t, simtee.Options{Now: c.truth})
	o.Now = c.wall
	l := &life{clock: c, tee: tee, Attester: create(t, o)}
	tee.SetFaults(simtee.Faults{SidecarDown: true})
	l.run(t, 10*time.Minute, func() { l.wantFresh(t, false) }, nil)
	if err := l.Fresh(); !errors.As(err, new(*attester.StepError)) {
		t.Errorf("Fresh is %v, want the failed step in it", err)
	}
	tee.SetFaults(simtee.Faults{})
	l.run(t, time.Minute, func() { l.wantFresh(t, true) }, nil)
}

func TestRenewalThatIsNotRecordedDoesNotCount(t *testing.T) {
	l := newLife(t, 8*time.Hour)
	first := l.Current()
	refuse := errors.New("journal is full")
	var offered []*attester.Attestation
	l.run(t, 5*time.Hour, nil, func(_ context.Context, a *attester.Attestation) error {
		offered = append(offered, a)
		if len(offered) < 4 {
			if l.Current() != first {
				t.Error("published without being on record")
			}
			return refuse
		}
		return nil
	})
	if renewed, failed := l.Counts(); renewed != 1 || failed != 3 {
		t.Errorf("%d renewed, %d failed, want 1 and 3", renewed, failed)
	}
	if l.Current() != offered[3] || offered[3] == offered[2] || bytes.Equal(offered[3].Evidence.Report, offered[2].Evidence.Report) {
		t.Error("the attestation that was recorded must be a new one, and current")
	}
}

func TestT10ClockJumps(t *testing.T) {
	const year = 365 * 24 * time.Hour
	for _, c := range []struct {
		name  string
		wrong func(*clock)
		fresh bool // while the clock is wrong
	}{
		{"a year ahead", func(c *clock) { c.jump(year) }, false},
		{"a year behind", func(c *clock) { c.jump(-year) }, true},
		{"stopped", func(c *clock) { c.stop() }, true},
		{"an hour ahead", func(c *clock) { c.jump(time.Hour) }, true},
		{"an hour behind", func(c *clock) { c.jump(-time.Hour) }, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			l := newLife(t, 4*time.Hour)
			c.wrong(l.clock)
			l.wantFresh(t, c.fresh)
			span := 3 * time.Hour
			if !c.fresh {
				span = 3 * time.Minute // each attempt costs
			}
			l.run(t, span, func() { l.wantFresh(t, c.fresh) }, nil)
			if renewed, failed := l.Counts(); (renewed > 0) != c.fresh || (failed > 0) == c.fresh {
				t.Errorf("%d renewed, %d failed", renewed, failed)
			}
			if !c.fresh && !errors.Is(l.Fresh(), maa.ErrExpired) {
				t.Errorf("Fresh is %v, want the reason that tokens do not fit the clock", l.Fresh())
			}
			l.jump(-l.wrong)
			l.stopped = false
			l.run(t, 2*time.Minute, nil, nil)
			l.wantFresh(t, true)
		})
	}
}

// Whatever the host does to the wall clock, an expired token is never taken for a
// fresh one.
func TestT10NoJumpRevivesAToken(t *testing.T) {
	l := newLife(t, time.Hour)
	rapid.Check(t, func(r *rapid.T) {
		l.Pretend(l.truth().Add(time.Hour))
		end := l.Current().NotAfter.Add(-attester.DefaultMargin)
		for range 12 {
			l.pass(time.Duration(rapid.Int64Range(0, int64(20*time.Minute)).Draw(r, "passes")))
			l.jump(time.Duration(rapid.Int64Range(-int64(100*time.Hour), int64(100*time.Hour)).Draw(r, "jumps")))
			if l.Fresh() == nil && !l.truth().Before(end) {
				r.Fatalf("fresh at %v, the token ended for us at %v", l.truth(), end)
			}
		}
		l.jump(-l.wrong)
	})
}

func TestShortTokensDoNotLoop(t *testing.T) {
	c := newClock()
	tee, o := machine(t, simtee.Options{Now: c.truth, TokenLifetime: 3 * time.Second})
	o.Now, o.Margin = c.wall, time.Second
	l := &life{clock: c, tee: tee, Attester: create(t, o)}
	l.run(t, time.Minute, nil, nil)
	if renewed, _ := l.Counts(); renewed < 3 || renewed > 7 {
		t.Errorf("%d renewals in a minute", renewed)
	}
}

func TestStaleErrorText(t *testing.T) {
	end := time.Unix(1_800_000_000, 0)
	for _, c := range []struct {
		err  attester.StaleError
		want string
	}{
		{attester.StaleError{}, "not yet attested"},
		{attester.StaleError{Cause: errors.New("why")}, "not yet attested: why"},
		{attester.StaleError{NotAfter: end}, "attestation token ends at 2027-01-15T08:00:00Z and could not be renewed in time"},
		{
			attester.StaleError{NotAfter: end, Cause: &attester.StepError{Step: attester.StepToken, Err: errors.New("why")}},
			"attestation token ends at 2027-01-15T08:00:00Z and could not be renewed in time: attestation, step maa token: why",
		},
	} {
		if got := fmt.Sprint(&c.err); got != c.want {
			t.Errorf("got %q, want %q", got, c.want)
		}
	}
}
