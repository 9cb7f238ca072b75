package pluginhost

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"

	"github.com/veriproof/notary/sdk/plugin/abi"
)

// A call is what host functions know of the guest call they serve. Each call
// into a guest has its own, so nothing in it outlives the call.
type call struct {
	ctx     context.Context
	clock   uint64
	storage *storageCall // of a storage adapter, else nil
	budget  int64        // fuel that the guest has not been given yet
	slices  int          // that it has asked for
	spent   bool         // the guest ran out of fuel
}

// Clock values in nanoseconds. Calls begin behind anything that set-up has
// seen, so that a guest's clock does not run backwards.
const (
	clockStep  = 1_000
	clockSetup = 1_000_000_000
	clockCall  = 1_000_000_000_000
)

func (c *call) tick() uint64 {
	c.clock += clockStep
	return c.clock
}

type callKey struct{}

func withCall(ctx context.Context, c *call) context.Context {
	return context.WithValue(ctx, callKey{}, c)
}

// callOf returns the call of a host function's context. The engine hands on
// the context of the call into the guest, which always has one.
func callOf(ctx context.Context) *call {
	c, _ := ctx.Value(callKey{}).(*call)
	return c
}

// An instance is one guest in memory. It serves one call at a time.
type instance struct {
	mod     api.Module
	memory  api.Memory
	linear  linearMemory // behind memory, or nil
	fuel    api.MutableGlobal
	depth   api.MutableGlobal
	globals []api.MutableGlobal
	alloc   api.Function
	calls   map[string]api.Function
	home    *pool // where it is released to
}

var errEngine = errors.New("the engine does not show what the host has added to the module")

// newInstance instantiates the compiled module; the start function, if any,
// runs on the budget of the call in the context.
func (p *plugin) newInstance(ctx context.Context) (*instance, error) {
	ctx, linear := p.image.lay(ctx, int(p.limits.MemoryPages)*pageSize)
	mod, err := p.runtime.InstantiateModule(ctx, p.compiled, wazero.NewModuleConfig().WithName("").WithStartFunctions())
	if err != nil && linear != nil {
		linear.Free()
	}
	if err != nil && callOf(ctx).spent {
		return nil, errors.New("the start function does not end within its fuel")
	}
	if err != nil {
		return nil, errors.New("the module cannot be instantiated: a segment is out of bounds, or its start function traps")
	}
	in := &instance{mod: mod, memory: mod.Memory(), linear: linear, calls: make(map[string]api.Function)}
	seen := true
	global := func(name string) api.MutableGlobal {
		g, ok := mod.ExportedGlobal(name).(api.MutableGlobal)
		seen = seen && ok
		return g
	}
	in.fuel, in.depth = global(metering.Fuel), global(metering.Depth)
	for _, i := range p.mutable {
		in.globals = append(in.globals, global(metering.GlobalName(i)))
	}
	if !seen {
		return nil, errors.Join(errEngine, mod.Close(ctx))
	}
	for name := range signatures[p.kind] {
		in.calls[name] = mod.ExportedFunction(name)
	}
	in.alloc = in.calls[allocName(p.kind)]
	return in, nil
}

func allocName(k abi.Kind) string {
	if k == abi.KindStorage {
		return abi.ExportStoAlloc
	}
	return abi.ExportRdxAlloc
}

// fromImage makes an instance in the state of the image.
func (p *plugin) fromImage(ctx context.Context) (*instance, error) {
	in, err := p.newInstance(withCall(ctx, &call{ctx: ctx, clock: clockSetup, budget: p.setupBudget()}))
	if err != nil {
		return nil, err
	}
	if !in.restore(&p.image) {
		return nil, errors.Join(errEngine, in.mod.Close(ctx))
	}
	return in, nil
}

// takeImage copies the instance's state.
func (in *instance) takeImage() image {
	view, _ := in.memory.Read(0, in.memory.Size())
	var globals []uint64
	for _, g := range in.globals {
		globals = append(globals, g.Get())
	}
	return newImage(view, globals)
}

// pageSize is that of WebAssembly's pages.
const pageSize = 1 << 16

// restore puts the image back and reports whether the instance is now in its
// state. It is not if the memory has grown beyond the image, since memory does
// not shrink and its size would tell of the call before.
func (in *instance) restore(img *image) bool {
	if size := in.memory.Size(); size < uint32(len(img.memory)) {
		if _, ok := in.memory.Grow((uint32(len(img.memory)) - size) / pageSize); !ok {
			return false
		}
	}
	view, ok := in.memory.Read(0, uint32(len(img.memory)))
	if !ok || in.memory.Size() != uint32(len(img.memory)) {
		return false
	}
	if in.linear == nil {
		img.putBack(view, 0, len(view))
	} else if !in.linear.putBack(img) {
		return false
	}
	for i, g := range in.globals {
		g.Set(img.globals[i])
	}
	return true
}

// wipe clears the memory of an instance that is not put back, which closing it does not.
// Zeros are only read: memory that a guest has taken and never used stays unused.
func (in *instance) wipe() {
	memory, _ := in.memory.Read(0, in.memory.Size())
	for block := range slices.Chunk(memory, blockSize) {
		if !bytes.Equal(block, zeroBlock[:]) {
			clear(block)
		}
	}
}

// invoke calls an export and returns its one result, if it has any.
func (in *instance) invoke(ctx context.Context, f api.Function, args ...uint64) (uint64, Reason) {
	var stack [2]uint64
	copy(stack[:], args)
	err := f.CallWithStack(ctx, stack[:])
	switch {
	case err == nil:
		return stack[0], ""
	case callOf(ctx).spent:
		return 0, ReasonFuel
	case int64(in.depth.Get()) < 0:
		return 0, ReasonDepth
	}
	return 0, ReasonTrap
}

// exchange hands a message to an export, see send.
func (in *instance) exchange(ctx context.Context, export string, fuel uint64, message []byte) (uint64, Reason) {
	return in.send(ctx, export, fuel, len(message), func(b []byte) { copy(b, message) })
}

// send has a message of n bytes written, and zeros behind it, into a buffer of the guest and
// calls the export with it, within one budget.
func (in *instance) send(ctx context.Context, export string, fuel uint64, n int, write func([]byte)) (uint64, Reason) {
	in.fund(callOf(ctx), fuel)
	ptr, reason := in.invoke(ctx, in.alloc, uint64(n+abi.Tail))
	if reason != "" {
		return 0, reason
	}
	at := uint32(ptr)
	buffer, ok := in.memory.Read(at, uint32(n+abi.Tail))
	if at == 0 || at%abi.Align != 0 || !ok {
		return 0, ReasonAlloc
	}
	write(buffer[:n:n])
	clear(buffer[n:])
	return in.invoke(ctx, in.calls[export], uint64(at), uint64(n))
}

// reply returns a view of the reply in the guest's memory.
func (in *instance) reply(packed uint64) ([]byte, Reason) {
	ptr, n := abi.Unpack(packed)
	if ptr == 0 || n > abi.MaxMessage {
		return nil, ReasonReply
	}
	b, ok := in.memory.Read(ptr, n)
	if !ok {
		return nil, ReasonReply
	}
	return b, ""
}

// setupBudget is the fuel of each step of setting up.
func (p *plugin) setupBudget() int64 { return int64(p.limits.Fuel * setupFuel) }

// setUp runs what runs once in a guest's life, and takes the image. last is what an
// adapter is called with then: sto_migrate, sto_init, or nothing.
func (p *plugin) setUp(ctx context.Context, config []byte, last string) error {
	fuel := p.setupBudget()
	c := &call{ctx: ctx, clock: clockSetup, storage: p.newStorageCall(), budget: fuel}
	ctx = withCall(ctx, c)
	in, err := p.newInstance(ctx)
	if err != nil {
		return err
	}
	defer in.mod.Close(ctx)
	if f := in.mod.ExportedFunction(abi.ExportInitialize); f != nil {
		in.fund(c, uint64(fuel))
		if _, reason := in.invoke(ctx, f); reason != "" {
			return fmt.Errorf("%s failed (%s)", abi.ExportInitialize, reason)
		}
	}
	configure := abi.ExportRdxConfigure
	if p.kind == abi.KindStorage {
		configure = abi.ExportStoConfigure
	}
	status, reason := in.exchange(ctx, configure, uint64(fuel), config)
	if reason != "" {
		return fmt.Errorf("%s failed (%s)", configure, reason)
	}
	if uint32(status) != 0 {
		return fmt.Errorf("%s refuses the configuration with code %d; the plugin's README says what it means", configure, uint32(status))
	}
	p.image = in.takeImage()
	if p.kind == abi.KindStorage && last != "" {
		in.fund(c, uint64(fuel))
		return in.ready(ctx, last)
	}
	return nil
}

// ready calls sto_migrate or sto_init.
func (in *instance) ready(ctx context.Context, export string) error {
	f := in.mod.ExportedFunction(export)
	if f == nil {
		return errNothingToInit
	}
	status, reason := in.invoke(ctx, f)
	if reason != "" {
		return fmt.Errorf("%s failed (%s)", export, reason)
	}
	switch {
	case uint32(status) == 0:
		return nil
	case export == abi.ExportStoInit && uint32(status) == abi.InitNothing:
		return errNothingToInit
	case export == abi.ExportStoMigrate && uint32(status) == abi.MigrateVersion:
		return ErrStorageVersion
	}
	err := fmt.Errorf("%s failed with code %d: the storage could not be made ready; the plugin's README says what the code means", export, uint32(status))
	return withCause(err, callOf(ctx).storage.cause)
}
