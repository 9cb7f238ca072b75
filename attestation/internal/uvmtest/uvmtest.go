// Package uvmtest makes UVM endorsements for tests, with every part chosen by
// the test. The keys are new in each process and trusted by nothing.
package uvmtest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"math/big"
	"time"

	"github.com/veraison/go-cose"
)

// The leaf is valid from NotBefore to NotAfter, a year as the real one; SignedAt
// lies between.
var (
	NotBefore = time.Date(2025, 5, 15, 0, 0, 0, 0, time.UTC)
	NotAfter  = time.Date(2026, 5, 15, 0, 0, 0, 0, time.UTC)
	SignedAt  = time.Date(2025, 12, 22, 21, 11, 27, 0, time.UTC)
)

// EKU is the extended key usage that the leaf has.
const EKU = "1.3.6.1.4.1.311.76.59.1.2"

// Signer holds a chain of three and the leaf's key.
type Signer struct {
	Chain [3]*x509.Certificate // leaf, intermediate, root
	Key   *ecdsa.PrivateKey
}

// New returns a signer; change, if not nil, is called for each template: "root",
// "ca", "leaf".
func New(change func(name string, template *x509.Certificate)) *Signer {
	if change == nil {
		change = func(string, *x509.Certificate) {}
	}
	keys := make([]*ecdsa.PrivateKey, 3)
	for i := range keys {
		keys[i] = must(ecdsa.GenerateKey(elliptic.P384(), rand.Reader))
	}
	root, ca := template("Test Root"), template("Test CA")
	for _, c := range []*x509.Certificate{root, ca} {
		c.IsCA, c.BasicConstraintsValid, c.KeyUsage = true, true, x509.KeyUsageCertSign
		c.NotBefore, c.NotAfter = NotBefore.AddDate(-3, 0, 0), NotAfter.AddDate(20, 0, 0)
	}
	leaf := template("ContainerPlat")
	leaf.UnknownExtKeyUsage = []asn1.ObjectIdentifier{{1, 3, 6, 1, 4, 1, 311, 76, 59, 1, 1}, {1, 3, 6, 1, 4, 1, 311, 76, 59, 1, 2}}
	change("root", root)
	change("ca", ca)
	change("leaf", leaf)
	s := &Signer{Key: keys[0]}
	s.Chain[2] = issue(root, root, &keys[2].PublicKey, keys[2])
	s.Chain[1] = issue(ca, s.Chain[2], &keys[1].PublicKey, keys[2])
	s.Chain[0] = issue(leaf, s.Chain[1], &keys[0].PublicKey, keys[1])
	return s
}

func template(cn string) *x509.Certificate {
	return &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: cn}, NotBefore: NotBefore, NotAfter: NotAfter}
}

func issue(t, parent *x509.Certificate, pub any, key *ecdsa.PrivateKey) *x509.Certificate {
	return must(x509.ParseCertificate(must(x509.CreateCertificate(rand.Reader, t, parent, pub, key))))
}

// DID returns the did:x509 of the signer's root with the usage EKU.
func (s *Signer) DID() string {
	sum := sha256.Sum256(s.Chain[2].Raw)
	return "did:x509:0:sha256:" + base64.RawURLEncoding.EncodeToString(sum[:]) + "::eku:" + EKU
}

// JSON returns an endorsement in the JSON form, before it is signed.
func (s *Signer) JSON(feed, svn string, measurement [48]byte) *cose.Sign1Message {
	msg := s.message()
	msg.Headers.Protected["iss"] = s.DID()
	msg.Headers.Protected["feed"] = feed
	msg.Headers.Protected["signingtime"] = Epoch(SignedAt.Unix())
	msg.Headers.Protected[cose.HeaderLabelContentType] = "application/json"
	msg.Payload = fmt.Appendf(nil, `{"x-ms-sevsnpvm-guestsvn":%q,"x-ms-sevsnpvm-launchmeasurement":"%x"}`, svn, measurement)
	return msg
}

// CWT returns an endorsement in the CWT form, before it is signed.
func (s *Signer) CWT(feed string, svn int64, measurement [48]byte) *cose.Sign1Message {
	msg := s.message()
	msg.Headers.Protected[cose.HeaderLabelCWTClaims] = map[any]any{
		cose.CWTClaimIssuer: s.DID(), cose.CWTClaimSubject: feed, cose.CWTClaimIssuedAt: Epoch(SignedAt.Unix()), "svn": svn,
	}
	msg.Payload = measurement[:]
	return msg
}

func (s *Signer) message() *cose.Sign1Message {
	msg := cose.NewSign1Message()
	msg.Headers.Protected = cose.ProtectedHeader{
		cose.HeaderLabelAlgorithm: cose.AlgorithmES384,
		cose.HeaderLabelX5Chain:   []any{s.Chain[0].Raw, s.Chain[1].Raw, s.Chain[2].Raw},
	}
	return msg
}

// Sign signs and encodes a message.
func (s *Signer) Sign(msg *cose.Sign1Message) []byte {
	signer := must(cose.NewSigner(cose.AlgorithmES384, s.Key))
	if err := msg.Sign(rand.Reader, nil, signer); err != nil {
		panic(fmt.Sprintf("uvmtest: %v", err))
	}
	return must(msg.MarshalCBOR())
}

// Epoch encodes as an epoch-based time, CBOR tag 1 (RFC 8949 section 3.4.2).
type Epoch int64

// MarshalCBOR encodes e, which must not be negative.
func (e Epoch) MarshalCBOR() ([]byte, error) {
	return binary.BigEndian.AppendUint64([]byte{0xc1, 0x1b}, uint64(e)), nil
}

// must is for tests, where a failure of the standard library ends the run.
func must[T any](v T, err error) T {
	if err != nil {
		panic(fmt.Sprintf("uvmtest: %v", err))
	}
	return v
}
