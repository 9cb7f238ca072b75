// Package registrytest is an OCI registry in memory, for tests: enough of the
// distribution spec 1.1 to push and pull artifacts, with or without credentials, and
// with contents that a test can spoil.
package registrytest

import (
	"crypto/sha256"
	"crypto/subtle"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
)

// A Registry is an http.Handler. It is safe for concurrent use.
type Registry struct {
	// User and Password, if not empty, are asked for by basic authentication.
	User, Password string

	mu      sync.Mutex
	objects map[string]object // by "blobs/" or "manifests/" and digest
}

type object struct {
	mediaType string
	body      []byte
}

// Spoil flips a bit in the object of this digest, and reports whether there is one.
func (r *Registry) Spoil(digest string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	found := false
	for key, o := range r.objects {
		if strings.HasSuffix(key, digest) {
			o.body[len(o.body)/2] ^= 1
			found = true
		}
	}
	return found
}

// Add stores a manifest and returns its digest.
func (r *Registry) Add(mediaType string, manifest []byte) string {
	return r.store("manifests/", mediaType, manifest)
}

func (r *Registry) store(kind, mediaType string, body []byte) string {
	digest := fmt.Sprintf("sha256:%x", sha256.Sum256(body))
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.objects == nil {
		r.objects = make(map[string]object)
	}
	r.objects[kind+digest] = object{mediaType, body}
	return digest
}

func (r *Registry) ServeHTTP(w http.ResponseWriter, q *http.Request) {
	user, password, _ := q.BasicAuth()
	if r.User != "" && (user != r.User || subtle.ConstantTimeCompare([]byte(password), []byte(r.Password)) != 1) {
		w.Header().Set("WWW-Authenticate", `Basic realm="registry"`)
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	path := q.URL.Path
	if !strings.HasPrefix(path, "/v2/") {
		w.WriteHeader(http.StatusNotFound)
		return
	}
	body, err := io.ReadAll(io.LimitReader(q.Body, 16<<20))
	if err != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	switch {
	case q.Method == http.MethodPost && strings.HasSuffix(path, "/blobs/uploads/"):
		w.Header().Set("Location", path+"1")
		w.WriteHeader(http.StatusAccepted)
	case q.Method == http.MethodPut && strings.Contains(path, "/blobs/uploads/"):
		r.stored(w, r.store("blobs/", "", body), q.URL.Query().Get("digest"))
	case q.Method == http.MethodPut && strings.Contains(path, "/manifests/"):
		r.stored(w, r.store("manifests/", q.Header.Get("Content-Type"), body), path[strings.LastIndex(path, "/")+1:])
	case q.Method == http.MethodGet || q.Method == http.MethodHead:
		r.get(w, q.Method, path)
	default:
		w.WriteHeader(http.StatusMethodNotAllowed)
	}
}

func (r *Registry) stored(w http.ResponseWriter, digest, announced string) {
	if digest != announced {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	w.Header().Set("Docker-Content-Digest", digest)
	w.WriteHeader(http.StatusCreated)
}

func (r *Registry) get(w http.ResponseWriter, method, path string) {
	parts := strings.Split(path, "/")
	digest := parts[len(parts)-1]
	r.mu.Lock()
	o, ok := r.objects[parts[len(parts)-2]+"/"+digest]
	body := append([]byte{}, o.body...)
	r.mu.Unlock()
	if !ok {
		w.WriteHeader(http.StatusNotFound)
		return
	}
	if o.mediaType != "" {
		w.Header().Set("Content-Type", o.mediaType)
	}
	// What a registry that lies would say.
	w.Header().Set("Docker-Content-Digest", digest)
	w.Header().Set("Content-Length", fmt.Sprint(len(body)))
	if method == http.MethodGet {
		w.Write(body)
	}
}
