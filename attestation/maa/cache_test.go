package maa

import (
	"context"
	"crypto/rsa"
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// An issuer is where a cache under test fetches from, with a clock.
type fakeIssuer struct {
	mu      sync.Mutex
	jwks    []byte
	err     error
	now     time.Time
	fetches int
}

func (i *fakeIssuer) fetch(context.Context) ([]byte, error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.fetches++
	return i.jwks, i.err
}

func (i *fakeIssuer) clock() time.Time {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.now
}

func (i *fakeIssuer) set(jwks []byte, err error, d time.Duration) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.jwks, i.err, i.now = jwks, err, i.now.Add(d)
}

func (i *fakeIssuer) cache() *KeyCache { return &KeyCache{Fetch: i.fetch, Now: i.clock} }

func tokenBy(t testing.TB, kid string, key *rsa.PrivateKey) string {
	return sign(t, key, text(t, with(goodHeader(), "kid", kid)), text(t, goodBody()))
}

// TestT25UnknownKid: an unknown kid makes the cache fetch, but at most once in
// five minutes, and old keys stay.
func TestT25UnknownKid(t *testing.T) {
	first := jwks(t, jwkOf("a", &testKey().PublicKey))
	second := jwks(t, jwkOf("b", &otherKey().PublicKey))
	a, b, evil := tokenBy(t, "a", testKey()), tokenBy(t, "b", otherKey()), tokenBy(t, "evil", otherKey())
	i := &fakeIssuer{jwks: first, now: noon}
	c := i.cache()
	ctx := context.Background()
	step := func(name, token string, want error, fetches int) {
		t.Helper()
		claims, err := c.VerifyToken(ctx, token, opts())
		if !errors.Is(err, want) || (claims != nil) != (err == nil) || i.fetches != fetches {
			t.Errorf("%s: %v, %d fetches; want %v, %d", name, err, i.fetches, want, fetches)
		}
	}
	step("first", a, nil, 1)
	step("known", a, nil, 1)
	for range 100 {
		step("unknown", evil, ErrUnknownKey, 1)
	}
	i.set(second, nil, DefaultSpacing-1)
	step("rotated, too early", b, ErrTooEarly, 1)
	i.set(second, nil, 1)
	step("rotated", b, nil, 2)
	step("signed with the old key", a, nil, 2)
	i.set(nil, errors.New("down"), DefaultSpacing)
	step("issuer down", evil, ErrUnknownKey, 3)
	step("old key while it is down", a, nil, 3)
	step("new key while it is down", b, nil, 3)
	i.set([]byte("{}"), nil, DefaultSpacing)
	step("no key set", evil, ErrKeySet, 4)
	step("known after that", b, nil, 4)
	i.set(jwks(t, jwkOf("b", &testKey().PublicKey)), nil, DefaultSpacing)
	step("kid with another key", evil, ErrKeySet, 5)
	step("which does not replace the first", b, nil, 5)
	i.set(second, nil, DefaultKeep)
	step("a day later", evil, ErrUnknownKey, 6)
	step("the old key is gone", a, ErrUnknownKey, 6)
	i.set(second, nil, -time.Hour)
	step("the clock went back", evil, ErrUnknownKey, 7)
}

// T21: the one place where keys come from is Fetch, whatever the token names.
func TestT21CacheIgnoresJKU(t *testing.T) {
	i := &fakeIssuer{jwks: jwks(t, jwkOf("b", &otherKey().PublicKey)), now: noon}
	token := sign(t, testKey(), text(t, with(with(goodHeader(), "kid", "x"), "jku", "https://evil.example.test/certs")), text(t, goodBody()))
	if _, err := i.cache().VerifyToken(context.Background(), token, opts()); !errors.Is(err, ErrUnknownKey) || i.fetches != 1 {
		t.Errorf("%v, %d fetches", err, i.fetches)
	}
}

func TestCacheAdd(t *testing.T) {
	i := &fakeIssuer{err: errors.New("down"), now: noon}
	c := i.cache()
	if err := c.Add([]byte("x")); !errors.Is(err, ErrKeySet) {
		t.Errorf("junk: %v", err)
	}
	if err := c.Add(jwks(t, jwkOf(testKid, &testKey().PublicKey))); err != nil {
		t.Fatal(err)
	}
	if _, err := c.VerifyToken(context.Background(), good(t), opts()); err != nil || i.fetches != 0 {
		t.Errorf("%v, %d fetches", err, i.fetches)
	}
	if err := c.Refresh(context.Background()); err == nil || !strings.Contains(err.Error(), "down") {
		t.Errorf("refresh: %v", err)
	}
	if err := c.Refresh(context.Background()); !errors.Is(err, ErrTooEarly) || !strings.Contains(err.Error(), "down") {
		t.Errorf("again: %v", err)
	}
}

// Many tokens, one fetch; who has a known key does not wait for it, who gives up
// does not end it.
func TestCacheConcurrently(t *testing.T) {
	known, unknown := good(t), tokenBy(t, "b", otherKey())
	both := jwks(t, jwkOf(testKid, &testKey().PublicKey), jwkOf("b", &otherKey().PublicKey))
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		var fetches atomic.Int32
		c := &KeyCache{Fetch: func(context.Context) ([]byte, error) {
			fetches.Add(1)
			<-release
			return both, nil
		}}
		if err := c.Add(jwks(t, jwkOf(testKid, &testKey().PublicKey))); err != nil {
			t.Fatal(err)
		}
		canceled, cancel := context.WithCancel(context.Background())
		gone := make(chan error, 1)
		go func() {
			_, err := c.VerifyToken(canceled, unknown, opts())
			gone <- err
		}()
		synctest.Wait()
		cancel()
		if err := <-gone; !errors.Is(err, context.Canceled) {
			t.Errorf("canceled: %v", err)
		}
		results := make(chan error, 20)
		for range cap(results) {
			go func() {
				_, err := c.VerifyToken(context.Background(), unknown, opts())
				results <- err
			}()
		}
		synctest.Wait()
		if _, err := c.VerifyToken(context.Background(), known, opts()); err != nil {
			t.Errorf("known key during a fetch: %v", err)
		}
		close(release)
		for range cap(results) {
			if err := <-results; err != nil {
				t.Error(err)
			}
		}
		if n := fetches.Load(); n != 1 {
			t.Errorf("%d fetches", n)
		}
	})
}
