package uvm

import (
	"crypto/x509"
	"encoding/asn1"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"github.com/veraison/go-cose"

	"github.com/veriproof/notary/attestation/internal/pubkey"
)

type asn1OID = asn1.ObjectIdentifier

// maxChain bounds the certificates in x5chain; real chains have three.
const maxChain = 6

// statement is a decoded endorsement with what is needed to verify it.
type statement struct {
	Endorsement
	msg   cose.Sign1Message
	alg   cose.Algorithm
	chain []*x509.Certificate // leaf first, root last
}

func parse(b []byte) (*statement, error) {
	if len(b) > MaxSize {
		return nil, fmt.Errorf("%w: %d bytes, at most %d are allowed", ErrFormat, len(b), MaxSize)
	}
	st := new(statement)
	if err := st.msg.UnmarshalCBOR(b); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrFormat, err)
	}
	h := st.msg.Headers.Protected
	// RFC 9052 section 3.1: a critical parameter that is not understood makes
	// the message invalid, and no endorsement has one.
	if _, ok := h[cose.HeaderLabelCritical]; ok {
		return nil, fmt.Errorf("%w: critical header parameters are not supported", ErrFormat)
	}
	var err error
	if st.alg, err = h.Algorithm(); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrFormat, err)
	}
	if st.alg != cose.AlgorithmPS384 && st.alg != cose.AlgorithmES384 {
		return nil, fmt.Errorf("%w: algorithm is %s, want PS384 or ES384", ErrFormat, st.alg)
	}
	if st.chain, err = parseChain(h[cose.HeaderLabelX5Chain]); err != nil {
		return nil, err
	}
	return st, st.parseClaims(h)
}

func parseChain(v any) ([]*x509.Certificate, error) {
	list, ok := v.([]any)
	if !ok || len(list) < 2 || len(list) > maxChain {
		return nil, fmt.Errorf("%w: x5chain is not a list of 2 to %d certificates", ErrFormat, maxChain)
	}
	chain := make([]*x509.Certificate, len(list))
	for i, e := range list {
		der, ok := e.([]byte)
		if !ok {
			return nil, fmt.Errorf("%w: x5chain[%d] is not a byte string", ErrFormat, i)
		}
		cert, err := x509.ParseCertificate(der)
		if err != nil {
			return nil, fmt.Errorf("%w: x5chain[%d]: %w", ErrFormat, i, err)
		}
		// Anybody can put a certificate here. Building the chain checks signatures
		// under its key, so the key's size is bounded before.
		if err := pubkey.Check(cert.PublicKey); err != nil {
			return nil, fmt.Errorf("%w: x5chain[%d]: %w", ErrFormat, i, err)
		}
		chain[i] = cert
	}
	return chain, nil
}

// parseClaims tells the forms apart by the header. A message with the claims of
// both has two meanings and is refused.
func (st *statement) parseClaims(h cose.ProtectedHeader) error {
	claims, isCWT := h[cose.HeaderLabelCWTClaims].(map[any]any)
	_, isJSON := h["iss"]
	switch {
	case isCWT && !isJSON:
		return st.parseCWT(claims)
	case isJSON && !isCWT:
		return st.parseJSON(h)
	}
	return fmt.Errorf("%w: want either the header parameters iss and feed or CWT claims", ErrFormat)
}

func (st *statement) parseCWT(claims map[any]any) error {
	st.Form = FormCWT
	var okIss, okFeed, okSVN bool
	st.Issuer, okIss = claims[cose.CWTClaimIssuer].(string)
	st.Feed, okFeed = claims[cose.CWTClaimSubject].(string)
	svn, okSVN := claims["svn"].(int64)
	if !okIss || !okFeed || !okSVN || svn < 0 {
		return fmt.Errorf("%w: CWT claims lack iss, sub or a non-negative svn", ErrFormat)
	}
	st.SVN = uint64(svn)
	if iat, ok := claims[cose.CWTClaimIssuedAt]; ok {
		if err := st.setTime(iat); err != nil {
			return err
		}
	}
	if len(st.msg.Payload) != len(st.Measurement) {
		return fmt.Errorf("%w: payload has %d bytes, a launch measurement has %d", ErrFormat, len(st.msg.Payload), len(st.Measurement))
	}
	copy(st.Measurement[:], st.msg.Payload)
	return nil
}

func (st *statement) parseJSON(h cose.ProtectedHeader) error {
	st.Form = FormJSON
	var okIss, okFeed bool
	st.Issuer, okIss = h["iss"].(string)
	st.Feed, okFeed = h["feed"].(string)
	if !okIss || !okFeed {
		return fmt.Errorf("%w: header parameters iss and feed are not both strings", ErrFormat)
	}
	if at, ok := h["signingtime"]; ok {
		if err := st.setTime(at); err != nil {
			return err
		}
	}
	var p struct {
		Measurement string  `json:"x-ms-sevsnpvm-launchmeasurement"`
		SVN         string  `json:"x-ms-sevsnpvm-guestsvn"`
		SVNInt      *uint64 `json:"x-ms-sevsnpvm-guestsvn-int"`
	}
	if err := json.Unmarshal(st.msg.Payload, &p); err != nil {
		return fmt.Errorf("%w: payload: %w", ErrFormat, err)
	}
	m, err := hex.DecodeString(p.Measurement)
	if err != nil || len(m) != len(st.Measurement) {
		return fmt.Errorf("%w: launch measurement in the payload is not %d bytes of hex", ErrFormat, len(st.Measurement))
	}
	copy(st.Measurement[:], m)
	return st.setSVN(p.SVN, p.SVNInt)
}

// setSVN takes the SVN from its two spellings: a string, and since October 2025
// a number beside it. Where both stand and differ the lower one counts, so that
// no reading of the endorsement is newer than the signer may have meant.
func (st *statement) setSVN(text string, number *uint64) error {
	n, err := strconv.ParseUint(text, 10, 64)
	switch {
	case text == "" && number != nil:
		st.SVN = *number
	case err != nil:
		return fmt.Errorf("%w: SVN %.40q in the payload is not a number", ErrFormat, text)
	case number != nil:
		st.SVN = min(n, *number)
	default:
		st.SVN = n
	}
	return nil
}

func (st *statement) setTime(v any) error {
	switch t := v.(type) {
	case time.Time:
		st.SignedAt = t.UTC()
	case int64:
		st.SignedAt = time.Unix(t, 0).UTC()
	default:
		return fmt.Errorf("%w: time of signing has the unexpected type %T", ErrFormat, v)
	}
	return nil
}
