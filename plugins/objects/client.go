package objects

import (
	"strconv"

	"github.com/veriproof/notary/sdk/plugin/abi"
	"github.com/veriproof/notary/sdk/plugin/storage"
)

// answerRoom bounds the body of an answer that only says something: the service
// explains errors in it.
const answerRoom = 64 << 10

// A Dialect is what services that keep objects behind HTTP say differently.
type Dialect struct {
	// Listing names the elements of a listing, List the query that asks for one; Most
	// and Next are the names in it of the bound and of the mark to continue by.
	Listing    Tags
	List       []abi.HTTPField
	Most, Next string
	// Headers go with each request, Object with each object that is written.
	Headers, Object []abi.HTTPField
	// Code returns the service's code for an error.
	Code func(c *Client, r *abi.HTTPResponse) string
	// Absent is the code that says that there is no such object. That its place is gone
	// says something else: not that the object was erased.
	Absent string
}

// A Client makes the requests that are alike in all services. Nothing is repeated here:
// what a service calls overload, time-out or failure is [abi.StoUnavailable], and the
// journal writes the same bytes again, with a growing pause.
type Client struct {
	http     storage.Endpoints
	payloads storage.Payloads
	dialect  Dialect
	listings *ListingReader
}

// NewClient returns a client. It is made in configure: see [NewListingReader].
func NewClient(d Dialect, http storage.Endpoints, payloads storage.Payloads) *Client {
	return &Client{http: http, payloads: payloads, dialect: d, listings: NewListingReader(d.Listing, payloads)}
}

// Ask makes a request of a place without a body and returns the answer, if there is one.
func (c *Client) Ask(place Place, method abi.HTTPMethod, query ...abi.HTTPField) (*abi.HTTPResponse, bool) {
	r := &abi.HTTPRequest{Method: method, Query: query}
	if method != abi.HTTPHead {
		r.MaxBody = answerRoom
	}
	return c.do(place, r)
}

func (c *Client) do(place Place, r *abi.HTTPRequest) (*abi.HTTPResponse, bool) {
	r.Headers = append(r.Headers, c.dialect.Headers...)
	response, err := c.http.Do(int(place), r)
	return response, err == nil
}

// Code returns the service's code for an error.
func (c *Client) Code(r *abi.HTTPResponse) string { return c.dialect.Code(c, r) }

// Element returns the text of the first element of a name in an answer's body.
func (c *Client) Element(r *abi.HTTPResponse, name string) string {
	if r.Body == 0 {
		return ""
	}
	text := make([]byte, min(r.Length, answerRoom))
	n, err := c.payloads.Read(r.Body, 0, text)
	if err != nil {
		return ""
	}
	return Element(text[:n], name)
}

// Write writes an object under a condition, "if-none-match" or "if-match".
func (c *Client) Write(place Place, name, condition, value string, handles []uint32) (*abi.HTTPResponse, bool) {
	headers := append([]abi.HTTPField{{Name: "content-type", Value: "application/octet-stream"}, {Name: condition, Value: value}}, c.dialect.Object...)
	return c.do(place, &abi.HTTPRequest{Method: abi.HTTPPut, MaxBody: answerRoom, Path: name, Body: handles, Headers: headers})
}

// Read implements Read of a Service.
func (c *Client) Read(place Place, name string) (Object, abi.StoStatus) {
	response, ok := c.do(place, &abi.HTTPRequest{Method: abi.HTTPGet, MaxBody: abi.MaxBlob, Path: name})
	switch {
	case !ok:
		return Object{}, abi.StoUnavailable
	case response.Status == 404 && c.Code(response) == c.dialect.Absent:
		return Object{}, abi.StoNotFound
	case response.Status != 200:
		return Object{}, abi.StoUnavailable
	}
	return Object{Handle: response.Body, Length: response.Length, Tag: response.Header("etag")}, abi.StoOK
}

// List implements List of a Service.
func (c *Client) List(place Place, q *Query) (*Page, abi.StoStatus) {
	query := append([]abi.HTTPField{{Name: c.dialect.Most, Value: strconv.Itoa(q.Most)}}, c.dialect.List...)
	for _, f := range []abi.HTTPField{{Name: "prefix", Value: q.Prefix}, {Name: "delimiter", Value: q.Delimiter}, {Name: c.dialect.Next, Value: q.Next}} {
		if f.Value != "" {
			query = append(query, f)
		}
	}
	response, ok := c.do(place, &abi.HTTPRequest{Method: abi.HTTPGet, MaxBody: MaxListing, Query: query})
	if !ok || response.Status != 200 {
		return nil, abi.StoUnavailable
	}
	return c.listings.Read(response.Body, response.Length, q.Delimiter != "")
}
