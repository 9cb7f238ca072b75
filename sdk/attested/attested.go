// Package attested lets an application send to a notary that it accepts, and to
// nobody else.
//
// A [Gate] appraises one notary by a policy: it challenges the control interface
// with a nonce, compares the Evidence, and remembers which TLS key the hardware
// speaks for. Its transports, for gRPC and for HTTP, then let a request pass only to a
// peer with that key, and only as long as the appraisal is fresh. Nothing is sent
// before, and there is no way around: a Gate that cannot appraise is shut.
//
// # Freshness
//
// An appraisal is renewed when half of its time is over, by whoever sends next,
// while the old one still counts. When its time ([Options.Validity]) is over it
// counts for nothing: requests fail with [ErrStale] until the notary has
// answered a new challenge. A peer with another key, such as a notary that was started
// again, is challenged at once; the policy decides about its new keys, plugins and
// configuration as it did about the old ones.
//
// # What is not said here
//
// Certificate authorities have no say: a valid public certificate for the name is
// no reason to send. That the notary keeps what it acknowledged is shown by the
// receipts and signed positions that it returns, not by this package.
package attested

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync"
	"time"

	"github.com/veriproof/notary/attestation"
	"github.com/veriproof/notary/attestation/challenge"
	"github.com/veriproof/notary/attestation/policy"
	"github.com/veriproof/notary/attestation/runtimedata"
)

// Bounds of [Options].
const (
	// DefaultValidity is how long an appraisal counts.
	DefaultValidity = 30 * time.Minute
	// retry is how long after a failed or finished appraisal a peer with another
	// key can cause the next: whoever sits between cannot make the notary busy.
	retry = time.Second
)

// Why a gate is shut. Test with errors.Is.
var (
	// ErrNotAttested: the peer has no Evidence, or its answer does not hold: it is
	// no notary, or somebody stands between.
	ErrNotAttested = errors.New("the peer is not attested")
	// ErrUnreachable is an ErrNotAttested whose reason is that nobody could be asked.
	ErrUnreachable = errors.New("cannot reach the notary")
	// ErrUnacceptable: the Evidence is true or not, but the policy does not accept
	// it; the error is an [*Unacceptable].
	ErrUnacceptable = errors.New("the policy does not accept the notary")
	// ErrPluginSet is an ErrUnacceptable whose reason is the plugins: they are not
	// those that the policy demands.
	ErrPluginSet = errors.New("the plugins are not accepted")
	// ErrStale: the last appraisal is too old, and a new one could not be made; or it is
	// an ErrUnacceptable whose reason is the age of the Evidence.
	ErrStale = errors.New("the appraisal is no longer fresh")
	// ErrPeer: the peer of the connection does not have the attested key.
	ErrPeer = errors.New("the peer does not have the attested key")

	errPlain = errors.New("attested: a request without TLS does not leave")
)

// unreachable says first what is the matter: there is no peer that could be attested.
type unreachable struct{ err error }

func (e *unreachable) Error() string   { return fmt.Sprintf("%v: %v", ErrUnreachable, e.err) }
func (e *unreachable) Unwrap() []error { return []error{ErrUnreachable, ErrNotAttested, e.err} }

// Unacceptable is the result of an appraisal that the policy does not accept.
type Unacceptable struct {
	// Checks are all checks that were made.
	Checks []attestation.Check
}

// Error names the first check that did not pass.
func (e *Unacceptable) Error() string {
	for _, c := range e.Checks {
		if c.Status == attestation.Fail || c.Required && c.Status != attestation.Pass {
			return fmt.Sprintf("%v: %s: %s", ErrUnacceptable, c.Name, c.Detail)
		}
	}
	return ErrUnacceptable.Error()
}

// Is matches [ErrUnacceptable]; [ErrPluginSet] if nothing but the plugins is not
// accepted; and [ErrStale] if nothing but the age of the Evidence is not.
func (e *Unacceptable) Is(target error) bool {
	switch target {
	case ErrUnacceptable:
		return true
	case ErrPluginSet:
		return e.only(func(c *attestation.Check) bool { return strings.HasPrefix(c.Name, "notary.plugin") })
	case ErrStale:
		return e.only(func(c *attestation.Check) bool { return c.Class == attestation.ClassStale })
	}
	return false
}

// only reports whether all checks that did not pass, and at least one, are of a kind.
func (e *Unacceptable) only(kind func(*attestation.Check) bool) bool {
	found := false
	for i := range e.Checks {
		c := &e.Checks[i]
		if c.Status == attestation.Fail || c.Required && c.Status != attestation.Pass {
			if !kind(c) {
				return false
			}
			found = true
		}
	}
	return found
}

// Options of a gate. Control and Policy are required.
type Options struct {
	// Control is the URL of the notary's control interface, https://host:port.
	Control string
	// Policy has the Reference Values.
	Policy *policy.Policy
	// Accept has what belongs to the policy but comes from elsewhere, such as the
	// key set of the MAA instance.
	Accept challenge.Options
	// Validity is how long an appraisal counts; 0 means [DefaultValidity]. A notary
	// whose token expires earlier is appraised as of the time of the challenge, so
	// this is the bound on how long a change of mind about it goes unnoticed.
	Validity time.Duration
	// Observe, if not nil, is called after each appraisal, with its checks or the
	// error. It must not call the gate.
	Observe func(checks []attestation.Check, err error)
}

// A Gate decides about one notary. It is safe for concurrent use.
type Gate struct {
	o       Options
	attempt func(context.Context) (*Appraisal, []attestation.Check, error)
	now     func() time.Time

	mu      sync.Mutex
	current *Appraisal
	tries   uint64    // that are over
	last    time.Time // of the last try
	failed  error     // of the last try, nil after a success
	trying  chan struct{}
}

// An Appraisal is what a gate knows of its notary.
type Appraisal struct {
	// Proof is the answered challenge.
	Proof *challenge.Proof
	// Checks are all that were made; the verdict on them is verified.
	Checks []attestation.Check
	// RuntimeData is what the hardware speaks for.
	RuntimeData *runtimedata.RuntimeData
	// Until is when it stops counting.
	Until time.Time

	spki [32]byte
}

// New makes a gate. It does not connect: the first request does, or [Gate.Check].
func New(o Options) (*Gate, error) {
	switch {
	case o.Policy == nil:
		return nil, errors.New("attested: a gate needs a policy")
	case !strings.HasPrefix(o.Control, "https://"):
		return nil, fmt.Errorf("attested: %.200q is no control interface, want https://host:port", o.Control)
	case o.Validity < 0:
		return nil, fmt.Errorf("attested: validity of %v", o.Validity)
	}
	if o.Validity == 0 {
		o.Validity = DefaultValidity
	}
	g := &Gate{o: o, now: time.Now}
	g.attempt = g.try
	return g, nil
}

// Check returns the appraisal that counts now, and makes one if there is none. While
// a fresh one is being made, a counting one is returned.
func (g *Gate) Check(ctx context.Context) (*Appraisal, error) {
	now := g.now()
	g.mu.Lock()
	a, seen := g.current, g.tries
	// Half its time is over: one request has a fresh one made, and goes on with
	// the old one like all others.
	renew := a.counts(now) && now.After(a.Until.Add(-g.o.Validity/2)) && g.trying == nil && now.Sub(g.last).Abs() >= retry
	g.mu.Unlock()
	if renew {
		go func() { _, _ = g.appraise(context.WithoutCancel(ctx), seen) }()
	}
	if a.counts(now) {
		return a, nil
	}
	old := a
	a, err := g.appraise(ctx, seen)
	if err == nil {
		return a, nil
	}
	if old != nil {
		return nil, fmt.Errorf("attested: %w: %w", ErrStale, err)
	}
	return nil, fmt.Errorf("attested: %w", err)
}

func (a *Appraisal) counts(now time.Time) bool {
	// A clock that went back before the appraisal says nothing about its age.
	return a != nil && now.Before(a.Until) && !now.Before(a.Proof.At.Add(-challenge.MaxAge))
}

// appraise makes an appraisal, one at a time, and waits for it. It is not given up
// when who asked first gives up: others wait for it, too. Who saw fewer tries than
// are over gets what the last of them found: it came between his look and his turn,
// and many who look at once cause one. With an error it returns the last appraisal,
// which still may count.
func (g *Gate) appraise(ctx context.Context, seen uint64) (*Appraisal, error) {
	g.mu.Lock()
	if g.trying == nil && g.tries != seen {
		defer g.mu.Unlock()
		return g.current, g.failed
	}
	if g.trying == nil && g.failed != nil && g.now().Sub(g.last).Abs() < retry {
		defer g.mu.Unlock()
		return g.current, g.failed
	}
	if g.trying == nil {
		g.trying = make(chan struct{})
		go g.turn(context.WithoutCancel(ctx), g.trying)
	}
	done := g.trying
	g.mu.Unlock()
	select {
	case <-done:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.current, g.failed
}

// turn makes one appraisal and closes done.
func (g *Gate) turn(ctx context.Context, done chan struct{}) {
	a, checks, err := g.attempt(ctx)
	g.mu.Lock()
	g.trying, g.last, g.failed = nil, g.now(), err
	g.tries++
	switch {
	case err == nil:
		g.current = a
	case !errors.Is(err, challenge.ErrFetch):
		// A clear no ends what counted before. A notary that cannot be reached does
		// not: whoever cuts the control interface changes nobody's mind.
		g.current = nil
	}
	g.mu.Unlock()
	if g.o.Observe != nil {
		g.o.Observe(checks, err)
	}
	close(done)
}

func (g *Gate) try(ctx context.Context) (*Appraisal, []attestation.Check, error) {
	proof, err := challenge.Fetch(ctx, g.o.Control)
	if err != nil {
		var dial *net.OpError
		if errors.As(err, &dial) && (dial.Op == "dial" || dial.Op == "proxyconnect") {
			return nil, nil, &unreachable{err}
		}
		return nil, nil, fmt.Errorf("%w: %w", ErrNotAttested, err)
	}
	checks := proof.Appraise(g.o.Policy, g.o.Accept)
	if attestation.Verdict(checks) != attestation.Verified {
		return nil, checks, &Unacceptable{Checks: checks}
	}
	rd, err := runtimedata.Parse(proof.RuntimeData)
	if err != nil {
		return nil, checks, fmt.Errorf("%w: %w", ErrNotAttested, err)
	}
	a := &Appraisal{Proof: proof, Checks: checks, RuntimeData: rd, Until: proof.At.Add(g.o.Validity)}
	spki, err := hex.DecodeString(rd.Notary.TLSSPKI)
	if err != nil || len(spki) != len(a.spki) {
		return nil, checks, fmt.Errorf("%w: the runtime data name no TLS key", ErrNotAttested)
	}
	a.spki = [32]byte(spki)
	return a, checks, nil
}

// peer checks the connection's key. One that is not known is a reason to appraise
// again: the notary may have been started anew. It waits for its turn to do so, since
// the last appraisal may have come while the notary was starting; whoever shows one
// key after another causes no more than one appraisal in each retry.
func (g *Gate) peer(ctx context.Context, s *tls.ConnectionState) error {
	if s.Version < tls.VersionTLS13 || len(s.PeerCertificates) == 0 {
		return fmt.Errorf("attested: %w: want TLS 1.3", ErrPeer)
	}
	key := sha256.Sum256(s.PeerCertificates[0].RawSubjectPublicKeyInfo)
	a, err := g.Check(ctx)
	if err != nil {
		return err
	}
	if key == a.spki {
		return nil
	}
	seen, err := g.turnToAppraise(ctx)
	if err == nil {
		_, err = g.appraise(ctx, seen)
	}
	if err != nil {
		return fmt.Errorf("attested: %w: %w", ErrPeer, err)
	}
	if a, err = g.Check(ctx); err != nil {
		return err
	}
	if key != a.spki {
		return fmt.Errorf("attested: %w: it has %x, the hardware speaks for %x", ErrPeer, key[:8], a.spki[:8])
	}
	return nil
}

// turnToAppraise waits until the last appraisal is a retry ago, and returns how many
// tries were over before.
func (g *Gate) turnToAppraise(ctx context.Context) (seen uint64, err error) {
	g.mu.Lock()
	seen, last := g.tries, g.last
	g.mu.Unlock()
	if left := retry - g.now().Sub(last).Abs(); left > 0 {
		select {
		case <-time.After(left):
		case <-ctx.Done():
			return 0, ctx.Err()
		}
	}
	return seen, nil
}
