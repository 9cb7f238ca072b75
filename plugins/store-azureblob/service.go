package main

import (
	"strconv"

	"github.com/veriproof/notary/plugins/objects"
	"github.com/veriproof/notary/sdk/plugin/abi"
	"github.com/veriproof/notary/sdk/plugin/storage"
)

// A service speaks the protocol of Azure Blob Storage, with a container behind each
// endpoint. It implements [objects.Service].
//
// Nothing is repeated here: what the service calls overload, time-out or failure is
// "unavailable", and the journal writes the same bytes again, with a growing pause.
type service struct {
	http     storage.Endpoints
	listings *objects.ListingReader
}

// answerRoom bounds the body of an answer that nobody reads: the service explains
// errors in it.
const answerRoom = 64 << 10

func (s *service) do(place objects.Place, r *abi.HTTPRequest) (*abi.HTTPResponse, bool) {
	r.Headers = append(r.Headers, abi.HTTPField{Name: "x-ms-version", Value: version})
	response, err := s.http.Do(int(place), r)
	return response, err == nil
}

// codeOf returns the service's code for an error.
func codeOf(r *abi.HTTPResponse) string { return r.Header("x-ms-error-code") }

// Create implements objects.Service. An existing blob answers with 409, and so does
// one that a policy protects, which exists as well; other reasons for a 409 say nothing
// about the blob.
func (s *service) Create(place objects.Place, name string, handles []uint32) abi.StoStatus {
	response, ok := s.put(place, name, "if-none-match", "*", handles)
	switch {
	case !ok:
		return abi.StoUnavailable
	case response.Status == 201:
		return abi.StoOK
	case exists(response):
		return abi.StoConflict
	}
	return abi.StoUnavailable
}

func exists(r *abi.HTTPResponse) bool {
	switch code := codeOf(r); r.Status {
	case 409:
		return code == "BlobAlreadyExists" || protected(code)
	case 412:
		return code == "ConditionNotMet" || code == "LeaseIdMissing"
	}
	return false
}

// Replace implements objects.Service.
func (s *service) Replace(place objects.Place, name, tag string, handles []uint32) abi.StoStatus {
	response, ok := s.put(place, name, "if-match", tag, handles)
	switch {
	case !ok:
		return abi.StoUnavailable
	case response.Status == 201:
		return abi.StoOK
	case response.Status == 412 && codeOf(response) == "ConditionNotMet":
		return abi.StoConflict
	case response.Status == 409 && protected(codeOf(response)):
		return abi.StoProtected
	}
	return abi.StoUnavailable
}

// protected reports whether a code speaks of a retention policy or a legal hold.
func protected(code string) bool {
	return code == "BlobImmutableDueToPolicy" || code == "BlobImmutableDueToLegalHold"
}

func (s *service) put(place objects.Place, name, condition, value string, handles []uint32) (*abi.HTTPResponse, bool) {
	return s.do(place, &abi.HTTPRequest{
		Method: abi.HTTPPut, MaxBody: answerRoom, Path: name, Body: handles,
		Headers: []abi.HTTPField{
			{Name: "content-type", Value: "application/octet-stream"}, {Name: condition, Value: value}, {Name: "x-ms-blob-type", Value: "BlockBlob"},
		},
	})
}

// Read implements objects.Service. That the container is gone does not mean that the
// blob was erased.
func (s *service) Read(place objects.Place, name string) (objects.Object, abi.StoStatus) {
	response, ok := s.do(place, &abi.HTTPRequest{Method: abi.HTTPGet, MaxBody: abi.MaxBlob, Path: name})
	switch {
	case !ok:
		return objects.Object{}, abi.StoUnavailable
	case response.Status == 404 && codeOf(response) == "BlobNotFound":
		return objects.Object{}, abi.StoNotFound
	case response.Status != 200:
		return objects.Object{}, abi.StoUnavailable
	}
	return objects.Object{Handle: response.Body, Length: response.Length, Tag: response.Header("etag")}, abi.StoOK
}

// List implements objects.Service.
func (s *service) List(place objects.Place, q *objects.Query) (*objects.Page, abi.StoStatus) {
	query := []abi.HTTPField{{Name: "restype", Value: "container"}, {Name: "comp", Value: "list"}, {Name: "maxresults", Value: strconv.Itoa(q.Most)}}
	for _, f := range []abi.HTTPField{{Name: "prefix", Value: q.Prefix}, {Name: "delimiter", Value: q.Delimiter}, {Name: "marker", Value: q.Next}} {
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

var container = []abi.HTTPField{{Name: "restype", Value: "container"}}

// protection reports whether a container is under a policy of retention or a legal
// hold, or keeps versions under one, and whether the service told: a shared access
// signature for one container does not let it.
func (s *service) protection(place objects.Place) (protected, told bool) {
	response, ok := s.do(place, &abi.HTTPRequest{Method: abi.HTTPHead, Query: container})
	if !ok || response.Status != 200 {
		return false, false
	}
	for _, name := range []string{"x-ms-has-immutability-policy", "x-ms-has-legal-hold", "x-ms-immutable-storage-with-versioning-enabled"} {
		if response.Header(name) == "true" {
			protected = true
		}
	}
	return protected, response.Header("x-ms-has-immutability-policy") != ""
}

// make makes a container, or leaves alone one that is there.
func (s *service) make(place objects.Place) bool {
	response, ok := s.do(place, &abi.HTTPRequest{Method: abi.HTTPPut, MaxBody: answerRoom, Query: container})
	return ok && (response.Status == 201 || response.Status == 409 && codeOf(response) == "ContainerAlreadyExists")
}
