package control

import (
	"net/http"
	"time"
)

// An Event is something that the notary has logged and a person should see. It is of the
// log, so nothing of a session is in it.
type Event struct {
	Time    time.Time `json:"time"`
	Level   string    `json:"level"` // WARN or ERROR
	Message string    `json:"message"`
	Detail  string    `json:"detail,omitempty"` // the line's attributes
}

// getEvents shows the last warnings and errors, the newest first, to those who may see
// metrics.
func (s *Server) getEvents(w http.ResponseWriter, r *http.Request) error {
	c, refused := s.authenticate(r)
	if refused != nil {
		return refused
	}
	if allowed := []Role{RoleMetrics, RoleOperator}; !c.has(allowed...) {
		return forbidden(allowed)
	}
	writeJSON(w, http.StatusOK, struct {
		Events []Event `json:"events"`
	}{append([]Event{}, s.opts.Events()...)})
	return nil
}
