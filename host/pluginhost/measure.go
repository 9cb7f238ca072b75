package pluginhost

import (
	"crypto/sha256"
	"encoding/hex"
	"strconv"

	"github.com/veriproof/notary/attestation/runtimedata"
	"github.com/veriproof/notary/attestation/transcript"
	"github.com/veriproof/notary/sdk/plugin/abi"
)

// Engine names what turns a module into behaviour besides the module itself:
// the engine, the metering, the deny-WASI and the ABI. It is part of the plugin
// set's digest and changes whenever one of them changes what a guest does.
const Engine = "wazero/1.12.0 meter/3 deny-wasi/1 rdx/1.0 sto/1.2"

// A measurement holds the digests of one plugin.
type measurement struct {
	name                 string
	kind                 abi.Kind
	wasm, config, limits [32]byte
}

func measure(s *Source, l Limits) measurement {
	return measurement{
		name: s.Name, kind: s.Kind,
		wasm:   sha256.Sum256(s.Module),
		config: sha256.Sum256(s.Config),
		limits: transcript.New("veriproof-notary/plugin-limits/v1").
			Uint64(uint64(l.MemoryPages)).Uint64(l.Fuel).Sum(),
	}
}

// Measure returns what [Set.Plugins] and [Set.Digest] would return, without
// running or compiling anything, for whoever has to approve a plugin set. It
// refuses what [Load] refuses by looking at it.
func Measure(sources []Source) (map[string]runtimedata.Plugin, [32]byte, error) {
	var all []measurement
	for i := range sources {
		_, limits, err := inspect(&sources[i])
		if err != nil {
			return nil, [32]byte{}, &LoadError{sources[i].Name, err}
		}
		all = append(all, measure(&sources[i], limits))
	}
	return describePlugins(all), digest(all), nil
}

func (s *Set) measurements() []measurement {
	var all []measurement
	for _, p := range s.plugins {
		all = append(all, p.digests)
	}
	return all
}

// Plugins returns what runtime data says about each plugin. Order counts from
// 1.
func (s *Set) Plugins() map[string]runtimedata.Plugin { return describePlugins(s.measurements()) }

func describePlugins(all []measurement) map[string]runtimedata.Plugin {
	out := make(map[string]runtimedata.Plugin, len(all))
	for i, m := range all {
		out[m.name] = runtimedata.Plugin{
			Config: hex.EncodeToString(m.config[:]),
			Kind:   string(m.kind),
			Limits: hex.EncodeToString(m.limits[:]),
			Order:  strconv.Itoa(i + 1),
			Wasm:   hex.EncodeToString(m.wasm[:]),
		}
	}
	return out
}

// Digest returns the plugin set's digest: the SHA-256 of a transcript with
// domain "veriproof-notary/plugin-set/v1" over [Engine], the number of plugins,
// and for each plugin in order its name, kind, order, and the digests of its
// module, configuration and limits. The limits digest is that of a transcript
// with domain "veriproof-notary/plugin-limits/v1" over memory pages and fuel.
func (s *Set) Digest() [32]byte { return digest(s.measurements()) }

func digest(all []measurement) [32]byte {
	t := transcript.New("veriproof-notary/plugin-set/v1").String(Engine).Uint64(uint64(len(all)))
	for i, m := range all {
		t.String(m.name).String(string(m.kind)).Uint64(uint64(i + 1))
		t.Bytes(m.wasm[:]).Bytes(m.config[:]).Bytes(m.limits[:])
	}
	return t.Sum()
}
