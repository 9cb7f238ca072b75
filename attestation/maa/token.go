package maa

import (
	"errors"
	"fmt"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// MaxLeeway is the largest clock difference that [TokenOptions] may grant.
const MaxLeeway = 5 * time.Minute

// TokenOptions say what a token is verified against. Issuer and At are
// required, for a verifier that forgets one of them would accept anybody's or
// any old token.
type TokenOptions struct {
	Issuer string        // exact iss, for example "https://contoso.weu.attest.azure.net"
	At     time.Time     // time as of which exp and nbf are judged
	Leeway time.Duration // granted on both ends, 0 to MaxLeeway
}

// VerifyToken verifies an MAA token and returns its claims: signature under a
// key of keys, header, issuer, time, and the shape of an SEV-SNP token. Errors
// wrap one of the package's reasons. It opens no socket, whatever jku says.
func VerifyToken(token string, keys *KeySet, opts TokenOptions) (*Claims, error) {
	if err := opts.check(); err != nil {
		return nil, err
	}
	header, payload, err := openJWS(token, keys)
	if err != nil {
		return nil, err
	}
	body, err := parseObject(payload)
	if err != nil {
		return nil, fmt.Errorf("%w: payload: %w", ErrMalformed, err)
	}
	// The issuer before what else it would decide: instances share keys, and each
	// names its own jku, so another one's token is true and not forged.
	if iss, ok := body["iss"].(string); ok && iss != opts.Issuer {
		return nil, fmt.Errorf("%w: %s, want %q", ErrIssuer, shown(iss), opts.Issuer)
	}
	if err := checkHeader(header, opts.Issuer); err != nil {
		return nil, err
	}
	// Shape before time: the validator below reads numbers as floating point,
	// and an exp of 1e30 is not a date that has passed.
	claims, err := parseClaims(body)
	if err != nil {
		return nil, err
	}
	if err := validate(body, opts); err != nil {
		return nil, err
	}
	claims.KeyID, _ = header["kid"].(string)
	return claims, nil
}

func (o TokenOptions) check() error {
	switch {
	case o.Issuer == "":
		return fmt.Errorf("%w: no issuer", ErrOptions)
	case o.At.IsZero():
		return fmt.Errorf("%w: no time of verification", ErrOptions)
	case o.Leeway < 0 || o.Leeway > MaxLeeway:
		return fmt.Errorf("%w: leeway %v, want 0 to %v", ErrOptions, o.Leeway, MaxLeeway)
	}
	return nil
}

// checkHeader holds the header to what MAA sends. jku is not needed and never
// fetched; one that points elsewhere marks a token made to send a verifier there.
func checkHeader(h object, issuer string) error {
	if h["typ"] != "JWT" {
		return fmt.Errorf("%w: typ %s, want \"JWT\"", ErrHeader, shown(h["typ"]))
	}
	if jku, has := h["jku"]; has && jku != issuer+"/certs" {
		return fmt.Errorf("%w: jku %s is not the issuer's /certs", ErrHeader, shown(jku))
	}
	return nil
}

// validate checks iss, exp and nbf (RFC 7519 section 4.1), all required.
func validate(body object, opts TokenOptions) error {
	v := jwt.NewValidator(
		jwt.WithIssuer(opts.Issuer),
		jwt.WithExpirationRequired(),
		jwt.WithNotBeforeRequired(),
		jwt.WithLeeway(opts.Leeway),
		jwt.WithTimeFunc(func() time.Time { return opts.At }),
	)
	err := v.Validate(jwt.MapClaims(body))
	switch {
	case err == nil:
		return nil
	case errors.Is(err, jwt.ErrTokenInvalidIssuer):
		return fmt.Errorf("%w: %s, want %q", ErrIssuer, shown(body["iss"]), opts.Issuer)
	case errors.Is(err, jwt.ErrTokenExpired):
		return fmt.Errorf("%w: exp %s, verified as of %d", ErrExpired, shown(body["exp"]), opts.At.Unix())
	case errors.Is(err, jwt.ErrTokenNotValidYet):
		return fmt.Errorf("%w: nbf %s, verified as of %d", ErrNotYetValid, shown(body["nbf"]), opts.At.Unix())
	}
	return fmt.Errorf("%w: iss, exp and nbf are required", ErrClaims)
}
