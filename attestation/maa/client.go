//go:build !js

package maa

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// Defaults and bounds of a [Client].
const (
	DefaultAPIVersion = "2025-06-01"
	DefaultAttempts   = 5
	DefaultDelay      = 500 * time.Millisecond // before the second attempt; doubles
	maxDelay          = 15 * time.Second
	maxRetryAfter     = time.Minute
	attemptTimeout    = 30 * time.Second
	maxErrorSize      = 64 << 10

	reportSize     = 1184
	maxChainSize   = 64 << 10
	maxUVMSize     = 256 << 10
	maxRuntimeSize = 128 << 10
)

// A Client asks one attestation provider. The zero values of all fields but URL
// are usable; do not change a Client in use.
type Client struct {
	URL        string        // the provider: "https://host[:port]", which is also the iss of its tokens
	HTTP       *http.Client  // nil: own transport without a proxy; redirects are refused in any case
	APIVersion string        // "": DefaultAPIVersion
	Attempts   int           // tries per call, 0: DefaultAttempts
	Delay      time.Duration // before the first repetition, 0: DefaultDelay
}

// A Request is the Evidence and the Endorsements to be appraised.
type Request struct {
	Report      []byte // SNP report, 1184 bytes
	VCEKChain   []byte // PEM: VCEK, ASK, ARK
	UVM         []byte // COSE_Sign1 endorsement of the utility VM; without it MAA attests no compliance
	RuntimeData []byte // JSON object whose SHA-256 is REPORT_DATA[0:32]
}

// Attest has the provider appraise the Evidence (POST /attest/SevSnpVm) and
// returns its token, unverified: pass it to [VerifyToken]. 429, 5xx and broken
// connections are retried with exponential backoff and jitter until ctx ends; a
// final refusal is a [*ServiceError].
func (c *Client) Attest(ctx context.Context, r Request) (token string, err error) {
	body, err := r.encode()
	if err != nil {
		return "", err
	}
	version := c.APIVersion
	if version == "" {
		version = DefaultAPIVersion
	}
	path := "/attest/SevSnpVm?api-version=" + url.QueryEscape(version)
	answer, err := c.retry(ctx, http.MethodPost, path, body, MaxTokenSize+1024)
	if err != nil {
		return "", fmt.Errorf("attest: %w", err)
	}
	o, err := parseObject(answer)
	if err != nil {
		return "", fmt.Errorf("attest: answer of %s: %w", c.URL, err)
	}
	token, ok := o["token"].(string)
	if !ok || token == "" {
		return "", fmt.Errorf("attest: answer of %s has no token", c.URL)
	}
	return token, nil
}

// FetchKeys fetches the provider's JSON Web Key Set from URL + "/certs", at most
// [MaxKeySetSize] bytes, for [ParseKeySet]. It retries as [Client.Attest] does.
func (c *Client) FetchKeys(ctx context.Context) (jwks []byte, err error) {
	jwks, err = c.retry(ctx, http.MethodGet, "/certs", nil, MaxKeySetSize)
	if err != nil {
		return nil, fmt.Errorf("fetch token keys: %w", err)
	}
	return jwks, nil
}

// encode builds the request body: base64url of a JSON text inside base64url.
func (r Request) encode() ([]byte, error) {
	for _, f := range []struct {
		name      string
		n, lo, hi int
	}{
		{"report", len(r.Report), reportSize, reportSize},
		{"VCEK chain", len(r.VCEKChain), 1, maxChainSize},
		{"UVM endorsement", len(r.UVM), 0, maxUVMSize},
		{"runtime data", len(r.RuntimeData), 1, maxRuntimeSize},
	} {
		if f.n < f.lo || f.n > f.hi {
			return nil, fmt.Errorf("attest: %s of %d bytes, want %d to %d", f.name, f.n, f.lo, f.hi)
		}
	}
	if _, err := parseObject(r.RuntimeData); err != nil {
		return nil, fmt.Errorf("attest: runtime data: %w", err)
	}
	report := map[string]string{"SnpReport": b64(r.Report), "VcekCertChain": b64(r.VCEKChain)}
	if len(r.UVM) > 0 {
		endorsements, err := json.Marshal(map[string][]string{"Uvm": {b64(r.UVM)}})
		if err != nil {
			return nil, err
		}
		report["Endorsements"] = b64(endorsements)
	}
	inner, err := json.Marshal(report)
	if err != nil {
		return nil, err
	}
	return json.Marshal(map[string]any{
		"report":      b64(inner),
		"runtimeData": map[string]string{"data": b64(r.RuntimeData), "dataType": "JSON"},
	})
}

func b64(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

// retry repeats one request until it succeeds, fails for good, or the attempts
// or ctx are at an end.
func (c *Client) retry(ctx context.Context, method, path string, body []byte, limit int64) ([]byte, error) {
	base, err := c.base()
	if err != nil {
		return nil, err
	}
	attempts, delay := c.Attempts, c.Delay
	if attempts <= 0 {
		attempts = DefaultAttempts
	}
	if delay <= 0 {
		delay = DefaultDelay
	}
	for i := 1; ; i++ {
		answer, wait, err := c.once(ctx, method, base+path, body, limit)
		if err == nil {
			return answer, nil
		}
		if i >= attempts || !retryable(err) || ctx.Err() != nil {
			return nil, err
		}
		if e := sleep(ctx, max(wait, jitter(delay))); e != nil {
			return nil, fmt.Errorf("%w (gave up waiting to repeat it: %w)", err, e)
		}
		delay = min(2*delay, maxDelay)
	}
}

// base checks the provider's URL. Only https: the key set is an anchor because
// TLS says whose it is.
func (c *Client) base() (string, error) {
	u, err := url.Parse(c.URL)
	if err != nil || u.Scheme != "https" || u.Host == "" || "https://"+u.Host != c.URL {
		return "", fmt.Errorf("attestation provider %q: want https://host without a path", printable(c.URL, 200))
	}
	return c.URL, nil
}

// once makes one attempt. The wait is the provider's Retry-After, if any.
func (c *Client) once(ctx context.Context, method, target string, body []byte, limit int64) ([]byte, time.Duration, error) {
	ctx, cancel := context.WithTimeout(ctx, attemptTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, target, bytes.NewReader(body))
	if err != nil {
		return nil, 0, err
	}
	req.Header.Set("Accept", "application/json")
	if method == http.MethodPost {
		req.Header.Set("Content-Type", "application/json")
	}
	resp, err := c.client().Do(req)
	if err != nil {
		return nil, 0, &transportError{err}
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return nil, retryAfter(resp), serviceError(resp)
	}
	b, err := readBounded(resp.Body, limit)
	if err != nil {
		return nil, 0, fmt.Errorf("answer of %s: %w", printable(target, 200), err)
	}
	return b, 0, nil
}

// plain has no proxy: HTTPS_PROXY belongs to the host's environment, which is
// not to decide through whom the notary reaches its verifier.
var plain = &http.Transport{
	ForceAttemptHTTP2:     true,
	TLSHandshakeTimeout:   10 * time.Second,
	ResponseHeaderTimeout: 20 * time.Second,
	IdleConnTimeout:       time.Minute,
	MaxIdleConnsPerHost:   2,
}

func (c *Client) client() *http.Client {
	hc := http.Client{Transport: plain}
	if c.HTTP != nil {
		hc = *c.HTTP
	}
	hc.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &hc
}

// A transportError is a failure before an answer was complete: worth repeating.
type transportError struct{ err error }

func (e *transportError) Error() string { return e.err.Error() }
func (e *transportError) Unwrap() error { return e.err }

var errTooLarge = errors.New("answer too large")

func readBounded(r io.Reader, limit int64) ([]byte, error) {
	b, err := io.ReadAll(io.LimitReader(r, limit+1))
	if err != nil {
		return nil, &transportError{err}
	}
	if int64(len(b)) > limit {
		return nil, fmt.Errorf("%w: more than %d bytes", errTooLarge, limit)
	}
	return b, nil
}

func retryable(err error) bool {
	var service *ServiceError
	if errors.As(err, &service) {
		return service.Temporary()
	}
	var transport *transportError
	return errors.As(err, &transport)
}

// serviceError reads {"error":{"code","message"}} as far as it can be read.
func serviceError(resp *http.Response) error {
	e := &ServiceError{Status: resp.StatusCode}
	b, err := readBounded(resp.Body, maxErrorSize)
	if err != nil {
		return e
	}
	o, err := parseObject(b)
	if err != nil {
		return e
	}
	inner, _ := o["error"].(object)
	code, _ := inner["code"].(string)
	message, _ := inner["message"].(string)
	e.Code, e.Message = printable(code, 80), printable(message, 500)
	return e
}

// retryAfter reads Retry-After in its form of seconds (RFC 9110 section 10.2.3).
func retryAfter(resp *http.Response) time.Duration {
	n, err := strconv.ParseUint(strings.TrimSpace(resp.Header.Get("Retry-After")), 10, 16)
	if err != nil {
		return 0
	}
	return min(time.Duration(n)*time.Second, maxRetryAfter)
}

// jitter spreads repetitions of many notaries over the delay: half of it fixed,
// half random.
func jitter(d time.Duration) time.Duration { return d/2 + rand.N(d/2+1) }

func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}
