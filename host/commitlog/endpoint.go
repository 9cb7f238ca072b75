package commitlog

import (
	"bytes"
	"context"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"filippo.io/torchwood"
	"golang.org/x/mod/sumdb/note"

	"github.com/veriproof/notary/sdk/receipt"
)

const (
	// submitTimeout bounds one request.
	submitTimeout = time.Minute
	// pendingPause is how soon a commitment is asked for again that the log has
	// taken and not proved.
	pendingPause = time.Second
)

// EndpointOptions say which log is behind an HTTP endpoint.
type EndpointOptions struct {
	// URL is the base of the interface, https, or http on loopback.
	URL string
	// Key is the log's verifier key. What it has not signed is no proof, whoever
	// answers.
	Key string
	// Credential returns the bearer token; it is called for each request, so that a
	// token can be renewed in place. nil sends none.
	Credential func() (string, error)
	// Witnesses must have cosigned. Their URLs are not used: the log asks them.
	Witnesses Witnesses
	// Roots are what TLS is checked by; nil means the system's.
	Roots *x509.CertPool
	// Memory is shown each checkpoint; nil keeps nothing.
	Memory *Memory
	Logger *slog.Logger
}

// An Endpoint is a log that others run, behind the HTTP interface of VeriProof
// (ENDPOINT.md), which "notary log serve" has as well. It implements [Log].
//
// What is submitted waits here, in memory, until it is proved or its caller leaves:
// while the endpoint is slow, away or wrong, nothing but proofs is late, and what a
// process that ends has not proved its journal has. One request is under way at a
// time, with all that has gathered, up to [MaxSubmission].
type Endpoint struct {
	o      EndpointOptions
	url    string
	counts torchwood.Policy
	client *http.Client
	ctx    context.Context
	cancel context.CancelFunc
	done   chan struct{}
	wake   chan struct{} // has room for one
	failed atomic.Uint64

	mu      sync.Mutex
	closed  bool
	forked  error
	waiting map[[32]byte]*entry
	queue   []*entry // in the order in which they are asked for
	most    int      // commitments in a request
}

// An entry is a commitment on its way.
type entry struct {
	commitment [32]byte
	callers    int
	due        time.Time
	backoff    backoff       // of proofs that were wrong
	done       chan struct{} // closed when proof and index are set
	proof      []byte
	index      uint64
}

var _ Log = (*Endpoint)(nil)

// OpenEndpoint starts a client. It asks nothing before there is something to
// submit, so a log that is away is no reason not to start.
func OpenEndpoint(o EndpointOptions) (*Endpoint, error) {
	u, err := checkURL(o.URL)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrEndpoint, err)
	}
	v, err := note.NewVerifier(o.Key)
	if err != nil {
		return nil, fmt.Errorf("%w: %s is not a verifier key: %w", ErrKey, receipt.ShownKey(o.Key), err)
	}
	e := &Endpoint{
		o: o, url: u.JoinPath(SubmitPath).String(), done: make(chan struct{}), wake: make(chan struct{}, 1),
		waiting: make(map[[32]byte]*entry), most: MaxSubmission,
	}
	if e.counts, err = o.Witnesses.policy(v, o.Key); err != nil {
		return nil, err
	}
	if e.o.Logger == nil {
		e.o.Logger = nowhere
	}
	e.client = &http.Client{Transport: bounded{transport(o.Roots), maxAnswer}, CheckRedirect: noRedirect, Timeout: submitTimeout}
	e.ctx, e.cancel = context.WithCancel(context.Background())
	go e.run()
	return e, nil
}

// VerifierKey implements [Log].
func (e *Endpoint) VerifierKey() string { return e.o.Key }

// Failures implements [Log].
func (e *Endpoint) Failures() uint64 { return e.failed.Load() }

// Close implements [Log]: what is not proved is given up, since it can be submitted
// again.
func (e *Endpoint) Close() error {
	e.mu.Lock()
	e.closed = true
	e.mu.Unlock()
	e.cancel()
	<-e.done
	e.client.CloseIdleConnections()
	return nil
}

// Submit implements [Log].
func (e *Endpoint) Submit(ctx context.Context, commitment [32]byte) (proof []byte, index uint64, err error) {
	w, err := e.enter(commitment)
	if err != nil {
		return nil, 0, err
	}
	defer e.leave(w)
	select {
	case <-w.done:
		return w.proof, w.index, nil
	case <-ctx.Done():
		return nil, 0, fmt.Errorf("waiting for the log: %w: outcome unknown, submit again", context.Cause(ctx))
	case <-e.ctx.Done():
		e.mu.Lock()
		defer e.mu.Unlock()
		if e.forked != nil {
			return nil, 0, e.forked
		}
		return nil, 0, ErrClosed
	}
}

// enter puts a commitment into the queue, unless it is there.
func (e *Endpoint) enter(commitment [32]byte) (*entry, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	switch {
	case e.forked != nil:
		return nil, e.forked
	case e.closed:
		return nil, ErrClosed
	}
	w := e.waiting[commitment]
	if w == nil {
		w = &entry{commitment: commitment, done: make(chan struct{})}
		e.waiting[commitment] = w
		e.queue = append(e.queue, w)
		select {
		case e.wake <- struct{}{}:
		default:
		}
	}
	w.callers++
	return w, nil
}

// leave takes out what nobody waits for; batch drops it from the queue.
func (e *Endpoint) leave(w *entry) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if w.callers--; w.callers == 0 && e.waiting[w.commitment] == w {
		delete(e.waiting, w.commitment)
	}
}

// batch takes what is due, or says when something will be: 0 if nothing waits.
func (e *Endpoint) batch(now time.Time) (out []*entry, wait time.Duration) {
	e.mu.Lock()
	defer e.mu.Unlock()
	rest := e.queue[:0]
	for _, w := range e.queue {
		switch {
		case e.waiting[w.commitment] != w: // proved, or nobody waits
		case len(out) < e.most && !w.due.After(now):
			out = append(out, w)
		default:
			if d := max(w.due.Sub(now), time.Millisecond); wait == 0 || d < wait {
				wait = d
			}
			rest = append(rest, w)
		}
	}
	clear(e.queue[len(rest):])
	e.queue = rest
	return out, wait
}

// run sends batches until the log is closed.
func (e *Endpoint) run() {
	defer close(e.done)
	var failures backoff
	for e.ctx.Err() == nil {
		batch, wait := e.batch(time.Now())
		if len(batch) == 0 {
			e.rest(wait)
			continue
		}
		asked, err := e.send(batch)
		e.again(batch)
		switch {
		case e.ctx.Err() != nil:
			return
		case err == nil:
			failures = backoff{}
			continue
		case errors.Is(err, ErrForked):
			e.mu.Lock()
			e.forked = err
			e.mu.Unlock()
			e.failed.Add(1)
			e.o.Logger.Error("the log contradicts itself; nothing more is submitted to it", "error", err)
			e.cancel()
			return
		}
		e.failed.Add(1)
		pause := max(asked, failures.next())
		e.o.Logger.Warn("commitments did not get their proofs from the log; they are submitted again", "commitments", len(batch), "error", err, "after", pause)
		_ = sleep(e.ctx, pause)
	}
}

// rest waits until something is due, or new.
func (e *Endpoint) rest(wait time.Duration) {
	var due <-chan time.Time
	if wait > 0 {
		t := time.NewTimer(wait)
		defer t.Stop()
		due = t.C
	}
	select {
	case <-due:
	case <-e.wake:
	case <-e.ctx.Done():
	}
}

// again puts what was not proved at the end of the queue.
func (e *Endpoint) again(batch []*entry) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, w := range batch {
		if e.waiting[w.commitment] == w {
			e.queue = append(e.queue, w)
		}
	}
}

// send makes one request. If it fails as a whole, asked is for how long the server
// wants to be left alone, or 0.
func (e *Endpoint) send(batch []*entry) (asked time.Duration, err error) {
	s := Submission{Commitments: make([]string, len(batch))}
	for i, w := range batch {
		s.Commitments[i] = hex.EncodeToString(w.commitment[:])
	}
	body, err := json.Marshal(s)
	if err != nil {
		return 0, err
	}
	req, err := http.NewRequestWithContext(e.ctx, http.MethodPost, e.url, bytes.NewReader(body))
	if err != nil {
		return 0, fmt.Errorf("%w: %w", ErrEndpoint, err)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Accept", "application/json")
	if e.o.Credential != nil {
		token, err := e.o.Credential()
		if err != nil {
			return 0, fmt.Errorf("%w: credential: %w", ErrEndpoint, err)
		}
		req.Header.Set("Authorization", "Bearer "+token)
	}
	resp, err := e.client.Do(req)
	if err != nil {
		return 0, fmt.Errorf("%w: %w", ErrEndpoint, err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return retryAfter(resp.Header, time.Now()), e.refused(resp, len(batch))
	}
	raw, err := io.ReadAll(resp.Body)
	if err != nil {
		return 0, fmt.Errorf("%w: answer: %w", ErrEndpoint, err)
	}
	var a Answer
	if err := json.Unmarshal(raw, &a); err != nil {
		return 0, fmt.Errorf("%w: its answer is not the JSON of proofs, or longer than %d bytes", ErrEndpoint, maxAnswer)
	}
	return 0, e.take(batch, a.Proofs)
}

// refused says what a status means. The body is not repeated: it may have what was
// sent.
func (e *Endpoint) refused(resp *http.Response, n int) error {
	what := "come again"
	switch s := resp.StatusCode; {
	case s == http.StatusRequestEntityTooLarge:
		e.mu.Lock()
		e.most = max(1, n/2)
		e.mu.Unlock()
		what = "fewer commitments at a time"
	case s == http.StatusUnauthorized || s == http.StatusForbidden:
		what = "it does not accept the credential of log.endpoint.credential_file"
	case s >= 300 && s < 400:
		what = "it sends elsewhere, where nothing is sent: set log.endpoint.url"
	case s == http.StatusNotFound || s == http.StatusMethodNotAllowed:
		what = "there is no such interface at log.endpoint.url"
	case s >= 400 && s < 500 && s != http.StatusTooManyRequests && s != http.StatusRequestTimeout:
		what = "it does not accept the request"
	}
	return fmt.Errorf("%w: status %d: %s", ErrEndpoint, resp.StatusCode, what)
}

// take checks the proofs of an answer and releases who waits for them. What the
// answer leaves out, or proves without enough witnesses, is asked for again.
func (e *Endpoint) take(batch []*entry, proofs []Proved) error {
	now := time.Now()
	asked := make(map[string]*entry, len(batch))
	for _, w := range batch {
		asked[hex.EncodeToString(w.commitment[:])] = w
		w.due = now.Add(pendingPause)
	}
	var wrong error
	for _, p := range proofs {
		w := asked[p.Commitment]
		if w == nil {
			continue // not asked for, or proved before in the same answer
		}
		index, err := e.check(w.commitment, []byte(p.Proof))
		switch {
		case errors.Is(err, ErrForked):
			return err
		case errors.Is(err, errUnwitnessed):
		case err != nil:
			w.due, wrong = now.Add(w.backoff.next()), err
		default:
			delete(asked, p.Commitment)
			w.proof, w.index = []byte(p.Proof), index
			e.mu.Lock()
			if e.waiting[w.commitment] == w {
				delete(e.waiting, w.commitment)
			}
			e.mu.Unlock()
			close(w.done)
		}
	}
	return wrong
}

// check verifies a proof as a relying party would, and shows its checkpoint to the
// memory.
func (e *Endpoint) check(commitment [32]byte, proof []byte) (uint64, error) {
	index, err := receipt.VerifyProof(proof, commitment, []string{e.o.Key})
	if err != nil {
		return 0, fmt.Errorf("%w: %w", ErrEndpoint, err)
	}
	_, checkpoint, _ := bytes.Cut(proof, []byte("\n\n"))
	if _, _, err := torchwood.VerifyCheckpoint(checkpoint, e.counts); err != nil {
		return 0, fmt.Errorf("%w: %w", errUnwitnessed, err)
	}
	if e.o.Memory != nil {
		if err := e.o.Memory.See(e.ctx, checkpoint); err != nil {
			return 0, err
		}
	}
	return index, nil
}
