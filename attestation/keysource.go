package attestation

import (
	"encoding/json"
	"fmt"
	"slices"

	"github.com/veriproof/notary/attestation/maa"
	"github.com/veriproof/notary/attestation/policy"
)

// keySource is a key set that the relying party trusts for an issuer.
type keySource struct {
	issuer policy.Issuer
	jwks   []byte
	origin string
}

// keySources lists the trusted key sets, one for each issuer that has one. A pin is
// the whole of what is trusted for its issuer; the caller's set counts for one
// issuer without a pin. unused says why the caller's set counts for none.
func (a *appraisal) keySources() (list []keySource, unused string) {
	given, unused := a.issuerOfGiven()
	for _, is := range a.anchors.Issuers {
		switch {
		case is.JWKS != "":
			list = append(list, keySource{is, []byte(is.JWKS), "key set pinned in the policy"})
		case given != "" && is.Issuer == given:
			list = append(list, keySource{is, a.in.TrustedJWKS, "key set given to the verifier"})
		}
	}
	return list, unused
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
