package snp

import (
	"fmt"
	"strings"
)

// GuestPolicy is the policy that the guest was launched with. The hardware
// enforces it for the guest's whole life.
type GuestPolicy uint64

// The bits of a guest policy that a relying party may have an opinion on. Of
// SMT and CXL the safe value is 0, of the others 1: AES-256-XTS, for instance, is
// demanded of the platform if the bit is one, and left to it if not.
const (
	PolicySMT              GuestPolicy = 1 << 16
	PolicyMigrateMA        GuestPolicy = 1 << 18
	PolicyDebug            GuestPolicy = 1 << 19
	PolicySingleSocket     GuestPolicy = 1 << 20
	PolicyCXL              GuestPolicy = 1 << 21
	PolicyMemAES256XTS     GuestPolicy = 1 << 22
	PolicyRAPLDisabled     GuestPolicy = 1 << 23
	PolicyCiphertextHiding GuestPolicy = 1 << 24
	PolicyPageSwapDisabled GuestPolicy = 1 << 25
)

// knownPolicyBits are those that the ABI specification defines.
const knownPolicyBits = 1<<26 - 1

// ABIMajor and ABIMinor are the least firmware ABI the guest runs on.
func (p GuestPolicy) ABIMajor() uint8 { return uint8(p >> 8) }

// ABIMinor is described at ABIMajor.
func (p GuestPolicy) ABIMinor() uint8 { return uint8(p) }

// SMT reports whether simultaneous multithreading is allowed.
func (p GuestPolicy) SMT() bool { return p&PolicySMT != 0 }

// MigrateMA reports whether a migration agent may be associated: such an agent
// can export the guest's memory.
func (p GuestPolicy) MigrateMA() bool { return p&PolicyMigrateMA != 0 }

// Debug reports whether the host may decrypt and change the guest's memory.
func (p GuestPolicy) Debug() bool { return p&PolicyDebug != 0 }

// SingleSocket reports whether the guest runs on one socket only.
func (p GuestPolicy) SingleSocket() bool { return p&PolicySingleSocket != 0 }

// CXL reports whether CXL devices and memory are allowed.
func (p GuestPolicy) CXL() bool { return p&PolicyCXL != 0 }

// MemAES256XTS reports whether memory encryption with AES-256-XTS is demanded.
func (p GuestPolicy) MemAES256XTS() bool { return p&PolicyMemAES256XTS != 0 }

// RAPLDisabled reports whether running average power limit must be disabled.
func (p GuestPolicy) RAPLDisabled() bool { return p&PolicyRAPLDisabled != 0 }

// CiphertextHiding reports whether ciphertext hiding is demanded.
func (p GuestPolicy) CiphertextHiding() bool { return p&PolicyCiphertextHiding != 0 }

// PageSwapDisabled reports whether page move, swap in and swap out are off.
func (p GuestPolicy) PageSwapDisabled() bool { return p&PolicyPageSwapDisabled != 0 }

// wellFormed reports whether bit 17 is one, as it must be, and no unknown bit is.
func (p GuestPolicy) wellFormed() bool { return p>>17&1 == 1 && p&^knownPolicyBits == 0 }

// PlatformInfo says what the platform has and has switched on.
type PlatformInfo uint64

// The bits of the platform info. SMT and TIO widen what the guest must trust and
// are ceilings for a relying party; ECC, RAPL disabled, ciphertext hiding and the
// alias check protect and are floors; TSME may be either.
const (
	PlatformSMT              PlatformInfo = 1 << 0
	PlatformTSME             PlatformInfo = 1 << 1
	PlatformECC              PlatformInfo = 1 << 2
	PlatformRAPLDisabled     PlatformInfo = 1 << 3
	PlatformCiphertextHiding PlatformInfo = 1 << 4
	PlatformAliasCheck       PlatformInfo = 1 << 5
	PlatformTIO              PlatformInfo = 1 << 7
)

// SMT reports whether simultaneous multithreading is on.
func (p PlatformInfo) SMT() bool { return p&PlatformSMT != 0 }

// TSME reports whether transparent memory encryption is on.
func (p PlatformInfo) TSME() bool { return p&PlatformTSME != 0 }

// ECC reports whether memory has error correction.
func (p PlatformInfo) ECC() bool { return p&PlatformECC != 0 }

// RAPLDisabled reports whether running average power limit is off.
func (p PlatformInfo) RAPLDisabled() bool { return p&PlatformRAPLDisabled != 0 }

// CiphertextHiding reports whether the host cannot read the guest's ciphertext.
func (p PlatformInfo) CiphertextHiding() bool { return p&PlatformCiphertextHiding != 0 }

// AliasCheck reports whether the memory was checked for address aliases since
// the last reset (CVE-2024-21944, "BadRAM").
func (p PlatformInfo) AliasCheck() bool { return p&PlatformAliasCheck != 0 }

// TIO reports whether trusted I/O is on.
func (p PlatformInfo) TIO() bool { return p&PlatformTIO != 0 }

// bitName is a bit with its name in words.
type bitName struct {
	mask uint64
	name string
}

var policyBits = []bitName{
	{uint64(PolicySMT), "SMT"},
	{uint64(PolicyMigrateMA), "migration agent"},
	{uint64(PolicyDebug), "debugging"},
	{uint64(PolicySingleSocket), "single socket"},
	{uint64(PolicyCXL), "CXL"},
	{uint64(PolicyMemAES256XTS), "AES-256-XTS"},
	{uint64(PolicyRAPLDisabled), "RAPL disabled"},
	{uint64(PolicyCiphertextHiding), "ciphertext hiding"},
	{uint64(PolicyPageSwapDisabled), "page swap disabled"},
}

var platformBits = []bitName{
	{uint64(PlatformSMT), "SMT"},
	{uint64(PlatformTSME), "TSME"},
	{uint64(PlatformECC), "ECC"},
	{uint64(PlatformRAPLDisabled), "RAPL disabled"},
	{uint64(PlatformCiphertextHiding), "ciphertext hiding"},
	{uint64(PlatformAliasCheck), "alias check"},
	{uint64(PlatformTIO), "trusted I/O"},
}

// bitFault says in words which bits are not as demanded.
func bitFault(table []bitName, missing, excess uint64) string {
	var b strings.Builder
	if missing != 0 {
		fmt.Fprintf(&b, " lacks %s", names(table, missing))
	}
	if missing != 0 && excess != 0 {
		b.WriteString(" and")
	}
	if excess != 0 {
		fmt.Fprintf(&b, " has %s, which is forbidden", names(table, excess))
	}
	return b.String()
}

// names lists the bits of a mask, those without a name by their number.
func names(table []bitName, mask uint64) string {
	var list []string
	for i := range 64 {
		bit := mask & (1 << i)
		if bit == 0 {
			continue
		}
		name := fmt.Sprintf("bit %d", i)
		for _, t := range table {
			if t.mask == bit {
				name = t.name
			}
		}
		list = append(list, name)
	}
	return strings.Join(list, ", ")
}

func (p GuestPolicy) String() string {
	return fmt.Sprintf("0x%x, ABI %d.%d: %s", uint64(p), p.ABIMajor(), p.ABIMinor(), orNone(names(policyBits, uint64(p)&^(1<<17|0xffff))))
}

func (p PlatformInfo) String() string {
	return fmt.Sprintf("0x%x: %s", uint64(p), orNone(names(platformBits, uint64(p))))
}

func orNone(s string) string {
	if s == "" {
		return "nothing set"
	}
	return s
}
