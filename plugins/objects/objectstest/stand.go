// Package objectstest has stand-ins for services of object storage, for tests of what
// their test servers lack: immutability, pages that break off, answers of overload. They
// follow the services' documentation, and are no proof of what the services do.
package objectstest

import (
	"encoding/xml"
	"maps"
	"net/http"
	"path"
	"slices"
	"strings"
	"sync"
)

// A Stand is what the stand-ins have in common: objects by name, and faults. It is safe for concurrent use.
type Stand struct {
	// Base is the path of the container or bucket. The last element of a request's path
	// is an object's name; none is the place itself.
	Base string
	// Fault, if not nil, is asked for each request: a status that is not 0 is answered
	// in place of the work.
	Fault func(r *http.Request) (status int, code string)

	mu      sync.Mutex
	objects map[string][]byte
}

// Objects returns what is stored, by name.
func (s *Stand) Objects() map[string][]byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	return maps.Clone(s.objects)
}

// Fail has every request answered with an error.
func (s *Stand) Fail(status int, code string) {
	s.Fault = func(*http.Request) (int, string) { return status, code }
}

// begin returns the object's name, or the fault that it meets.
func (s *Stand) begin(r *http.Request) (name string, status int, code string) {
	if s.Fault != nil {
		status, code = s.Fault(r)
	}
	return strings.Trim(strings.TrimPrefix(path.Clean(r.URL.Path), path.Clean(s.Base)), "/"), status, code
}

// names returns names in order, or, with a delimiter, what they share up to it.
func (s *Stand) names(prefix, delimiter string) []string {
	var out []string
	for name := range s.objects {
		rest, ok := strings.CutPrefix(name, prefix)
		if !ok {
			continue
		}
		if before, _, found := strings.Cut(rest, delimiter); delimiter != "" && found {
			name = prefix + before + delimiter
		}
		out = append(out, name)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

func escape(s string) string {
	var b strings.Builder
	_ = xml.EscapeText(&b, []byte(s)) // a Builder does not fail
	return b.String()
}
