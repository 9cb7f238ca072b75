// Package objectstest has stand-ins for services of object storage, for tests of what
// their test servers lack: immutability, pages that break off, answers of overload. They
// follow the services' documentation, and are no proof of what the services do.
package objectstest

import (
	"bytes"
	"encoding/base64"
	"encoding/xml"
	"fmt"
	"io"
	"net/http"
	"path"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// A Container is one container of Azure Blob Storage, as the operations of Put Blob,
// Get Blob, Delete Blob, List Blobs, Create Container and Get Container Properties
// describe it. It is a handler: the last element of a path is a blob's name, none is
// the container. It is safe for concurrent use.
type Container struct {
	// Base is the container's path.
	Base string
	// Immutable puts blobs under a policy of retention: what exists can be neither
	// replaced nor deleted. LegalHold is the same by a hold.
	Immutable, LegalHold bool
	// Silent refuses to tell the container's properties, as it does to a shared access
	// signature for one container.
	Silent bool
	// Pages bounds a page of a listing below what is asked for, and makes every second
	// page empty; 0 does neither.
	Pages int
	// Fault, if not nil, is asked for each request: a status that is not 0 is answered
	// in place of the work.
	Fault func(r *http.Request) (status int, code string)

	mu      sync.Mutex
	made    bool
	tags    int
	blobs   map[string]blob
	counted int
}

type blob struct {
	data []byte
	tag  string
}

// NewContainer returns a container that exists.
func NewContainer() *Container { return &Container{Base: "/", made: true, blobs: map[string]blob{}} }

// Remove makes it one that was never made.
func (c *Container) Remove() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.made, c.blobs = false, nil
}

// Objects returns what is stored, by name.
func (c *Container) Objects() map[string][]byte {
	c.mu.Lock()
	defer c.mu.Unlock()
	out := make(map[string][]byte, len(c.blobs))
	for name, b := range c.blobs {
		out[name] = b.data
	}
	return out
}

// Set stores an object, as another client would.
func (c *Container) Set(name string, data []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.set(name, data)
}

func (c *Container) set(name string, data []byte) string {
	c.tags++
	tag := fmt.Sprintf(`"0x8D%X"`, c.tags)
	c.blobs[name] = blob{data, tag}
	return tag
}

// Requests returns how many requests there were.
func (c *Container) Requests() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.counted
}

func fail(w http.ResponseWriter, status int, code string) {
	w.Header().Set("x-ms-error-code", code)
	w.Header().Set("Content-Type", "application/xml")
	w.WriteHeader(status)
	fmt.Fprintf(w, "<?xml version=\"1.0\"?><Error><Code>%s</Code><Message>%s.</Message></Error>", code, code)
}

// ServeHTTP implements http.Handler.
func (c *Container) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.counted++
	if c.Fault != nil {
		if status, code := c.Fault(r); status != 0 {
			fail(w, status, code)
			return
		}
	}
	name := strings.Trim(strings.TrimPrefix(path.Clean(r.URL.Path), path.Clean(c.Base)), "/")
	q := r.URL.Query()
	switch {
	case r.Header.Get("x-ms-version") == "":
		fail(w, 400, "MissingRequiredHeader")
	case name == "" && q.Get("restype") != "container":
		fail(w, 400, "InvalidQueryParameterValue")
	case name == "" && r.Method == http.MethodPut:
		c.make(w)
	case !c.made:
		fail(w, 404, "ContainerNotFound")
	case name == "" && q.Get("comp") == "list" && r.Method == http.MethodGet:
		c.list(w, q.Get("prefix"), q.Get("delimiter"), q.Get("marker"), q.Get("maxresults"))
	case name == "" && q.Get("comp") == "":
		c.properties(w)
	case name == "":
		fail(w, 400, "InvalidQueryParameterValue")
	default:
		c.blob(w, r, name)
	}
}

func (c *Container) make(w http.ResponseWriter) {
	if c.made {
		fail(w, 409, "ContainerAlreadyExists")
		return
	}
	c.made, c.blobs = true, map[string]blob{}
	w.WriteHeader(201)
}

func (c *Container) properties(w http.ResponseWriter) {
	if c.Silent {
		fail(w, 403, "AuthorizationPermissionMismatch")
		return
	}
	w.Header().Set("x-ms-has-immutability-policy", strconv.FormatBool(c.Immutable))
	w.Header().Set("x-ms-has-legal-hold", strconv.FormatBool(c.LegalHold))
}

func (c *Container) blob(w http.ResponseWriter, r *http.Request, name string) {
	old, exists := c.blobs[name]
	switch r.Method {
	case http.MethodPut:
		data, err := io.ReadAll(r.Body)
		switch {
		case err != nil:
			fail(w, 400, "RequestBodyIncomplete")
		case r.Header.Get("x-ms-blob-type") != "BlockBlob":
			fail(w, 400, "InvalidHeaderValue")
		case exists && r.Header.Get("If-None-Match") == "*":
			fail(w, 409, "BlobAlreadyExists")
		case r.Header.Get("If-Match") != "" && r.Header.Get("If-Match") != old.tag:
			fail(w, 412, "ConditionNotMet")
		case exists && c.protection() != "":
			fail(w, 409, c.protection())
		default:
			w.Header().Set("ETag", c.set(name, data))
			w.WriteHeader(201)
		}
	case http.MethodGet, http.MethodHead:
		if !exists {
			fail(w, 404, "BlobNotFound")
			return
		}
		w.Header().Set("ETag", old.tag)
		_, _ = w.Write(old.data)
	case http.MethodDelete:
		switch {
		case !exists:
			fail(w, 404, "BlobNotFound")
		case c.protection() != "":
			fail(w, 409, c.protection())
		default:
			delete(c.blobs, name)
			w.WriteHeader(202)
		}
	default:
		fail(w, 405, "UnsupportedHttpVerb")
	}
}

// protection is the code by which a change is refused, or empty.
func (c *Container) protection() string {
	switch {
	case c.LegalHold:
		return "BlobImmutableDueToLegalHold"
	case c.Immutable:
		return "BlobImmutableDueToPolicy"
	}
	return ""
}

// list lists names and, with a delimiter, what they begin with. The marker says with
// what to go on, in a form that nobody should read.
func (c *Container) list(w http.ResponseWriter, prefix, delimiter, marker, most string) {
	from, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(marker, "2!"))
	limit, numeric := strconv.Atoi(most)
	if err != nil || most != "" && (numeric != nil || limit < 1) {
		fail(w, 400, "InvalidQueryParameterValue")
		return
	}
	if most == "" || limit > 5000 {
		limit = 5000
	}
	start, empty := strings.CutPrefix(string(from), "+")
	if c.Pages > 0 {
		limit = min(limit, c.Pages)
	}
	var out bytes.Buffer
	fmt.Fprintf(&out, "\xef\xbb\xbf<?xml version=\"1.0\" encoding=\"utf-8\"?><EnumerationResults ServiceEndpoint=\"https://x/\" ContainerName=\"c\"><Prefix>%s</Prefix><Blobs>", escape(prefix))
	next, n := "", 0
	for _, key := range c.keys(prefix, delimiter) {
		if key < start {
			continue
		}
		if n == limit || empty {
			next = key
			break
		}
		n++
		if b, ok := c.blobs[key]; ok {
			fmt.Fprintf(&out, "<Blob><Name>%s</Name><Properties><Creation-Time>Tue, 01 Dec 2026 10:00:00 GMT</Creation-Time><Etag>%s</Etag><Content-Length>%d</Content-Length></Properties><OrMetadata /></Blob>", escape(key), escape(b.tag), len(b.data))
		} else {
			fmt.Fprintf(&out, "<BlobPrefix><Name>%s</Name></BlobPrefix>", escape(key))
		}
	}
	out.WriteString("</Blobs>")
	if next == "" {
		out.WriteString("<NextMarker />")
	} else {
		if c.Pages > 0 && !empty {
			next = "+" + next // the next page has nothing
		}
		fmt.Fprintf(&out, "<NextMarker>2!%s</NextMarker>", base64.StdEncoding.EncodeToString([]byte(next)))
	}
	out.WriteString("</EnumerationResults>")
	w.Header().Set("Content-Type", "application/xml")
	_, _ = w.Write(out.Bytes())
}

// keys returns names, or what they share up to the delimiter, sorted.
func (c *Container) keys(prefix, delimiter string) []string {
	var out []string
	for name := range c.blobs {
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
