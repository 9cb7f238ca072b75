package snp

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"fmt"
	"maps"

	"github.com/veriproof/notary/attestation/internal/pubkey"
)

// maxChainSize bounds the PEM text of a chain; real ones have under 7 KB.
const maxChainSize = 64 << 10

// A Chain is the way from a chip's key to AMD's root. ParseChain tells the three
// apart by their form; only Verify looks at signatures.
type Chain struct {
	VCEK *x509.Certificate // versioned chip endorsement key: one chip, one TCB
	ASK  *x509.Certificate // AMD SEV key: one product line
	ARK  *x509.Certificate // AMD root key, self-signed
}

// ParseChain decodes exactly three PEM certificates, in any order: an ECDSA key
// (VCEK), a self-issued one (ARK) and the one between (ASK). Other blocks, a
// fourth certificate, block headers and text around the blocks are refused with
// ErrFormat, and so are keys of excessive size: nobody vouches for text, and another PEM reader may see a
// certificate in it. Only white space is free; PEM gives the chain its one form.
func ParseChain(pemBytes []byte) (*Chain, error) {
	if len(pemBytes) > maxChainSize {
		return nil, fmt.Errorf("%w: certificate chain of %d bytes, at most %d are allowed", ErrFormat, len(pemBytes), maxChainSize)
	}
	c := new(Chain)
	var blocks bytes.Buffer // as they would be written
	rest := pemBytes
	for range 3 {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil || block.Type != "CERTIFICATE" {
			return nil, fmt.Errorf("%w: certificate chain is not three PEM certificates (VCEK, ASK, ARK)", ErrFormat)
		}
		cert, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, fmt.Errorf("%w: certificate chain: %w", ErrFormat, err)
		}
		// Whoever sends a chain chooses its keys, and callers may trust its own root.
		if err := pubkey.Check(cert.PublicKey); err != nil {
			return nil, fmt.Errorf("%w: certificate %q: %w", ErrFormat, cert.Subject.CommonName, err)
		}
		if err := c.place(cert); err != nil {
			return nil, err
		}
		writePEM(&blocks, cert)
	}
	if len(bytes.TrimSpace(rest)) != 0 {
		return nil, fmt.Errorf("%w: more than three PEM certificates in the chain", ErrFormat)
	}
	if !bytes.Equal(unspaced(pemBytes), unspaced(blocks.Bytes())) {
		return nil, fmt.Errorf("%w: certificate chain has text around its PEM blocks, or a block is not in its one encoding", ErrFormat)
	}
	return c, nil
}

// unspaced is b without the white space that PEM writers differ in.
func unspaced(b []byte) []byte {
	out := make([]byte, 0, len(b))
	for _, x := range b {
		if x != ' ' && x != '\t' && x != '\r' && x != '\n' {
			out = append(out, x)
		}
	}
	return out
}

// place puts cert where its form belongs. The three forms exclude each other, so
// three certificates without a clash fill the chain.
func (c *Chain) place(cert *x509.Certificate) error {
	slot, name := &c.ASK, "ASK"
	switch cert.PublicKey.(type) {
	case *ecdsa.PublicKey:
		slot, name = &c.VCEK, "VCEK"
	case *rsa.PublicKey:
		if bytes.Equal(cert.RawIssuer, cert.RawSubject) {
			slot, name = &c.ARK, "ARK"
		}
	default:
		return fmt.Errorf("%w: certificate %q has neither an ECDSA nor an RSA key", ErrFormat, cert.Subject.CommonName)
	}
	if *slot != nil {
		return fmt.Errorf("%w: two certificates look like the %s", ErrFormat, name)
	}
	*slot = cert
	return nil
}

// PEM returns the chain in the order VCEK, ASK, ARK.
func (c *Chain) PEM() []byte {
	var b bytes.Buffer
	for _, cert := range []*x509.Certificate{c.VCEK, c.ASK, c.ARK} {
		writePEM(&b, cert)
	}
	return b.Bytes()
}

// writePEM appends cert to b, which does not fail; the block has no headers.
func writePEM(b *bytes.Buffer, cert *x509.Certificate) {
	_ = pem.Encode(b, &pem.Block{Type: "CERTIFICATE", Bytes: cert.Raw})
}

// Roots is an immutable set of trusted ARKs. The zero value trusts none.
type Roots struct {
	pins map[[sha256.Size]byte]string
}

// amdPins are the SHA-256 digests of the ARK certificates that AMD publishes.
var amdPins = map[[sha256.Size]byte]string{
	pinOf("69d063b45344d26a2e94e1f4210de49ef555308287d4c174445c95639a540bcd"): "AMD ARK-Milan",
	pinOf("4c6598d19c18719c5dfd4a7d335f674e5bfe1d8f800cea2cf270c10d103db2f1"): "AMD ARK-Genoa",
	pinOf("1f084161a44bb6d93778a904877d4819cafa5d05ef4193b2ded9dd9c73dd3f6a"): "AMD ARK-Turin",
}

// pinOf decodes a digest that is written in this file. A typing error there
// gives the digest of nothing known, so it can only make a root untrusted.
func pinOf(s string) (pin [sha256.Size]byte) {
	_, _ = hex.Decode(pin[:], []byte(s))
	return pin
}

// AMDRoots returns AMD's roots for Milan, Genoa and Turin. They are pinned by
// the SHA-256 of the whole certificate, so the bytes may come from anywhere.
func AMDRoots() Roots { return Roots{pins: amdPins} }

// With returns a set that trusts ark too. It exists for simulated hardware and
// tests: whoever holds this ARK's key can forge every report.
func (r Roots) With(ark *x509.Certificate) Roots {
	pins := maps.Clone(r.pins)
	if pins == nil {
		pins = make(map[[sha256.Size]byte]string, 1)
	}
	sum := sha256.Sum256(ark.Raw)
	if _, known := pins[sum]; !known {
		pins[sum] = fmt.Sprintf("not AMD: ARK %q with SHA-256 %x", ark.Subject.CommonName, sum)
	}
	return Roots{pins: pins}
}

// Anchor returns what to call the trusted root with exactly these bytes, and
// false if it is not trusted.
func (r Roots) Anchor(ark *x509.Certificate) (string, bool) {
	name, ok := r.pins[sha256.Sum256(ark.Raw)]
	return name, ok
}
