package pluginhost

import (
	"errors"
	"fmt"
	"slices"

	"github.com/veriproof/notary/host/pluginhost/fuel"
	"github.com/veriproof/notary/sdk/plugin/abi"
)

// A module is what the host has read of a guest's binary before the engine
// sees it: enough to hold the guest to its manifest, to static limits, and to
// meter it. The types of operands the engine validates.
type module struct {
	*fuel.Module
	manifest *abi.Manifest
	exports  map[string]fuel.Export
	score    uint64 // see score
}

// parseModule reads a module within the static limits.
func parseModule(binary []byte) (*module, error) {
	sections, err := abi.Sections(binary)
	if err != nil {
		return nil, err
	}
	m := &module{exports: make(map[string]fuel.Export)}
	for _, s := range sections {
		if err := m.addCustom(s); err != nil {
			return nil, err
		}
	}
	if m.manifest == nil {
		return nil, fmt.Errorf("no custom section %s: \"notary plugin build\" puts the manifest in, whatever the language", abi.ManifestSection)
	}
	if m.Module, err = fuel.Parse(binary); err != nil {
		return nil, err
	}
	for _, e := range m.Exports {
		m.exports[e.Name] = e
	}
	return m, m.withinLimits()
}

func (m *module) addCustom(s abi.Section) error {
	if s.ID != abi.SectionCustom {
		return nil
	}
	if !slices.Contains(customSections, s.Name) {
		return fmt.Errorf("custom section %q: strip it when building the plugin", s.Name)
	}
	if s.Name != abi.ManifestSection {
		return nil
	}
	if m.manifest != nil {
		return errors.New("two manifests")
	}
	var err error
	m.manifest, err = abi.ParseManifest(s.Body)
	return err
}

// mutableGlobals returns the positions of the mutable globals, which belong to
// the image.
func (m *module) mutableGlobals() []int {
	var out []int
	for i, g := range m.Globals {
		if g.Mutable {
			out = append(out, i)
		}
	}
	return out
}

// funcType returns the type of an exported function.
func (m *module) funcType(e fuel.Export) (funcType, bool) {
	i := int(e.Index)
	switch {
	case e.Kind != fuel.KindFunction:
		return funcType{}, false
	case i < len(m.Imports): // all of them functions
		return funcType(m.Types[m.Imports[i].Type]), true
	}
	return funcType(m.Types[m.Functions[i-len(m.Imports)].Type]), true
}
