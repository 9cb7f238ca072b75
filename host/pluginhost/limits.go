package pluginhost

import (
	"errors"
	"fmt"

	"github.com/veriproof/notary/host/pluginhost/fuel"
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
	maxNesting   = 20_000 // of blocks
	// maxScore bounds the sum of score over all functions, and by that
	// compilation to about 3 s; maxFunctionScore bounds one function, and
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
	// Fuel bounds the work of a call with a message of 64 KiB or more, in the unit of
	// [DefaultFuel]. The bound of a shorter one is less, down to a quarter. Zero
	// means DefaultFuel.
	Fuel uint64
}

// DefaultFuel is the fuel of a call with a batch of 64 KiB. A unit is about one
// instruction, or 16 bytes of a bulk memory operation; package fuel has the prices. The
// built-in redactor takes a million for 64 KiB of prose, 2 million of JSON, and 34 million for the
// worst text known.
const DefaultFuel = 250_000_000

const (
	// setupFuel is the fuel of _initialize, of the start function and of
	// configure, each, in multiples of Limits.Fuel.
	setupFuel = 16
	// maxFuel keeps the counter, which is signed, away from wrapping.
	maxFuel = 1 << 62
	// sliceFuel is what a guest gets at a time. Compiled code cannot be preempted:
	// the garbage collector, and with it every other goroutine, may have to wait for
	// the end of a slice. It takes 0.1 ms, and 7 ms if each third instruction has
	// to wait for memory.
	sliceFuel = 250_000
	// maxDepth bounds the nesting of calls, in the unit of package fuel: about 26,000
	// calls of small functions, 5,000 of large ones. The engine's own bound is
	// 50 MB of stack, which would not be the same on every machine.
	maxDepth = 1 << 19
)

// of returns the fuel of a call with a message of n bytes: a quarter of it is for what a
// guest does in any case, the rest goes by length.
func (l Limits) of(n int) uint64 {
	const full = abi.MaxBatchText
	return l.Fuel/4 + (l.Fuel-l.Fuel/4)/full*uint64(min(n, full))
}

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
	if pages := m.Memories[0].Min; pages > l.MemoryPages {
		return l, fmt.Errorf("memory begins with %d pages, the limit is %d: raise memory_pages", pages, l.MemoryPages)
	}
	return l, nil
}

// withinLimits holds a module to the static limits.
func (m *module) withinLimits() error {
	for _, n := range []struct {
		what     string
		has, max int
	}{
		{"types", len(m.Types), maxTypes},
		{"imports", len(m.Imports), maxImports},
		{"functions", len(m.Functions), maxFunctions},
		{"tables", len(m.Tables), maxTables},
		{"globals", len(m.Globals), maxGlobals},
		{"exports", len(m.Exports), maxExports},
	} {
		if n.has > n.max {
			return fmt.Errorf("%d %s, at most %d", n.has, n.what, n.max)
		}
	}
	for _, t := range m.Types {
		if len(t.Params) > maxValues || len(t.Results) > maxValues {
			return fmt.Errorf("a function of %d parameters and %d results, at most %d", len(t.Params), len(t.Results), maxValues)
		}
	}
	for _, i := range m.Imports {
		if i.Kind != fuel.KindFunction {
			return fmt.Errorf("import %q.%q is not a function; only functions can be imported", i.Module, i.Name)
		}
		if len(i.Module) > maxNameBytes || len(i.Name) > maxNameBytes {
			return fmt.Errorf("an import has a name of more than %d bytes", maxNameBytes)
		}
	}
	for _, e := range m.Exports {
		if len(e.Name) > maxNameBytes {
			return fmt.Errorf("an export has a name of more than %d bytes", maxNameBytes)
		}
	}
	for _, t := range m.Tables {
		if t.Min > maxTable || t.Bounded && t.Max > maxTable {
			return fmt.Errorf("table of %d elements (at most %d), at most %d", t.Min, t.Max, maxTable)
		}
	}
	if n := len(m.Memories); n != 1 {
		return fmt.Errorf("%d memories, want 1", n)
	}
	for _, g := range m.Globals {
		if g.Mutable && (g.Type < fuel.F64 || g.Type > fuel.I32) {
			return errors.New("a mutable global is neither i32, i64, f32 nor f64; the host could not put it back after a batch")
		}
	}
	return m.scoreFunctions()
}

var errState = errors.New("changes a table or drops a segment, which the host could not put back after a batch (table.set, table.grow, table.fill, table.copy, table.init, elem.drop, data.drop)")

func (m *module) scoreFunctions() error {
	for i := range m.Functions {
		f := &m.Functions[i]
		var err error
		switch s := score(f); {
		case f.Locals > maxLocals:
			err = fmt.Errorf("%d locals, at most %d", f.Locals, maxLocals)
		case f.Depth > maxNesting:
			err = fmt.Errorf("%d nested blocks, at most %d", f.Depth, maxNesting)
		case f.Irreversible:
			err = errState
		case s > maxFunctionScore || m.score+s > maxScore:
			err = fmt.Errorf("score %d (at most %d), %d with those before it (at most %d): it would take too long to compile; split functions with many blocks, loops and locals",
				s, maxFunctionScore, m.score+s, maxScore)
		default:
			m.score += s
		}
		if err != nil {
			return fmt.Errorf("function %d: %w", i+len(m.Imports), err)
		}
	}
	return nil
}

// score estimates the compiler's work for a function, in units of some 20 ns
// and 4 bytes, from measurements of wazero 1.12: it is quadratic in basic
// blocks (dominators, loop nesting), each local may need a value of its own
// at each join, and several at each loop, and all that is computed may wait for its
// use at the same time. BenchmarkScore holds it against the compiler.
func score(f *fuel.Function) uint64 {
	blocks := f.Blocks + f.Targets/4 + 2*f.Checks // a check splits a block
	locals := f.Locals + 1                        // the counter is like another one
	values := f.Instructions / 16
	return blocks*blocks + locals*(40*(f.Blocks+f.Targets)+400*f.Loops) + values*values
}
