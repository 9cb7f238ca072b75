package policy

import (
	"errors"
	"fmt"
	"slices"

	"github.com/veriproof/notary/attestation/snp"
)

// Demand is what a policy wants of a bit. The empty Demand does not look at it.
type Demand string

// The demands.
const (
	Required  Demand = "required"  // the bit must be one
	Forbidden Demand = "forbidden" // the bit must be zero
)

// Platform says what the platform must have and must not have switched on. For
// each bit only the demand that protects can be written: SMT and trusted I/O can
// be forbidden, the others required; TSME can be either.
type Platform struct {
	SMT              Demand `yaml:"smt,omitempty"`
	TSME             Demand `yaml:"tsme,omitempty"`
	ECC              Demand `yaml:"ecc,omitempty"`
	RAPLDisabled     Demand `yaml:"rapl_disabled,omitempty"`
	CiphertextHiding Demand `yaml:"ciphertext_hiding,omitempty"`
	AliasCheck       Demand `yaml:"alias_check,omitempty"`
	TIO              Demand `yaml:"tio,omitempty"`
}

// GuestPolicy says the same about the policy that the guest was launched with,
// which the hardware enforces. Debugging and migration need not be named: they
// are never accepted.
type GuestPolicy struct {
	SMT              Demand `yaml:"smt,omitempty"`
	CXL              Demand `yaml:"cxl,omitempty"`
	SingleSocket     Demand `yaml:"single_socket,omitempty"`
	MemAES256XTS     Demand `yaml:"mem_aes256_xts,omitempty"`
	RAPLDisabled     Demand `yaml:"rapl_disabled,omitempty"`
	CiphertextHiding Demand `yaml:"ciphertext_hiding,omitempty"`
	PageSwapDisabled Demand `yaml:"page_swap_disabled,omitempty"`
}

// A bit is one line of Platform or GuestPolicy: what is demanded, what may be.
type bit struct {
	key     string
	mask    uint64
	demand  Demand
	allowed []Demand
}

var (
	floor   = []Demand{Required}
	ceiling = []Demand{Forbidden}
	either  = []Demand{Required, Forbidden}
)

func (p *Platform) bits() []bit {
	if p == nil {
		return nil
	}
	return []bit{
		{"platform.smt", uint64(snp.PlatformSMT), p.SMT, ceiling},
		{"platform.tsme", uint64(snp.PlatformTSME), p.TSME, either},
		{"platform.ecc", uint64(snp.PlatformECC), p.ECC, floor},
		{"platform.rapl_disabled", uint64(snp.PlatformRAPLDisabled), p.RAPLDisabled, floor},
		{"platform.ciphertext_hiding", uint64(snp.PlatformCiphertextHiding), p.CiphertextHiding, floor},
		{"platform.alias_check", uint64(snp.PlatformAliasCheck), p.AliasCheck, floor},
		{"platform.tio", uint64(snp.PlatformTIO), p.TIO, ceiling},
	}
}

func (p *GuestPolicy) bits() []bit {
	if p == nil {
		return nil
	}
	return []bit{
		{"guest_policy.smt", uint64(snp.PolicySMT), p.SMT, ceiling},
		{"guest_policy.cxl", uint64(snp.PolicyCXL), p.CXL, ceiling},
		{"guest_policy.single_socket", uint64(snp.PolicySingleSocket), p.SingleSocket, floor},
		{"guest_policy.mem_aes256_xts", uint64(snp.PolicyMemAES256XTS), p.MemAES256XTS, floor},
		{"guest_policy.rapl_disabled", uint64(snp.PolicyRAPLDisabled), p.RAPLDisabled, floor},
		{"guest_policy.ciphertext_hiding", uint64(snp.PolicyCiphertextHiding), p.CiphertextHiding, floor},
		{"guest_policy.page_swap_disabled", uint64(snp.PolicyPageSwapDisabled), p.PageSwapDisabled, floor},
	}
}

// Masks returns the bits that must be one and those that must be zero; none for
// a nil Platform.
func (p *Platform) Masks() (require, forbid snp.PlatformInfo) {
	r, f := masks(p.bits())
	return snp.PlatformInfo(r), snp.PlatformInfo(f)
}

// Masks returns the bits that must be one and those that must be zero; none for
// a nil GuestPolicy.
func (p *GuestPolicy) Masks() (require, forbid snp.GuestPolicy) {
	r, f := masks(p.bits())
	return snp.GuestPolicy(r), snp.GuestPolicy(f)
}

func masks(bits []bit) (require, forbid uint64) {
	for _, b := range bits {
		switch b.demand {
		case Required:
			require |= b.mask
		case Forbidden:
			forbid |= b.mask
		}
	}
	return require, forbid
}

func (p *Policy) checkBits() error {
	for _, b := range slices.Concat(p.Platform.bits(), p.GuestPolicy.bits()) {
		if b.demand != "" && !slices.Contains(b.allowed, b.demand) {
			return fmt.Errorf("%s is %.20q, want %q: the other value weakens the guest", b.key, b.demand, b.allowed)
		}
	}
	return nil
}

// Revocation says how AMD's revocation lists count.
type Revocation struct {
	// Required: without a current list of the chain's ARK, here or given to the
	// verifier, nothing is verified.
	Required bool `yaml:"required,omitempty"`
	// CRLs are lists in PEM ("X509 CRL"), as from KDS under
	// vcek/v1/PRODUCT/crl. They are never fetched, and go stale.
	CRLs []string `yaml:"crls,omitempty"`
}

func (p *Policy) checkRevocation() error {
	if p.Revocation == nil {
		return nil
	}
	if !p.Revocation.Required && p.Revocation.CRLs == nil {
		return errors.New("revocation demands nothing: give crls or required: true, or take the key out")
	}
	for i, text := range p.Revocation.CRLs {
		if _, err := snp.ParseCRL([]byte(text)); err != nil {
			return fmt.Errorf("revocation.crls[%d]: %w", i, err)
		}
	}
	return nil
}

// checkPaths refuses what only a path can look at that the policy does not
// require: it would be a demand that nobody checks.
func (p *Policy) checkPaths() error {
	fmc := p.MinimumTCB[snp.Turin].FMC != 0
	for _, d := range []struct {
		key, path, why string
		given          bool
	}{
		{"max_age", PathMAA, "a report has no date, only a token has", p.MaxAge != 0},
		{"minimum_tcb.fmc", PathHardware, "a token does not tell it", fmc},
		{"platform", PathHardware, "a token does not tell it", p.Platform != nil},
		{"guest_policy", PathHardware, "older tokens do not tell it", p.GuestPolicy != nil},
		{"committed_firmware", PathHardware, "a token does not tell it", p.CommittedFirmware},
		{"revocation", PathHardware, "MAA's word is taken for AMD's chain", p.Revocation != nil},
	} {
		if d.given && !slices.Contains(p.Require, d.path) {
			return fmt.Errorf("%s is given, but require does not name the %s path, the only one on which it can be checked: %s", d.key, d.path, d.why)
		}
	}
	return nil
}
