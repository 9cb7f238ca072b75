// Package endpoint makes the requests of a storage adapter to the HTTP services that
// the operator's configuration names: an Azure Blob container, a bucket.
//
// It is what stands behind the capability "http": the adapter, in its sandbox, chooses
// a name of its measured manifest, a method and the key of an object; this package has
// the base URL, the credential, TLS and the connections, and knows no service's
// protocol. Only ciphertext, and what is public by design, comes by.
//
// # Trust
//
// The service is not trusted with anything but keeping what it acknowledged. TLS, 1.2
// or later, is verified for the host's name, always; it protects the credential, not
// the data. Without TLS only the loopback interface can be asked, and only if that is
// said. Redirections are not followed: a credential goes where the configuration says
// and nowhere else. Nothing is taken from the environment, no proxy either.
package endpoint

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/veriproof/notary/host/journal"
	"github.com/veriproof/notary/host/pluginhost"
	"github.com/veriproof/notary/sdk/plugin/abi"
)

// Bounds.
const (
	// DefaultTimeout bounds a request and its answer.
	DefaultTimeout = 10 * time.Second
	// DefaultConnections is the greatest number of connections.
	DefaultConnections = 8
	// maxRetryAfter bounds how long a service can make the next request wait.
	maxRetryAfter = 30 * time.Second
	maxHeaders    = 64 << 10
)

// ErrURL means that a base URL is not one.
var ErrURL = errors.New("endpoint: the base URL is not usable")

// Options say where an endpoint is, and how to get in.
type Options struct {
	// URL is the base: "https://host[:port]/path", without user, query or fragment.
	URL string
	// Credential is added to each request; nil adds nothing.
	Credential Credential
	// Roots are the authorities of the server's certificate; nil means those of the
	// system.
	Roots *x509.CertPool
	// Insecure allows "http://" on the loopback interface.
	Insecure bool
	// Timeout bounds each request with its answer; 0 means [DefaultTimeout].
	Timeout time.Duration
	// Connections is the most connections at a time; 0 means [DefaultConnections].
	Connections int
}

// An Endpoint is a base URL with connections to it. It is safe for concurrent use.
type Endpoint struct {
	base       *url.URL
	credential Credential
	timeout    time.Duration
	client     *http.Client

	mu    sync.Mutex
	pause time.Time // until which the service asked to be left alone
}

var _ pluginhost.Endpoint = (*Endpoint)(nil)

// Open checks the options. It makes no connection, but reads the credential, so that a
// file that is missing is told at the start.
func Open(o Options) (*Endpoint, error) {
	base, err := ParseURL(o.URL, o.Insecure)
	if err != nil {
		return nil, err
	}
	if o.Credential != nil {
		if err := o.Credential.check(); err != nil {
			return nil, fmt.Errorf("endpoint: %w", err)
		}
	}
	e := &Endpoint{base: base, credential: o.Credential, timeout: orDefault(o.Timeout, DefaultTimeout)}
	connections := orDefault(o.Connections, DefaultConnections)
	e.client = client(&http.Transport{
		TLSClientConfig:        &tls.Config{RootCAs: o.Roots, MinVersion: tls.VersionTLS12},
		DialContext:            (&net.Dialer{Timeout: e.timeout}).DialContext,
		MaxConnsPerHost:        connections,
		MaxIdleConnsPerHost:    connections,
		IdleConnTimeout:        90 * time.Second,
		MaxResponseHeaderBytes: maxHeaders,
		DisableCompression:     true,
	})
	return e, nil
}

func client(t *http.Transport) *http.Client {
	return &http.Client{Transport: t, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}

func orDefault[T int | time.Duration](v, d T) T {
	if v > 0 {
		return v
	}
	return d
}

// ParseURL reads a base URL. The error does not repeat it: somebody may have put a
// token into it.
func ParseURL(text string, insecure bool) (*url.URL, error) {
	u, err := url.Parse(text)
	switch {
	case err != nil || u.Host == "" || u.Opaque != "":
		return nil, fmt.Errorf("%w: write https://HOST/PATH", ErrURL)
	case u.User != nil || u.RawQuery != "" || u.ForceQuery || u.Fragment != "" || u.RawPath != "":
		return nil, fmt.Errorf("%w: it has a user, a query, a fragment or an escape; credentials are named by file", ErrURL)
	case u.Scheme == "http" && (!insecure || !loopback(u.Hostname())):
		return nil, fmt.Errorf("%w: without TLS only the loopback interface can be asked, and only if that is said", ErrURL)
	case u.Scheme != "https" && u.Scheme != "http":
		return nil, fmt.Errorf("%w: the scheme is not https", ErrURL)
	}
	u.Path = strings.TrimRight(u.Path, "/")
	return u, nil
}

func loopback(host string) bool {
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && ip.IsLoopback()
}

// Do implements [pluginhost.Endpoint]. Of the body of an answer that is no success it
// gives the beginning, up to the bound.
func (e *Endpoint) Do(ctx context.Context, r *pluginhost.HTTPRequest) (*pluginhost.HTTPResponse, error) {
	if err := e.wait(ctx); err != nil {
		return nil, err
	}
	body := newBody(r.Body)
	defer body.takeBack()
	ctx, cancel := context.WithTimeout(ctx, e.timeout)
	defer cancel()
	request, err := e.request(ctx, r, body)
	if err != nil {
		return nil, err
	}
	response, err := e.client.Do(request)
	if err != nil {
		return nil, noAnswer(err)
	}
	defer response.Body.Close()
	e.listen(response)
	out := &pluginhost.HTTPResponse{Status: response.StatusCode}
	for _, name := range abi.HTTPResponseHeaders() {
		if v := response.Header.Get(name); v != "" {
			out.Headers = append(out.Headers, abi.HTTPField{Name: name, Value: v})
		}
	}
	// What comes from the storage is the storage's own.
	answer, err := readBody(response, r.MaxBody)
	out.Body = journal.Sealed(answer)
	return out, err
}

// request builds the request: what the guest chose, below the base, and then the
// credential.
func (e *Endpoint) request(ctx context.Context, r *pluginhost.HTTPRequest, body *body) (*http.Request, error) {
	u := *e.base
	if r.Path != "" {
		u.Path += "/" + r.Path
	} else if u.Path == "" {
		u.Path = "/"
	}
	var query []string
	for _, q := range r.Query {
		query = append(query, q.Name+"="+strings.ReplaceAll(url.QueryEscape(q.Value), "+", "%20"))
	}
	u.RawQuery = strings.Join(query, "&")
	request, err := http.NewRequestWithContext(ctx, r.Method.String(), u.String(), body.lend())
	if err != nil {
		return nil, errors.New("the request cannot be made of the base URL")
	}
	if request.ContentLength = body.length; body.length == 0 {
		request.Body = http.NoBody
	}
	// The transport may send it again on another connection if the first was closed
	// before anything was written.
	request.GetBody = func() (io.ReadCloser, error) { return body.lend(), nil }
	request.Header.Set("User-Agent", "notary")
	for _, h := range r.Headers {
		request.Header.Set(h.Name, h.Value)
	}
	if e.credential != nil {
		if err := e.credential.apply(ctx, request, body); err != nil {
			return nil, err
		}
	}
	return request, nil
}

// readBody reads the body of an answer. A success that is longer than the bound is an
// error; of anything else the beginning is enough.
func readBody(response *http.Response, most int) ([]byte, error) {
	success := response.StatusCode < 300
	if success && response.ContentLength > int64(most) && response.Request.Method != http.MethodHead {
		return nil, fmt.Errorf("an answer of %d bytes: %w", response.ContentLength, pluginhost.ErrTooBig)
	}
	b, err := io.ReadAll(io.LimitReader(response.Body, int64(most)+1))
	switch {
	case err != nil:
		return nil, noAnswer(err)
	case len(b) > most && success:
		return nil, fmt.Errorf("an answer of more than %d bytes: %w", most, pluginhost.ErrTooBig)
	}
	return b[:min(len(b), most)], nil
}

// noAnswer takes the URL, which may have a token in its query, out of an error.
func noAnswer(err error) error {
	var with *url.Error
	if errors.As(err, &with) {
		err = with.Err
	}
	return fmt.Errorf("no answer: %w", err)
}

// listen notes how long the service wants to be left alone (RFC 9110, section 10.2.3;
// a date is not understood, since clocks differ).
func (e *Endpoint) listen(response *http.Response) {
	if response.StatusCode != http.StatusTooManyRequests && response.StatusCode != http.StatusServiceUnavailable {
		return
	}
	seconds, err := strconv.ParseUint(response.Header.Get("Retry-After"), 10, 16)
	if err != nil {
		return
	}
	until := time.Now().Add(min(time.Duration(seconds)*time.Second, maxRetryAfter))
	e.mu.Lock()
	defer e.mu.Unlock()
	if until.After(e.pause) {
		e.pause = until
	}
}

// wait waits until the service can be asked again.
func (e *Endpoint) wait(ctx context.Context) error {
	e.mu.Lock()
	left := time.Until(e.pause)
	e.mu.Unlock()
	if left <= 0 {
		return ctx.Err()
	}
	t := time.NewTimer(left)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("the service asked to be left alone for %v more: %w", left.Round(time.Second), ctx.Err())
	}
}

// Close closes connections that are not in use.
func (e *Endpoint) Close() { e.client.CloseIdleConnections() }

// String says for people where the endpoint is.
func (e *Endpoint) String() string { return e.base.String() }
