package snp

import (
	"encoding/binary"
	"fmt"
)

const (
	// ReportSize is the size of an attestation report in bytes.
	ReportSize = 1184
	// SignedSize is how many of them, from the start, the signature covers.
	SignedSize = 0x2A0

	componentSize = 72 // bytes of R and of S in the signature
	algoECDSAP384 = 1
)

// A Report is an attestation report as the AMD secure processor signed it (SEV-SNP
// ABI specification, table ATTESTATION_REPORT). Numbers on the wire are little
// endian. A Report says nothing until Verify has said that it is true.
type Report struct {
	Version  uint32 // 2, 3 or 5
	GuestSVN uint32
	Policy   GuestPolicy
	FamilyID [16]byte
	ImageID  [16]byte
	// VMPL is the privilege level that asked for the report, 0 the highest;
	// 0xFFFFFFFF if the host asked for it.
	VMPL            uint32
	SignatureAlgo   uint32 // 1 is ECDSA P-384 with SHA-384
	CurrentTCB      TCBVersion
	PlatformInfo    PlatformInfo
	SignerInfo      SignerInfo
	ReportData      [64]byte // what the guest asked to be attested
	Measurement     [48]byte // of the guest's initial memory
	HostData        [32]byte // what the host set at launch; on ACI SHA-256 of the CCE policy
	IDKeyDigest     [48]byte
	AuthorKeyDigest [48]byte
	ReportID        [32]byte
	ReportIDMA      [32]byte // of the migration agent; all ones if none
	ReportedTCB     TCBVersion
	// Family, Model and Stepping of the CPU (CPUID leaf 1, with the extended
	// parts added). Zero in version 2.
	Family, Model, Stepping uint8
	ChipID                  [64]byte // zero if the platform masks it
	CommittedTCB            TCBVersion
	Current, Committed      Firmware
	LaunchTCB               TCBVersion
	// LaunchMitigations and CurrentMitigations are bit vectors; zero before
	// version 5.
	LaunchMitigations, CurrentMitigations uint64
	// R and S are the signature, little endian, zero-extended to 72 bytes.
	R, S [componentSize]byte
	// Raw is the report itself, ReportSize bytes.
	Raw []byte
}

// Firmware is the version of the secure processor's firmware.
type Firmware struct{ Major, Minor, Build uint8 }

// Provisional reports whether the platform runs firmware that it has not
// committed to: the host can go back to an older one without a reset of trust.
func (r *Report) Provisional() bool {
	return r.CurrentTCB != r.CommittedTCB || r.Current != r.Committed
}

func (f Firmware) String() string { return fmt.Sprintf("%d.%d.%d", f.Major, f.Minor, f.Build) }

// Parse decodes a report of version 2, 3 or 5. It refuses another size, another
// version (VersionError; 1 is what Azure's sidecar invents outside of an SNP
// machine), an all-zero signature (ErrNoSignature) and reserved bytes that are
// not zero (ErrFormat): what this package does not understand it must not
// vouch for. Parse copies b.
func Parse(b []byte) (*Report, error) {
	if len(b) != ReportSize {
		return nil, fmt.Errorf("%w: %d bytes, want %d", ErrFormat, len(b), ReportSize)
	}
	raw := append([]byte(nil), b...)
	r := &Report{Raw: raw, Version: binary.LittleEndian.Uint32(raw)}
	if r.Version != 2 && r.Version != 3 && r.Version != 5 {
		return nil, &VersionError{Version: r.Version}
	}
	if allZero(raw[SignedSize:]) {
		return nil, ErrNoSignature
	}
	if err := checkReserved(r.Version, raw); err != nil {
		return nil, err
	}
	r.decodeIdentity()
	r.decodePlatform()
	return r, nil
}

// decodeIdentity reads the part in front of REPORTED_TCB, the same in all versions.
func (r *Report) decodeIdentity() {
	b := r.Raw
	r.GuestSVN = binary.LittleEndian.Uint32(b[0x004:])
	r.Policy = GuestPolicy(binary.LittleEndian.Uint64(b[0x008:]))
	copy(r.FamilyID[:], b[0x010:])
	copy(r.ImageID[:], b[0x020:])
	r.VMPL = binary.LittleEndian.Uint32(b[0x030:])
	r.SignatureAlgo = binary.LittleEndian.Uint32(b[0x034:])
	r.CurrentTCB = tcbAt(b, 0x038)
	r.PlatformInfo = PlatformInfo(binary.LittleEndian.Uint64(b[0x040:]))
	r.SignerInfo = SignerInfo(binary.LittleEndian.Uint32(b[0x048:]))
	copy(r.ReportData[:], b[0x050:])
	copy(r.Measurement[:], b[0x090:])
	copy(r.HostData[:], b[0x0C0:])
	copy(r.IDKeyDigest[:], b[0x0E0:])
	copy(r.AuthorKeyDigest[:], b[0x110:])
	copy(r.ReportID[:], b[0x140:])
	copy(r.ReportIDMA[:], b[0x160:])
}

// decodePlatform reads the rest. Bytes that a version does not define are zero
// by checkReserved, so they decode to zero.
func (r *Report) decodePlatform() {
	b := r.Raw
	r.ReportedTCB = tcbAt(b, 0x180)
	r.Family, r.Model, r.Stepping = b[0x188], b[0x189], b[0x18A]
	copy(r.ChipID[:], b[0x1A0:])
	r.CommittedTCB = tcbAt(b, 0x1E0)
	r.Current = Firmware{Build: b[0x1E8], Minor: b[0x1E9], Major: b[0x1EA]}
	r.Committed = Firmware{Build: b[0x1EC], Minor: b[0x1ED], Major: b[0x1EE]}
	r.LaunchTCB = tcbAt(b, 0x1F0)
	r.LaunchMitigations = binary.LittleEndian.Uint64(b[0x1F8:])
	r.CurrentMitigations = binary.LittleEndian.Uint64(b[0x200:])
	copy(r.R[:], b[SignedSize:])
	copy(r.S[:], b[SignedSize+componentSize:])
}

func tcbAt(b []byte, off int) TCBVersion {
	return TCBVersion(binary.LittleEndian.Uint64(b[off:]))
}

// checkReserved demands zero where the specification of the version does.
func checkReserved(version uint32, b []byte) error {
	ranges := [][2]int{{0x04C, 0x050}, {0x18B, 0x1A0}, {0x1EB, 0x1EC}, {0x1EF, 0x1F0}, {0x208, SignedSize}, {SignedSize + 2*componentSize, ReportSize}}
	if version < 3 {
		ranges = append(ranges, [2]int{0x188, 0x18B})
	}
	if version < 5 {
		ranges = append(ranges, [2]int{0x1F8, 0x208})
	}
	for _, r := range ranges {
		if !allZero(b[r[0]:r[1]]) {
			return fmt.Errorf("%w: reserved bytes 0x%x to 0x%x of a version %d report are not zero", ErrFormat, r[0], r[1]-1, version)
		}
	}
	return nil
}

func allZero(b []byte) bool {
	for _, c := range b {
		if c != 0 {
			return false
		}
	}
	return true
}

// SigningKey is the kind of key that signed a report.
type SigningKey uint8

// The signing keys of the ABI specification. This package verifies VCEK only:
// a VLEK is not bound to one chip.
const (
	KeyVCEK SigningKey = 0
	KeyVLEK SigningKey = 1
	KeyNone SigningKey = 7
)

func (k SigningKey) String() string {
	switch k {
	case KeyVCEK:
		return "VCEK"
	case KeyVLEK:
		return "VLEK"
	case KeyNone:
		return "none"
	}
	return fmt.Sprintf("unknown key %d", uint8(k))
}

// SignerInfo says which key signed the report.
type SignerInfo uint32

// AuthorKey reports whether AUTHOR_KEY_DIGEST has a value.
func (s SignerInfo) AuthorKey() bool { return s&1 == 1 }

// MaskChipKey reports whether the platform withholds the chip id.
func (s SignerInfo) MaskChipKey() bool { return s>>1&1 == 1 }

// Key is the kind of the signing key.
func (s SignerInfo) Key() SigningKey { return SigningKey(s >> 2 & 7) }
