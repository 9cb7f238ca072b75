package control

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"runtime"
	"strconv"
	"time"
)

// An endpoint answers a request or returns why not.
type endpoint func(http.ResponseWriter, *http.Request) error

// routes binds the patterns. Each one's string is also its name in logs and
// metrics: paths contain session ids and are never written anywhere.
func (s *Server) routes() {
	s.mux = http.NewServeMux()
	for pattern, e := range map[string]endpoint{
		"GET /v1/evidence":                    s.getEvidence,
		"GET /v1/sessions/{session}":          s.getSession,
		"POST /v1/sessions/{session}/end":     s.endSession,
		"POST /v1/sessions/{session}/erase":   s.eraseSession,
		"POST /v1/erasures":                   s.erasePart,
		"POST /v1/sessions/{session}/hold":    s.holdSession,
		"POST /v1/sessions/{session}/release": s.releaseSession,
		"POST /v1/holds":                      s.holdPart,
		"POST /v1/releases":                   s.releaseHold,
		"POST /v1/exports":                    s.journalExport,
		"GET /v1/sessions/{session}/bundle":   s.getBundle,
		"GET /metrics":                        s.getMetrics,
		"GET /healthz":                        s.getHealth,
		"GET /readyz":                         s.getReady,
	} {
		s.handle(pattern, e)
	}
	if s.opts.Reload != nil {
		s.handle("POST /v1/reload", s.reload)
	}
	if s.opts.Events != nil {
		s.handle("GET /v1/events", s.getEvents)
	}
	if s.opts.LogKey != "" {
		s.handle("GET /v1/log/key", s.getLogKey)
	}
}

func (s *Server) handle(pattern string, e endpoint) {
	s.mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
		if err := e(w, r); err != nil {
			s.refuse(w, r, failureOf(err))
		}
	})
}

// unrouted is the metrics label of requests that match no pattern.
const unrouted = "none"

// ServeHTTP implements [http.Handler]. It expects to be reached over TLS.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	began := time.Now()
	h := w.Header()
	h.Set("Request-Id", rand.Text())
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	ctx, cancel := context.WithTimeout(r.Context(), handlerTimeout)
	defer cancel()
	r = r.WithContext(ctx)
	sw := &statusWriter{ResponseWriter: w}
	_, pattern := s.mux.Handler(r)
	if pattern == "" {
		pattern = unrouted
	}
	defer func() {
		s.recovered(sw, pattern, recover())
		s.metrics.observe(pattern, sw.status(), time.Since(began))
	}()
	s.dispatch(sw, r, pattern)
}

func (s *Server) dispatch(w http.ResponseWriter, r *http.Request, pattern string) {
	if r.ContentLength > maxBody {
		s.refuse(w, r, tooLarge())
		return
	}
	r.Body = http.MaxBytesReader(w, r.Body, maxBody)
	if pattern != unrouted {
		s.mux.ServeHTTP(w, r)
		return
	}
	// The mux knows whether it is the path or the method; only its text is not
	// ours.
	probe := &discarded{header: make(http.Header)}
	s.mux.ServeHTTP(probe, r)
	if probe.status == http.StatusMethodNotAllowed {
		allow := probe.header.Get("Allow")
		w.Header().Set("Allow", allow)
		s.refuse(w, r, fail(probe.status, "method not allowed here", "use "+allow))
		return
	}
	s.refuse(w, r, fail(http.StatusNotFound, "no such endpoint", "see /v1/evidence, /v1/sessions/{session}, /healthz, /readyz, /metrics"))
}

func tooLarge() *failure {
	return fail(http.StatusRequestEntityTooLarge, "request body is too large", fmt.Sprintf("at most %d bytes are read here, and no endpoint needs a body", maxBody))
}

// refuse answers with f, and logs what an operator has to know.
func (s *Server) refuse(w http.ResponseWriter, r *http.Request, f *failure) {
	level := slog.LevelDebug
	switch {
	case f.status >= http.StatusInternalServerError && f.cause != nil:
		level = slog.LevelError
	case f.warn:
		level = slog.LevelWarn
	}
	// The cause is named by its type: its text may quote what it failed on. Who is refused for
	// his credentials is so without an error, and told one of a few fixed texts.
	cause := causeOf(f.cause)
	if f.status == http.StatusUnauthorized || f.status == http.StatusForbidden {
		cause = f.text
	}
	s.log.LogAttrs(r.Context(), level, "control request refused",
		slog.String("request", w.Header().Get("Request-Id")),
		slog.String("route", r.Pattern),
		slog.Int("status", f.status),
		slog.String("remote", remote(r).String()),
		slog.String("cause", cause))
	f.write(w)
}

// causeOf names the innermost error's type and the sentinels that are known here.
func causeOf(err error) string {
	switch {
	case err == nil:
		return ""
	case errors.Is(err, context.DeadlineExceeded):
		return "time limit"
	case errors.Is(err, context.Canceled):
		return "canceled"
	case errors.Is(err, ErrUnavailable):
		return "unavailable"
	}
	for next := err; next != nil; next = errors.Unwrap(next) {
		err = next
	}
	return fmt.Sprintf("%T", err)
}

// recovered turns a panic into a 500. Its value is not logged: it may quote
// content.
func (s *Server) recovered(w *statusWriter, pattern string, value any) {
	if value == nil {
		return
	}
	if err, ok := value.(error); ok && errors.Is(err, http.ErrAbortHandler) {
		panic(value)
	}
	s.log.Error("control handler panicked",
		slog.String("request", w.Header().Get("Request-Id")),
		slog.String("route", pattern),
		slog.String("type", fmt.Sprintf("%T", value)),
		slog.Any("at", callers()))
	if w.code == 0 {
		failureOf(errors.New("panic")).write(w)
		return
	}
	// Half an answer must not look like a whole one.
	panic(http.ErrAbortHandler)
}

// callers lists the functions that panicked, without their arguments.
func callers() []string {
	pcs := make([]uintptr, 24)
	frames := runtime.CallersFrames(pcs[:runtime.Callers(4, pcs)])
	var at []string
	for {
		f, more := frames.Next()
		at = append(at, fmt.Sprintf("%s:%d", f.Function, f.Line))
		if !more {
			return at
		}
	}
}

// statusWriter remembers the status for the metrics.
type statusWriter struct {
	http.ResponseWriter
	code int
}

func (w *statusWriter) WriteHeader(code int) {
	if w.code == 0 {
		w.code = code
	}
	w.ResponseWriter.WriteHeader(code)
}

func (w *statusWriter) Write(b []byte) (int, error) {
	if w.code == 0 {
		w.code = http.StatusOK
	}
	return w.ResponseWriter.Write(b)
}

// Unwrap lets http.ResponseController reach the connection.
func (w *statusWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

func (w *statusWriter) status() string {
	if w.code == 0 {
		return strconv.Itoa(http.StatusOK)
	}
	return strconv.Itoa(w.code)
}

// discarded is a ResponseWriter whose body nobody wants.
type discarded struct {
	header http.Header
	status int
}

func (d *discarded) Header() http.Header         { return d.header }
func (d *discarded) Write(b []byte) (int, error) { return len(b), nil }
func (d *discarded) WriteHeader(status int) {
	if d.status == 0 {
		d.status = status
	}
}
