package maa

import (
	"context"
	"crypto/rsa"
	"errors"
	"fmt"
	"sync"
	"time"
)

// Defaults and bounds of a [KeyCache].
const (
	// DefaultSpacing is the least time between two fetches of a key set: tokens
	// name keys freely, so whoever sends tokens could otherwise have the
	// verifier send requests.
	DefaultSpacing = 5 * time.Minute
	// DefaultKeep is how long a key counts that the issuer no longer lists. The
	// tokens that it signed live for eight hours.
	DefaultKeep = 24 * time.Hour

	fetchTimeout = time.Minute
)

// A KeyCache verifies tokens of one issuer for as long as a relying party runs,
// across the issuer's rotations of keys. It gets key sets from Fetch alone,
// whatever a token says.
//
// A token with an unknown kid makes it fetch, at most once per Spacing; tokens
// whose keys are known are never delayed. A fetch that fails, or gives what is no
// key set, changes nothing. Call [KeyCache.Refresh] now and then, say every hour,
// so that a key which the issuer withdraws stops counting. Set the fields before
// the first use; all methods are safe for concurrent use.
type KeyCache struct {
	// Fetch returns the issuer's key set, for instance [Client.FetchKeys]: a
	// key counts because of where Fetch gets it from. It must end with its
	// context, which the cache ends after a minute.
	Fetch func(ctx context.Context) (jwks []byte, err error)
	// Now is the clock that the spacing of fetches goes by. nil: time.Now.
	Now func() time.Time
	// Spacing and Keep default to DefaultSpacing and DefaultKeep.
	Spacing, Keep time.Duration

	mu      sync.RWMutex
	set     *KeySet              // replaced, never changed
	seen    map[string]time.Time // per kid, when the issuer last listed it
	tried   time.Time            // of the last fetch, successful or not
	failure error                // of the last fetch
	running chan struct{}        // closed when the fetch in progress ends; nil: none
}

// ErrTooEarly: the last fetch of the key set was less than the spacing ago.
var ErrTooEarly = errors.New("too early to fetch the key set again")

// Add puts a key set into the cache that the relying party has already, such as
// one pinned in its policy. Errors wrap [ErrKeySet].
func (c *KeyCache) Add(jwks []byte) error {
	set, err := ParseKeySet(jwks)
	if err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.merge(set, c.now())
}

// VerifyToken verifies a token as the function of that name does, with the keys
// in the cache or, if it names another one and it is time, with those that Fetch
// has now. If the key stays unknown, the error wraps [ErrUnknownKey] and says why
// there is no newer key set.
func (c *KeyCache) VerifyToken(ctx context.Context, token string, opts TokenOptions) (*Claims, error) {
	claims, err := VerifyToken(token, c.current(), opts)
	if !errors.Is(err, ErrUnknownKey) {
		return claims, err
	}
	failure := c.Refresh(ctx)
	// Tried again in any case: somebody else's fetch may have ended meanwhile.
	claims, err = VerifyToken(token, c.current(), opts)
	if errors.Is(err, ErrUnknownKey) && failure != nil {
		return nil, fmt.Errorf("%w: %w", err, failure)
	}
	return claims, err
}

// Refresh fetches the key set, or waits for the fetch in progress. It returns
// [ErrTooEarly], with the last fetch's failure if it failed, while the spacing
// forbids another one. The end of ctx ends the waiting and not the fetch, for
// others may wait for it too.
func (c *KeyCache) Refresh(ctx context.Context) error {
	c.mu.Lock()
	if c.running == nil {
		// A clock that went backwards must not stop fetches for good.
		now := c.now()
		if since := now.Sub(c.tried); !c.tried.IsZero() && since >= 0 && since < or(c.Spacing, DefaultSpacing) {
			defer c.mu.Unlock()
			if c.failure != nil {
				return fmt.Errorf("%w: %w", ErrTooEarly, c.failure)
			}
			return ErrTooEarly
		}
		c.tried, c.running = now, make(chan struct{})
		go c.fetch(context.WithoutCancel(ctx), c.running)
	}
	running := c.running
	c.mu.Unlock()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-running:
	}
	c.mu.RLock()
	defer c.mu.RUnlock()
	return c.failure
}

func (c *KeyCache) fetch(ctx context.Context, done chan struct{}) {
	ctx, cancel := context.WithTimeout(ctx, fetchTimeout)
	defer cancel()
	var set *KeySet
	jwks, err := c.Fetch(ctx)
	if err == nil {
		set, err = ParseKeySet(jwks)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if err == nil {
		err = c.merge(set, c.now())
	}
	c.failure, c.running = err, nil
	close(done)
}

// merge adds a set and drops what the issuer has not listed for Keep. A kid that
// comes with another key than before makes the new set invalid: MAA's kids are
// digests of their keys.
func (c *KeyCache) merge(fresh *KeySet, now time.Time) error {
	all, seen := make(map[string]*rsa.PublicKey), make(map[string]time.Time)
	for kid, key := range fresh.keys {
		if old, has := c.held(kid, now); has && !old.Equal(key) {
			return fmt.Errorf("%w: kid %q has become another key", ErrKeySet, printable(kid, 80))
		}
		all[kid], seen[kid] = key, now
	}
	for kid, last := range c.seen {
		key, still := c.held(kid, now)
		if _, listed := all[kid]; still && !listed && len(all) < maxKeys {
			all[kid], seen[kid] = key, last
		}
	}
	c.set, c.seen = &KeySet{keys: all}, seen
	return nil
}

// held returns the key of that kid, if it still counts.
func (c *KeyCache) held(kid string, now time.Time) (*rsa.PublicKey, bool) {
	if c.set == nil || now.Sub(c.seen[kid]) >= or(c.Keep, DefaultKeep) {
		return nil, false
	}
	return c.set.Key(kid)
}

func (c *KeyCache) current() *KeySet {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return c.set
}

func (c *KeyCache) now() time.Time {
	if c.Now != nil {
		return c.Now()
	}
	return time.Now()
}

func or(d, byDefault time.Duration) time.Duration {
	if d <= 0 {
		return byDefault
	}
	return d
}
