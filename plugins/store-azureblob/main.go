// Command store-azureblob is the notary's built-in storage adapter on Azure Blob
// Storage. Built for wasip1 it is a plugin: it speaks the service's protocol through
// the capability "http", without a host, a credential, or a byte of what it stores.
// Package objects has the layout.
package main

import (
	"github.com/veriproof/notary/plugins/objects"
	"github.com/veriproof/notary/sdk/plugin/abi"
	"github.com/veriproof/notary/sdk/plugin/config"
	"github.com/veriproof/notary/sdk/plugin/storage"
)

func init() {
	registered := spec(func() storage.Endpoints { return storage.HTTP(requestRoom) }, storage.Payload)
	storage.Register(registered)
}

func main() {}

// requestRoom holds a request of some thousand handles.
const requestRoom = 32 << 10

// version is that of the service's protocol.
const version = "2021-12-02"

// Codes that the operator is told; README.md explains them.
const (
	codeSetting         storage.Code = 10 // in the plugin's configuration
	codeContainer       storage.Code = 11 // a container is not there, or cannot be listed
	codeKeysProtected   storage.Code = 12 // wrapped keys could not be erased
	codeNotImmutable    storage.Code = 13 // entries are not immutable, and have to be
	codeImmutableUnsaid storage.Code = 14 // the service does not say whether they are
	codeInit            storage.Code = 15 // a container cannot be made
)

func spec(endpoints func() storage.Endpoints, payloads func() storage.Payloads) storage.Spec {
	return storage.Spec{Configure: func(text []byte) (storage.Adapter, error) {
		required := false
		err := config.Read(text, func(r *config.Reader, key string) {
			if key != "immutability" {
				r.Unknown(key)
				return
			}
			switch r.Text() {
			case "required":
				required = true
			case "any":
			default:
				r.Fail("immutability is neither required nor any")
			}
		})
		if err != nil {
			return nil, codeSetting
		}
		p := payloads()
		s := &service{http: endpoints(), listings: objects.NewListingReader(objects.Tags{
			Root: "EnumerationResults", Item: "Blob", Name: "Name", Group: "BlobPrefix", Begin: "Name", Next: "NextMarker",
		}, p)}
		return &adapter{Adapter: objects.New(s, p), service: s, immutable: required}, nil
	}}
}

type adapter struct {
	*objects.Adapter
	service   *service
	immutable bool // entries have to be
}

// Migrate implements storage.Adapter. It changes nothing: it looks whether both
// containers are there, that wrapped keys can be erased, and, if that is demanded, that
// entries cannot.
func (a *adapter) Migrate() error {
	for _, place := range []objects.Place{objects.Entries, objects.Keys} {
		if _, status := a.service.List(place, &objects.Query{Most: 1}); status != abi.StoOK {
			return codeContainer
		}
	}
	keys, _ := a.service.protection(objects.Keys)
	if keys {
		return codeKeysProtected
	}
	if !a.immutable {
		return nil
	}
	switch entries, told := a.service.protection(objects.Entries); {
	case !told:
		return codeImmutableUnsaid
	case !entries:
		return codeNotImmutable
	}
	return nil
}

// Init implements storage.Initializer: it makes the containers that are not there. A
// policy of immutability is the operator's to set.
func (a *adapter) Init() error {
	for _, place := range []objects.Place{objects.Entries, objects.Keys} {
		if !a.service.make(place) {
			return codeInit
		}
	}
	return nil
}
