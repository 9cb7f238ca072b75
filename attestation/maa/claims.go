package maa

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"time"
)

// Values of claims with a fixed meaning.
const (
	// AttestationTypeSNP is x-ms-attestation-type of an SEV-SNP token.
	AttestationTypeSNP = "sevsnpvm"
	// CompliantUVM is x-ms-compliance-status of a confidential container on
	// ACI whose utility VM Microsoft endorsed.
	CompliantUVM = "azure-compliant-uvm"
	// DefaultPolicyHash is x-ms-policy-hash of the default SevSnpVm policy on
	// the shared providers.
	DefaultPolicyHash = "9NY0VnTQ-IiBriBplVUpFbczcDaEBUwsiFYAzHu_gco"
	// SimulatedClaim is the top-level claim, true in every token of a
	// simulated MAA and absent from every real one.
	SimulatedClaim = "x-ms-simulated"
)

// Claims are the verified claims of one SEV-SNP token under their own types.
// Digests are bytes, big-endian as in the report; times are whole seconds, UTC.
type Claims struct {
	KeyID     string // kid of the header
	Issuer    string // iss: "https://" and the instance's host
	ID        string // jti
	IssuedAt  time.Time
	NotBefore time.Time
	Expiry    time.Time

	// ComplianceStatus is [CompliantUVM] when MAA verified a UVM endorsement,
	// and empty when the claim is absent.
	ComplianceStatus string
	PolicyHash       string // x-ms-policy-hash: base64url, of the provider's policy
	Nonce            string // nonce of the request, echoed: says nothing about the hardware; may be empty

	// RuntimeRaw is x-ms-runtime, compact with members sorted bytewise at
	// every level and its values as delivered: the bytes whose SHA-256 is
	// ReportData[0:32] if they were submitted in that form. Nil when the claim
	// is absent.
	RuntimeRaw []byte

	ReportData        [64]byte
	HostData          [32]byte
	LaunchMeasurement [48]byte
	ReportID          [32]byte
	IDKeyDigest       [48]byte
	AuthorKeyDigest   [48]byte
	FamilyID          [16]byte
	ImageID           [16]byte
	ChipID            []byte // 64 bytes, or nil: older tokens do not tell it
	ChipFamily        string // "Milan", "Genoa", …; empty in older tokens

	Bootloader, TEE, SNP, Microcode uint8 // security version numbers of the reported TCB

	GuestSVN         uint32
	VMPL             uint32
	Debuggable       bool
	MigrationAllowed bool
	SMTAllowed       bool

	// UVM is the utility VM endorsement that MAA verified, nil when absent.
	UVM *UVMEndorsement

	// Simulated is true for a token of a simulated MAA: the claim
	// [SimulatedClaim] is present in any form but false.
	Simulated bool
}

// A UVMEndorsement is what MAA says about the utility VM's signed endorsement.
type UVMEndorsement struct {
	Feed              string   // "ContainerPlat-AMD-UVM"
	Issuer            string   // did:x509 of the signer
	SVN               uint64   // security version of the utility VM
	LaunchMeasurement [48]byte // the endorsed launch measurement
}

const snpPrefix = "x-ms-sevsnpvm-"

// parseClaims types the payload of a token. It decides shape only: a claim that
// MAA always sends must be there, so that its absence is never read as zero or
// false.
func parseClaims(o object) (*Claims, error) {
	if _, nested := o["x-ms-isolation-tee"]; nested {
		return nil, fmt.Errorf("%w: has x-ms-isolation-tee: an Azure confidential VM, not a container group", ErrNotSNP)
	}
	if t := o["x-ms-attestation-type"]; t != AttestationTypeSNP {
		return nil, fmt.Errorf("%w: x-ms-attestation-type is %s, want %q", ErrNotSNP, shown(t), AttestationTypeSNP)
	}
	r := &reader{o: o}
	c := &Claims{}
	r.registered(c)
	r.guest(c)
	r.digests(c)
	r.uvm(c)
	r.runtime(c)
	if r.err != nil {
		return nil, fmt.Errorf("%w: %w", ErrClaims, r.err)
	}
	return c, nil
}

// A reader takes typed members out of an object and keeps the first error.
type reader struct {
	o   object
	err error
}

func (r *reader) fail(name, want string) {
	if r.err == nil {
		r.err = fmt.Errorf("%s: want %s, got %s", name, want, shown(r.o[name]))
	}
}

func (r *reader) registered(c *Claims) {
	c.Issuer = r.text("iss", true)
	c.ID = r.text("jti", false)
	c.Expiry = r.time("exp", true)
	c.NotBefore = r.time("nbf", true)
	c.IssuedAt = r.time("iat", false)
	c.Nonce = r.text("nonce", false)
	if v := r.o["x-ms-ver"]; v != "1.0" {
		r.fail("x-ms-ver", `"1.0"`)
	}
	c.ComplianceStatus = r.text("x-ms-compliance-status", false)
	c.PolicyHash = r.text("x-ms-policy-hash", false)
	if v, has := r.o[SimulatedClaim]; has {
		c.Simulated = v != false
	}
}

func (r *reader) guest(c *Claims) {
	c.Bootloader = uint8(r.uint(snpPrefix+"bootloader-svn", math.MaxUint8))
	c.TEE = uint8(r.uint(snpPrefix+"tee-svn", math.MaxUint8))
	c.SNP = uint8(r.uint(snpPrefix+"snpfw-svn", math.MaxUint8))
	c.Microcode = uint8(r.uint(snpPrefix+"microcode-svn", math.MaxUint8))
	c.GuestSVN = uint32(r.uint(snpPrefix+"guestsvn", math.MaxUint32))
	c.VMPL = uint32(r.uint(snpPrefix+"vmpl", math.MaxUint32))
	c.Debuggable = r.flag(snpPrefix + "is-debuggable")
	c.MigrationAllowed = r.flag(snpPrefix + "migration-allowed")
	c.SMTAllowed = r.flag(snpPrefix + "smt-allowed")
	c.ChipFamily = r.text(snpPrefix+"chip-family", false)
}

func (r *reader) digests(c *Claims) {
	r.hex(snpPrefix+"reportdata", c.ReportData[:])
	r.hex(snpPrefix+"hostdata", c.HostData[:])
	r.hex(snpPrefix+"launchmeasurement", c.LaunchMeasurement[:])
	r.hex(snpPrefix+"reportid", c.ReportID[:])
	r.hex(snpPrefix+"idkeydigest", c.IDKeyDigest[:])
	r.hex(snpPrefix+"authorkeydigest", c.AuthorKeyDigest[:])
	r.hex(snpPrefix+"familyId", c.FamilyID[:])
	r.hex(snpPrefix+"imageId", c.ImageID[:])
	if _, has := r.o[snpPrefix+"chipid"]; has {
		c.ChipID = make([]byte, 64)
		r.hex(snpPrefix+"chipid", c.ChipID)
	}
}

// uvm reads the endorsement and its headers, which come together or not at all.
func (r *reader) uvm(c *Claims) {
	body, hasBody := r.sub(snpPrefix + "uvm-endorsement")
	head, hasHead := r.sub(snpPrefix + "uvm-endorsement-headers")
	if !hasBody && !hasHead {
		return
	}
	e := &UVMEndorsement{
		Feed:   head.text("feed", true),
		Issuer: head.text("iss", true),
		SVN:    body.endorsedSVN(),
	}
	body.hex(snpPrefix+"launchmeasurement", e.LaunchMeasurement[:])
	for _, err := range []error{body.err, head.err} {
		if r.err == nil && err != nil {
			r.err = fmt.Errorf("uvm endorsement: %w", err)
		}
	}
	c.UVM = e
}

// endorsedSVN reads the endorsement's SVN, a string in all tokens and a number
// as well in newer ones. The two must agree.
func (r *reader) endorsedSVN() uint64 {
	const name = snpPrefix + "guestsvn"
	_, hasInt := r.o[name+"-int"]
	_, hasText := r.o[name]
	var number, text uint64
	if hasInt {
		number = r.uint(name+"-int", math.MaxUint32)
	}
	if hasText || !hasInt {
		s, _ := r.o[name].(string)
		n, err := strconv.ParseUint(s, 10, 32)
		if err != nil || strconv.FormatUint(n, 10) != s {
			r.fail(name, "a decimal string")
		}
		text = n
	}
	if hasInt && hasText && number != text {
		r.fail(name, "the number of "+name+"-int")
	}
	return max(number, text)
}

func (r *reader) runtime(c *Claims) {
	v, has := r.o["x-ms-runtime"]
	if !has {
		return
	}
	if _, ok := v.(object); !ok {
		r.fail("x-ms-runtime", "an object")
		return
	}
	b, err := compactSorted(v)
	if err != nil && r.err == nil {
		r.err = fmt.Errorf("x-ms-runtime: %w", err)
	}
	c.RuntimeRaw = b
}

// sub enters a member that is an object. The reader is usable in any case.
func (r *reader) sub(name string) (*reader, bool) {
	v, has := r.o[name]
	o, ok := v.(object)
	if has && !ok {
		r.fail(name, "an object")
	}
	return &reader{o: o}, has
}

func (r *reader) text(name string, required bool) string {
	v, has := r.o[name]
	s, ok := v.(string)
	if has && !ok || required && s == "" {
		r.fail(name, "a string")
	}
	return s
}

// uint reads a plain decimal integer: no sign, fraction or exponent.
func (r *reader) uint(name string, limit uint64) uint64 {
	n, ok := r.o[name].(json.Number)
	v, err := strconv.ParseUint(string(n), 10, 64)
	if !ok || err != nil || v > limit {
		r.fail(name, fmt.Sprintf("an integer from 0 to %d", limit))
		return 0
	}
	return v
}

// maxTime keeps seconds far inside what time.Time and JSON writers can hold
// (the year 9999).
const maxTime = 253402300799

func (r *reader) time(name string, required bool) time.Time {
	if _, has := r.o[name]; !has && !required {
		return time.Time{}
	}
	return time.Unix(int64(r.uint(name, maxTime)), 0).UTC()
}

func (r *reader) flag(name string) bool {
	b, ok := r.o[name].(bool)
	if !ok {
		r.fail(name, "true or false")
	}
	return b
}

// hex fills dst from lower-case hex of exactly its length.
func (r *reader) hex(name string, dst []byte) {
	s, _ := r.o[name].(string)
	b, err := hex.DecodeString(s)
	if err != nil || len(b) != len(dst) || hex.EncodeToString(b) != s {
		r.fail(name, fmt.Sprintf("lower-case hex of %d bytes", len(dst)))
		return
	}
	copy(dst, b)
}
