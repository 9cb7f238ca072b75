package challenge

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"time"
)

const (
	// maxDocument bounds an answer in bytes: a key set of MAA has 100 KB, a
	// container policy may have some more.
	maxDocument = 8 << 20
	// fetchTimeout bounds the exchange; it is well inside MaxAge.
	fetchTimeout = time.Minute
)

// ErrFetch: the notary could not be reached, or did not answer with a Document.
var ErrFetch = errors.New("cannot fetch Evidence")

// A StatusError is an answer of the control interface other than 200. It matches
// [ErrFetch].
type StatusError struct {
	Status int    // HTTP status code
	Reason string // the notary's own words, if it gave some
}

func (e *StatusError) Error() string {
	s := fmt.Sprintf("%v: the notary answered %d", ErrFetch, e.Status)
	if e.Reason != "" {
		s += ": " + e.Reason
	}
	return s
}

// Is makes every StatusError an [ErrFetch].
func (e *StatusError) Is(target error) bool { return target == ErrFetch }

// Fetch asks the notary whose control interface is at base ("https://host:port")
// for its Evidence under a fresh nonce, over a connection of its own, and checks
// the answer ([Challenge.Verify]). TLS certificates are not held against the
// system's roots: that the peer is the notary follows from the attested key, and
// an authority's word would add nothing. Nothing is shown before the Proof's
// Evidence is appraised.
func Fetch(ctx context.Context, base string) (*Proof, error) {
	u, err := url.Parse(base)
	if err != nil || u.Scheme != "https" || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return nil, fmt.Errorf("%w: %.200q is not of the form https://host:port", ErrFetch, base)
	}
	ctx, cancel := context.WithTimeout(ctx, fetchTimeout)
	defer cancel()
	c := New(time.Now())
	if u.Path == "" || u.Path == "/" {
		u.Path = Path
	}
	u.RawQuery = url.Values{"nonce": {c.Nonce()}}.Encode()
	d, state, err := get(ctx, u.String())
	if err != nil {
		return nil, err
	}
	now := time.Now()
	if err := c.Verify(d, state, now); err != nil {
		return nil, err
	}
	return &Proof{Document: *d, At: now}, nil
}

// dialTimeout is how long a connection may take to be made: who does not answer at all is told
// apart from who answers slowly.
const dialTimeout = 10 * time.Second

func get(ctx context.Context, address string) (*Document, *tls.ConnectionState, error) {
	transport := &http.Transport{
		Proxy:       http.ProxyFromEnvironment,
		DialContext: (&net.Dialer{Timeout: dialTimeout}).DialContext,
		// The attested key is compared afterwards, see Fetch.
		TLSClientConfig:   &tls.Config{MinVersion: tls.VersionTLS13, InsecureSkipVerify: true},
		DisableKeepAlives: true,
	}
	client := &http.Client{
		Transport:     transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, nil, fmt.Errorf("%w: %w", ErrFetch, err)
	}
	resp, err := client.Do(r)
	if err != nil {
		return nil, nil, fmt.Errorf("%w: %w", ErrFetch, err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxDocument+1))
	switch {
	case err != nil:
		return nil, nil, fmt.Errorf("%w: %w", ErrFetch, err)
	case len(body) > maxDocument:
		return nil, nil, fmt.Errorf("%w: more than %d bytes", ErrFetch, maxDocument)
	case resp.StatusCode != http.StatusOK:
		return nil, nil, &StatusError{Status: resp.StatusCode, Reason: reason(body)}
	}
	var d Document
	if err := json.Unmarshal(body, &d); err != nil {
		return nil, nil, fmt.Errorf("%w: the answer is not the documented JSON", ErrFetch)
	}
	return &d, resp.TLS, nil
}

// reason takes the text of an error answer, as far as it is printable and short.
func reason(body []byte) string {
	var e struct{ Error, Hint string }
	if json.Unmarshal(body, &e) != nil {
		return ""
	}
	s := e.Error
	if e.Hint != "" {
		s += "; " + e.Hint
	}
	out := make([]rune, 0, 300)
	for _, r := range s {
		if r < 0x20 || r > 0x7e {
			r = ' '
		}
		if out = append(out, r); len(out) == cap(out) {
			break
		}
	}
	return string(out)
}
