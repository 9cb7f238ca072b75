// Command store-azureblob is the notary's built-in storage adapter on Azure Blob
// Storage. Built for wasip1 it is a plugin: it speaks the service's protocol through
// the capability "http", without a host, a credential, or a byte of what it stores.
// Package objects has the layout.
package main

import (
	"github.com/veriproof/notary/plugins/objects"
	"github.com/veriproof/notary/sdk/plugin/abi"
	"github.com/veriproof/notary/sdk/plugin/storage"
)

func init() {
	registered := objects.Spec(open, func() storage.Endpoints { return storage.HTTP(objects.RequestRoom) }, storage.Payload)
	storage.Register(registered)
}

func main() {}

// A service speaks the protocol of Azure Blob Storage, with a container behind each
// endpoint. It implements [objects.Store].
type service struct{ *objects.Client }

func open(http storage.Endpoints, payloads storage.Payloads) objects.Store {
	return service{objects.NewClient(objects.Dialect{
		Listing: objects.Tags{Root: "EnumerationResults", Item: "Blob", Name: "Name", Group: "BlobPrefix", Begin: "Name", Next: "NextMarker"},
		List:    []abi.HTTPField{{Name: "restype", Value: "container"}, {Name: "comp", Value: "list"}},
		Most:    "maxresults", Next: "marker",
		Headers: []abi.HTTPField{{Name: "x-ms-version", Value: "2021-12-02"}}, // of the protocol
		Object:  []abi.HTTPField{{Name: "x-ms-blob-type", Value: "BlockBlob"}},
		Code:    func(_ *objects.Client, r *abi.HTTPResponse) string { return r.Header("x-ms-error-code") },
		Absent:  "BlobNotFound",
	}, http, payloads)}
}

// Create implements objects.Service. An existing blob answers with 409, and so does
// one that a policy protects, which exists as well; other reasons for a 409 say nothing
// about the blob.
func (s service) Create(place objects.Place, name string, handles []uint32) abi.StoStatus {
	response, ok := s.Write(place, name, "if-none-match", "*", handles)
	switch {
	case !ok:
		return abi.StoUnavailable
	case response.Status == 201:
		return abi.StoOK
	case s.exists(response):
		return abi.StoConflict
	}
	return abi.StoUnavailable
}

func (s service) exists(r *abi.HTTPResponse) bool {
	switch code := s.Code(r); r.Status {
	case 409:
		return code == "BlobAlreadyExists" || protected(code)
	case 412:
		return code == "ConditionNotMet" || code == "LeaseIdMissing"
	}
	return false
}

// Replace implements objects.Service.
func (s service) Replace(place objects.Place, name, tag string, handles []uint32) abi.StoStatus {
	response, ok := s.Write(place, name, "if-match", tag, handles)
	switch {
	case !ok:
		return abi.StoUnavailable
	case response.Status == 201:
		return abi.StoOK
	case response.Status == 412 && s.Code(response) == "ConditionNotMet":
		return abi.StoConflict
	case response.Status == 409 && protected(s.Code(response)):
		return abi.StoProtected
	}
	return abi.StoUnavailable
}

// protected reports whether a code speaks of a retention policy or a legal hold.
func protected(code string) bool {
	return code == "BlobImmutableDueToPolicy" || code == "BlobImmutableDueToLegalHold"
}

var container = abi.HTTPField{Name: "restype", Value: "container"}

// KeysStay implements objects.Store.
func (s service) KeysStay() bool {
	keys, _ := s.protection(objects.Keys)
	return keys
}

// Immutable implements objects.Store. A shared access signature for one container is
// not told.
func (s service) Immutable() (immutable, told bool) { return s.protection(objects.Entries) }

// protection reports whether a container is under a policy of retention or a legal
// hold, or keeps versions under one, and whether the service told.
func (s service) protection(place objects.Place) (protected, told bool) {
	response, ok := s.Ask(place, abi.HTTPHead, container)
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

// Make implements objects.Maker.
func (s service) Make(place objects.Place) bool {
	response, ok := s.Ask(place, abi.HTTPPut, container)
	return ok && (response.Status == 201 || response.Status == 409 && s.Code(response) == "ContainerAlreadyExists")
}
