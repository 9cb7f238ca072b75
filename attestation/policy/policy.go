// Package policy is a relying party's Reference Values for a notary (RFC 9334
// section 2.3), written as one YAML file: which hardware, which utility VM, which
// containers, which plugins and which configuration are acceptable, and whose
// signatures count. Package attestation compares Evidence with it.
//
// # Strictness
//
// A policy that says less than its author believes is worse than none, so Parse
// refuses what another reader would let pass: unknown keys (with the line and the
// key that was probably meant), repeated keys, keys without a value or with an
// empty one, empty lists, anchors and aliases, tags, a second document, numbers that are
// not decimal and truths that are not true or false. It also demands what a verdict cannot
// do without: at least one host_data, product line and UVM minimum SVN. Any
// confidential container can get a genuine report and token over invented runtime
// data; host_data alone says that it was this notary.
//
// In the values of a parsed Policy nil means that the file does not mention the
// key, and that the relying party accepts anything there.
//
// A demand that only one verification path can check is refused if that path is
// not required, so that none goes unchecked.
//
// # First policy
//
// FromEvidence makes a policy of what a notary showed, Policy.YAML writes one with
// a comment at each key, and Policy.Explain says in sentences what one demands and
// what it leaves open.
//
// # Simulated hardware
//
// A policy with a section "simulated" trusts the keys of a simulator and nothing
// else. Anchors refuses it unless the caller allows simulation explicitly; the
// release build of the notary never does.
//
// A Policy is not changed after Parse and may be used concurrently. The package
// opens no socket and no file and builds for js/wasm.
package policy

import (
	"fmt"
	"slices"
	"time"

	"github.com/veriproof/notary/attestation/runtimedata"
	"github.com/veriproof/notary/attestation/snp"
)

const (
	// Format is the only value of the key "format".
	Format = "1"
	// MaxSize bounds a policy file in bytes. A key set with MAA's own Evidence
	// in it has 100 KB.
	MaxSize = 2 << 20
)

// Policy is a parsed policy file.
type Policy struct {
	// Format is "1".
	Format string `yaml:"format"`
	// Issuers are the acceptable MAA instances. Without any the MAA path is not
	// taken.
	Issuers []Issuer `yaml:"issuers,omitempty"`
	// Require names the verification paths that must pass: PathMAA,
	// PathHardware. Parse fills in the default: the hardware path, and the MAA
	// path if there are issuers.
	Require []string `yaml:"require,omitempty"`
	// Products are the acceptable product lines. Milan reports can be forged
	// in software (arXiv 2605.12990); Warnings says so.
	Products []snp.Product `yaml:"products"`
	// MinimumTCB is the least TCB per product line, for the reported, the
	// committed and the launch TCB alike. If given, it has every product line.
	// The MAA path compares the reported TCB without its FMC, for a token tells
	// no more; a least FMC needs the hardware path.
	MinimumTCB map[snp.Product]TCB `yaml:"minimum_tcb,omitempty"`
	// HostData are the acceptable HOST_DATA values. On ACI that is SHA-256 of
	// the CCE policy, which pins the layers of every container image.
	HostData []Digest `yaml:"host_data"`
	// ChipIDs are the acceptable chips.
	ChipIDs []ChipID `yaml:"chip_ids,omitempty"`
	// Platform and GuestPolicy are demands on single bits of the report.
	Platform    *Platform    `yaml:"platform,omitempty"`
	GuestPolicy *GuestPolicy `yaml:"guest_policy,omitempty"`
	// CommittedFirmware refuses provisional firmware, which the host could roll
	// back. Off by default: much genuine hardware at Azure runs such firmware.
	CommittedFirmware bool `yaml:"committed_firmware,omitempty"`
	// Revocation says how AMD's revocation lists count; nil looks only at lists
	// that the verifier is given.
	Revocation *Revocation `yaml:"revocation,omitempty"`
	// UVM says which utility VMs are acceptable.
	UVM UVM `yaml:"uvm"`
	// PluginSet are the acceptable digests of the whole plugin set.
	PluginSet []Digest `yaml:"plugin_set,omitempty"`
	// Plugins are rules per plugin name. If PluginSet is nil, a plugin without a
	// rule is refused; else the set's digest already stands for it.
	Plugins map[string]Plugin `yaml:"plugins,omitempty"`
	// Config are the acceptable digests of the notary's configuration.
	Config []Digest `yaml:"config,omitempty"`
	// Recipients are the acceptable digests of the recipients' public keys.
	Recipients []Digest `yaml:"recipients,omitempty"`
	// Mode is the demanded mode: "enforce", also by default, "shadow" or "none".
	// No other is accepted than the one that is demanded.
	Mode string `yaml:"mode,omitempty"`
	// Versions are the acceptable versions of the notary.
	Versions []string `yaml:"versions,omitempty"`
	// MaxAge is how old a token may be, by its own time of issue. It dates the
	// token and not the report: MAA makes fresh tokens from old reports. 0 means
	// that the file has no such key and only the token's expiry counts; Parse
	// refuses a written 0. It needs the MAA path.
	MaxAge time.Duration `yaml:"max_age,omitempty"`
	// Log says which transparency logs may have the notary's commitments.
	Log *Log `yaml:"log,omitempty"`
	// Simulated, if not nil, replaces every hardware and service anchor.
	Simulated *Simulated `yaml:"simulated,omitempty"`
}

// The verification paths.
const (
	PathMAA      = "maa"      // the token of Microsoft Azure Attestation
	PathHardware = "hardware" // AMD's chain, the UVM endorsement and the CCE policy
)

// AnyPolicyHash is the policy_hash that accepts every attestation policy of an
// instance.
const AnyPolicyHash = "any"

// Issuer is one acceptable MAA instance.
type Issuer struct {
	// Issuer is the exact iss claim, for instance
	// "https://contoso.weu.attest.azure.net".
	Issuer string `yaml:"issuer"`
	// PolicyHash is the exact x-ms-policy-hash claim: base64url of the SHA-256
	// of the instance's attestation policy, or AnyPolicyHash. Whoever controls
	// the instance controls its policy. Parse demands it if the MAA path is
	// required.
	PolicyHash string `yaml:"policy_hash,omitempty"`
	// JWKS is the instance's key set (RFC 7517) as JSON text, pinned here for
	// verification without a network. Empty means that the verifier is given one.
	JWKS string `yaml:"jwks,omitempty"`
}

// TCB is the least acceptable security version numbers. A part that is not
// mentioned is 0.
type TCB struct {
	FMC        uint8 `yaml:"fmc,omitempty"` // Turin only
	Bootloader uint8 `yaml:"bootloader"`
	TEE        uint8 `yaml:"tee"`
	SNP        uint8 `yaml:"snp"`
	Microcode  uint8 `yaml:"microcode"`
}

// Parts returns t as package snp compares it.
func (t TCB) Parts() snp.TCB {
	return snp.TCB{FMC: t.FMC, Bootloader: t.Bootloader, TEE: t.TEE, SNP: t.SNP, Microcode: t.Microcode}
}

// UVM says which utility VMs are acceptable.
type UVM struct {
	// Issuer is the did:x509 of the signer; by default Microsoft's.
	Issuer string `yaml:"issuer,omitempty"`
	// Feed is the line of UVMs; by default "ContainerPlat-AMD-UVM".
	Feed string `yaml:"feed,omitempty"`
	// MinSVN is the least security version number. It is the only thing that
	// retires an old UVM, for endorsements do not expire.
	MinSVN uint64 `yaml:"min_svn"`
}

// Plugin is a rule about the plugin of one name.
type Plugin struct {
	// Wasm are the acceptable SHA-256 digests of the module.
	Wasm []Digest `yaml:"wasm,omitempty"`
	// Config are the acceptable SHA-256 digests of its configuration.
	Config []Digest `yaml:"config,omitempty"`
	// Required: the plugin must be in the set. Without it the rule holds only
	// if the plugin is there.
	Required bool `yaml:"required,omitempty"`
	// Forbidden: the plugin must not be in the set.
	Forbidden bool `yaml:"forbidden,omitempty"`
}

// Log pins the transparency log.
type Log struct {
	// Origin is the first line of the log's checkpoints (C2SP tlog-checkpoint).
	Origin string `yaml:"origin"`
	// Keys are the log's verifier keys (C2SP signed-note, "vkey").
	Keys []string `yaml:"keys"`
	// Witnesses are the verifier keys of those whose cosignatures count (C2SP
	// tlog-cosignature, Ed25519), and Quorum is how many of them must have
	// cosigned the tree that a proof is about. Neither or both are given.
	Witnesses []string `yaml:"witnesses,omitempty"`
	Quorum    int      `yaml:"quorum,omitempty"`
	// CosignedWithin, if not 0, has a cosignature count only if the witness made it
	// within so long of the time of sealing that the receipt states, before or after:
	// witnesses then date a receipt, which otherwise has its host's word alone.
	CosignedWithin time.Duration `yaml:"cosigned_within,omitempty"`
}

// Simulated holds the keys of simulated hardware and a simulated MAA. What they
// sign says nothing about any real machine.
type Simulated struct {
	// ARK is the simulator's AMD root certificate in PEM.
	ARK string `yaml:"ark_pem"`
	// UVMDID is the did:x509 of its UVM signer.
	UVMDID string `yaml:"uvm_did"`
	// Issuer and JWKS are those of its MAA. PolicyHash may be left out, and so may
	// JWKS, if the verifier is given the keys.
	Issuer     string `yaml:"issuer"`
	PolicyHash string `yaml:"policy_hash,omitempty"`
	JWKS       string `yaml:"jwks,omitempty"`
}

// Warnings says what a careful relying party would want to know about the
// policy, in complete sentences, one line for each thing.
func (p *Policy) Warnings() []string {
	var w []string
	for _, line := range p.Products {
		if line == snp.Milan {
			w = append(w, "Product line Milan is accepted: its root seed is public (arXiv 2605.12990), so that software alone can forge its reports. Pin chip_ids or leave it out.")
		}
	}
	if p.Mode == runtimedata.ModeNone {
		w = append(w, "Mode none is demanded: no redactor sees the data, and everything is stored as it was sent.")
	} else {
		w = append(w, p.pluginWarnings()...)
	}
	if p.MinimumTCB == nil {
		w = append(w, "No minimum_tcb is given: firmware with known vulnerabilities is accepted.")
	} else if !slices.Contains(p.Require, PathHardware) {
		w = append(w, "The hardware path is not required: of minimum_tcb only the reported TCB is compared, for a token tells no other.")
	}
	for _, is := range p.Issuers {
		if is.PolicyHash == AnyPolicyHash {
			w = append(w, fmt.Sprintf("Issuer %s is accepted under any policy_hash: whoever controls the instance can make it attest anything.", is.Issuer))
		}
	}
	if p.Simulated != nil {
		w = append(w, "The policy trusts simulated hardware: a verdict says nothing about a real machine.")
	}
	return w
}

// pluginWarnings looks at rules that bind less than one would think. A plugin set
// pinned as a whole stands for everything that they leave open.
func (p *Policy) pluginWarnings() (w []string) {
	switch {
	case p.PluginSet != nil:
		return nil
	case p.Plugins == nil:
		return []string{"Neither plugin_set nor plugins is given: any redaction code is accepted."}
	}
	required := false
	for _, name := range sortedKeys(p.Plugins) {
		rule := p.Plugins[name]
		required = required || rule.Required
		if rule.Required && rule.Config == nil {
			w = append(w, fmt.Sprintf("Plugin %s is required with any configuration: a redactor's says what is redacted, so one that redacts nothing is accepted. Give its config digests or plugin_set.", name))
		}
	}
	if !required {
		w = append(w, "No plugin is required: a notary without a redactor is accepted. Mark one as required or give plugin_set.")
	}
	return w
}
