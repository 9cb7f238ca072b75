package ingest

import (
	"net/http"
	"net/http/httptest"
	"runtime"
	"sync/atomic"
	"time"
)

// MaxRefusals is how many wait for strangers.
const MaxRefusals = maxRefusals

// deadlines is a recorder that a deadline can be set on, as on a connection.
type deadlines struct {
	*httptest.ResponseRecorder
	write time.Time
}

func (*deadlines) SetReadDeadline(time.Time) error { return nil }

func (d *deadlines) SetWriteDeadline(t time.Time) error {
	d.write = t
	return nil
}

// Record answers a request without a connection.
func Record(s *Server, r *http.Request) *httptest.ResponseRecorder {
	w, _ := RecordWithDeadline(s, r)
	return w
}

// RecordWithDeadline also returns until when the answer may be written, if that is said of it.
func RecordWithDeadline(s *Server, r *http.Request) (*httptest.ResponseRecorder, time.Time) {
	w := deadlines{ResponseRecorder: httptest.NewRecorder()}
	handler{s}.ServeHTTP(&w, r)
	return w.ResponseRecorder, w.write
}

// CountGivenWay counts how often work gives way to other threads. It is called before
// the first connection.
func CountGivenWay(s *Server) *atomic.Int64 {
	n, was := new(atomic.Int64), s.aside.giveWay
	if was != nil {
		s.aside.giveWay = func() { n.Add(1); was() }
	}
	return n
}

// Occupy has others work who are not in good standing, as many as may, until left is called.
func Occupy(s *Server) (left func()) {
	var places []*place
	for range max(1, runtime.GOMAXPROCS(0)/2) {
		p := s.aside.join("someone", "else")
		<-p.ready
		places = append(places, p)
	}
	return func() {
		for range places {
			s.aside.leave()
		}
	}
}

// InFlight is what of the budget is taken.
func InFlight(s *Server) int64 {
	s.budget.mu.Lock()
	defer s.budget.mu.Unlock()
	return s.cfg.MaxInFlight - s.budget.free
}
