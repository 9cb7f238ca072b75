package control

import (
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"fmt"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/veriproof/notary/attestation/transcript"
)

// A Role is what an operator's token may be used for.
type Role string

// Roles of operators.
const (
	RoleOperator Role = "operator" // reads, ends, holds and erases sessions of any tenant
	RoleAuditor  Role = "auditor"  // reads sessions of any tenant
	RoleMetrics  Role = "metrics"  // reads metrics
)

// Valid reports whether r is one of the roles.
func (r Role) Valid() bool { return r == RoleOperator || r == RoleAuditor || r == RoleMetrics }

// An Operator is somebody with a token of his own.
type Operator struct {
	Name  string   // for the log; not secret
	Token [32]byte // HashToken of the token
	Roles []Role
}

// An Authenticator looks up a tenant's API key. It must take the same time for
// every wrong key.
type Authenticator func(key string) (tenant string, ok bool)

const (
	tokenDomain = "veriproof-notary/operator-token/v1"

	// maxToken bounds a presented credential in bytes.
	maxToken = 512
)

// failureRate is how many failed attempts of one address are answered and logged
// one by one.
var failureRate = Rate{Burst: 10, Every: 6 * time.Second}

// GenerateToken returns a new operator token of 256 random bits.
func GenerateToken() string {
	var b [32]byte
	// crypto/rand.Read does not fail: it ends the process instead.
	_, _ = rand.Read(b[:])
	return base64.RawURLEncoding.EncodeToString(b[:])
}

// HashToken returns what a configuration keeps of an operator's token: SHA-256 of
// the transcript ("veriproof-notary/operator-token/v1", token). It is not salted
// or slow, so tokens must be random ([GenerateToken]) and never chosen.
func HashToken(token string) [32]byte { return transcript.New(tokenDomain).String(token).Sum() }

// A caller is who sent a request: an operator with roles or a tenant.
type caller struct {
	tenant string
	name   string // of an operator
	roles  []Role // nil for a tenant
}

func (c *caller) has(roles ...Role) bool {
	return slices.ContainsFunc(roles, func(r Role) bool { return slices.Contains(c.roles, r) })
}

// authenticate returns who sent the request.
func (s *Server) authenticate(r *http.Request) (*caller, *failure) {
	token, present := bearer(r)
	if c := s.lookup(token); c != nil {
		return c, nil
	}
	if present && !s.failures.allow(remote(r), s.opts.Now()) {
		f := fail(http.StatusTooManyRequests, "too many failed attempts from this address", "wait a minute and use valid credentials")
		f.retry = 60
		return nil, f
	}
	f := fail(http.StatusUnauthorized, "credentials are missing", "send Authorization: Bearer with an operator's token or a tenant's API key")
	if present {
		f.text, f.warn = "credentials are not valid", true
	}
	return nil, f
}

// bearer returns the request's bearer token, and whether it tried to give one.
func bearer(r *http.Request) (token string, present bool) {
	values := r.Header.Values("Authorization")
	if len(values) == 0 {
		return "", false
	}
	scheme, token, ok := strings.Cut(values[0], " ")
	if len(values) != 1 || !ok || !strings.EqualFold(scheme, "Bearer") || len(token) > maxToken {
		return "", true
	}
	return token, true
}

// lookup compares with every operator's hash, so that time tells nothing about
// which came close.
func (s *Server) lookup(token string) *caller {
	if token == "" {
		return nil
	}
	var found *caller
	sum := HashToken(token)
	for i := range s.opts.Operators {
		o := &s.opts.Operators[i]
		if subtle.ConstantTimeCompare(sum[:], o.Token[:]) == 1 {
			found = &caller{name: o.Name, roles: o.Roles}
		}
	}
	if found != nil || s.opts.Authenticate == nil {
		return found
	}
	if tenant, ok := s.opts.Authenticate(token); ok && tenant != "" {
		return &caller{tenant: tenant}
	}
	return nil
}

// remote is the address that failures are counted under: IPv6 by /64, which one
// host has to itself.
func remote(r *http.Request) netip.Prefix {
	at, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return netip.Prefix{}
	}
	addr := at.Addr().Unmap().WithZone("")
	bits := 32
	if addr.Is6() {
		bits = 64
	}
	p, err := addr.Prefix(bits)
	if err != nil {
		return netip.Prefix{}
	}
	return p
}

// checkOperators refuses a list in which a token would have unclear rights.
func checkOperators(list []Operator) error {
	seen := make(map[[32]byte]string, len(list))
	for i, o := range list {
		if o.Token == ([32]byte{}) {
			return fmt.Errorf("%w: operator %d (%.40q) has no token", ErrOptions, i, o.Name)
		}
		if other, dup := seen[o.Token]; dup {
			return fmt.Errorf("%w: operators %.40q and %.40q have the same token", ErrOptions, other, o.Name)
		}
		seen[o.Token] = o.Name
		if len(o.Roles) == 0 {
			return fmt.Errorf("%w: operator %.40q has no role; roles are operator, auditor and metrics", ErrOptions, o.Name)
		}
		for _, r := range o.Roles {
			if !r.Valid() {
				return fmt.Errorf("%w: operator %.40q has role %.40q; roles are operator, auditor and metrics", ErrOptions, o.Name, r)
			}
		}
	}
	return nil
}
