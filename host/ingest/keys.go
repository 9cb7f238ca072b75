package ingest

import (
	"crypto/subtle"
	"errors"
	"fmt"
	"strings"

	"google.golang.org/grpc/codes"

	"github.com/veriproof/notary/attestation/transcript"
)

// maxKeyLength bounds an API key before it is hashed.
const maxKeyLength = 512

// A Key lets its holder send as a tenant. A tenant may have several, so that
// one can be replaced while the other is in use.
type Key struct {
	Tenant string
	Hash   [32]byte // HashKey of the API key
}

// HashKey returns what is stored of an API key: SHA-256 over the transcript
// "veriproof-notary/api-key/v1". Keys are random, of 128 bits and more, so that
// a plain hash cannot be reversed by trying.
func HashKey(key string) [32]byte {
	return transcript.New("veriproof-notary/api-key/v1").String(key).Sum()
}

// checkKeys refuses a list of keys by which a sender's tenant would not be
// certain.
func checkKeys(keys []Key) error {
	if len(keys) == 0 {
		return errors.New("no API keys: nobody could send")
	}
	seen := make(map[[32]byte]bool, len(keys))
	for i, k := range keys {
		if k.Tenant == "" {
			return fmt.Errorf("API key %d has no tenant", i)
		}
		if seen[k.Hash] {
			return fmt.Errorf("API key %d of tenant %q has the hash of another", i, k.Tenant)
		}
		seen[k.Hash] = true
	}
	return nil
}

// presented is what a request shows of who sends it.
type presented struct {
	authorization, apiKey []string // headers or metadata of these names
}

// authenticate returns the tenant of the sender. The tenant is what the key
// says, never what the payload does.
func (s *Server) authenticate(c presented) (tenant string, err error) {
	key, err := c.key()
	if err != nil {
		return "", err
	}
	hash := HashKey(key)
	// Every stored hash is compared, whether or not one has fit already: how
	// long it takes says nothing about which.
	at := -1
	for i := range s.keys {
		at = subtle.ConstantTimeSelect(subtle.ConstantTimeCompare(hash[:], s.keys[i].Hash[:]), i, at)
	}
	if at < 0 {
		return "", unauthenticated("unknown API key")
	}
	return s.keys[at].Tenant, nil
}

// key returns the one API key in a request.
func (c presented) key() (string, error) {
	bearer, plain := c.authorization, c.apiKey
	switch {
	case len(bearer)+len(plain) == 0:
		return "", unauthenticated(`no API key: send it as header "authorization: Bearer KEY" or "x-api-key: KEY"`)
	case len(bearer)+len(plain) > 1:
		return "", unauthenticated("more than one API key: send one")
	case len(plain) == 1:
		return bounded(plain[0])
	}
	scheme, key, ok := strings.Cut(bearer[0], " ")
	if !ok || !strings.EqualFold(scheme, "bearer") {
		return "", unauthenticated(`authorization is not of the form "Bearer KEY"`)
	}
	return bounded(strings.TrimSpace(key))
}

func bounded(key string) (string, error) {
	if key == "" || len(key) > maxKeyLength {
		return "", unauthenticated("API key empty or too long")
	}
	return key, nil
}

func unauthenticated(reason string) *Error {
	return &Error{Code: codes.Unauthenticated, Reason: reason}
}
