package simtee

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/pem"
	"errors"
	"math/big"
	"net"
	"net/http"
	"slices"
	"time"

	"github.com/veriproof/notary/attestation/snp"
)

// A model is what differs between product lines.
type model struct {
	family, model, stepping byte    // CPUID leaf 1
	name                    string  // product name in the VCEK
	tcb                     snp.TCB // of all of reported, committed, current and launch TCB
}

var models = map[snp.Product]model{
	snp.Milan: {0x19, 0x01, 0x01, "Milan-B0", snp.TCB{Bootloader: 4, SNP: 24, Microcode: 219}},
	snp.Genoa: {0x19, 0x11, 0x01, "Genoa", snp.TCB{Bootloader: 10, SNP: 23, Microcode: 84}},
	snp.Turin: {0x1A, 0x02, 0x01, "Turin", snp.TCB{FMC: 1, Bootloader: 1, TEE: 1, SNP: 4, Microcode: 81}},
}

// kdsArc is AMD's arc for what a VCEK certifies (AMD publication 57230).
var kdsArc = asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 3704, 1}

// makeChain makes ARK, ASK and VCEK with AMD's common names, algorithms and
// lifetimes.
func (s *state) makeChain(keys *rsaKeys, now time.Time) error {
	chain, vcek, err := issueChain(s, keys, now, Organization)
	if err != nil {
		return err
	}
	if s.VCEKKey, err = encodeKey(vcek); err != nil {
		return err
	}
	s.VCEK, s.ASK, s.ARK = encodeCertificate(chain.VCEK), encodeCertificate(chain.ASK), encodeCertificate(chain.ARK)
	return nil
}

func issueChain(s *state, keys *rsaKeys, now time.Time, org string) (*snp.Chain, *ecdsa.PrivateKey, error) {
	vcekKey, err := newECKey(elliptic.P384())
	if err != nil {
		return nil, nil, err
	}
	extensions, err := vcekExtensions(s.Product, s.ChipID)
	if err != nil {
		return nil, nil, err
	}
	root := rootTemplate("ARK-"+string(s.Product), org, now)
	ark, err1 := issue(root, root, &keys.ark.PublicKey, keys.ark)
	ask, err2 := issue(rootTemplate("SEV-"+string(s.Product), org, now), ark, &keys.ask.PublicKey, keys.ark)
	if err := errors.Join(err1, err2); err != nil {
		return nil, nil, err
	}
	leaf := template("SEV-VCEK", org, now.AddDate(-1, 0, 0), now.AddDate(6, 0, 0))
	leaf.SignatureAlgorithm = x509.SHA384WithRSAPSS
	leaf.ExtraExtensions = extensions
	vcek, err := issue(leaf, ask, &vcekKey.PublicKey, keys.ask)
	return &snp.Chain{VCEK: vcek, ASK: ask, ARK: ark}, vcekKey, err
}

// vcekExtensions certifies chip and TCB. The hardware id stands bare, not in an
// OCTET STRING of its own; on Turin it has eight bytes.
func vcekExtensions(p snp.Product, chip []byte) ([]pkix.Extension, error) {
	m := models[p]
	parts := map[int]uint8{1: m.tcb.Bootloader, 2: m.tcb.TEE, 3: m.tcb.SNP, 8: m.tcb.Microcode, 4: 0, 5: 0, 6: 0, 7: 0}
	hwid := chip
	if p == snp.Turin {
		delete(parts, 4)
		parts[9] = m.tcb.FMC
		hwid = chip[:8]
	}
	name, err := asn1.MarshalWithParams(m.name, "ia5")
	if err != nil {
		return nil, err
	}
	version, err := asn1.Marshal(1)
	if err != nil {
		return nil, err
	}
	ext := []pkix.Extension{{Id: oid(1), Value: version}, {Id: oid(2), Value: name}}
	for i := 1; i <= 9; i++ {
		spl, has := parts[i]
		if !has {
			continue
		}
		v, err := asn1.Marshal(int(spl))
		if err != nil {
			return nil, err
		}
		ext = append(ext, pkix.Extension{Id: oid(3, i), Value: v})
	}
	return append(ext, pkix.Extension{Id: oid(4), Value: hwid}), nil
}

func oid(arc ...int) asn1.ObjectIdentifier { return append(slices.Clone(kdsArc), arc...) }

func rootTemplate(cn, org string, now time.Time) *x509.Certificate {
	c := template(cn, org, now.AddDate(-4, 0, 0), now.AddDate(21, 0, 0))
	c.SignatureAlgorithm = x509.SHA384WithRSAPSS
	c.IsCA, c.BasicConstraintsValid, c.KeyUsage = true, true, x509.KeyUsageCertSign
	return c
}

func template(cn, org string, from, to time.Time) *x509.Certificate {
	serial := make([]byte, 8)
	_, _ = rand.Read(serial) // never fails: see crypto/rand
	serial[0] = serial[0]&0x7f | 1
	return &x509.Certificate{
		SerialNumber: new(big.Int).SetBytes(serial),
		Subject: pkix.Name{
			Country: []string{"US"}, Province: []string{"CA"}, Locality: []string{"Santa Clara"},
			Organization: []string{org}, OrganizationalUnit: []string{"Engineering"}, CommonName: cn,
		},
		NotBefore: from, NotAfter: to,
	}
}

func issue(tmpl, parent *x509.Certificate, pub crypto.PublicKey, signer crypto.Signer) (*x509.Certificate, error) {
	der, err := x509.CreateCertificate(rand.Reader, tmpl, parent, pub, signer)
	if err != nil {
		return nil, err
	}
	return x509.ParseCertificate(der)
}

func tlsCertificate(key *ecdsa.PrivateKey, now time.Time) (string, error) {
	c := template("simulated attestation service", Organization, now.AddDate(-1, 0, 0), now.AddDate(10, 0, 0))
	c.IPAddresses = []net.IP{net.IPv4(127, 0, 0, 1)}
	c.DNSNames = []string{"localhost"}
	c.IsCA, c.BasicConstraintsValid = true, true
	c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
	cert, err := issue(c, c, &key.PublicKey, key)
	if err != nil {
		return "", err
	}
	return encodeCertificate(cert), nil
}

// tokenCertificate is the self-signed certificate of the token key, as it stands
// in the key set.
func tokenCertificate(key *rsa.PrivateKey, issuer string, now time.Time) (*x509.Certificate, error) {
	c := template(issuer, Organization, now.AddDate(0, -1, 0), now.AddDate(0, 11, 0))
	return issue(c, c, &key.PublicKey, key)
}

func encodeCertificate(c *x509.Certificate) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Raw}))
}

func parseCertificate(text string) (*x509.Certificate, error) {
	block, _ := pem.Decode([]byte(text))
	if block == nil {
		return nil, errors.New("certificate is not PEM")
	}
	return x509.ParseCertificate(block.Bytes)
}

func httpClient(tlsCert string) *http.Client {
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM([]byte(tlsCert))
	return &http.Client{
		Timeout: 30 * time.Second,
		Transport: &http.Transport{
			TLSClientConfig:   &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12},
			DisableKeepAlives: true, // nothing is left behind when a test ends
		},
	}
}
