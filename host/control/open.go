package control

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"sync"
	"unicode"

	"github.com/veriproof/notary/attestation/challenge"
	"github.com/veriproof/notary/host/attester"
)

// Evidence is the answer of GET /v1/evidence.
type Evidence = challenge.Document

// evidenceCache keeps the encoding of the current attestation: anybody may ask,
// at any rate.
type evidenceCache struct {
	mu   sync.Mutex
	of   *attester.Attestation
	body []byte
}

func (c *evidenceCache) encode(a *attester.Attestation, tlsPEM []byte) ([]byte, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.of == a {
		return c.body, nil
	}
	body, err := json.Marshal(Evidence{
		RuntimeData: a.RuntimeData, Token: a.Token, JWKS: a.JWKS,
		Report: a.Evidence.Report, VCEKChain: a.Evidence.VCEKChain, UVM: a.Evidence.UVM, CCEPolicy: a.Evidence.CCEPolicy,
		TLSCertificate: string(tlsPEM),
	})
	if err != nil {
		return nil, err
	}
	c.of, c.body = a, append(body, '\n')
	return c.body, nil
}

// getEvidence answers with an expired attestation too: judging it is the relying
// party's part, and an old one is better than none for finding out why. With a
// nonce it answers the challenge as well.
func (s *Server) getEvidence(w http.ResponseWriter, r *http.Request) error {
	q, err := query(r, "nonce")
	if err != nil {
		return err
	}
	a := s.opts.Notary.Attestation()
	if a == nil {
		f := fail(http.StatusServiceUnavailable, "not yet attested", "see /readyz for the step that is waited for")
		f.retry = 5
		return f
	}
	body, err := s.evidence.encode(a, s.opts.OTLPCertificate)
	if err != nil {
		return err
	}
	if q.Has("nonce") {
		answer, err := s.answer(r, q.Get("nonce"))
		if err != nil {
			return err
		}
		if body, err = withAnswer(body, answer); err != nil {
			return err
		}
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(body)
	return nil
}

func (s *Server) getLogKey(w http.ResponseWriter, _ *http.Request) error {
	text(w, http.StatusOK, s.opts.LogKey)
	return nil
}

func (s *Server) getHealth(w http.ResponseWriter, _ *http.Request) error {
	text(w, http.StatusOK, "ok")
	return nil
}

func (s *Server) getReady(w http.ResponseWriter, _ *http.Request) error {
	if err := s.opts.Notary.Ready(); err != nil {
		text(w, http.StatusServiceUnavailable, "not ready: "+oneLine(err.Error()))
		return nil
	}
	text(w, http.StatusOK, "ready")
	return nil
}

func text(w http.ResponseWriter, status int, s string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(status)
	_, _ = io.WriteString(w, s+"\n")
}

// maxReason bounds the reason at /readyz, in bytes.
const maxReason = 500

// oneLine keeps a reason to one bounded line of printable text.
func oneLine(s string) string {
	if len(s) > maxReason {
		s = s[:maxReason] + "…"
	}
	s = strings.ToValidUTF8(s, "")
	return strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return ' '
	}, s)
}
