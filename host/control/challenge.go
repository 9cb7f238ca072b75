package control

import (
	"encoding/json"
	"errors"
	"math"
	"net/http"
	"net/netip"
	"sync"
	"time"

	"github.com/veriproof/notary/attestation/challenge"
)

// Default rates of challenges. Each costs a message to the secure processor, which
// serves the whole machine one at a time and is rate limited by the host.
var (
	DefaultChallengeRate    = Rate{Burst: 10, Every: time.Second}            // per remote address
	DefaultChallengeMaximum = Rate{Burst: 50, Every: 100 * time.Millisecond} // over all addresses
)

// challenges is what the server keeps about challenges.
type challenges struct {
	each, all limiter
	seen      nonces
}

// answer answers the nonce of the request.
func (s *Server) answer(r *http.Request, text string) (*challenge.Answer, error) {
	nonce, err := challenge.ParseNonce(text)
	if err != nil {
		return nil, badQuery("nonce is not usable", "give 16 to 64 random bytes as lower-case hex or base64url without padding")
	}
	exporter, err := challenge.Exporter(r.TLS)
	if err != nil {
		return nil, fail(http.StatusBadRequest, "this connection cannot carry a proof of possession", "use TLS 1.3 to the notary itself; nothing in between may terminate it")
	}
	now := s.opts.Now()
	c := &s.challenges
	if !c.each.allow(remote(r), now) {
		return nil, tooMany("too many challenges from this address", c.each.rate)
	}
	if !c.all.allow(netip.Prefix{}, now) {
		return nil, tooMany("too many challenges at present", c.all.rate)
	}
	if !c.seen.take(nonce, now) {
		return nil, fail(http.StatusConflict, "this nonce was used before", "make a new random nonce for each request")
	}
	a, err := s.opts.Notary.Answer(r.Context(), nonce, exporter)
	if err != nil {
		c.seen.giveBack(nonce)
		f := fail(http.StatusServiceUnavailable, "no fresh report at present", "try again in a moment; without a nonce the last one is served")
		f.retry, f.cause = 2, err
		return nil, f
	}
	return a, nil
}

func tooMany(text string, rate Rate) *failure {
	f := fail(http.StatusTooManyRequests, text, "try again later; without a nonce there is no limit")
	f.retry = max(1, int(math.Ceil(rate.Every.Seconds())))
	return f
}

// withAnswer puts the answer into the encoding of the standing Evidence, an object
// that is never empty and ends in "}\n". The large part is encoded once.
func withAnswer(evidence []byte, a *challenge.Answer) ([]byte, error) {
	b, err := json.Marshal(a)
	if err != nil {
		return nil, err
	}
	if len(evidence) < 4 {
		return nil, errors.New("no Evidence to put an answer beside")
	}
	out := make([]byte, 0, len(evidence)+len(b)+16)
	out = append(out, evidence[:len(evidence)-2]...)
	out = append(out, `,"challenge":`...)
	return append(append(out, b...), "}\n"...), nil
}

// maxNonces bounds the memory of used nonces; the rate bounds it long before.
const maxNonces = 16 << 10

// nonces remembers used nonces for at least challenge.MaxAge, in two generations.
// It protects relying parties that use a nonce twice by mistake: whether an answer
// is fresh is theirs to judge, and for a stranger's nonce there is nothing here to
// protect. So it may forget early when it is full.
type nonces struct {
	mu         sync.Mutex
	began      time.Time // of the younger generation
	young, old map[string]bool
}

// take marks the nonce as used, and reports whether it was not.
func (n *nonces) take(nonce []byte, now time.Time) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	age := now.Sub(n.began)
	switch {
	case n.young == nil, age < 0, age > 2*challenge.MaxAge:
		n.young, n.old, n.began = make(map[string]bool), nil, now
	case age > challenge.MaxAge, len(n.young) >= maxNonces:
		n.young, n.old, n.began = make(map[string]bool), n.young, now
	}
	if n.young[string(nonce)] || n.old[string(nonce)] {
		return false
	}
	n.young[string(nonce)] = true
	return true
}

// giveBack makes a nonce usable that got no answer.
func (n *nonces) giveBack(nonce []byte) {
	n.mu.Lock()
	defer n.mu.Unlock()
	delete(n.young, string(nonce))
	delete(n.old, string(nonce))
}
