package pluginhost

import (
	"context"
	"encoding/binary"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
)

// A hostFunction is a function that guests can import: its type, and what it
// does. It reads its parameters from the stack and leaves its result there.
type hostFunction struct {
	typ funcType
	run func(c *call, mod api.Module, stack []uint64)
}

// hostFuel is the fuel that a call of a host function takes, whatever it does.
const hostFuel = 100

// instantiateHost makes a host module of functions known under their names.
func instantiateHost(ctx context.Context, r wazero.Runtime, name string, functions map[string]hostFunction) error {
	b := r.NewHostModuleBuilder(name)
	for name, f := range functions {
		run := f.run
		b.NewFunctionBuilder().WithGoModuleFunction(
			api.GoModuleFunc(func(ctx context.Context, mod api.Module, stack []uint64) {
				c := callOf(ctx)
				c.charge(mod, hostFuel)
				run(c, mod, stack)
			}), valueTypes(f.typ.Params), valueTypes(f.typ.Results)).Export(name)
	}
	_, err := b.Instantiate(ctx)
	return err
}

func valueTypes(types string) []api.ValueType { return []api.ValueType(types) }

// Errno values of WASI preview 1.
const (
	wasiFault  = 21
	wasiNosys  = 52
	wasiNotsup = 58
)

// Bounds on what one call of WASI may ask for.
const (
	maxIOVec         = 1024
	maxSubscriptions = 64
)

// wasiFunctions are the ten functions that standard Go imports, bound to a
// world in which there is nothing: no arguments, environment or files; a clock
// that goes one microsecond per look from the same start in every call; zeros
// as random bytes; output that is dropped. So a guest behaves the same in every
// call, and has no source of anything to send and nobody to send to.
var wasiFunctions = map[string]hostFunction{
	"args_get":          {funcType{i32 + i32, i32}, succeed},
	"args_sizes_get":    {funcType{i32 + i32, i32}, writeTwoZeros},
	"environ_get":       {funcType{i32 + i32, i32}, succeed},
	"environ_sizes_get": {funcType{i32 + i32, i32}, writeTwoZeros},
	"clock_time_get":    {funcType{i32 + i64 + i32, i32}, clockTimeGet},
	"fd_write":          {funcType{i32 + i32 + i32 + i32, i32}, fdWrite},
	"poll_oneoff":       {funcType{i32 + i32 + i32 + i32, i32}, pollOneoff},
	"proc_exit":         {funcType{i32, ""}, procExit},
	"random_get":        {funcType{i32 + i32, i32}, randomGet},
	"sched_yield":       {funcType{"", i32}, succeed},
}

func succeed(_ *call, _ api.Module, stack []uint64) {
	if len(stack) > 0 {
		stack[0] = 0
	}
}

func writeTwoZeros(_ *call, mod api.Module, stack []uint64) {
	mem := mod.Memory()
	ok := mem.WriteUint32Le(uint32(stack[0]), 0) && mem.WriteUint32Le(uint32(stack[1]), 0)
	stack[0] = errnoIf(!ok, wasiFault)
}

func errnoIf(bad bool, errno uint64) uint64 {
	if bad {
		return errno
	}
	return 0
}

func clockTimeGet(c *call, mod api.Module, stack []uint64) {
	ok := mod.Memory().WriteUint64Le(uint32(stack[2]), c.tick())
	stack[0] = errnoIf(!ok, wasiFault)
}

// fdWrite says that all has been written and drops it: a guest's output could
// be plaintext.
func fdWrite(_ *call, mod api.Module, stack []uint64) {
	mem, iovs, n := mod.Memory(), uint32(stack[1]), uint32(stack[2])
	if n > maxIOVec {
		stack[0] = wasiNotsup
		return
	}
	vec, ok := mem.Read(iovs, n*8)
	if !ok {
		stack[0] = wasiFault
		return
	}
	var total uint32
	for ; len(vec) > 0; vec = vec[8:] {
		total += binary.LittleEndian.Uint32(vec[4:])
	}
	stack[0] = errnoIf(!mem.WriteUint32Le(uint32(stack[3]), total), wasiFault)
}

// pollOneoff answers as if every time asked for had passed and no file had
// anything to say, so that a sleeping guest goes on at once.
func pollOneoff(c *call, mod api.Module, stack []uint64) {
	const subscription, event = 48, 32
	mem, n := mod.Memory(), uint32(stack[2])
	if n == 0 || n > maxSubscriptions {
		stack[0] = wasiNosys
		return
	}
	in, ok1 := mem.Read(uint32(stack[0]), n*subscription)
	out, ok2 := mem.Read(uint32(stack[1]), n*event)
	if !ok1 || !ok2 || !mem.WriteUint32Le(uint32(stack[3]), n) {
		stack[0] = wasiFault
		return
	}
	for i := range int(n) {
		sub, ev := in[i*subscription:], out[i*event:][:event]
		userdata, kind := binary.LittleEndian.Uint64(sub), sub[8]
		clear(ev)
		binary.LittleEndian.PutUint64(ev, userdata)
		if ev[10] = kind; kind != 0 {
			binary.LittleEndian.PutUint16(ev[8:], wasiNotsup)
		}
	}
	c.tick()
	stack[0] = 0
}

// errExit unwinds a guest that wants to exit; it is a trap like any other.
type errExit struct{}

func (errExit) Error() string { return "guest exits" }

func procExit(*call, api.Module, []uint64) { panic(errExit{}) }

func randomGet(c *call, mod api.Module, stack []uint64) {
	n := uint32(stack[1])
	b, ok := mod.Memory().Read(uint32(stack[0]), n)
	clear(b)
	c.charge(mod, uint64(n)/16)
	stack[0] = errnoIf(!ok, wasiFault)
}
