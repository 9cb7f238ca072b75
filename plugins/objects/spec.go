package objects

import (
	"github.com/veriproof/notary/sdk/plugin/abi"
	"github.com/veriproof/notary/sdk/plugin/config"
	"github.com/veriproof/notary/sdk/plugin/storage"
)

// RequestRoom is what the capability "http" takes to hold a request of some thousand
// handles.
const RequestRoom = 32 << 10

// Codes that the operator is told; each adapter's README explains them in the words of
// its service.
const (
	CodeSetting  storage.Code = 10 // in the plugin's configuration
	CodePlace    storage.Code = 11 // a place is not there, or cannot be listed
	CodeKeysStay storage.Code = 12 // wrapped keys could not be erased
	CodeMutable  storage.Code = 13 // entries are not immutable, and have to be
	CodeUnsaid   storage.Code = 14 // the service does not say whether they are
	CodeNotMade  storage.Code = 15 // a place cannot be made
)

// A Store is a service with what a start and "notary store init" ask it.
type Store interface {
	Service
	// KeysStay reports whether the service says that bytes of erased wrapped keys would
	// stay where wrapped keys are.
	KeysStay() bool
	// Immutable reports whether entries are, and whether the service told: it may not to
	// the credential that a notary has.
	Immutable() (immutable, told bool)
}

// A Maker is a store that can make a place, or leave alone one that is there. Where a
// store is none, its places are the operator's to make.
type Maker interface {
	Make(place Place) bool
}

// Spec describes an adapter on a store, which open makes of what the host offers.
// The configuration is
//
//	{"immutability": "any"}         the default
//	{"immutability": "required"}    does not start unless entries are immutable
func Spec(open func(storage.Endpoints, storage.Payloads) Store, endpoints func() storage.Endpoints, payloads func() storage.Payloads) storage.Spec {
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
			return nil, CodeSetting
		}
		p := payloads()
		s := open(endpoints(), p)
		return &checked{Adapter: New(s, p), store: s, immutable: required}, nil
	}}
}

// checked is an adapter with the checks of a start.
type checked struct {
	*Adapter
	store     Store
	immutable bool // entries have to be
}

var places = [...]Place{Entries, Keys}

// Migrate implements storage.Adapter. It changes nothing: it looks whether both places
// are there, that wrapped keys can be erased, and, if that is demanded, that entries
// cannot.
func (a *checked) Migrate() error {
	for _, place := range places {
		if _, status := a.store.List(place, &Query{Most: 1}); status != abi.StoOK {
			return CodePlace
		}
	}
	if a.store.KeysStay() {
		return CodeKeysStay
	}
	if !a.immutable {
		return nil
	}
	switch immutable, told := a.store.Immutable(); {
	case !told:
		return CodeUnsaid
	case !immutable:
		return CodeMutable
	}
	return nil
}

// Init implements storage.Initializer: it makes the places that are not there, where
// that is the adapter's to do. Immutability is the operator's to set.
func (a *checked) Init() error {
	maker, ok := a.store.(Maker)
	if !ok {
		return storage.Code(abi.InitNothing)
	}
	for _, place := range places {
		if !maker.Make(place) {
			return CodeNotMade
		}
	}
	return nil
}
