package ingest

import (
	"errors"
	"fmt"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/veriproof/notary/attestation/maa"
)

const (
	// maxToken bounds a bearer token; a header list may have twice of it.
	maxToken = 8 << 10
	// tokenLeeway is for clocks that differ.
	tokenLeeway = time.Minute
)

// DefaultClaim is the claim of a token that names the sender.
const DefaultClaim = "sub"

// Tokens are the JSON Web Tokens that are believed: RS256, by these keys, of this
// issuer, for this audience, with a time of expiry. No key is ever fetched, and none
// that a token brings or points to is looked at.
type Tokens struct {
	Issuer   string      // the exact iss
	Audience string      // one of aud
	Keys     *maa.KeySet // by kid
	Claim    string      // the claim with the sender's name; empty means DefaultClaim
	Subjects []Name      // whose tenant is who
}

func (t *Tokens) check() error {
	if t.Issuer == "" || t.Audience == "" || t.Keys == nil {
		return errors.New("tokens need an issuer, an audience and keys")
	}
	if err := checkNames(t.Subjects); err != nil {
		return fmt.Errorf("token subject %w", err)
	}
	return nil
}

// tenant returns whose a token is. What is wrong with one stays in the host's log.
func (t *Tokens) tenant(token string, now time.Time) (string, error) {
	claims := jwt.MapClaims{}
	parser := jwt.NewParser(
		jwt.WithValidMethods([]string{jwt.SigningMethodRS256.Alg()}),
		jwt.WithIssuer(t.Issuer), jwt.WithAudience(t.Audience),
		jwt.WithExpirationRequired(), jwt.WithIssuedAt(), jwt.WithLeeway(tokenLeeway),
		jwt.WithTimeFunc(func() time.Time { return now }), jwt.WithStrictDecoding(),
	)
	if _, err := parser.ParseWithClaims(token, claims, t.key); err != nil {
		e := unauthenticated("the bearer token is not valid here")
		e.Cause = err
		return "", e
	}
	claim := t.Claim
	if claim == "" {
		claim = DefaultClaim
	}
	name, _ := claims[claim].(string)
	if tenant := tenantOf(t.Subjects, name); tenant != "" {
		return tenant, nil
	}
	return "", unauthenticated("the bearer token is of nobody who may send here")
}

func (t *Tokens) key(token *jwt.Token) (any, error) {
	if _, critical := token.Header["crit"]; critical {
		return nil, errors.New("critical header fields are not understood")
	}
	kid, _ := token.Header["kid"].(string)
	key, ok := t.Keys.Key(kid)
	if !ok {
		return nil, errors.New("signed by no key of the configuration")
	}
	return key, nil
}
