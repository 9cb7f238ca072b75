// Package storedir_test runs the module store-dir as it is checked in, in a bare runtime, over
// capabilities in memory of which each call can fail.
package storedir_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"testing"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"

	"github.com/veriproof/notary/sdk/plugin/abi"
	"github.com/veriproof/notary/sdk/plugin/storage"
)

// capabilities are what the module imports.
type capabilities interface {
	storage.Streams
	storage.Payloads
}

// joined is a host whose streams may be others than its own.
type joined struct {
	storage.Streams
	storage.Payloads
}

// A guest is an instance. Its memory is put back after each call, as the notary does.
type guest struct {
	mod   api.Module
	image []byte
}

func newGuest(t testing.TB, host capabilities) *guest {
	t.Helper()
	g, code := configured(t, host, "")
	if code != 0 {
		t.Fatalf("sto_configure: %d", code)
	}
	if r, err := g.mod.ExportedFunction(abi.ExportStoMigrate).Call(t.Context()); err != nil || r[0] != 0 {
		t.Fatalf("sto_migrate: %v, %v", r, err)
	}
	return g
}

// configured returns an instance and what it says to a configuration.
func configured(t testing.TB, host capabilities, config string) (*guest, int32) {
	t.Helper()
	module, err := os.ReadFile("../module.wasm")
	if err != nil {
		t.Fatal(err)
	}
	ctx := context.Background()
	r := wazero.NewRuntime(ctx)
	t.Cleanup(func() { _ = r.Close(ctx) })
	if _, err := imports(r.NewHostModuleBuilder(abi.ImportSto), host).Instantiate(ctx); err != nil {
		t.Fatal(err)
	}
	mod, err := r.Instantiate(ctx, module)
	if err != nil {
		t.Fatal(err)
	}
	g := &guest{mod: mod}
	code, err := g.hand(abi.ExportStoConfigure, []byte(config))
	if err != nil {
		t.Fatal(err)
	}
	memory, _ := mod.Memory().Read(0, mod.Memory().Size())
	g.image = append([]byte(nil), memory...)
	return g, int32(code)
}

// imports binds the module's imports to the capabilities.
func imports(b wazero.HostModuleBuilder, host capabilities) wazero.HostModuleBuilder {
	view := func(m api.Module, at, n uint32) []byte {
		v, ok := m.Memory().Read(at, n)
		if !ok {
			panic(fmt.Sprintf("%d bytes at %#x are outside of memory", n, at))
		}
		return v
	}
	handles := func(m api.Module, at, n uint32) []uint32 {
		out := make([]uint32, n)
		for i := range out {
			out[i], _ = m.Memory().ReadUint32Le(at + 4*uint32(i))
		}
		return out
	}
	pair := func(handle, length uint32, err error) int64 {
		if err != nil {
			return int64(errno(err))
		}
		return int64(abi.Pack(handle, length))
	}
	count := func(n int, err error) int32 {
		if err != nil {
			return errno(err)
		}
		return int32(n)
	}
	for name, f := range map[string]any{
		"stream_append": func(_ context.Context, m api.Module, key, n uint32, first, last uint64, at, all, slots uint32) int32 {
			list := handles(m, at, all)
			return errno(host.Append(view(m, key, n), first, last, list[:all-slots], list[all-slots:]))
		},
		"stream_find": func(_ context.Context, m api.Module, key, n uint32, number uint64, out uint32) int32 {
			r, err := host.Find(view(m, key, n), number)
			if err == nil {
				copy(view(m, out, abi.RecordSize), abi.AppendRecord(nil, r))
			}
			return errno(err)
		},
		"stream_read": func(_ context.Context, m api.Module, key, n uint32, first uint64, part uint32) int64 {
			if part == 0 {
				return pair(host.Body(view(m, key, n), first))
			}
			return pair(host.Slot(view(m, key, n), first, int(part)-1))
		},
		"stream_erase": func(_ context.Context, m api.Module, key, n uint32, first uint64, part uint32) int32 {
			return errno(host.Erase(view(m, key, n), first, int(part)-1))
		},
		"stream_list": func(_ context.Context, m api.Module, prefix, np, cursor, nc, flags, out, room uint32) int64 {
			return int64(count(host.List(view(m, prefix, np), view(m, cursor, nc), flags != 0, view(m, out, room))))
		},
		"payload_read": func(_ context.Context, m api.Module, handle, off, out, room uint32) int32 {
			return count(host.Read(handle, off, view(m, out, room)))
		},
		"payload_new": func(_ context.Context, m api.Module, at, n uint32) int32 {
			h, err := host.New(view(m, at, n))
			return count(int(h), err)
		},
		"payload_slice": func(_ context.Context, _ api.Module, handle, off, n uint32) int32 {
			h, err := host.Slice(handle, off, n)
			return count(int(h), err)
		},
		"payload_free": func(_ context.Context, _ api.Module, handle uint32) int32 { return errno(host.Free(handle)) },
	} {
		b = b.NewFunctionBuilder().WithFunc(f).Export(name)
	}
	return b
}

func errno(err error) int32 {
	var e storage.Errno
	switch {
	case err == nil:
		return 0
	case errors.As(err, &e):
		return -int32(e)
	}
	return -int32(abi.ErrnoIO)
}

// hand gives a message to an export and returns its result.
func (g *guest) hand(export string, message []byte) (uint64, error) {
	ctx, room := context.Background(), uint64(len(message)+abi.Tail)
	at, err := g.mod.ExportedFunction(abi.ExportStoAlloc).Call(ctx, room)
	if err != nil {
		return 0, err
	}
	if at[0] == 0 || at[0]%abi.Align != 0 || !g.mod.Memory().Write(uint32(at[0]), append(message, make([]byte, abi.Tail)...)) {
		return 0, fmt.Errorf("%s: no buffer of %d bytes at %#x", export, room, at[0])
	}
	r, err := g.mod.ExportedFunction(export).Call(ctx, at[0], uint64(len(message)))
	if err != nil {
		return 0, err
	}
	return r[0], nil
}

// call makes one call and puts the memory back.
func (g *guest) call(export string, request []byte) (abi.StoStatus, []abi.Item, error) {
	packed, err := g.hand(export, request)
	if err != nil {
		return 0, nil, err
	}
	b, ok := g.mod.Memory().Read(abi.Unpack(packed))
	if packed == 0 || !ok {
		return 0, nil, fmt.Errorf("%s: no reply: %#x", export, packed)
	}
	status, items, err := abi.DecodeStoReply(b)
	memory, _ := g.mod.Memory().Read(0, g.mod.Memory().Size())
	clear(memory[copy(memory, g.image):])
	return status, items, err
}

func (g *guest) Put(p *abi.Put) (abi.StoStatus, error) {
	request, err := abi.AppendPut(nil, p)
	if err != nil {
		return abi.StoBadRequest, err
	}
	status, _, err := g.call(abi.ExportStoPut, request)
	return status, err
}

func (g *guest) Get(s abi.Selector) (abi.Item, abi.StoStatus, error) {
	status, items, err := g.call(abi.ExportStoGet, abi.AppendSelector(nil, abi.OpGet, &s))
	if err != nil || len(items) != 1 {
		return abi.Item{}, status, err
	}
	return items[0], status, nil
}

func (g *guest) List(s abi.Selector) ([]abi.Item, abi.StoStatus, error) {
	status, items, err := g.call(abi.ExportStoList, abi.AppendSelector(nil, abi.OpList, &s))
	return items, status, err
}

func (g *guest) Delete(s abi.Selector) (abi.StoStatus, error) {
	status, _, err := g.call(abi.ExportStoDelete, abi.AppendSelector(nil, abi.OpDelete, &s))
	return status, err
}
