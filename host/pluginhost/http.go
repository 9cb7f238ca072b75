package pluginhost

import (
	"context"
	"fmt"
	"slices"

	"github.com/tetratelabs/wazero/api"

	"github.com/veriproof/notary/host/journal"
	"github.com/veriproof/notary/sdk/plugin/abi"
)

// An Endpoint is what is behind a name of the capability "http": a base URL, the
// credential for it, and the connections. It is safe for concurrent use.
type Endpoint interface {
	// Do makes one request and returns the answer, whatever its status: redirections
	// are answers. An error means that there was none, so that the outcome is unknown,
	// or [ErrTooBig]. It names neither the path nor any credential.
	Do(ctx context.Context, r *HTTPRequest) (*HTTPResponse, error)
}

// An HTTPRequest is a request of a guest that [abi.DecodeHTTPRequest] has accepted.
// Nothing but ciphertext can be its body.
type HTTPRequest struct {
	Method         abi.HTTPMethod
	Path           string // of the object below the base URL, or empty
	Query, Headers []abi.HTTPField
	Body           []journal.Sealed
	MaxBody        int // of the response; more is ErrTooBig
}

// An HTTPResponse is an answer. Headers that are not for guests are dropped here.
type HTTPResponse struct {
	Status  int
	Headers []abi.HTTPField
	Body    journal.Sealed
}

// A MissingEndpointError says that an adapter names an endpoint that the operator did
// not give.
type MissingEndpointError struct{ Name string }

func (e *MissingEndpointError) Error() string {
	return fmt.Sprintf("the adapter asks the endpoint %q, and there is none of this name", e.Name)
}

// An HTTPStatusError is an answer that speaks of a failure, as the cause of what an
// adapter reports.
type HTTPStatusError struct {
	Endpoint string
	Method   abi.HTTPMethod
	Status   int
	// Code is the service's own word for it, or empty.
	Code string
}

func (e *HTTPStatusError) Error() string {
	text := fmt.Sprintf("endpoint %s answered a %v with %d", e.Endpoint, e.Method, e.Status)
	if e.Code != "" {
		text += " " + e.Code
	}
	return text
}

// An EndpointError is a request without an answer, as the cause of what an adapter
// reports: nobody is there, or the request could not be made.
type EndpointError struct {
	Endpoint string
	Err      error
}

func (e *EndpointError) Error() string { return fmt.Sprintf("endpoint %s: %v", e.Endpoint, e.Err) }
func (e *EndpointError) Unwrap() error { return e.Err }

// endpointsOf returns the endpoints of these names, in their order.
func endpointsOf(names []string, given map[string]Endpoint) ([]endpoint, error) {
	var out []endpoint
	for _, name := range names {
		e, ok := given[name]
		if !ok {
			return nil, &MissingEndpointError{name}
		}
		out = append(out, endpoint{e, name})
	}
	return out, nil
}

// An endpoint is one that an adapter has by a number.
type endpoint struct {
	Endpoint
	name string
}

// httpDo is the host function http_do: the number of an endpoint, a request, and
// room for the response.
func httpDo(c *call, mod api.Module, stack []uint64) {
	n := uint32(stack[0])
	encoded, ok1 := mod.Memory().Read(uint32(stack[1]), uint32(stack[2]))
	out, ok2 := mod.Memory().Read(uint32(stack[3]), uint32(stack[4]))
	fail := func(e int32) { stack[0] = api.EncodeI64(int64(-e)) }
	if !ok1 || !ok2 || uint64(n) >= uint64(len(c.storage.endpoints)) {
		fail(abi.ErrnoInvalid)
		return
	}
	request, err := abi.DecodeHTTPRequest(encoded)
	if err != nil {
		c.storage.cause = err
		fail(abi.ErrnoInvalid)
		return
	}
	body, e := c.storage.sealed(request.Body)
	switch {
	case e != 0:
		fail(e)
		return
	case c.ctx.Err() != nil:
		fail(abi.ErrnoIO)
		return
	}
	c.charge(mod, abi.HTTPFuel+uint64(len(encoded))/16)
	response, e := c.storage.request(c.ctx, &c.storage.endpoints[n], &HTTPRequest{
		Method: request.Method, Path: request.Path, Query: request.Query, Headers: request.Headers,
		Body: body, MaxBody: int(request.MaxBody),
	})
	if e != 0 {
		fail(e)
		return
	}
	answer := abi.AppendHTTPResponse(nil, response)
	if len(answer) > len(out) {
		fail(abi.ErrnoTooBig)
		return
	}
	c.charge(mod, uint64(copy(out, answer))/16)
	stack[0] = uint64(len(answer))
}

// sealed looks up the handles of a body.
func (c *storageCall) sealed(handles []uint32) (out []journal.Sealed, e int32) {
	total := 0
	for _, h := range handles {
		b, ok := c.payload(h)
		if !ok {
			return nil, abi.ErrnoHandle
		}
		if total += len(b); total > maxPut {
			return nil, abi.ErrnoTooBig
		}
		out = append(out, b)
	}
	return out, 0
}

// request makes the request and gives the body of the answer a handle. What comes
// from storage is storage's own already: see blobGet.
func (c *storageCall) request(ctx context.Context, e *endpoint, r *HTTPRequest) (*abi.HTTPResponse, int32) {
	got, err := e.Do(ctx, r)
	if err != nil {
		c.cause = &EndpointError{e.name, err}
		return nil, errnoOf(err)
	}
	out := &abi.HTTPResponse{Status: uint32(got.Status), Length: uint32(len(got.Body))}
	for _, f := range got.Headers {
		if slices.Contains(abi.HTTPResponseHeaders(), f.Name) && abi.ValidHTTPValue(f.Value) && len(out.Headers) < abi.MaxHTTPFields {
			out.Headers = append(out.Headers, f)
		}
	}
	if got.Status >= 300 {
		c.cause = &HTTPStatusError{Endpoint: e.name, Method: r.Method, Status: got.Status, Code: word(out.Header("x-ms-error-code"))}
	}
	if len(got.Body) > 0 {
		if out.Body = c.add(got.Body, true); out.Body == 0 {
			return nil, abi.ErrnoTooBig
		}
	}
	return out, 0
}

// word returns s if it is one word of letters, as the codes of services are, and else
// nothing: what comes from outside does not write the operator's log.
func word(s string) string {
	for _, r := range s {
		if (r < 'A' || r > 'Z') && (r < 'a' || r > 'z') {
			return ""
		}
	}
	return s[:min(len(s), 64)]
}
