package control

import (
	"context"
	"errors"
	"net/http"
)

// ErrBusy: a reload is under way already.
var ErrBusy = errors.New("a reload is under way")

// reload has the process begin a new epoch with what the configuration file says
// now. What is wrong with a file or module is told to the operator who asked: he
// wrote the one and named the other.
func (s *Server) reload(w http.ResponseWriter, r *http.Request) error {
	if _, err := s.operatorOnly(r); err != nil {
		return err
	}
	epoch, err := s.opts.Reload(r.Context())
	switch {
	case err == nil:
		writeJSON(w, http.StatusOK, struct {
			Epoch string `json:"epoch"`
		}{epoch})
		return nil
	case errors.Is(err, ErrBusy):
		return fail(http.StatusConflict, "a reload is under way", "wait for its end; GET /v1/evidence shows the epoch that serves")
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
		return fail(http.StatusGatewayTimeout, "the reload takes longer than this request may", "the log tells how it ends, and GET /v1/evidence shows the epoch that serves")
	}
	f := fail(http.StatusUnprocessableEntity, "the reload failed, and the epoch that served goes on: "+err.Error(), "mend it, and ask again")
	var advised interface{ Hint() string }
	if errors.As(err, &advised) && advised.Hint() != "" {
		f.hint = advised.Hint()
	}
	f.cause = err
	return f
}
