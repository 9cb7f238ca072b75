package challenge

import (
	"bytes"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/veriproof/notary/attestation/evidence"
	"github.com/veriproof/notary/attestation/runtimedata"
)

// A Challenge is one question to one notary, good for one answer.
type Challenge struct {
	nonce []byte
	made  time.Time
	used  atomic.Bool
}

// New returns a challenge with a random nonce of 32 bytes, asked now.
func New(now time.Time) *Challenge {
	c := &Challenge{nonce: make([]byte, 32), made: now}
	// crypto/rand.Read does not fail: it ends the process instead.
	_, _ = rand.Read(c.nonce)
	return c
}

// Nonce returns the nonce in the form that the URL takes.
func (c *Challenge) Nonce() string { return hex.EncodeToString(c.nonce) }

// Verify checks that d answers this challenge and came over conn. It takes the
// word of d for which hardware root and which code there is: that is for
// [attestation.Appraise] or [Proof.Appraise], and nothing is shown without it.
// Whatever the result, the challenge is used up.
func (c *Challenge) Verify(d *Document, conn *tls.ConnectionState, now time.Time) error {
	if c.used.Swap(true) {
		return ErrUsed
	}
	if age := now.Sub(c.made); age < 0 || age > MaxAge {
		return fmt.Errorf("%w: %v after the question, at most %v", ErrLate, age, MaxAge)
	}
	if d.Answer == nil {
		return fmt.Errorf("%w: it has no member \"challenge\"", ErrFormat)
	}
	if !bytes.Equal(d.Answer.Nonce, c.nonce) {
		return ErrNonce
	}
	rd, err := runtimedata.Parse(d.RuntimeData)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrFormat, err)
	}
	if err := checkPeer(d, rd, conn); err != nil {
		return err
	}
	fresh := evidence.Evidence{Report: d.Answer.Report, VCEKChain: d.Answer.VCEKChain}
	if err := fresh.Check(Message(c.nonce, d.RuntimeData)); err != nil {
		return fmt.Errorf("%w: %w", ErrReport, err)
	}
	return checkPossession(d, rd, conn)
}

// checkPeer demands that the peer of the connection has the key that the runtime
// data names, and that so has the certificate for the data listener. The exporter
// alone would not do: a peer that only reflects the signatures of another
// connection is told apart by its key.
func checkPeer(d *Document, rd *runtimedata.RuntimeData, conn *tls.ConnectionState) error {
	if err := samePeer(conn, rd.Notary.TLSSPKI); err != nil {
		return err
	}
	// One certificate in its one encoding: other parsers see certificates in what
	// Go's skips, and this text ends up in files that others trust.
	block, _ := pem.Decode([]byte(d.TLSCertificate))
	if block == nil || block.Type != "CERTIFICATE" || string(pem.EncodeToMemory(&pem.Block{Type: block.Type, Bytes: block.Bytes})) != d.TLSCertificate {
		return fmt.Errorf("%w: tls_certificate is not one PEM certificate and nothing else", ErrFormat)
	}
	cert, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		return fmt.Errorf("%w: tls_certificate: %w", ErrFormat, err)
	}
	return sameKey("tls_certificate", cert, rd.Notary.TLSSPKI)
}

func samePeer(conn *tls.ConnectionState, spki string) error {
	if conn == nil || len(conn.PeerCertificates) == 0 {
		return fmt.Errorf("%w: the peer showed no certificate", ErrConnection)
	}
	return sameKey("the peer's certificate", conn.PeerCertificates[0], spki)
}

func sameKey(what string, cert *x509.Certificate, spki string) error {
	sum := sha256.Sum256(cert.RawSubjectPublicKeyInfo)
	if got := hex.EncodeToString(sum[:]); got != spki {
		return fmt.Errorf("%w: %s has the key %s, the runtime data names %s", ErrConnection, what, got, spki)
	}
	return nil
}

func checkPossession(d *Document, rd *runtimedata.RuntimeData, conn *tls.ConnectionState) error {
	x, err := Exporter(conn)
	if err != nil {
		return err
	}
	key, err := rd.SigningKey()
	if err != nil {
		return fmt.Errorf("%w: %w", ErrFormat, err)
	}
	if !ed25519.Verify(key, Possession(d.Answer.Nonce, d.RuntimeData, x), d.Answer.Possession) {
		return ErrPossession
	}
	return nil
}
