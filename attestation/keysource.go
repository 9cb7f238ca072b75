package attestation

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/veriproof/notary/attestation/maa"
	"github.com/veriproof/notary/attestation/policy"
)

// keySource is a key set that the relying party trusts for an issuer.
type keySource struct {
	issuer policy.Issuer
	jwks   []byte
	origin string
	chosen time.Time // the time of issue by which a kept set was chosen, else zero
}

// keptTokenLife is how long after its issue a token counts under a kept key set. MAA's
// live 8 hours. Without it a key that leaks when the issuer has long given it up would
// sign a token of its own time that is valid today.
const keptTokenLife = 24 * time.Hour

// check holds a token that verifies under a kept set against the time by which that was
// chosen.
func (s *keySource) check(c *maa.Claims, at time.Time) error {
	switch {
	case s.chosen.IsZero():
		return nil
	case !c.IssuedAt.Equal(s.chosen):
		return errors.New("the token does not say in one way when it was issued, by which kept keys are chosen")
	case at.Sub(c.IssuedAt) > keptTokenLife:
		return fmt.Errorf("%w: it was issued at %s, and counts under kept keys for %s", maa.ErrExpired, stamp(c.IssuedAt), keptTokenLife)
	}
	return nil
}

// keySources lists the trusted key sets. A pin is the whole of what is trusted for its
// issuer; the caller's set counts for one issuer without a pin, and kept ones for each.
// unused says why the caller's set counts for none.
func (a *appraisal) keySources() (list []keySource, unused string) {
	given, unused := a.issuerOfGiven()
	for _, is := range a.anchors.Issuers {
		if is.JWKS != "" {
			list = append(list, keySource{issuer: is, jwks: []byte(is.JWKS), origin: "key set pinned in the policy"})
			continue
		}
		if given != "" && is.Issuer == given {
			list = append(list, keySource{issuer: is, jwks: a.in.TrustedJWKS, origin: "key set given to the verifier"})
		}
		issued := a.issued()
		for _, k := range keptAround(a.in.KeptKeys, is.Issuer, issued) {
			list = append(list, keySource{is, k.JWKS, "key set kept since " + stamp(k.At), issued})
		}
	}
	return list, unused
}

// keptAround returns an issuer's set fetched last before a time and the one fetched
// first after it. What was in use at that time is in one of them, if the issuer did not
// change its keys twice between two fetches.
func keptAround(kept []KeptKeySet, issuer string, at time.Time) []KeptKeySet {
	var before, after *KeptKeySet
	for i := range kept {
		switch k := &kept[i]; {
		case k.Issuer != issuer:
		case k.At.After(at):
			if after == nil || k.At.Before(after.At) {
				after = k
			}
		case before == nil || !k.At.Before(before.At):
			before = k
		}
	}
	var out []KeptKeySet
	for _, k := range []*KeptKeySet{before, after} {
		if k != nil {
			out = append(out, *k)
		}
	}
	return out
}

// issued is when the token says that it was issued. It is not verified yet, and need
// not be: it chooses among sets that are all trusted for their time, and what verifies
// under the chosen one is held against this time again.
func (a *appraisal) issued() time.Time {
	var claims map[string]json.RawMessage // by exact name, as package maa reads them
	var at int64
	if _, payload, err := maa.Decode(a.in.Token); err != nil || json.Unmarshal(payload, &claims) != nil || json.Unmarshal(claims["iat"], &at) != nil {
		return a.in.At
	}
	return time.Unix(at, 0)
}

// issuerOfGiven returns the issuer for which TrustedJWKS counts. Keys do not say
// whose they are, so beside several issuers the caller has to.
func (a *appraisal) issuerOfGiven() (issuer, unused string) {
	if len(a.in.TrustedJWKS) == 0 {
		return "", ""
	}
	var open []string
	accepted := false
	for _, is := range a.anchors.Issuers {
		accepted = accepted || is.Issuer == a.in.TrustedIssuer
		if is.JWKS == "" {
			open = append(open, is.Issuer)
		}
	}
	switch named := a.in.TrustedIssuer; {
	case named == "" && len(open) == 1:
		return open[0], ""
	case named == "" && len(open) == 0:
		return "", "the key set given to the verifier is not used: the policy pins the keys of all its issuers"
	case named == "":
		return "", fmt.Sprintf("the key set given to the verifier is not used: it could be of any of %d issuers, name the one (TrustedIssuer, --issuer) or pin keys in the policy", len(open))
	case slices.Contains(open, named):
		return named, ""
	case accepted:
		return "", fmt.Sprintf("the key set given to the verifier is not used: the policy pins the keys of %s", named)
	default:
		return "", fmt.Sprintf("the key set given to the verifier is of %.120q, which the policy does not accept", named)
	}
}

// withoutKeys returns the accepted issuer that the token names if no key set is
// trusted for it: whether such a token is true cannot be told. The name is anybody's
// word and decides about the reason only, for an absent token says as much.
func (a *appraisal) withoutKeys(sources []keySource) (issuer string, missing bool) {
	_, payload, err := maa.Decode(a.in.Token)
	if err != nil {
		return "", false
	}
	var claims map[string]any
	if json.Unmarshal(payload, &claims) != nil {
		return "", false
	}
	issuer, _ = claims["iss"].(string)
	accepted := slices.ContainsFunc(a.anchors.Issuers, func(is policy.Issuer) bool { return is.Issuer == issuer })
	known := slices.ContainsFunc(sources, func(s keySource) bool { return s.issuer.Issuer == issuer })
	return issuer, accepted && !known
}
