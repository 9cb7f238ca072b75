package plugintest

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"net/url"

	"github.com/veriproof/notary/sdk/plugin/abi"
	"github.com/veriproof/notary/sdk/plugin/storage"
)

// Do implements storage.Endpoints: it holds the request to the ABI as the notary does,
// and lets the endpoint's handler answer it, without a network.
func (h *Host) Do(endpoint int, r *abi.HTTPRequest) (response *abi.HTTPResponse, err error) {
	err = h.do("http_do", func() error {
		checked, err := abi.DecodeHTTPRequest(abi.AppendHTTPRequest(nil, r))
		if err != nil || endpoint < 0 || endpoint >= len(h.Handlers) {
			return storage.Errno(abi.ErrnoInvalid)
		}
		request, err := h.request(checked)
		if err != nil {
			return err
		}
		w := httptest.NewRecorder()
		h.Handlers[endpoint].ServeHTTP(w, request)
		response, err = h.response(checked, w.Result(), w.Body.Bytes())
		return err
	})
	return response, err
}

func (h *Host) request(r *abi.HTTPRequest) (*http.Request, error) {
	var body []byte
	for _, n := range r.Body {
		b, ok := h.handles[n]
		if !ok {
			return nil, storage.Errno(abi.ErrnoHandle)
		}
		if body = append(body, b...); len(body) > abi.MaxBlob {
			return nil, storage.Errno(abi.ErrnoTooBig)
		}
	}
	query := url.Values{}
	for _, q := range r.Query {
		query.Set(q.Name, q.Value)
	}
	request := httptest.NewRequest(r.Method.String(), "/"+r.Path+"?"+query.Encode(), bytes.NewReader(body))
	for _, f := range r.Headers {
		request.Header.Set(f.Name, f.Value)
	}
	return request, nil
}

func (h *Host) response(r *abi.HTTPRequest, got *http.Response, body []byte) (*abi.HTTPResponse, error) {
	if len(body) > int(r.MaxBody) {
		return nil, storage.Errno(abi.ErrnoTooBig)
	}
	out := &abi.HTTPResponse{Status: uint32(got.StatusCode)}
	for _, name := range abi.HTTPResponseHeaders() {
		if v := got.Header.Get(name); v != "" && abi.ValidHTTPValue(v) {
			out.Headers = append(out.Headers, abi.HTTPField{Name: name, Value: v})
		}
	}
	if len(body) > 0 && r.Method != abi.HTTPHead {
		out.Body, out.Length = h.handle(bytes.Clone(body)), uint32(len(body))
	}
	return out, nil
}
