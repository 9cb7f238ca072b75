package pluginhost

import (
	"crypto/sha256"
	"encoding/hex"
	"strconv"

	"github.com/veriproof/notary/attestation/runtimedata"
	"github.com/veriproof/notary/attestation/transcript"
)

// Engine names what turns a module into behaviour besides the module itself:
// the engine, the metering, the deny-WASI and the ABI. It is part of the plugin
// set's digest and changes whenever one of them changes what a guest does.
const Engine = "wazero/1.12.0 meter/1 deny-wasi/1 rdx/1.0 sto/1.0"

// A measurement holds the digests of one plugin.
type measurement struct {
	wasm, config, limits [32]byte
}

func measure(s *Source, l Limits) measurement {
	return measurement{
		wasm:   sha256.Sum256(s.Module),
		config: sha256.Sum256(s.Config),
		limits: transcript.New("veriproof-notary/plugin-limits/v1").
			Uint64(uint64(l.MemoryPages)).Uint64(l.Fuel).Sum(),
	}
}

// Plugins returns what runtime data says about each plugin. Order counts from
// 1.
func (s *Set) Plugins() map[string]runtimedata.Plugin {
	out := make(map[string]runtimedata.Plugin, len(s.plugins))
	for i, p := range s.plugins {
		out[p.name] = runtimedata.Plugin{
			Config: hex.EncodeToString(p.digests.config[:]),
			Kind:   string(p.kind),
			Limits: hex.EncodeToString(p.digests.limits[:]),
			Order:  strconv.Itoa(i + 1),
			Wasm:   hex.EncodeToString(p.digests.wasm[:]),
		}
	}
	return out
}

// Digest returns the plugin set's digest: the SHA-256 of a transcript with
// domain "veriproof-notary/plugin-set/v1" over [Engine], the number of plugins,
// and for each plugin in order its name, kind, order, and the digests of its
// module, configuration and limits. The limits digest is that of a transcript
// with domain "veriproof-notary/plugin-limits/v1" over memory pages and fuel.
func (s *Set) Digest() [32]byte {
	t := transcript.New("veriproof-notary/plugin-set/v1").String(Engine).Uint64(uint64(len(s.plugins)))
	for i, p := range s.plugins {
		t.String(p.name).String(string(p.kind)).Uint64(uint64(i + 1))
		t.Bytes(p.digests.wasm[:]).Bytes(p.digests.config[:]).Bytes(p.digests.limits[:])
	}
	return t.Sum()
}
