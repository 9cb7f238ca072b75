package snp

import (
	"bytes"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"slices"
	"time"
)

// maxCRLSize bounds a revocation list; AMD's have about 1 KB.
const maxCRLSize = 1 << 20

// Errors of ParseCRL and CheckRevocation.
var (
	// ErrCRL: the list is malformed, of a kind that is not understood, or not
	// signed by the chain's ARK.
	ErrCRL = errors.New("AMD revocation list does not verify")
	// ErrCRLStale: the list was to be replaced before the time of interest. What
	// was revoked since then it cannot tell.
	ErrCRLStale = errors.New("AMD revocation list is stale")
	// ErrNoCRL: none of the lists is from the chain's ARK.
	ErrNoCRL = errors.New("no revocation list of this chain's ARK")
	// ErrRevoked matches every RevokedError.
	ErrRevoked = errors.New("AMD certificate is revoked")
)

// A RevokedError says which certificate of a chain AMD has revoked.
type RevokedError struct {
	Certificate string // "ASK" or "ARK"
	Serial      *big.Int
	Since       time.Time // date of revocation
}

func (e *RevokedError) Error() string {
	return fmt.Sprintf("AMD revoked the %s with serial 0x%x on %s", e.Certificate, e.Serial, e.Since.UTC().Format(time.DateOnly))
}

// Is makes every RevokedError match ErrRevoked.
func (e *RevokedError) Is(target error) bool { return target == ErrRevoked }

// A CRL is a certificate revocation list (RFC 5280 section 5), decoded and not
// yet believed: only CheckRevocation knows the key that must have signed it.
type CRL struct{ list *x509.RevocationList }

// ParseCRL decodes one list, as DER, which is what AMD serves, or as one PEM
// block "X509 CRL". A list with a critical extension is refused, because such a
// list does not mean what it says at first sight: it holds a part only, or speaks
// about other issuers' certificates. Errors wrap ErrCRL.
func ParseCRL(b []byte) (*CRL, error) {
	if len(b) > maxCRLSize {
		return nil, fmt.Errorf("%w: %d bytes, at most %d are allowed", ErrCRL, len(b), maxCRLSize)
	}
	if block, rest := pem.Decode(b); block != nil {
		if block.Type != "X509 CRL" || len(bytes.TrimSpace(rest)) != 0 {
			return nil, fmt.Errorf("%w: want one PEM block of type X509 CRL", ErrCRL)
		}
		b = block.Bytes
	}
	list, err := x509.ParseRevocationList(b)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrCRL, err)
	}
	if len(list.Raw) != len(b) {
		return nil, fmt.Errorf("%w: %d bytes behind the list", ErrCRL, len(b)-len(list.Raw))
	}
	if list.NextUpdate.IsZero() {
		return nil, fmt.Errorf("%w: has no date of its next issue", ErrCRL)
	}
	if oid, found := criticalExtension(list); found {
		return nil, fmt.Errorf("%w: has the critical extension %s", ErrCRL, oid)
	}
	return &CRL{list: list}, nil
}

func criticalExtension(list *x509.RevocationList) (oid string, found bool) {
	critical := func(e pkix.Extension) bool { return e.Critical }
	if i := slices.IndexFunc(list.Extensions, critical); i >= 0 {
		return list.Extensions[i].Id.String(), true
	}
	for _, entry := range list.RevokedCertificateEntries {
		if i := slices.IndexFunc(entry.Extensions, critical); i >= 0 {
			return entry.Extensions[i].Id.String(), true
		}
	}
	return "", false
}

// Issuer is the common name of whoever is said to have signed the list.
func (l *CRL) Issuer() string { return l.list.Issuer.CommonName }

// ThisUpdate is when the list was issued.
func (l *CRL) ThisUpdate() time.Time { return l.list.ThisUpdate }

// NextUpdate is when it is to be replaced at the latest.
func (l *CRL) NextUpdate() time.Time { return l.list.NextUpdate }

// Serials are the serial numbers that the list revokes.
func (l *CRL) Serials() []*big.Int {
	serials := make([]*big.Int, len(l.list.RevokedCertificateEntries))
	for i, e := range l.list.RevokedCertificateEntries {
		serials[i] = e.SerialNumber
	}
	return serials
}

// CheckRevocation looks for the chain's certificates in the lists of its ARK and
// returns the list of them that counts longest, if it still does at the time at. Lists of other ARKs
// are passed over, so that one set serves several product lines. The chain is
// assumed to have passed Verify.
//
// A revoked certificate is revoked whatever the time, even if only a stale list
// says so: a key does not come back. That nothing is revoked takes a list whose
// next issue is not before at; one that is newer than at knows all that an older
// one did, and counts.
//
// A list speaks about certificates of its own issuer, hence about ASK and ARK.
// VCEKs have no list: their serial is always 0, and AMD retires them by TCB.
//
// Errors wrap ErrNoCRL, ErrCRL, ErrCRLStale or are a *RevokedError.
func CheckRevocation(c *Chain, lists []*CRL, at time.Time) (*CRL, error) {
	if c == nil || c.ASK == nil || c.ARK == nil {
		return nil, fmt.Errorf("%w: a certificate is missing", ErrChain)
	}
	var newest *CRL
	var refused error
	for _, l := range lists {
		if l == nil || !bytes.Equal(l.list.RawIssuer, c.ARK.RawSubject) {
			continue
		}
		err := l.check(c)
		if errors.Is(err, ErrRevoked) {
			return nil, err
		}
		if err != nil {
			refused = err
			continue
		}
		if newest == nil || l.list.NextUpdate.After(newest.list.NextUpdate) {
			newest = l
		}
	}
	switch {
	case refused != nil:
		return nil, refused
	case newest == nil:
		return nil, fmt.Errorf("%w: %d lists, none from %s", ErrNoCRL, len(lists), c.ARK.Subject.CommonName)
	case at.After(newest.list.NextUpdate):
		return nil, fmt.Errorf("%w: it was to be replaced by %s, the time is %s", ErrCRLStale, stamp(newest.list.NextUpdate), stamp(at))
	}
	return newest, nil
}

// check verifies the signature and looks up the certificates.
func (l *CRL) check(c *Chain) error {
	if alg := l.list.SignatureAlgorithm; alg != x509.SHA384WithRSAPSS {
		return fmt.Errorf("%w: signature algorithm is %s, want %s", ErrCRL, alg, x509.SHA384WithRSAPSS)
	}
	if err := c.ARK.CheckSignature(l.list.SignatureAlgorithm, l.list.RawTBSRevocationList, l.list.Signature); err != nil {
		return fmt.Errorf("%w: not signed by %s: %w", ErrCRL, c.ARK.Subject.CommonName, err)
	}
	for _, e := range l.list.RevokedCertificateEntries {
		if e.SerialNumber.Cmp(c.ASK.SerialNumber) == 0 {
			return &RevokedError{Certificate: "ASK", Serial: e.SerialNumber, Since: e.RevocationTime}
		}
		if e.SerialNumber.Cmp(c.ARK.SerialNumber) == 0 {
			return &RevokedError{Certificate: "ARK", Serial: e.SerialNumber, Since: e.RevocationTime}
		}
	}
	return nil
}
