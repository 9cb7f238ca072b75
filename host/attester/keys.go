package attester

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/big"
	"net"
	"strings"
	"time"
)

const (
	transportBits = 2048 // what Azure's secure key release wraps to
	maxNames      = 64
	maxName       = 253 // a DNS name in text form, RFC 1035 section 2.3.4

	// A certificate of a key that lives as long as its process needs no expiry
	// of its own: the token's expiry is the gate. The early start forgives
	// clients whose clocks are behind.
	certEarly = 24 * time.Hour
	certLife  = 10 * 365 * 24 * time.Hour
)

// ErrNames says that the names for the serving certificate cannot be used.
var ErrNames = errors.New("invalid server names")

// Keys are the private keys of one epoch. They are made by [GenerateKeys], live
// in this process only and must not be copied into anything that is printed or
// stored; formatting and logging a *Keys shows a constant.
type Keys struct {
	// Signing signs journal positions, receipts and proofs of possession, through
	// sdk/journal, sdk/receipt and Attester.Answer and nothing else.
	Signing ed25519.PrivateKey
	// TLS is the serving key, ECDSA P-256, with its self-signed certificate.
	TLS tls.Certificate

	// transport has no method that decrypts: whoever could have it decrypt
	// chosen ciphertexts could have it open what was released to another.
	transport *rsa.PrivateKey
}

// GenerateKeys makes fresh keys. names are the subject alternative names of the
// serving certificate, DNS names or IP addresses, at least one; errors about them
// wrap [ErrNames].
func GenerateKeys(names []string) (*Keys, error) {
	dns, ips, err := splitNames(names)
	if err != nil {
		return nil, err
	}
	transport, err := rsa.GenerateKey(rand.Reader, transportBits)
	if err != nil {
		return nil, fmt.Errorf("generate transport key: %w", err)
	}
	_, signing, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("generate signing key: %w", err)
	}
	serving, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("generate serving key: %w", err)
	}
	cert, err := selfSigned(serving, dns, ips)
	if err != nil {
		return nil, fmt.Errorf("serving certificate: %w", err)
	}
	return &Keys{Signing: signing, TLS: cert, transport: transport}, nil
}

// selfSigned makes the serving certificate. It carries no key usage extension:
// several TLS libraries take a self-signed certificate as its own trust anchor
// only if it either lacks the extension or may sign certificates, and a serving
// key must not.
func selfSigned(key *ecdsa.PrivateKey, dns []string, ips []net.IP) (tls.Certificate, error) {
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127))
	if err != nil {
		return tls.Certificate{}, err
	}
	now := time.Now()
	template := &x509.Certificate{
		SerialNumber:          serial.Add(serial, big.NewInt(1)),
		Subject:               pkix.Name{CommonName: "veriproof notary"},
		NotBefore:             now.Add(-certEarly),
		NotAfter:              now.Add(certLife),
		ExtKeyUsage:           []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		BasicConstraintsValid: true,
		DNSNames:              dns,
		IPAddresses:           ips,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		return tls.Certificate{}, err
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		return tls.Certificate{}, err
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: leaf}, nil
}

func splitNames(names []string) (dns []string, ips []net.IP, err error) {
	if len(names) == 0 || len(names) > maxNames {
		return nil, nil, fmt.Errorf("%w: %d given, want 1 to %d DNS names or IP addresses", ErrNames, len(names), maxNames)
	}
	for _, n := range names {
		if ip := net.ParseIP(n); ip != nil {
			ips = append(ips, ip)
			continue
		}
		if !validDNS(n) {
			return nil, nil, fmt.Errorf("%w: %.80q is neither a DNS name nor an IP address", ErrNames, n)
		}
		dns = append(dns, n)
	}
	return dns, ips, nil
}

// validDNS accepts names of letters, digits and hyphens (RFC 1123 section 2.1),
// with a leading "*." if wanted.
func validDNS(name string) bool {
	if len(name) > maxName {
		return false
	}
	for label := range strings.SplitSeq(strings.TrimPrefix(name, "*."), ".") {
		if label == "" || len(label) > 63 || label[0] == '-' || label[len(label)-1] == '-' {
			return false
		}
		if strings.Trim(label, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-") != "" {
			return false
		}
	}
	return true
}

// TransportPublic returns the public transport key: what keys are released to.
func (k *Keys) TransportPublic() *rsa.PublicKey { return &k.transport.PublicKey }

// SigningPublic returns the public key of [Keys.Signing].
func (k *Keys) SigningPublic() ed25519.PublicKey {
	return k.Signing.Public().(ed25519.PublicKey)
}

// SPKI returns the SHA-256 of the serving key's DER SubjectPublicKeyInfo, which
// the runtime data carries as tls_spki.
func (k *Keys) SPKI() [32]byte {
	return sha256.Sum256(k.TLS.Leaf.RawSubjectPublicKeyInfo)
}

// CertificatePEM returns the serving certificate for clients that pin it.
func (k *Keys) CertificatePEM() []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: k.TLS.Certificate[0]})
}

const hidden = "[attester keys]"

// Format writes a constant for every verb.
func (*Keys) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, hidden) }

// LogValue logs a constant.
func (*Keys) LogValue() slog.Value { return slog.StringValue(hidden) }

// MarshalJSON encodes a constant.
func (*Keys) MarshalJSON() ([]byte, error) { return []byte(`"` + hidden + `"`), nil }
