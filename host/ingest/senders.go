package ingest

import (
	"crypto/subtle"
	"crypto/x509"
	"errors"
	"fmt"
	"strings"
	"time"

	"google.golang.org/grpc/codes"
)

// Senders are who may send, and by what they are known: API keys, client
// certificates, bearer tokens. The tenant is what a sender authenticated as, never
// what a payload says.
type Senders struct {
	Keys []Key

	// ClientCAs sign client certificates; nil asks for none.
	ClientCAs *x509.CertPool
	// Certificates give a tenant to a name in a client certificate: a DNS name, a
	// URI (such as a SPIFFE id) or an e-mail address of its subject alternative
	// names, exactly as it stands there. The common name is not looked at.
	Certificates []Name

	// Tokens, if set, says which JSON Web Tokens are believed.
	Tokens *Tokens
}

// A Name belongs to a tenant.
type Name struct{ Tenant, Name string }

func (s *Senders) check() error {
	if len(s.Keys) == 0 && len(s.Certificates) == 0 && (s.Tokens == nil || len(s.Tokens.Subjects) == 0) {
		return errors.New("no API keys, certificates or tokens: nobody could send")
	}
	seen := make(map[[32]byte]bool, len(s.Keys))
	for i, k := range s.Keys {
		if k.Tenant == "" {
			return fmt.Errorf("API key %d has no tenant", i)
		}
		if seen[k.Hash] {
			return fmt.Errorf("API key %d of tenant %q has the hash of another", i, k.Tenant)
		}
		seen[k.Hash] = true
	}
	if len(s.Certificates) > 0 && s.ClientCAs == nil {
		return errors.New("names of client certificates, but no authority that signs them")
	}
	if err := checkNames(s.Certificates); err != nil {
		return fmt.Errorf("client certificate %w", err)
	}
	if s.Tokens == nil {
		return nil
	}
	return s.Tokens.check()
}

// checkNames refuses names by which a sender's tenant would not be certain.
func checkNames(names []Name) error {
	seen := make(map[string]bool, len(names))
	for i, n := range names {
		switch {
		case n.Tenant == "" || n.Name == "":
			return fmt.Errorf("%d has no tenant or no name", i)
		case seen[n.Name]:
			return fmt.Errorf("%d has the name of another", i)
		}
		seen[n.Name] = true
	}
	return nil
}

func tenantOf(names []Name, name string) string {
	for _, n := range names {
		if n.Name == name {
			return n.Tenant
		}
	}
	return ""
}

// presented is what a request shows of who sends it.
type presented struct {
	authorization, apiKey []string            // headers or metadata of these names
	peer                  []*x509.Certificate // the client's chain, verified
}

// tenant returns the tenant of the sender. Who shows several credentials has to be
// the same one by all of them.
func (s *Senders) tenant(p presented, now time.Time) (string, error) {
	byCertificate, err := s.byCertificate(p.peer, now)
	if err != nil {
		return "", err
	}
	if len(p.authorization)+len(p.apiKey) == 0 && byCertificate != "" {
		return byCertificate, nil
	}
	credential, err := p.credential()
	if err != nil {
		return "", err
	}
	tenant, err := s.byCredential(credential, now)
	if err == nil && byCertificate != "" && byCertificate != tenant {
		return "", unauthenticated("certificate and key are those of different tenants")
	}
	return tenant, err
}

// ByCredential returns the tenant of an API key or bearer token, for other
// interfaces that tenants may use.
func (s *Senders) ByCredential(credential string) (tenant string, ok bool) {
	tenant, err := s.byCredential(credential, time.Now())
	return tenant, err == nil
}

func (s *Senders) byCredential(credential string, now time.Time) (string, error) {
	isToken := s.Tokens != nil && strings.Count(credential, ".") == 2
	if limit := maxKeyLength; credential == "" || len(credential) > limit && !(isToken && len(credential) <= maxToken) {
		return "", unauthenticated("API key empty or too long")
	}
	hash := HashKey(credential)
	// Every stored hash is compared, whether or not one has fit already: how
	// long it takes says nothing about which.
	at := -1
	for i := range s.Keys {
		at = subtle.ConstantTimeSelect(subtle.ConstantTimeCompare(hash[:], s.Keys[i].Hash[:]), i, at)
	}
	switch {
	case at >= 0:
		return s.Keys[at].Tenant, nil
	case isToken:
		return s.Tokens.tenant(credential, now)
	}
	return "", unauthenticated("unknown API key")
}

// byCertificate returns the tenant of a client certificate, "" if it names none: who
// has a certificate for other purposes may show an API key beside it.
func (s *Senders) byCertificate(chain []*x509.Certificate, now time.Time) (tenant string, err error) {
	if len(chain) == 0 {
		return "", nil
	}
	// A connection may outlive the certificate that it was made with.
	if now.After(chain[0].NotAfter) {
		return "", unauthenticated("the client certificate has expired")
	}
	names := append(append([]string(nil), chain[0].DNSNames...), chain[0].EmailAddresses...)
	for _, u := range chain[0].URIs {
		names = append(names, u.String())
	}
	for _, name := range names {
		switch other := tenantOf(s.Certificates, name); {
		case other == "" || other == tenant:
		case tenant != "":
			return "", unauthenticated("the client certificate has names of different tenants")
		default:
			tenant = other
		}
	}
	return tenant, nil
}

// credential returns the one API key or token in a request.
func (p presented) credential() (string, error) {
	bearer, plain := p.authorization, p.apiKey
	switch {
	case len(bearer)+len(plain) == 0:
		return "", unauthenticated(`no credentials: send an API key as header "authorization: Bearer KEY" or "x-api-key: KEY", or what else this notary takes`)
	case len(bearer)+len(plain) > 1:
		return "", unauthenticated("more than one API key: send one")
	case len(plain) == 1:
		return plain[0], nil
	}
	scheme, key, ok := strings.Cut(bearer[0], " ")
	if !ok || !strings.EqualFold(scheme, "bearer") {
		return "", unauthenticated(`authorization is not of the form "Bearer KEY"`)
	}
	return strings.TrimSpace(key), nil
}

func unauthenticated(reason string) *Error {
	return &Error{Code: codes.Unauthenticated, Reason: reason}
}
