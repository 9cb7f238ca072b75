package simtee

import (
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/asn1"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"strconv"
	"time"

	"github.com/veraison/go-cose"
	"github.com/veriproof/notary/attestation/uvm"
)

// UVMSVN is the security version of the simulated utility VM.
const UVMSVN = 104

// uvmEKU is the key usage that the signer's DID names. 2.999 is the arc for
// examples: it cannot be mistaken for Microsoft's.
var uvmEKU = asn1.ObjectIdentifier{2, 999, 76, 59, 1, 2}

// endorse signs the utility VM's measurement as Microsoft does in the JSON form:
// PS384, three certificates, a did:x509 of the root.
func (s *state) endorse(leafKey *rsa.PrivateKey, now time.Time) error {
	chain, err := uvmChain(leafKey, now)
	if err != nil {
		return err
	}
	root := sha256.Sum256(chain[2].Raw)
	s.UVMDID = "did:x509:0:sha256:" + base64.RawURLEncoding.EncodeToString(root[:]) + "::eku:" + uvmEKU.String()
	measurement := (&TEE{}).Measurement()
	payload, err := json.Marshal(map[string]any{
		"x-ms-sevsnpvm-guestsvn":          strconv.Itoa(UVMSVN),
		"x-ms-sevsnpvm-guestsvn-int":      UVMSVN,
		"x-ms-sevsnpvm-launchmeasurement": hex.EncodeToString(measurement[:]),
	})
	if err != nil {
		return err
	}
	thumb := sha256.Sum256(chain[0].Raw)
	msg := cose.NewSign1Message()
	msg.Payload = payload
	msg.Headers.Protected = cose.ProtectedHeader{
		cose.HeaderLabelAlgorithm:   cose.AlgorithmPS384,
		cose.HeaderLabelContentType: "application/json",
		cose.HeaderLabelX5Chain:     []any{chain[0].Raw, chain[1].Raw, chain[2].Raw},
		cose.HeaderLabelX5T:         []any{int64(-16), thumb[:]},
		"iss":                       s.UVMDID,
		"feed":                      uvm.ContainerFeed,
		"signingtime":               epochTime(now.Unix()),
	}
	signer, err := cose.NewSigner(cose.AlgorithmPS384, leafKey)
	if err != nil {
		return err
	}
	if err := msg.Sign(rand.Reader, nil, signer); err != nil {
		return err
	}
	s.UVM, err = msg.MarshalCBOR()
	return err
}

// epochTime is a CBOR epoch-based time (RFC 8949 section 3.4.2): tag 1.
type epochTime uint32

// MarshalCBOR writes tag 1 and a four-byte unsigned integer.
func (t epochTime) MarshalCBOR() ([]byte, error) {
	return binary.BigEndian.AppendUint32([]byte{0xc1, 0x1a}, uint32(t)), nil
}

// uvmChain makes leaf, intermediate and root.
func uvmChain(leafKey *rsa.PrivateKey, now time.Time) ([3]*x509.Certificate, error) {
	var chain [3]*x509.Certificate
	rootKey, err1 := newECKey(elliptic.P384())
	caKey, err2 := newECKey(elliptic.P384())
	if err := errors.Join(err1, err2); err != nil {
		return chain, err
	}
	ca := func(cn string) *x509.Certificate {
		c := template(cn, Organization, now.AddDate(-4, 0, 0), now.AddDate(21, 0, 0))
		c.IsCA, c.BasicConstraintsValid, c.KeyUsage = true, true, x509.KeyUsageCertSign
		return c
	}
	var err error
	root := ca("Simulated Supply Chain Root CA")
	if chain[2], err = issue(root, root, &rootKey.PublicKey, rootKey); err != nil {
		return chain, err
	}
	if chain[1], err = issue(ca("Simulated SCD Products CA"), chain[2], &caKey.PublicKey, rootKey); err != nil {
		return chain, err
	}
	leaf := template("ContainerPlat", Organization, now.AddDate(0, -1, 0), now.AddDate(0, 11, 0))
	leaf.KeyUsage = x509.KeyUsageDigitalSignature
	leaf.UnknownExtKeyUsage = []asn1.ObjectIdentifier{uvmEKU}
	chain[0], err = issue(leaf, chain[1], &leafKey.PublicKey, caKey)
	return chain, err
}
