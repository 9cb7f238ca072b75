// Command store-s3 is the notary's built-in storage adapter on Amazon S3, and on what
// speaks its protocol with conditional writes. Built for wasip1 it is a plugin: it speaks
// through the capability "http", without a host, a credential, or a byte of what it
// stores. Package objects has the layout.
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

// A service speaks the protocol of S3, with a bucket behind each endpoint. It
// implements [objects.Store]. Buckets are the operator's to make.
type service struct{ *objects.Client }

func open(http storage.Endpoints, payloads storage.Payloads) objects.Store {
	return service{objects.NewClient(objects.Dialect{
		Listing: objects.Tags{Root: "ListBucketResult", Item: "Contents", Name: "Key", Group: "CommonPrefixes", Begin: "Prefix", Next: "NextContinuationToken"},
		List:    []abi.HTTPField{{Name: "list-type", Value: "2"}},
		Most:    "max-keys", Next: "continuation-token",
		Code:   func(c *objects.Client, r *abi.HTTPResponse) string { return c.Element(r, "Code") },
		Absent: "NoSuchKey",
	}, http, payloads)}
}

// Create implements objects.Service. Where two create at once, the service may tell one
// of them to come again (409).
func (s service) Create(place objects.Place, name string, handles []uint32) abi.StoStatus {
	return s.put(place, name, "if-none-match", "*", handles)
}

// Replace implements objects.Service.
func (s service) Replace(place objects.Place, name, tag string, handles []uint32) abi.StoStatus {
	return s.put(place, name, "if-match", tag, handles)
}

func (s service) put(place objects.Place, name, condition, value string, handles []uint32) abi.StoStatus {
	response, ok := s.Write(place, name, condition, value, handles)
	switch {
	case ok && response.Status == 200:
		return abi.StoOK
	case ok && response.Status == 412 && s.Code(response) == "PreconditionFailed":
		return abi.StoConflict
	}
	return abi.StoUnavailable
}

// KeysStay implements objects.Store: replaced objects stay as versions in a bucket that
// keeps them, and those from before versioning was suspended are still there.
func (s service) KeysStay() bool {
	versions, _ := s.setting(objects.Keys, "versioning", "Status")
	return versions != ""
}

// Immutable implements objects.Store, by a default retention under an object lock.
func (s service) Immutable() (immutable, told bool) {
	mode, told := s.setting(objects.Entries, "object-lock", "Mode")
	return mode != "", told
}

// setting returns an element of a bucket's setting, and whether the service told: it may
// not to the credential that a notary has, and others do not know the setting.
func (s service) setting(place objects.Place, name, element string) (value string, told bool) {
	response, ok := s.Ask(place, abi.HTTPGet, abi.HTTPField{Name: name})
	if !ok || response.Status != 200 {
		// A bucket without a lock answers that there is no such setting.
		return "", ok && response.Status == 404 && s.Code(response) == "ObjectLockConfigurationNotFoundError"
	}
	return s.Element(response, element), true
}
