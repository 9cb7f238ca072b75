package main

import (
	"strconv"

	"github.com/veriproof/notary/plugins/objects"
	"github.com/veriproof/notary/sdk/plugin/abi"
	"github.com/veriproof/notary/sdk/plugin/storage"
)

// A service speaks the protocol of S3, with a bucket behind each endpoint. It
// implements [objects.Service]. Nothing is repeated here: see store-azureblob.
type service struct {
	http     storage.Endpoints
	payloads storage.Payloads
	listings *objects.ListingReader
}

// answerRoom bounds the body of an answer that only says something.
const answerRoom = 64 << 10

func (s *service) do(place objects.Place, r *abi.HTTPRequest) (*abi.HTTPResponse, bool) {
	response, err := s.http.Do(int(place), r)
	return response, err == nil
}

// element returns the text of the first element of a name in an answer's body.
func (s *service) element(r *abi.HTTPResponse, name string) string {
	if r.Body == 0 {
		return ""
	}
	text := make([]byte, min(r.Length, answerRoom))
	n, err := s.payloads.Read(r.Body, 0, text)
	if err != nil {
		return ""
	}
	return objects.Element(text[:n], name)
}

// Create implements objects.Service. Where two create at once, the service may tell one
// of them to come again (409).
func (s *service) Create(place objects.Place, name string, handles []uint32) abi.StoStatus {
	return s.put(place, name, "if-none-match", "*", handles)
}

// Replace implements objects.Service.
func (s *service) Replace(place objects.Place, name, tag string, handles []uint32) abi.StoStatus {
	return s.put(place, name, "if-match", tag, handles)
}

func (s *service) put(place objects.Place, name, condition, value string, handles []uint32) abi.StoStatus {
	response, ok := s.do(place, &abi.HTTPRequest{
		Method: abi.HTTPPut, MaxBody: answerRoom, Path: name, Body: handles,
		Headers: []abi.HTTPField{{Name: "content-type", Value: "application/octet-stream"}, {Name: condition, Value: value}},
	})
	switch {
	case ok && response.Status == 200:
		return abi.StoOK
	case ok && response.Status == 412 && s.element(response, "Code") == "PreconditionFailed":
		return abi.StoConflict
	}
	return abi.StoUnavailable
}

// Read implements objects.Service. That the bucket is gone does not mean that the object
// was erased.
func (s *service) Read(place objects.Place, name string) (objects.Object, abi.StoStatus) {
	response, ok := s.do(place, &abi.HTTPRequest{Method: abi.HTTPGet, MaxBody: abi.MaxBlob, Path: name})
	switch {
	case !ok:
		return objects.Object{}, abi.StoUnavailable
	case response.Status == 404 && s.element(response, "Code") == "NoSuchKey":
		return objects.Object{}, abi.StoNotFound
	case response.Status != 200:
		return objects.Object{}, abi.StoUnavailable
	}
	return objects.Object{Handle: response.Body, Length: response.Length, Tag: response.Header("etag")}, abi.StoOK
}

// List implements objects.Service.
func (s *service) List(place objects.Place, q *objects.Query) (*objects.Page, abi.StoStatus) {
	query := []abi.HTTPField{{Name: "list-type", Value: "2"}, {Name: "max-keys", Value: strconv.Itoa(q.Most)}}
	for _, f := range []abi.HTTPField{{Name: "prefix", Value: q.Prefix}, {Name: "delimiter", Value: q.Delimiter}, {Name: "continuation-token", Value: q.Next}} {
		if f.Value != "" {
			query = append(query, f)
		}
	}
	response, ok := s.do(place, &abi.HTTPRequest{Method: abi.HTTPGet, MaxBody: objects.MaxListing, Query: query})
	if !ok || response.Status != 200 {
		return nil, abi.StoUnavailable
	}
	return s.listings.Read(response.Body, response.Length, q.Delimiter != "")
}

// setting returns an element of a bucket's setting, and whether the service told: it may
// not to the credential that a notary has, and others do not know the setting.
func (s *service) setting(place objects.Place, name, element string) (value string, told bool) {
	response, ok := s.do(place, &abi.HTTPRequest{Method: abi.HTTPGet, MaxBody: answerRoom, Query: []abi.HTTPField{{Name: name}}})
	if !ok || response.Status != 200 {
		// A bucket without a lock answers that there is no such setting.
		return "", ok && response.Status == 404 && s.element(response, "Code") == "ObjectLockConfigurationNotFoundError"
	}
	return s.element(response, element), true
}
