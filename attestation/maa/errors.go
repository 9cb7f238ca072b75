package maa

import (
	"errors"
	"fmt"
	"strings"
)

// Reasons for which [VerifyToken] and [ParseKeySet] refuse. Test with
// [errors.Is]; the wrapping error names the value at fault.
var (
	// ErrMalformed: not a compact JWS of one header, payload and signature in
	// strict base64url and strict JSON, or larger than [MaxTokenSize].
	ErrMalformed = errors.New("malformed token")
	// ErrHeader: a header member other than MAA sends: alg not RS256, typ not
	// JWT, a crit, or a jku that is not the issuer's.
	ErrHeader = errors.New("unacceptable token header")
	// ErrUnknownKey: no key of the set has the token's kid.
	ErrUnknownKey = errors.New("token key not in the trusted key set")
	// ErrSignature: the signature does not verify.
	ErrSignature = errors.New("token signature does not verify")
	// ErrIssuer: iss is not exactly the expected issuer.
	ErrIssuer = errors.New("token is from another issuer")
	// ErrExpired: the time of verification is past exp plus the leeway.
	ErrExpired = errors.New("token has expired")
	// ErrNotYetValid: the time of verification is before nbf minus the leeway.
	ErrNotYetValid = errors.New("token is not yet valid")
	// ErrNotSNP: not an SEV-SNP token, or one that speaks of its guest only
	// below x-ms-isolation-tee.
	ErrNotSNP = errors.New("not an SEV-SNP token")
	// ErrClaims: a claim is missing or not of its documented shape.
	ErrClaims = errors.New("token claims are not of the documented shape")
	// ErrOptions: the caller gave no issuer, no time or too much leeway.
	ErrOptions = errors.New("invalid verification options")
	// ErrKeySet: not an acceptable JSON Web Key Set.
	ErrKeySet = errors.New("invalid key set")
)

// A ServiceError is an answer of the attestation service other than 200.
type ServiceError struct {
	Status  int    // HTTP status code
	Code    string // MAA's error code, for example "InvalidParameter"; may be empty
	Message string // MAA's message, printable and bounded; may be empty
}

// Error tells status, code and message.
func (e *ServiceError) Error() string {
	s := fmt.Sprintf("attestation service answered %d", e.Status)
	if e.Code != "" {
		s += " " + e.Code
	}
	if e.Message != "" {
		s += ": " + e.Message
	}
	return s
}

// Temporary reports whether the same request may succeed later: 429 and 5xx.
func (e *ServiceError) Temporary() bool { return e.Status == 429 || e.Status >= 500 }

// printable makes text from outside safe for a log line: printable ASCII only,
// at most max bytes.
func printable(s string, max int) string {
	if len(s) > max {
		s = s[:max]
	}
	return strings.Map(func(r rune) rune {
		if r < 0x20 || r > 0x7e {
			return '.'
		}
		return r
	}, s)
}
