package abi

import (
	"encoding/binary"
	"slices"
)

// CapabilityHTTP opens http_do: requests to the endpoints whose names stand in the
// measured manifest. The operator's configuration says which base URL a name stands
// for and which credential the host adds; a guest chooses a number, a method, a key
// below the base URL, and fields of closed lists. It can name no host, and never sees
// a credential.
const CapabilityHTTP = "http"

// Bounds of the capability "http".
const (
	// MaxEndpoints is the greatest number of endpoints of a manifest.
	MaxEndpoints = 8
	// MaxHTTPFields is the greatest number of query pairs, and of headers, of a
	// request, and of headers of a response.
	MaxHTTPFields = 16
	// MaxHTTPName is the greatest length of a field's name in bytes.
	MaxHTTPName = 64
	// MaxHTTPValue is the greatest length of a field's value in bytes.
	MaxHTTPValue = 2 << 10
	// MaxHTTPRequest is the greatest length of an encoded request in bytes: room for
	// all fields and as many handles as a put can have.
	MaxHTTPRequest = 1 << 20
	// HTTPFuel is what a request costs the guest beside its bytes.
	HTTPFuel = 1 << 16
)

// HTTPMethod is what a request does.
type HTTPMethod byte

// The methods there are.
const (
	HTTPGet    HTTPMethod = 1
	HTTPHead   HTTPMethod = 2
	HTTPPut    HTTPMethod = 3
	HTTPDelete HTTPMethod = 4
)

// String returns the method as HTTP spells it.
func (m HTTPMethod) String() string {
	switch m {
	case HTTPGet:
		return "GET"
	case HTTPHead:
		return "HEAD"
	case HTTPPut:
		return "PUT"
	case HTTPDelete:
		return "DELETE"
	}
	return "unknown"
}

// HTTPQuery returns the names that the query of a request may have, sorted. What a
// signature or token in a URL is made of is not among them.
func HTTPQuery() []string {
	return []string{
		"comp", "continuation-token", "delimiter", "list-type", "marker", "max-keys", "maxresults",
		"object-lock", "prefix", "restype", "start-after", "versioning",
	}
}

// HTTPRequestHeaders returns the names that headers of a request may have, sorted. None
// of them names a place that a service would fetch from or send to, makes anything
// public, or is part of a credential.
func HTTPRequestHeaders() []string {
	return []string{"content-type", "if-match", "if-none-match", "range", "x-ms-blob-type", "x-ms-version"}
}

// HTTPResponseHeaders returns the names of the headers that a guest is shown, sorted.
func HTTPResponseHeaders() []string {
	return []string{
		"content-range", "etag", "last-modified", "retry-after", "x-amz-version-id", "x-ms-error-code",
		"x-ms-has-immutability-policy", "x-ms-has-legal-hold", "x-ms-immutable-storage-with-versioning-enabled",
	}
}

// An HTTPField is a pair of the query, or a header.
type HTTPField struct{ Name, Value string }

// An HTTPRequest is what http_do is given.
type HTTPRequest struct {
	Method HTTPMethod
	// MaxBody bounds the body of the response, in bytes; at most [MaxBlob].
	MaxBody uint32
	// Path is what follows the base URL and a slash: an object's key as
	// [ValidBlobKey] has it, or empty for the base URL itself.
	Path string
	// Query and Headers have names of the lists, each at most once.
	Query, Headers []HTTPField
	// Body are handles: what they stand for, one after the other, is the body of a
	// PUT. Other methods have none.
	Body []uint32
}

// An HTTPResponse is what http_do writes.
type HTTPResponse struct {
	Status uint32
	// Body is a handle of the body, 0 if there is none, and Length its bytes.
	Body, Length uint32
	// Headers are those of [HTTPResponseHeaders] that came, sorted by name.
	Headers []HTTPField
}

// Header returns the value of a header, or "".
func (r *HTTPResponse) Header(name string) string {
	for _, f := range r.Headers {
		if f.Name == name {
			return f.Value
		}
	}
	return ""
}

// AppendHTTPRequest appends the encoding of a request. It does not check it: whoever
// decodes it does.
func AppendHTTPRequest(dst []byte, r *HTTPRequest) []byte {
	le := binary.LittleEndian
	dst = append(dst, byte(r.Method), 0, 0, 0)
	dst = le.AppendUint32(dst, r.MaxBody)
	dst = appendText(dst, r.Path)
	dst = appendFields(dst, r.Query)
	dst = appendFields(dst, r.Headers)
	dst = le.AppendUint32(dst, uint32(len(r.Body)))
	for _, h := range r.Body {
		dst = le.AppendUint32(dst, h)
	}
	return dst
}

func appendText(dst []byte, s string) []byte {
	return append(binary.LittleEndian.AppendUint32(dst, uint32(len(s))), s...)
}

func appendFields(dst []byte, fields []HTTPField) []byte {
	dst = binary.LittleEndian.AppendUint32(dst, uint32(len(fields)))
	for _, f := range fields {
		dst = appendText(appendText(dst, f.Name), f.Value)
	}
	return dst
}

// DecodeHTTPRequest reads a request of exactly len(b) bytes, and refuses what a
// guest may not ask for: it is the one place that decides.
func DecodeHTTPRequest(b []byte) (*HTTPRequest, error) {
	if len(b) > MaxHTTPRequest {
		return nil, malformed("HTTP request of " + dec(len(b)) + " bytes, at most " + dec(MaxHTTPRequest))
	}
	r := reader{rest: b}
	out := &HTTPRequest{}
	if head := r.take(8); head != nil {
		out.Method, out.MaxBody = HTTPMethod(head[0]), binary.LittleEndian.Uint32(head[4:])
	}
	out.Path = r.text(MaxBlobKey)
	out.Query = r.fields()
	out.Headers = r.fields()
	if n := r.count(4); n > 0 {
		out.Body = make([]uint32, n)
		for i := range out.Body {
			out.Body[i] = binary.LittleEndian.Uint32(r.take(4))
		}
	}
	if r.failed || len(r.rest) > 0 {
		return nil, malformed("HTTP request is cut off, too long, or has too many fields, at byte " + dec(len(b)-len(r.rest)))
	}
	return out, out.check()
}

func (r *HTTPRequest) check() error {
	switch {
	case r.Method < HTTPGet || r.Method > HTTPDelete:
		return malformed("HTTP request with method " + dec(uint32(r.Method)))
	case r.MaxBody > MaxBlob:
		return malformed("HTTP request for a body of " + dec(r.MaxBody) + " bytes, at most " + dec(MaxBlob))
	case r.Path != "" && !ValidBlobKey([]byte(r.Path)):
		return malformed("HTTP request with a path that is no object's key")
	case r.Method != HTTPPut && len(r.Body) > 0:
		return malformed("HTTP request with a body that is no PUT")
	case len(r.Body) > 2*MaxEntries:
		return malformed("HTTP request with " + dec(len(r.Body)) + " handles, at most " + dec(2*MaxEntries))
	case !listed(r.Query, HTTPQuery()):
		return malformed("HTTP request with a query that is not of the list, stands twice, or has other than printable ASCII")
	case !listed(r.Headers, HTTPRequestHeaders()):
		return malformed("HTTP request with a header that is not of the list, stands twice, or has other than printable ASCII")
	}
	return nil
}

func listed(fields []HTTPField, names []string) bool {
	for i, f := range fields {
		twice := slices.ContainsFunc(fields[:i], func(o HTTPField) bool { return o.Name == f.Name })
		if _, known := slices.BinarySearch(names, f.Name); !known || twice || !ValidHTTPValue(f.Value) {
			return false
		}
	}
	return true
}

// ValidHTTPValue reports whether s may be a field's value: at most [MaxHTTPValue]
// bytes of printable ASCII.
func ValidHTTPValue(s string) bool {
	for i := range len(s) {
		if s[i] < ' ' || s[i] > '~' {
			return false
		}
	}
	return len(s) <= MaxHTTPValue
}

// AppendHTTPResponse appends the encoding of a response.
func AppendHTTPResponse(dst []byte, r *HTTPResponse) []byte {
	le := binary.LittleEndian
	dst = le.AppendUint32(dst, r.Status)
	dst = le.AppendUint32(dst, r.Body)
	dst = le.AppendUint32(dst, r.Length)
	return appendFields(dst, r.Headers)
}

// DecodeHTTPResponse reads a response of exactly len(b) bytes.
func DecodeHTTPResponse(b []byte) (*HTTPResponse, error) {
	r := reader{rest: b}
	out := &HTTPResponse{}
	if head := r.take(12); head != nil {
		le := binary.LittleEndian
		out.Status, out.Body, out.Length = le.Uint32(head), le.Uint32(head[4:]), le.Uint32(head[8:])
	}
	out.Headers = r.fields()
	if r.failed || len(r.rest) > 0 {
		return nil, malformed("HTTP response is cut off, too long, or has too many headers, at byte " + dec(len(b)-len(r.rest)))
	}
	return out, nil
}

// text reads a text of at most n bytes.
func (r *reader) text(n int) string {
	length := r.count(1)
	if length > n {
		r.failed = true
	}
	return string(r.take(length))
}

func (r *reader) fields() []HTTPField {
	n := r.count(8)
	if n == 0 || n > MaxHTTPFields {
		r.failed = r.failed || n > 0
		return nil
	}
	out := make([]HTTPField, n)
	for i := range out {
		out[i] = HTTPField{Name: r.text(MaxHTTPName), Value: r.text(MaxHTTPValue)}
	}
	return out
}
