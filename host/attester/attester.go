package attester

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"sync"
	"time"

	"github.com/veriproof/notary/attestation/evidence"
	"github.com/veriproof/notary/attestation/maa"
	"github.com/veriproof/notary/attestation/snp"
	"github.com/veriproof/notary/attestation/uvm"
)

const (
	// DefaultMargin is how long before a token's expiry the notary stops to
	// take data: what is acknowledged then is still sealed under a valid token,
	// and a relying party's clock may differ.
	DefaultMargin = 5 * time.Minute

	// tokenLeeway is the difference granted between our clock and MAA's. It
	// matters at nbf, which MAA sets to the moment of issue; on the side of exp
	// the margin is stricter anyway.
	tokenLeeway = maa.MaxLeeway
)

// Options say where Evidence comes from and what is trusted. Source, MAA, Issuer
// and Roots are required.
type Options struct {
	Source evidence.Source
	MAA    *maa.Client
	// Issuer is the exact iss of acceptable tokens, "https://host[:port]".
	Issuer string
	// PolicyHash, if not empty, is the exact x-ms-policy-hash of acceptable
	// tokens: two providers may share keys and differ in their policies.
	PolicyHash string
	// Roots are the trusted AMD roots; the zero value trusts none.
	Roots snp.Roots
	// UVM says who may endorse utility VMs; the zero value trusts Microsoft.
	UVM uvm.Options
	// UVMFeed is the exact feed of the endorsement; "" means uvm.ContainerFeed.
	UVMFeed string
	// MinimumUVMSVN is the least security version of the utility VM.
	MinimumUVMSVN uint64
	// AllowSimulated accepts tokens that say they are simulated. Only a
	// development build may set it.
	AllowSimulated bool
	// Margin is how long before its expiry a token counts as used up; 0 means
	// DefaultMargin.
	Margin time.Duration
	// Now is the wall clock; nil means time.Now.
	Now func() time.Time
	// Logger hears about renewals; nil discards.
	Logger *slog.Logger
}

// An Attestation is one complete proof of what the notary is: the Evidence, MAA's
// result over it, and what both are about. It is immutable.
type Attestation struct {
	RuntimeData []byte
	Evidence    evidence.Evidence
	Token       string
	JWKS        []byte // the issuer's keys as fetched; data for relying parties, no anchor
	Claims      *maa.Claims
	NotAfter    time.Time // expiry of the token
}

// A Step is one finished step of an attestation, told for a person.
type Step struct {
	Name   string // one of the Step constants
	Detail string // what was found; empty on failure
	Err    error  // a *StepError on failure, else nil
	Took   time.Duration
}

// An Attester obtains and renews the attestation of one epoch.
type Attester struct {
	opts   Options
	keys   *Keys
	claims Claims
	log    *slog.Logger

	// Replaced in tests: the monotonic clock, and waiting on it.
	mono func() time.Duration
	wait func(context.Context, time.Duration) error

	attesting sync.Mutex    // one attestation at a time; taken before mu
	asking    chan struct{} // holds one report for a challenge at a time

	mu       sync.Mutex // guards the following
	current  *Attestation
	verified time.Time     // when current was verified, by clock
	at       time.Duration // the same moment on the monotonic clock
	cause    error         // of the last failed renewal, nil after a success
	renewal  time.Time     // when the next is due
	renewed  uint64
	failed   uint64
}

// New returns an Attester for keys and claims. Nothing is asked of anybody yet.
// Errors wrap [ErrOptions].
func New(o Options, k *Keys, c Claims) (*Attester, error) {
	for _, need := range []struct {
		name string
		has  bool
	}{
		{"an evidence source", o.Source != nil},
		{"a client for MAA", o.MAA != nil},
		{"the issuer of tokens", o.Issuer != ""},
		{"keys", k != nil && k.transport != nil},
		{"a margin of zero or more", o.Margin >= 0},
	} {
		if !need.has {
			return nil, fmt.Errorf("%w: %s is needed", ErrOptions, need.name)
		}
	}
	if o.Margin == 0 {
		o.Margin = DefaultMargin
	}
	if o.UVMFeed == "" {
		o.UVMFeed = uvm.ContainerFeed
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	c.Plugins = maps.Clone(c.Plugins)
	start := time.Now()
	return &Attester{
		opts: o, keys: k, claims: c, log: o.Logger,
		asking: make(chan struct{}, 1),
		mono:   func() time.Duration { return time.Since(start) },
		wait:   wait,
	}, nil
}

// Current returns the last attestation, or nil before the first. It may have
// expired; [Attester.Fresh] tells.
func (a *Attester) Current() *Attestation {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.current
}

// Fresh returns nil if the notary may take new data now, and a [*StaleError] if
// it has no attestation or one that ends within the margin.
func (a *Attester) Fresh() error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.current == nil {
		return &StaleError{Cause: a.cause}
	}
	if !a.clock().Before(a.current.NotAfter.Add(-a.opts.Margin)) {
		return &StaleError{NotAfter: a.current.NotAfter, Cause: a.cause}
	}
	return nil
}

// Renewal returns when [Attester.Run] renews the attestation next; it is zero before
// Run was called. While renewals fail it is past.
func (a *Attester) Renewal() time.Time {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.renewal
}

// Counts returns how many renewals succeeded and failed.
func (a *Attester) Counts() (renewed, failed uint64) {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.renewed, a.failed
}

// clock is the later of the wall clock and of the time at which the current
// token was verified plus what has passed since: setting the wall clock back or
// stopping it does not make a token live longer. The caller holds mu.
func (a *Attester) clock() time.Time {
	// Round strips the monotonic reading, which would make the comparison blind
	// to jumps of the wall clock.
	wall := a.opts.Now().Round(0)
	if a.current == nil {
		return wall
	}
	if counted := a.verified.Add(a.mono() - a.at); counted.After(wall) {
		return counted
	}
	return wall
}

func (a *Attester) now() time.Time {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.clock()
}

// publish makes att the current attestation, verified at the time now.
func (a *Attester) publish(att *Attestation, now time.Time, mono time.Duration) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.current, a.verified, a.at, a.cause = att, now, mono, nil
}
