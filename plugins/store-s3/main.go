// Command store-s3 is the notary's built-in storage adapter on Amazon S3, and on what
// speaks its protocol with conditional writes. Built for wasip1 it is a plugin: it speaks
// through the capability "http", without a host, a credential, or a byte of what it
// stores. Package objects has the layout.
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

// Codes that the operator is told; README.md explains them.
const (
	codeSetting      storage.Code = 10 // in the plugin's configuration
	codeBucket       storage.Code = 11 // a bucket is not there, or cannot be listed
	codeKeysVersions storage.Code = 12 // wrapped keys would stay as old versions
	codeNotImmutable storage.Code = 13 // entries are not immutable, and have to be
	codeUnsaid       storage.Code = 14 // the service does not say whether they are
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
		s := &service{http: endpoints(), payloads: p, listings: objects.NewListingReader(objects.Tags{
			Root: "ListBucketResult", Item: "Contents", Name: "Key", Group: "CommonPrefixes", Begin: "Prefix", Next: "NextContinuationToken",
		}, p)}
		return &adapter{Adapter: objects.New(s, p), service: s, immutable: required}, nil
	}}
}

type adapter struct {
	*objects.Adapter
	service   *service
	immutable bool // entries have to be
}

// Migrate implements storage.Adapter. It changes nothing: it looks whether both buckets
// are there, that replaced wrapped keys do not stay as versions, and, if that is
// demanded, that entries are locked. Buckets are the operator's to make.
func (a *adapter) Migrate() error {
	for _, place := range []objects.Place{objects.Entries, objects.Keys} {
		if _, status := a.service.List(place, &objects.Query{Most: 1}); status != abi.StoOK {
			return codeBucket
		}
	}
	if versions, _ := a.service.setting(objects.Keys, "versioning", "Status"); versions != "" {
		return codeKeysVersions // suspended ones are still there
	}
	if !a.immutable {
		return nil
	}
	switch mode, told := a.service.setting(objects.Entries, "object-lock", "Mode"); {
	case !told:
		return codeUnsaid
	case mode == "":
		return codeNotImmutable
	}
	return nil
}
