package attestation

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/veriproof/notary/attestation/policy"
	"github.com/veriproof/notary/attestation/runtimedata"
)

// notaryClaims compares what the runtime data says with the policy. Nothing of
// it counts before a true token or report binds it.
func (a *appraisal) notaryClaims() {
	if a.data == nil || !a.bound {
		a.skipRest("notary.", "no verified token or report binds the runtime data")
		return
	}
	n := a.data.Notary
	a.checkDigest("notary.plugin-set", "plugin_set", a.p.PluginSet, n.PluginSet)
	a.checkPlugins(n.Plugins)
	a.checkDigest("notary.config", "config", a.p.Config, n.Config)
	a.checkDigest("notary.recipients", "recipients", a.p.Recipients, n.Recipients)
	a.accept(n.Mode == a.p.Mode, "notary.mode", "mode is %q, the policy wants %q", n.Mode, a.p.Mode)
	if a.p.Versions == nil {
		a.waive("notary.version", "the policy gives no versions; the notary is %s", n.Version)
		return
	}
	a.accept(slices.Contains(a.p.Versions, n.Version), "notary.version", "version is %s, accepted are %v", n.Version, a.p.Versions)
}

func (a *appraisal) checkDigest(name, key string, accepted []policy.Digest, got string) {
	if accepted == nil {
		a.waive(name, "the policy gives no %s; the notary has %s", key, got)
		return
	}
	a.accept(contains(accepted, got), name, "%s, the policy accepts %d values", got, len(accepted))
}

func (a *appraisal) checkPlugins(loaded map[string]runtimedata.Plugin) {
	if a.p.Plugins == nil {
		a.waive("notary.plugins", "the policy gives no rules for plugins")
		return
	}
	var faults []string
	for _, name := range slices.Sorted(maps.Keys(a.p.Plugins)) {
		plugin, present := loaded[name]
		if fault := pluginFault(a.p.Plugins[name], plugin, present); fault != "" {
			faults = append(faults, name+" "+fault)
		}
	}
	// A set pinned as a whole vouches for each of its plugins. Without it a
	// plugin that no rule knows is unknown code.
	for _, name := range slices.Sorted(maps.Keys(loaded)) {
		if _, ok := a.p.Plugins[name]; !ok && a.p.PluginSet == nil {
			faults = append(faults, name+" has no rule and no plugin_set vouches for it")
		}
	}
	if len(faults) > 0 {
		a.fail("notary.plugins", ClassUnacceptable, "%s", strings.Join(faults, "; "))
		return
	}
	a.pass("notary.plugins", "%d plugins, %d rules", len(loaded), len(a.p.Plugins))
}

// pluginFault says what is wrong about one plugin, or "".
func pluginFault(rule policy.Plugin, p runtimedata.Plugin, present bool) string {
	switch {
	case !present && rule.Required:
		return "is required and not loaded"
	case !present:
		return ""
	case rule.Forbidden:
		return "is forbidden"
	case !contains(rule.Wasm, p.Wasm):
		return fmt.Sprintf("has the module %s, which is not accepted", p.Wasm)
	case rule.Config != nil && !contains(rule.Config, p.Config):
		return fmt.Sprintf("has the configuration %s, which is not accepted", p.Config)
	}
	return ""
}
