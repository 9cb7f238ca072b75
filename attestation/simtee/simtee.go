package simtee

import (
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/veriproof/notary/attestation/snp"
)

// DefaultTokenLifetime is how long MAA's tokens live.
const DefaultTokenLifetime = 8 * time.Hour

// Options configure a [TEE]. The zero value makes a new Genoa machine.
type Options struct {
	// Dir keeps keys and certificates; "" keeps nothing. It must belong to this
	// user alone.
	Dir string
	// Product is the product line, Genoa by default. It must be that of the
	// state in Dir.
	Product snp.Product
	// Now is the clock of the attestation service, time.Now by default.
	Now func() time.Time
	// TokenLifetime is DefaultTokenLifetime if 0.
	TokenLifetime time.Duration
	// CCEPolicy is the policy whose SHA-256 is HOST_DATA; by default one that
	// says SIMULATED and nothing else.
	CCEPolicy []byte
	// TestKeys takes RSA keys of 2048 bits, made once per process, where AMD
	// has 4096, so that New costs milliseconds and not seconds. All TEEs with
	// TestKeys share them, though not the certificates: a test about two
	// different roots needs one without.
	TestKeys bool
}

// A TEE is a simulated machine with one confidential container group on it, and
// the services around. New makes it, Start starts the services.
type TEE struct {
	opts     Options
	state    *state
	reportID [32]byte
	ark      *x509.Certificate
	vcekKey  *ecdsa.PrivateKey

	mu      sync.Mutex
	maaKey  *rsa.PrivateKey
	faults  Faults
	running *services
}

// New makes a TEE, or loads the one in opts.Dir. Without TestKeys and without
// state it generates two RSA keys of 4096 bits, which takes about two seconds.
func New(opts Options) (*TEE, error) {
	if opts.Now == nil {
		opts.Now = time.Now
	}
	if opts.TokenLifetime == 0 {
		opts.TokenLifetime = DefaultTokenLifetime
	}
	if opts.CCEPolicy == nil {
		opts.CCEPolicy = defaultCCEPolicy()
	}
	st, err := openState(opts)
	if err != nil {
		return nil, fmt.Errorf("simulated TEE: %w", err)
	}
	t := &TEE{opts: opts, state: st}
	var err1, err2, err3 error
	t.ark, err1 = parseCertificate(st.ARK)
	t.vcekKey, err2 = decodeKey[*ecdsa.PrivateKey](st.VCEKKey)
	t.maaKey, err3 = decodeKey[*rsa.PrivateKey](st.MAAKey)
	_, err = rand.Read(t.reportID[:])
	if err := errors.Join(err, err1, err2, err3); err != nil {
		return nil, fmt.Errorf("simulated TEE: %w", err)
	}
	return t, nil
}

func defaultCCEPolicy() []byte {
	return []byte(`package policy

# ` + Organization + `
# ` + Marker + `
# No container is confined by this text.

api_version := "0.10.0"
framework_version := "0.2.3"
allow_properties_access := false
containers := []
`)
}

// Product returns the simulated product line.
func (t *TEE) Product() snp.Product { return t.state.Product }

// ARK returns the simulated root certificate, the trust anchor of the machine.
func (t *TEE) ARK() *x509.Certificate { return t.ark }

// VCEKChain returns VCEK, ASK and ARK as PEM.
func (t *TEE) VCEKChain() []byte { return []byte(t.state.VCEK + t.state.ASK + t.state.ARK) }

// UVM returns the endorsement of the simulated utility VM, a COSE_Sign1.
func (t *TEE) UVM() []byte { return t.state.UVM }

// UVMDID returns the did:x509 of the endorsement's signer.
func (t *TEE) UVMDID() string { return t.state.UVMDID }

// CCEPolicy returns the text of the container group's policy.
func (t *TEE) CCEPolicy() []byte { return t.opts.CCEPolicy }

// HostData returns SHA-256(CCEPolicy).
func (t *TEE) HostData() [32]byte { return sha256.Sum256(t.opts.CCEPolicy) }

// Measurement returns the launch measurement of the simulated utility VM.
func (t *TEE) Measurement() [48]byte {
	return sha512.Sum384([]byte("veriproof-notary/simulated-uvm/v1"))
}

// MAAHTTPClient returns a client that trusts the TLS certificate of the
// simulated attestation service and no other.
func (t *TEE) MAAHTTPClient() *http.Client { return httpClient(t.state.TLSCert) }

// MAACertificate returns that TLS certificate as PEM.
func (t *TEE) MAACertificate() []byte { return []byte(t.state.TLSCert) }
