package control

import (
	"errors"
	"io"
	"net/http"
	"net/url"
	"strconv"

	"github.com/veriproof/notary/sdk/bundle"
)

// A target is a session that the caller may reach.
type target struct{ tenant, session string }

// target authenticates, authorises and reads the address of a session request.
// Credentials come first: without them not even a malformed request is told
// what is wrong with it.
func (s *Server) target(r *http.Request, params []string, roles ...Role) (target, url.Values, error) {
	c, refused := s.authenticate(r)
	if refused != nil {
		return target{}, nil, refused
	}
	if c.roles != nil && !c.has(roles...) {
		return target{}, nil, forbidden(roles)
	}
	q, err := query(r, params...)
	if err != nil {
		return target{}, nil, err
	}
	tenant, err := tenantOf(c, q)
	if err != nil {
		return target{}, nil, err
	}
	id, err := session(r)
	return target{tenant, id}, q, err
}

func forbidden(roles []Role) *failure {
	hint := "this needs the role"
	for i, r := range roles {
		if i > 0 {
			hint += " or"
		}
		hint += " " + string(r)
	}
	f := fail(http.StatusForbidden, "these credentials do not allow it", hint)
	f.warn = true
	return f
}

func (s *Server) getSession(w http.ResponseWriter, r *http.Request) error {
	t, _, err := s.target(r, []string{"tenant"}, RoleOperator, RoleAuditor)
	if err != nil {
		return err
	}
	parts, err := s.parts(r, t)
	if err != nil {
		return err
	}
	writeJSON(w, http.StatusOK, struct {
		Parts []Part `json:"parts"`
	}{parts})
	return nil
}

// parts treats a session without parts as one that does not exist, so that the
// two cannot be told apart.
func (s *Server) parts(r *http.Request, t target) ([]Part, error) {
	parts, err := s.opts.Notary.Parts(r.Context(), t.tenant, t.session)
	if err == nil && len(parts) == 0 {
		err = ErrNotFound
	}
	return parts, err
}

func (s *Server) endSession(w http.ResponseWriter, r *http.Request) error {
	t, _, err := s.target(r, []string{"tenant"}, RoleOperator)
	if err != nil {
		return err
	}
	if err := noBody(r); err != nil {
		return err
	}
	if err := s.opts.Notary.EndSession(r.Context(), t.tenant, t.session); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// noBody refuses a body: one that was ignored would seem to have had an effect.
func noBody(r *http.Request) error {
	n, err := io.Copy(io.Discard, r.Body)
	var large *http.MaxBytesError
	switch {
	case errors.As(err, &large):
		return tooLarge()
	case err != nil:
		return fail(http.StatusBadRequest, "request body cannot be read", "send no body")
	case n > 0:
		return fail(http.StatusBadRequest, "this endpoint takes no body", "send no body")
	}
	return nil
}

func (s *Server) getBundle(w http.ResponseWriter, r *http.Request) error {
	t, q, err := s.target(r, []string{"tenant", "epoch", "part", "disclose"}, RoleOperator, RoleAuditor)
	if err != nil {
		return err
	}
	epoch, number, err := partWanted(q)
	if err != nil {
		return err
	}
	leaves, err := disclosed(q)
	if err != nil {
		return err
	}
	parts, err := s.parts(r, t)
	if err != nil {
		return err
	}
	ref, err := choose(parts, epoch, number)
	if err != nil {
		return err
	}
	b, err := s.opts.Notary.Bundle(r.Context(), t.tenant, t.session, ref, leaves)
	if err != nil {
		return err
	}
	h := w.Header()
	h.Set("Content-Type", bundle.MediaType)
	h.Set("Content-Disposition", `attachment; filename="bundle.zip"`)
	h.Set("Content-Length", strconv.Itoa(len(b)))
	_, _ = w.Write(b)
	return nil
}
