package commitlog

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"filippo.io/torchwood"
	"github.com/transparency-dev/tessera"
	"golang.org/x/mod/sumdb/note"

	"github.com/veriproof/notary/sdk/receipt"
)

// A Witness cosigns checkpoints of logs that have only grown since it last saw them
// (C2SP tlog-witness).
type Witness struct {
	// Key is its verifier key for Ed25519 cosignatures (C2SP tlog-cosignature).
	Key string
	// URL is where it answers: /add-checkpoint is below it. Empty means that
	// somebody else asks it, as a log does that others run.
	URL string
}

// Witnesses are those of a log. The zero value is none.
type Witnesses struct {
	List []Witness
	// Quorum is how many of them must have cosigned a checkpoint before a proof is
	// made of it.
	Quorum int
	// Roots are what TLS to them is checked by; nil means the system's.
	Roots *x509.CertPool
}

const (
	// witnessTimeout bounds one round of asking all witnesses.
	witnessTimeout = 10 * time.Second
	// maxCosignatures bounds a witness's answer, which is a line.
	maxCosignatures = 16 << 10
)

// policy accepts checkpoints of the log, with this verifier key, that enough witnesses
// have cosigned.
func (w *Witnesses) policy(log note.Verifier, vkey string) (torchwood.Policy, error) {
	if len(w.List) == 0 && w.Quorum == 0 {
		return policyOf(log), nil
	}
	if w.Quorum < 1 || w.Quorum > len(w.List) {
		return nil, fmt.Errorf("%w: a quorum of %d of %d: want 1 to their number", ErrWitness, w.Quorum, len(w.List))
	}
	own, err := receipt.PublicKey(vkey)
	if err != nil {
		return nil, fmt.Errorf("%w: the log's own key: %w", ErrKey, err)
	}
	var each []torchwood.Policy
	seen := make(map[[32]byte]bool)
	for i, one := range w.List {
		v, err := torchwood.NewCosignatureVerifier(one.Key)
		if err != nil {
			return nil, fmt.Errorf("%w: %s is not the key of an Ed25519 cosigner, NAME+ID+KEY: %w", ErrWitness, receipt.ShownKey(one.Key), err)
		}
		// Keys are compared, and not how they are written: a decoder skips line breaks.
		switch key, err := receipt.PublicKey(one.Key); {
		case err != nil:
			return nil, fmt.Errorf("%w: %w", ErrWitness, err)
		case key == own:
			return nil, fmt.Errorf("%w: number %d has the log's own key: a log is no witness of itself", ErrWitness, i+1)
		case seen[key]:
			return nil, fmt.Errorf("%w: number %d has the key of another: each counts once", ErrWitness, i+1)
		default:
			seen[key] = true
		}
		each = append(each, torchwood.SingleVerifierPolicy(v))
	}
	return torchwood.ThresholdPolicy(2, policyOf(log), torchwood.ThresholdPolicy(w.Quorum, each...)), nil
}

// A witnessClient asks witnesses for Tessera, which speaks their protocol.
type witnessClient struct {
	group  tessera.WitnessGroup
	client *http.Client
	// failures counts requests without a cosignature, but for the answer that says
	// which tree the witness knows, with which the protocol begins.
	failures atomic.Uint64
}

func newWitnessClient(w Witnesses) (*witnessClient, error) {
	if len(w.List) == 0 {
		return nil, nil
	}
	var each []tessera.Witness
	for _, one := range w.List {
		u, err := checkURL(one.URL)
		if err != nil {
			return nil, fmt.Errorf("%w: %w", ErrWitness, err)
		}
		t, err := tessera.NewWitness(one.Key, u)
		if err != nil {
			return nil, fmt.Errorf("%w: %.200q: %w", ErrWitness, one.Key, err)
		}
		if slices.ContainsFunc(each, func(o tessera.Witness) bool { return o.URL == t.URL }) {
			return nil, fmt.Errorf("%w: two have the URL %.200q", ErrWitness, one.URL)
		}
		each = append(each, t)
	}
	c := &witnessClient{}
	c.group = groupOf(w.Quorum, each)
	c.client = &http.Client{
		Transport:     &patient{next: bounded{transport(w.Roots), maxCosignatures}, failures: &c.failures, waits: make(map[string]*wait)},
		CheckRedirect: noRedirect,
	}
	return c, nil
}

// groupOf is the witness group that Tessera asks.
func groupOf(quorum int, list []tessera.Witness) tessera.WitnessGroup {
	g := tessera.NewWitnessGroup(0)
	for _, w := range list {
		one := tessera.NewWitnessGroup(1, w)
		g.Components = append(g.Components, one.Components...)
	}
	g.N = quorum
	return g
}

// checkURL wants https, or http on the loopback interface.
func checkURL(text string) (*url.URL, error) {
	u, err := url.Parse(text)
	if err != nil || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return nil, fmt.Errorf("%.200q is not a URL without user, query and fragment", text)
	}
	if u.Scheme != "https" && (u.Scheme != "http" || !loopback(u.Hostname())) {
		return nil, fmt.Errorf("%.200q: want https, or http on the loopback interface", text)
	}
	return u, nil
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// transport connects as the notary does everywhere: TLS verified, no proxy of the
// environment's.
func transport(roots *x509.CertPool) *http.Transport {
	return &http.Transport{
		DialContext:            (&net.Dialer{Timeout: 10 * time.Second}).DialContext,
		TLSClientConfig:        &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: roots},
		TLSHandshakeTimeout:    10 * time.Second,
		ResponseHeaderTimeout:  fetchTimeout,
		IdleConnTimeout:        90 * time.Second,
		MaxResponseHeaderBytes: 64 << 10,
		ForceAttemptHTTP2:      true,
	}
}

// noRedirect: who answers is who was configured.
func noRedirect(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }

// patient makes requests to a host that has failed wait: Tessera asks again each
// time that it would publish, which is every second.
type patient struct {
	next     http.RoundTripper
	failures *atomic.Uint64

	mu    sync.Mutex
	waits map[string]*wait // by URL
}

// A wait is when a host may be asked again.
type wait struct {
	backoff   backoff
	conflicts int // in a row
	until     time.Time
}

func (p *patient) RoundTrip(req *http.Request) (*http.Response, error) {
	key := req.URL.String()
	p.mu.Lock()
	w := p.waits[key]
	if w == nil {
		w = new(wait)
		p.waits[key] = w
	}
	pause := time.Until(w.until)
	p.mu.Unlock()
	if err := sleep(req.Context(), pause); err != nil {
		return nil, err
	}
	resp, err := p.next.RoundTrip(req)
	if err != nil && errors.Is(context.Cause(req.Context()), context.Canceled) {
		return nil, err // others were enough
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case err != nil:
	case resp.StatusCode == http.StatusOK:
		*w = wait{}
		return resp, nil
	case resp.StatusCode == http.StatusConflict && resp.Header.Get("Content-Type") == sizeMediaType:
		// Once it says which tree it knows, the protocol goes on from there. That it says
		// so again means that it knows a larger one than the log has.
		if w.conflicts++; w.conflicts == 1 {
			return resp, nil
		}
	}
	p.failures.Add(1)
	var asked time.Duration
	if err == nil {
		asked = retryAfter(resp.Header, time.Now())
	}
	w.until = time.Now().Add(cmp.Or(asked, w.backoff.next()))
	return resp, err
}

// sizeMediaType is how a witness says the size of the tree that it knows.
const sizeMediaType = "text/x.tlog.size"

func sleep(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return ctx.Err()
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
