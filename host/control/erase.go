package control

import (
	"context"
	"encoding/hex"
	"net/http"
	"net/url"
	"strconv"
)

// eraseSession erases what a session has in the epoch that serves. A tenant's key does
// not do: whoever sends records, perhaps the agent that they are about, must not be able
// to destroy them.
func (s *Server) eraseSession(w http.ResponseWriter, r *http.Request) error {
	return ofSession(s, w, r, s.opts.Notary.EraseSession)
}

// ofSession answers an operator's order about a session.
func ofSession[T any](s *Server, w http.ResponseWriter, r *http.Request, order func(ctx context.Context, tenant, session string) (T, error)) error {
	q, err := s.operatorOnly(r, "tenant")
	if err != nil {
		return err
	}
	tenant, err := tenantOf(&caller{roles: []Role{RoleOperator}}, q)
	if err != nil {
		return err
	}
	id, err := session(r)
	if err != nil {
		return err
	}
	done, err := order(r.Context(), tenant, id)
	if err != nil {
		return err
	}
	writeJSON(w, http.StatusOK, done)
	return nil
}

// erasePart erases one part of any epoch.
func (s *Server) erasePart(w http.ResponseWriter, r *http.Request) error {
	return ofPart(s, w, r, s.opts.Notary.ErasePart)
}

// ofPart answers an operator's order about a sealed part.
func ofPart[T any](s *Server, w http.ResponseWriter, r *http.Request, order func(context.Context, SealedRef) (T, error)) error {
	q, err := s.operatorOnly(r, "commitment", "epoch", "seq")
	if err != nil {
		return err
	}
	ref, err := sealedRef(q)
	if err != nil {
		return err
	}
	done, err := order(r.Context(), *ref)
	if err != nil {
		return err
	}
	writeJSON(w, http.StatusOK, done)
	return nil
}

// sealedRef reads which sealed part a request is about.
func sealedRef(q url.Values) (ref *SealedRef, err error) {
	ref = new(SealedRef)
	if !lowerHex(ref.Commitment[:], q.Get("commitment")) || !lowerHex(ref.Epoch[:], q.Get("epoch")) {
		return nil, badQuery("commitment or epoch is not lower-case hex of its length", "\"notary session\" and \"notary export\" take both from storage")
	}
	if ref.Seq, err = strconv.ParseUint(q.Get("seq"), 10, 64); err != nil {
		return nil, badQuery("seq is not a number", "give the place of the manifest entry in the journal of epoch")
	}
	return ref, nil
}

// operatorOnly returns the query of a request without a body by an operator.
func (s *Server) operatorOnly(r *http.Request, params ...string) (url.Values, error) {
	q, _, err := s.byOperator(r, params...)
	return q, err
}

// byOperator returns the operator's name as well.
func (s *Server) byOperator(r *http.Request, params ...string) (url.Values, string, error) {
	c, refused := s.authenticate(r)
	if refused != nil {
		return nil, "", refused
	}
	if !c.has(RoleOperator) {
		return nil, "", forbidden([]Role{RoleOperator})
	}
	q, err := query(r, params...)
	if err != nil {
		return nil, "", err
	}
	return q, c.name, noBody(r)
}

func lowerHex(into []byte, text string) bool {
	b, err := hex.DecodeString(text)
	return err == nil && copy(into, b) == len(into) && hex.EncodeToString(into) == text
}
