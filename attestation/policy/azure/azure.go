// Package azure writes a relying party's policy in the two languages of Azure: as the
// attestation policy of an instance of Microsoft Azure Attestation (MAA), which then gives
// no token to a notary without an accepted plugin set, and as a Key Vault release policy,
// with which a key is released to nobody else.
//
// Neither says all that a policy can. What they leave out is told in words; a relying
// party that verifies tokens and Evidence itself (package attestation) leaves nothing out.
//
// # What is certain and what is not
//
// The texts keep to the grammars as they are documented: policy version 1.2 of MAA, and of
// a release policy only flat lists of "equals", since the documentation promises neither
// nesting nor other operators. Tests read both with parsers of these grammars, and evaluate
// them against tokens of the simulated MAA. They have not met the services themselves.
// Under which name MAA shows runtime data to its policies is not documented; the text takes
// that of the token, x-ms-runtime.
//
// The package opens no socket and no file and builds for js/wasm.
package azure

import (
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/veriproof/notary/attestation/policy"
)

// ErrNoPlugins says that a policy demands no plugin: what Azure would be asked for is then
// any redaction code.
var ErrNoPlugins = errors.New("the policy requires no plugin: give plugin_set, or mark a plugin as required")

// A Text is a policy for a service of Azure.
type Text struct {
	// Text is the policy, to be given to the service as it is.
	Text []byte
	// Omitted says, in sentences, what of the relying party's policy it does not ask.
	Omitted []string
}

// PolicyHash is the claim x-ms-policy-hash of an instance that has text as its policy and
// was given it unsigned: what a relying party's policy says as policy_hash.
func PolicyHash(text []byte) string {
	b64 := base64.RawURLEncoding.EncodeToString
	sum := sha256.Sum256([]byte(b64(text)))
	return b64(sum[:])
}

// A demand is a claim and the values of it that are accepted.
type demand struct {
	name   string   // for a person and for the claims that a policy makes: "plugin-set"
	claim  string   // of the token, or "" for what is in the runtime data
	path   []string // in the runtime data's object "notary"
	values []string
}

// demands are what both languages can ask: digests and words that must be one of a list.
func demands(p *policy.Policy) ([]demand, error) {
	list := []demand{
		{name: "host-data", claim: "x-ms-sevsnpvm-hostdata", values: texts(p.HostData)},
		{name: "mode", path: []string{"mode"}, values: []string{p.Mode}},
	}
	add := func(name string, values []string, path ...string) {
		if values != nil {
			list = append(list, demand{name: name, path: path, values: values})
		}
	}
	add("plugin-set", texts(p.PluginSet), "plugin_set")
	required := p.PluginSet != nil
	for _, name := range slices.Sorted(maps.Keys(p.Plugins)) {
		rule := p.Plugins[name]
		if !rule.Required {
			continue
		}
		required = true
		add(name+"-wasm", texts(rule.Wasm), "plugins", name, "wasm")
		add(name+"-config", texts(rule.Config), "plugins", name, "config")
	}
	add("config", texts(p.Config), "config")
	add("recipients", texts(p.Recipients), "recipients")
	add("version", p.Versions, "version")
	if !required {
		return nil, ErrNoPlugins
	}
	return list, nil
}

func texts(digests []policy.Digest) []string {
	if digests == nil {
		return nil
	}
	out := make([]string, len(digests))
	for i, d := range digests {
		out[i] = d.String()
	}
	return out
}

// issuers are the accepted instances, or the simulator's.
func issuers(p *policy.Policy) []policy.Issuer {
	if s := p.Simulated; s != nil {
		return []policy.Issuer{{Issuer: s.Issuer, PolicyHash: s.PolicyHash}}
	}
	return p.Issuers
}

func uvmIssuer(p *policy.Policy) string {
	if s := p.Simulated; s != nil {
		return s.UVMDID
	}
	return p.UVM.Issuer
}

// omitted is what neither language is asked. MAA verifies AMD's chain and the utility VM's
// endorsement by itself, and says so in the token.
func omitted(p *policy.Policy) (out []string) {
	say := func(yes bool, format string, args ...any) {
		if yes {
			out = append(out, fmt.Sprintf(format, args...))
		}
	}
	say(true, "products and minimum_tcb: which hardware and firmware is acceptable.")
	say(p.ChipIDs != nil, "chip_ids.")
	say(p.Platform != nil || p.GuestPolicy != nil || p.CommittedFirmware || p.Revocation != nil, "platform, guest_policy, committed_firmware and revocation.")
	say(p.MaxAge != 0, "max_age: a token counts until it expires.")
	say(p.Log != nil, "log: neither service knows a transparency log.")
	for _, name := range slices.Sorted(maps.Keys(p.Plugins)) {
		rule := p.Plugins[name]
		say(rule.Forbidden && p.PluginSet == nil, "plugin %s, which is forbidden.", name)
		say(!rule.Forbidden && !rule.Required && p.PluginSet == nil, "plugin %s, which need not be there.", name)
	}
	say(p.PluginSet == nil, "Plugins without a rule: they are refused by a plugin_set only.")
	return out
}
