package fuel_test

import (
	"context"
	"fmt"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"

	"github.com/veriproof/notary/host/pluginhost/fuel"
)

// A module whose function "run" never returns: (loop (br 0)).
const endless = "\x00asm\x01\x00\x00\x00" +
	"\x01\x04\x01\x60\x00\x00" + // type () -> ()
	"\x03\x02\x01\x00" + // one function of it
	"\x07\x07\x01\x03run\x00\x00" + // exported
	"\x0a\x09\x01\x07\x00\x03\x40\x0c\x00\x0b\x0b"

// A guest that never ends gets three slices of fuel, and is stopped.
func Example() {
	m, err := fuel.Parse([]byte(endless))
	if err != nil {
		panic(err)
	}
	metered, err := m.Meter(fuel.Options{YieldModule: "host", YieldName: "yield", Fuel: "fuel", Depth: "depth", InitialDepth: 1000})
	if err != nil {
		panic(err)
	}

	ctx := context.Background()
	r := wazero.NewRuntime(ctx)
	defer r.Close(ctx)
	slices := 3
	_, err = r.NewHostModuleBuilder("host").NewFunctionBuilder().WithFunc(func(_ context.Context, guest api.Module) {
		if slices--; slices < 0 {
			panic("no more")
		}
		left := guest.ExportedGlobal("fuel").(api.MutableGlobal)
		fmt.Println("asks with", int64(left.Get()))
		left.Set(left.Get() + 10_000)
	}).Export("yield").Instantiate(ctx)
	if err != nil {
		panic(err)
	}
	guest, err := r.Instantiate(ctx, metered)
	if err != nil {
		panic(err)
	}
	_, err = guest.ExportedFunction("run").Call(ctx)
	fmt.Println("stopped:", err != nil)
	// Output:
	// asks with -1026
	// asks with -260
	// asks with -520
	// stopped: true
}
