package policy

import (
	"fmt"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"

	"github.com/veriproof/notary/attestation/snp"
)

// comments say for each key what pinning it means, in the words of whoever has to
// keep the file.
var comments = map[string]string{
	"format":      "The version of this file's format.",
	"issuers":     "The instances of Microsoft Azure Attestation whose tokens count, exactly. policy_hash\nis that of the instance's own policy: whoever runs an instance can make it attest\nanything, so \"any\" trusts them. Without jwks a verifier must be given the key set.",
	"require":     "The paths that must pass: hardware is AMD's chain, the utility VM's endorsement and\nHOST_DATA; maa is the token. Both together trust neither alone.",
	"products":    "The product lines of AMD processors.",
	"minimum_tcb": "The least firmware: the reported, committed and launch TCB, of which a token tells the\nreported one without fmc. Raise it when AMD publishes a fix and the hosts have it.",
	"host_data": "SHA-256 of the container group's policy, which pins the layers of every image: THIS\n" +
		"says which code is the notary. It was copied from what the notary showed. Compare it\n" +
		"with the value that the operator published, or compute it from the policy's source.",
	"chip_ids":           "The single chips that may run it. A group that is moved to another host is refused.",
	"platform":           "What the platform must have, and must not have, switched on.",
	"guest_policy":       "The same for the policy that the guest was launched with.",
	"committed_firmware": "Refuses firmware that the host can still roll back.",
	"revocation":         "AMD's revocation lists. They are never fetched and go stale.",
	"uvm":                "Microsoft's utility VM below the containers. Endorsements do not expire: only min_svn\nretires a vulnerable one, so raise it when Microsoft does.",
	"plugin_set":         "Digest of all plugins with their order, configurations and limits. It changes with\neach of them; take it out to go by the single rules below.",
	"plugins":            "Rules per plugin: the module's and the configuration's digests. A required one must be\nloaded. Compare the digests with a build from source.",
	"config":             "Digest of the notary's configuration file.",
	"recipients":         "Digest of the keys that can read sealed sessions. If it changes, somebody else can.",
	"mode":               "enforce: what cannot be redacted is refused. In mode shadow everything is stored as it\nwas sent, in mode none there is no redactor at all. Only the demanded mode is accepted.",
	"versions":           "Versions of the notary, as it says itself.",
	"max_age":            "How old a token may be.",
	"log":                "The transparency log that commitments must be in. With witnesses and quorum, so many\nof them must have cosigned its tree: then the log cannot show others another one.",
	"simulated":          "SIMULATED HARDWARE: whoever has the simulator's directory can forge what this accepts.",
}

const header = "A relying party's policy for a notary, made from Evidence that it showed. The Evidence\n" +
	"is true; whether it is of the right notary only you can say. Compare every digest\n" +
	"below with a source that the notary's host does not control, before you use this."

const milanComment = "\nWARNING: Milan's root seed is public (arXiv 2605.12990): software alone can forge its\n" +
	"reports. Prefer a notary on Genoa or Turin. chip_ids below narrows it down, no more."

// YAML returns the policy as a file, with a comment at each key. Parse gives the
// same policy back.
func (p *Policy) YAML() ([]byte, error) {
	plainText, err := yaml.Dump(p)
	if err != nil {
		return nil, fmt.Errorf("write policy: %w", err)
	}
	var doc yaml.Node
	if err := yaml.Load(plainText, &doc); err != nil {
		return nil, fmt.Errorf("write policy: %w", err)
	}
	top := doc.Content[0]
	for i := 0; i+1 < len(top.Content); i += 2 {
		key := top.Content[i]
		key.HeadComment = comments[key.Value]
		if key.Value == "products" && slices.Contains(p.Products, snp.Milan) {
			key.HeadComment += milanComment
		}
	}
	body, err := yaml.Dump(&doc)
	if err != nil {
		return nil, fmt.Errorf("write policy: %w", err)
	}
	return []byte("# " + strings.ReplaceAll(header, "\n", "\n# ") + "\n\n" + spaced(string(body))), nil
}

// spaced puts an empty line before each commented key.
func spaced(body string) string {
	var b strings.Builder
	last := "#"
	for line := range strings.Lines(body) {
		if strings.HasPrefix(line, "#") && !strings.HasPrefix(last, "#") {
			b.WriteByte('\n')
		}
		b.WriteString(line)
		last = line
	}
	return b.String()
}

// Explain says in sentences what the policy demands, what it leaves open, and
// what a careful relying party should know about it (see Warnings, whose
// sentences come last, marked).
func (p *Policy) Explain() []string {
	e := explainer{}
	e.explainPaths(p)
	e.explainHardware(p)
	e.explainNotary(p)
	for _, w := range p.Warnings() {
		e.say("Warning: %s", w)
	}
	return e.lines
}

type explainer struct{ lines []string }

func (e *explainer) say(format string, args ...any) {
	e.lines = append(e.lines, fmt.Sprintf(format, args...))
}

// either says the first sentence if the policy looks at something, else the second.
func (e *explainer) either(given bool, yes, no string) {
	if given {
		e.say("%s", yes)
	} else {
		e.say("Not looked at: %s", no)
	}
}

func (e *explainer) explainPaths(p *Policy) {
	both := slices.Contains(p.Require, PathMAA) && slices.Contains(p.Require, PathHardware)
	switch {
	case both:
		e.say("Both paths must pass: AMD's certificates with the utility VM's endorsement, and a token of Microsoft Azure Attestation.")
	case slices.Contains(p.Require, PathMAA):
		e.say("Only the token of Microsoft Azure Attestation must pass: its word is taken for the hardware.")
	default:
		e.say("Only the hardware path must pass: AMD's certificates and the utility VM's endorsement. Tokens need not be there, but must not be false.")
	}
	for _, is := range p.Issuers {
		keys, hash := "the verifier must be given its key set", "any policy of the instance is accepted"
		if is.JWKS != "" {
			keys = "its key set is pinned here"
		}
		if is.PolicyHash != "" && is.PolicyHash != AnyPolicyHash {
			hash = "under the policy " + is.PolicyHash
		}
		e.say("Tokens count from %s, %s; %s.", is.Issuer, hash, keys)
	}
	e.either(p.MaxAge != 0, fmt.Sprintf("A token must not be older than %s. That dates the token and not the report, of which it may be made again and again.", p.MaxAge),
		"the age of a token, besides its own expiry.")
}

func (e *explainer) explainHardware(p *Policy) {
	e.say("The processor must be one of %v. Debugging, migration and VMPLs other than 0 are always refused.", p.Products)
	for _, line := range p.Products {
		which := "the reported, committed and launch TCB must each"
		if !slices.Contains(p.Require, PathHardware) {
			which = "the reported TCB, the only one that a token tells, must"
		}
		if t, ok := p.MinimumTCB[line]; ok {
			e.say("On %s %s be at least %s.", line, which, t.Parts())
		}
	}
	e.say("HOST_DATA must be one of %d values: this is what identifies the notary's code. %s", len(p.HostData), list(p.HostData))
	e.either(p.ChipIDs != nil, fmt.Sprintf("The chip must be one of %d.", len(p.ChipIDs)), "which chip it is.")
	for _, b := range slices.Concat(p.Platform.bits(), p.GuestPolicy.bits()) {
		if b.demand != "" {
			e.say("%s is %s.", b.key, b.demand)
		}
	}
	e.either(p.CommittedFirmware, "Firmware that the host can still roll back is refused.", "whether the host can roll the firmware back; much of Azure's hardware would be refused.")
	switch r := p.Revocation; {
	case r != nil && r.Required:
		e.say("A current revocation list of AMD is required; %d are in the policy.", len(r.CRLs))
	case r != nil:
		e.say("%d revocation lists of AMD are in the policy; none is required for other product lines.", len(r.CRLs))
	default:
		e.say("Not looked at: revocation, unless the verifier is given a list.")
	}
	e.say("The utility VM must be of the feed %s with an SVN of at least %d.", p.UVM.Feed, p.UVM.MinSVN)
}

func (e *explainer) explainNotary(p *Policy) {
	e.either(p.PluginSet != nil, "The plugin set as a whole must be one of: "+list(p.PluginSet), "the plugin set as a whole.")
	for _, name := range sortedKeys(p.Plugins) {
		switch rule := p.Plugins[name]; {
		case rule.Forbidden:
			e.say("Plugin %s must not be loaded.", name)
		case rule.Required:
			e.say("Plugin %s must be loaded, with one of %d modules and %s.", name, len(rule.Wasm), configurations(rule))
		default:
			e.say("Plugin %s may be loaded, with one of %d modules and %s.", name, len(rule.Wasm), configurations(rule))
		}
	}
	if p.Plugins != nil && p.PluginSet == nil {
		e.say("A plugin without a rule is refused.")
	}
	e.either(p.Config != nil, "The configuration must be one of: "+list(p.Config), "the notary's configuration.")
	e.either(p.Recipients != nil, "The recipients' keys must be one of: "+list(p.Recipients), "who can read sealed sessions.")
	e.say("The mode must be %s.", p.Mode)
	e.either(p.Versions != nil, fmt.Sprintf("The version must be one of %v.", p.Versions), "the notary's version.")
	if p.Log != nil {
		e.say("Commitments must be in the log %s, under one of %d keys.", p.Log.Origin, len(p.Log.Keys))
		e.either(p.Log.Quorum > 0, fmt.Sprintf("Of %d witnesses at least %d must have cosigned the log's tree.", len(p.Log.Witnesses), p.Log.Quorum),
			"witnesses of the log: whoever operates it can show others another one.")
		if p.Log.Quorum > 0 {
			e.either(p.Log.CosignedWithin > 0, fmt.Sprintf("A cosignature counts only within %s of the time of sealing.", p.Log.CosignedWithin),
				"how long after the sealing witnesses cosigned: the time of sealing is the host's word.")
		}
	} else {
		e.say("Not looked at: the transparency log. The proof of an evidence bundle is then not-done, and the bundle incomplete.")
	}
}

func configurations(rule Plugin) string {
	if rule.Config == nil {
		return "any configuration"
	}
	return fmt.Sprintf("one of %d configurations", len(rule.Config))
}

func list(digests []Digest) string {
	text := make([]string, len(digests))
	for i, d := range digests {
		text[i] = d.String()
	}
	return strings.Join(text, ", ") + "."
}

func sortedKeys(m map[string]Plugin) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
