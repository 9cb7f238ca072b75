package ingest

import (
	"net/http"
	"net/http/httptest"
	"time"
)

// deadlines is a recorder that a deadline can be set on, as on a connection.
type deadlines struct{ *httptest.ResponseRecorder }

func (deadlines) SetReadDeadline(time.Time) error { return nil }

// Record answers a request without a connection.
func Record(s *Server, r *http.Request) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	handler{s}.ServeHTTP(deadlines{w}, r)
	return w
}
