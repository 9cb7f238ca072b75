package pluginhost

import (
	"fmt"

	"github.com/veriproof/notary/sdk/plugin/abi"
)

// Static limits, checked before the engine compiles anything. Compilation
// cannot be cancelled, and a small module can make it long: 5000 loops in
// 15 KB take 8 s, 500 nested loops over 500 locals 3 s and 300 MB.
const (
	maxTypes     = 1 << 12
	maxValues    = 64 // parameters or results of a function
	maxImports   = 64
	maxFunctions = 20_000
	maxTables    = 4
	maxTable     = 1 << 17 // elements of a table
	maxGlobals   = 1 << 10
	maxExports   = 256
	maxNameBytes = 128
	maxLocals    = 2000   // of a function, parameters included
	maxDepth     = 20_000 // of nested blocks
	// maxScore bounds the sum of codeScan.score over all functions, and by
	// that compilation to about 3 s; maxFunctionScore bounds one function, and
	// by that the compiler's memory to about 100 MB. A standard Go guest of
	// 2 MB has 43 million in all and less than one million in any function.
	maxScore         = 150_000_000
	maxFunctionScore = 20_000_000
)

var customSections = []string{abi.ManifestSection, "name", "producers", "target_features"}

// Limits bound what a plugin may use at run time. They are measured.
type Limits struct {
	// MemoryPages is the greatest memory in pages of 64 KiB. Zero means what
	// the manifest asks for; the smaller of both counts.
	MemoryPages uint32
	// Fuel bounds the work of one call, in the unit of [DefaultFuel]. Zero
	// means DefaultFuel.
	Fuel uint64
}

// DefaultFuel is the fuel of one call. A unit is one instruction, executed or
// branched over within a run of instructions without a label, or 16 bytes of a
// bulk memory operation. Leaving compiled code costs more. The built-in
// redactor takes 4 million for 64 KiB of prose and 60 million for the worst
// text known; a guest that never ends is stopped within about 0.1 s.
const DefaultFuel = 250_000_000

// setupFuel is the fuel of _initialize, of the start function and of
// configure, each, in multiples of a call's fuel.
const setupFuel = 16

// maxFuel keeps the counter, which is signed, away from wrapping.
const maxFuel = 1 << 60

// resolve gives the limits that hold for a module.
func (l Limits) resolve(m *module) (Limits, error) {
	asked := m.manifest.Limits.MemoryPages
	if l.MemoryPages == 0 || l.MemoryPages > asked {
		l.MemoryPages = asked
	}
	if l.Fuel == 0 {
		l.Fuel = DefaultFuel
	}
	if l.Fuel > maxFuel/setupFuel {
		return l, fmt.Errorf("fuel %d is over %d", l.Fuel, uint64(maxFuel/setupFuel))
	}
	if m.memory.min > l.MemoryPages {
		return l, fmt.Errorf("memory begins with %d pages, the limit is %d: raise memory_pages", m.memory.min, l.MemoryPages)
	}
	return l, nil
}
