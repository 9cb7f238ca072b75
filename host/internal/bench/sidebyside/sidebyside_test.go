// Package sidebyside compares the notary's way of calling a plugin with others, in one
// run: the same scanner, compiled by the same Go, over the same batch of 64 KiB.
//
// What each way gives beside the answer is in its name: "bounded" means that a guest
// which never ends is stopped, "restored" that a call finds nothing of the one before.
// A notary needs both.
//
// It is a module of its own, so that what it compares with is no dependency of the
// notary.
package sidebyside

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	extism "github.com/extism/go-sdk"
	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
	"github.com/tetratelabs/wazero/imports/wasi_snapshot_preview1"

	"github.com/veriproof/notary/host/internal/bench/sidebyside/scan"
	"github.com/veriproof/notary/host/internal/bench/sidebyside/wire"
	"github.com/veriproof/notary/host/pluginhost"
	"github.com/veriproof/notary/sdk/plugin/abi"
	"github.com/veriproof/notary/sdk/plugin/build"
	"github.com/veriproof/notary/sdk/plugin/golden"
)

// A span is a finding.
type span struct{ start, end int }

// A caller gives the text to a guest and returns what it found.
type caller func(ctx context.Context, text []byte) ([]span, error)

// A way is one of those that are compared.
type way struct {
	name string
	open func(tb testing.TB) caller
}

var ways = []way{
	{"native", native},
	{"notary/bounded,restored", notary},
	{"wazero", bare(false)},
	{"wazero-close-on-context-done/bounded", bare(true)},
	{"extism", extismCaller(0)},
	{"extism-timeout/bounded", extismCaller(10_000)},
	{"go-plugin", goPlugin(false)},
	{"go-plugin-close-on-context-done/bounded", goPlugin(true)},
}

// batch is 64 KiB of prose with 36 badge numbers in it.
func batch() []byte {
	text := golden.Prose(abi.MaxBatchText)
	for i := range 36 {
		copy(text[i*1800+100:], fmt.Sprintf(" B-%06d ", i*7919))
	}
	return text
}

// deadline is what those calls have that are bounded by time.
const deadline = 10 * time.Second

func TestSameFindings(t *testing.T) {
	text := batch()
	want, err := native(t)(t.Context(), text)
	if err != nil || len(want) != 36 {
		t.Fatalf("%d findings, %v", len(want), err)
	}
	for _, w := range ways {
		call := w.open(t)
		for range 2 {
			if got, err := call(t.Context(), text); err != nil || !slices.Equal(got, want) {
				t.Errorf("%s: %d findings, want %d (%v)", w.name, len(got), len(want), err)
			}
		}
	}
}

func BenchmarkCall(b *testing.B) {
	text := batch()
	for _, w := range ways {
		b.Run(w.name, func(b *testing.B) {
			call := w.open(b)
			b.SetBytes(int64(len(text)))
			for b.Loop() {
				if _, err := call(b.Context(), text); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func native(testing.TB) caller {
	return func(_ context.Context, text []byte) (out []span, _ error) {
		scan.Scan(text, func(start, end int) { out = append(out, span{start, end}) })
		return out, nil
	}
}

var redactor = sync.OnceValues(func() ([]byte, error) {
	return build.Module(context.Background(), filepath.Join("guest", "rdx"))
})

// notary is one call as the plugin host makes it: metered, checked, put back.
func notary(tb testing.TB) caller {
	module, err := redactor()
	if err != nil {
		tb.Fatal(err)
	}
	p, err := pluginhost.NewProbe(tb.Context(), pluginhost.Source{Name: "rdx", Kind: abi.KindRedactor, Module: module})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { p.Close(context.Background()) })
	return func(ctx context.Context, text []byte) ([]span, error) {
		trial, err := p.Try(ctx, []abi.Field{{Text: text}})
		return spans(trial.Edits), err
	}
}

func spans(edits []abi.Edit) []span {
	out := make([]span, len(edits))
	for i, e := range edits {
		out[i] = span{int(e.Start), int(e.End)}
	}
	return out
}

// bare is the same module in wazero as it comes: the reply is read, and nothing of the
// guest is bounded, checked or put back, but by the context's end if closing is true.
func bare(closing bool) func(testing.TB) caller {
	return func(tb testing.TB) caller {
		module, err := redactor()
		if err != nil {
			tb.Fatal(err)
		}
		ctx := context.Background()
		r := wazero.NewRuntimeWithConfig(ctx, wazero.NewRuntimeConfigCompiler().WithCloseOnContextDone(closing))
		tb.Cleanup(func() { r.Close(ctx) })
		wasi_snapshot_preview1.MustInstantiate(ctx, r)
		mod, err := r.InstantiateWithConfig(ctx, module, wazero.NewModuleConfig().WithStartFunctions("_initialize"))
		if err != nil {
			tb.Fatal(err)
		}
		alloc, redact := mod.ExportedFunction(abi.ExportRdxAlloc), mod.ExportedFunction(abi.ExportRdxRedact)
		if _, err := hand(ctx, mod, alloc, mod.ExportedFunction(abi.ExportRdxConfigure), nil); err != nil {
			tb.Fatal(err)
		}
		return func(ctx context.Context, text []byte) ([]span, error) {
			if closing {
				var cancel context.CancelFunc
				ctx, cancel = context.WithTimeout(ctx, deadline)
				defer cancel()
			}
			request, err := abi.AppendRequest(nil, []abi.Field{{Text: text}})
			if err != nil {
				return nil, err
			}
			packed, err := hand(ctx, mod, alloc, redact, request)
			if err != nil {
				return nil, err
			}
			reply, _ := mod.Memory().Read(abi.Unpack(packed))
			_, edits, err := abi.DecodeReply(reply, abi.MaxEdits, nil)
			return spans(edits), err
		}
	}
}

// hand hands a message over and calls.
func hand(ctx context.Context, mod api.Module, alloc, call api.Function, message []byte) (uint64, error) {
	var stack [2]uint64
	stack[0] = uint64(len(message) + abi.Tail)
	if err := alloc.CallWithStack(ctx, stack[:]); err != nil {
		return 0, err
	}
	at := uint32(stack[0])
	if !mod.Memory().Write(at, message) {
		return 0, errors.New("no buffer")
	}
	stack[0], stack[1] = uint64(at), uint64(len(message))
	err := call.CallWithStack(ctx, stack[:])
	return stack[0], err
}

// guest compiles one of the guests that are not built as plugins of this project.
func guest(tb testing.TB, name string) string {
	tb.Helper()
	out := filepath.Join(tb.TempDir(), name+".wasm")
	cmd := exec.CommandContext(tb.Context(), "go", "build", "-buildmode=c-shared", "-trimpath", "-buildvcs=false", "-ldflags=-s -w", "-o", out, "./guest/"+name)
	cmd.Env = append(os.Environ(), "GOOS=wasip1", "GOARCH=wasm", "CGO_ENABLED=0")
	if text, err := cmd.CombinedOutput(); err != nil {
		tb.Fatalf("%v\n%s", err, text)
	}
	return out
}

func extismCaller(timeoutMS uint64) func(testing.TB) caller {
	return func(tb testing.TB) caller {
		p, err := extism.NewPlugin(context.Background(), extism.Manifest{
			Wasm: []extism.Wasm{extism.WasmFile{Path: guest(tb, "extism")}}, Timeout: timeoutMS,
		}, extism.PluginConfig{EnableWasi: true, RuntimeConfig: wazero.NewRuntimeConfigCompiler()}, nil)
		if err != nil {
			tb.Fatal(err)
		}
		tb.Cleanup(func() { p.Close(context.Background()) })
		return func(ctx context.Context, text []byte) ([]span, error) {
			_, b, err := p.CallWithContext(ctx, "scan", text)
			if err != nil {
				return nil, err
			}
			var out []span
			for r := bytes.NewReader(b); r.Len() >= 8; {
				var v uint64
				binary.Read(r, binary.LittleEndian, &v)
				out = append(out, span{int(v >> 32), int(uint32(v))})
			}
			return out, nil
		}
	}
}

func goPlugin(closing bool) func(testing.TB) caller {
	return func(tb testing.TB) caller {
		ctx := context.Background()
		p, err := wire.NewScannerPlugin(ctx, wire.WazeroRuntime(func(ctx context.Context) (wazero.Runtime, error) {
			r := wazero.NewRuntimeWithConfig(ctx, wazero.NewRuntimeConfigCompiler().WithCloseOnContextDone(closing))
			_, err := wasi_snapshot_preview1.Instantiate(ctx, r)
			return r, err
		}))
		if err != nil {
			tb.Fatal(err)
		}
		s, err := p.Load(ctx, guest(tb, "goplugin"))
		if err != nil {
			tb.Fatal(err)
		}
		tb.Cleanup(func() { s.Close(ctx) })
		return func(ctx context.Context, text []byte) ([]span, error) {
			if closing {
				var cancel context.CancelFunc
				ctx, cancel = context.WithTimeout(ctx, deadline)
				defer cancel()
			}
			reply, err := s.Scan(ctx, &wire.Text{Text: text})
			if err != nil {
				return nil, err
			}
			var out []span
			for _, e := range reply.GetEdits() {
				out = append(out, span{int(e.GetStart()), int(e.GetEnd())})
			}
			return out, nil
		}
	}
}
