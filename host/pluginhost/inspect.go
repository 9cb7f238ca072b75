package pluginhost

import (
	"crypto/sha256"
	"maps"
	"slices"

	"github.com/veriproof/notary/sdk/plugin/abi"
)

// An Inspection is what can be said about a module without running it.
type Inspection struct {
	SHA256   [32]byte
	Manifest abi.Manifest
	// Imports are "module.function", Exports the names, both sorted.
	Imports, Exports []string
	Functions        int
	// MemoryPages is what the memory begins with.
	MemoryPages uint32
	// Score is the estimate of the compiler's work, of at most MaxScore.
	Score, MaxScore uint64
	// Refusal is why [Load] would refuse the module as it stands, or nil.
	Refusal error
}

// Inspect reads a module. It returns an error if the module cannot be read at
// all, or is over a static limit; whatever else Load would object to is the
// inspection's Refusal.
func Inspect(binary []byte) (*Inspection, error) {
	m, err := parseModule(binary)
	if err != nil {
		return nil, err
	}
	out := &Inspection{
		SHA256: sha256.Sum256(binary), Manifest: *m.manifest,
		Exports: slices.Sorted(maps.Keys(m.exports)), Functions: len(m.Functions),
		MemoryPages: m.Memories[0].Min, Score: m.score, MaxScore: maxScore,
		Refusal: m.check(m.manifest.Name, m.manifest.Kind),
	}
	for _, i := range m.Imports {
		out.Imports = append(out.Imports, i.Module+"."+i.Name)
	}
	slices.Sort(out.Imports)
	if _, err := (Limits{}).resolve(m); out.Refusal == nil {
		out.Refusal = err
	}
	return out, nil
}
