package objectstest

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
)

// A Container is one container of Azure Blob Storage, as the operations of Put Blob,
// Get Blob, Delete Blob, List Blobs, Create Container and Get Container Properties
// describe it. It is a handler: the last element of a path is a blob's name, none is
// the container. It is safe for concurrent use.
type Container struct {
	Stand
	// Immutable puts blobs under a policy of retention: what exists can be neither
	// replaced nor deleted. LegalHold is the same by a hold.
	Immutable, LegalHold bool
	// Silent refuses to tell the container's properties, as it does to a shared access
	// signature for one container.
	Silent bool
	// Pages bounds a page of a listing below what is asked for, and makes every second
	// page empty; 0 does neither.
	Pages int

	removed bool
	tags    map[string]int // by name
}

// NewContainer returns a container that exists.
func NewContainer() *Container {
	return &Container{Stand: Stand{Base: "/", objects: map[string][]byte{}}, tags: map[string]int{}}
}

// Remove makes it one that was never made.
func (c *Container) Remove() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.removed, c.objects = true, nil
}

// set stores an object. Its tag is one that the name has not had.
func (c *Container) set(name string, data []byte) {
	c.objects[name] = data
	c.tags[name]++
}

func (c *Container) tag(name string) string { return fmt.Sprintf(`"0x8D%X"`, c.tags[name]) }

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
	name, status, code := c.begin(r)
	q := r.URL.Query()
	switch {
	case status != 0:
		fail(w, status, code)
	case r.Header.Get("x-ms-version") == "":
		fail(w, 400, "MissingRequiredHeader")
	case name == "" && q.Get("restype") != "container":
		fail(w, 400, "InvalidQueryParameterValue")
	case name == "" && r.Method == http.MethodPut:
		c.make(w)
	case c.removed:
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
	if !c.removed {
		fail(w, 409, "ContainerAlreadyExists")
		return
	}
	c.removed, c.objects = false, map[string][]byte{}
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
	old, exists := c.objects[name]
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
		case r.Header.Get("If-Match") != "" && r.Header.Get("If-Match") != c.tag(name):
			fail(w, 412, "ConditionNotMet")
		case exists && c.protection() != "":
			fail(w, 409, c.protection())
		default:
			c.set(name, data)
			w.Header().Set("ETag", c.tag(name))
			w.WriteHeader(201)
		}
	case http.MethodGet, http.MethodHead:
		if !exists {
			fail(w, 404, "BlobNotFound")
			return
		}
		w.Header().Set("ETag", c.tag(name))
		_, _ = w.Write(old)
	case http.MethodDelete:
		switch {
		case !exists:
			fail(w, 404, "BlobNotFound")
		case c.protection() != "":
			fail(w, 409, c.protection())
		default:
			delete(c.objects, name)
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
	for _, key := range c.names(prefix, delimiter) {
		if key < start {
			continue
		}
		if n == limit || empty {
			next = key
			break
		}
		n++
		if b, ok := c.objects[key]; ok {
			fmt.Fprintf(&out, "<Blob><Name>%s</Name><Properties><Creation-Time>Tue, 01 Dec 2026 10:00:00 GMT</Creation-Time><Etag>%s</Etag><Content-Length>%d</Content-Length></Properties><OrMetadata /></Blob>", escape(key), escape(c.tag(key)), len(b))
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
