package pluginhost

import (
	"context"
	"runtime"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"

	"github.com/veriproof/notary/host/pluginhost/fuel"
)

// metering ties metered guests to this host. Names that begin with rdx_ are the
// host's.
var metering = fuel.Options{
	YieldModule: "notary_meter", YieldName: "yield",
	Fuel: "rdx_fuel", Depth: "rdx_depth", Globals: "rdx_g",
	InitialDepth: maxDepth, // and no fuel: the start function asks for it
}

// giveWay is after how many slices, each of about 0.1 ms, a guest gives its
// processor to whoever waits for one.
const giveWay = 8

// instantiateYield makes the host module with the function that guests ask for
// their next slice of fuel.
//
// Why metering, and not a deadline: compiled code is not preemptible, so a
// guest in a loop would stop the garbage collector and with it the process, and
// the engine's own check for a deadline costs a multiple of the guest's time
// and looks at loops only, not at recursion. Metering is deterministic: the
// same call either always or never runs out.
func instantiateYield(ctx context.Context, r wazero.Runtime) error {
	_, err := r.NewHostModuleBuilder(metering.YieldModule).NewFunctionBuilder().
		WithGoModuleFunction(api.GoModuleFunc(func(ctx context.Context, mod api.Module, _ []uint64) {
			c := callOf(ctx)
			c.refill(fuelOf(mod))
			// The collector has had its chance already: this is Go, which it can
			// stop. Others that wait for a processor get it after some slices, and
			// not after each: an ordinary batch takes one or two, and would move to
			// another processor and its cold caches for them.
			if c.slices++; c.slices%giveWay == 0 {
				runtime.Gosched()
			}
		}), nil, nil).Export(metering.YieldName).Instantiate(ctx)
	return err
}

// fuelOf returns the guest's fuel, which newInstance has seen.
func fuelOf(mod api.Module) api.MutableGlobal {
	return mod.ExportedGlobal(metering.Fuel).(api.MutableGlobal)
}

// errSpent unwinds a guest that has no fuel left.
type errSpent struct{}

func (errSpent) Error() string { return "fuel is spent" }

// refill gives the guest its next slice. It unwinds the guest if there is no
// budget for it.
func (c *call) refill(fuel api.MutableGlobal) {
	left := int64(fuel.Get()) + c.budget
	if left < 0 {
		c.spent = true
		panic(errSpent{})
	}
	slice := min(left, sliceFuel)
	fuel.Set(uint64(slice))
	c.budget = left - slice
}

// charge takes fuel for work that the host does for the guest in proportion to
// a length the guest chose.
func (c *call) charge(mod api.Module, n uint64) {
	fuel := fuelOf(mod)
	left := int64(fuel.Get()) - int64(n)
	fuel.Set(uint64(left))
	if left < 0 {
		c.refill(fuel)
	}
}

// fund gives the guest a new budget, and the whole depth.
func (in *instance) fund(c *call, fuel uint64) {
	slice := min(fuel, sliceFuel)
	in.fuel.Set(slice)
	in.depth.Set(maxDepth)
	c.budget, c.spent = int64(fuel-slice), false
}

// left is what is left of the budget.
func (in *instance) left(c *call) int64 { return c.budget + int64(in.fuel.Get()) }
