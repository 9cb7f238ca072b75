// Package uvm verifies Microsoft's endorsements of the utility VM (UVM) that a
// confidential container group on Azure runs in. The launch measurement of an
// SNP report identifies that VM and nothing else; an endorsement is Microsoft's
// signed word that the measurement is one of its own, with a feed and a security
// version number (SVN). The containers themselves are identified by HOST_DATA.
//
// # Forms
//
// An endorsement is a tagged COSE_Sign1 (RFC 9052) whose protected header holds
// the certificate chain (x5chain, RFC 9360). Two forms are in use:
//
//   - FormJSON: header parameters "iss", "feed" and "signingtime"; the payload is
//     JSON with the measurement in hex and the SVN.
//   - FormCWT: CWT claims (RFC 9597) with iss, sub (the feed), iat and "svn"; the
//     payload is the 48 bytes of the measurement.
//
// # Trust
//
// The issuer is a did:x509 that pins the root certificate by its SHA-256 and
// names an extended key usage that the leaf must have. The chain is checked at
// the time of signing, not at the time of interest: a UVM is in use for longer
// than the year its signing certificate lives. So the anchor is the DID and only
// a minimum SVN retires an old UVM; demand one. The time of signing is the
// signer's own word; the RFC 3161 time stamp and SCITT receipts in the
// unprotected header are not looked at.
//
// The package has no state, opens no socket and builds for js/wasm; its functions
// may be called concurrently.
package uvm

import (
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/veraison/go-cose"
)

const (
	// MicrosoftDID is the issuer of the UVMs of Azure Container Instances.
	MicrosoftDID = "did:x509:0:sha256:I__iuL25oXEVFdTP_aBLx_eT1RPHbCQ_ECBQfYZpt9s::eku:1.3.6.1.4.1.311.76.59.1.2"
	// ContainerFeed is the feed of those UVMs.
	ContainerFeed = "ContainerPlat-AMD-UVM"
	// MaxSize bounds an endorsement in bytes; real ones have 7 to 11 KB.
	MaxSize = 256 << 10
)

var (
	// ErrFormat: the bytes are not an endorsement in one of the two forms.
	ErrFormat = errors.New("malformed UVM endorsement")
	// ErrIssuer: the issuer is not one of the trusted DIDs.
	ErrIssuer = errors.New("UVM endorsement is from an issuer that is not trusted")
	// ErrChain: the certificates do not bear out the issuer's DID: another
	// root, no such key usage, or a chain that does not verify.
	ErrChain = errors.New("certificates of the UVM endorsement do not verify")
	// ErrSignature: the leaf certificate's key did not sign these bytes.
	ErrSignature = errors.New("signature of the UVM endorsement does not verify")
)

// Form is the way in which an endorsement is written.
type Form string

// The forms, described in the package comment.
const (
	FormJSON Form = "json"
	FormCWT  Form = "cwt"
)

// Endorsement is what was endorsed, and by whom.
type Endorsement struct {
	Form        Form
	Issuer      string // a did:x509
	Feed        string // which line of UVMs, for instance ContainerFeed
	SVN         uint64 // security version number; a higher one is newer
	Measurement [48]byte
	// SignedAt is the signer's time, UTC; zero if it gave none.
	SignedAt time.Time
}

// Options says whom to trust.
type Options struct {
	// TrustedDIDs are the acceptable issuers, compared exactly. Nil means
	// MicrosoftDID alone; an empty list trusts nobody.
	TrustedDIDs []string
}

// Parse decodes an endorsement without checking any signature. What it returns
// is a claim by anybody.
func Parse(coseBytes []byte) (*Endorsement, error) {
	st, err := parse(coseBytes)
	if err != nil {
		return nil, err
	}
	return &st.Endorsement, nil
}

// A Header is what an endorsement has around what it endorses.
type Header struct {
	Algorithm string              // of the signature: "PS384" or "ES384"
	Chain     []*x509.Certificate // leaf first, root last
	// Protected and Unprotected are the labels of the header's parameters, numbers in
	// decimal, sorted as text. What is not protected is not signed.
	Protected, Unprotected []string
}

// ParseHeader decodes an endorsement's header without checking any signature.
func ParseHeader(coseBytes []byte) (*Header, error) {
	st, err := parse(coseBytes)
	if err != nil {
		return nil, err
	}
	return &Header{
		Algorithm: st.alg.String(), Chain: st.chain,
		Protected: labels(st.msg.Headers.Protected), Unprotected: labels(st.msg.Headers.Unprotected),
	}, nil
}

func labels(parameters map[any]any) []string {
	list := make([]string, 0, len(parameters))
	for label := range parameters {
		list = append(list, fmt.Sprint(label))
	}
	slices.Sort(list)
	return list
}

// Verify decodes an endorsement and checks that a trusted issuer signed it.
// Feed, SVN and measurement are for the caller to appraise.
func Verify(coseBytes []byte, opts Options) (*Endorsement, error) {
	st, err := parse(coseBytes)
	if err != nil {
		return nil, err
	}
	trusted := opts.TrustedDIDs
	if trusted == nil {
		trusted = []string{MicrosoftDID}
	}
	if !slices.Contains(trusted, st.Issuer) {
		return nil, fmt.Errorf("%w: %.200q", ErrIssuer, st.Issuer)
	}
	if err := verifyChain(st); err != nil {
		return nil, err
	}
	verifier, err := cose.NewVerifier(st.alg, st.chain[0].PublicKey)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrSignature, err)
	}
	if err := st.msg.Verify(nil, verifier); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrSignature, err)
	}
	return &st.Endorsement, nil
}

// verifyChain resolves the issuer's DID against the certificates (did:x509
// method specification, version 0).
func verifyChain(st *statement) error {
	rootPin, eku, err := parseDID(st.Issuer)
	if err != nil {
		return err
	}
	leaf, root := st.chain[0], st.chain[len(st.chain)-1]
	if got := sha256.Sum256(root.Raw); got != rootPin {
		return fmt.Errorf("%w: root has SHA-256 %s, the issuer names %s", ErrChain, b64(got), b64(rootPin))
	}
	if !slices.ContainsFunc(leaf.UnknownExtKeyUsage, func(oid asn1OID) bool { return oid.String() == eku }) {
		return fmt.Errorf("%w: leaf %q lacks the extended key usage %s", ErrChain, leaf.Subject.CommonName, eku)
	}
	at := st.SignedAt
	if at.IsZero() {
		at = leaf.NotBefore
	}
	opts := x509.VerifyOptions{
		Roots: x509.NewCertPool(), Intermediates: x509.NewCertPool(),
		CurrentTime: at, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageAny},
	}
	opts.Roots.AddCert(root)
	for _, c := range st.chain[1 : len(st.chain)-1] {
		opts.Intermediates.AddCert(c)
	}
	if _, err := leaf.Verify(opts); err != nil {
		return fmt.Errorf("%w: at %s: %w", ErrChain, at.UTC().Format(time.RFC3339), err)
	}
	return nil
}

// parseDID reads the one kind of did:x509 in use: a SHA-256 root pin and one eku
// policy.
func parseDID(did string) (rootPin [32]byte, eku string, err error) {
	rest, ok := strings.CutPrefix(did, "did:x509:0:sha256:")
	pin, oid, ok2 := strings.Cut(rest, "::eku:")
	raw, err := base64.RawURLEncoding.Strict().DecodeString(pin)
	if !ok || !ok2 || err != nil || len(raw) != len(rootPin) || oid == "" || strings.Contains(oid, ":") {
		return rootPin, "", fmt.Errorf("%w: issuer %.200q is not of the form did:x509:0:sha256:ROOT::eku:OID", ErrFormat, did)
	}
	return [32]byte(raw), oid, nil
}

// ValidDID reports whether did has the form that Verify can resolve.
func ValidDID(did string) bool {
	_, _, err := parseDID(did)
	return err == nil
}

func b64(b [32]byte) string { return base64.RawURLEncoding.EncodeToString(b[:]) }
