package simtee

import (
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/veriproof/notary/attestation/snp"
)

const stateFile = "simulated-tee.json"

// state is what makes a TEE the same one after a restart. The keys of ARK, ASK
// and UVM signer are not in it: they sign once and are forgotten.
type state struct {
	Warning string      `json:"warning"`
	Product snp.Product `json:"product"`
	ChipID  []byte      `json:"chip_id"`

	ARK     string `json:"ark"` // certificates and keys in PEM
	ASK     string `json:"ask"`
	VCEK    string `json:"vcek"`
	VCEKKey string `json:"vcek_key"`

	UVM    []byte `json:"uvm"` // COSE_Sign1
	UVMDID string `json:"uvm_did"`

	MAAKey  string `json:"maa_key"`
	TLSCert string `json:"tls_cert"`
	TLSKey  string `json:"tls_key"`

	// Addresses of the services, so that the issuer stays the same; "" before
	// the first start.
	SidecarAddr string `json:"sidecar_addr,omitempty"`
	MAAAddr     string `json:"maa_addr,omitempty"`
}

func openState(opts Options) (*state, error) {
	if opts.Dir == "" {
		return newState(opts)
	}
	b, err := os.ReadFile(filepath.Join(opts.Dir, stateFile))
	if errors.Is(err, fs.ErrNotExist) {
		st, err := newState(opts)
		if err != nil {
			return nil, err
		}
		return st, st.save(opts.Dir)
	}
	if err != nil {
		return nil, err
	}
	st := &state{}
	if err := json.Unmarshal(b, st); err != nil {
		return nil, fmt.Errorf("%s is damaged, remove it to make a new TEE: %w", stateFile, err)
	}
	return st, st.check(opts)
}

// check parses what later calls take for granted.
func (s *state) check(opts Options) error {
	if opts.Product != "" && opts.Product != s.Product {
		return fmt.Errorf("%s is of a %s, not of a %s", stateFile, s.Product, opts.Product)
	}
	for _, text := range []string{s.ARK, s.ASK, s.VCEK, s.TLSCert} {
		if _, err := parseCertificate(text); err != nil {
			return fmt.Errorf("%s is damaged, remove it to make a new TEE: %w", stateFile, err)
		}
	}
	if len(s.ChipID) != 64 {
		return fmt.Errorf("%s is damaged, remove it to make a new TEE: chip id of %d bytes", stateFile, len(s.ChipID))
	}
	return nil
}

// save replaces the file at once, readable by its owner only.
func (s *state) save(dir string) error {
	b, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	f, err := os.CreateTemp(dir, stateFile+".*")
	if err != nil {
		return err
	}
	_, werr := f.Write(append(b, '\n'))
	if err := errors.Join(werr, f.Sync(), f.Close()); err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	return os.Rename(f.Name(), filepath.Join(dir, stateFile))
}

func newState(opts Options) (*state, error) {
	s := &state{Warning: Organization, Product: opts.Product}
	if s.Product == "" {
		s.Product = snp.Genoa
	}
	if _, known := models[s.Product]; !known {
		return nil, fmt.Errorf("unknown product line %q", s.Product)
	}
	generate := func() (*rsaKeys, error) { return newRSAKeys(4096) }
	if opts.TestKeys {
		generate = testKeys
	}
	keys, err := generate()
	if err != nil {
		return nil, err
	}
	now := opts.Now()
	if err := s.makeChip(); err != nil {
		return nil, err
	}
	if err := s.makeChain(keys, now); err != nil {
		return nil, err
	}
	if err := s.endorse(keys.uvm, now); err != nil {
		return nil, err
	}
	if s.MAAKey, err = encodeKey(keys.maa); err != nil {
		return nil, err
	}
	return s, s.makeTLS(now)
}

// makeChip gives the machine an id that begins with the word SIMULATED. Turin's
// ids have eight bytes, the rest of the field is zero.
func (s *state) makeChip() error {
	s.ChipID = make([]byte, 64)
	random := s.ChipID[copy(s.ChipID, "SIMULATED CHIP  "):]
	if s.Product == snp.Turin {
		clear(s.ChipID)
		random = s.ChipID[copy(s.ChipID, "SIM"):8]
	}
	_, err := rand.Read(random)
	return err
}

func (s *state) makeTLS(now time.Time) error {
	key, err := newECKey(elliptic.P256())
	if err != nil {
		return err
	}
	if s.TLSKey, err = encodeKey(key); err != nil {
		return err
	}
	s.TLSCert, err = tlsCertificate(key, now)
	return err
}
